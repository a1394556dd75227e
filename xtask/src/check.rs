//! `cargo xtask check`: formatting and clippy, for the host and for the rules.

use anyhow::Result;

use crate::process::{self, cargo, cargo_for_plugins};
use crate::steps::{self, Steps};

const FORMAT: [&str; 3] = ["fmt", "--all", "--check"];
const HOST_CLIPPY: [&str; 7] = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "--deny", "warnings"];
const PLUGINS_CLIPPY: [&str; 6] = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];

pub fn run() -> Result<()> {
    steps::list("check", add_to)
}

/// The steps of `check`, which are also the first ones of `test`.
pub fn add_to(steps: &mut Steps) -> Result<()> {
    steps.run("formatting", || process::run(&mut cargo(&FORMAT)?))?;
    steps.run("formatting of the rules", || process::run(&mut cargo_for_plugins(&FORMAT)))?;
    steps.run("clippy", || process::run(&mut cargo(&HOST_CLIPPY)?))?;
    steps.run("clippy of the rules", || process::run(&mut cargo_for_plugins(&PLUGINS_CLIPPY)))
}
