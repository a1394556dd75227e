//! Webhooks: where each stands in its customer's feed, what it still has to tell, and what nobody took.
//!
//! ```text
//! <partition> H <len><hook> c               how far it has taken the feed up
//! <partition> H <len><hook> p <event u64>   an event that is tried again, or waits behind one of the same device
//! <partition> H <len><hook> x <event u64>   an event that was given up
//! ```

use std::io;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::keys::{self, Key, Kind, Partition};
use super::tables::Op;
use super::{Done, Store, StoreFailed, record};
use crate::feed::EventId;
use crate::message::Timestamp;

/// The kind of control object that webhooks are.
pub const HOOK: &str = "webhook";

/// A webhook as it is set up. Fields may be added, with a default.
#[derive(Clone, Serialize, Deserialize)]
pub struct Hook {
    pub customer: String,
    pub url: String,
    /// As `feed::Types` reads them.
    pub types: Vec<String>,
    pub secret: String,
    pub created_at: Timestamp,
}

impl Hook {
    pub fn read(store: &Store, id: &str) -> Option<Hook> {
        serde_json::from_str(&store.control(HOOK, id)?.json).ok()
    }
}

/// An event that waits for its webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HookWaiting {
    /// Whose events come one after the other.
    pub lane: Box<str>,
    pub attempts: u32,
    pub due: Timestamp,
    /// When it was tried first, or began to wait.
    pub since: Timestamp,
    pub kind: Box<str>,
    pub body: Bytes,
}

/// An event that was given up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HookDead {
    pub waiting: HookWaiting,
    pub died_at: Timestamp,
    pub why: Box<str>,
}

#[derive(Debug)]
pub enum HookChange {
    Cursor(EventId),
    Wait(EventId, HookWaiting),
    Done(EventId),
    Dead(EventId, HookDead),
    Replay(EventId, HookWaiting),
}

const CURSOR: u8 = b'c';
const WAITING: u8 = b'p';
const DEAD: u8 = b'x';
/// Rows of a deleted webhook that go in one batch.
const FORGET_MAX: usize = 1_000;

fn key(customer: &str, hook: &str, part: u8, id: Option<EventId>) -> Key {
    let mut key = keys::prefixed(Partition::of(customer), Kind::Hook, hook, 9);
    key.push(part);
    key.extend(id.into_iter().flat_map(|id| id.0.to_be_bytes()));
    key.into()
}

impl Store {
    /// How far it has taken the feed up.
    pub fn hook_cursor(&self, customer: &str, hook: &str) -> io::Result<Option<EventId>> {
        self.read(&key(customer, hook, CURSOR, None))
    }

    /// What waits behind this event, the oldest first.
    pub fn hook_waiting(
        &self,
        customer: &str,
        hook: &str,
        after: EventId,
        limit: usize,
    ) -> io::Result<Vec<(EventId, HookWaiting)>> {
        self.hook_rows((customer, hook), WAITING, after, limit)
    }

    pub fn hook_waits(&self, customer: &str, hook: &str, id: EventId) -> io::Result<Option<HookWaiting>> {
        self.read(&key(customer, hook, WAITING, Some(id)))
    }

    /// What was given up behind this event, the oldest first.
    pub fn hook_dead(
        &self,
        customer: &str,
        hook: &str,
        after: EventId,
        limit: usize,
    ) -> io::Result<Vec<(EventId, HookDead)>> {
        self.hook_rows((customer, hook), DEAD, after, limit)
    }

    fn hook_rows<T: serde::de::DeserializeOwned>(
        &self,
        (customer, hook): (&str, &str),
        part: u8,
        after: EventId,
        limit: usize,
    ) -> io::Result<Vec<(EventId, T)>> {
        let from = key(customer, hook, part, Some(EventId(after.0.saturating_add(1))));
        let to = key(customer, hook, part + 1, None);
        let rows = self.inner.lock().tables.range(&from, &to, limit)?;
        let of = |row: super::tables::Row| {
            let id = row.key.len().checked_sub(8).and_then(|at| row.key[at..].try_into().ok()).map(u64::from_be_bytes);
            let id = id.ok_or_else(|| io::Error::other("a webhook's key is too short"))?;
            Ok((EventId(id), record::decode(&row.value).map_err(io::Error::other)?))
        };
        rows.into_iter().map(of).collect()
    }

    /// All in one batch. `done` is called when it is durable.
    pub fn change_hook(
        &self,
        customer: &str,
        hook: &str,
        changes: Vec<HookChange>,
        done: Option<Done>,
    ) -> Result<(), StoreFailed> {
        let waiting = |id| key(customer, hook, WAITING, Some(id));
        let mut batch = Vec::with_capacity(changes.len());
        for change in changes {
            match change {
                HookChange::Cursor(id) => batch.push(Op::Put(key(customer, hook, CURSOR, None), record::encode(&id))),
                HookChange::Wait(id, row) => batch.push(Op::Put(waiting(id), record::encode(&row))),
                HookChange::Done(id) => batch.push(Op::Delete(waiting(id))),
                HookChange::Dead(id, dead) => {
                    batch.push(Op::Delete(waiting(id)));
                    batch.push(Op::Put(key(customer, hook, DEAD, Some(id)), record::encode(&dead)));
                }
                HookChange::Replay(id, row) => {
                    batch.push(Op::Delete(key(customer, hook, DEAD, Some(id))));
                    batch.push(Op::Put(waiting(id), record::encode(&row)));
                }
            }
        }
        self.submit(batch, done)
    }

    /// Removes all rows of a webhook that is gone.
    pub fn forget_hook(&self, customer: &str, hook: &str) -> io::Result<()> {
        let (from, to) = (key(customer, hook, 0, None), key(customer, hook, u8::MAX, None));
        loop {
            let rows = self.inner.lock().tables.range(&from, &to, FORGET_MAX)?;
            let is_last = rows.len() < FORGET_MAX;
            self.submit(rows.into_iter().map(|row| Op::Delete(row.key)).collect(), None).map_err(io::Error::other)?;
            if is_last {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryDisk;

    fn row(lane: &str) -> HookWaiting {
        let (kind, body) = ("link.bound".into(), Bytes::from_static(b"{}"));
        HookWaiting { lane: lane.into(), attempts: 1, due: Timestamp(5), since: Timestamp(1), kind, body }
    }

    #[test]
    fn what_waits_or_is_dead_is_found_again_replayed_and_forgotten_with_its_webhook_only() {
        let (store, _writer) = Store::open(MemoryDisk::new().open()).expect("opens");
        let change = |hook, changes| store.change_hook("acme", hook, changes, None).expect("works");
        let waiting = |hook| store.hook_waiting("acme", hook, EventId(0), 10).expect("readable");
        let dead = |hook| store.hook_dead("acme", hook, EventId(0), 10).expect("readable");
        let wait = |id, lane| HookChange::Wait(EventId(id), row(lane));
        change("h1", vec![HookChange::Cursor(EventId(7)), wait(3, "a"), wait(2, "b"), wait(4, "a")]);
        change("h10", vec![wait(9, "c")]);
        let given_up = HookDead { waiting: row("b"), died_at: Timestamp(9), why: "it answered 500".into() };
        change("h1", vec![HookChange::Dead(EventId(2), given_up.clone()), HookChange::Done(EventId(3))]);
        assert_eq!(store.hook_cursor("acme", "h1").expect("readable"), Some(EventId(7)));
        assert_eq!((waiting("h1"), dead("h1")), (vec![(EventId(4), row("a"))], vec![(EventId(2), given_up)]));
        assert_eq!(store.hook_waits("acme", "h1", EventId(4)).expect("readable"), Some(row("a")));
        change("h1", vec![HookChange::Replay(EventId(2), row("b"))]);
        assert_eq!((waiting("h1").len(), dead("h1").len()), (2, 0));
        store.forget_hook("acme", "h1").expect("works");
        assert_eq!((waiting("h1").len(), store.hook_cursor("acme", "h1").expect("readable")), (0, None));
        assert_eq!(waiting("h10").len(), 1, "another one's");
    }
}
