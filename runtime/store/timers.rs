//! Timers of rules. A timer is a row of its device, and an alarm by when it is due. What is due becomes an event of the
//! rule; the timer's row stays until that is done, so that whoever cancels or sets it again meanwhile makes it void.

use std::io;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::keys::{self, Kind, Partition, Subject};
use super::record::{self, InboxRecord};
use super::tables::{Op, Row};
use super::{Inner, Store, StoreFailed};
use crate::message::{Address, MessageId, Timestamp};
use crate::occasion::{FiredTimer, Occasion, TimerChange, TimerSet, about};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct TimerRecord {
    id: MessageId,
    due: Timestamp,
    payload: Bytes,
    number: Address,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct AlarmRecord {
    rule: Box<str>,
    device: Box<str>,
    name: Box<str>,
}

/// What was due.
#[derive(Debug, Default)]
pub struct Fired {
    /// New events, with their numbers.
    pub events: Vec<(u64, InboxRecord)>,
    /// When the customer's next timer is due.
    pub next: Option<Timestamp>,
}

/// A timer that is set, for whoever lists them.
#[derive(Clone, Debug, PartialEq)]
pub struct TimerShown {
    pub name: String,
    pub due: Timestamp,
    pub payload: Bytes,
}

impl Store {
    /// A timer as the last committed call left it.
    pub fn timer(&self, subject: &Subject, name: &str) -> io::Result<Option<TimerSet>> {
        let row = self.inner.lock().tables.get(&subject.timer(name))?;
        let record = row.map(|row| record::decode::<TimerRecord>(&row)).transpose().map_err(io::Error::other)?;
        Ok(record.map(|record| TimerSet { id: record.id, due: record.due }))
    }

    /// How many timers a device has, counted up to `limit`.
    pub fn timer_count(&self, subject: &Subject, limit: usize) -> io::Result<usize> {
        let (from, to) = subject.timers();
        Ok(self.inner.lock().tables.range(&from, &to, limit)?.len())
    }

    /// Timers of a device, by their names.
    pub fn timers(&self, subject: &Subject, limit: usize) -> io::Result<Vec<TimerShown>> {
        self.timers_after(subject, None, limit)
    }

    pub(super) fn timers_after(
        &self,
        subject: &Subject,
        after: Option<&str>,
        limit: usize,
    ) -> io::Result<Vec<TimerShown>> {
        let (all, to) = subject.timers();
        let from = after.map_or(all, |name| [&*subject.timer(name), b"\0"].concat().into());
        let rows = self.inner.lock().tables.range(&from, &to, limit)?;
        let shown = rows.iter().map(|row| {
            let TimerRecord { due, payload, .. } = record::decode(&row.value).map_err(io::Error::other)?;
            let name = subject.timer_name(&row.key).unwrap_or_default().to_owned();
            Ok(TimerShown { name, due, payload })
        });
        shown.collect()
    }

    /// Makes events of a customer's timers that are due, at most `limit` at once, in one batch.
    pub fn fire(&self, customer: &str, now: Timestamp, limit: usize) -> io::Result<Fired> {
        let partition = Partition::of(customer);
        let (from, to) = keys::all_by_due(Kind::Alarm, customer);
        let mut inner = self.inner.lock();
        let (mut fired, mut batch) = (Fired::default(), Vec::new());
        for row in inner.tables.range(&from, &to, limit)? {
            let due_and_id = keys::due_and_id(&row.key).filter(|(due, _)| *due <= now);
            let Some((_, id)) = due_and_id else { break };
            inner.fire_one((partition, customer), (&row, id), now, (&mut batch, &mut fired))?;
        }
        if !batch.is_empty() {
            inner.submit(batch, None).map_err(|StoreFailed(why)| io::Error::other(why.to_string()))?;
        }
        let next = inner.tables.range(&from, &to, 1)?;
        fired.next = next.first().and_then(|row| keys::due_and_id(&row.key)).map(|(due, _)| due);
        drop(inner);
        self.work.notify_one();
        Ok(fired)
    }
}

impl Inner {
    fn fire_one(
        &mut self,
        (partition, customer): (Partition, &str),
        (row, id): (&Row, MessageId),
        now: Timestamp,
        (batch, fired): (&mut Vec<Op>, &mut Fired),
    ) -> io::Result<()> {
        let alarm: AlarmRecord = record::decode(&row.value).map_err(io::Error::other)?;
        let subject = Subject::new(partition, &format!("{customer}/{}", alarm.rule), &alarm.device);
        batch.push(Op::Delete(row.key.clone()));
        let timer = self.tables.get(&subject.timer(&alarm.name))?;
        let timer = timer.map(|row| record::decode::<TimerRecord>(&row)).transpose().map_err(io::Error::other)?;
        // Another setting has an alarm of its own.
        let Some(TimerRecord { due: due_at, payload, number, .. }) = timer.filter(|timer| timer.id == id) else {
            return Ok(());
        };
        let device = Address::parse(&alarm.device).map_err(io::Error::other)?;
        let event = self.next_event(now).event;
        let occasion = Occasion::Timer(Box::new(FiredTimer { name: alarm.name, id, due_at, payload }));
        let record = InboxRecord::new((customer.into(), alarm.rule), occasion, about(device, number, now), false, now);
        batch.push(Op::Insert(keys::inbox(partition, event), record::encode(&record)));
        fired.events.push((event, record));
        Ok(())
    }
}

/// What a call did to a timer of its device.
pub fn ops((customer, rule): (&str, &str), subject: &Subject, (name, change): (String, TimerChange)) -> Vec<Op> {
    let gone =
        |before: Option<TimerSet>| before.map(|set| Op::Delete(keys::by_due(Kind::Alarm, customer, set.due, set.id)));
    match change {
        TimerChange::Gone { before } => gone(before).into_iter().chain([Op::Delete(subject.timer(&name))]).collect(),
        TimerChange::Set { before, now, payload, number } => {
            let alarm = AlarmRecord { rule: rule.into(), device: subject.device().into(), name: name.as_str().into() };
            let timer = TimerRecord { id: now.id, due: now.due, payload, number };
            let set = [
                Op::Put(subject.timer(&name), record::encode(&timer)),
                Op::Insert(keys::by_due(Kind::Alarm, customer, now.due, now.id), record::encode(&alarm)),
            ];
            gone(before).into_iter().chain(set).collect()
        }
    }
}
