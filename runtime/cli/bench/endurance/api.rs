//! `--endurance api`: single sends over the REST API, first as many as go, then at a steady rate; every one of them has
//! to reach the network.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::backlog::Progress as _;
use super::traffic::Drain;
use crate::cli::bench::procfs::Usage;
use crate::cli::bench::server::{Extras, Server, Setup};
use crate::cli::simulate::client::LinkConfig;
use crate::cli::simulate::histogram::Histogram;
use crate::cli::simulate::numbers::Numbers;
use crate::cli::simulate::report::Latency;
use crate::cli::simulate::start_links;
use crate::cli::simulate::traffic::Pace;
use crate::clock;

const EXTRAS: Extras =
    Extras { smpp: "", tables: "[api]\nlisten = \"127.0.0.1:0\"\nrequests_per_sec = 1000000\n", log: "warn" };
/// Connections of the software that sends; each waits for its answer.
const CONNECTIONS: usize = 64;
const BINDS: usize = 4;
const WINDOW: usize = 256;
/// Sends in a second that have to be possible, and how fast an answer has to be at half of that.
const RATE_GOAL: f64 = 5_000.0;
const P99_GOAL_MS: f64 = 50.0;
/// The number of a message is its device's, and a device's has six digits.
const MESSAGES_MAX: u32 = 1_000_000;
const STALLED_AFTER: Duration = Duration::from_secs(30);

pub async fn run(setup: Setup, phase: Duration) -> anyhow::Result<bool> {
    let server = Server::start(&Setup { extras: EXTRAS, ..setup })?;
    let numbers = Numbers::new("+46700", MESSAGES_MAX)?;
    let drain = Arc::new(Mutex::new(Drain::new(numbers.clone(), MESSAGES_MAX)));
    let network = LinkConfig {
        connect: server.address.clone(),
        system_id: "sim".to_owned(),
        password: "secret".to_owned(),
        window: WINDOW,
    };
    let mut links = start_links(network, BINDS, &drain);
    let client = Arc::new(Client { key: make_key(&server).await?, address: server.api()?.to_owned(), numbers });

    println!("{CONNECTIONS} connections send one message a request; {BINDS} binds take them, window {WINDOW}\n");
    println!("{HEAD}");
    let sent = Arc::new(AtomicU32::new(0));
    let mut problems = Vec::new();
    for rate in [0.0, RATE_GOAL / 2.0] {
        let (until, before) = (clock::instant() + phase, server.usage()?);
        let started = clock::instant();
        let sends = send_for(&client, &sent, rate, until).await?;
        let usage = server.usage()?;
        let per_sec = sends.answers.count() as f64 / started.elapsed().as_secs_f64();
        let latency = Latency::of(&sends.answers);
        println!("{}", line(rate, per_sec, latency, &before, &usage, &sends));
        let (is_met, goal) = match rate {
            0.0 => (per_sec >= RATE_GOAL, format!("{RATE_GOAL} sends/s")),
            _ => (latency.p99_ms < P99_GOAL_MS, format!("p99 under {P99_GOAL_MS} ms at {rate}/s")),
        };
        println!("goal of {goal}: {}", if is_met { "met" } else { "NOT MET" });
        if sends.refused > 0 {
            problems.push(format!("{} refused", sends.refused));
        }
    }
    let accepted = sent.load(Ordering::Relaxed);
    drain.lock().expect(accepted);
    arrive(&server, &drain, accepted).await?;
    while let Some(ended) = links.join_next().await {
        ended?.with_context(|| server.log_tail())?;
    }
    let repeated = drain.lock().repeated;
    println!("{accepted} accepted, all of them delivered, {repeated} twice");
    if repeated > 0 {
        problems.push("messages were delivered twice".to_owned());
    }
    problems.iter().for_each(|problem| println!("PROBLEM: {problem}"));
    Ok(problems.is_empty())
}

const HEAD: &str =
    " sends/s asked       sends/s     p50     p95     p99     max   server CPU s per 100,000   RSS MiB   refused";

fn line(rate: f64, per_sec: f64, latency: Latency, before: &Usage, after: &Usage, sends: &Sends) -> String {
    let asked = if rate > 0.0 { rate.to_string() } else { "max".to_owned() };
    let cpu = (after.cpu_secs - before.cpu_secs) / sends.answers.count().max(1) as f64 * 100_000.0;
    let Latency { p50_ms, p95_ms, p99_ms, max_ms } = latency;
    format!(
        "{asked:>14}{per_sec:>14.0}{p50_ms:>8.2}{p95_ms:>8.2}{p99_ms:>8.2}{max_ms:>8.2}{cpu:>27.2}{:>10.0}{:>10}",
        after.rss_mib(),
        sends.refused
    )
}

/// Waits for the last one.
async fn arrive(server: &Server, drain: &Mutex<Drain>, count: u32) -> anyhow::Result<()> {
    let (mut done, mut done_at) = (0, clock::instant());
    while done < count {
        tokio::time::sleep(super::LOOK_EVERY).await;
        let now = clock::instant();
        let now_done = drain.lock().done();
        if now_done > done {
            (done, done_at) = (now_done, now);
        }
        ensure!(now < done_at + STALLED_AFTER, "{} never arrived\n{}", count - done, server.log_tail());
    }
    Ok(())
}

/// What sends.
struct Client {
    address: String,
    key: String,
    numbers: Numbers,
}

/// What became of the requests of a phase.
#[derive(Default)]
struct Sends {
    answers: Histogram,
    refused: u64,
}

async fn send_for(client: &Arc<Client>, sent: &Arc<AtomicU32>, rate: f64, until: Instant) -> anyhow::Result<Sends> {
    let mut workers = JoinSet::new();
    let started = clock::instant();
    for turn in 0..CONNECTIONS {
        // One after the other, not all at once.
        let first = if rate > 0.0 { turn as f64 / rate } else { 0.0 };
        let pace = Pace::new(rate / CONNECTIONS as f64, started + Duration::from_secs_f64(first));
        workers.spawn(work(client.clone(), sent.clone(), pace, until));
    }
    let mut all = Sends::default();
    while let Some(sends) = workers.join_next().await {
        let sends = sends??;
        all.answers.merge(&sends.answers);
        all.refused += sends.refused;
    }
    Ok(all)
}

/// One connection. What waits for its turn behind a slow answer counts from when it was due.
async fn work(client: Arc<Client>, sent: Arc<AtomicU32>, mut pace: Pace, until: Instant) -> anyhow::Result<Sends> {
    let mut sender = connect(&client.address).await?;
    let mut sends = Sends::default();
    loop {
        let now = clock::instant();
        let due = pace.due(now);
        if due > now {
            tokio::time::sleep_until(due.into()).await;
        }
        if clock::instant() >= until {
            return Ok(sends);
        }
        pace.advance();
        let number = sent.fetch_add(1, Ordering::Relaxed);
        ensure!(number < MESSAGES_MAX, "there are {MESSAGES_MAX} devices only, measure for fewer seconds");
        let to = format!("+{}", String::from_utf8_lossy(&client.numbers.of(number)));
        let message = json!({ "from": "7001", "to": to, "text": "WM1 VALVE CLOSE" });
        match post(&mut sender, &client.address, "/v1/messages", &client.key, &message).await? {
            (status, _) if status.is_success() => sends.answers.record(clock::instant() - due),
            _ => sends.refused += 1,
        }
    }
}

pub(super) async fn connect(address: &str) -> anyhow::Result<SendRequest<Body>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn post(
    sender: &mut SendRequest<Body>,
    host: &str,
    path: &str,
    token: &str,
    body: &Value,
) -> anyhow::Result<(StatusCode, bytes::Bytes)> {
    let request = Request::post(path)
        .header(HOST, host)
        .header(AUTHORIZATION, format!("Bearer {token}"))
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))?;
    sender.ready().await?;
    let (parts, body) = sender.send_request(request).await?.into_parts();
    Ok((parts.status, body.collect().await?.to_bytes()))
}

async fn make_key(server: &Server) -> anyhow::Result<String> {
    let (address, token) = (server.api()?, server.operator_token()?);
    let mut sender = connect(address).await?;
    let wanted = json!({ "name": "bench", "scopes": ["send"] });
    let (status, made) = post(&mut sender, address, "/v1/customers/acme/keys", token, &wanted).await?;
    let made: Value = serde_json::from_slice(&made)?;
    match made["key"].as_str() {
        Some(key) => Ok(key.to_owned()),
        None => bail!("no key: {status} {made}"),
    }
}
