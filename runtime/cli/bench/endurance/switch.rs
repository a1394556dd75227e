//! `--endurance switch`: a steady rate of MOs, in quiet and while the rule's version is switched ten times a second. The two take
//! turns, so that a disk that stalls now and then stalls for both.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{Method, Request};
use http_body_util::BodyExt as _;
use hyper::client::conn::http1::SendRequest;
use serde_json::{Value, json};

use super::api::connect;
use crate::cli::bench::measure::{Running, Until};
use crate::cli::bench::scenario::{Scenario, Variant};
use crate::cli::bench::server::{Extras, Server, Setup};
use crate::cli::simulate::histogram::Histogram;
use crate::cli::simulate::report::Latency;
use crate::cli::simulate::tally::Tally;
use crate::clock;

const EXTRAS: Extras = Extras { smpp: "", tables: "[api]\nlisten = \"127.0.0.1:0\"\n", log: "warn" };
const SCENARIO: Scenario = Scenario { variant: Variant::Full, binds: 4, window: 64, rate: 5_000.0 };
const WARM_UP: Duration = Duration::from_secs(2);
const TURN: Duration = Duration::from_secs(1);
const SWITCH_EVERY: Duration = Duration::from_millis(100);
/// A switch has to be seen within this.
const VISIBLE_GOAL_MS: f64 = 100.0;
const RULE: &str = "/v1/rules/meter?customer=acme";

pub async fn run(setup: Setup, devices: u32, phase: Duration) -> anyhow::Result<bool> {
    let wasm = std::fs::read(&setup.rule).with_context(|| setup.rule.display().to_string())?;
    let mut running = Running::start(&Setup { extras: EXTRAS, ..setup }, &SCENARIO, devices)?;
    let mut operator = Operator::new(&running.server).await?;
    operator.set_up(wasm).await?;
    running.run(Until::Elapsed(WARM_UP)).await?;
    let (mut quiet, mut switched, mut visible) = (Phase::default(), Phase::default(), Histogram::default());
    while quiet.took < phase {
        quiet.add(&running.run(Until::Elapsed(TURN)).await?);
        let done = Arc::new(AtomicBool::new(false));
        let switching = tokio::spawn(operator.switch(done.clone()));
        switched.add(&running.run(Until::Elapsed(TURN)).await?);
        done.store(true, Ordering::Relaxed);
        let seen;
        (operator, seen) = switching.await??;
        visible.merge(&seen);
        // What came since the end of the turn belongs to neither.
        running.run(Until::Elapsed(Duration::ZERO)).await?;
    }
    println!("{HEAD}\n{}\n{}", quiet.line("quiet"), switched.line("switches"));
    let growth = switched.p99_ms() / quiet.p99_ms();
    println!("\np99 with switches: {growth:.2} of that in quiet (goal: below 2)");
    let Latency { p50_ms, p99_ms, max_ms, .. } = Latency::of(&visible);
    println!("{} switches, seen after {p50_ms:.2} ms (p50), {p99_ms:.2} (p99), {max_ms:.2} (max)", visible.count());
    let is_met = max_ms < VISIBLE_GOAL_MS;
    println!("goal of {VISIBLE_GOAL_MS} ms: {}", if is_met { "met" } else { "NOT MET" });
    let unanswered = running.stop().await?;
    println!("{unanswered} MOs without an answer");
    Ok(unanswered == 0 && is_met)
}

const HEAD: &str = "                  MO/s     p50     p95     p99     max";

/// All turns of one kind.
#[derive(Default)]
struct Phase {
    took: Duration,
    latency: Histogram,
}

impl Phase {
    fn add(&mut self, turn: &Tally) {
        self.took += TURN;
        self.latency.merge(&turn.answer_latency);
    }

    fn p99_ms(&self) -> f64 {
        Latency::of(&self.latency).p99_ms
    }

    fn line(&self, name: &str) -> String {
        let Latency { p50_ms, p95_ms, p99_ms, max_ms } = Latency::of(&self.latency);
        let per_sec = self.latency.count() as f64 / self.took.as_secs_f64();
        format!("{name:<12}{per_sec:>10.0}{p50_ms:>8.2}{p95_ms:>8.2}{p99_ms:>8.2}{max_ms:>8.2}")
    }
}

struct Operator {
    sender: SendRequest<Body>,
    host: String,
    token: String,
}

impl Operator {
    async fn new(server: &Server) -> anyhow::Result<Operator> {
        let (host, token) = (server.api()?.to_owned(), server.operator_token()?.to_owned());
        Ok(Operator { sender: connect(&host).await?, host, token })
    }

    async fn ask(&mut self, (method, path): (Method, &str), kind: &str, body: Vec<u8>) -> anyhow::Result<Value> {
        let request = Request::builder().method(method).uri(path).header(HOST, &self.host);
        let request = request.header(AUTHORIZATION, format!("Bearer {}", self.token)).header(CONTENT_TYPE, kind);
        self.sender.ready().await?;
        let (parts, body) = self.sender.send_request(request.body(Body::from(body))?).await?.into_parts();
        let octets = body.collect().await?.to_bytes();
        if !parts.status.is_success() {
            bail!("{path}: {} {}", parts.status, String::from_utf8_lossy(&octets));
        }
        Ok(serde_json::from_slice(&octets)?)
    }

    /// Two versions that do the same, and a rule that goes before the config file's.
    async fn set_up(&mut self, mut wasm: Vec<u8>) -> anyhow::Result<()> {
        for version in ["1", "2"] {
            let path = format!("/v1/plugins?name=meter&version={version}");
            self.ask((Method::POST, &path), "application/wasm", wasm.clone()).await?;
            // A custom section, which nobody reads: its length, its name's length, its name.
            wasm.extend([0, 3, 2, b'v', b'2']);
        }
        let rule = json!({ "plugin": "meter@1", "numbers": ["7001"], "keyword": "WM1", "config": {
            "acknowledge_reports": "true", "daily_allowance_litres": "0", "leak_minutes": "0",
        } });
        self.ask((Method::PUT, RULE), "application/json", rule.to_string().into()).await?;
        Ok(())
    }

    /// Until `done`; how long each switch took from the request to the first run on the new version.
    async fn switch(mut self, done: Arc<AtomicBool>) -> anyhow::Result<(Operator, Histogram)> {
        let mut visible = Histogram::default();
        for version in [2, 1].into_iter().cycle() {
            // Ended with the version that the next turn begins with.
            if version == 2 && done.load(Ordering::Relaxed) {
                break;
            }
            let before = self.runs("previous").await?;
            let started = clock::instant();
            let plugin = json!({ "plugin": format!("meter@{version}") }).to_string();
            let path = "/v1/rules/meter/activate?customer=acme";
            self.ask((Method::POST, path), "application/json", plugin.into()).await?;
            while self.runs("active").await? <= before {}
            visible.record(started.elapsed());
            tokio::time::sleep_until((started + SWITCH_EVERY).into()).await;
        }
        Ok((self, visible))
    }

    /// Of a version that is loaded; none, if it is not.
    async fn runs(&mut self, role: &str) -> anyhow::Result<u64> {
        let rule = self.ask((Method::GET, RULE), "application/json", Vec::new()).await?;
        Ok(rule[role]["runs"].as_u64().unwrap_or_default())
    }
}
