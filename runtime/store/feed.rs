//! Feeds: what customers are told, in the order in which it is in the log.
//!
//! An event is a row that is written once, in the batch with what it tells of. It gets its id when the batch gets its
//! place in the log, so that no event appears behind a reader who has passed it. Nobody sees one before it is durable.
//! Rows are kept as the history's are (`runs.rs`); what is not in a run yet is in memory, in order as it comes.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::keys::{self, Key, Kind, Partition};
use super::pages::PAGE_ROWS;
use super::record;
use super::runs::whole_hours;
use super::tables::Op;
use super::{Standing, Store, StoreFailed};
use crate::feed::{About, EventId, Told};
use crate::message::Timestamp;

/// True for rows of feeds.
pub fn is_event(key: &[u8]) -> bool {
    key.get(1) == Some(&(Kind::Event as u8))
}

/// What the key of an event of this customer begins with; its id follows.
pub fn prefix(customer: &str) -> Key {
    keys::prefixed(Partition::of(customer), Kind::Event, customer, 0).into()
}

pub fn key(prefix: &[u8], id: EventId) -> Key {
    [prefix, &id.0.to_be_bytes()].concat().into()
}

/// What the key of an event's row begins with, and its id.
pub fn parts(key: &[u8]) -> Option<(&[u8], EventId)> {
    let (prefix, id) = key.split_at_checked(key.len().checked_sub(8)?)?;
    Some((prefix, EventId(u64::from_be_bytes(id.try_into().ok()?)))).filter(|_| is_event(key))
}

/// Events that are in no run yet.
#[derive(Default)]
pub struct Feeds {
    /// Of each customer in the order of their ids.
    by_prefix: BTreeMap<Key, Vec<Entry>>,
    /// All later ones of all customers are here, too.
    first: Option<EventId>,
}

struct Entry {
    id: EventId,
    group: u64,
    value: Bytes,
}

impl Feeds {
    pub fn push(&mut self, key: &[u8], value: Bytes, group: u64) {
        let Some((prefix, id)) = parts(key) else { return };
        self.first.get_or_insert(id);
        let entry = Entry { id, group, value };
        match self.by_prefix.get_mut(prefix) {
            Some(entries) => entries.push(entry),
            None => drop(self.by_prefix.insert(prefix.into(), vec![entry])),
        }
    }

    pub fn first(&self) -> Option<EventId> {
        self.first
    }

    fn after(&self, prefix: &[u8], after: EventId) -> &[Entry] {
        let Some(entries) = self.by_prefix.get(prefix) else { return &[] };
        &entries[entries.partition_point(|entry| entry.id <= after)..]
    }

    /// All of them in the order of their keys.
    pub fn rows(&self) -> Vec<(Key, Bytes)> {
        let of = |(prefix, entries): (&Key, &Vec<Entry>)| {
            let row = |entry: &Entry| (key(prefix, entry.id), entry.value.clone());
            entries.iter().map(row).collect::<Vec<_>>()
        };
        self.by_prefix.iter().flat_map(of).collect()
    }
}

/// What is behind an event.
#[derive(Debug, Default, PartialEq)]
pub struct Page {
    /// Some before this one are not kept any more, and will never be told.
    pub gap: Option<EventId>,
    pub events: Vec<(EventId, Told)>,
    /// Where to read on.
    pub next: EventId,
    /// There are more right now, as it seems.
    pub has_more: bool,
}

impl Store {
    /// The row of an event; none where no feed is kept.
    pub(super) fn told(&self, customer: &str, at: Timestamp, about: impl FnOnce() -> About) -> Option<Op> {
        self.keeps.events.then(|| {
            let value = record::encode(&Told { at, about: about() });
            Op::Tell { prefix: prefix(customer), at, value }
        })
    }

    /// Tells a customer what changes nothing in the store.
    pub fn tell(&self, customer: &str, at: Timestamp, about: impl FnOnce() -> About) -> Result<(), StoreFailed> {
        match self.told(customer, at, about) {
            Some(op) => self.submit(vec![op], None),
            None => Ok(()),
        }
    }

    /// The newest event of all customers, durable or not.
    pub fn last_told(&self) -> EventId {
        self.inner.lock().last_told
    }

    /// Durable events of a customer behind this one, the oldest first.
    pub fn feed(&self, customer: &str, after: EventId, limit: usize) -> io::Result<Page> {
        let prefix = prefix(customer);
        let limit = limit.min(PAGE_ROWS);
        // Before the look at the rows: all up to here are among them.
        let durable = EventId(self.durable_told.load(Ordering::SeqCst));
        let (recent, oldest, last, base) = {
            let inner = self.inner.lock();
            let (older, newer) = inner.tables.feeds();
            let entries = older.iter().flat_map(|feeds| feeds.after(&prefix, after)).chain(newer.after(&prefix, after));
            let recent: Vec<(EventId, u64, Bytes)> =
                entries.take(limit).map(|entry| (entry.id, entry.group, entry.value.clone())).collect();
            let first = older.and_then(Feeds::first).or(newer.first());
            (recent, first.unwrap_or(EventId(inner.last_told.0 + 1)), inner.last_told, inner.tables.base())
        };
        if after > last {
            // It was told before the data directory became an older one: from a backup.
            return Ok(Page { gap: Some(last), next: last, ..Page::default() });
        }
        let mut found: Vec<(EventId, Bytes)> = Vec::new();
        if after.0 + 1 < oldest.0 {
            let rows = base.range(&key(&prefix, EventId(after.0 + 1)), &key(&prefix, oldest), limit)?;
            found.extend(rows.into_iter().filter_map(|(key, value)| Some((parts(&key)?.1, value))));
        }
        let is_durable = |(_, group, _): &(EventId, u64, Bytes)| self.standing(*group) == Standing::Durable;
        found.extend(recent.into_iter().take_while(is_durable).map(|(id, _, value)| (id, value)));
        found.truncate(limit);
        // After reading: what went meanwhile may be among what was not found.
        let floor = EventId(self.told_floor.load(Ordering::SeqCst));
        if after < floor {
            return Ok(Page { gap: Some(floor), next: floor, has_more: true, ..Page::default() });
        }
        let has_more = found.len() == limit;
        let next = found.last().map_or(after, |(id, _)| *id).max(if has_more { after } else { durable });
        let events = found.into_iter().filter_map(|(id, value)| Some((id, readable(&value)?))).collect();
        Ok(Page { gap: None, events, next, has_more })
    }

    /// Behind this one nothing of what was ever told is missing.
    pub fn told_floor(&self) -> EventId {
        EventId(self.told_floor.load(Ordering::SeqCst))
    }

    /// Ends events from before this time (milliseconds since 1970), and the oldest above so many octets; as
    /// [`prune`](Self::prune).
    pub fn prune_feeds(&self, before_ms: u64, octets_max: u64) -> io::Result<()> {
        self.move_on(|tables| tables.oldest_told_ms(), whole_hours(before_ms));
        let base = self.inner.lock().tables.base();
        base.prune_feeds(before_ms, octets_max, &|youngest_ms| {
            // First, so that nobody passes over what goes.
            let floor = EventId::first_of(youngest_ms + 1);
            self.told_floor.fetch_max(floor.0, Ordering::SeqCst);
            write_floor(&*base, floor)
        })
    }
}

fn readable(value: &[u8]) -> Option<Told> {
    let told = record::decode(value);
    told.inspect_err(|error| tracing::error!("an event cannot be read and is passed over: {error}")).ok()
}

pub(super) fn write_floor(base: &dyn super::backend::Base, floor: EventId) -> io::Result<()> {
    let value = Bytes::copy_from_slice(&floor.0.to_be_bytes());
    base.apply(&mut std::iter::once((keys::META_TOLD_FLOOR, Some(&value))))
}

#[cfg(test)]
mod tests;
