//! What an event of a case led to: what is compared, shown, and written back by `--update`.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::case::{Body, Wanted};
use crate::message::MessageId;

/// After one event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Got {
    pub outcome: Outcome,
    pub sent: Vec<Message>,
    /// In the order of names.
    pub timers: Vec<TimerEffect>,
    pub http: Vec<HttpCall>,
    pub log: Vec<LogLine>,
    pub response: Option<Answer>,
    /// All of the device's state, and what is shared, after the event.
    pub state: BTreeMap<String, Vec<u8>>,
    pub shared: BTreeMap<String, Vec<u8>>,
    pub took: Duration,
}

/// How the call ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Outcome {
    #[default]
    Done,
    Retry(Option<u32>),
    Reject(String),
    Broken(String),
}

impl Outcome {
    pub fn wanted(&self) -> Wanted {
        match self {
            Outcome::Done => Wanted::Done,
            Outcome::Retry(after) => Wanted::Retry(*after),
            Outcome::Reject(_) => Wanted::Reject,
            Outcome::Broken(_) => Wanted::Broken,
        }
    }

    pub fn why(&self) -> Option<&str> {
        match self {
            Outcome::Reject(why) | Outcome::Broken(why) => Some(why),
            Outcome::Done | Outcome::Retry(_) => None,
        }
    }
}

/// On one line: the reason's first, without the backtrace.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.wanted())?;
        match self.why() {
            Some(why) => write!(f, ": {}", first_line(why)),
            None => Ok(()),
        }
    }
}

pub fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// As the rule got it from the outbox.
    pub id: String,
    pub from: String,
    pub to: String,
    pub body: Body,
    pub tag: Option<String>,
    /// A receipt was asked for.
    pub receipt: bool,
    pub delay_ms: u64,
    pub validity_ms: Option<u64>,
    pub priority: u64,
    pub tlvs: Vec<(u16, Vec<u8>)>,
}

/// What a message of a rule has unless its draft says otherwise.
pub const PRIORITY: u64 = 3;

#[derive(Clone, Debug, PartialEq)]
pub struct TimerEffect {
    pub name: String,
    /// None: one that was set is cancelled.
    pub set: Option<TimerSet>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TimerSet {
    /// Which setting of it.
    pub id: MessageId,
    pub in_ms: u64,
    pub payload: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct HttpCall {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Vec<u8>>,
    /// Name of a secret.
    pub authorization: Option<String>,
    pub tag: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LogLine {
    pub level: String,
    pub text: String,
    pub fields: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "to {}: {}", self.to, self.body)
    }
}

impl fmt::Display for TimerEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.set {
            Some(set) => write!(f, "set {:?} in {}", self.name, super::lapse::text(set.in_ms)),
            None => write!(f, "cancel {:?}", self.name),
        }
    }
}

impl fmt::Display for HttpCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} (tag {:?})", self.method, self.url, self.tag)
    }
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.level, self.text)?;
        self.fields.iter().try_for_each(|(name, value)| write!(f, " {name}={value:?}"))
    }
}
