//! `cargo xtask check`: formatting and clippy, for the host and for the rules.

use anyhow::Result;

use crate::process::{self, HOST, cargo, cargo_for_plugins};
use crate::steps::{self, Steps};

const FORMAT: [&str; 3] = ["fmt", "--all", "--check"];
const DENY: [&str; 3] = ["--", "--deny", "warnings"];

pub fn run() -> Result<()> {
    steps::list("check", add_to)
}

/// The steps of `check`, which are also the first ones of `test`.
pub fn add_to(steps: &mut Steps) -> Result<()> {
    steps.run("formatting", || process::run(&mut cargo(&FORMAT)?))?;
    steps.run("formatting of the rules", || process::run(&mut cargo_for_plugins(&FORMAT)))?;
    let host = [&["clippy"][..], &HOST, &["--all-targets", "--all-features"], &DENY].concat();
    steps.run("clippy", || process::run(&mut cargo(&host)?))?;
    let rules = [&["clippy", "--workspace", "--all-targets"][..], &DENY].concat();
    steps.run("clippy of the rules", || process::run(&mut cargo_for_plugins(&rules)))
}
