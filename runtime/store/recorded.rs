//! Calls of rules that are kept to be run again. A row comes in the batch of the call's effects, or of its failure.

use std::io;

use bytes::Bytes;

use super::keys::{self, CallPlace, Key, Kind, Partition, Subject};
use super::tables::Op;
use super::{Store, record};
use crate::recorded::{Recorded, State};

/// Rows of state that are read at once: most devices have fewer, and a few large ones are not all read.
const PAGE: usize = 32;

/// A call, ready to be stored.
#[derive(Debug)]
pub struct RecordedRow {
    key: Key,
    value: Bytes,
}

impl RecordedRow {
    pub fn new(call: &Recorded) -> RecordedRow {
        let rule = format!("{}/{}", call.customer, call.rule);
        let place = CallPlace { at: call.at, event: call.before.id.event, attempt: call.before.attempt };
        let key = keys::recorded(Partition::of(&call.customer), &rule, place);
        RecordedRow { key, value: record::encode(call) }
    }

    pub fn octets(&self) -> usize {
        self.key.len() + self.value.len()
    }
}

pub(super) fn put(row: RecordedRow) -> Op {
    Op::Put(row.key, row.value)
}

pub(super) fn forget(rule: &str, place: CallPlace) -> Op {
    Op::Delete(keys::recorded(partition(rule), rule, place))
}

fn partition(rule: &str) -> Partition {
    Partition::of(rule.split_once('/').map_or(rule, |(customer, _)| customer))
}

impl Store {
    /// Calls of a rule, `customer/name`, from this place on, the oldest first, until `each` says false.
    pub fn recorded(
        &self,
        rule: &str,
        from: CallPlace,
        mut each: impl FnMut(CallPlace, Recorded) -> bool,
    ) -> io::Result<()> {
        let (from, to) = keys::recorded_range(partition(rule), rule, from);
        self.each_row_while(from, &to, |row| {
            let place = keys::recorded_place(&row.key).ok_or_else(|| io::Error::other("a call's key is malformed"))?;
            Ok(each(place, record::decode(&row.value).map_err(io::Error::other)?))
        })
    }

    /// The same without what is in them: where they stand, and how many octets they take.
    pub fn recorded_places(&self, rule: &str, mut each: impl FnMut(CallPlace, usize) -> bool) -> io::Result<()> {
        let (from, to) = keys::recorded_range(partition(rule), rule, CallPlace::since(Default::default()));
        self.each_row_while(from, &to, |row| {
            let place = keys::recorded_place(&row.key).ok_or_else(|| io::Error::other("a call's key is malformed"))?;
            Ok(each(place, row.key.len() + row.value.len()))
        })
    }

    /// Rules of which any call is kept, `customer/name`.
    pub fn recorded_rules(&self) -> io::Result<Vec<Box<str>>> {
        self.names_of(Kind::Recorded)
    }

    /// All state of a device, unless that is more than so many octets.
    pub fn whole_state(&self, subject: &Subject, octets_max: usize) -> io::Result<Option<State>> {
        let (mut from, to) = subject.range("", None);
        let (mut all, mut octets) = (Vec::new(), 0);
        loop {
            let rows = self.inner.lock().tables.range(&from, &to, PAGE)?;
            let is_last = rows.len() < PAGE;
            for row in rows {
                let name = subject.name(&row.key).unwrap_or_default();
                octets += name.len() + row.value.len();
                if octets > octets_max {
                    return Ok(None);
                }
                all.push((name.into(), row.value));
                from = [&*row.key, b"\0"].concat().into();
            }
            if is_last {
                return Ok(Some(all));
            }
        }
    }
}
