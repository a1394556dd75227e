//! Captures the traffic of one port on `lo`, and has tshark judge every byte of it.
//!
//! Tshark's SMPP dissector is an implementation of the specification that is not ours.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::{self, sleep};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::debian;
use crate::process::{self, Guard, is_there};

/// dumpcap is up in far less, unless it has to ask somebody for permission.
const STARTED_WITHIN: Duration = Duration::from_secs(20);
/// dumpcap takes packets from the kernel at least four times a second; what it has not taken is lost at its end.
const CATCH_UP: Duration = Duration::from_secs(1);
const STOPPED_WITHIN: Duration = Duration::from_secs(10);
/// Ends a capture whose xtask was killed.
const DURATION_MAX: &str = "duration:300";
/// Everything that tshark calls an error; warnings and notes (say a repeated sequence_number) are below.
const ERRORS: &str = "_ws.expert.severity >= 8388608";

/// A running capture.
#[derive(Debug)]
pub struct Capture {
    dumpcap: Guard,
    file: PathBuf,
    port: u16,
}

/// Makes sure that tshark and its companions are there: on Debian as root it installs them.
pub fn ensure_tshark() -> Result<()> {
    let tools = ["tshark", "dumpcap", "text2pcap"];
    let missing = |tool: &&str| !is_there(tool, &["--version"]);
    if !tools.iter().any(missing) {
        return Ok(());
    }
    debian::install("tshark")
}

impl Capture {
    /// Starts to capture and returns when no packet is missed any more.
    pub fn start(port: u16, file: &Path) -> Result<Self> {
        let mut command = Command::new("dumpcap");
        command
            .args(["-q", "-i", "lo", "-a", DURATION_MAX])
            .args(["-f", &format!("tcp port {port}")])
            .arg("-w")
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut dumpcap = Guard::spawn("dumpcap", &mut command)?;
        wait_until_capturing(&mut dumpcap)
            .context("cannot capture on lo; it takes root, or a user in Debian's group wireshark")?;
        Ok(Self { dumpcap, file: file.to_path_buf(), port })
    }

    /// Ends the capture and decodes it.
    pub fn finish(self) -> Result<Decoded> {
        sleep(CATCH_UP);
        self.dumpcap.terminate(STOPPED_WITHIN)?;
        decode(&self.file, self.port)
    }

    /// Ends the capture and says how many PDUs of `whom` there were; an error when one is malformed, or none came.
    pub fn judge(self, whom: &str) -> Result<()> {
        let file = self.file.clone();
        let decoded = self.finish()?;
        let pdus = decoded.pdus.values().sum::<usize>();
        println!("tshark decoded {pdus} PDUs of {whom}");
        ensure!(pdus > 0, "tshark saw no PDU in {}", file.display());
        decoded.ensure_faultless(&file)
    }
}

/// dumpcap says `File: ...` on stderr once the capture runs.
fn wait_until_capturing(dumpcap: &mut Guard) -> Result<()> {
    let stderr = dumpcap.child().stderr.take().context("no stderr")?;
    let (sender, said) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    let mut lines = Vec::new();
    while let Ok(line) = said.recv_timeout(STARTED_WITHIN) {
        if line.starts_with("File:") {
            return Ok(());
        }
        lines.push(line);
    }
    bail!("dumpcap said: {}", lines.join("; "))
}

/// What tshark made of a capture.
#[derive(Debug)]
pub struct Decoded {
    /// How many PDUs there were of each command_id.
    pub pdus: BTreeMap<u32, usize>,
    /// tshark's summary lines of packets that it calls malformed or erroneous.
    pub faults: Vec<String>,
}

impl Decoded {
    pub fn ensure_faultless(&self, file: &Path) -> Result<()> {
        ensure!(self.faults.is_empty(), "tshark objects to {}:\n{}", file.display(), self.faults.join("\n"));
        Ok(())
    }
}

/// Decodes a capture file as SMPP.
pub fn decode(file: &Path, port: u16) -> Result<Decoded> {
    let commands = tshark(file, port, "smpp", &["-T", "fields", "-e", "smpp.command_id"])?;
    let mut pdus = BTreeMap::new();
    // One line per packet, commas between the PDUs in it.
    for id in commands.split(['\n', ',']).filter(|id| !id.is_empty()) {
        let number = id.strip_prefix("0x").map(|hex| u32::from_str_radix(hex, 16));
        let Some(Ok(number)) = number else {
            bail!("tshark printed command_id `{id}`");
        };
        *pdus.entry(number).or_default() += 1;
    }
    let faults = tshark(file, port, &format!("_ws.malformed or {ERRORS}"), &[])?;
    Ok(Decoded { pdus, faults: faults.lines().map(str::to_owned).collect() })
}

/// Shows that `faults` can be other than empty: a PDU cut off in its body has to be one.
pub fn check_that_faults_are_seen(hex: &Path, folder: &Path) -> Result<()> {
    let file = folder.join("malformed.pcap");
    process::output(Command::new("text2pcap").args(["-q", "-T", "40000,2775"]).arg(hex).arg(&file))?;
    let decoded = decode(&file, 2775)?;
    ensure!(
        decoded.faults.len() == 1,
        "tshark did not object to {}, so its word on our traffic is worth nothing: {decoded:?}",
        hex.display()
    );
    Ok(())
}

fn tshark(file: &Path, port: u16, filter: &str, fields: &[&str]) -> Result<String> {
    process::output(
        Command::new("tshark")
            .arg("-r")
            .arg(file)
            .args(["-d", &format!("tcp.port=={port},smpp")])
            .args(["-Y", filter])
            .args(fields),
    )
}
