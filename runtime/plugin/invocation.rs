//! One call of a rule: what it is given, what it may use up, and what it leaves behind.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::tape::Tape;
use crate::config;
use crate::device::Device;
use crate::feed::Level;
use crate::firewall::Reject;
use crate::message::{Address, Content, Message, MessageId, Timestamp};
use crate::occasion::{HttpCall, Occasion, Outgoing, Response, SharedRead, SharedWrite, TimerChange, TimerSet};
use crate::recorded::Before;
use crate::route::RuleIndex;

/// What a call may read of the house, as the last committed calls left it.
pub trait StateView: Send + Sync {
    /// State of the subject.
    fn get(&self, name: &str) -> std::io::Result<Option<bytes::Bytes>>;
    /// Names with `prefix` that come after `after`, in octet order.
    fn names(&self, prefix: &str, after: Option<&str>, limit: usize) -> std::io::Result<Vec<String>>;
    /// State that all subjects of the rule share.
    fn shared(&self, name: &str) -> std::io::Result<Option<bytes::Bytes>>;
    fn shared_names(&self, prefix: &str, after: Option<&str>, limit: usize) -> std::io::Result<Vec<String>>;
    /// A timer of the subject.
    fn timer(&self, name: &str) -> std::io::Result<Option<TimerSet>>;
    /// How many timers the subject has, counted up to `limit`.
    fn timers(&self, limit: usize) -> std::io::Result<usize>;
    /// Octets of state that the rule may have in addition to what it has; None: nobody counts.
    fn room(&self) -> Option<u64> {
        None
    }
    /// What is registered of its device.
    fn device(&self) -> std::io::Result<Option<Device>>;
}

/// Whether what a rule sends may pass.
pub trait Gate: Send + Sync {
    /// Counts a message that passes. `text` is what it says, where that is text.
    fn admit(&self, message: &Message, text: Option<&str>) -> Result<(), Reject>;
    /// Whether the rule may send so many messages more on this day.
    fn has_room(&self, _more: usize) -> bool {
        true
    }
    /// The call's effects are stored: what passed is sent. Without this it is not, and counts for nothing.
    fn keep(&self);
}

/// Hears what a rule logs, beside the server's own log.
pub trait RuleLog: Send + Sync {
    fn line(&self, at: Timestamp, level: Level, text: &str, fields: &[(String, String)]);
}

/// One event for a rule.
pub struct Invocation {
    pub rule: RuleIndex,
    /// The MO's id, or that of the event; the idempotency key of the call.
    pub id: MessageId,
    /// 1 on the first attempt.
    pub attempt: u32,
    pub occasion: Occasion,
    /// The MO; where there is none, its addresses and time are those of the event.
    pub mo: Message,
    pub state: Arc<dyn StateView>,
    pub gate: Arc<dyn Gate>,
    /// None: nobody else hears it.
    pub log: Option<Arc<dyn RuleLog>>,
    /// The same event draws the same random octets on every attempt.
    pub seed: Seed,
    /// Where the rule's calls are kept.
    pub witness: Option<Arc<Witness>>,
}

/// What the random octets of a call follow from.
#[derive(Clone, Copy)]
pub enum Seed {
    /// Of the data directory: every event has a seed that nobody knows who does not know this.
    House([u8; 32]),
    /// That of one event, to run it again elsewhere.
    Event([u8; 32]),
    /// Of a made-up house.
    Known([u8; 32]),
}

impl Seed {
    /// All that the random octets of this event follow from.
    pub fn of_event(self, id: MessageId) -> [u8; 32] {
        match self {
            Seed::House(secret) | Seed::Known(secret) => Sha256::digest([&secret[..], &id.to_key()].concat()).into(),
            Seed::Event(seed) => seed,
        }
    }
}

/// What is taken down of a call while it runs.
pub struct Witness {
    pub before: Before,
    pub tape: Arc<Tape>,
}

/// The same when it is over, with what the rule's version was loaded with.
pub struct Witnessed {
    pub witness: Arc<Witness>,
    pub settings: config::Rule,
}

impl fmt::Debug for Witnessed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Witnessed").field(&self.settings).finish()
    }
}

struct NoState;

impl StateView for NoState {
    fn get(&self, _name: &str) -> std::io::Result<Option<bytes::Bytes>> {
        Ok(None)
    }
    fn names(&self, _prefix: &str, _after: Option<&str>, _limit: usize) -> std::io::Result<Vec<String>> {
        Ok(Vec::new())
    }
    fn shared(&self, _name: &str) -> std::io::Result<Option<bytes::Bytes>> {
        Ok(None)
    }
    fn shared_names(&self, _prefix: &str, _after: Option<&str>, _limit: usize) -> std::io::Result<Vec<String>> {
        Ok(Vec::new())
    }
    fn timer(&self, _name: &str) -> std::io::Result<Option<TimerSet>> {
        Ok(None)
    }
    fn timers(&self, _limit: usize) -> std::io::Result<usize> {
        Ok(0)
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
    /// Of no event: to see whether a rule can be brought up at all, and what it says of its config.
    pub(super) fn trial(now: Timestamp) -> Invocation {
        let nobody = || Address::ShortCode("0".into());
        let content = Content::default();
        let mo = Message { source: nobody(), destination: nobody(), content, received_at: now };
        let id = MessageId::accepted(0);
        let (state, gate) = (Arc::new(NoState), Arc::new(NoGate));
        let (rule, occasion) = (RuleIndex(0), Occasion::Mo);
        Invocation {
            rule,
            id,
            attempt: 1,
            occasion,
            mo,
            state,
            gate,
            log: None,
            seed: Seed::Known([0; 32]),
            witness: None,
        }
    }
}

/// What a call wants done. The caller performs all of it or nothing.
#[derive(Debug, Default, PartialEq)]
pub struct Effects {
    /// (name, value), in the order of names; None deletes.
    pub state: Vec<(String, Option<Vec<u8>>)>,
    /// By so many octets the state grows with that, where somebody counts.
    pub state_growth: i64,
    /// In the order of sending: the first gets index 1.
    pub messages: Vec<Outgoing>,
    /// In the order of names. The timer whose time it was is among them.
    pub timers: Vec<(String, TimerChange)>,
    /// What must still be so for the rest to happen.
    pub reads: Vec<SharedRead>,
    pub shared: Vec<(String, SharedWrite)>,
    pub calls: Vec<HttpCall>,
    /// To a request, and to nothing else.
    pub response: Option<Response>,
    /// From which number the device was answered: what follows from timers, receipts and HTTP calls is, too.
    pub number: Option<Address>,
    pub passed: Passed,
}

/// What the gate counted for these effects: taken back unless they are stored.
#[derive(Default)]
pub struct Passed(pub Option<Arc<dyn Gate>>);

impl Passed {
    pub fn keep(&self) {
        if let Some(gate) = &self.0 {
            gate.keep();
        }
    }
}

impl fmt::Debug for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passed")
    }
}

impl PartialEq for Passed {
    fn eq(&self, _: &Passed) -> bool {
        true
    }
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

impl Outcome {
    pub fn has_failed(&self) -> bool {
        matches!(self, Outcome::Broken(_) | Outcome::Reject(_))
    }

    pub fn effects(&self) -> Option<&Effects> {
        match self {
            Outcome::Done(effects) => Some(effects),
            Outcome::Retry(_) | Outcome::Reject(_) | Outcome::Broken(_) => None,
        }
    }
}

/// What a call used that its effects do not show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UsedByCall {
    pub memory_octets: usize,
    pub log_lines: usize,
}

/// A call that is over, and what ran.
#[derive(Debug)]
pub struct Ran {
    pub outcome: Outcome,
    pub used: UsedByCall,
    /// Digest of the component; empty where the rule is none.
    pub version: Arc<str>,
    /// Where the rule's calls are kept.
    pub witnessed: Option<Box<Witnessed>>,
}

impl From<Outcome> for Ran {
    fn from(outcome: Outcome) -> Ran {
        Ran { outcome, used: UsedByCall::default(), version: "".into(), witnessed: None }
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
    /// Timers that one device may have.
    pub timers: usize,
    /// HTTP calls that one call may submit.
    pub http_calls: usize,
}

/// Lines that one call may log; the next one says that more were dropped.
pub const LOG_LINES: usize = 100;
/// Octets that one call may log, stdout and stderr apart.
pub const LOG_OCTETS: usize = 16 << 10;
/// Octets that one call may print to stdout and stderr, each.
pub const PRINT_OCTETS: usize = 16 << 10;
/// Octets of a key of state, and of a timer's name.
pub const KEY_OCTETS: usize = 128;
/// Octets of one state value.
pub const VALUE_OCTETS: usize = 64 << 10;
/// Octets of a timer's payload.
pub const PAYLOAD_OCTETS: usize = 4 << 10;
/// The furthest that a timer or a delayed message may lie ahead.
pub const AHEAD_MAX_MS: u64 = 366 * 86_400_000;
/// Octets of URL, headers and body of an HTTP call together.
pub const HTTP_OCTETS: usize = 64 << 10;
/// Octets of the body that answers a request.
pub const RESPONSE_OCTETS: usize = 64 << 10;
/// Octets of a tag of a message or an HTTP call.
pub const TAG_OCTETS: usize = 64;
/// Octets of all TLVs that a draft adds.
pub const TLV_OCTETS: usize = 256;
/// Drafts that a call may have at once.
pub const DRAFTS: usize = 64;
/// Random octets that one request may draw.
pub const RANDOM_OCTETS: u32 = 1024;
/// Names in one page of a listing.
pub const PAGE_NAMES: usize = 100;
