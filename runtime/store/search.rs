//! Finding rows by something else than where they wait: by message id, by addresses, by a peer's id, by
//! device, by queue.

use std::io;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::Store;
use super::change::RemotePart;
use super::keys::{self, Key, Kind, OutboxKey, Partition};
use super::record::{self, JoinedRecord, OutboxRecord, ParkedRecord, PartRecord};
use super::tables::Row;
use super::verbs::Queued;
use crate::message::{Address, Class, MessageId};
use crate::tracking::Tracked;

/// Rows that are read under one lock.
const PAGE_ROWS: usize = 256;

/// A receipt that waits for the response that names its message.
pub struct Parked {
    pub partition: Partition,
    /// Who sent it.
    pub peer: Box<str>,
    /// One form of the message id in it.
    pub form: String,
    pub record: ParkedRecord,
}

impl Store {
    pub fn tracked(&self, partition: Partition, id: MessageId) -> io::Result<Option<Tracked>> {
        self.read(&keys::tracked(partition, id))
    }

    /// The messages of one submission, one for each destination that was accepted.
    pub fn tracked_together(&self, partition: Partition, first: MessageId) -> io::Result<Vec<(MessageId, Tracked)>> {
        let (from, to) = keys::tracked_together(partition, first);
        let mut found = Vec::new();
        self.each(from, &to, |row| {
            let tracked: Tracked = decode(&row)?;
            found.extend(keys::last_id(&row.key).filter(|_| tracked.shown_id == first).map(|id| (id, tracked)));
            Ok(())
        })?;
        Ok(found)
    }

    /// A message that waits, by the key of its row.
    pub fn queued(&self, key: OutboxKey) -> io::Result<Option<Queued>> {
        let record: Option<OutboxRecord> = self.read(&key.encode())?;
        Ok(record.map(|record| Queued { key, record }))
    }

    /// Messages of an account that wait, by their addresses; any service type where it is None.
    pub fn sent(
        &self,
        partition: Partition,
        account: &str,
        (source, destination): (&Address, &Address),
        service_type: Option<&[u8]>,
    ) -> io::Result<Vec<MessageId>> {
        let service = service_type.map(|name| format!("{}\0", String::from_utf8_lossy(name))).unwrap_or_default();
        let addresses = format!("{source}\0{destination}\0{service}");
        let (from, to) = keys::sent_range(partition, account, &addresses);
        let mut found = Vec::new();
        self.each(from, &to, |row| {
            found.extend(keys::last_id(&row.key));
            Ok(())
        })?;
        Ok(found)
    }

    /// The message that a peer calls by one of these forms.
    pub fn remote(&self, partition: Partition, peer: &str, forms: &[String]) -> io::Result<Option<RemotePart>> {
        self.first(forms, |form| keys::remote(partition, peer, form))
    }

    /// A receipt that waits for the message of one of these forms.
    pub fn parked(&self, partition: Partition, peer: &str, forms: &[String]) -> io::Result<Option<ParkedRecord>> {
        self.first(forms, |form| keys::parked(partition, peer, form))
    }

    fn first<T: DeserializeOwned>(&self, forms: &[String], key: impl Fn(&str) -> Key) -> io::Result<Option<T>> {
        for form in forms {
            if let Some(found) = self.read(&key(form))? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Calls `each` for every row of a receipt that is parked.
    pub fn each_parked(&self, mut each: impl FnMut(Parked)) -> io::Result<()> {
        for partition in Partition::all() {
            let (from, to) = keys::all(partition, Kind::Parked);
            self.each(from, &to, |row| {
                let Some(peer) = keys::name(&row.key) else { return Ok(()) };
                let form = String::from_utf8_lossy(&row.key[3 + peer.len()..]).into_owned();
                each(Parked { partition, peer: peer.into(), form, record: decode(&row)? });
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Rows of messages that wait for this device to come back.
    pub fn deferred(&self, partition: Partition, device: &str) -> io::Result<Vec<OutboxKey>> {
        let (from, to) = keys::deferred_range(partition, device);
        let mut found = Vec::new();
        self.each(from, &to, |row| {
            let queue: Option<Arc<str>> = keys::outbox_queue(&row.value).map(Into::into);
            found.extend(queue.and_then(|queue| OutboxKey::decode(&row.value, &queue)));
            Ok(())
        })?;
        Ok(found)
    }

    /// Calls `each` for every device that something waits for; several times for several messages.
    pub fn deferred_devices(&self, mut each: impl FnMut(&str)) -> io::Result<()> {
        for partition in Partition::all() {
            let (from, to) = keys::all(partition, Kind::Deferred);
            self.each(from, &to, |row| {
                keys::name(&row.key).into_iter().for_each(&mut each);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Parts of one long message, by number.
    pub fn parts(&self, partition: Partition, group: &str) -> io::Result<Vec<(u8, PartRecord)>> {
        let (from, to) = keys::part_range(partition, group);
        let mut found = Vec::new();
        self.each(from, &to, |row| {
            found.push((row.key.last().copied().unwrap_or_default(), decode(&row)?));
            Ok(())
        })?;
        Ok(found)
    }

    /// Calls `each` with partition, group, number and record of every part that waits.
    pub fn all_parts(&self, mut each: impl FnMut(Partition, &str, u8, PartRecord)) -> io::Result<()> {
        for partition in Partition::all() {
            let (from, to) = keys::all(partition, Kind::Part);
            self.each(from, &to, |row| {
                let number = row.key.last().copied().unwrap_or_default();
                if let Some(group) = keys::name(&row.key) {
                    each(partition, group, number, decode(&row)?);
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Calls `each` with partition, group and record of every long message that became whole lately.
    pub fn all_joined(&self, mut each: impl FnMut(Partition, &str, JoinedRecord)) -> io::Result<()> {
        for partition in Partition::all() {
            let (from, to) = keys::all(partition, Kind::Joined);
            self.each(from, &to, |row| {
                if let Some(group) = keys::name(&row.key) {
                    each(partition, group, decode(&row)?);
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Tracked rows of a partition behind `after`, oldest first, until `each` says false.
    pub fn each_tracked(
        &self,
        partition: Partition,
        after: Option<MessageId>,
        mut each: impl FnMut(MessageId, Tracked) -> bool,
    ) -> io::Result<()> {
        let (all, to) = keys::all(partition, Kind::Tracked);
        let from = after.map_or(all, |id| [&*keys::tracked(partition, id), b"\0"].concat().into());
        self.each_while(from, &to, |row| {
            let Some(id) = keys::last_id(&row.key) else { return Ok(true) };
            Ok(each(id, decode(&row)?))
        })
    }

    /// Names of all queues in which something waits.
    pub fn queues(&self) -> io::Result<Vec<(Partition, Arc<str>)>> {
        let mut found = Vec::new();
        for partition in Partition::all() {
            let (mut from, to) = keys::all(partition, Kind::Outbox);
            loop {
                let rows = self.inner.lock().tables.range(&from, &to, 1)?;
                let Some(name) = rows.first().and_then(|row| keys::outbox_queue(&row.key)) else { break };
                found.push((partition, name.into()));
                from = keys::outbox_after(partition, name);
            }
        }
        Ok(found)
    }

    /// Every message of a queue, due or not.
    pub fn each_queued(&self, partition: Partition, queue: &Arc<str>, mut each: impl FnMut(Queued)) -> io::Result<()> {
        for class in Class::all() {
            let (from, to) = keys::outbox_all(partition, queue, class);
            self.each(from, &to, |row| {
                if let Some(key) = OutboxKey::decode(&row.key, queue) {
                    each(Queued { key, record: decode(&row)? });
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// How many rows of a kind there are.
    pub fn count(&self, kind: Kind) -> io::Result<usize> {
        let mut count = 0;
        for partition in Partition::all() {
            let (from, to) = keys::all(partition, kind);
            self.each(from, &to, |_| {
                count += 1;
                Ok(())
            })?;
        }
        Ok(count)
    }

    pub(super) fn read<T: DeserializeOwned>(&self, key: &[u8]) -> io::Result<Option<T>> {
        let row = self.inner.lock().tables.get(key)?;
        row.map(|row| record::decode(&row)).transpose().map_err(io::Error::other)
    }

    pub(super) fn each(&self, from: Key, to: &[u8], mut each: impl FnMut(Row) -> io::Result<()>) -> io::Result<()> {
        self.each_while(from, to, |row| each(row).map(|()| true))
    }

    /// Page by page, so that nobody else waits long for the tables.
    fn each_while(&self, mut from: Key, to: &[u8], mut each: impl FnMut(Row) -> io::Result<bool>) -> io::Result<()> {
        loop {
            let rows = self.inner.lock().tables.range(&from, to, PAGE_ROWS)?;
            let is_last = rows.len() < PAGE_ROWS;
            if let Some(last) = rows.last() {
                from = [&*last.key, b"\0"].concat().into();
            }
            for row in rows {
                if !each(row)? {
                    return Ok(());
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }
}

fn decode<T: DeserializeOwned>(row: &Row) -> io::Result<T> {
    record::decode(&row.value).map_err(io::Error::other)
}
