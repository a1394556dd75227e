//! Timers of rules. A timer is a row of its device, and an alarm by when it is due. What is due becomes an event of the
//! rule; the timer's row stays until that is done, so that whoever cancels or sets it again meanwhile makes it void.

use std::io;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::keys::{self, Partition, Subject};
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
    /// Some that were due were left there: their customer has no room.
    pub left: bool,
}

/// Pages of one partition that are looked at, past timers of customers that have no room.
const PAGES: usize = 8;

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

    /// Makes events of what is due, at most `limit` at once, in one batch; of a customer only what it `has_room` for.
    pub fn fire(
        &self,
        partition: Partition,
        now: Timestamp,
        limit: usize,
        has_room: &mut dyn FnMut(&str) -> bool,
    ) -> io::Result<Fired> {
        let (first, to) = keys::alarms(partition);
        let mut inner = self.inner.lock();
        let (mut fired, mut batch, mut from) = (Fired::default(), Vec::new(), first.clone());
        for _ in 0..PAGES {
            let rows = inner.tables.range(&from, &to, limit)?;
            let due = rows.iter().filter(|row| keys::due_and_id(&row.key).is_some_and(|(due, _)| due <= now)).count();
            for row in &rows[..due] {
                inner.fire_one(partition, row, (now, has_room), (&mut batch, &mut fired))?;
            }
            if due < limit || fired.events.len() >= limit {
                break;
            }
            let last = rows.last().expect("the page is full");
            from = [&*last.key, b"\0"].concat().into();
        }
        if !batch.is_empty() {
            inner.submit(batch, None).map_err(|StoreFailed(why)| io::Error::other(why.to_string()))?;
        }
        let next = inner.tables.range(&first, &to, 1)?;
        fired.next = next.first().and_then(|row| keys::due_and_id(&row.key)).map(|(due, _)| due);
        drop(inner);
        self.work.notify_one();
        Ok(fired)
    }
}

impl Inner {
    fn fire_one(
        &mut self,
        partition: Partition,
        row: &Row,
        (now, has_room): (Timestamp, &mut dyn FnMut(&str) -> bool),
        (batch, fired): (&mut Vec<Op>, &mut Fired),
    ) -> io::Result<()> {
        let Some((_, id)) = keys::due_and_id(&row.key) else { return Ok(()) };
        let alarm: AlarmRecord = record::decode(&row.value).map_err(io::Error::other)?;
        let subject = Subject::new(partition, &format!("{}/{}", alarm.customer, alarm.rule), &alarm.device);
        let timer = self.tables.get(&subject.timer(&alarm.name))?;
        let timer = timer.map(|row| record::decode::<TimerRecord>(&row)).transpose().map_err(io::Error::other)?;
        // Another setting has an alarm of its own.
        let timer = timer.filter(|timer| timer.id == id);
        if timer.is_some() && !has_room(&alarm.customer) {
            fired.left = true;
            return Ok(());
        }
        batch.push(Op::Delete(row.key.clone()));
        let Some(TimerRecord { due: due_at, payload, number, .. }) = timer else { return Ok(()) };
        let device = Address::parse(&alarm.device).map_err(io::Error::other)?;
        let event = self.next_event(now).event;
        let occasion = Occasion::Timer(Box::new(FiredTimer { name: alarm.name, id, due_at, payload }));
        let record = InboxRecord::new((alarm.customer, alarm.rule), occasion, about(device, number, now), false, now);
        batch.push(Op::Insert(keys::inbox(partition, event), record::encode(&record)));
        fired.events.push((event, record));
        Ok(())
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
