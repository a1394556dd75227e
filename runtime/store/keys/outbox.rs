//! Keys of messages that wait for a link: ordered by queue, class and due time, so that what is due is one range.

use std::sync::Arc;

use super::{Key, Kind, PARTITIONS, Partition, after, prefixed};
use crate::message::{Class, MessageId, Timestamp};

/// Where a message waits for a link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutboxKey {
    pub partition: Partition,
    /// Name of the queue.
    pub queue: Arc<str>,
    pub class: Class,
    pub due: Timestamp,
    pub id: MessageId,
}

/// Octets of an outbox key behind its queue: class, due time, message id.
const OUTBOX_TAIL: usize = 1 + 8 + 10;

impl OutboxKey {
    pub fn encode(&self) -> Key {
        let mut key = queue_prefix(self.partition, &self.queue, OUTBOX_TAIL);
        key.push(self.class.0);
        key.extend_from_slice(&self.due.0.to_be_bytes());
        key.extend_from_slice(&self.id.to_key());
        key.into()
    }

    /// Reads back what [`encode`](Self::encode) wrote; `queue` saves a copy of its name.
    pub fn decode(key: &[u8], queue: &Arc<str>) -> Option<OutboxKey> {
        let rest = key.get(3 + queue.len()..)?;
        let due = Timestamp(u64::from_be_bytes(rest.get(1..9)?.try_into().ok()?));
        let id = MessageId::from_key(rest.get(9..)?)?;
        Some(OutboxKey { partition: Partition(key[0]), queue: queue.clone(), class: Class(rest[0]), due, id })
    }
}

/// Name of the queue, of a key of any kind: None where it is no message that waits for a link.
pub fn waits_in(key: &[u8]) -> Option<&str> {
    let [partition, kind, ..] = key else { return None };
    (u32::from(*partition) < PARTITIONS && *kind == Kind::Outbox.octet()).then(|| outbox_queue(key)).flatten()
}

/// Name of the queue in an outbox key.
pub fn outbox_queue(key: &[u8]) -> Option<&str> {
    let length = *key.get(2)? as usize;
    std::str::from_utf8(key.get(3..3 + length)?).ok()
}

/// Rows of a queue and class that are due up to and including `now`.
pub fn outbox_range(partition: Partition, queue: &str, class: Class, now: Timestamp) -> (Key, Key) {
    let mut from = queue_prefix(partition, queue, OUTBOX_TAIL);
    from.push(class.0);
    let mut to = from.clone();
    to.extend_from_slice(&now.0.saturating_add(1).to_be_bytes());
    (from.into(), to.into())
}

/// All rows of a queue and class, the not yet due ones too.
pub fn outbox_all(partition: Partition, queue: &str, class: Class) -> (Key, Key) {
    let mut from = queue_prefix(partition, queue, OUTBOX_TAIL);
    from.push(class.0);
    let to = after(&from);
    (from.into(), to)
}

/// The first key behind all rows of a queue.
pub fn outbox_after(partition: Partition, queue: &str) -> Key {
    after(&queue_prefix(partition, queue, 0))
}

fn queue_prefix(partition: Partition, queue: &str, more: usize) -> Vec<u8> {
    prefixed(partition, Kind::Outbox, queue, more)
}
