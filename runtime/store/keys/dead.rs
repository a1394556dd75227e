//! Keys of dead letters.

use super::{Ends, Key, Kind, Partition, inverted, newest_first, prefixed};
use crate::message::MessageId;

pub fn dead(partition: Partition, customer: &str, id: MessageId) -> Key {
    let mut key = prefixed(partition, Kind::Dead, customer, MessageId::KEY_OCTETS);
    key.extend_from_slice(&inverted(id));
    key.into()
}

/// A customer's, the newest first.
pub fn dead_range(partition: Partition, customer: &str, behind: Option<MessageId>) -> (Key, Key) {
    let ends: Ends = (behind, None);
    newest_first(&prefixed(partition, Kind::Dead, customer, 0), ends)
}
