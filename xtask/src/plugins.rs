//! `cargo xtask plugins`: builds the rules in plugins/ to WebAssembly components.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::paths;
use crate::process::{self, cargo_for_plugins, is_there, say};

/// What rules are compiled for.
pub const TARGET: &str = "wasm32-wasip2";

pub fn run() -> Result<()> {
    build()?;
    say(&format!("components are in {}", paths::component("*").display()));
    Ok(())
}

/// Builds all rules, installing the target first where it is missing.
pub fn build() -> Result<()> {
    ensure_target()?;
    say("building the rules (the first time takes a minute)");
    let args = ["build", "--workspace", "--release", "--target", TARGET];
    process::run(&mut cargo_for_plugins(&args))
}

fn ensure_target() -> Result<()> {
    if has_target() {
        return Ok(());
    }
    if !is_there("rustup", &["--version"]) {
        bail!(
            "this Rust has no target {TARGET} and there is no rustup to add it with; \
             install Rust with rustup, or the target with the package manager that Rust came from"
        );
    }
    say(&format!("adding the Rust target {TARGET} with rustup"));
    process::run(Command::new("rustup").args(["target", "add", TARGET]).current_dir(paths::root()))
}

/// Asks the compiler rather than rustup, so that a Rust from elsewhere will do.
fn has_target() -> bool {
    let libraries = process::output(
        Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).current_dir(paths::root()),
    );
    libraries.is_ok_and(|path| Path::new(path.trim()).is_dir())
}
