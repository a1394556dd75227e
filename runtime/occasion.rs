//! Why a rule is called, and what its call wants done: the nouns that the plugin host, the relay and the store share.
//!
//! Pure values. What the device wrote is the event's message; every other occasion follows from an earlier call of the
//! same rule for the same device, or from a question over the API, and has a message without content that says whom it
//! is about (`source`), from which number is answered (`destination`), and when it came.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::message::{Address, Class, Content, Message, MessageId, Timestamp};

/// Why a rule is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Occasion {
    /// The device wrote.
    Mo,
    Receipt(Box<RuleReceipt>),
    Timer(Box<FiredTimer>),
    HttpReply(Box<HttpReply>),
    Request(Box<Request>),
}

impl Occasion {
    pub fn is_mo(&self) -> bool {
        matches!(self, Occasion::Mo)
    }

    /// As logs and the API name it.
    pub fn name(&self) -> &'static str {
        match self {
            Occasion::Mo => "mo",
            Occasion::Receipt(_) => "receipt",
            Occasion::Timer(_) => "timer",
            Occasion::HttpReply(_) => "http_reply",
            Occasion::Request(_) => "request",
        }
    }
}

/// What became of a message whose rule wanted to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleReceipt {
    pub message_id: MessageId,
    /// Empty: it had none.
    pub tag: Box<str>,
    pub recipient: Address,
    /// `message_state` (SMPP 3.4 §5.2.28).
    pub state: u8,
    /// 0 for none.
    pub error: u16,
    pub done_at: Timestamp,
}

/// A timer that was due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FiredTimer {
    pub name: Box<str>,
    /// Which setting of it: another one since makes this void.
    pub id: MessageId,
    pub due_at: Timestamp,
    pub payload: Bytes,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpReply {
    pub tag: Box<str>,
    /// None: no answer came.
    pub status: Option<u16>,
    pub body: Bytes,
}

/// An application asks a rule something about a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub name: Box<str>,
    pub body: Bytes,
}

/// What a rule answers to a [`Request`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    pub status: u16,
    pub body: Bytes,
}

/// The message by which an event without an MO says whom it is about.
pub fn about(device: Address, number: Address, at: Timestamp) -> Message {
    Message { source: device, destination: number, content: Content::default(), received_at: at }
}

/// A message that a call sends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    pub message: Message,
    /// Empty: none.
    pub tag: Box<str>,
    pub delay_ms: u64,
    /// None: the customer's.
    pub validity_ms: Option<u64>,
    pub class: Class,
    /// The rule hears of its end.
    pub wants_receipt: bool,
}

impl Outgoing {
    /// With no wishes beside it.
    pub fn plain(message: Message) -> Outgoing {
        let (tag, validity_ms) = (Box::default(), None);
        Outgoing { message, tag, delay_ms: 0, validity_ms, class: Class::REPLY, wants_receipt: false }
    }
}

/// Which setting of a timer there is, and when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerSet {
    pub id: MessageId,
    pub due: Timestamp,
}

/// What a call does to one timer of its device. `before` is what was set by earlier calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TimerChange {
    Set { before: Option<TimerSet>, now: TimerSet, payload: Bytes, number: Address },
    Gone { before: Option<TimerSet> },
}

impl TimerChange {
    pub fn is_set(&self) -> bool {
        matches!(self, TimerChange::Set { .. })
    }
}

/// What a call read of the state that its rule's devices share: must still be so when its effects are stored.
#[derive(Clone, Debug, PartialEq)]
pub enum SharedRead {
    Value(String, Option<Bytes>),
    Names { prefix: String, after: Option<String>, limit: usize, found: Vec<String> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SharedWrite {
    Put(Bytes),
    Delete,
    /// To an integer of 8 octets, little-endian; what is none counts as 0. Wraps around.
    Add(i64),
}

/// An HTTP call as an effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpCall {
    pub method: Box<str>,
    pub url: Box<str>,
    pub headers: Vec<(Box<str>, Box<str>)>,
    pub body: Option<Bytes>,
    /// Name of the secret for the Authorization header.
    pub authorization: Option<Box<str>>,
    pub tag: Box<str>,
}

/// Adds to what is there, as [`SharedWrite::Add`] says.
pub fn sum(before: Option<&[u8]>, delta: i64) -> [u8; 8] {
    let before = before.and_then(|octets| octets.try_into().ok()).map_or(0, i64::from_le_bytes);
    before.wrapping_add(delta).to_le_bytes()
}
