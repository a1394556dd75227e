//! A call of a rule as it is kept for those who want to run it again: all that it was given and read, what it ran on, and
//! what came of it.
//!
//! Pure values, which `relay` puts together, `store` keeps and `cases` makes case files of. No value of a secret is among
//! them: [`Hidden`] puts the secret's name where one was.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::device::Device;
use crate::feed::Level;
use crate::message::{Address, Message, MessageId, Timestamp};
use crate::occasion::{HttpCall, Occasion, Outgoing, Response, SharedWrite, TimerChange};

/// Octets of a device's state, names and values, up to which all of it is kept with a call; where there is more, only what
/// the call read. Also of what it read.
pub const STATE_OCTETS_MAX: usize = 64 << 10;
/// A shorter secret is not looked for in what a rule wrote: it would be found where it is not meant.
const SECRET_OCTETS_MIN: usize = 6;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    pub customer: Box<str>,
    /// Without the customer.
    pub rule: Box<str>,
    /// When it ended.
    pub at: Timestamp,
    /// Digest of the component that ran.
    pub version: Box<str>,
    pub before: Before,
    pub read: Read,
    pub with: With,
    pub ended: Ended,
    /// As much as one call may log; what it printed is cut at the same.
    pub log: Vec<Logged>,
}

/// A line that the call logged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logged {
    pub level: Level,
    pub text: Box<str>,
    pub fields: Vec<(Box<str>, Box<str>)>,
}

/// Names and values.
pub type State = Vec<(Box<str>, Bytes)>;

/// What stood before the call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Before {
    pub id: MessageId,
    /// 1 on the first attempt.
    pub attempt: u32,
    pub occasion: Occasion,
    /// The MO; where there is none, its addresses and time are those of the event.
    pub message: Message,
    /// Its random octets follow from that.
    pub seed: [u8; 32],
    /// All state of the device. None: that was more than [`STATE_OCTETS_MAX`].
    pub state: Option<State>,
    /// All timers of the device, with when they are due.
    pub timers: Vec<(Box<str>, Timestamp)>,
    pub device: Device,
    /// Octets of state that the rule might have in addition, where somebody counts.
    pub room: Option<u64>,
}

/// What the call asked the house, and was told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Read {
    /// Of the device's state, where not all of it is kept.
    pub state: Asked,
    /// Names of the device's state whose values it asked for, each once; [`STATE_OCTETS_MAX`] of them, for who looks at it.
    pub names: Vec<Box<str>>,
    pub shared: Asked,
    /// From, to, and why the firewall did not let it pass.
    pub verdicts: Vec<(Address, Address, Option<Box<str>>)>,
    /// It might send fewer messages than that on this day.
    pub too_many: Option<u32>,
    /// It read more than is kept.
    pub is_cut: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    pub values: Vec<(Box<str>, Option<Bytes>)>,
    pub listings: Vec<Listing>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    pub prefix: Box<str>,
    pub after: Option<Box<str>>,
    pub limit: u32,
    pub found: Vec<Box<str>>,
}

/// What the version was loaded with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct With {
    pub config: BTreeMap<String, String>,
    /// Names of its secrets.
    pub secrets: Vec<String>,
    pub http_hosts: Vec<String>,
    pub deadline_ms: u32,
    pub memory_mib: u32,
    pub messages_max: u16,
    pub state_kib: u32,
    pub timers_max: u32,
    pub http_calls_max: u16,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ended {
    Done(Box<Did>),
    /// The rule asked for another attempt.
    Retry(Option<u32>),
    Reject(Box<str>),
    Broken {
        why: Box<str>,
        backtrace: Box<str>,
    },
}

/// The effects of a call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Did {
    pub state: Vec<(String, Option<Bytes>)>,
    pub messages: Vec<Outgoing>,
    pub timers: Vec<(String, TimerChange)>,
    pub shared: Vec<(String, SharedWrite)>,
    pub calls: Vec<HttpCall>,
    pub response: Option<Response>,
}

impl Ended {
    /// As case files name it.
    pub fn name(&self) -> &'static str {
        match self {
            Ended::Done(_) => "done",
            Ended::Retry(_) => "retry",
            Ended::Reject(_) => "reject",
            Ended::Broken { .. } => "broken",
        }
    }

    /// Where in the rule's code it ended, if it broke there.
    pub fn backtrace(&self) -> Option<&str> {
        match self {
            Ended::Broken { backtrace, .. } if !backtrace.is_empty() => Some(backtrace),
            _ => None,
        }
    }

    pub fn why(&self) -> Option<&str> {
        match self {
            Ended::Reject(why) | Ended::Broken { why, .. } => Some(why),
            Ended::Done(_) | Ended::Retry(_) => None,
        }
    }
}

/// What stands where a secret's value was. Whoever runs the call again gives the rule this as the value.
pub fn placeholder(name: &str) -> String {
    format!("secret-{name}")
}

/// Puts names of secrets where their values are.
pub struct Hidden(Vec<(Vec<u8>, Vec<u8>)>);

impl Hidden {
    pub fn of(secrets: &BTreeMap<String, String>) -> Hidden {
        let long = secrets.iter().filter(|(_, value)| value.len() >= SECRET_OCTETS_MIN);
        let mut list: Vec<_> =
            long.map(|(name, value)| (value.clone().into_bytes(), placeholder(name).into_bytes())).collect();
        // One may be a part of another.
        list.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        Hidden(list)
    }

    pub fn octets(&self, octets: &Bytes) -> Bytes {
        let mut hidden = octets.clone();
        for (value, name) in &self.0 {
            if hidden.windows(value.len()).any(|window| window == value) {
                hidden = replaced(&hidden, value, name).into();
            }
        }
        hidden
    }

    pub fn text(&self, text: &str) -> Box<str> {
        let hidden = self.octets(&Bytes::copy_from_slice(text.as_bytes()));
        String::from_utf8_lossy(&hidden).into()
    }

    pub fn call(&self, call: &HttpCall) -> HttpCall {
        HttpCall {
            url: self.text(&call.url),
            headers: call.headers.iter().map(|(name, value)| (name.clone(), self.text(value))).collect(),
            body: call.body.as_ref().map(|body| self.octets(body)),
            ..call.clone()
        }
    }
}

fn replaced(octets: &[u8], value: &[u8], name: &[u8]) -> Vec<u8> {
    let (mut all, mut rest) = (Vec::with_capacity(octets.len()), octets);
    while let Some(first) = rest.first() {
        match rest.strip_prefix(value) {
            Some(behind) => {
                all.extend_from_slice(name);
                rest = behind;
            }
            None => {
                all.push(*first);
                rest = &rest[1..];
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secrets_become_their_names_wherever_they_stand() {
        let secrets = [("token", "Bearer s3cret"), ("raw", "s3cret"), ("pin", "1234")];
        let secrets = secrets.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let hidden = Hidden::of(&secrets);
        assert_eq!(&*hidden.text("a=s3cret&b=Bearer s3cret;s3cret"), "a=secret-raw&b=secret-token;secret-raw");
        assert_eq!(&*hidden.text("12345 1234"), "12345 1234", "what is short is everywhere");
        assert_eq!(&*hidden.text("s3cre"), "s3cre");
    }
}
