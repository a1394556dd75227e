//! `cargo xtask bench`: the release build and `wasmsc bench`, which is the driver that measures. Arguments are
//! passed on as they are: `--quick`, `--scenario 4x64`, `--endurance churn`.

use std::process::Command;

use anyhow::Result;

use crate::process::{self, cargo, say};
use crate::{paths, plugins};

pub fn run(args: &[String]) -> Result<()> {
    // `cargo xtask bench --quick` needs no `--`, but who is used to cargo writes one.
    let args = if args.first().is_some_and(|first| first == "--") { &args[1..] } else { args };
    build()?;
    say("measuring");
    process::run(
        Command::new(paths::wasmsc("release")?)
            .arg("bench")
            .arg("--rule")
            .arg(paths::component("water_meter"))
            .args(args),
    )
}

/// Builds the server as users run it, and the rules.
pub fn build() -> Result<()> {
    say("building the server with optimisation (the first time takes some minutes)");
    let build = ["build", "--release", "-p", "wasmsc", "--bin", "wasmsc", "--features", "bench"];
    process::run(&mut cargo(&build)?)?;
    plugins::build()
}
