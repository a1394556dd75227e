//! Packages of Debian's that a command needs: tshark, Kannel, Chromium.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::process::{self, is_there, say};

/// Installs a package of Debian's unless these programs are there.
pub fn ensure(package: &str, programs: &[&str]) -> Result<()> {
    if programs.iter().all(|program| Path::new(program).exists()) { Ok(()) } else { install(package) }
}

/// As root; anybody else is told what to install.
pub fn install(package: &str) -> Result<()> {
    let root = process::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !root || !is_there("apt-get", &["--version"]) {
        bail!("{package} is needed (on Debian: apt-get install {package})");
    }
    say(&format!("installing {package}"));
    let apt = |args: &[&str]| {
        process::run(Command::new("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()))
    };
    apt(&["update", "--quiet", "--quiet"])?;
    apt(&["install", "--quiet", "--quiet", "--yes", package])
}
