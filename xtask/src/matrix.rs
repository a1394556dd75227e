//! The interop matrix: independent SMPP stacks as applications of a running server, or as SMSCs that it binds
//! to, a row each.
//!
//! What a stack does is its script in tests/interop; here is what starts them, a mobile network that answers for
//! the devices, and the table. A cell is ok only when the stack saw what it should and the device got the text.

mod upstream;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::capture::Capture;
use crate::process::{self, Guard, cargo};
use crate::server::{Log, Server};
use crate::steps::Steps;
use crate::{debian, paths, python};
use upstream::Centre;

/// One stack must be through within this.
const STACK_SECONDS: &str = "90";
/// A device has its text at the latest so long after its application has the receipt.
const DEVICE_PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

/// Columns, in the order in which every stack does them.
const STEPS: [&str; 8] = ["bind", "mt", "receipt", "mo", "parts", "ucs2", "payload", "unbind"];
/// What the stacks send, by environment variable, and the column that is ok only if the device has it.
const TEXTS: [(&str, &str, &str); 4] = [
    ("INTEROP_TEXT", "mt", "Valve 7 is open @ 1234.567 m3"),
    (
        "INTEROP_PARTS",
        "parts",
        "The valve at Ängsvägen 7 was opened @ noon; the flow is 12.5 l/h and the fee 3 €. Nobody was at home, so that \
         the caretaker of house 9 came and closed it by hand at 14:30. The meter said 1234.567 m3 before and 1240.001 \
         m3 after that. Please send somebody to look at the seal, which is broken again, and tell us when that is \
         done. The spare key is at the office, behind the desk, as ever.",
    ),
    ("INTEROP_UCS2", "ucs2", "Läckage på Ängsvägen \u{1F4A7} ventilen är stängd \u{1F527}"),
    (
        "INTEROP_PAYLOAD",
        "payload",
        "Reading @ the meter in Malmo, line by line. Reading @ the meter in Malmo, line by line. Reading @ the meter in \
         Malmo, line by line. Reading @ the meter in Malmo, line by line. Reading @ the meter in Malmo, line by line. \
         Reading @ the meter in Malmo, line by line. Reading @ the meter in Malmo, line.",
    ),
];
const MO_TEXT: &str = "Thanks @ noon, ö";

/// A row of the matrix.
struct Stack {
    name: &'static str,
    program: PathBuf,
    arguments: Vec<PathBuf>,
    /// Beside the texts.
    environment: &'static [(&'static str, &'static str)],
}

/// What the network's stand-in printed so far.
type Lines = Arc<Mutex<Vec<String>>>;

/// `rows`: only those with this in their name.
pub fn run(steps: &mut Steps, folder: &Path, modules: &Path, rows: Option<&str>) -> Result<()> {
    let python = steps.run("Python stacks", || python::stacks(folder))?;
    let smppy = steps.run("smppy", || python::smppy(folder))?;
    steps.run("Kannel", ensure_kannel)?;
    let is_wanted = |stack: &Stack| rows.is_none_or(|rows| stack.name.contains(rows));
    let mut stacks = stacks(&python, &folder.join("rust/debug"));
    stacks.retain(is_wanted);
    let mut centres = centres(&python, &smppy);
    centres.retain(|centre| is_wanted(&centre.stack));
    ensure!(!stacks.is_empty() || !centres.is_empty(), "no row of the matrix is called {}", rows.unwrap_or_default());

    let mut table = Table::new();
    if !stacks.is_empty() {
        steps.run("Rust stacks", || build_rust_stacks(folder))?;
        let config = config("\"+4670*\"");
        let server =
            steps.run("start of a server for the matrix", || Server::start_with("matrix", &config, Log::File))?;
        let result = applications(steps, &server, folder, (&python, modules), stacks);
        if result.is_err() {
            server.show_log();
        }
        let stopped = steps.run("stop of that server", || server.stop());
        table = result?;
        stopped?;
    }
    for (number, centre) in centres.iter().enumerate() {
        let device = format!("+479012345{number:02}");
        let row = steps.run(centre.stack.name, || upstream::row(centre, folder, (&python, modules), &device));
        table.push((centre.stack.name, row.unwrap_or_else(no_cells)));
    }
    print(&table);
    let is_failed =
        |(_, cells): &(&str, Cells)| cells.len() < STEPS.len() || cells.values().any(|c| c.starts_with('F'));
    let failed: Vec<&str> = table.iter().filter(|row| is_failed(row)).map(|(name, _)| *name).collect();
    ensure!(failed.is_empty(), "cells of the matrix that are not ok: {}", failed.join(", "));
    Ok(())
}

/// Into `rust/debug` of the folder.
fn build_rust_stacks(folder: &Path) -> Result<()> {
    let manifest = paths::root().join("tests/interop/rust/Cargo.toml");
    let mut build = cargo(&["build", "--quiet", "--locked", "--manifest-path"])?;
    process::run(build.arg(manifest).env("CARGO_TARGET_DIR", folder.join("rust")))
}

/// Every server of the matrix; `devices` as in the config. 123 is the only number that drive_smpp sends to.
fn config(devices: &str) -> String {
    format!(
        "data_dir = \"data\"\n\n\
         [smpp]\nlisten = \"127.0.0.1:0\"\nsystem_id = \"wasmsc\"\n\n\
         [[customer]]\nid = \"acme\"\nnumbers = [\"7001\", \"7002\", \"123\"]\ndevices = [{devices}]\n\n\
         [[account]]\nsystem_id = \"sim\"\npassword = \"secret\"\nrole = \"network\"\nroutes = [\"+46\"]\n\n\
         [[account]]\nsystem_id = \"app\"\npassword = \"secret\"\nrole = \"application\"\ncustomer = \"acme\"\n\n\
         [[rule]]\ncustomer = \"acme\"\nname = \"water-meter\"\ncomponent = \"{}\"\nnumbers = [\"7001\", \"123\"]\n\
         [rule.config]\nacknowledge_reports = \"true\"\n",
        paths::component("water_meter").display()
    )
}

fn stacks(python: &Path, rust: &Path) -> Vec<Stack> {
    let sources = paths::root().join("tests/interop");
    let script = |program: &Path, name: &'static str, file: &str| Stack {
        name,
        program: program.to_owned(),
        arguments: vec![sources.join(file)],
        environment: &[],
    };
    let binary = |name: &'static str, file: &str| Stack {
        name,
        program: rust.join(file),
        arguments: Vec::new(),
        environment: &[],
    };
    vec![
        script(python, "smpplib 2.2.4 (Python)", "esme_smpplib.py"),
        script(python, "naz 0.8.1 (Python)", "esme_naz.py"),
        script(python, "smpp.twisted3 0.8 (Python)", "esme_twisted.py"),
        script(python, "smpp34 1.5.0 (Python)", "esme_smpp34.py"),
        script(Path::new("node"), "smpp 0.5.1 (Node)", "esme_node.js"),
        binary("rusmppc 0.4.0 (Rust)", "esme_rusmppc"),
        binary("smpp34 1.5.1 (Rust)", "esme_smpp34"),
        script(python, "Kannel 1.4.5 (C)", "esme_kannel.py"),
    ]
}

fn centres(python: &Path, smppy: &Path) -> Vec<Centre> {
    let script = |program: &Path, name: &'static str, file: &str, window: usize| Centre {
        stack: Stack {
            name,
            program: program.to_owned(),
            arguments: vec![paths::root().join("tests/interop").join(file)],
            environment: &[],
        },
        window,
        modes: &["transceiver"],
        application: &[],
    };
    let drive_smpp = Centre {
        modes: &["transmitter", "receiver"],
        application: &[("INTEROP_FINAL", "ACCEPTD"), ("INTEROP_NO_MO", "the MO is not for an application")],
        ..script(python, "drive_smpp (Kannel) as SMSC", "smsc_drive_smpp.py", 10)
    };
    vec![
        script(python, "smpp34 1.5.0 as SMSC", "smsc_smpp34.py", 10),
        // It reads one PDU from each segment of TCP.
        script(smppy, "smppy 0.3.2 as SMSC", "smsc_smppy.py", 1),
        script(Path::new("node"), "smpp 0.5.1 as SMSC", "smsc_node.js", 10),
        drive_smpp,
    ]
}

fn ensure_kannel() -> Result<()> {
    debian::ensure("kannel", &["/usr/sbin/bearerbox", "/usr/sbin/smsbox"])?;
    debian::ensure("kannel-extras", &["/usr/lib/kannel/test/drive_smpp"])
}

/// Rows by name of the stack.
type Table = Vec<(&'static str, Cells)>;

fn applications(
    steps: &mut Steps,
    server: &Server,
    folder: &Path,
    (python, modules): (&Path, &Path),
    stacks: Vec<Stack>,
) -> Result<Table> {
    let port = server.port().to_string();
    let capture = Capture::start(server.port(), &folder.join("matrix.pcapng"))?;
    let (network, lines) = network(python, &port)?;
    let mut table = Vec::new();
    for (number, stack) in stacks.into_iter().enumerate() {
        let device = format!("+467012345{number:02}");
        // A row that failed is in the table; the other stacks have their turn all the same.
        let cells = steps.run(stack.name, || application(&stack, (&port, &device), modules, &lines));
        table.push((stack.name, cells.unwrap_or_else(no_cells)));
    }
    drop(network);
    steps.run("bytes on the wire of the matrix", || capture.judge("the applications"))?;
    Ok(table)
}

/// The mobile network, bound before anybody sends.
fn network(python: &Path, port: &str) -> Result<(Guard, Lines)> {
    let mut command = Command::new(python);
    command.arg("-B").arg(paths::root().join("tests/interop/network.py")).arg(port);
    with_texts(&mut command).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut guard = Guard::spawn("network.py", &mut command)?;
    let stdout = guard.child().stdout.take().context("no stdout")?;
    let lines = Lines::default();
    let all = lines.clone();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            all.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(line);
        }
    });
    ensure!(wait_for(&lines, "bound"), "the mobile network of the matrix did not bind");
    Ok((guard, lines))
}

fn with_texts(command: &mut Command) -> &mut Command {
    for (name, _, text) in TEXTS {
        command.env(name, text);
    }
    command.env("INTEROP_MO", MO_TEXT)
}

fn wait_for(lines: &Lines, wanted: &str) -> bool {
    wait_until(lines, |line| line == wanted)
}

fn wait_until(lines: &Lines, is_wanted: impl Fn(&str) -> bool) -> bool {
    let mut waited = Duration::ZERO;
    while waited < DEVICE_PATIENCE {
        if lines.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).iter().any(|line| is_wanted(line)) {
            return true;
        }
        thread::sleep(POLL);
        waited += POLL;
    }
    false
}

/// Columns by name: "ok", "FAILED why", "- why not".
type Cells = BTreeMap<String, String>;

/// Of a row that could not be run.
fn no_cells(error: anyhow::Error) -> Cells {
    println!("{error:#}");
    Cells::new()
}

/// Runs a stack to its end; `lines`: what the devices' stand-in prints.
fn application(stack: &Stack, (port, device): (&str, &str), modules: &Path, lines: &Lines) -> Result<Cells> {
    let mut command = Command::new("timeout");
    command.arg(STACK_SECONDS).arg(&stack.program).args(&stack.arguments).arg(port).arg(device);
    let output = with_texts(&mut command)
        .envs(stack.environment.iter().copied())
        .env("NODE_PATH", modules)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start {}", stack.program.display()))?;
    let mut cells = Cells::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        println!("{line}");
        if let Some((name, result)) = line.strip_prefix("step ").and_then(|rest| rest.split_once(' ')) {
            cells.insert(name.to_owned(), result.to_owned());
        }
    }
    // What `receipt` submits is the MT; that the device has it does not hang on a receipt.
    cells.entry("mt".to_owned()).or_insert_with(|| "ok".to_owned());
    for (_, column, text) in TEXTS {
        let is_ok = cells.get(column).is_some_and(|result| result == "ok");
        let line = format!("got {} {text}", device.trim_start_matches('+'));
        if is_ok && !wait_for(lines, &line) {
            cells.insert(column.to_owned(), "FAILED the device did not get the text".to_owned());
        }
    }
    Ok(cells)
}

fn print(table: &Table) {
    println!("\n{:<28}{}", "", STEPS.map(|step| format!("{step:>9}")).concat());
    let mut notes = Vec::new();
    for (name, cells) in table {
        let shown = STEPS.map(|step| {
            let result = cells.get(step).map_or("FAILED", String::as_str);
            if result != "ok" {
                notes.push(format!("{name}, {step}: {result}"));
            }
            format!("{:>9}", result.split(' ').next().unwrap_or_default())
        });
        println!("{name:<28}{}", shown.concat());
    }
    notes.iter().for_each(|note| println!("  {note}"));
    println!();
}
