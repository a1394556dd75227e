//! The real binary as a process of its own, which can be killed.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// `wasmsc serve` with the `wasmsc.toml` of a folder.
pub struct Process {
    child: Child,
    /// Lines of its stdout; disconnected when it has ended.
    lines: Receiver<String>,
    log: PathBuf,
}

/// What it prints when it serves.
#[derive(Debug)]
pub struct Ready {
    pub smpp: String,
    /// Where there is a table `[api]`.
    pub api: Option<SocketAddr>,
}

impl Process {
    pub fn spawn(folder: &Path, arguments: &[&str]) -> Process {
        Process::spawn_logging("info", folder, arguments)
    }

    /// `level` is what `RUST_LOG` says.
    pub fn spawn_logging(level: &str, folder: &Path, arguments: &[&str]) -> Process {
        let log = folder.join("stderr");
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmsc"));
        command.arg("serve").arg("--config").arg(folder.join("wasmsc.toml")).args(arguments).env("RUST_LOG", level);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log).expect("a file for stderr"));
        let mut child = command.spawn().expect("the binary runs");
        let stdout = child.stdout.take().expect("stdout is piped");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Process { child, lines, log }
    }

    /// Where it is, once it serves.
    pub fn ready(&self, patience: Duration) -> Result<Ready, RecvTimeoutError> {
        let line = self.lines.recv_timeout(patience)?;
        let words = line.strip_prefix("ready ").unwrap_or_else(|| panic!("unexpected line {line:?}"));
        let named = |name: &str| words.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        let api = named("api").map(|address| address.parse().expect("an address and a port"));
        Ok(Ready { smpp: named("smpp").expect("it serves SMPP").to_owned(), api })
    }

    /// The next line behind it.
    pub fn line(&self, patience: Duration) -> String {
        self.lines.recv_timeout(patience).unwrap_or_else(|why| panic!("{why:?}: {}", self.log()))
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().expect("it runs until it is killed");
        self.child.wait().expect("it is our child");
    }

    pub fn terminate(&mut self, patience: Duration) {
        let sent = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        assert!(sent.expect("kill runs").success());
        let ended = loop {
            match self.lines.recv_timeout(patience) {
                Ok(_) => {} // such as the operator's token
                Err(ended) => break ended,
            }
        };
        assert_eq!(ended, RecvTimeoutError::Disconnected, "runs {patience:?} after SIGTERM: {}", self.log());
        let status = self.child.wait().expect("it is our child");
        assert_eq!(status.code(), Some(0), "after SIGTERM: {}", self.log());
    }

    /// All that it logged so far.
    pub fn whole_log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The end of its log, for the message of a failure.
    pub fn log(&self) -> String {
        let log = self.whole_log();
        let lines: Vec<&str> = log.lines().collect();
        format!("the server's log ends with\n{}", lines[lines.len().saturating_sub(20)..].join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
