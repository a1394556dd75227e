//! Where things are: the repository, the build directories, what the builds leave there.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::plugins;

/// The repository's root.
pub fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_path_buf()
}

/// The workspace of the rules.
pub fn plugins() -> PathBuf {
    root().join("plugins")
}

/// The rules' own build directory. Fixed, so that configs and tests can name the components in it.
pub fn plugins_target() -> PathBuf {
    plugins().join("target")
}

/// The component that `cargo xtask plugins` builds from this plugin crate.
pub fn component(name: &str) -> PathBuf {
    let file = format!("{name}.wasm");
    plugins_target().join(plugins::TARGET).join("release").join(file)
}

/// The host's build directory: this program lies in its `debug` folder, wherever the user keeps it.
pub fn target() -> Result<PathBuf> {
    let exe = env::current_exe().context("cannot find the path of xtask itself")?;
    let target = exe.parent().and_then(Path::parent);
    Ok(target.context("xtask does not lie in a build directory")?.to_path_buf())
}

/// The server, as built by `cargo build` for this profile folder (`debug` or `release`).
pub fn wasmsc(profile: &str) -> Result<PathBuf> {
    Ok(target()?.join(profile).join("wasmsc"))
}
