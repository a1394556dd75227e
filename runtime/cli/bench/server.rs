//! A server under test: a child process with its own config and data directory, both gone afterwards. It can
//! be ended and started again on what it left.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::procfs::{self, Usage};
use super::scenario::Variant;
use crate::clock;

/// Compiling the rule for the first time takes seconds.
const READY_PATIENCE: Duration = Duration::from_secs(60);
const LOG_TAIL_LINES: usize = 30;

/// What a server is started for.
#[derive(Debug, Clone)]
pub struct Setup {
    pub rule: PathBuf,
    /// Data directories are made in here.
    pub folder: PathBuf,
    pub variant: Variant,
    pub window: usize,
    pub extras: Extras,
}

/// What a scenario adds to the usual server.
#[derive(Debug, Clone, Copy)]
pub struct Extras {
    /// Lines of `[smpp]`.
    pub smpp: &'static str,
    /// Further tables.
    pub tables: &'static str,
    /// What its log keeps, as in `RUST_LOG`.
    pub log: &'static str,
}

impl Default for Extras {
    fn default() -> Self {
        Self { smpp: "", tables: "", log: "info" }
    }
}

/// How a server is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// SIGTERM: it finishes what it is at.
    Orderly,
    /// SIGKILL.
    Killed,
}

#[derive(Debug)]
pub struct Server {
    child: Child,
    folder: Folder,
    variant: Variant,
    log: &'static str,
    pub address: String,
    /// Further words of the line that it is ready with, and the line behind it: `api=`, `operator_token=`.
    named: Vec<(String, String)>,
}

impl Server {
    pub fn start(setup: &Setup) -> anyhow::Result<Self> {
        let rule = setup.rule.canonicalize().with_context(|| format!("no rule at {}", setup.rule.display()))?;
        let folder = Folder::create_in(&setup.folder)?;
        fs::write(folder.config(), config_text(&rule, setup.window, setup.extras))?;
        let (variant, log) = (setup.variant, setup.extras.log);
        let child = spawn(&folder, variant, log)?;
        let mut server = Self { child, folder, variant, log, address: String::new(), named: Vec::new() };
        server.await_ready().map_err(|error| error.context(server.log_tail()))?;
        Ok(server)
    }

    /// Ends the process; says how long that took.
    pub fn end(&mut self, ending: Ending) -> anyhow::Result<Duration> {
        let started = clock::instant();
        match ending {
            Ending::Orderly => kill_process(Pid::from_child(&self.child), Signal::TERM)?,
            Ending::Killed => self.child.kill()?,
        }
        let status = self.child.wait()?;
        ensure!(ending == Ending::Killed || status.success(), "SIGTERM ended in {status}\n{}", self.log_tail());
        Ok(started.elapsed())
    }

    /// Starts it again after its end; says how long it took to be ready.
    pub fn start_again(&mut self) -> anyhow::Result<Duration> {
        let started = clock::instant();
        self.child = spawn(&self.folder, self.variant, self.log)?;
        self.await_ready().map_err(|error| error.context(self.log_tail()))?;
        Ok(started.elapsed())
    }

    /// Where its REST API is.
    pub fn api(&self) -> anyhow::Result<&str> {
        self.named("api")
    }

    /// Made at its first start.
    pub fn operator_token(&self) -> anyhow::Result<&str> {
        self.named("operator_token")
    }

    fn named(&self, name: &str) -> anyhow::Result<&str> {
        let found = self.named.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| &**value).with_context(|| format!("the server printed no {name}="))
    }

    /// Where its config file `wasmsc.toml`, its data directory `data` and its `log` are.
    pub fn folder(&self) -> &Path {
        &self.folder.0
    }

    pub fn maps(&self) -> anyhow::Result<usize> {
        procfs::maps(self.child.id()).with_context(|| format!("the server is gone\n{}", self.log_tail()))
    }

    /// Octets on disk in its data directory.
    pub fn disk_octets(&self) -> u64 {
        disk_octets(&self.folder.0.join("data"))
    }

    pub fn usage(&self) -> anyhow::Result<Usage> {
        Usage::of(self.child.id()).with_context(|| format!("the server is gone\n{}", self.log_tail()))
    }

    /// The last lines of its log, for the message of a failure.
    pub fn log_tail(&self) -> String {
        let log = fs::read_to_string(self.folder.0.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(LOG_TAIL_LINES)..];
        format!("the server's log ends with:\n{}", tail.join("\n"))
    }

    /// Reads `ready smpp=127.0.0.1:PORT api=127.0.0.1:PORT` and, where there is an API, the line behind it. A thread
    /// reads, since a pipe has no timeout; it goes on reading so that the child never blocks on a full pipe.
    fn await_ready(&mut self) -> anyhow::Result<()> {
        let stdout = self.child.stdout.take().context("the server has no stdout")?;
        let (lines, ready) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = lines.send(line);
            }
        });
        let next = || match ready.recv_timeout(READY_PATIENCE) {
            Ok(line) => Ok(line),
            Err(mpsc::RecvTimeoutError::Timeout) => bail!("the server is not ready after {READY_PATIENCE:?}"),
            Err(mpsc::RecvTimeoutError::Disconnected) => bail!("the server ended before it was ready"),
        };
        loop {
            let line = next()?;
            let Some(words) = line.strip_prefix("ready ") else { continue };
            self.named.retain(|(name, _)| name == "operator_token");
            self.named.extend(words.split(' ').filter_map(named));
            self.address = self.named("smpp")?.to_owned();
            if self.api().is_ok() && self.operator_token().is_err() {
                self.named.extend(named(&next()?));
            }
            return Ok(());
        }
    }
}

/// `name=value`
fn named(word: &str) -> Option<(String, String)> {
    word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing of a bench run is kept, so there is nothing to drain.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder of its own for each server, or for what a bench without one writes; gone when dropped.
#[derive(Debug)]
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn create_in(parent: &Path) -> anyhow::Result<Self> {
        static CREATED: AtomicU32 = AtomicU32::new(0);
        let count = CREATED.fetch_add(1, Ordering::Relaxed);
        let path = parent.join(format!("wasmsc-bench-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }

    fn config(&self) -> PathBuf {
        self.0.join("wasmsc.toml")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn spawn(folder: &Folder, variant: Variant, log: &str) -> anyhow::Result<Child> {
    let mut command = Command::new(std::env::current_exe().context("cannot find our own binary")?);
    command.arg("serve").arg("--config").arg(folder.config()).env("RUST_LOG", log);
    let log = File::options().create(true).append(true).open(folder.0.join("log"))?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    command.envs(variant.environment().iter().copied());
    command.spawn().context("cannot start the server")
}

fn disk_octets(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let octets = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => disk_octets(&entry.path()),
        Ok(metadata) => metadata.blocks() * 512,
        Err(_) => 0,
    });
    octets.sum()
}

/// Reports are acknowledged, and allowance and leak time are out of reach: one MT for each MO.
fn config_text(rule: &Path, window: usize, extras: Extras) -> String {
    let Extras { smpp, tables, .. } = extras;
    let rule = toml::Value::String(rule.display().to_string());
    format!(
        r#"data_dir = "data"

[smpp]
listen = "127.0.0.1:0"
system_id = "wasmsc"
{smpp}

[[customer]]
id = "acme"
numbers = ["7001"]
devices = ["+4670*"]

[[account]]
system_id = "sim"
password = "secret"
role = "network"
routes = ["+46"]
window = {window}

[[rule]]
customer = "acme"
name = "water-meter"
component = {rule}
numbers = ["7001"]
[rule.config]
acknowledge_reports = "true"
daily_allowance_litres = "0"
leak_minutes = "0"

{tables}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_is_toml_whatever_the_path_is() {
        let text = config_text(Path::new("/tmp/a \"b\"\\c.wasm"), 64, Extras::default());
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table["rule"][0]["component"].as_str(), Some("/tmp/a \"b\"\\c.wasm"));
        assert_eq!(table["account"][0]["window"].as_integer(), Some(64));
    }
}
