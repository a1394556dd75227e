//! `cargo xtask bench`: the release build and `wasmsc bench`, which is the driver that measures.

use std::process::Command;

use anyhow::Result;

use crate::process::{self, cargo, say};
use crate::{paths, plugins};

pub fn run(args: &[String]) -> Result<()> {
    say("building the server with optimisation (the first time takes some minutes)");
    let build = ["build", "--release", "-p", "wasmsc", "--bin", "wasmsc", "--features", "bench"];
    process::run(&mut cargo(&build)?)?;
    plugins::build()?;
    say("measuring");
    process::run(
        Command::new(paths::wasmsc("release")?)
            .arg("bench")
            .arg("--rule")
            .arg(paths::component("water_meter"))
            .args(args),
    )
}
