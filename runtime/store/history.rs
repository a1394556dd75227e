//! The history of messages: what happened to each, and finding them again.
//!
//! An event is a row of its own that is written once, in the batch with what it tells of, and never changed. Keys
//! put the newest messages first. Nobody sees an event before it is durable.

use std::array::IntoIter;
use std::io;
use std::iter::Flatten;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::keys::{self, Key, Partition};
use super::pages::{PAGE_ROWS, each_while};
use super::record;
use super::runs::whole_hours;
use super::tables::{Op, Row};
use super::{Standing, Store};
use crate::feed::{About, Ends};
use crate::message::{Address, MessageId, Timestamp};
use crate::timeline::{Event, Filter, Happened, Listed, Received};

/// An answer has the id of its MO: so much younger it may be, and a question for the time since then still finds it.
const ANSWER_MS: u64 = 86_400_000;
/// Bits of an event's number below its millisecond.
pub(super) const NUMBER_BITS: u32 = 20;

/// Messages that were found, newest first.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    pub messages: Vec<Listed>,
    /// Behind which message the next page begins; None: there are no more.
    pub next: Option<MessageId>,
}

/// How much of the history one question may read.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Messages that are wanted.
    pub limit: usize,
    /// Messages that are looked at for them.
    pub scan_max: usize,
}

/// In the history, and in the feed.
pub(super) type EventRows = Flatten<IntoIter<Option<Op>, 2>>;

impl Store {
    /// The rows of an event: for the history, and for whoever is told.
    pub(super) fn event(
        &self,
        partition: Partition,
        customer: &str,
        id: MessageId,
        at: Timestamp,
        event: impl FnOnce() -> (Ends, Event),
    ) -> EventRows {
        let (mut history, mut told) = (None, None);
        if self.keeps.any() {
            let (ends, event) = event();
            let happened = Happened { at, event };
            history = self.history_row((partition, customer, id), &happened);
            told = self.told(customer, at, || About::Message { id, ends, event: happened.event });
        }
        [history, told].into_iter().flatten()
    }

    fn history_row(&self, (partition, customer, id): (Partition, &str, MessageId), happened: &Happened) -> Option<Op> {
        let key = || keys::history(partition, customer, id, self.number(happened.at));
        self.keeps.history.then(|| Op::Insert(key(), record::encode(happened)))
    }

    /// The first event of a message, and the row by which its device finds it.
    pub(super) fn begin(&self, partition: Partition, customer: &str, id: MessageId, received: Received) -> Vec<Op> {
        if !self.keeps.any() {
            return Vec::new();
        }
        let device = self.device_row((partition, customer, id), &received);
        let ends = Ends::of(received.direction, &received.message);
        let at = received.message.received_at;
        let event = self.event(partition, customer, id, at, || (ends, Event::Received(Box::new(received))));
        event.chain(device).collect()
    }

    fn device_row(&self, (partition, customer, id): (Partition, &str, MessageId), received: &Received) -> Option<Op> {
        let key = || keys::history_of_device(partition, customer, received.device().digits(), Some(id));
        self.keeps.history.then(|| Op::Insert(key(), Bytes::new()))
    }

    /// A message that was refused at the door, for who looks why; nothing else of it is kept. Lost where there is no
    /// room, and not waited for.
    pub fn tell_refused(&self, customer: &str, received: Received, reason: &str) {
        if !self.keeps.any() || self.is_full() {
            return;
        }
        let (partition, at) = (Partition::of(customer), received.message.received_at);
        let mut inner = self.inner.lock();
        if inner.failed.is_some() || inner.is_busy(received.message.content.octets.len()) {
            return;
        }
        let id = inner.next_event(at);
        let ends = Ends::of(received.direction, &received.message);
        // The feed hears of the refusal only: nothing was accepted.
        let device = self.device_row((partition, customer, id), &received);
        let received = Happened { at, event: Event::Received(Box::new(received)) };
        let received = self.history_row((partition, customer, id), &received);
        let mut batch: Vec<Op> = device.into_iter().chain(received).collect();
        batch.extend(self.event(partition, customer, id, at, || (ends, Event::Refused { reason: reason.into() })));
        // It has not failed under this lock.
        let _ = inner.submit(batch, None);
        drop(inner);
        self.work.notify_one();
    }

    /// Rises with every event, over restarts too.
    fn number(&self, at: Timestamp) -> u64 {
        let next = |last: u64| Some((last + 1).max(at.0 << NUMBER_BITS));
        let last = self.last_number.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        next(last.unwrap_or_else(|last| last)).unwrap_or_default()
    }

    /// Ends the history from before this time (milliseconds since 1970), and the oldest above so many octets. To be called again
    /// and again: what is in memory still goes the next time.
    pub fn prune(&self, before_ms: u64, octets_max: u64) -> io::Result<()> {
        self.move_on(|tables| tables.oldest_history_ms(), whole_hours(before_ms));
        let base = self.inner.lock().tables.base();
        base.prune(before_ms, octets_max)
    }

    /// Everything that happened to a message, in order; empty where it is not known.
    pub fn timeline(&self, customer: &str, id: MessageId) -> io::Result<Vec<Happened>> {
        let (from, to) = keys::history_of(Partition::of(customer), customer, id);
        let mut timeline = Vec::new();
        self.each_event(from, &to, |_, happened| {
            timeline.push(happened);
            true
        })?;
        Ok(timeline)
    }

    /// Messages of a customer, newest first, behind `after`.
    pub fn messages(
        &self,
        customer: &str,
        filter: &Filter,
        after: Option<MessageId>,
        bounds: Bounds,
    ) -> io::Result<Found> {
        match &filter.device {
            Some(device) => self.messages_of_device(customer, device, filter, after, bounds),
            None => self.messages_of_all(customer, filter, after, bounds),
        }
    }

    fn messages_of_all(
        &self,
        customer: &str,
        filter: &Filter,
        after: Option<MessageId>,
        bounds: Bounds,
    ) -> io::Result<Found> {
        let (from, to) = keys::history_range(Partition::of(customer), customer, ends(filter, after));
        let mut gathered = Gathered::new(filter, bounds);
        let mut current: Option<(MessageId, Vec<Happened>)> = None;
        self.each_event(from, &to, |id, happened| {
            if let Some((_, timeline)) = current.as_mut().filter(|(of, _)| *of == id) {
                timeline.push(happened);
                return true;
            }
            let before = current.replace((id, vec![happened]));
            before.is_none_or(|(id, timeline)| gathered.add(id, &timeline))
        })?;
        if let Some((id, timeline)) = current.filter(|_| gathered.found.next.is_none()) {
            gathered.add(id, &timeline);
            gathered.found.next = None; // it was the last one
        }
        Ok(gathered.found)
    }

    fn messages_of_device(
        &self,
        customer: &str,
        device: &Address,
        filter: &Filter,
        after: Option<MessageId>,
        bounds: Bounds,
    ) -> io::Result<Found> {
        let partition = Partition::of(customer);
        let prefix = keys::history_of_device(partition, customer, device.digits(), None);
        let (from, to) = keys::newest_first(&prefix, ends(filter, after));
        let mut gathered = Gathered::new(filter, bounds);
        each_while(
            from,
            &to,
            |from, to| self.history_rows(from, to),
            |row| {
                let Some(id) = keys::inverted_id(&row.key) else { return Ok(true) };
                let timeline = self.timeline(customer, id)?;
                Ok(timeline.is_empty() || gathered.add(id, &timeline))
            },
        )?;
        Ok(gathered.found)
    }

    /// A page of rows. The base is read without holding anybody up; what a checkpoint moves meanwhile is found twice.
    fn history_rows(&self, from: &[u8], to: &[u8]) -> io::Result<Vec<Row>> {
        let (mut rows, base) = {
            let inner = self.inner.lock();
            (inner.tables.recent(from, to, PAGE_ROWS), inner.tables.base())
        };
        let older = base.range(from, to, PAGE_ROWS)?;
        rows.extend(older.into_iter().map(|(key, value)| Row { key, value, group: 0 }));
        rows.sort_by(|a, b| (&a.key, a.group).cmp(&(&b.key, b.group)));
        rows.dedup_by(|b, a| a.key == b.key);
        rows.truncate(PAGE_ROWS);
        Ok(rows)
    }

    /// Calls `each` with id and event of every durable row, until it says false.
    fn each_event(&self, from: Key, to: &[u8], mut each: impl FnMut(MessageId, Happened) -> bool) -> io::Result<()> {
        each_while(
            from,
            to,
            |from, to| self.history_rows(from, to),
            |row| {
                if self.standing(row.group) != Standing::Durable {
                    return Ok(true);
                }
                let Some((id, happened)) = decode(&row) else {
                    tracing::error!("a row of the history cannot be read and is passed over");
                    return Ok(true);
                };
                Ok(each(id, happened))
            },
        )
    }
}

fn decode(row: &Row) -> Option<(MessageId, Happened)> {
    Some((keys::history_id(&row.key)?, record::decode(&row.value).ok()?))
}

/// The id that no message of an earlier millisecond reaches.
pub(super) fn first_of(ms: u64) -> MessageId {
    MessageId::accepted(ms.min(u64::MAX >> NUMBER_BITS) << NUMBER_BITS)
}

/// Where the newest message that may be wanted stands, and the oldest: ids begin with their time.
fn ends(filter: &Filter, after: Option<MessageId>) -> (Option<MessageId>, Option<MessageId>) {
    let until = filter.until.map(|until| first_of(until.0.saturating_add(1)));
    let since = filter.since.map(|since| first_of(since.0.saturating_sub(ANSWER_MS)));
    (after.into_iter().chain(until).min(), since)
}

struct Gathered<'f> {
    filter: &'f Filter,
    bounds: Bounds,
    seen: usize,
    found: Found,
}

impl<'f> Gathered<'f> {
    fn new(filter: &'f Filter, bounds: Bounds) -> Gathered<'f> {
        Gathered { filter, bounds, seen: 0, found: Found::default() }
    }

    /// False when it is enough.
    fn add(&mut self, id: MessageId, timeline: &[Happened]) -> bool {
        self.seen += 1;
        let listed = Listed::of(id, timeline).filter(|listed| self.filter.accepts(listed));
        self.found.messages.extend(listed);
        let is_enough = self.found.messages.len() == self.bounds.limit || self.seen == self.bounds.scan_max;
        self.found.next = is_enough.then_some(id);
        !is_enough
    }
}
