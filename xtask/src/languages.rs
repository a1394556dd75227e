//! `cargo xtask languages`: builds the rules that are not written in Rust, each with the usual tools of its language, and
//! plays their cases.
//!
//! One file per language, with `pub fn build(steps: &mut Steps) -> Result<()>`. Pinned tools are installed into
//! `target/languages/`, where they stay; the components are put beside them. Nothing is written into the sources.

mod c;
mod cases;
mod go;
mod javascript;
mod native;
mod python;
mod tutorials;

use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, Result};

use crate::paths;
use crate::process::say;
use crate::steps::{self, Steps};

/// What a build leaves behind in a folder of sources.
const NOT_SOURCES: [&str; 5] = ["node_modules", "dist", ".venv", "__pycache__", "build"];

pub fn run() -> Result<()> {
    steps::list("languages", |steps| {
        build(steps)?;
        say(&format!("components are in {}", folder()?.display()));
        Ok(())
    })
}

/// Builds the rules of all languages, plays their cases and follows their tutorials.
fn build(steps: &mut Steps) -> Result<()> {
    javascript::build(steps)?;
    python::build(steps)?;
    c::build(steps)?;
    go::build(steps)?;
    cases::play(steps)?;
    tutorials::follow(steps)
}

/// Where tools and components are.
pub fn folder() -> Result<PathBuf> {
    let folder = paths::target()?.join("languages");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

/// The component of a rule.
pub fn component(name: &str) -> Result<PathBuf> {
    Ok(folder()?.join(format!("{name}.wasm")))
}

/// A folder of sources as it would be on another machine: what an earlier copy had goes, what tools left stays out.
fn copy_sources(from: &Path, to: &Path) -> Result<()> {
    match fs::remove_dir_all(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", to.display()))
        }
        _ => copy(from, to),
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    let entries = fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))?;
    for entry in entries {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        if NOT_SOURCES.iter().any(|left| name == **left) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name)).with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    Ok(())
}

/// What `wasmsc plugin new` makes of an SDK's template, at `to`.
fn fill_template(template: &Path, to: &Path, name: &str, sdk: &str) -> Result<()> {
    copy_sources(template, to)?;
    fill(to, name, sdk)
}

fn fill(folder: &Path, name: &str, sdk: &str) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            fill(&path, name, sdk)?;
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        fs::write(&path, text.replace("{{name}}", name).replace("{{sdk}}", sdk))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sdks_carry_the_contract_as_it_is() {
        let contract = |path: &str| fs::read_to_string(paths::root().join(path)).expect("the file is there");
        let original = contract("wit/plugin.wit");
        for copy in ["plugins/sdk-ts/wit/plugin.wit", "plugins/sdk-py/wasmsc_plugin/wit/plugin.wit"] {
            assert!(contract(copy) == original, "{copy} differs from wit/plugin.wit; copy it there again");
        }
    }
}
