//! One call of a rule: what it is given, what it may use up, and what it leaves behind.

use std::sync::Arc;

use crate::device::Device;
use crate::feed::Level;
use crate::firewall::Reject;
use crate::message::{Address, Content, Message, MessageId, Timestamp};
use crate::route::RuleIndex;

/// The state of one subject as the last committed call left it.
pub trait StateView: Send + Sync {
    fn get(&self, name: &str) -> std::io::Result<Option<bytes::Bytes>>;
    /// Names with `prefix` that come after `after`, in octet order.
    fn names(&self, prefix: &str, after: Option<&str>, limit: usize) -> std::io::Result<Vec<String>>;
    /// What is registered of its device.
    fn device(&self) -> std::io::Result<Option<Device>>;
}

/// Whether what a rule sends may pass.
pub trait Gate: Send + Sync {
    /// Counts a message that passes. `text` is what it says, where that is text.
    fn admit(&self, message: &Message, text: Option<&str>) -> Result<(), Reject>;
    /// The call succeeded: what passed is sent. Without this it is not, and counts for nothing.
    fn keep(&self);
}

/// Hears what a rule logs, beside the server's own log.
pub trait RuleLog: Send + Sync {
    fn line(&self, at: Timestamp, level: Level, text: &str, fields: &[(String, String)]);
}

/// One event for a rule.
pub struct Invocation {
    pub rule: RuleIndex,
    /// The MO's id, and the idempotency key of the call.
    pub id: MessageId,
    /// 1 on the first attempt.
    pub attempt: u32,
    pub mo: Message,
    pub state: Arc<dyn StateView>,
    pub gate: Arc<dyn Gate>,
    /// None: nobody else hears it.
    pub log: Option<Arc<dyn RuleLog>>,
    /// Of the data directory; the same event draws the same random octets on every attempt.
    pub secret: [u8; 32],
}

struct NoState;

impl StateView for NoState {
    fn get(&self, _name: &str) -> std::io::Result<Option<bytes::Bytes>> {
        Ok(None)
    }
    fn names(&self, _prefix: &str, _after: Option<&str>, _limit: usize) -> std::io::Result<Vec<String>> {
        Ok(Vec::new())
    }
    fn device(&self) -> std::io::Result<Option<Device>> {
        Ok(None)
    }
}

struct NoGate;

impl Gate for NoGate {
    fn admit(&self, _message: &Message, _text: Option<&str>) -> Result<(), Reject> {
        Ok(())
    }
    fn keep(&self) {}
}

impl Invocation {
    /// Of no event, to see whether a rule can be brought up at all. Nothing is called with it.
    pub(super) fn trial() -> Invocation {
        let nobody = || Address::ShortCode("0".into());
        let content = Content::default();
        let mo = Message { source: nobody(), destination: nobody(), content, received_at: Timestamp(0) };
        let id = MessageId::accepted(0);
        let (state, gate) = (Arc::new(NoState), Arc::new(NoGate));
        Invocation { rule: RuleIndex(0), id, attempt: 1, mo, state, gate, log: None, secret: [0; 32] }
    }
}

/// What a call wants done. The caller performs all of it or nothing.
#[derive(Debug, Default, PartialEq)]
pub struct Effects {
    /// (name, value), in the order of names; None deletes.
    pub state: Vec<(String, Option<Vec<u8>>)>,
    /// In the order of sending: the first gets index 1.
    pub messages: Vec<Message>,
}

/// How a call ended.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    Done(Effects),
    /// The rule asks for another attempt, after this many milliseconds or the host's back-off.
    Retry(Option<u32>),
    /// The rule gives the event up, for this reason.
    Reject(String),
    /// It trapped, overran its deadline or a limit.
    Broken(Broken),
}

/// Why a call broke.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Broken {
    pub why: String,
    /// Where in the rule's code; empty where nothing says so.
    pub backtrace: String,
}

impl From<&str> for Broken {
    fn from(why: &str) -> Broken {
        Broken { why: why.to_owned(), backtrace: String::new() }
    }
}

/// A call that is over, and what ran.
#[derive(Debug)]
pub struct Ran {
    pub outcome: Outcome,
    /// Digest of the component; empty where the rule is none.
    pub version: Arc<str>,
}

impl From<Outcome> for Ran {
    fn from(outcome: Outcome) -> Ran {
        Ran { outcome, version: "".into() }
    }
}

/// Limits of one call, from the rule's config.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub deadline_ms: u32,
    pub memory_octets: usize,
    pub messages: u16,
    /// Octets of all names and values that one call writes.
    pub state_octets: usize,
}

/// Lines that one call may log; the next one says that more were dropped.
pub const LOG_LINES: usize = 100;
/// Octets that one call may log, stdout and stderr apart.
pub const LOG_OCTETS: usize = 16 << 10;
/// Octets that one call may print to stdout and stderr, each.
pub const PRINT_OCTETS: usize = 16 << 10;
/// Octets of a state key.
pub const KEY_OCTETS: usize = 128;
/// Octets of one state value.
pub const VALUE_OCTETS: usize = 64 << 10;
/// Random octets that one request may draw.
pub const RANDOM_OCTETS: u32 = 1024;
/// Names in one page of a listing.
pub const PAGE_NAMES: usize = 100;
