//! Registered devices: a row each in their customer's partition, one per tag to find them by, one with when they were
//! seen last.
//!
//! A change of them and its row of the audit are in one group of the log, though not in one batch: the audit is no
//! customer's partition. When a device was seen is a row of its own, so that to note it reads and moves nothing else.

use std::io;

use bytes::Bytes;

use super::control::Audit;
use super::keys::{self, Key, Partition};
use super::tables::Op;
use super::{NewOnce, NotAccepted, Store, StoreFailed, once, record};
use crate::device::{Device, DeviceRecord};
use crate::message::{MessageId, Timestamp};

/// Devices that are written in one batch: half a megabyte at most, and a few milliseconds of the tables' lock.
const BATCH_DEVICES: usize = 500;

/// A device that comes, changes or goes.
#[derive(Debug)]
pub struct Rewrite {
    /// Of its number.
    pub digits: Box<str>,
    pub before: Option<DeviceRecord>,
    /// None: it goes.
    pub after: Option<Device>,
}

/// What becomes of a customer's devices, with the one row of the audit that tells of it.
pub struct Rewrites<'r> {
    pub customer: &'r str,
    pub rewrites: Vec<Rewrite>,
    pub audit: Audit,
    pub once: Option<NewOnce>,
}

impl Store {
    pub fn device(&self, customer: &str, digits: &str) -> io::Result<Option<DeviceRecord>> {
        self.read(&keys::device(Partition::of(customer), customer, digits))
    }

    /// Devices of a customer whose number begins with `prefix` and comes after `after`, in the order of their
    /// numbers, until `each` says false; with a tag, those that have it.
    pub fn devices(
        &self,
        customer: &str,
        (tag, prefix, after): (Option<&str>, &str, Option<&str>),
        mut each: impl FnMut(&str, DeviceRecord) -> bool,
    ) -> io::Result<()> {
        let partition = Partition::of(customer);
        let all = match tag {
            Some(tag) => keys::tagged(partition, customer, tag, ""),
            None => keys::device(partition, customer, ""),
        };
        let (from, to) = keys::under(&all, prefix, after);
        self.each_row_while(from, &to, |row| {
            let digits = keys::rest(&row.key, all.len())?;
            let found = match tag {
                Some(_) => self.device(customer, digits)?,
                None => Some(record::decode(&row.value).map_err(io::Error::other)?),
            };
            Ok(found.is_none_or(|found| each(digits, found)))
        })
    }

    /// Customer, number and record of every device there is.
    pub fn each_device(&self, mut each: impl FnMut(&str, &str, DeviceRecord)) -> io::Result<()> {
        self.each_of_customers(keys::Kind::Device, |customer, digits, value| {
            each(customer, digits, record::decode(value).map_err(io::Error::other)?);
            Ok(())
        })
    }

    /// When devices were seen, as far as it was written.
    pub fn each_seen(&self, mut each: impl FnMut(&str, Timestamp)) -> io::Result<()> {
        self.each_of_customers(keys::Kind::Seen, |_, digits, value| {
            each(digits, record::decode(value).map_err(io::Error::other)?);
            Ok(())
        })
    }

    fn each_of_customers(
        &self,
        kind: keys::Kind,
        mut each: impl FnMut(&str, &str, &[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        for partition in Partition::all() {
            let (from, to) = keys::all(partition, kind);
            self.each_row(from, &to, |row| {
                let customer = keys::name(&row.key).ok_or_else(|| io::Error::other("a device's key is malformed"))?;
                each(customer, keys::rest(&row.key, 3 + customer.len())?, &row.value)
            })?;
        }
        Ok(())
    }

    /// Writes them in a few batches, one behind the other: when the last is durable, `done` hears that all are.
    /// Yields their revision, which is the number of the audit's row. Whoever calls lets nobody else change the same
    /// devices from reading them on.
    pub fn rewrite_devices(
        &self,
        change: Rewrites<'_>,
        done: impl FnOnce(Result<(), StoreFailed>) + Send + 'static,
    ) -> Result<u64, NotAccepted> {
        let Rewrites { customer, mut rewrites, audit, once } = change;
        let now = audit.at;
        let rest = rewrites.split_off(rewrites.len().min(BATCH_DEVICES));
        let mut controls = self.controls.write();
        let revision = controls.sequence + 1;
        let first = batch(customer, rewrites, revision, now);
        let mut inner = self.inner.lock();
        if let Some(failed) = inner.failed.clone() {
            return Err(failed.into());
        }
        let octets = first.iter().map(Op::octets).sum();
        if self.is_full() || inner.is_busy(octets) {
            return Err(NotAccepted::Busy);
        }
        inner.submit(first, None)?;
        inner.submit(vec![Op::Insert(keys::audit(revision), record::encode(&audit))], None)?;
        inner.submit(vec![Op::Put(keys::audit_sequence(), record::encode(&revision))], None)?;
        controls.sequence = revision;
        drop((controls, inner));
        let mut rest = rest.into_iter().peekable();
        while rest.peek().is_some() {
            let some = rest.by_ref().take(BATCH_DEVICES).collect();
            self.submit(batch(customer, some, revision, now), None)?;
        }
        let last = once.into_iter().flat_map(|new| once::rows(customer, new, self.next_event(now), now)).collect();
        self.submit(last, Some(Box::new(done)))?;
        Ok(revision)
    }

    /// For what is no message and yet has a number of its own.
    pub(super) fn next_event(&self, now: Timestamp) -> MessageId {
        self.inner.lock().next_event(now)
    }
}

fn batch(customer: &str, rewrites: Vec<Rewrite>, revision: u64, now: Timestamp) -> Vec<Op> {
    let mut batch = Vec::with_capacity(rewrites.len() * 2);
    for rewrite in rewrites {
        rows(customer, rewrite, revision, now, &mut batch);
    }
    batch
}

fn rows(customer: &str, rewrite: Rewrite, revision: u64, now: Timestamp, batch: &mut Vec<Op>) {
    let partition = Partition::of(customer);
    let Rewrite { digits, before, after } = rewrite;
    let created_at = before.as_ref().map_or(now, |before| before.created_at);
    let tags_before = before.map(|before| before.device.tags).unwrap_or_default();
    let none = Default::default();
    let tags_after = after.as_ref().map_or(&none, |device| &device.tags);
    let tagged = |tag: &String| -> Key { keys::tagged(partition, customer, tag, &digits) };
    batch.extend(tags_before.difference(tags_after).map(|tag| Op::Delete(tagged(tag))));
    batch.extend(tags_after.difference(&tags_before).map(|tag| Op::Put(tagged(tag), Bytes::new())));
    let key = keys::device(partition, customer, &digits);
    match after {
        Some(device) => {
            let row = DeviceRecord { device, revision, created_at, changed_at: now };
            batch.push(Op::Put(key, record::encode(&row)));
        }
        None => batch.extend([Op::Delete(key), Op::Delete(keys::seen(partition, customer, &digits))]),
    }
}
