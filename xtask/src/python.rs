//! A Python virtual environment in target/interop with the pinned packages of tests/interop.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::paths;
use crate::process::{is_there, run, say};

/// How a user gets the stock client that the examples use.
pub const INSTALL_HINT: &str = "python3 -m pip install smpplib==2.2.4";

/// Makes the environment where it is missing or other than asked for; returns its interpreter.
pub fn environment(folder: &Path) -> Result<PathBuf> {
    let requirements = paths::root().join("tests/interop/requirements.txt");
    let wanted = fs::read(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let venv = folder.join("venv");
    let python = venv.join("bin/python");
    // A copy of the list that was installed: the same list means there is nothing to do.
    let installed = venv.join("installed.txt");
    if fs::read(&installed).is_ok_and(|list| list == wanted) && is_there(&python, &["--version"]) {
        return Ok(python);
    }

    if !is_there("python3", &["-c", "import ensurepip, venv"]) {
        bail!("python3 with its venv module is needed (on Debian: python3 and python3-venv)");
    }
    say("making a Python environment with smpplib");
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args(["--require-hashes", "--requirement"])
        .arg(&requirements))?;
    fs::write(&installed, wanted).with_context(|| format!("cannot write {}", installed.display()))?;
    Ok(python)
}
