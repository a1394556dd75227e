//! Node packages in target/, as the lock files in the repository pin them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::paths;
use crate::process::{is_there, run, say};

/// Installs the packages of a folder in the repository where they are missing or other than locked there; returns
/// the folder for `NODE_PATH`.
pub fn packages(folder: &Path, sources: &str) -> Result<PathBuf> {
    let sources = paths::root().join(sources);
    let node = folder.join("node");
    let modules = node.join("node_modules");
    let lock = sources.join("package-lock.json");
    let wanted = fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    // A copy of the lock file that was installed: the same one means there is nothing to do.
    let installed = node.join("installed.json");
    if fs::read(&installed).is_ok_and(|lock| lock == wanted) && modules.is_dir() {
        return Ok(modules);
    }

    if !is_there("node", &["--version"]) || !is_there("npm", &["--version"]) {
        bail!("node and npm are needed (on Debian: nodejs and npm)");
    }
    say("installing Node packages");
    fs::create_dir_all(&node)?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(sources.join(name), node.join(name)).with_context(|| format!("cannot copy {name}"))?;
    }
    run(Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .args(["--loglevel", "error"])
        .current_dir(&node))?;
    fs::write(&installed, wanted).with_context(|| format!("cannot write {}", installed.display()))?;
    Ok(modules)
}
