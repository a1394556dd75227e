//! `cargo xtask demo`: a server, 20 simulated water meters, and what they say to each other.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::process::{self, Guard, say};
use crate::server::{self, Log, Server};
use crate::{console, paths, python};

/// The web console shows what is said, and what the rule did.
const CONFIG: &str = r#"
[api]
listen = "127.0.0.1:0"
operator_texts = "shown"

[history]
days = 1
"#;
const RULE: [(&str, &str); 1] = [("daily_allowance_litres", "500")];
/// Longer than pictures take.
const SECONDS_FOR_PICTURES: u32 = 300;

/// What is left when the meters have gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Afterwards {
    Stop,
    Keep,
    /// The pictures of the README, into this folder, while the meters report.
    Pictures(PathBuf),
}

#[derive(Debug)]
pub struct Options {
    pub seconds: u32,
    pub afterwards: Afterwards,
}

impl Default for Options {
    fn default() -> Self {
        Self { seconds: 20, afterwards: Afterwards::Stop }
    }
}

pub fn run(options: &Options) -> Result<()> {
    server::build()?;
    let log = match options.afterwards {
        Afterwards::Stop | Afterwards::Pictures(_) => Log::File,
        Afterwards::Keep => Log::Terminal,
    };
    let config = server::config_text("replay_hours = 1\n", &RULE) + CONFIG;
    let server = Server::start_with("demo", &config, log)?;
    match &options.afterwards {
        Afterwards::Pictures(folder) => pictures(server, folder),
        Afterwards::Keep => {
            converse(&server, options.seconds)?;
            keep(server)
        }
        Afterwards::Stop => {
            converse(&server, options.seconds)?;
            server.stop()?;
            say("demo: done");
            Ok(())
        }
    }
}

fn converse(server: &Server, seconds: u32) -> Result<()> {
    say(&format!("20 water meters report for {seconds} s; MO = from a meter, MT = the rule's answer"));
    let simulated = process::run(&mut simulate(server.port(), seconds)?);
    if simulated.is_err() {
        server.show_log();
    }
    simulated.context("the simulated meters failed")
}

fn simulate(port: u16, seconds: u32) -> Result<Command> {
    let mut command = Command::new(paths::wasmsc("debug")?);
    command
        .arg("simulate")
        .args(["--connect", &format!("127.0.0.1:{port}")])
        .args(["--system-id", "sim", "--password", "secret"])
        .args(["--number", "7001", "--prefix", "+46700"])
        .args(["--meters", "20", "--rate", "5"])
        .args(["--duration", &format!("{seconds}s"), "--conversation"]);
    Ok(command)
}

fn pictures(server: Server, folder: &Path) -> Result<()> {
    let mut meters = simulate(server.port(), SECONDS_FOR_PICTURES)?;
    let meters = Guard::spawn("wasmsc simulate", meters.stdout(Stdio::null()).stderr(Stdio::null()))?;
    let taken = console::readme_pictures(&server, folder);
    if taken.is_err() {
        server.show_log();
    }
    drop(meters);
    let stopped = server.stop();
    taken.and(stopped)
}

fn keep(server: Server) -> Result<()> {
    let (port, api, token) = (server.port(), server.api_url()?, server.operator_token()?);
    let folder = server.folder().display();
    println!(
        "\n\
         The server keeps running; Ctrl-C stops it and removes {folder}.\n\
         \n\
         The web console is at {api}/console/; sign in with {token}\n\
         \n\
         SMPP 3.4 at 127.0.0.1:{port}, system_id sim, password secret: bind as transceiver, send as\n\
         +4670... to 7001. With Python and its package smpplib:\n\
         \n\
         \x20   {}\n\
         \x20   python3 examples/water-meter/send_sms.py --port {port} --from +46700000001 STATUS\n\
         \n\
         More meters:\n\
         \n\
         \x20   {} simulate --connect 127.0.0.1:{port} --system-id sim --password secret --number 7001 \\\n\
         \x20       --prefix +46700 --meters 100 --rate 50 --duration 60s --conversation\n",
        python::INSTALL_HINT,
        paths::wasmsc("debug")?.display(),
    );
    server.wait()
}
