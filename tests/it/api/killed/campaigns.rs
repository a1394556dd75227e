//! Campaigns while the server is killed: each device is written to, under one id, and every message comes to its end.

use std::collections::HashMap;

use serde_json::{Value, json};
use wasmsc::cli::simulate::rng::Rng;
use wasmsc_smpp::Sm;

use super::{PATIENCE_MAX, Premises};
use crate::api::client::{Client, Reply, key};
use crate::smsc::peer::{Login, Peer, eventually, octets};

const DEVICES: usize = 1_500;
const ROUNDS: u32 = 8;
/// As the config says: where an MT has its id.
const MESSAGE_ID_TLV: u16 = 5_377;
const SEED: u64 = 0x5EED_0C02;
const CAMPAIGNS: &str = "/v1/campaigns";

/// Ids of the messages that each device got, by text.
#[derive(Default)]
struct Ledger(HashMap<(String, String), String>);

impl Ledger {
    fn took(&mut self, sm: &Sm) {
        let text = |octets: &[u8]| String::from_utf8(octets.to_vec()).expect("ASCII");
        let id = text(sm.tlvs.get(MESSAGE_ID_TLV).expect("each MT has its id")).trim_end_matches('\0').to_owned();
        let of = (text(&sm.short_message), text(&sm.destination_addr));
        let first = self.0.entry(of.clone()).or_insert_with(|| id.clone());
        assert_eq!(*first, id, "{of:?} was written to twice");
    }

    fn of(&self, text: &str) -> usize {
        self.0.keys().filter(|(of, _)| of == text).count()
    }
}

async fn ask(client: &Client, id: &str, what: &str) -> Reply {
    client.request("POST", &format!("{CAMPAIGNS}/{id}/{what}"), &[], None).await
}

async fn shown(client: &Client, id: &str) -> Value {
    client.get(&format!("{CAMPAIGNS}/{id}")).await.expect(200).json()
}

async fn bound(smpp: std::net::SocketAddr) -> Peer {
    Peer::try_bind(smpp, Login::new("sim")).await.expect("it binds")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_device_is_written_to_under_one_id_and_every_message_comes_to_its_end() {
    let (mut premises, mut rng, mut ledger) = (Premises::new(), Rng::seeded(SEED), Ledger::default());
    let devices: Vec<String> = (0..DEVICES).map(|n| format!("+46700{n:06}")).collect();
    let body = json!({ "to": { "devices": devices }, "text": "spring", "pace": { "per_second": 5_000 } });
    let mut life = premises.live();
    let token = key(&life.operator, "acme", &["send", "read"]).await.token().to_owned();
    let mut told: Option<String> = None;
    for round in 0..ROUNDS {
        let acme = life.operator.with_token(&token);
        // Also when the answer to the one before was never read.
        if round < 3 {
            let begun =
                life.killed_while(&acme, ("POST", CAMPAIGNS), "spring", body.clone(), rng.below(PATIENCE_MAX)).await;
            let id = begun.map(|reply| reply.expect(201).field("id"));
            told = told.or(id);
        } else {
            let id = acme.post_once(CAMPAIGNS, "spring", &body).await.expect(201).field("id");
            assert_eq!(*told.get_or_insert_with(|| id.clone()), id, "round {round}: another campaign");
            let mut sim = bound(life.smpp).await;
            for _ in 0..rng.below((DEVICES - ledger.of("spring")).min(400) as u32) {
                ledger.took(&sim.take().await);
            }
            life.process.kill();
        }
        drop(life);
        life = premises.live();
        life.is_content();
    }
    let id = told.expect("it began");
    let acme = life.operator.with_token(&token);
    let mut sim = bound(life.smpp).await;
    while ledger.of("spring") < DEVICES {
        ledger.took(&sim.take().await);
    }
    let done =
        eventually("the end", || async { Some(shown(&acme, &id).await).filter(|shown| shown["state"] == "done") });
    let counts = &done.await["counts"];
    assert_eq!(
        (&counts["total"], &counts["submitted"], &counts["enroute"]),
        (&json!(DEVICES), &json!(DEVICES), &json!(0))
    );
    assert_eq!(counts["ended"], json!({ "delivered": DEVICES }));
    assert_eq!(acme.get(CAMPAIGNS).await.expect(200).json()["campaigns"].as_array().map(Vec::len), Some(1));
    life.process.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_paused_stays_paused_and_what_was_cancelled_sends_nothing_more() {
    let (mut premises, mut ledger) = (Premises::new(), Ledger::default());
    let mut life = premises.live();
    let token = key(&life.operator, "acme", &["send", "read"]).await.token().to_owned();
    let devices: Vec<String> = (0..200).map(|n| format!("+46700{n:06}")).collect();
    let mut ids = Vec::new();
    for text in ["paused", "cancelled"] {
        let acme = life.operator.with_token(&token);
        let body = json!({ "to": { "devices": devices }, "text": text, "pace": { "per_second": 400 } });
        ids.push(acme.post(CAMPAIGNS, body).await.expect(201).field("id"));
    }
    let mut sim = bound(life.smpp).await;
    for _ in 0..20 {
        ledger.took(&sim.take().await);
    }
    let acme = life.operator.with_token(&token);
    ask(&acme, &ids[0], "pause").await.expect(200);
    ask(&acme, &ids[1], "cancel").await.expect(200);
    life.process.kill();
    drop(sim);

    life = premises.live();
    life.is_content();
    let acme = life.operator.with_token(&token);
    for (id, state) in ids.iter().zip(["paused", "cancelled"]) {
        assert_eq!(shown(&acme, id).await["state"], state);
    }
    let submitted = shown(&acme, &ids[0]).await["counts"]["submitted"].as_u64().expect("a number");
    let mut sim = bound(life.smpp).await;
    // A message that comes behind whatever they still had.
    acme.post("/v1/messages", json!({ "to": "+46700999999", "text": "fence" })).await.expect(202);
    let mut late = 0;
    loop {
        let sm = sim.take().await;
        ledger.took(&sm);
        match &sm.short_message[..] {
            b"fence" => break,
            b"cancelled" => late += 1,
            _ => {}
        }
    }
    assert!(late <= 20, "{late} messages of a cancelled campaign: more than were in hand");
    assert_eq!(shown(&acme, &ids[0]).await["counts"]["submitted"], submitted, "it is paused");
    ask(&acme, &ids[0], "resume").await.expect(200);
    while ledger.of("paused") < devices.len() {
        let sm = sim.take().await;
        assert_eq!(sm.short_message, octets("paused"));
        ledger.took(&sm);
    }
    assert_eq!(shown(&acme, &ids[1]).await["state"], "cancelled");
    life.process.kill();
}
