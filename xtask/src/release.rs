//! `cargo xtask release`: the server, built twice: once to see which code it runs, and again with what was seen.
//!
//! What a call of a rule costs is spread over a lot of code that runs once each, which compilers lay out and inline much better
//! when they know which of it that is (docs/PERFORMANCE.md has what it brings). The load is water meters that report as fast as
//! they can, then at a steady rate, and calls one behind the other. It is the very program that is built in the end that runs it,
//! as what was seen of one with other features is not for this one.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process::{self, cargo, say};
use crate::server::{self, Log, Server};
use crate::{paths, plugins};

/// Messages a second, 0 for as many as the server takes, and for how many seconds.
const LOADS: [(&str, &str); 2] = [("0", "15s"), ("1000", "10s")];
/// Calls of one rule, one behind the other, and how many.
const CALLED: [(&str, &str); 2] = [("hello", "20000"), ("conformance", "20000")];

pub fn run() -> Result<()> {
    let (host, tool) = compiler()?;
    if !tool.is_file() {
        say("installing llvm-tools, which has what reads profiles");
        process::run(Command::new("rustup").args(["component", "add", "llvm-tools"]))?;
        ensure!(tool.is_file(), "{} is not there: `rustup component add llvm-tools` should bring it", tool.display());
    }
    let folder = paths::target()?.join("profile");
    let (seen, profile) = (folder.join("seen"), folder.join("wasmsc.profdata"));
    if seen.exists() {
        std::fs::remove_dir_all(&seen).with_context(|| format!("cannot remove {}", seen.display()))?;
    }
    plugins::build()?;

    say("building the server so that it tells what it runs (ten minutes and more)");
    let telling = format!("-Cprofile-generate={}", seen.display());
    let telling = build(&folder.join("telling"), &host, &telling)?;
    load(&telling)?;
    process::run(Command::new(&tool).arg("merge").arg("--output").arg(&profile).arg(&seen))?;
    std::fs::remove_dir_all(&seen).with_context(|| format!("cannot remove {}", seen.display()))?;

    say("building the server with what was seen");
    let server = build(&folder.join("release"), &host, &format!("-Cprofile-use={}", profile.display()))?;
    say(&format!("done: {}", server.display()));
    Ok(())
}

/// The target of this machine, and the program that joins profiles.
fn compiler() -> Result<(String, PathBuf)> {
    let rustc = |args: &[&str]| process::output(Command::new("rustc").args(args).current_dir(paths::root()));
    let about = rustc(&["--version", "--verbose"])?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.context("rustc --version --verbose names no host")?.to_owned();
    let tools = Path::new(rustc(&["--print", "sysroot"])?.trim()).join("lib/rustlib").join(&host).join("bin");
    Ok((host, tools.join("llvm-profdata")))
}

/// With `--target`, so that what only runs while building is built as always.
fn build(folder: &Path, host: &str, flag: &str) -> Result<PathBuf> {
    let mut command = cargo(&["build", "--release", "-p", "wasmsc", "--bin", "wasmsc", "--target", host])?;
    command.env("CARGO_TARGET_DIR", folder).env("CARGO_ENCODED_RUSTFLAGS", flag);
    process::run(&mut command)?;
    Ok(folder.join(host).join("release/wasmsc"))
}

/// Each process adds what it ran to the others' when it ends.
fn load(wasmsc: &Path) -> Result<()> {
    let server = Server::start_of(wasmsc, "release", &server::config_text("", &[]), Log::File)?;
    for (rate, duration) in LOADS {
        let mut meters = Command::new(wasmsc);
        meters.arg("simulate").args(["--connect", &format!("127.0.0.1:{}", server.port())]);
        meters.args(["--system-id", "sim", "--password", "secret", "--meters", "2000"]);
        let reported = process::run(meters.args(["--rate", rate, "--duration", duration]));
        if reported.is_err() {
            server.show_log();
        }
        reported.context("the simulated meters failed")?;
    }
    server.stop()?;
    for (rule, calls) in CALLED {
        let component = paths::component(rule);
        process::run(
            Command::new(wasmsc).args(["plugin", "check"]).arg(component).args(["--mo", "COUNT", "--calls", calls]),
        )?;
    }
    Ok(())
}
