//! Rows of the matrix in which the stack is an SMSC that the server binds to.
//!
//! smpplib is the application; what it saw and what the stand-in says of bind, MO and unbind make one row.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, ensure};

use super::{Cells, Lines, STEPS, Stack, application, wait_for, wait_until, with_texts};
use crate::capture::Capture;
use crate::paths;
use crate::process::Guard;
use crate::server::{Log, Server};

/// An SMSC stand-in.
pub struct Centre {
    pub stack: Stack,
    /// How many submit_sm it can have at once.
    pub window: usize,
    /// The server binds once in each.
    pub modes: &'static [&'static str],
    /// What the application has to expect, by environment variable.
    pub application: &'static [(&'static str, &'static str)],
}

/// One row: `folder` gets the capture of what went between the stand-in and the server.
pub fn row(centre: &Centre, folder: &Path, (python, modules): (&Path, &Path), device: &str) -> Result<Cells> {
    let port = free_port()?;
    let capture = Capture::start(port, &folder.join("upstream.pcapng"))?;
    let (guard, lines) = start(&centre.stack, port, device, modules)?;
    let server = Server::start_with("matrix", &config(port, centre), Log::File)?;
    let result = talk(&server, &lines, smpplib(python, centre), modules, device);
    if result.is_err() {
        server.show_log();
    }
    server.stop()?;
    let mut cells = result?;
    ensure!(wait_for(&lines, "step unbind ok"), "the stand-in saw no unbind");
    let said = lines.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
    drop(guard);
    capture.judge(centre.stack.name)?;
    for line in said {
        println!("{line}");
        // The stand-in says how bind, MO and unbind went on its side.
        if let Some((name, result)) = line.strip_prefix("step ").and_then(|rest| rest.split_once(' '))
            && STEPS.contains(&name)
            && !cells.get(name).is_some_and(|cell| cell.starts_with('F'))
        {
            cells.insert(name.to_owned(), result.to_owned());
        }
    }
    Ok(cells)
}

fn talk(server: &Server, lines: &Lines, smpplib: Stack, modules: &Path, device: &str) -> Result<Cells> {
    ensure!(wait_for(lines, "step bind ok"), "the server did not bind to the stand-in");
    let cells = application(&smpplib, (&server.port().to_string(), device), modules, lines)?;
    let has_answer = wait_until(lines, |line| line.starts_with("step mo "));
    ensure!(has_answer, "the rule's answer to the stand-in's MO did not arrive");
    Ok(cells)
}

fn smpplib(python: &Path, centre: &Centre) -> Stack {
    Stack {
        name: "smpplib",
        program: python.to_owned(),
        arguments: vec![paths::root().join("tests/interop/esme_smpplib.py")],
        environment: centre.application,
    }
}

/// Free when it was asked for; nobody else binds ports in this moment.
fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn start(stack: &Stack, port: u16, device: &str, modules: &Path) -> Result<(Guard, Lines)> {
    let mut command = Command::new(&stack.program);
    command.args(&stack.arguments).arg(port.to_string()).arg(device);
    with_texts(&mut command)
        .env("NODE_PATH", modules)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut guard = Guard::spawn(stack.name, &mut command)?;
    let stdout = guard.child().stdout.take().context("no stdout")?;
    let lines = Lines::default();
    let all = lines.clone();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            all.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(line);
        }
    });
    ensure!(wait_for(&lines, "listening"), "{} does not listen", stack.name);
    Ok((guard, lines))
}

fn config(port: u16, centre: &Centre) -> String {
    let mut text = super::config("\"+4670*\", \"+4790*\"");
    for mode in centre.modes {
        let routes = if *mode == "receiver" { "" } else { "\"+47\"" };
        let window = centre.window;
        text += &format!(
            "\n[[upstream]]\nname = \"carrier-{mode}\"\nhost = \"127.0.0.1\"\nport = {port}\nmode = \"{mode}\"\n\
             system_id = \"wasmsc\"\npassword = \"secret\"\nroutes = [{routes}]\nwindow = {window}\n"
        );
    }
    text
}
