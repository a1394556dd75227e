//! The rows as they are now: recent changes in memory over the base on disk.
//!
//! Every change is in the commit log before anybody outside hears of it, so the base may lag: it gets the
//! net result at a checkpoint. A message that comes and goes between two checkpoints never reaches it,
//! which is what makes a message cost three log entries and no tree update.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::backend::Base;
use super::feed::{self, Feeds};
use super::keys::{self, Key};
use super::recent::Recent;
use crate::feed::EventId;
use crate::message::Timestamp;

/// One change of one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A row whose key never existed before, or was deleted before.
    Insert(Key, Bytes),
    Put(Key, Bytes),
    Delete(Key),
    /// An event of a feed: its id is added where the batch gets its place in the log.
    Tell {
        prefix: Key,
        at: Timestamp,
        value: Bytes,
    },
}

impl Op {
    pub fn key(&self) -> &[u8] {
        match self {
            Op::Insert(key, _) | Op::Put(key, _) | Op::Delete(key) | Op::Tell { prefix: key, .. } => key,
        }
    }

    pub(super) fn octets(&self) -> usize {
        match self {
            Op::Insert(key, value) | Op::Put(key, value) => key.len() + value.len(),
            Op::Delete(key) => key.len(),
            Op::Tell { prefix, value, .. } => prefix.len() + value.len(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Slot {
    /// None: deleted, and the layers below may still have it.
    pub value: Option<Bytes>,
    /// The group of the commit log that carries this change.
    pub group: u64,
    /// Not in any layer below, so that deleting it needs no trace.
    fresh: bool,
}

/// Changes of a stretch of the log.
#[derive(Default)]
pub struct Layer {
    pub rows: BTreeMap<Key, Slot>,
    pub history: Recent,
    pub feeds: Feeds,
}

/// A row as a reader sees it.
#[derive(Clone, Debug)]
pub struct Row {
    pub key: Key,
    pub value: Bytes,
    /// 0: in the base, hence durable.
    pub group: u64,
}

/// Octets that may gather in memory while a checkpoint still moves the layer before into the base. Above, the
/// disk is slower than the peers, and they have to feel it.
const BEHIND_OCTETS_MAX: usize = 32 << 20;

/// A batch up to here is small: some tens of ordinary messages.
const SMALL_BATCH_OCTETS: usize = 16 << 10;

pub struct Tables {
    active: Layer,
    /// Octets of keys and values that came into `active`, overwritten ones included.
    active_octets: usize,
    /// What a running checkpoint moves into the base.
    frozen: Option<Arc<Layer>>,
    base: Arc<dyn Base>,
}

impl Tables {
    pub fn new(base: Arc<dyn Base>) -> Tables {
        Tables { active: Layer::default(), active_octets: 0, frozen: None, base }
    }

    pub fn apply(&mut self, op: Op, group: u64) {
        self.active_octets += op.octets();
        let active = &mut self.active.rows;
        match op {
            Op::Insert(key, value) | Op::Put(key, value) if keys::is_history(&key) => {
                self.active.history.push(&key, &value, group);
            }
            Op::Insert(key, value) | Op::Put(key, value) if feed::is_event(&key) => {
                self.active.feeds.push(&key, value, group);
            }
            Op::Tell { .. } => unreachable!("it has its id by now"),
            Op::Insert(key, value) => {
                // Unless it was deleted just now: then the layers below may still have it.
                let fresh = active.get(&key).is_none_or(|slot| slot.fresh);
                active.insert(key, Slot { value: Some(value), group, fresh });
            }
            Op::Put(key, value) => {
                let fresh = active.get(&key).is_some_and(|slot| slot.fresh);
                active.insert(key, Slot { value: Some(value), group, fresh });
            }
            Op::Delete(key) => {
                if active.get(&key).is_some_and(|slot| slot.fresh) {
                    active.remove(&key);
                } else {
                    active.insert(key, Slot { value: None, group, fresh: false });
                }
            }
        }
    }

    pub fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        if let Some(slot) = self.active.rows.get(key) {
            return Ok(slot.value.clone());
        }
        if let Some(slot) = self.frozen.as_ref().and_then(|layer| layer.rows.get(key)) {
            return Ok(slot.value.clone());
        }
        self.base.get(key)
    }

    /// Rows with `from <= key < to` in order; stops after `limit`.
    pub fn range(&self, from: &[u8], to: &[u8], limit: usize) -> io::Result<Vec<Row>> {
        let mut rows = Vec::new();
        let mut next_from: Key = from.into();
        while rows.len() < limit {
            // A page of the base decides how far this round may look; the memory layers lie over it.
            let page = self.base.range(&next_from, to, limit)?;
            let more = page.len() == limit;
            let end: Key = match page.last() {
                Some((key, _)) if more => [key, &b"\0"[..]].concat().into(),
                _ => to.into(),
            };
            self.merge(page, &next_from, &end, limit, &mut rows);
            if !more {
                break;
            }
            next_from = end;
        }
        Ok(rows)
    }

    /// Rows of the history in memory, in order, twice where a checkpoint was torn; the base has the older ones.
    pub fn recent(&self, from: &[u8], to: &[u8], limit: usize) -> Vec<Row> {
        let mut rows = self.active.history.range(from, to, limit);
        rows.extend(self.frozen.iter().flat_map(|layer| layer.history.range(from, to, limit)));
        rows
    }

    /// Events in memory: those of the frozen layer, then those of the active one.
    pub fn feeds(&self) -> (Option<&Feeds>, &Feeds) {
        (self.frozen.as_ref().map(|layer| &layer.feeds), &self.active.feeds)
    }

    fn merge(&self, page: Vec<(Key, Bytes)>, from: &[u8], end: &[u8], limit: usize, rows: &mut Vec<Row>) {
        if from >= end {
            return;
        }
        let bounds = (std::ops::Bound::Included(from), std::ops::Bound::Excluded(end));
        let frozen = self.frozen.iter().flat_map(|layer| layer.rows.range::<[u8], _>(bounds));
        let mut sources = [
            Source::new(self.active.rows.range::<[u8], _>(bounds).map(layer_row)),
            Source::new(frozen.map(layer_row)),
            Source::new(page.iter().map(|(key, value)| (&**key, Some(value), 0))),
        ];
        while rows.len() < limit {
            let Some(key) = sources.iter().filter_map(|s| s.head.map(|(key, ..)| key)).min() else {
                return;
            };
            let mut newest = None;
            for source in &mut sources {
                if source.head.is_some_and(|(head, ..)| head == key) {
                    newest = newest.or(source.head);
                    source.advance();
                }
            }
            if let Some((key, Some(value), group)) = newest {
                rows.push(Row { key: key.into(), value: value.clone(), group });
            }
        }
    }

    /// Begins a checkpoint: what is in memory becomes the frozen layer. None while another one runs.
    pub fn freeze(&mut self) -> Option<Arc<Layer>> {
        if self.frozen.is_some() {
            return None;
        }
        let layer = Arc::new(std::mem::take(&mut self.active));
        self.active_octets = 0;
        self.frozen = Some(layer.clone());
        Some(layer)
    }

    /// A checkpoint does not keep up, so that a batch of so many octets should not be accepted. Whoever brings
    /// much feels it first; the small messages of others have as much room again.
    pub fn is_behind(&self, batch_octets: usize) -> bool {
        let small = batch_octets <= SMALL_BATCH_OCTETS;
        let room = if small { 2 * BEHIND_OCTETS_MAX } else { BEHIND_OCTETS_MAX };
        self.frozen.is_some() && self.active_octets > room
    }

    /// Ends a checkpoint: the base holds the frozen layer.
    pub fn thawed(&mut self) {
        self.frozen = None;
    }

    /// When the oldest happened of the history that no checkpoint has moved yet.
    pub fn oldest_history_ms(&self) -> Option<u64> {
        self.active.history.oldest_ms()
    }

    /// … and of the feeds.
    pub fn oldest_told_ms(&self) -> Option<u64> {
        self.active.feeds.first().map(EventId::ms)
    }

    pub fn base(&self) -> Arc<dyn Base> {
        self.base.clone()
    }
}

type Head<'r> = (&'r [u8], Option<&'r Bytes>, u64);

fn layer_row<'r>((key, slot): (&'r Key, &'r Slot)) -> Head<'r> {
    (key, slot.value.as_ref(), slot.group)
}

/// One layer of a merge, with its next row.
struct Source<'r> {
    head: Option<Head<'r>>,
    rest: Box<dyn Iterator<Item = Head<'r>> + 'r>,
}

impl<'r> Source<'r> {
    fn new(rows: impl Iterator<Item = Head<'r>> + 'r) -> Self {
        let mut rest: Box<dyn Iterator<Item = Head<'r>> + 'r> = Box::new(rows);
        Source { head: rest.next(), rest }
    }

    fn advance(&mut self) {
        self.head = self.rest.next();
    }
}
