//! Versions that are switched while messages flow: every MO is answered once, by one whole version, in the order of its device.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::client::{Client, start};
use crate::smsc::site::{NUMBER, Plan};
use crate::support::PATIENCE;
use crate::support::client::Client as Network;
use crate::support::server::version;
use wasmsc_smpp::BindMode;

const SWITCHES: usize = 200;
const DEVICES: usize = 20;
/// MOs that are not answered yet.
const UNDER_WAY: usize = 60;
const ACTIVATE: &str = "/v1/rules/echo/activate?customer=acme";

/// What came back: for each MO its mark, and for each device the MOs in the order of their answers.
#[derive(Default)]
struct Ledger {
    halves: BTreeMap<u64, String>,
    marks: BTreeMap<String, u64>,
    last: BTreeMap<String, u64>,
    answered: u64,
}

impl Ledger {
    /// `mark a 17`, and behind it `mark b 17`.
    fn take(&mut self, device: &str, text: &str) {
        let words: Vec<&str> = text.split(' ').collect();
        let [mark, part, number] = words[..] else { panic!("unexpected {text:?}") };
        let number: u64 = number.parse().expect("a number");
        match part {
            "a" => assert_eq!(self.halves.insert(number, mark.to_owned()), None, "{text} came twice"),
            _ => {
                assert_eq!(self.halves.remove(&number).as_deref(), Some(mark), "{text}: two versions in one answer");
                let last = self.last.insert(device.to_owned(), number);
                assert!(last < Some(number), "{device} got the answer to {number} behind that to {last:?}");
                *self.marks.entry(mark.to_owned()).or_default() += 1;
                self.answered += 1;
            }
        }
    }
}

async fn switch(operator: Client, done: Arc<AtomicBool>) {
    for number in 0..SWITCHES {
        let plugin = if number % 2 == 0 { "echo@2" } else { "echo@1" };
        operator.post(ACTIVATE, json!({ "plugin": plugin })).await.expect(200);
    }
    done.store(true, Ordering::SeqCst);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn switches_under_load_lose_nothing_and_mix_nothing() {
    let (site, operator) = start(Plan::network()).await;
    for (number, mark) in [("1", "mark-one"), ("2", "mark-two")] {
        operator.upload(("echo", number), "", version(mark)).await.expect(201);
    }
    let rule = json!({ "plugin": "echo@1", "numbers": [NUMBER] }).to_string();
    operator.request("PUT", "/v1/rules/echo?customer=acme", &[], Some(&rule)).await.expect(201);
    let mut network =
        Network::connect_and_bind(site.smpp, "sim", "secret", BindMode::Transceiver).await.expect("bound");
    let done = Arc::new(AtomicBool::new(false));
    let switching = tokio::spawn(switch(operator.clone(), done.clone()));
    let (mut ledger, mut sent) = (Ledger::default(), 0_u64);
    while !done.load(Ordering::SeqCst) || ledger.answered < sent {
        assert!(!switching.is_finished() || done.load(Ordering::SeqCst), "the switches came to an end too early");
        if !done.load(Ordering::SeqCst) && sent - ledger.answered < UNDER_WAY as u64 {
            sent += 1;
            let device = format!("+4670{:07}", sent as usize % DEVICES);
            network.send(&device, NUMBER, &format!("VERSION {sent}")).await;
            continue;
        }
        let delivery = network.next_delivery(PATIENCE).await;
        let delivery = delivery.unwrap_or_else(|| panic!("{} of {sent} are answered", ledger.answered));
        ledger.take(&delivery.dest, &delivery.text);
    }
    switching.await.expect("all switches were made");
    assert!(ledger.halves.is_empty(), "{:?}", ledger.halves);
    assert_eq!(ledger.marks.len(), 2, "both versions had a turn: {:?}", ledger.marks);
    let shown = operator.get("/v1/rules/echo?customer=acme").await.expect(200).json();
    assert_eq!(shown["active"]["plugin"], "echo@1");
    // What runs when a version is loaded anew is counted anew; those that stay loaded keep their counts.
    let runs = ["active", "previous"].map(|role| shown[role]["runs"].as_u64().expect("a number"));
    assert_eq!(runs.iter().sum::<u64>(), sent, "each MO ran once: {shown}");
    network.unbind().await;
    site.end(()).await;
}
