//! `--endurance neighbour`: a customer whose rule burns its whole deadline on every message, beside one whose rule is
//! quick. What becomes of the quick one's round trips?

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
/// Round trips that do not count: caches are cold.
const WARM_UP: usize = 100;
/// The p99 may grow by so much.
const GROWTH_MAX_PERCENT: f64 = 50.0;
const DEVICES: u32 = 100;

/// Round trips of one phase.
struct Trips(Vec<Duration>);

impl Trips {
    /// In milliseconds.
    fn percentile(&self, percent: usize) -> f64 {
        let index = (self.0.len() * percent / 100).min(self.0.len().saturating_sub(1));
        self.0.get(index).map_or(0.0, |trip| trip.as_secs_f64() * 1_000.0)
    }

    fn print(&self, phase: &str) {
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
    println!("{:<12}{:>12}{:>10}{:>10}{:>10}", "", "round trips", "p50 ms", "p99 ms", "max ms");
    let alone = trips(&mut quiet, &numbers, duration).await?;
    alone.print("alone");
    let noise = tokio::spawn(noise(server.address.clone(), clock::instant() + duration + Duration::from_secs(2)));
    // Until the noisy rule is known to be slow, its calls are where the quick ones are.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let beside = trips(&mut quiet, &numbers, duration).await?;
    beside.print("beside noise");
    let sent = noise.await??;
    ensure!(sent > 0, "there was no noise");
    let growth = (beside.percentile(99) / alone.percentile(99) - 1.0) * 100.0;
    let is_fine = growth < GROWTH_MAX_PERCENT;
    let word = if is_fine { "fine" } else { "TOO MUCH" };
    println!("{sent} noisy MOs; p99 grew by {growth:.0} % (fine: below {GROWTH_MAX_PERCENT} %): {word}");
    Ok(is_fine)
}

async fn trips(quiet: &mut Peer, numbers: &Numbers, duration: Duration) -> anyhow::Result<Trips> {
    let until = clock::instant() + duration;
    let (mut trips, mut next) = (Vec::new(), clock::instant());
    while clock::instant() < until {
        trips.push(trip(quiet, numbers, trips.len()).await?);
        next = (next + TRIP_EVERY).max(clock::instant());
        tokio::time::sleep_until(next.into()).await;
    }
    trips.sort_unstable();
    Ok(Trips(trips))
}

/// From an MO until its answer is there.
async fn trip(quiet: &mut Peer, numbers: &Numbers, index: usize) -> anyhow::Result<Duration> {
    let (started, before): (Instant, u64) = (clock::instant(), quiet.delivered);
    let response = quiet.ask(peer::mo(numbers.of(index as u32 % DEVICES))).await?;
    ensure!(response.command_status.is_ok(), "MO refused: {}", response.command_status);
    quiet.until_delivered(before + 1).await?;
    Ok(started.elapsed())
}

/// MOs that the other customer's rule computes for ever on. Yields how many there were.
async fn noise(address: String, until: Instant) -> anyhow::Result<u64> {
    let numbers = Numbers::new("+46730", NOISY_DEVICES)?;
    let mut noisy = Peer::connect(&address, Ipv4Addr::new(127, 0, 0, 2)).await?;
    ensure!(noisy.bind("noisy", "secret").await?.is_ok(), "bind refused");
    let mut sent = 0;
    while clock::instant() < until {
        let device = numbers.of(sent as u32 % NOISY_DEVICES);
        // A queue that is full says so; there is noise enough then.
        noisy.ask(endless(device)).await?;
        sent += 1;
        tokio::time::sleep(NOISE_EVERY).await;
    }
    Ok(sent)
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
queue_max = 1000

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
deadline_ms = 100
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
