//! Timers of rules. A timer is a row of its device, and an alarm by when it is due. What is due becomes an event of the
//! rule; the timer's row stays until that is done, so that whoever cancels or sets it again meanwhile makes it void.

use std::io;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::keys::{self, Partition, Subject};
use super::record::{self, InboxRecord};
use super::tables::Op;
use super::{Store, StoreFailed};
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
    customer: Box<str>,
    rule: Box<str>,
    device: Box<str>,
    name: Box<str>,
}

/// What was due.
#[derive(Debug, Default)]
pub struct Fired {
    /// New events, with their numbers.
    pub events: Vec<(u64, InboxRecord)>,
    /// When the next timer of the partition is due.
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
        let (from, to) = subject.timers();
        let rows = self.inner.lock().tables.range(&from, &to, limit)?;
        let shown = rows.iter().map(|row| {
            let TimerRecord { due, payload, .. } = record::decode(&row.value).map_err(io::Error::other)?;
            let name = subject.timer_name(&row.key).unwrap_or_default().to_owned();
            Ok(TimerShown { name, due, payload })
        });
        shown.collect()
    }

    /// When the first timer of a partition is due.
    pub fn first_alarm(&self, partition: Partition) -> io::Result<Option<Timestamp>> {
        let (from, to) = keys::alarms(partition);
        let rows = self.inner.lock().tables.range(&from, &to, 1)?;
        Ok(rows.first().and_then(|row| keys::due_and_id(&row.key)).map(|(due, _)| due))
    }

    /// Makes events of what is due, at most `limit` at once, in one batch.
    pub fn fire(&self, partition: Partition, now: Timestamp, limit: usize) -> io::Result<Fired> {
        let (from, to) = keys::alarms(partition);
        let mut inner = self.inner.lock();
        let rows = inner.tables.range(&from, &to, limit)?;
        let (mut fired, mut batch) = (Fired::default(), Vec::new());
        for row in &rows {
            let Some((due, id)) = keys::due_and_id(&row.key) else { continue };
            if due > now {
                break;
            }
            batch.push(Op::Delete(row.key.clone()));
            let alarm: AlarmRecord = record::decode(&row.value).map_err(io::Error::other)?;
            let subject = Subject::new(partition, &format!("{}/{}", alarm.customer, alarm.rule), &alarm.device);
            let timer = inner.tables.get(&subject.timer(&alarm.name))?;
            let timer = timer.map(|row| record::decode::<TimerRecord>(&row)).transpose().map_err(io::Error::other)?;
            // Another setting has an alarm of its own.
            let Some(timer) = timer.filter(|timer| timer.id == id) else { continue };
            let device = Address::parse(&alarm.device).map_err(io::Error::other)?;
            let TimerRecord { due: due_at, payload, number, .. } = timer;
            let event = inner.next_event(now).event;
            let occasion = Occasion::Timer(Box::new(FiredTimer { name: alarm.name, id, due_at, payload }));
            let record =
                InboxRecord::new((alarm.customer, alarm.rule), occasion, about(device, number, now), false, now);
            batch.push(Op::Insert(keys::inbox(partition, event), record::encode(&record)));
            fired.events.push((event, record));
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

/// What a call did to a timer of its device.
pub fn ops(
    partition: Partition,
    (customer, rule): (&str, &str),
    subject: &Subject,
    (name, change): (String, TimerChange),
) -> Vec<Op> {
    let gone = |before: Option<TimerSet>| before.map(|set| Op::Delete(keys::alarm(partition, set.due, set.id)));
    match change {
        TimerChange::Gone { before } => gone(before).into_iter().chain([Op::Delete(subject.timer(&name))]).collect(),
        TimerChange::Set { before, now, payload, number } => {
            let alarm = AlarmRecord {
                customer: customer.into(),
                rule: rule.into(),
                device: subject.device().into(),
                name: name.as_str().into(),
            };
            let timer = TimerRecord { id: now.id, due: now.due, payload, number };
            let set = [
                Op::Put(subject.timer(&name), record::encode(&timer)),
                Op::Insert(keys::alarm(partition, now.due, now.id), record::encode(&alarm)),
            ];
            gone(before).into_iter().chain(set).collect()
        }
    }
}
