//! Uploads and activations while the server is killed: what was told is there and runs, what was not is whole or absent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::sync::Notify;
use wasmsc::cli::simulate::rng::Rng;

use super::{Life, Premises};
use crate::api::client::Client;
use crate::smsc::peer::{Login, Peer};
use crate::smsc::site::{mo, read};
use crate::support::server::version;

const ROUNDS: u32 = 8;
const KILL_AFTER_MAX: u32 = 12;
const SEED: u64 = 0x5EED_0C04;
const RULE: &str = "/v1/rules/echo?customer=acme";

/// Uploads one version after another, and activates each.
#[derive(Default)]
struct Worker {
    number: u32,
    /// Numbers of uploads that were told.
    uploaded: Vec<u32>,
    /// What the rule has, as it was told last, and what it may have since.
    active: Option<u32>,
    perhaps: Option<u32>,
    asked: u32,
}

fn label(number: u32) -> String {
    format!("echo@{number}")
}

impl Worker {
    async fn work(&mut self, operator: &Client, told: &AtomicUsize, bell: &Notify) {
        loop {
            self.number += 1;
            let number = self.number;
            let path = format!("/v1/plugins?name=echo&version={number}");
            let Some(reply) = operator.try_octets(&path, version(&format!("mark-{number:03}"))).await else { return };
            reply.expect(201);
            self.uploaded.push(number);
            told.fetch_add(1, Ordering::SeqCst);
            bell.notify_one();
            self.perhaps = Some(number);
            let body = json!({ "plugin": label(number), "numbers": ["7001"] }).to_string();
            let reply = match self.active {
                None => operator.try_request("PUT", RULE, &[], &body).await,
                Some(_) => {
                    let body = json!({ "plugin": label(number) }).to_string();
                    operator.try_request("POST", "/v1/rules/echo/activate?customer=acme", &[], &body).await
                }
            };
            let Some(reply) = reply else { return };
            assert!(reply.status.is_success(), "{reply:?}");
            (self.active, self.perhaps) = (Some(number), None);
            told.fetch_add(1, Ordering::SeqCst);
            bell.notify_one();
        }
    }

    async fn compare(&mut self, life: &Life, premises: &Premises) {
        let listed = life.operator.get("/v1/plugins").await.expect(200).json();
        let listed: Vec<u32> = listed["plugins"].as_array().expect("a list").iter().map(number_of).collect();
        for number in &self.uploaded {
            assert!(listed.contains(number), "version {number} was told and is not there: {listed:?}");
        }
        let folder = premises.folder.path().join("data/plugins");
        for file in std::fs::read_dir(&folder).expect("it is there") {
            let name = file.expect("readable").file_name().into_string().expect("text");
            assert!(!name.starts_with(".new-"), "{name} is left over");
        }
        let reply = life.operator.get(RULE).await;
        if reply.status == 404 {
            assert_eq!(self.active, None, "the rule was told and is not there");
            self.perhaps = None;
            return;
        }
        let rule = reply.expect(200).json();
        let active: u32 = rule["active"]["plugin"].as_str().expect("text")["echo@".len()..].parse().expect("a number");
        assert!([self.active, self.perhaps].contains(&Some(active)), "{active}: {:?} {:?}", self.active, self.perhaps);
        assert_eq!((&rule["state"], &rule["why"]), (&json!("running"), &Value::Null), "{rule}");
        let mut sim = Peer::try_bind(life.smpp, Login::new("sim")).await.expect("it binds");
        self.asked += 1;
        let asked = format!("question-{}", self.asked);
        sim.submitted(mo(&format!("VERSION {asked}"))).await;
        for part in ["a", "b"] {
            assert_eq!(
                answer_to(&mut sim, &asked).await,
                format!("mark-{active:03} {part} {asked}"),
                "a whole version answers"
            );
        }
        (self.active, self.perhaps) = (Some(active), None);
        // One that was listed without being told is there as well.
        self.uploaded = listed;
    }
}

/// What was delivered before a kill may be delivered again.
async fn answer_to(sim: &mut Peer, asked: &str) -> String {
    loop {
        let text = read(&sim.take().await);
        if text.ends_with(asked) {
            return text;
        }
    }
}

fn number_of(plugin: &Value) -> u32 {
    plugin["version"].as_str().expect("text").parse().expect("a number")
}

async fn round(premises: &mut Premises, mut worker: Worker, (kill_after, patience): (usize, u32)) -> Worker {
    let Life { mut process, operator, .. } = premises.live();
    let (told, bell) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let running = tokio::spawn({
        let (told, bell) = (told.clone(), bell.clone());
        async move {
            worker.work(&operator, &told, &bell).await;
            worker
        }
    });
    while told.load(Ordering::SeqCst) < kill_after {
        bell.notified().await;
    }
    for _ in 0..patience {
        tokio::task::yield_now().await;
    }
    process.kill();
    running.await.expect("it does not panic")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_and_activations_are_whole_or_absent_and_never_lost() {
    let mut premises = Premises::new();
    let (mut worker, mut rng) = (Worker::default(), Rng::seeded(SEED));
    for _ in 0..ROUNDS {
        // A compilation takes long for a machine: the kills fall into it as well as behind it.
        let moment = (1 + rng.below(KILL_AFTER_MAX) as usize, rng.below(200_000));
        worker = round(&mut premises, worker, moment).await;
        let mut life = premises.live();
        life.is_content();
        worker.compare(&life, &premises).await;
        life.process.kill();
    }
}
