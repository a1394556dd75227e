//! What is set up, changed and deleted while the server is killed: a change is there when it was told, and wholly there
//! or not at all when it was not; the audit has each change once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use wasmsc::cli::simulate::rng::Rng;

use super::{Life, Premises};
use crate::api::client::Client;

const ROUNDS: u32 = 8;
const WORKERS: u32 = 4;
/// Things of each kind that one worker has.
const THINGS: u32 = 4;
const KILL_AFTER_MAX: u32 = 150;
const IMPORTED: usize = 1_000;
/// Devices that are written in one batch.
const BATCH: usize = 500;
const SEED: u64 = 0x5EED_0C01;

/// What there may be under a path: what was told last, and what may have been done since without being told.
#[derive(Debug, Default, Clone)]
struct Known {
    told: Option<Value>,
    untold: Option<Option<Value>>,
    /// Changes that were told.
    changes: usize,
}

/// One client that changes its own things, one after another.
struct Worker {
    number: u32,
    rng: Rng,
    version: u32,
    known: BTreeMap<String, Known>,
    /// The tag of the import that was told last, and of one that was not.
    imported: (Option<String>, Option<String>),
}

impl Worker {
    fn new(number: u32) -> Worker {
        let rng = Rng::seeded(SEED + u64::from(number));
        Worker { number, rng, version: 0, known: BTreeMap::new(), imported: (None, None) }
    }

    /// Until the server is gone.
    async fn work(&mut self, operator: &Client, told: &AtomicUsize, bell: &Notify) {
        loop {
            self.version += 1;
            let is_told =
                if self.rng.below(12) == 0 { self.import(operator).await } else { self.change(operator).await };
            if !is_told {
                return;
            }
            told.fetch_add(1, Ordering::SeqCst);
            bell.notify_one();
        }
    }

    fn thing(&mut self) -> (String, Value) {
        let (worker, version) = (self.number, self.version);
        let index = self.rng.below(THINGS);
        let (path, body) = match self.rng.below(3) {
            0 => {
                let settings = json!({ "numbers": [format!("8{worker}{index}{}", version % 10)], "senders": [format!("V{version}")] });
                (format!("customers/w{worker}c{index}"), settings)
            }
            1 => {
                let routes = [format!("+9{worker}{index}{version}")];
                (
                    format!("upstreams/w{worker}u{index}"),
                    json!({ "host": "127.0.0.1", "port": 1, "system_id": "x",
                    "password": "secret", "routes": routes }),
                )
            }
            _ => {
                let settings =
                    json!({ "tags": [format!("v{version}")], "attributes": { "version": version.to_string() } });
                (format!("devices/+467001{worker}{index:04}"), settings)
            }
        };
        (path, body)
    }

    async fn change(&mut self, operator: &Client) -> bool {
        let (path, body) = self.thing();
        let known = self.known.entry(path.clone()).or_default();
        let is_deleted = known.told.is_some() && self.rng.below(4) == 0;
        let wanted = (!is_deleted).then_some(body);
        let (method, text) = match &wanted {
            Some(body) => ("PUT", body.to_string()),
            None => ("DELETE", String::new()),
        };
        let Some(reply) = operator.try_request(method, &address(&path), &[], &text).await else {
            known.untold = Some(wanted);
            return false;
        };
        assert!([200, 201, 204].contains(&reply.status.as_u16()), "{method} {path}: {reply:?}");
        (known.told, known.changes) = (wanted, known.changes + 1);
        true
    }

    async fn import(&mut self, operator: &Client) -> bool {
        let tag = format!("w{}i{}", self.number, self.version);
        let lines =
            (0..IMPORTED).map(|device| format!("+467002{}{device:04},{tag}\n", self.number)).collect::<String>();
        let headers = [("content-type", "text/csv")];
        let body = format!("address,tags\n{lines}");
        let path = "/v1/devices:import?customer=acme";
        let Some(reply) = operator.try_request("POST", path, &headers, &body).await else {
            self.imported.1 = Some(tag);
            return false;
        };
        assert_eq!(reply.expect(200).json()["refused"], json!([]));
        self.imported.0 = Some(tag);
        true
    }

    /// After the next start: what there is becomes what is known.
    async fn compare(&mut self, operator: &Client, context: &str) {
        for (path, known) in &mut self.known {
            let reply = operator.get(&address(path)).await;
            let there = (reply.status.as_u16() != 404).then(|| reply.json());
            let is = |wanted: &Option<Value>| match (&there, wanted) {
                (Some(there), Some(wanted)) => has(there, wanted),
                (None, None) => true,
                _ => false,
            };
            if let Some(untold) = known.untold.take().filter(|untold| is(untold) && !is(&known.told)) {
                (known.told, known.changes) = (untold, known.changes + 1);
            }
            assert!(is(&known.told), "{context}: {path} should be {:?} and is {there:?}", known.told);
        }
        self.compare_import(operator, context).await;
    }

    async fn compare_import(&mut self, operator: &Client, context: &str) {
        let count = async |tag: &Option<String>| {
            let Some(tag) = tag else { return 0 };
            let list =
                operator.get(&format!("/v1/devices?customer=acme&tag={tag}&limit=1000")).await.expect(200).json();
            list["devices"].as_array().expect("a list").len()
        };
        let (told, untold) = (count(&self.imported.0).await, count(&self.imported.1).await);
        let expected = if self.imported.0.is_some() { IMPORTED } else { untold };
        assert_eq!(told + untold, expected, "{context}: {:?}", self.imported);
        assert_eq!(untold % BATCH, 0, "{context}: a batch is half there");
        // The same file again makes it whole.
        if untold > 0 {
            self.imported.0 = None;
            self.version += 1;
            assert!(self.import(operator).await, "the server is up");
        }
        self.imported.1 = None;
    }
}

fn address(path: &str) -> String {
    let query = if path.starts_with("devices/") { "?customer=acme" } else { "" };
    format!("/v1/{}{query}", path.replace('+', "%2B"))
}

/// All that was asked for, but for what is never shown.
fn has(there: &Value, wanted: &Value) -> bool {
    let (there, wanted) = (there.get("settings").unwrap_or(there), wanted.as_object().expect("an object"));
    wanted.iter().filter(|(name, _)| *name != "password").all(|(name, value)| there.get(name) == Some(value))
}

/// Changes of each thing, in order: each begins where the one before ended, and the last is what there is.
async fn compare_audit(operator: &Client, workers: &[Worker]) {
    let mut rows: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let mut after = 0;
    loop {
        let page = operator.get(&format!("/v1/audit?after={after}&limit=1000")).await.expect(200).json();
        let changes = page["changes"].as_array().expect("a list");
        let Some(last) = changes.last() else { break };
        after = last["number"].as_u64().expect("a number");
        for row in changes {
            let (kind, id) = (row["kind"].as_str().expect("text"), row["id"].as_str().expect("text"));
            let id = id.rsplit('/').next().expect("an id");
            let id = if kind == "device" { format!("+{}", id.trim_start_matches('+')) } else { id.to_owned() };
            rows.entry(format!("{kind}s/{id}")).or_default().push(row.clone());
        }
    }
    for (path, known) in workers.iter().flat_map(|worker| &worker.known) {
        let rows = rows.get(path).map(Vec::as_slice).unwrap_or_default();
        assert_eq!(rows.len(), known.changes, "{path}: {rows:#?}");
        let mut before = &Value::Null;
        for row in rows {
            assert_eq!(&row["before"], before, "{path}: {rows:#?}");
            before = &row["after"];
        }
        assert_eq!(before.is_null(), known.told.is_none(), "{path}: {rows:#?}");
    }
}

async fn round(premises: &mut Premises, workers: Vec<Worker>, kill_after: usize) -> Vec<Worker> {
    let Life { mut process, operator, .. } = premises.live();
    let (told, bell) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let mut running = JoinSet::new();
    for mut worker in workers {
        let (operator, told, bell) = (operator.clone(), told.clone(), bell.clone());
        running.spawn(async move {
            worker.work(&operator, &told, &bell).await;
            worker
        });
    }
    while told.load(Ordering::SeqCst) < kill_after {
        bell.notified().await;
    }
    process.kill();
    running.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_were_told_are_there_and_others_are_whole_or_absent() {
    let mut premises = Premises::new();
    let mut workers: Vec<Worker> = (0..WORKERS).map(Worker::new).collect();
    let mut rng = Rng::seeded(SEED);
    for number in 0..ROUNDS {
        let kill_after = 1 + rng.below(KILL_AFTER_MAX);
        workers = round(&mut premises, workers, kill_after as usize).await;
        let mut life = premises.live();
        life.is_content();
        for worker in &mut workers {
            worker.compare(&life.operator, &format!("round {number}, killed after {kill_after}")).await;
        }
        compare_audit(&life.operator, &workers).await;
        life.process.kill();
    }
}
