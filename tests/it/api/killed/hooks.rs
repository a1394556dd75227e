//! Webhooks while the server is killed: every event arrives, those of a device in order, signed.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use wasmsc::cli::simulate::rng::Rng;

use super::{PATIENCE_MAX, Premises};
use crate::api::client::key;
use crate::api::webhooks::{Receiver, is_signed};
use crate::smsc::peer::eventually;

const ROUNDS: u32 = 8;
/// Messages that are accepted in one life, at most.
const MESSAGES_MAX: u32 = 120;
const DEVICES: u32 = 7;
const SEED: u64 = 0x5EED_0C03;

/// Texts in the order of their first arrival, by device.
fn arrived(receiver: &Receiver, secret: &str) -> BTreeMap<String, Vec<String>> {
    let (mut known, mut arrived) = (BTreeSet::new(), BTreeMap::<String, Vec<String>>::new());
    for (headers, body) in receiver.taken() {
        assert!(is_signed(secret, &headers, &body), "{body}");
        let event: Value = serde_json::from_str(&body).expect("JSON");
        if known.insert(event["id"].as_str().expect("an id").to_owned()) {
            let device = event["device"].as_str().expect("a device").to_owned();
            arrived.entry(device).or_default().push(event["message"]["text"].as_str().expect("a text").to_owned());
        }
    }
    arrived
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_of_what_was_told_arrives_and_those_of_a_device_in_order() {
    let (mut premises, mut rng, receiver) = (Premises::new(), Rng::seeded(SEED), Receiver::new(2).await);
    let mut life = premises.live();
    let token = key(&life.operator, "acme", &["send", "read", "manage"]).await.token().to_owned();
    let hook = json!({ "url": receiver.url(), "types": ["message.accepted"] });
    let made = life.operator.with_token(&token).post("/v1/webhooks", hook).await.expect(201);
    let secret = made.field("secret");
    let (mut told, mut untold): (BTreeMap<String, Vec<String>>, BTreeSet<String>) = Default::default();
    let mut number = 0;
    for round in 0..ROUNDS {
        let acme = life.operator.with_token(&token);
        for _ in 0..1 + rng.below(MESSAGES_MAX) {
            number += 1;
            let device = format!("+4670000000{}", rng.below(DEVICES));
            let body = json!({ "to": device, "text": format!("{number}") });
            acme.post("/v1/messages", body).await.expect(202);
            told.entry(device).or_default().push(number.to_string());
        }
        // One more, of which nobody hears what became.
        number += 1;
        let body = json!({ "to": "+46700000000", "text": format!("{number}") });
        let once = format!("last-of-{round}");
        let patience = rng.below(PATIENCE_MAX);
        let answer = life.killed_while(&acme, ("POST", "/v1/messages"), &once, body, patience).await;
        match answer {
            Some(answer) => {
                answer.expect(202);
                told.entry("+46700000000".to_owned()).or_default().push(number.to_string());
            }
            None => drop(untold.insert(number.to_string())),
        }
        drop(life);
        life = premises.live();
        life.is_content();
        let hooks = life.operator.with_token(&token).get("/v1/webhooks").await.expect(200).json();
        assert_eq!(hooks["webhooks"].as_array().map(Vec::len), Some(1), "round {round}");
    }
    let all = eventually("every event", || async {
        let mut arrived = arrived(&receiver, &secret);
        arrived.values_mut().for_each(|texts| texts.retain(|text| !untold.contains(text)));
        (arrived == told).then_some(arrived)
    });
    all.await;
    life.process.kill();
}
