//! `cargo xtask test`: everything that needs nothing but Rust. The README and .ci/run call exactly this.

use anyhow::Result;

use crate::process::{self, cargo, cargo_for_plugins, is_there};
use crate::steps::{self, Steps};
use crate::{check, plugins};

pub fn run() -> Result<()> {
    steps::list("test", |steps| {
        check::add_to(steps)?;
        // Before the tests: the host's tests run the real components.
        steps.run("rules to WebAssembly", plugins::build)?;
        tests(steps)?;
        dependencies(steps)
    })
}

fn tests(steps: &mut Steps) -> Result<()> {
    if is_there("cargo", &["nextest", "--version"]) {
        let nextest = ["nextest", "run", "--workspace"];
        steps.run("tests", || process::run(&mut cargo(&nextest)?))?;
        steps.run("tests of the rules", || process::run(&mut cargo_for_plugins(&nextest)))?;
    } else {
        let test = ["test", "--workspace", "--lib", "--bins", "--tests"];
        steps.run("tests", || process::run(&mut cargo(&test)?))?;
        steps.run("tests of the rules", || process::run(&mut cargo_for_plugins(&test)))?;
    }
    // A step of their own, since nextest does not run them.
    let doc = ["test", "--workspace", "--doc", "--quiet"];
    steps.run("doc tests", || process::run(&mut cargo(&doc)?))?;
    steps.run("doc tests of the rules", || process::run(&mut cargo_for_plugins(&doc)))
}

/// Licences, bans and sources of the dependencies; cargo-deny finds the root's deny.toml from plugins/ too.
/// Advisories need the network and are for a human to run.
fn dependencies(steps: &mut Steps) -> Result<()> {
    if !is_there("cargo", &["deny", "--version"]) {
        steps.skip("dependencies", "skipped: cargo-deny is not installed");
        return Ok(());
    }
    let deny = ["deny", "check", "licenses", "bans", "sources"];
    steps.run("dependencies", || process::run(&mut cargo(&deny)?))?;
    steps.run("dependencies of the rules", || process::run(&mut cargo_for_plugins(&deny)))
}
