//! A case: what is given, the events of one device one after the other, and what each must lead to.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use super::octets::Octets;
use crate::message::{Address, MessageId, Timestamp};

/// One case file.
#[derive(Clone, Debug)]
pub struct Case {
    pub file: PathBuf,
    pub name: String,
    pub given: Given,
    pub events: Vec<Event>,
}

/// Something with the line that says it.
#[derive(Clone, Debug, PartialEq)]
pub struct At<T> {
    pub line: usize,
    pub is: T,
}

/// Before the first event.
#[derive(Clone, Debug)]
pub struct Given {
    /// Time of the first event.
    pub now: Timestamp,
    pub device: Address,
    /// What the device writes to.
    pub number: Address,
    pub tags: BTreeSet<String>,
    pub attributes: BTreeMap<String, String>,
    pub config: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, String>,
    /// Names that messages may come from beside the numbers.
    pub senders: Vec<String>,
    /// Hosts that the rule is granted.
    pub http_hosts: Vec<String>,
    /// Addresses that the firewall lets nothing through to.
    pub refused: Vec<Address>,
    pub state: BTreeMap<String, Octets>,
    pub shared: BTreeMap<String, Octets>,
    /// Timers that are set.
    pub timers: Vec<GivenTimer>,
    /// Tags of HTTP calls whose replies are awaited.
    pub http_calls: Vec<String>,
    pub limits: GivenLimits,
}

#[derive(Clone, Debug, PartialEq)]
pub struct GivenTimer {
    pub name: String,
    pub at: Timestamp,
    pub payload: Octets,
}

/// Those of a `[[rule]]`; what is absent has the default of there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GivenLimits {
    pub deadline_ms: Option<u32>,
    pub memory_mib: Option<u32>,
    pub messages_max: Option<u16>,
    pub state_kib: Option<u32>,
    pub timers_max: Option<u32>,
    pub http_calls_max: Option<u16>,
    /// Octets of state that the rule may have in addition.
    pub state_room: Option<u64>,
}

#[derive(Clone, Debug)]
pub struct Event {
    pub line: usize,
    pub trigger: Trigger,
    pub identity: Identity,
    /// Passes before it.
    pub after_ms: u64,
    pub expect: Expect,
}

/// What a recorded event had, where others are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Identity {
    pub id: Option<MessageId>,
    pub attempt: Option<u32>,
    /// Its random octets follow from that.
    pub seed: Option<[u8; 32]>,
}

/// Optional parameters: tags with their values.
pub type Tlvs = Vec<(u16, Vec<u8>)>;

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    Mo {
        body: Body,
        to: Option<Address>,
        tlvs: Tlvs,
        coding: Option<Coding>,
    },
    /// By its name.
    Timer(String),
    /// Of the n-th message, from 1, that asked for one.
    Receipt {
        of: usize,
        state: String,
        error: Option<u16>,
    },
    /// Of a message that was sent before the first event.
    ReceiptOf(Box<EarlierReceipt>),
    /// None: no answer came.
    HttpReply {
        tag: String,
        status: Option<u16>,
        body: Vec<u8>,
    },
    Request {
        name: String,
        body: Vec<u8>,
    },
    Check,
    /// The event before it, which ended in a retry or broke, as its next attempt.
    Again,
}

/// How the octets of an MO are to be read: `data_coding` (SMPP 3.4 §5.2.19) and `esm_class` (§5.2.12).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coding {
    pub data_coding: u8,
    pub esm_class: u8,
}

#[derive(Clone, Debug, PartialEq)]
pub struct EarlierReceipt {
    pub message_id: MessageId,
    pub tag: Option<String>,
    pub recipient: Address,
    pub state: String,
    pub error: Option<u16>,
    /// None: the time of the event.
    pub done_at: Option<Timestamp>,
}

impl Trigger {
    /// The handler that it calls; none where that depends on the event before.
    pub fn handler(&self) -> Option<Handler> {
        Some(match self {
            Trigger::Mo { .. } => Handler::Mo,
            Trigger::Timer(_) => Handler::Timer,
            Trigger::Receipt { .. } | Trigger::ReceiptOf(_) => Handler::Receipt,
            Trigger::HttpReply { .. } => Handler::Http,
            Trigger::Request { .. } => Handler::Request,
            Trigger::Check => Handler::Check,
            Trigger::Again => return None,
        })
    }
}

/// The interfaces of wit/plugin.wit that a rule may export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Handler {
    Mo,
    Receipt,
    Timer,
    Http,
    Request,
    Check,
}

impl Handler {
    pub const ALL: [Handler; 6] =
        [Handler::Mo, Handler::Receipt, Handler::Timer, Handler::Http, Handler::Request, Handler::Check];

    /// As the contract names it.
    pub fn name(self) -> &'static str {
        match self {
            Handler::Mo => "mo-handler",
            Handler::Receipt => "receipt-handler",
            Handler::Timer => "timer-handler",
            Handler::Http => "http-handler",
            Handler::Request => "request-handler",
            Handler::Check => "config-check",
        }
    }

    /// What a case writes to call it.
    pub fn key(self) -> &'static str {
        match self {
            Handler::Mo => "mo",
            Handler::Receipt => "receipt",
            Handler::Timer => "timer",
            Handler::Http => "http_reply",
            Handler::Request => "request",
            Handler::Check => "check",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Text(String),
    Binary(Vec<u8>),
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Text(text) => write!(f, "{text:?}"),
            Body::Binary(octets) => write!(f, "hex \"{}\"", super::octets::hex(octets)),
        }
    }
}

/// What must come out. Absent: not compared, but for `sent`, `timers` and `http`, which are complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    pub outcome: At<Wanted>,
    /// A part of the reason.
    pub why: Option<At<String>>,
    pub state: Option<At<BTreeMap<String, Octets>>>,
    pub shared: Option<At<BTreeMap<String, Octets>>>,
    pub sent: Vec<Sent>,
    pub timers: Vec<Timer>,
    pub http: Vec<Http>,
    pub log: Option<At<Vec<Log>>>,
    pub response: Option<Response>,
}

/// How a call is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Done,
    /// After whatever time, or after this one.
    Retry(Option<u32>),
    Reject,
    Broken,
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Done => f.write_str("done"),
            Wanted::Retry(None) => f.write_str("retry"),
            Wanted::Retry(Some(millis)) => write!(f, "retry {millis}"),
            Wanted::Reject => f.write_str("reject"),
            Wanted::Broken => f.write_str("broken"),
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sent {
    pub line: usize,
    pub to: Option<At<String>>,
    pub body: Option<At<Body>>,
    pub from: Option<At<String>>,
    pub tag: Option<At<String>>,
    pub receipt: Option<At<bool>>,
    pub delay_ms: Option<At<u64>>,
    pub validity_ms: Option<At<u64>>,
    pub priority: Option<At<u64>>,
    pub tlvs: Option<At<Tlvs>>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Timer {
    pub line: usize,
    pub name: String,
    pub change: TimerChange,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TimerChange {
    Set { in_ms: Option<At<u64>>, payload: Option<At<Octets>> },
    Cancel,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Http {
    pub line: usize,
    pub method: Option<At<String>>,
    pub url: Option<At<String>>,
    pub tag: Option<At<String>>,
    pub body: Option<At<Octets>>,
    pub authorization: Option<At<String>>,
    /// Those that are named must be there.
    pub headers: Vec<(String, At<String>)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    pub line: usize,
    pub level: Option<At<String>>,
    pub contains: Option<At<String>>,
    /// Those that are named must be there.
    pub fields: Vec<(String, At<String>)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Response {
    pub line: usize,
    pub status: Option<At<u16>>,
    pub body: Option<At<Octets>>,
}
