//! One row: start a server, load it, let it warm up, and measure for a while.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::procfs::Usage;
use super::scenario::Scenario;
use super::server::{Server, Setup};
use crate::cli::simulate::client::{ClientError, LinkConfig};
use crate::cli::simulate::load::Load;
use crate::cli::simulate::numbers::Numbers;
use crate::cli::simulate::report::Latency;
use crate::cli::simulate::span::Span;
use crate::cli::simulate::start_links;
use crate::cli::simulate::tally::Tally;
use crate::cli::simulate::traffic::Traffic as _;
use crate::clock;

/// How often the counts are looked at while waiting for a number of messages.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// A row that does not get on is given up.
const STALLED_AFTER: Duration = Duration::from_secs(10);

type Links = JoinSet<Result<(), ClientError>>;

/// When a row has been measured for long enough.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    Elapsed(Duration),
    Answers(u64),
}

#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub per_sec: f64,
    pub latency: Latency,
    /// CPU seconds for 100,000 messages.
    pub server_cpu: f64,
    pub load_cpu: f64,
    pub rss_kib: u64,
    pub rss_peak_kib: u64,
    pub written_per_message: f64,
    /// MOs refused for good or deferred, and MOs without an MT at the end: all zero in a good row.
    pub refused: u64,
    pub unanswered: u64,
}

/// A server with load on it.
pub struct Running {
    pub server: Server,
    load: Arc<Mutex<Load>>,
    links: Links,
}

impl Running {
    /// Must be called inside a tokio runtime, which then carries the links.
    pub fn start(setup: &Setup, scenario: &Scenario, devices: u32) -> anyhow::Result<Self> {
        Self::start_on(Server::start(setup)?, scenario, devices)
    }

    /// As [`start`](Self::start), on a server that is up.
    pub fn start_on(server: Server, scenario: &Scenario, devices: u32) -> anyhow::Result<Self> {
        let numbers = Numbers::new("+46700", devices)?;
        let load = Load::new(numbers, "7001", scenario.binds, scenario.rate, Span::default(), clock::instant())
            .with_in_flight_max(scenario.in_flight_max());
        let load = Arc::new(Mutex::new(load));
        let config = LinkConfig {
            connect: server.address.clone(),
            system_id: "sim".to_owned(),
            password: "secret".to_owned(),
            window: scenario.window,
        };
        let links = start_links(config, scenario.binds, &load);
        Ok(Self { server, load, links })
    }

    /// MOs go to these numbers from now on, to each as often as to the others.
    pub fn send_to(&self, numbers: Vec<Bytes>) {
        self.load.lock().send_to(numbers);
    }

    /// So many MOs are due in a second from now on; 0 for as many as the windows allow.
    pub fn set_rate(&self, rate: f64) {
        self.load.lock().set_rate(rate, clock::instant());
    }

    /// Lets the load run, and hands out what was counted meanwhile.
    pub async fn run(&mut self, until: Until) -> anyhow::Result<Tally> {
        let started = clock::instant();
        let (mut answers, mut answered_at) = (0, started);
        loop {
            tokio::select! {
                ended = self.links.join_next() => match ended {
                    Some(Ok(Err(error))) => bail!("a link gave up: {error}\n{}", self.server.log_tail()),
                    _ => bail!("a link ended too early\n{}", self.server.log_tail()),
                },
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let now = clock::instant();
            let mut load = self.load.lock();
            let is_done = match until {
                Until::Elapsed(duration) => now >= started + duration,
                Until::Answers(count) => load.tally().answers >= count,
            };
            if is_done {
                return Ok(load.take_tally());
            }
            if load.tally().answers > answers {
                (answers, answered_at) = (load.tally().answers, now);
            } else if now >= answered_at + STALLED_AFTER {
                bail!("no MT for {STALLED_AFTER:?}\n{}", self.server.log_tail());
            }
        }
    }

    /// Ends the load; says how many MOs were never answered.
    pub async fn stop(mut self) -> anyhow::Result<u64> {
        self.load.lock().end(clock::instant());
        while let Some(ended) = self.links.join_next().await {
            ended?.with_context(|| self.server.log_tail())?;
        }
        let waiting = self.load.lock().waiting();
        Ok(waiting as u64)
    }
}

/// Measures one row.
pub async fn measure(
    setup: &Setup,
    scenario: &Scenario,
    devices: u32,
    warm_up: Duration,
    until: Until,
) -> anyhow::Result<Measured> {
    let mut running = Running::start(setup, scenario, devices)?;
    running.run(Until::Elapsed(warm_up)).await?;
    let load_pid = std::process::id();
    let (started, server_before, load_before) = (clock::instant(), running.server.usage()?, Usage::of(load_pid)?);
    let tally = running.run(until).await?;
    let (ended, server_after, load_after) = (clock::instant(), running.server.usage()?, Usage::of(load_pid)?);
    let unanswered = running.stop().await?;

    let messages = tally.answers.max(1) as f64;
    let per_100_000 = |after: f64, before: f64| (after - before) / messages * 100_000.0;
    Ok(Measured {
        per_sec: tally.answers as f64 / ended.saturating_duration_since(started).as_secs_f64(),
        latency: Latency::of(&tally.answer_latency),
        server_cpu: per_100_000(server_after.cpu_secs, server_before.cpu_secs),
        load_cpu: per_100_000(load_after.cpu_secs, load_before.cpu_secs),
        rss_kib: server_after.rss_kib,
        rss_peak_kib: server_after.rss_peak_kib,
        written_per_message: (server_after.written_octets - server_before.written_octets) as f64 / messages,
        refused: tally.refused_total() + tally.deferred,
        unanswered,
    })
}
