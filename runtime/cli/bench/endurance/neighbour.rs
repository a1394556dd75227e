//! `--endurance neighbour`: a customer whose rule burns its whole deadline on every message, beside one whose rule is
//! quick. What becomes of the quick one's round trips? Alone and beside noise take turns, so that a machine that stalls now and then
//! stalls for both.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use wasmsc_smpp::{Body, Npi, Sm, Ton};

use super::peer::{self, Peer};
use crate::cli::bench::server::{Extras, Server, Setup};
use crate::cli::simulate::numbers::Numbers;
use crate::clock;

/// Devices whose MOs the noisy rule never finishes: more than there are threads, always.
const NOISY_DEVICES: u32 = 64;
/// Between two MOs of the noisy customer: many more than its rule can take.
const NOISE_EVERY: Duration = Duration::from_millis(10);
/// Between two round trips of the quiet customer.
const TRIP_EVERY: Duration = Duration::from_millis(5);
/// What may wait of the noisy customer: noise enough, and gone soon when a turn ends.
const NOISY_QUEUE_MAX: u32 = 20;
const NOISY_DEADLINE_MS: u32 = 100;
/// Of each phase.
const TURN: Duration = Duration::from_secs(4);
/// Noise before its turn counts: until the noisy rule is known to be slow, its calls are where the quick ones are.
const LEAD: Duration = Duration::from_secs(1);
/// Round trips that do not count: caches are cold.
const WARM_UP: usize = 100;
/// The p99 may grow by so much.
const GROWTH_MAX_PERCENT: f64 = 50.0;
const DEVICES: u32 = 100;

/// Round trips of all turns of one phase.
#[derive(Default)]
struct Trips(Vec<Duration>);

impl Trips {
    async fn add_turn(&mut self, quiet: &mut Peer, numbers: &Numbers) -> anyhow::Result<()> {
        let mut next = clock::instant();
        let until = next + TURN;
        while clock::instant() < until {
            self.0.push(trip(quiet, numbers, self.0.len()).await?);
            next = (next + TRIP_EVERY).max(clock::instant());
            tokio::time::sleep_until(next.into()).await;
        }
        Ok(())
    }

    /// In milliseconds, of what is sorted.
    fn percentile(&self, percent: usize) -> f64 {
        let index = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(index).map_or(0.0, |trip| trip.as_secs_f64() * 1_000.0)
    }

    fn print(&mut self, phase: &str) {
        self.0.sort_unstable();
        let [half, most, longest] = [50, 99, 100].map(|percent| self.percentile(percent));
        println!("{phase:<12}{:>12}{half:>10.2}{most:>10.2}{longest:>10.2}", self.0.len());
    }
}

pub async fn run(setup: Setup, duration: Duration) -> anyhow::Result<bool> {
    let hostile = setup.rule.with_file_name("hostile.wasm");
    let hostile = hostile.canonicalize().with_context(|| format!("no rule at {}", hostile.display()))?;
    let extras = Extras { smpp: "", tables: tables(&hostile).leak(), log: "off" };
    let server = Server::start(&Setup { extras, ..setup })?;
    let numbers = Numbers::new("+46700", DEVICES)?;
    let mut quiet = Peer::connect(&server.address, Ipv4Addr::LOCALHOST).await?;
    ensure!(quiet.bind("sim", "secret").await?.is_ok(), "bind refused");
    for index in 0..WARM_UP {
        trip(&mut quiet, &numbers, index).await?;
    }
    let mut noisy = Peer::connect(&server.address, Ipv4Addr::new(127, 0, 0, 2)).await?;
    ensure!(noisy.bind("noisy", "secret").await?.is_ok(), "bind refused");
    let (mut alone, mut beside, mut sent) = (Trips::default(), Trips::default(), 0);
    for _ in 0..duration.as_secs().div_ceil(TURN.as_secs()) {
        alone.add_turn(&mut quiet, &numbers).await?;
        let noise = tokio::spawn(noise(noisy, clock::instant() + LEAD + TURN));
        tokio::time::sleep(LEAD).await;
        beside.add_turn(&mut quiet, &numbers).await?;
        let turn;
        (noisy, turn) = noise.await??;
        ensure!(turn > 0, "there was no noise");
        sent += turn;
        // Of what waits, one after the other burns its deadline: half as long again, and none is left.
        tokio::time::sleep(Duration::from_millis((NOISY_QUEUE_MAX * NOISY_DEADLINE_MS * 3 / 2).into())).await;
    }
    println!("{:<12}{:>12}{:>10}{:>10}{:>10}", "", "round trips", "p50 ms", "p99 ms", "max ms");
    alone.print("alone");
    beside.print("beside noise");
    let growth = (beside.percentile(99) / alone.percentile(99) - 1.0) * 100.0;
    let is_fine = growth < GROWTH_MAX_PERCENT;
    let word = if is_fine { "fine" } else { "TOO MUCH" };
    println!("{sent} noisy MOs; p99 grew by {growth:.0} % (fine: below {GROWTH_MAX_PERCENT} %): {word}");
    Ok(is_fine)
}

/// From an MO until its answer is there.
async fn trip(quiet: &mut Peer, numbers: &Numbers, index: usize) -> anyhow::Result<Duration> {
    let (started, before): (Instant, u64) = (clock::instant(), quiet.delivered);
    let response = quiet.ask(peer::mo(numbers.of(index as u32 % DEVICES))).await?;
    ensure!(response.command_status.is_ok(), "MO refused: {}", response.command_status);
    quiet.until_delivered(before + 1).await?;
    Ok(started.elapsed())
}

/// MOs that the other customer's rule computes for ever on. Yields how many of them were taken.
async fn noise(mut noisy: Peer, until: Instant) -> anyhow::Result<(Peer, u64)> {
    let numbers = Numbers::new("+46730", NOISY_DEVICES)?;
    let (mut sent, mut taken) = (0, 0);
    while clock::instant() < until {
        let device = numbers.of(sent as u32 % NOISY_DEVICES);
        // A queue that is full says so; there is noise enough then.
        let response = noisy.ask(endless(device)).await?;
        taken += u64::from(response.command_status.is_ok());
        sent += 1;
        tokio::time::sleep(NOISE_EVERY).await;
    }
    Ok((noisy, taken))
}

fn endless(device: Vec<u8>) -> Body {
    Body::SubmitSm(Sm {
        source_addr_ton: Ton::INTERNATIONAL,
        source_addr_npi: Npi::ISDN,
        source_addr: device.into(),
        dest_addr_npi: Npi::ISDN,
        destination_addr: Bytes::from_static(b"7002"),
        short_message: Bytes::from_static(b"LOOP"),
        ..Sm::default()
    })
}

/// Its breaker would end the noise.
fn tables(hostile: &Path) -> String {
    let hostile = toml::Value::String(hostile.display().to_string());
    format!(
        r#"
[[customer]]
id = "noisy"
numbers = ["7002"]
devices = ["+4673*"]
queue_max = {NOISY_QUEUE_MAX}

[[account]]
system_id = "noisy"
password = "secret"
role = "network"
routes = ["+4673"]

[[rule]]
customer = "noisy"
name = "hostile"
component = {hostile}
numbers = ["7002"]
deadline_ms = {NOISY_DEADLINE_MS}
attempts_max = 1
breaker = {{ failures = 0 }}
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_measured() {
        let trips = Trips((1..=200).map(Duration::from_millis).collect());
        assert_eq!((trips.percentile(50), trips.percentile(99), trips.percentile(100)), (101.0, 199.0, 200.0));
        assert_eq!(Trips(Vec::new()).percentile(99), 0.0);
    }

    #[test]
    fn tables_are_toml() {
        let table: toml::Table = tables(Path::new("/tmp/a \"b\".wasm")).parse().unwrap();
        assert_eq!(table["rule"][0]["component"].as_str(), Some("/tmp/a \"b\".wasm"));
    }
}
