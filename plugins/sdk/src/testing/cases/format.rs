//! What a case's file says.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::de::Error;

use crate::event::Timer;
use crate::http::HttpRequest;
use crate::message::{Body, Timestamp};
use crate::testing::{Bench, Sent, Submitted};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: Option<String>,
    #[serde(default)]
    pub given: Given,
    #[serde(default)]
    pub event: Vec<Event>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    pub now: String,
    pub device: String,
    pub number: String,
    pub tags: Vec<String>,
    pub attributes: BTreeMap<String, String>,
    pub config: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, String>,
    pub senders: Vec<String>,
    pub http_hosts: Vec<String>,
    pub refused: Vec<String>,
    pub state: BTreeMap<String, Value>,
    pub shared: BTreeMap<String, Value>,
    pub timers: Vec<GivenTimer>,
    /// Tags of HTTP calls whose replies are awaited.
    pub http_calls: Vec<String>,
    /// Limits of the rule, which only a host has.
    pub limits: Option<toml::Table>,
}

impl Default for Given {
    fn default() -> Given {
        Given {
            now: "2026-01-01T00:00:00Z".to_owned(),
            device: "+46700000003".to_owned(),
            number: "7001".to_owned(),
            tags: Vec::new(),
            attributes: BTreeMap::new(),
            config: BTreeMap::new(),
            secrets: BTreeMap::new(),
            senders: Vec::new(),
            http_hosts: Vec::new(),
            refused: Vec::new(),
            state: BTreeMap::new(),
            shared: BTreeMap::new(),
            timers: Vec::new(),
            http_calls: Vec::new(),
            limits: None,
        }
    }
}

impl Given {
    pub fn bench(&self) -> Result<Bench, String> {
        if self.limits.is_some() {
            return Err("limits hold in a host only: leave this file out with cases::check_but".to_owned());
        }
        let mut bench = Bench {
            now: timestamp(&self.now)?,
            number: self.number.clone(),
            tags: self.tags.iter().cloned().collect(),
            attributes: self.attributes.clone(),
            config: self.config.clone(),
            secrets: self.secrets.clone(),
            senders: self.senders.iter().cloned().collect(),
            http_hosts: self.http_hosts.iter().cloned().collect(),
            refused: self.refused.iter().cloned().collect(),
            ..Bench::new()
        };
        for (key, value) in &self.state {
            bench.set_state(&self.device, key, value.octets());
        }
        for (key, value) in &self.shared {
            bench.set_shared(key, value.octets());
        }
        for timer in &self.timers {
            let due_at = timestamp(&timer.at)?;
            let payload = timer.payload.as_ref().map(Value::octets).unwrap_or_default();
            let timers = &mut bench.devices.entry(self.device.clone()).or_default().timers;
            timers.insert(timer.set.clone(), Timer { name: timer.set.clone(), due_at, payload });
        }
        let awaited = |tag: &String| Submitted {
            device: self.device.clone(),
            request: HttpRequest::new("GET", "").tag(tag.as_str()),
        };
        bench.awaiting_reply = self.http_calls.iter().map(awaited).collect();
        Ok(bench)
    }
}

/// A timer that is set before the first event.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GivenTimer {
    set: String,
    at: String,
    payload: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Of a recorded event; its `seed` means something to a host only.
    id: Option<String>,
    attempt: Option<u32>,
    #[serde(rename = "seed")]
    _seed: Option<String>,
    pub mo: Option<Mo>,
    pub timer: Option<String>,
    pub receipt: Option<Receipt>,
    pub http_reply: Option<HttpReply>,
    pub request: Option<Request>,
    pub check: Option<bool>,
    /// The event before, as its next attempt.
    pub again: Option<bool>,
    #[serde(default)]
    pub after: Span,
    pub outcome: Option<String>,
    pub why: Option<String>,
    pub state: Option<BTreeMap<String, Value>>,
    pub shared: Option<BTreeMap<String, Value>>,
    pub response: Option<Response>,
    #[serde(default)]
    pub sent: Vec<ExpectedSent>,
    #[serde(default)]
    pub timers: Vec<TimerChange>,
    #[serde(default)]
    pub http: Vec<Http>,
    pub log: Option<Vec<Line>>,
}

impl Event {
    /// The next call has the id and the attempt that are written, or is the next one.
    pub fn identify(&self, bench: &mut Bench) -> Result<(), String> {
        bench.attempt = self.attempt.unwrap_or(1);
        if let Some(id) = &self.id {
            let id = u64::from_str_radix(id, 16).map_err(|_| format!("id = {id:?} is no message id"))?;
            // A first attempt counts up.
            bench.calls = id.saturating_sub(u64::from(bench.attempt <= 1));
        }
        Ok(())
    }
}

/// Which of its kinds an event is.
pub enum Kind<'e> {
    Mo(&'e Mo),
    Timer(&'e str),
    Receipt(&'e Receipt),
    HttpReply(&'e HttpReply),
    Request(&'e Request),
    Check,
    Again,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum Mo {
    Text(String),
    Full(FullMo),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FullMo {
    pub to: Option<String>,
    pub text: Option<String>,
    pub hex: Option<Hex>,
    #[serde(default)]
    pub tlvs: BTreeMap<String, Hex>,
    /// How a network wrote it, which only a host reads.
    pub data_coding: Option<u8>,
    #[serde(rename = "esm_class")]
    _esm_class: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    of: Option<usize>,
    pub state: String,
    pub error: Option<String>,
    /// Of a message that was sent before the first event.
    message_id: Option<String>,
    tag: Option<String>,
    recipient: Option<String>,
    #[serde(rename = "done_at")]
    _done_at: Option<String>,
}

impl Receipt {
    /// Of which message, of all that asked for a receipt.
    pub fn of(&self, bench: &mut Bench, device: &str) -> usize {
        let Some(id) = &self.message_id else { return self.of.unwrap_or(1) };
        bench.awaiting_receipt.push(Sent {
            id: id.clone(),
            device: device.to_owned(),
            from: bench.number.clone(),
            to: self.recipient.clone().unwrap_or_else(|| device.to_owned()),
            body: Body::from(""),
            tag: self.tag.clone(),
            wants_receipt: true,
            delay_ms: 0,
            validity_ms: None,
            priority: 3,
            tlvs: Vec::new(),
        });
        bench.awaiting_receipt.len()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpReply {
    pub tag: String,
    pub status: Option<u16>,
    json: Option<serde_json::Value>,
    body: Option<String>,
    hex: Option<Hex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub name: String,
    json: Option<serde_json::Value>,
    body: Option<String>,
    hex: Option<Hex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    pub status: Option<u16>,
    json: Option<serde_json::Value>,
    body: Option<String>,
    hex: Option<Hex>,
}

/// What is in a request, a response or an HTTP call: one of these.
pub struct Content<'e> {
    json: Option<&'e serde_json::Value>,
    body: Option<&'e String>,
    hex: Option<&'e Hex>,
}

/// Written with the other keys: serde cannot flatten a struct and still refuse keys that it does not know.
macro_rules! content {
    ($($event:ty),+) => {
        $(
            impl $event {
                pub fn content(&self) -> Content<'_> {
                    Content { json: self.json.as_ref(), body: self.body.as_ref(), hex: self.hex.as_ref() }
                }
            }
        )+
    };
}

content!(HttpReply, Request, Response, Http);

impl Content<'_> {
    pub fn octets(&self) -> Vec<u8> {
        match (self.json, self.body, self.hex) {
            (Some(json), _, _) => json.to_string().into_bytes(),
            (_, Some(text), _) => text.clone().into_bytes(),
            (_, _, Some(hex)) => hex.0.clone(),
            _ => Vec::new(),
        }
    }

    /// Whether these octets are what is written, if anything is.
    pub fn is(&self, octets: &[u8]) -> bool {
        match self.json {
            Some(json) => serde_json::from_slice::<serde_json::Value>(octets).is_ok_and(|have| have == *json),
            None => (self.body.is_none() && self.hex.is_none()) || self.octets() == octets,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedSent {
    pub to: Option<String>,
    pub from: Option<String>,
    pub text: Option<String>,
    pub hex: Option<Hex>,
    pub tag: Option<String>,
    pub receipt: Option<bool>,
    pub delay: Option<Span>,
    pub validity: Option<Span>,
    pub priority: Option<u8>,
    pub tlvs: Option<BTreeMap<String, Hex>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimerChange {
    pub set: Option<String>,
    pub cancel: Option<String>,
    pub r#in: Option<Span>,
    pub payload: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub method: Option<String>,
    pub url: Option<String>,
    pub tag: Option<String>,
    /// Name of a secret.
    pub authorization: Option<String>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    json: Option<serde_json::Value>,
    body: Option<String>,
    hex: Option<Hex>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub level: Option<String>,
    pub contains: Option<String>,
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

/// Tags and values, both in hex.
pub fn tlvs(written: &BTreeMap<String, Hex>) -> Result<Vec<(u16, Vec<u8>)>, String> {
    let tlv = |(tag, value): (&String, &Hex)| match u16::from_str_radix(tag, 16) {
        Ok(tag) => Ok((tag, value.0.clone())),
        Err(_) => Err(format!("{tag:?} is no tag, such as \"1400\"")),
    };
    written.iter().map(tlv).collect()
}

/// Octets, written in the way that is easiest to read.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Text(String),
    Json { json: serde_json::Value },
    Hex { hex: Hex },
    Int { int: i64 },
}

impl Value {
    pub fn octets(&self) -> Vec<u8> {
        match self {
            Value::Text(text) => text.clone().into_bytes(),
            Value::Json { json } => json.to_string().into_bytes(),
            Value::Hex { hex } => hex.0.clone(),
            Value::Int { int } => int.to_le_bytes().to_vec(),
        }
    }

    /// JSON by what it means, the rest by octets.
    pub fn is(&self, octets: &[u8]) -> bool {
        match self {
            Value::Json { json } => serde_json::from_slice::<serde_json::Value>(octets).is_ok_and(|have| have == *json),
            other => other.octets() == octets,
        }
    }
}

/// Octets in hex; spaces do not matter.
#[derive(Debug)]
pub struct Hex(pub Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits: Vec<char> = text.chars().filter(|char| !char.is_whitespace()).collect();
        let octet = |pair: &[char]| match pair {
            [high, low] => Some((high.to_digit(16)? * 16 + low.to_digit(16)?) as u8),
            _ => None,
        };
        let octets: Option<Vec<u8>> = digits.chunks(2).map(octet).collect();
        octets.map(Hex).ok_or_else(|| D::Error::custom(format!("{text:?} is no hex")))
    }
}

/// A time span such as `90s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let unit = text.trim_start_matches(|char: char| char.is_ascii_digit());
        let millis = match unit {
            "ms" => Some(1),
            "s" => Some(1_000),
            "m" => Some(60_000),
            "h" => Some(3_600_000),
            "d" => Some(86_400_000),
            _ => None,
        };
        let count = text[..text.len() - unit.len()].parse::<u64>().ok();
        let millis = count.zip(millis).and_then(|(count, millis)| count.checked_mul(millis));
        let wrong = || D::Error::custom(format!("{text:?} is no time span such as 90s; units are ms, s, m, h and d"));
        millis.map(|millis| Span(Duration::from_millis(millis))).ok_or_else(wrong)
    }
}

/// RFC 3339, in UTC.
fn timestamp(text: &str) -> Result<Timestamp, String> {
    let wrong = || format!("now = {text:?} is no time such as 2026-03-01T08:00:00Z");
    let parsed: toml::value::Datetime = text.parse().map_err(|_| wrong())?;
    let (Some(date), Some(time), Some(toml::value::Offset::Z)) = (parsed.date, parsed.time, parsed.offset) else {
        return Err(wrong());
    };
    // Days since 1970-01-01 in the Gregorian calendar, years beginning with March so that a leap day comes last.
    let (year, month, day) = (i64::from(date.year), i64::from(date.month), i64::from(date.day));
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    let second = i64::from(time.second);
    let seconds = ((days * 24 + i64::from(time.hour)) * 60 + i64::from(time.minute)) * 60 + second;
    let millis = seconds * 1000 + i64::from(time.nanosecond / 1_000_000);
    u64::try_from(millis).map(Timestamp).map_err(|_| wrong())
}
