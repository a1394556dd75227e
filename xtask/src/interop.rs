//! `cargo xtask interop`: stock SMPP clients against a running server, and tshark on what went over the wire.
//!
//! What a client must see is in tests/interop/; here is only what it takes to run them.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::capture::{self, Capture, Decoded};
use crate::server::{self, Log, Server};
use crate::steps::{self, Steps};
use crate::{matrix, node, paths, process, python};

/// Requests by name and command_id, and how many of each the two clients make the server see or send at least.
/// Every one of them has a response, whose command_id has the highest bit set.
const REQUESTS: [(&str, u32, usize); 5] = [
    ("bind_transceiver", 0x09, 4),
    ("enquire_link", 0x15, 4),
    ("submit_sm", 0x04, 10),
    ("deliver_sm", 0x05, 6),
    ("unbind", 0x06, 2),
];
const RESPONSE: u32 = 0x8000_0000;

/// `rows`: only rows of the matrix with this in their name, and no stock clients.
pub fn run(rows: Option<&str>) -> Result<()> {
    steps::list("interop", |steps| {
        let folder = paths::target()?.join("interop");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let modules = steps.run("Node client", || node::packages(&folder, "tests/interop"))?;
        steps.run("tshark", || {
            capture::ensure_tshark()?;
            let hex = paths::root().join("tests/interop/malformed.hex");
            capture::check_that_faults_are_seen(&hex, &folder)
        })?;
        steps.run("build", server::build)?;
        if rows.is_none() {
            stock_clients(steps, &folder, &modules)?;
        }
        matrix::run(steps, &folder, &modules, rows)
    })
}

fn stock_clients(steps: &mut Steps, folder: &Path, modules: &Path) -> Result<()> {
    let python = steps.run("Python client", || python::environment(folder))?;
    let rule_config = [("acknowledge_reports", "true")];
    let server = steps.run("start of the server", || Server::start("interop", &rule_config, Log::File))?;
    let result = talk(steps, &server, folder, &python, modules);
    if result.is_err() {
        server.show_log();
    }
    let stopped = steps.run("stop of the server", || server.stop());
    result.and(stopped)
}

fn talk(steps: &mut Steps, server: &Server, folder: &Path, python: &Path, modules: &Path) -> Result<()> {
    let sources = paths::root().join("tests/interop");
    let file = folder.join("capture.pcapng");
    let capture = Capture::start(server.port(), &file)?;
    let port = server.port().to_string();
    steps.run("smpplib (Python)", || {
        process::run(Command::new(python).arg("-B").arg(sources.join("smpplib_client.py")).arg(&port))
    })?;
    steps.run("smpp (Node)", || {
        process::run(Command::new("node").arg(sources.join("node_smpp_client.js")).arg(&port).env("NODE_PATH", modules))
    })?;
    steps.run("bytes on the wire", || judge(&capture.finish()?, &file))
}

/// No fault at all, and enough traffic that this means something.
fn judge(decoded: &Decoded, file: &Path) -> Result<()> {
    let count = |id: u32| decoded.pdus.get(&id).copied().unwrap_or(0);
    println!("tshark decoded {} PDUs:", decoded.pdus.values().sum::<usize>());
    for (name, id, _) in REQUESTS {
        println!("  {name:17} {:3}   responses {:3}", count(id), count(id | RESPONSE));
    }
    decoded.ensure_faultless(file)?;
    for (name, id, at_least) in REQUESTS {
        let (requests, responses) = (count(id), count(id | RESPONSE));
        ensure!(requests >= at_least, "{requests} {name}, expected {at_least} or more");
        ensure!(requests == responses, "{requests} {name}, but {responses} responses");
    }
    Ok(())
}
