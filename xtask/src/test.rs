//! `cargo xtask test`: everything that needs nothing but Rust. The README and .ci/run call exactly this.

use anyhow::Result;

use crate::process::{self, HOST, cargo, cargo_for_plugins, is_there};
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
    let run: &[&str] = if is_there("cargo", &["nextest", "--version"]) {
        &["nextest", "run"]
    } else {
        &["test", "--lib", "--bins", "--tests"]
    };
    // Doc tests are a step of their own, since nextest does not run them.
    let doc: &[&str] = &["test", "--doc", "--quiet"];
    let host = |command: &[&str]| process::run(&mut cargo(&[command, &HOST].concat())?);
    let rules = |command: &[&str]| process::run(&mut cargo_for_plugins(&[command, &["--workspace"]].concat()));
    steps.run("tests", || host(run))?;
    steps.run("tests of the rules", || rules(run))?;
    steps.run("doc tests", || host(doc))?;
    steps.run("doc tests of the rules", || rules(doc))
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
