//! A real `wasmsc serve` on a free port and a temporary data directory, for `demo`, `interop` and `api`.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::process::{self, Guard, cargo, say};
use crate::scratch::Scratch;
use crate::{paths, plugins};

/// Compiling a rule in the dev profile takes seconds; a busy machine may need many of them.
const READY_WITHIN: Duration = Duration::from_secs(90);
/// Draining is a matter of milliseconds unless a peer does not answer.
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
/// Lines of the server's log shown when something failed.
const LOG_TAIL_LINES: usize = 30;

/// Where the server's log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// To a file, shown when something fails.
    File,
    /// To our own stderr.
    Terminal,
}

/// A running server. Dropping it kills the server and removes its folder.
#[derive(Debug)]
pub struct Server {
    // Before `leash`, so that the server is gone when the leash is let go.
    guard: Guard,
    leash: Leash,
    port: u16,
    /// Where the API listens, if there is one.
    api: Option<String>,
    log: Option<PathBuf>,
    scratch: Scratch,
}

/// Builds the server (dev profile) and the rules.
pub fn build() -> Result<()> {
    say("building the server (the first time takes some minutes, then seconds)");
    // With a test, though none is run: so its libraries have the features that the tests give them, and none is compiled
    // once more. With others, all of wasmtime was.
    process::run(&mut cargo(&["build", "--workspace", "--bin", "wasmsc", "--test", "sim"])?)?;
    plugins::build()
}

impl Server {
    /// Starts the server with the water-meter rule, and waits until it is ready.
    pub fn start(purpose: &str, rule_config: &[(&str, &str)], log: Log) -> Result<Self> {
        Self::start_with(purpose, &config_text("", rule_config), log)
    }

    /// Starts the server with this config, and waits until it is ready.
    pub fn start_with(purpose: &str, text: &str, log: Log) -> Result<Self> {
        Self::start_of(&paths::wasmsc("debug")?, purpose, text, log)
    }

    /// The same, of this program.
    pub fn start_of(wasmsc: &Path, purpose: &str, text: &str, log: Log) -> Result<Self> {
        let scratch = Scratch::new(purpose)?;
        let config = scratch.path().join("wasmsc.toml");
        fs::write(&config, text).with_context(|| format!("cannot write {}", config.display()))?;

        let log = match log {
            Log::File => Some(scratch.path().join("server.log")),
            Log::Terminal => None,
        };
        say("starting the server on a free port and a temporary data directory");
        let mut command = Command::new(wasmsc);
        command
            .arg("serve")
            .arg("--config")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            // A group of its own: Ctrl-C ends us, and the leash then ends the server in good order.
            .process_group(0);
        if let Some(path) = &log {
            command.stderr(process::log_file(path)?);
        }
        let mut guard = Guard::spawn("wasmsc serve", &mut command)?;
        let leash = Leash::new(guard.pid(), scratch.path())?;
        let ready = ready(&mut guard);
        if ready.is_err() {
            show(log.as_deref());
        }
        let (port, api) = ready.context("the server did not get ready")?;
        say(&format!("the server is ready on port {port}"));
        Ok(Self { guard, leash, port, api, log, scratch })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn pid(&self) -> u32 {
        self.guard.pid()
    }

    /// The base of the API's addresses.
    pub fn api_url(&self) -> Result<String> {
        let address = self.api.as_ref().context("the server has no API")?;
        Ok(format!("http://{address}"))
    }

    pub fn operator_token(&self) -> Result<String> {
        let file = self.folder().join("data/operator-token");
        let token = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(token.trim().to_owned())
    }

    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// Prints the end of the server's log, beside a failure.
    pub fn show_log(&self) {
        show(self.log.as_deref());
    }

    /// Waits for as long as the server runs; it only ends by somebody's signal or by a fault.
    pub fn wait(mut self) -> Result<()> {
        let status = self.guard.child().wait()?;
        if !status.success() {
            bail!("the server ended with {status}");
        }
        Ok(())
    }

    /// SIGTERM; an error unless the server ends in time with exit code 0.
    pub fn stop(self) -> Result<()> {
        say("stopping the server with SIGTERM");
        let Self { guard, leash, log, .. } = self;
        let stopped = guard.terminate(STOPPED_WITHIN);
        if stopped.is_err() {
            show(log.as_deref());
        }
        drop(leash);
        stopped
    }
}

/// One customer with the water-meter rule, and a network. `rule`: more lines of the rule.
pub fn config_text(rule: &str, rule_config: &[(&str, &str)]) -> String {
    let component = paths::component("water_meter");
    let component = component.display();
    let mut text = format!(
        "data_dir = \"data\"\n\n\
         [smpp]\nlisten = \"127.0.0.1:0\"\nsystem_id = \"wasmsc\"\n\n\
         [[customer]]\nid = \"acme\"\nnumbers = [\"7001\"]\ndevices = [\"+4670*\"]\n\n\
         [[account]]\nsystem_id = \"sim\"\npassword = \"secret\"\nrole = \"network\"\nroutes = [\"+46\"]\n\n\
         [[rule]]\ncustomer = \"acme\"\nname = \"water-meter\"\ncomponent = \"{component}\"\n\
         numbers = [\"7001\"]\n{rule}[rule.config]\n"
    );
    for (key, value) in rule_config {
        text.push_str(&format!("{key} = \"{value}\"\n"));
    }
    text
}

/// Reads the server's first line, `ready smpp=127.0.0.1:PORT api=127.0.0.1:PORT`.
fn ready(guard: &mut Guard) -> Result<(u16, Option<String>)> {
    let stdout = guard.child().stdout.take().context("no stdout")?;
    let (sender, first_line) = mpsc::channel();
    // The thread reads on after the first line, so that the server never waits for a full pipe.
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let line = first_line.recv_timeout(READY_WITHIN).context("no line on its stdout")?;
    let named = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    let port = named("smpp").and_then(|address| address.rsplit(':').next()?.parse().ok());
    let port = port.with_context(|| format!("its first line was `{line}`"))?;
    Ok((port, named("api").map(str::to_owned)))
}

fn show(log: Option<&Path>) {
    let Some(path) = log else {
        return; // It went to the terminal.
    };
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let shown = &lines[lines.len().saturating_sub(LOG_TAIL_LINES)..];
    eprintln!("--- end of the server's log:\n{}\n---", shown.join("\n"));
}

/// Ends the server and removes its folder when *we* are killed and cannot do so.
///
/// A shell that waits on a pipe from us: the system closes the pipe whatever we die of.
#[derive(Debug)]
struct Leash {
    _shell: Guard,
    pipe: Option<ChildStdin>,
}

const LEASH: &str = r#"
read -r word && [ "$word" = done ] && exit
kill -TERM "$1"
for second in 1 2 3 4 5 6 7 8 9 10; do
    kill -0 "$1" 2>/dev/null || break
    sleep 1
done
rm -rf "$2"
"#;

impl Leash {
    fn new(pid: u32, folder: &Path) -> Result<Self> {
        let mut command = Command::new("sh");
        command
            .args(["-c", LEASH, "leash"])
            .arg(pid.to_string())
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let mut shell = Guard::spawn("sh", &mut command)?;
        let pipe = shell.child().stdin.take();
        Ok(Self { _shell: shell, pipe })
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        if let Some(mut pipe) = self.pipe.take() {
            let _ = pipe.write_all(b"done\n");
        }
    }
}
