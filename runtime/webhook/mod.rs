//! Webhooks: what customers are told, sent to the addresses that they named.
//!
//! An edge, beside `delivery` and the API: each webhook has a task that follows its customer's feed (`worker`). Where it
//! stands and what waits is in the store, so that `kill -9` loses nothing; what was under way is sent again.

mod backoff;
mod client;
mod lanes;
mod sign;
mod worker;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::config::Webhooks;
use crate::feed::{EventId, Told};
use crate::message::Timestamp;
use crate::relay::House;
use crate::store::{HOOK, Hook};

/// How events are written: as the API writes them.
#[derive(Clone, Copy)]
pub struct Form {
    pub event: fn(EventId, &Told) -> String,
    pub gap: fn(EventId, Timestamp) -> String,
}

/// What every worker needs.
#[derive(Clone)]
struct Office {
    house: Arc<House>,
    allowed: Webhooks,
    form: Form,
    closing: watch::Receiver<bool>,
}

/// Keeps a worker for each webhook that there is, until `closing` turns true.
pub async fn run(house: Arc<House>, allowed: Webhooks, form: Form, mut closing: watch::Receiver<bool>) {
    let mut changes = house.hook_changes();
    let mut workers = JoinSet::new();
    let mut working: HashMap<Box<str>, tokio::task::AbortHandle> = HashMap::new();
    loop {
        changes.mark_unchanged();
        working.retain(|_, worker| !worker.is_finished());
        for (id, _) in house.store.controls(HOOK, |_| true) {
            // One that cannot be read, of a later version perhaps, waits for a change.
            if !working.contains_key(&id) && Hook::read(&house.store, &id).is_some() {
                let office = Office { house: house.clone(), allowed, form, closing: closing.clone() };
                let worker = workers.spawn(worker::run(office, id.clone()));
                working.insert(id, worker);
            }
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { break },
            Some(ended) = workers.join_next() => if let Err(error) = ended {
                tracing::error!("a webhook's worker ended badly: {error}");
            },
            _ = closing.wait_for(|closing| *closing) => break,
        }
    }
    // What is under way is sent again after the next start.
    workers.shutdown().await;
}
