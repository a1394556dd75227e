//! `kill -9` while a rule's versions are switched under load, as often as the API answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use wasmsc::cli::simulate::rng::Rng;

use super::ledger::{Goal, Known};
use super::{KILL_AFTER_MAX, READY_PATIENCE, SEED, Site};
use crate::api::client::{Client, TABLE};
use crate::support::server::built;

const ROUNDS: u32 = 10;
const ROUNDS_MAX: u32 = 60;
const SWITCHES_MIN: u32 = 200;
const RULE: &str = "/v1/rules/echo?customer=acme";
const ACTIVATE: &str = "/v1/rules/echo/activate?customer=acme";

/// Two versions that do the same, and a rule.
async fn set_up(operator: &Client) {
    let mut wasm = std::fs::read(built("hostile")).expect("it was built");
    for number in ["1", "2"] {
        operator.upload(("echo", number), "", wasm.clone()).await.expect(201);
        // A custom section, which nobody reads: its length, its name's length, its name.
        wasm.extend([0, 3, 2, b'v', b'2']);
    }
    let rule = json!({ "plugin": "echo@1", "numbers": ["7001"], "deadline_ms": 5000 }).to_string();
    operator.request("PUT", RULE, &[], Some(&rule)).await.expect(201);
}

/// Until the server is gone.
async fn switch(operator: Client, switches: Arc<AtomicU32>) {
    let shown = operator.get(RULE).await.expect(200).json();
    let mut active = shown["active"]["plugin"].as_str().expect("text").to_owned();
    loop {
        let next = if active == "echo@1" { "echo@2" } else { "echo@1" };
        let body = json!({ "plugin": next }).to_string();
        let Some(reply) = operator.try_request("POST", ACTIVATE, &[], &body).await else { return };
        reply.expect(200);
        switches.fetch_add(1, Ordering::Relaxed);
        active = next.to_owned();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_when_the_server_is_killed_between_two_versions() {
    let mut site = Site::with(&format!("{TABLE}[plugins]\ndeadline_max_ms = 5000\n"));
    let mut rng = Rng::seeded(SEED);
    let mut life = site.live(0, Goal::Answered).await;
    let api = life.api.expect("[api] is there");
    let token = life.server.line(READY_PATIENCE);
    let token = token.strip_prefix("operator_token=").expect("the first start prints it").to_owned();
    set_up(&Client::new(api, Some(&token))).await;
    life.server.kill();
    life.links_end().await;
    let (switches, mut round) = (Arc::new(AtomicU32::new(0)), 0);
    while round < ROUNDS || switches.load(Ordering::Relaxed) < SWITCHES_MIN {
        assert!(round < ROUNDS_MAX, "an idle test: {} switches", switches.load(Ordering::Relaxed));
        let count = 1 + rng.below(KILL_AFTER_MAX);
        let goal = [Goal::Sent(count), Goal::Acknowledged(count), Goal::Delivered(count)][rng.below(3) as usize];
        let switching = |api: Option<SocketAddr>| {
            let operator = Client::new(api.expect("[api] is there"), Some(&token));
            tokio::spawn(switch(operator, switches.clone()));
        };
        let mut life = site.live_beside(u64::MAX, goal, switching).await;
        life.server.kill();
        life.links_end().await;
        site.ledger.lock().check_so_far(&format!("round {round}, killed at {goal:?}"));
        round += 1;
    }
    site.end_in_order(0).await;
    let ledger = site.ledger.lock();
    let summary = ledger.check_at_the_end();
    let switches = switches.load(Ordering::Relaxed);
    println!("kill -9 between two versions: {round} rounds, {switches} switches; {summary}");
    let acknowledged = ledger.count(|mo| matches!(mo.fate, Known::Acknowledged(_)));
    assert!(acknowledged > (ROUNDS * KILL_AFTER_MAX / 6) as usize, "an idle test: {acknowledged} acknowledged");
}
