//! The key layout. Octet order is the order in which rows are read.
//!
//! ```text
//! inbox   <partition> i <event u64>                              an MO that waits for its rule
//! outbox  <partition> o <len><route> <due u64> <message id>      an MT that waits for a link
//! state   <partition> s <len><rule> <len><device> <key>          what a rule keeps about a device
//! dead    <partition> d <message id>                             what nobody could process or deliver
//! meta    ff <name>                                              of this data directory, not of a customer
//! ```
//! Every data key starts with its customer's partition, so that a transaction touches one partition only.

use crate::message::{MessageId, Timestamp};

/// A key as the tables hold it.
pub type Key = Box<[u8]>;

/// Partitions of the key space, from day one; the unit that a clustered form would move between machines.
const PARTITIONS: u32 = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u8);

impl Partition {
    /// Stable for ever: it is part of what is on disk.
    pub fn of(customer: &str) -> Partition {
        Partition((crc32fast::hash(customer.as_bytes()) % PARTITIONS) as u8)
    }

    pub fn all() -> impl Iterator<Item = Partition> {
        (0..PARTITIONS as u8).map(Partition)
    }
}

pub const META_LAST_EVENT: &[u8] = b"\xffm_last_event";
pub const META_SECRET: &[u8] = b"\xffm_secret";

/// Where an MT waits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OutboxKey {
    pub partition: Partition,
    /// `system_id` of the account that carries it.
    pub route: std::sync::Arc<str>,
    pub due: Timestamp,
    pub id: MessageId,
}

impl OutboxKey {
    pub fn encode(&self) -> Key {
        let mut key = route_prefix(self.partition, &self.route);
        key.extend_from_slice(&self.due.0.to_be_bytes());
        key.extend_from_slice(&self.id.to_key());
        key.into()
    }

    /// Reads back what [`encode`](Self::encode) wrote.
    pub fn decode(key: &[u8], route: &std::sync::Arc<str>) -> Option<OutboxKey> {
        let rest = key.get(3 + route.len()..)?;
        let due = Timestamp(u64::from_be_bytes(rest.get(..8)?.try_into().ok()?));
        let id = MessageId::from_key(rest.get(8..)?)?;
        Some(OutboxKey { partition: Partition(key[0]), route: route.clone(), due, id })
    }
}

/// Rows of a route that are due up to and including `now`.
pub fn outbox_range(partition: Partition, route: &str, now: Timestamp) -> (Key, Key) {
    let from = route_prefix(partition, route);
    let mut to = from.clone();
    to.extend_from_slice(&now.0.saturating_add(1).to_be_bytes());
    (from.into(), to.into())
}

/// All rows of a route, the not yet due ones too.
pub fn outbox_all(partition: Partition, route: &str) -> (Key, Key) {
    (route_prefix(partition, route).into(), after(&route_prefix(partition, route)))
}

fn route_prefix(partition: Partition, route: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(3 + route.len() + 18);
    key.extend_from_slice(&[partition.0, b'o', route.len() as u8]);
    key.extend_from_slice(route.as_bytes());
    key
}

pub fn inbox(partition: Partition, event: u64) -> Key {
    let mut key = [0; 10];
    key[..2].copy_from_slice(&[partition.0, b'i']);
    key[2..].copy_from_slice(&event.to_be_bytes());
    Box::new(key)
}

pub fn inbox_event(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(2..10)?.try_into().ok()?))
}

pub fn inbox_after(partition: Partition, event: u64) -> (Key, Key) {
    (inbox(partition, event), Box::new([partition.0, b'i' + 1]))
}

pub fn dead(partition: Partition, id: MessageId) -> Key {
    [&[partition.0, b'd'][..], &id.to_key()].concat().into()
}

pub fn dead_all(partition: Partition) -> (Key, Key) {
    (Box::new([partition.0, b'd']), Box::new([partition.0, b'd' + 1]))
}

/// The state rows of one device under one rule all start with this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject(Key);

impl Subject {
    /// `rule` is `customer/name`; both names are at most 255 octets (longer ones are cut by their hash).
    pub fn new(partition: Partition, rule: &str, device: &str) -> Subject {
        let mut key = Vec::with_capacity(4 + rule.len() + device.len());
        key.extend_from_slice(&[partition.0, b's', rule.len() as u8]);
        key.extend_from_slice(rule.as_bytes());
        key.push(device.len() as u8);
        key.extend_from_slice(device.as_bytes());
        Subject(key.into())
    }

    pub fn state(&self, name: &str) -> Key {
        [&*self.0, name.as_bytes()].concat().into()
    }

    /// The name under which a rule knows this row.
    pub fn name<'k>(&self, key: &'k [u8]) -> Option<&'k str> {
        std::str::from_utf8(key.strip_prefix(&*self.0)?).ok()
    }

    /// Rows whose name starts with `prefix` and is greater than `after`.
    pub fn range(&self, prefix: &str, after_name: Option<&str>) -> (Key, Key) {
        let all = self.state(prefix);
        let from = match after_name {
            Some(name) if name >= prefix => [&*self.state(name), b"\0"].concat().into(),
            _ => all.clone(),
        };
        (from, after(&all))
    }
}

/// The smallest key that is greater than every key with this prefix.
fn after(prefix: &[u8]) -> Key {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            break;
        }
    }
    end.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outbox_rows_sort_by_due_time_then_id_and_read_back() {
        let route: std::sync::Arc<str> = "sim".into();
        let key = |due, event| OutboxKey {
            partition: Partition(3),
            route: route.clone(),
            due: Timestamp(due),
            id: MessageId::accepted(event),
        };
        assert!(key(1, 9).encode() < key(2, 1).encode() && key(2, 1).encode() < key(2, 2).encode());
        assert_eq!(OutboxKey::decode(&key(7, 8).encode(), &route), Some(key(7, 8)));
        let (from, to) = outbox_range(Partition(3), "sim", Timestamp(2));
        let inside = |k: &OutboxKey| (&*from..&*to).contains(&&*k.encode());
        assert!(inside(&key(0, 1)) && inside(&key(2, u64::MAX)) && !inside(&key(3, 0)));
    }

    #[test]
    fn a_route_never_reads_the_rows_of_a_longer_name() {
        let (from, to) = outbox_all(Partition(1), "sim");
        let other =
            OutboxKey { partition: Partition(1), route: "sim2".into(), due: Timestamp(0), id: MessageId::accepted(1) };
        assert!(!(&*from..&*to).contains(&&*other.encode()));
    }

    #[test]
    fn state_of_one_subject_is_apart_from_every_other() {
        let subject = Subject::new(Partition(1), "acme/wm", "+4670");
        let other = Subject::new(Partition(1), "acme/wm", "+46701");
        let (from, to) = subject.range("", None);
        assert!((&*from..&*to).contains(&&*subject.state("x")));
        assert!(!(&*from..&*to).contains(&&*other.state("x")));
        assert_eq!(subject.name(&subject.state("m")), Some("m"));
        let (from, _) = subject.range("", Some("m"));
        assert!(*from > *subject.state("m") && *from < *subject.state("ma"));
    }
}
