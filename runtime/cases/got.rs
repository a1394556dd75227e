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
    /// CPU time of the thread meanwhile.
    pub cpu: Duration,
    /// The most that it had of linear memory.
    pub memory_octets: u64,
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
            Some(why) => write!(f, ": {}", headline(why)),
            None => Ok(()),
        }
    }
}

/// The line of a reason that says most: the cause where a backtrace comes first.
pub fn headline(why: &str) -> &str {
    let mut lines = why.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let cause = lines.skip_while(|line| *line != "Caused by:").nth(1);
    let Some(said) = first.strip_suffix("error while executing at wasm backtrace:") else { return first };
    if said.is_empty() { cause.unwrap_or(first) } else { said.trim_end_matches([' ', ':']) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headline_of_a_trap_is_its_cause() {
        let trap =
            "error while executing at wasm backtrace:\n    0: 0x1 - f\n\nCaused by:\n    wasm trap: unreachable\n";
        assert_eq!(headline(trap), "wasm trap: unreachable");
        let slow = "ran longer than its deadline of 50 ms: error while executing at wasm backtrace:\n  0: f";
        assert_eq!(headline(slow), "ran longer than its deadline of 50 ms");
        assert_eq!((headline("no"), headline("")), ("no", ""));
    }
}
