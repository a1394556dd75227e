//! Python virtual environments in target/ with the packages that lists in the repository pin.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::paths;
use crate::process::{is_there, run, say};

/// How a user gets the stock client that the examples use.
pub const INSTALL_HINT: &str = "python3 -m pip install smpplib==2.2.4";

/// The stock client alone; returns the interpreter.
pub fn environment(folder: &Path) -> Result<PathBuf> {
    make(&folder.join("venv"), "tests/interop/requirements.txt", "--require-hashes")
}

/// All stacks of the interop matrix; returns the interpreter.
pub fn stacks(folder: &Path) -> Result<PathBuf> {
    make(&folder.join("stacks"), "tests/interop/requirements-matrix.txt", "--no-deps")
}

/// The stack that cannot share an environment with the others; returns the interpreter.
pub fn smppy(folder: &Path) -> Result<PathBuf> {
    make(&folder.join("smppy"), "tests/interop/requirements-smppy.txt", "--no-deps")
}

/// What asks the API all that its description allows; returns the program.
pub fn schemathesis(folder: &Path) -> Result<PathBuf> {
    make(&folder.join("venv"), "tests/api/requirements.txt", "--no-deps")?;
    Ok(folder.join("venv/bin/schemathesis"))
}

/// What rules in Python are built with; returns the interpreter.
pub fn rules(folder: &Path) -> Result<PathBuf> {
    make(&folder.join("venv"), "plugins/sdk-py/requirements.txt", "--no-deps")
}

/// What rules in C and Go are built with; returns the folder of programs.
pub fn native(folder: &Path) -> Result<PathBuf> {
    let venv = folder.join("venv");
    make(&venv, "plugins/requirements-native.txt", "--require-hashes")?;
    Ok(venv.join("bin"))
}

/// Makes an environment where it is missing or other than asked for.
fn make(venv: &Path, list: &str, option: &str) -> Result<PathBuf> {
    let requirements = paths::root().join(list);
    let wanted = fs::read(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let python = venv.join("bin/python");
    // A copy of the list that was installed: the same list means there is nothing to do.
    let installed = venv.join("installed.txt");
    if fs::read(&installed).is_ok_and(|list| list == wanted) && is_there(&python, &["--version"]) {
        return Ok(python);
    }

    if !is_there("python3", &["-c", "import ensurepip, venv"]) {
        bail!("python3 with its venv module is needed (on Debian: python3 and python3-venv)");
    }
    say(&format!("making a Python environment with what {list} names"));
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv))?;
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .args([option, "--requirement"])
        .arg(&requirements))?;
    fs::write(&installed, wanted).with_context(|| format!("cannot write {}", installed.display()))?;
    Ok(python)
}
