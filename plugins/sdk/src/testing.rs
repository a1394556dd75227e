//! A bench for rules: runs them natively, with state, timers, a clock and an outbox in memory.
//!
//! It is as strict as a server with default limits, so that what passes here is not refused there: the constants
//! below, ten SMS per message, effects all or none, and no handler that [`export_rule!`](crate::export_rule) does not
//! list. What would be the rule's own fault and end its call as broken, such as 1,025 random octets at once, panics.

mod call;
#[cfg(feature = "cases")]
pub mod cases;
mod events;
mod outgoing;
mod sms;
mod staged;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::event::Timer;
use crate::http::HttpRequest;
use crate::message::{Body, Level, Timestamp};

pub use sms::{fits_one_sms, fits_ten_sms};

/// Messages of one call, as a server allows by default.
pub const MESSAGES_MAX: usize = 20;
/// Octets of a state value.
pub const VALUE_OCTETS_MAX: usize = 64 << 10;
/// Octets of a state key, and of a timer's name.
pub const KEY_OCTETS_MAX: usize = 128;
/// Octets of all keys and values that one call writes, state and shared state each.
pub const STATE_OCTETS_MAX: usize = 64 << 10;
/// Timers that a device may have at once under one rule.
pub const TIMERS_MAX: usize = 32;
/// Octets of a timer's payload.
pub const TIMER_PAYLOAD_OCTETS_MAX: usize = 4 << 10;
/// How far ahead a timer is set, and a message delayed.
pub const AHEAD_MAX: Duration = Duration::from_secs(366 * 86_400);
/// HTTP calls that one call may submit.
pub const HTTP_MAX: usize = 4;
/// Octets of an HTTP call: URL, headers and body together.
pub const HTTP_OCTETS_MAX: usize = 64 << 10;
/// Octets of the tag of a message or an HTTP call.
pub const TAG_OCTETS_MAX: usize = 64;
/// Octets of all optional parameters that a draft adds.
pub const TLV_OCTETS_MAX: usize = 256;
/// Octets of the body that answers a request.
pub const RESPONSE_OCTETS_MAX: usize = 64 << 10;
/// Lines that one call may log; one more says that the rest is dropped.
pub const LOG_LINES_MAX: usize = 100;
/// Octets that one call may log.
pub const LOG_OCTETS_MAX: usize = 16 << 10;

/// A message that a rule sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// As sending it returned.
    pub id: String,
    /// Whose event sent it.
    pub device: String,
    pub from: String,
    pub to: String,
    pub body: Body,
    pub tag: Option<String>,
    pub wants_receipt: bool,
    pub delay_ms: u64,
    pub validity_ms: Option<u64>,
    /// 3 unless the rule says otherwise.
    pub priority: u8,
    pub tlvs: Vec<(u16, Vec<u8>)>,
}

impl Sent {
    /// The text; None for 8-bit data.
    pub fn text(&self) -> Option<&str> {
        self.body.text()
    }
}

/// An HTTP call that a rule submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Whose event submitted it, and gets the reply.
    pub device: String,
    pub request: HttpRequest,
}

/// What a call did to a timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimerChange {
    Set(Timer),
    /// One that was set.
    Cancelled(String),
}

impl TimerChange {
    pub fn name(&self) -> &str {
        match self {
            TimerChange::Set(timer) => &timer.name,
            TimerChange::Cancelled(name) => name,
        }
    }
}

/// Keys and values: kept between calls that succeed, untouched by those that fail.
type State = BTreeMap<String, Vec<u8>>;

#[derive(Clone, Debug, Default)]
struct Device {
    state: State,
    timers: BTreeMap<String, Timer>,
    /// The number of its last MO.
    number: Option<String>,
}

/// Plays wasmsc for one rule.
#[derive(Clone, Debug, Default)]
pub struct Bench {
    /// The time of the next event.
    pub now: Timestamp,
    /// Which attempt the next call is; 0 and 1 are the first. A later attempt has id and random octets of the call
    /// before.
    pub attempt: u32,
    /// The first number of the rule.
    pub number: String,
    /// What else the customer may send as: alphanumeric senders, further numbers.
    pub senders: BTreeSet<String>,
    pub config: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, String>,
    /// Hosts that the rule may call over HTTP: `api.example.net`, `api.example.net:8443` or `*.example.net`.
    pub http_hosts: BTreeSet<String>,
    /// Addresses that the customer's policy does not allow messages to.
    pub refused: BTreeSet<String>,
    /// What is registered of every device.
    pub attributes: BTreeMap<String, String>,
    pub tags: BTreeSet<String>,
    /// `data_coding` of the MOs.
    pub data_coding: Option<u8>,
    /// Optional parameters of the MOs.
    pub tlvs: BTreeMap<u16, Vec<u8>>,
    /// All that was sent by calls that succeeded, in order.
    pub sent: Vec<Sent>,
    /// All HTTP calls of calls that succeeded, in order.
    pub submitted: Vec<Submitted>,
    /// All changes of timers by calls that succeeded, in order.
    pub timer_changes: Vec<TimerChange>,
    /// All that was logged, by failed calls too; fields follow the message as `name=value`.
    pub logged: Vec<(Level, String)>,
    devices: BTreeMap<String, Device>,
    shared: State,
    /// Messages for which a receipt is wanted, over the bench's whole life.
    awaiting_receipt: Vec<Sent>,
    /// HTTP calls that have no reply yet.
    awaiting_reply: Vec<Submitted>,
    calls: u64,
}

impl Bench {
    /// At the start of 2026, with nothing set and nothing kept.
    pub fn new() -> Bench {
        Bench { now: Timestamp(1_767_225_600_000), number: "7001".to_owned(), data_coding: Some(0), ..Bench::default() }
    }

    #[must_use]
    pub fn with_config(mut self, key: &str, value: &str) -> Bench {
        self.config.insert(key.to_owned(), value.to_owned());
        self
    }

    #[must_use]
    pub fn with_secret(mut self, name: &str, secret: &str) -> Bench {
        self.secrets.insert(name.to_owned(), secret.to_owned());
        self
    }

    #[must_use]
    pub fn with_http_host(mut self, host: &str) -> Bench {
        self.http_hosts.insert(host.to_owned());
        self
    }

    /// Lets time pass. No timer fires by itself: see [`pass`](Self::pass).
    pub fn advance(&mut self, time: Duration) {
        self.now = self.now + time;
    }

    pub fn advance_ms(&mut self, millis: u64) {
        self.advance(Duration::from_millis(millis));
    }

    /// Texts sent so far.
    pub fn sent_texts(&self) -> Vec<&str> {
        self.sent.iter().filter_map(Sent::text).collect()
    }

    /// Takes what was sent since the last time.
    pub fn take_sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// Takes what was submitted since the last time.
    pub fn take_submitted(&mut self) -> Vec<Submitted> {
        std::mem::take(&mut self.submitted)
    }

    /// What the rule keeps about a device.
    pub fn state(&self, device: &str, key: &str) -> Option<&[u8]> {
        self.devices.get(device)?.state.get(key).map(Vec::as_slice)
    }

    /// All that the rule keeps about a device, in the order of keys.
    pub fn states(&self, device: &str) -> impl Iterator<Item = (&str, &[u8])> {
        let state = self.devices.get(device).map(|device| device.state.iter());
        state.into_iter().flatten().map(|(key, value)| (key.as_str(), value.as_slice()))
    }

    /// Puts state in place, such as what an older version of the rule wrote.
    pub fn set_state(&mut self, device: &str, key: &str, value: impl Into<Vec<u8>>) {
        self.devices.entry(device.to_owned()).or_default().state.insert(key.to_owned(), value.into());
    }

    /// State that all devices share, in the order of keys.
    pub fn shared(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.shared.iter().map(|(key, value)| (key.as_str(), value.as_slice()))
    }

    /// Puts shared state in place.
    pub fn set_shared(&mut self, key: &str, value: impl Into<Vec<u8>>) {
        self.shared.insert(key.to_owned(), value.into());
    }

    /// The timers of a device that are set, in the order of names.
    pub fn timers(&self, device: &str) -> impl Iterator<Item = &Timer> {
        self.devices.get(device).map(|device| device.timers.values()).into_iter().flatten()
    }

    /// One of them.
    pub fn timer(&self, device: &str, name: &str) -> Option<&Timer> {
        self.devices.get(device)?.timers.get(name)
    }
}

#[cfg(test)]
mod tests;
