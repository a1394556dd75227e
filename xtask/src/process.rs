//! Runs other programs and says so: one `==>` line before each, the whole command line when one fails.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::paths;

/// How often a stopping child is looked at.
const POLL: Duration = Duration::from_millis(20);

/// Says what happens next.
pub fn say(what: &str) {
    println!("==> {what}");
}

/// `cargo` in the host workspace.
pub fn cargo(args: &[&str]) -> Result<Command> {
    let mut command = cargo_in(&paths::root(), args);
    command.env("CARGO_TARGET_DIR", paths::target()?);
    Ok(command)
}

/// Of the whole host workspace but the crates that its bench takes from the rules: those are of their own workspace, which has
/// their tests and clippy.
pub const HOST: [&str; 5] = ["--workspace", "--exclude", "wasmsc-plugin", "--exclude", "water-meter"];

/// `cargo` in the workspace of the rules, which has a build directory of its own.
pub fn cargo_for_plugins(args: &[&str]) -> Command {
    let mut command = cargo_in(&paths::plugins(), args);
    command.env("CARGO_TARGET_DIR", paths::plugins_target());
    command
}

fn cargo_in(workspace: &Path, args: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(args).current_dir(workspace);
    // What `cargo run` says of this program is nothing to the others: build scripts that look at it, such as ring's, would run
    // again, and all that needs them be built again, whenever one builds with and without `cargo xtask` in turns.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a program on our own terminal; an exit code other than 0 is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", line(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", line(command));
    }
    Ok(())
}

/// Runs a program and returns what it printed; an exit code other than 0 is an error with its stderr.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{}`", line(command)))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` failed: {}\n{}", line(command), output.status, stderr.trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether a program can be started and likes these arguments (say `--version`).
pub fn is_there(program: impl AsRef<OsStr>, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The start of a child that must not outlive its use: killed by pid and reaped when dropped.
#[derive(Debug)]
pub struct Guard {
    child: Child,
    name: String,
}

impl Guard {
    pub fn spawn(name: &str, command: &mut Command) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("cannot start `{}`", line(command)))?;
        Ok(Self { child, name: name.to_owned() })
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks the child to end with SIGTERM; an error if it has not within `patience`, or not with exit code 0.
    pub fn terminate(mut self, patience: Duration) -> Result<()> {
        let name = self.name.clone();
        // The standard library can only SIGKILL; every shell has `kill` built in.
        run(Command::new("sh").args(["-c", "kill -TERM \"$1\"", "sh"]).arg(self.pid().to_string()))
            .with_context(|| format!("{name} had ended by itself"))?;
        let mut waited = Duration::ZERO;
        while waited < patience {
            if let Some(status) = self.child.try_wait()? {
                if !status.success() {
                    bail!("{name} ended on SIGTERM with {status}");
                }
                return Ok(());
            }
            sleep(POLL);
            waited += POLL;
        }
        bail!("{name} is still running {} s after SIGTERM", patience.as_secs())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.is_running() {
            // Errors here mean that it ended in between.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// A file to write a child's output to.
pub fn log_file(path: &Path) -> Result<Stdio> {
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    Ok(file.into())
}

fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let args = command.get_args().map(OsStr::to_string_lossy);
    [name.to_string_lossy()].into_iter().chain(args).collect::<Vec<_>>().join(" ")
}
