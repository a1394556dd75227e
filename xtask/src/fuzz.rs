//! `cargo xtask fuzz`: libFuzzer searches for octets that break a promise of the SMPP crate.
//!
//! The promises are in tests/fuzz/src; here is only what it takes to run them. What libFuzzer finds worth keeping
//! stays in the build directory; tests/fuzz/corpus holds the seeds and is never written.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::steps::{self, Steps};
use crate::{paths, process};

/// As in `wasmsc_fuzz::TARGETS`; each has a folder of seeds.
const TARGETS: [&str; 5] = ["decode", "session", "text", "udh", "receipt"];

/// One input may take this long and this much; the slowest seed takes milliseconds and a few megabytes.
const LIMITS: [&str; 3] = ["-timeout=10", "-rss_limit_mb=1024", "-max_len=4096"];

/// What the command line says.
#[derive(Debug)]
pub struct Options {
    /// For each target.
    pub seconds: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { seconds: 60 }
    }
}

pub fn run(options: &Options) -> Result<()> {
    steps::list("fuzz", |steps| {
        steps.run("nightly compiler", ensure_nightly)?;
        steps.run("cargo-fuzz", ensure_cargo_fuzz)?;
        steps.run("build", || process::run(cargo_fuzz("build")?.arg("--fuzz-dir").arg(folder())))?;
        let broken = search(steps, options);
        ensure!(broken.is_empty(), "broken: {}; what broke them is in tests/fuzz/artifacts", broken.join(", "));
        Ok(())
    })
}

/// Runs every target, also behind one that failed, and returns those.
fn search(steps: &mut Steps, options: &Options) -> Vec<&'static str> {
    let mut broken = Vec::new();
    for target in TARGETS {
        if steps.run(target, || search_one(target, options.seconds)).is_err() {
            broken.push(target);
        }
    }
    broken
}

fn search_one(target: &str, seconds: u32) -> Result<()> {
    let found = build_folder()?.join("corpus").join(target);
    fs::create_dir_all(&found).with_context(|| format!("cannot create {}", found.display()))?;
    let seeds = folder().join("corpus").join(target);
    // libFuzzer writes into the first folder and only reads the others.
    let mut command = cargo_fuzz("run")?;
    command.arg("--fuzz-dir").arg(folder()).arg(target).arg(&found).arg(&seeds).arg("--");
    process::run(command.args(LIMITS).arg(format!("-max_total_time={seconds}")))
}

fn folder() -> PathBuf {
    paths::root().join("tests/fuzz")
}

fn build_folder() -> Result<PathBuf> {
    Ok(paths::target()?.join("fuzz"))
}

/// `cargo fuzz` with the nightly compiler, which has the sanitizers, whatever compiler runs us.
fn cargo_fuzz(subcommand: &str) -> Result<Command> {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "fuzz", subcommand]);
    command.current_dir(paths::root()).env("CARGO_TARGET_DIR", build_folder()?);
    Ok(command)
}

fn ensure_nightly() -> Result<()> {
    if process::is_there("rustup", &["run", "nightly", "rustc", "--version"]) {
        return Ok(());
    }
    process::run(Command::new("rustup").args(["toolchain", "install", "nightly", "--profile", "minimal"]))
}

fn ensure_cargo_fuzz() -> Result<()> {
    if process::is_there("rustup", &["run", "nightly", "cargo", "fuzz", "--version"]) {
        return Ok(());
    }
    // From the root, so that the host's compiler builds it and not whatever a folder names.
    process::run(process::cargo(&["install", "cargo-fuzz", "--locked"])?.env_remove("CARGO_TARGET_DIR"))
}
