//! `cargo xtask demo`: a server, 20 simulated water meters, and what they say to each other.

use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{self, say};
use crate::server::{self, Log, Server};
use crate::{paths, python};

/// What is left when the meters have gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    Stop,
    Keep,
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
        Afterwards::Stop => Log::File,
        Afterwards::Keep => Log::Terminal,
    };
    let server = Server::start("demo", &[("daily_allowance_litres", "500")], log)?;
    say(&format!("20 water meters report for {} s; MO = from a meter, MT = the rule's answer", options.seconds));
    let simulated = simulate(server.port(), options.seconds);
    if simulated.is_err() {
        server.show_log();
    }
    simulated.context("the simulated meters failed")?;
    match options.afterwards {
        Afterwards::Stop => {
            server.stop()?;
            say("demo: done");
            Ok(())
        }
        Afterwards::Keep => keep(server),
    }
}

fn simulate(port: u16, seconds: u32) -> Result<()> {
    process::run(
        Command::new(paths::wasmsc("debug")?)
            .arg("simulate")
            .args(["--connect", &format!("127.0.0.1:{port}")])
            .args(["--system-id", "sim", "--password", "secret"])
            .args(["--number", "7001", "--prefix", "+46700"])
            .args(["--meters", "20", "--rate", "5"])
            .args(["--duration", &format!("{seconds}s"), "--conversation"]),
    )
}

fn keep(server: Server) -> Result<()> {
    let port = server.port();
    let folder = server.folder().display();
    println!(
        "\n\
         The server keeps running; Ctrl-C stops it and removes {folder}.\n\
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
