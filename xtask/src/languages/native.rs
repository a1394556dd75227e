//! What the rules in C and Go have in common: their tools, which plugins/requirements-native.txt pins.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::folder;
use crate::process::{output, run};
use crate::steps::Steps;
use crate::{paths, python};

/// The programs zig, go and wasm-tools.
#[derive(Debug)]
pub struct Tools {
    path: OsString,
    go_cache: PathBuf,
}

impl Tools {
    /// Installs them where they are missing.
    pub fn new(steps: &mut Steps) -> Result<Tools> {
        let folder = folder()?.join("native");
        let programs = steps.run("C, Go: tools", || python::native(&folder))?;
        let tools = Tools { path: env::var_os("PATH").unwrap_or_default(), go_cache: folder.join("go-cache") };
        tools.with(&programs)
    }

    /// Also those of this folder, before all others.
    pub fn with(mut self, programs: &Path) -> Result<Tools> {
        let all = std::iter::once(programs.to_path_buf()).chain(env::split_paths(&self.path));
        self.path = env::join_paths(all).context("PATH has a folder whose name it cannot hold")?;
        Ok(self)
    }

    /// Runs a program in a folder.
    pub fn run(&self, program: &str, arguments: &[&str], at: &Path) -> Result<()> {
        run(&mut self.command(program, arguments, at))
    }

    fn command(&self, program: &str, arguments: &[&str], at: &Path) -> Command {
        let mut command = Command::new("env");
        // By env, since a program is looked for in our own PATH and not in the one that it is given.
        command.arg(program).args(arguments).current_dir(at).env("PATH", &self.path);
        // Go neither loads another toolchain nor asks anybody for packages: the SDK needs none.
        command.env("GOTOOLCHAIN", "local").env("GOPROXY", "off").env("GOCACHE", &self.go_cache);
        command.env_remove("WASMSC_CC");
        command
    }

    /// A component exports the handlers that its rule has, and no others: the host would call them.
    pub fn check_exports(&self, component: &Path, handlers: &[&str]) -> Result<()> {
        let wit = output(&mut self.command(
            "wasm-tools",
            &["component", "wit", &component.to_string_lossy()],
            Path::new("."),
        ))?;
        let exports = wit.lines().filter_map(|line| line.trim().strip_prefix("export wasmsc:plugin/"));
        let exports: Vec<&str> = exports.map(|rest| rest.split('@').next().unwrap_or(rest)).collect();
        ensure!(exports == handlers, "{} exports {exports:?}, not {handlers:?}", component.display());
        Ok(())
    }

    /// Whether the SDKs have the types of the contract that is in wit/. What wit-bindgen makes is compared where
    /// there is one: it takes minutes to build.
    pub fn check_bindings(&self, steps: &mut Steps) -> Result<()> {
        let script = paths::plugins().join("bindings.py");
        let script = script.to_string_lossy();
        steps.run("C, Go: types of the contract", || {
            self.run("python3", &[&script, "--check", "--types"], &paths::root())
        })?;
        let generator = "C, Go: what wit-bindgen makes";
        if !crate::process::is_there("wit-bindgen", &["--version"]) {
            steps.skip(generator, "skipped: no wit-bindgen");
            return Ok(());
        }
        steps.run(generator, || self.run("python3", &[&script, "--check"], &paths::root()))
    }
}
