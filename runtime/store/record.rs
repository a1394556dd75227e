//! What the rows hold: versioned records.
//!
//! The first octet is the record version, so that a later wasmsc reads what this one wrote. The rest is
//! postcard, whose wire format is specified and stable.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::message::{Message, MessageId, Timestamp};
use crate::occasion::Occasion;

/// Version of every record that this wasmsc writes.
const VERSION: u8 = 8;
/// What a thread keeps for the next record.
const BUFFER_MAX: usize = 64 << 10;

/// An event that waits for its rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InboxRecord {
    pub customer: Box<str>,
    /// Name of the rule, without the customer.
    pub rule: Box<str>,
    pub occasion: Occasion,
    /// The MO; where there is none, its addresses and time are those of the event.
    pub message: Message,
    /// Attempts that failed so far.
    pub attempts: u32,
    /// Not before this.
    pub due: Timestamp,
    /// There is a tracked row: its sender wants a receipt.
    pub tracked: bool,
    /// Its place is behind all events up to this one; 0: its own. For one that was dead and is tried again.
    pub place: u64,
}

impl InboxRecord {
    /// Of a new event, of which no call was tried.
    pub fn new(
        (customer, rule): (Box<str>, Box<str>),
        occasion: Occasion,
        message: Message,
        tracked: bool,
        due: Timestamp,
    ) -> InboxRecord {
        InboxRecord { customer, rule, occasion, message, attempts: 0, due, tracked, place: 0 }
    }
}

/// A message that waits for a link of its route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxRecord {
    pub customer: Box<str>,
    pub message: Message,
    pub attempts: u32,
    /// Not tried after this.
    pub expires: Timestamp,
    /// Its submitter can ask for it: there is a tracked row.
    pub tracked: bool,
    /// Which receipts the peer that takes it is asked for.
    pub registered_delivery: u8,
    /// There is a deferred row: it goes out at once when its device shows up.
    pub deferred: bool,
    /// Parts of a long message that peers have taken.
    pub taken: Vec<Taken>,
}

/// A part that a peer has taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// From 1.
    pub number: u8,
    /// Whose id it is: `Peer::centre`.
    pub centre: Arc<str>,
    /// As the response gave it.
    pub id: Bytes,
    /// A receipt for it will come.
    pub has_receipt: bool,
}

impl OutboxRecord {
    /// Of a message that nobody asks for later.
    pub fn untracked(customer: &str, message: Message, expires: Timestamp) -> OutboxRecord {
        OutboxRecord {
            customer: customer.into(),
            message,
            attempts: 0,
            expires,
            tracked: false,
            registered_delivery: 0,
            deferred: false,
            taken: Vec::new(),
        }
    }
}

/// A part of a long message that waits for the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartRecord {
    pub customer: Box<str>,
    pub id: MessageId,
    pub message: Message,
}

/// A long message that is whole: which parts it had, to know their repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JoinedRecord {
    pub at: Timestamp,
    /// Number of the part and a hash of what it said.
    pub parts: Vec<(u8, u64)>,
}

/// A receipt that came before the response that would say whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParkedRecord {
    /// As the peer wrote it.
    pub message_id: Bytes,
    /// `MessageState` (SMPP 3.4 §5.2.28).
    pub state: u8,
    pub error: u16,
    pub came_at: Timestamp,
}

/// A row that this version cannot read.
#[derive(Debug, thiserror::Error)]
#[error("record of version {version} cannot be read: {why}")]
pub struct UnreadableRecord {
    version: u8,
    why: String,
}

pub fn encode<T: Serialize>(record: &T) -> Bytes {
    thread_local!(static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
    BUFFER.with_borrow_mut(|kept| {
        let mut buffer = std::mem::take(kept);
        buffer.clear();
        let buffer = postcard::to_extend(&VERSION, buffer).expect("a vector takes every octet");
        let buffer = postcard::to_extend(record, buffer).expect("a vector takes every octet");
        // Exactly as long as it is: rows wait in memory by the ten thousand.
        let row = Bytes::copy_from_slice(&buffer);
        if buffer.capacity() <= BUFFER_MAX {
            *kept = buffer;
        }
        row
    })
}

pub fn decode<T: DeserializeOwned>(row: &[u8]) -> Result<T, UnreadableRecord> {
    match row.split_first() {
        Some((&VERSION, rest)) => {
            postcard::from_bytes(rest).map_err(|error| UnreadableRecord { version: VERSION, why: error.to_string() })
        }
        Some((&version, _)) if version < VERSION => {
            Err(UnreadableRecord { version, why: "written by a wasmsc before its first release".into() })
        }
        Some((&version, _)) => Err(UnreadableRecord { version, why: "written by a newer wasmsc".into() }),
        None => Err(UnreadableRecord { version: 0, why: "empty".into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Address, Content};

    #[test]
    fn records_read_back_and_unknown_versions_are_refused() {
        let record = OutboxRecord {
            customer: "acme".into(),
            message: Message {
                source: Address::ShortCode("7001".into()),
                destination: Address::Msisdn("46701111111".into()),
                content: Content {
                    octets: Bytes::from_static(b"WM1 CLOSE"),
                    tlvs: vec![(0x1400, Bytes::from_static(b"x"))],
                    ..Content::default()
                },
                received_at: Timestamp(5),
            },
            attempts: 2,
            expires: Timestamp(9),
            tracked: true,
            registered_delivery: 1,
            deferred: false,
            taken: vec![Taken { number: 1, centre: "up".into(), id: Bytes::from_static(b"id"), has_receipt: true }],
        };
        let row = encode(&record);
        assert_eq!(decode::<OutboxRecord>(&row).expect("readable"), record);
        let mut newer = row.to_vec();
        newer[0] = 9;
        assert!(decode::<OutboxRecord>(&newer).expect_err("refused").to_string().contains("version 9"));
        assert!(decode::<OutboxRecord>(&row[..row.len() - 1]).is_err());
    }
}
