//! Keys of calls of rules that are kept: by rule, the oldest first.

use super::{Key, Kind, Partition, after, prefixed};
use crate::message::Timestamp;

/// Octets behind the rule.
const PLACE_OCTETS: usize = 20;

/// Where a call stands among those of its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallPlace {
    /// When it ended.
    pub at: Timestamp,
    pub event: u64,
    pub attempt: u32,
}

impl CallPlace {
    /// The first that ended at this time or later.
    pub fn since(at: Timestamp) -> CallPlace {
        CallPlace { at, event: 0, attempt: 0 }
    }

    pub fn to_octets(self) -> [u8; PLACE_OCTETS] {
        let mut octets = [0; PLACE_OCTETS];
        octets[..8].copy_from_slice(&self.at.0.to_be_bytes());
        octets[8..16].copy_from_slice(&self.event.to_be_bytes());
        octets[16..].copy_from_slice(&self.attempt.to_be_bytes());
        octets
    }

    pub fn from_octets(octets: &[u8]) -> Option<CallPlace> {
        let (at, rest) = octets.split_at_checked(8)?;
        let (event, attempt) = rest.split_at_checked(8)?;
        Some(CallPlace {
            at: Timestamp(u64::from_be_bytes(at.try_into().ok()?)),
            event: u64::from_be_bytes(event.try_into().ok()?),
            attempt: u32::from_be_bytes(attempt.try_into().ok()?),
        })
    }
}

/// `rule` is `customer/name`.
pub fn recorded(partition: Partition, rule: &str, place: CallPlace) -> Key {
    let mut key = prefixed(partition, Kind::Recorded, rule, PLACE_OCTETS);
    key.extend_from_slice(&place.to_octets());
    key.into()
}

/// Those of a rule from this one on, or behind it.
pub fn recorded_range(partition: Partition, rule: &str, from: CallPlace) -> (Key, Key) {
    (recorded(partition, rule, from), after(&prefixed(partition, Kind::Recorded, rule, 0)))
}

pub fn recorded_place(key: &[u8]) -> Option<CallPlace> {
    CallPlace::from_octets(key.get(key.len().checked_sub(PLACE_OCTETS)?..)?)
}
