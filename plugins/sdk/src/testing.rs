//! A bench for rules: runs them natively, with state, a clock and an outbox in memory.
//!
//! It is as strict as a server with default limits, so that what passes here is not refused there: ten SMS
//! per message, [`MESSAGES_MAX`] messages a call, keys and values of bounded size, effects all or none.

mod call;

use std::collections::{BTreeMap, BTreeSet};

use crate::message::{Body, Failure, Level, Mo, Timestamp};
use crate::{Context, Rule};

use call::Call;

/// Messages of one call, as a server allows by default.
pub const MESSAGES_MAX: usize = 20;
/// Octets of a state value.
pub const VALUE_OCTETS_MAX: usize = 64 << 10;
/// Octets of a state key.
pub const KEY_OCTETS_MAX: usize = 128;

/// A message that a rule sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub to: String,
    pub body: Body,
}

impl Sent {
    /// The text; None for 8-bit data.
    pub fn text(&self) -> Option<&str> {
        match &self.body {
            Body::Text(text) => Some(text),
            Body::Binary(_) => None,
        }
    }
}

/// State of one device: kept between calls that succeed, untouched by those that fail.
type State = BTreeMap<String, Vec<u8>>;

/// Plays wasmsc for one rule.
#[derive(Clone, Debug, Default)]
pub struct Bench {
    /// The time that the next MO comes in.
    pub now: Timestamp,
    /// Which attempt the next call is; 0 and 1 are the first.
    pub attempt: u32,
    pub config: BTreeMap<String, String>,
    /// Addresses that the customer's policy does not allow messages to.
    pub forbidden: BTreeSet<String>,
    /// What is registered of every device.
    pub attributes: BTreeMap<String, String>,
    pub tags: BTreeSet<String>,
    /// `data_coding` of the MOs.
    pub data_coding: Option<u8>,
    /// Optional parameters of the MOs.
    pub tlvs: BTreeMap<u16, Vec<u8>>,
    /// All that was sent by calls that succeeded, in order.
    pub sent: Vec<Sent>,
    /// All that was logged, by failed calls too; fields follow the message as `name=value`.
    pub logged: Vec<(Level, String)>,
    devices: BTreeMap<String, State>,
    calls: u64,
}

impl Bench {
    /// At the start of 2026, with nothing set and nothing kept.
    pub fn new() -> Bench {
        Bench { now: Timestamp(1_767_225_600_000), data_coding: Some(0), ..Bench::default() }
    }

    #[must_use]
    pub fn with_config(mut self, key: &str, value: &str) -> Bench {
        self.config.insert(key.to_owned(), value.to_owned());
        self
    }

    pub fn advance_ms(&mut self, millis: u64) {
        self.now.0 += millis;
    }

    /// Runs the rule for one MO; a failure leaves no effect, as in production.
    pub fn receive<R: Rule>(&mut self, from: &str, to: &str, body: impl Into<Body>) -> Result<(), Failure> {
        self.calls += 1;
        let mo = Mo {
            id: format!("{:016x}", self.calls),
            source: from.to_owned(),
            destination: to.to_owned(),
            body: body.into(),
            received_at: self.now,
        };
        let mut call = Call::new(self, &mo);
        let result = R::handle_mo(&mo, &mut Context::new(&mut call));
        let Call { state, sent, logged, .. } = call;
        self.logged.extend(logged);
        if result.is_ok() {
            self.devices.insert(mo.source, state);
            self.sent.extend(sent);
        }
        result
    }

    /// Texts sent so far.
    pub fn sent_texts(&self) -> Vec<&str> {
        self.sent.iter().filter_map(Sent::text).collect()
    }

    /// Takes what was sent since the last time.
    pub fn take_sent(&mut self) -> Vec<Sent> {
        std::mem::take(&mut self.sent)
    }

    /// What the rule keeps about a device.
    pub fn state(&self, device: &str, key: &str) -> Option<&[u8]> {
        self.devices.get(device)?.get(key).map(Vec::as_slice)
    }

    /// Puts state in place, such as what an older version of the rule wrote.
    pub fn set_state(&mut self, device: &str, key: &str, value: impl Into<Vec<u8>>) {
        self.devices.entry(device.to_owned()).or_default().insert(key.to_owned(), value.into());
    }
}

/// Whether a text is one SMS: 160 septets in the GSM alphabet, else 70 UTF-16 code units.
pub fn fits_one_sms(text: &str) -> bool {
    match text.chars().map(septets).sum::<Option<usize>>() {
        Some(septets) => septets <= 160,
        None => text.encode_utf16().count() <= 70,
    }
}

/// Whether a text is sent at all: ten SMS at most, each with room for 152 septets or 66 UTF-16 code units
/// beside what says which part it is.
pub fn fits_ten_sms(text: &str) -> bool {
    match text.chars().map(septets).sum::<Option<usize>>() {
        Some(septets) => septets <= 10 * 152,
        None => text.encode_utf16().count() <= 10 * 66,
    }
}

/// Septets of a character in the GSM 03.38 default alphabet, the extension table included.
fn septets(char: char) -> Option<usize> {
    const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡\
                         ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
    const EXTENSION: &str = "^{}\\[~]|€\u{c}";
    match char {
        _ if BASIC.contains(char) => Some(1),
        _ if EXTENSION.contains(char) => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
