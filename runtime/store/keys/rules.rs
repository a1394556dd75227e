//! Keys of what rules keep beside the state of a device: shared state, timers, HTTP calls, answers to requests.

use super::{Key, Kind, Partition, Subject, after, prefixed};
use crate::message::{MessageId, Timestamp};

impl Subject {
    /// The rule's part of the key, as `customer/name`.
    fn rule(&self) -> &[u8] {
        let length = self.0.get(2).map_or(0, |length| usize::from(*length));
        self.0.get(3..3 + length).unwrap_or_default()
    }

    fn partition(&self) -> Partition {
        Partition(self.0[0])
    }

    /// A value that all devices of the rule share.
    pub fn shared(&self, name: &str) -> Key {
        let mut key = self.shared_prefix(name.len());
        key.extend_from_slice(name.as_bytes());
        key.into()
    }

    fn shared_prefix(&self, more: usize) -> Vec<u8> {
        let rule = self.rule();
        let mut key = Vec::with_capacity(3 + rule.len() + more);
        key.extend_from_slice(&[self.partition().0, Kind::Shared.octet(), rule.len() as u8]);
        key.extend_from_slice(rule);
        key
    }

    /// The name under which a rule knows a row of its shared state.
    pub fn shared_name<'k>(&self, key: &'k [u8]) -> Option<&'k str> {
        std::str::from_utf8(key.strip_prefix(&self.shared_prefix(0)[..])?).ok()
    }

    /// Shared rows whose name starts with `prefix` and is greater than `after_name`.
    pub fn shared_range(&self, prefix: &str, after_name: Option<&str>) -> (Key, Key) {
        let all = self.shared(prefix);
        let from = match after_name {
            Some(name) if name >= prefix => [&*self.shared(name), b"\0"].concat().into(),
            _ => all.clone(),
        };
        (from, after(&all))
    }

    /// A timer of the device.
    pub fn timer(&self, name: &str) -> Key {
        let mut key = [&*self.0, name.as_bytes()].concat();
        key[1] = Kind::Timer.octet();
        key.into()
    }

    /// All timers of the device.
    pub fn timers(&self) -> (Key, Key) {
        let from = self.timer("");
        let to = after(&from);
        (from, to)
    }

    /// The name of a timer's row.
    pub fn timer_name<'k>(&self, key: &'k [u8]) -> Option<&'k str> {
        std::str::from_utf8(key.strip_prefix(&*self.timer(""))?).ok()
    }
}

/// When something of a customer is due, and what: a setting of a timer, an HTTP call.
pub fn by_due(kind: Kind, customer: &str, due: Timestamp, id: MessageId) -> Key {
    let mut key = prefixed(Partition::of(customer), kind, customer, 18);
    key.extend_from_slice(&due.0.to_be_bytes());
    key.extend_from_slice(&id.to_key());
    key.into()
}

/// All of a customer, by when it is due.
pub fn all_by_due(kind: Kind, customer: &str) -> (Key, Key) {
    let from = prefixed(Partition::of(customer), kind, customer, 0);
    let to = after(&from);
    (from.into(), to)
}

/// When it is due, and its id: the end of the key.
pub fn due_and_id(key: &[u8]) -> Option<(Timestamp, MessageId)> {
    let (_, end) = key.split_at_checked(key.len().checked_sub(18)?)?;
    let due = u64::from_be_bytes(end[..8].try_into().ok()?);
    Some((Timestamp(due), MessageId::from_key(&end[8..])?))
}

/// What a rule answered to a request; in the order of requests.
pub fn answer(partition: Partition, customer: &str, event: u64) -> Key {
    let mut key = prefixed(partition, Kind::Answer, customer, 8);
    key.extend_from_slice(&event.to_be_bytes());
    key.into()
}
