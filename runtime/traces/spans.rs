//! Spans of what customers' feeds tell of messages. Pure.
//!
//! One trace is an MO with all that its rule sends, or a message of an application or the API. A message is a span from
//! when it came in to its end; what happens to it is a span below, from what happened before. Ids follow from what they
//! name, so that a span that is sent twice is the same one.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wasmsc_smpp::receipt::MessageState;

use crate::feed::{About, Ends, EventId, Told};
use crate::message::{MessageId, Timestamp};
use crate::timeline::{Direction, Event};

/// Messages that are followed at once. Of one that was pushed out, what comes later is still sent, but begins when it ends.
const OPEN_MAX: usize = 100_000;

/// SpanKind of OTLP.
const INTERNAL: u32 = 1;
const CLIENT: u32 = 3;
const PRODUCER: u32 = 4;
const CONSUMER: u32 = 5;

/// When a message came in, and when something happened to it last.
#[derive(Clone, Copy)]
struct Since {
    received: Timestamp,
    last: Timestamp,
}

/// Makes spans of events, which are to come in their order.
pub struct Spans {
    /// Of this data directory: ids of two houses differ.
    secret: [u8; 32],
    /// Of all traces, in 2^-64.
    sample: u64,
    open: BTreeMap<MessageId, Since>,
}

/// What one event has to say.
struct Part<'e> {
    name: String,
    kind: u32,
    is_error: bool,
    attributes: Vec<(&'static str, Value)>,
    who: Option<(&'static str, &'e str)>,
}

impl Spans {
    pub fn new(secret: [u8; 32], sample: f64) -> Spans {
        // Saturates at both ends.
        Spans { secret, sample: (sample * u64::MAX as f64) as u64, open: BTreeMap::new() }
    }

    /// The spans that this event completes.
    pub fn of(&mut self, customer: &str, id: EventId, told: &Told) -> Vec<Value> {
        let About::Message { id: message, ends, event } = &told.about else { return Vec::new() };
        let trace = self.digest(b"trace", &message.event.to_be_bytes());
        if u64::from_be_bytes(trace[..8].try_into().unwrap_or_default()) > self.sample {
            return Vec::new();
        }
        if let Event::Received(_) = event {
            self.begin(*message, told.at);
            return Vec::new();
        }
        let since = self.open.get(message).copied().unwrap_or(Since { received: told.at, last: told.at });
        let own = hex(&self.digest(b"message", &message.to_key())[..8]);
        let mut spans = Vec::new();
        let ended = match event {
            Event::Ended { state, error } => Some((*state, *error, None)),
            Event::Refused { reason } => Some((MessageState::Rejected.octet(), 0, Some(&**reason))),
            _ => None,
        };
        match ended {
            Some((state, error, reason)) => {
                self.open.remove(message);
                let mut span =
                    span(&trace, own, (since.received, told.at), whole(*message, ends, state, error, reason));
                if message.index != 0 {
                    let cause = MessageId::accepted(message.event);
                    span["parentSpanId"] = hex(&self.digest(b"message", &cause.to_key())[..8]).into();
                }
                push(&mut span, "wasmsc.customer", customer.into());
                spans.push(span);
            }
            None => {
                if let Some(since) = self.open.get_mut(message) {
                    since.last = told.at;
                }
                if let Some(part) = part(event) {
                    let number = hex(&self.digest(b"event", &id.0.to_be_bytes())[..8]);
                    let mut span = span(&trace, number, (since.last, told.at), part);
                    span["parentSpanId"] = own.into();
                    spans.push(span);
                }
            }
        }
        spans
    }

    fn begin(&mut self, message: MessageId, at: Timestamp) {
        self.open.insert(message, Since { received: at, last: at });
        if self.open.len() > OPEN_MAX {
            self.open.pop_first();
        }
    }

    fn digest(&self, of: &[u8], name: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(self.secret).chain_update(of).chain_update(name).finalize().into()
    }
}

/// The message as a whole.
fn whole<'e>(id: MessageId, ends: &Ends, state: u8, error: u16, reason: Option<&'e str>) -> Part<'e> {
    let (name, kind) = match ends.direction {
        Direction::Mo => ("MO", CONSUMER),
        Direction::Mt => ("MT", PRODUCER),
    };
    let state = MessageState::from_octet(state);
    let is_error = !matches!(state, Some(MessageState::Delivered | MessageState::Accepted));
    let state = state.unwrap_or(MessageState::Unknown).word();
    let mut attributes = vec![
        ("wasmsc.message.id", id.to_string().into()),
        ("wasmsc.device", ends.device.masked().into()),
        ("wasmsc.state", state.into()),
    ];
    attributes.extend(ends.number.as_ref().map(|number| ("wasmsc.number", number.masked().into())));
    attributes.extend((error != 0).then(|| ("wasmsc.error", error.into())));
    Part { name: name.to_owned(), kind, is_error, attributes, who: reason.map(|reason| ("wasmsc.reason", reason)) }
}

/// One thing that happened to it; what rules and peers say of why is not for collectors, as it may quote texts.
fn part(event: &Event) -> Option<Part<'_>> {
    let part = match event {
        Event::Ran { rule, sent } => Part {
            name: format!("rule {rule}"),
            kind: INTERNAL,
            is_error: false,
            attributes: vec![("wasmsc.sent", (*sent).into())],
            who: Some(("wasmsc.rule", rule)),
        },
        Event::Failed { by, attempt, error, again, .. } => Part {
            name: format!("attempt {by}"),
            kind: CLIENT,
            is_error: true,
            attributes: vec![
                ("wasmsc.attempt", (*attempt).into()),
                ("wasmsc.error", (*error).into()),
                ("wasmsc.again", again.is_some().into()),
            ],
            who: Some(("wasmsc.by", by)),
        },
        Event::Sent { peer, ids } => Part {
            name: format!("send {peer}"),
            kind: CLIENT,
            is_error: false,
            attributes: vec![("wasmsc.parts", ids.len().into())],
            who: Some(("wasmsc.by", peer)),
        },
        Event::Receipt { peer, part, state, error } => Part {
            name: format!("receipt {peer}"),
            kind: CONSUMER,
            is_error: false,
            attributes: vec![
                ("wasmsc.part", (*part).into()),
                ("wasmsc.message_state", (*state).into()),
                ("wasmsc.error", (*error).into()),
            ],
            who: Some(("wasmsc.by", peer)),
        },
        Event::Replaced { .. } => {
            Part { name: "replace".to_owned(), kind: INTERNAL, is_error: false, attributes: Vec::new(), who: None }
        }
        Event::Revived { .. } => {
            Part { name: "retry".to_owned(), kind: INTERNAL, is_error: false, attributes: Vec::new(), who: None }
        }
        Event::Received(_)
        | Event::Ended { .. }
        | Event::Refused { .. }
        | Event::Buried { .. }
        | Event::Dropped { .. } => return None,
    };
    Some(part)
}

/// As OTLP writes it in JSON: ids in hexadecimal digits, 64-bit numbers as text.
fn span(trace: &[u8; 32], id: String, (from, to): (Timestamp, Timestamp), part: Part<'_>) -> Value {
    const NANOS_PER_MS: u64 = 1_000_000;
    let from = from.min(to);
    let mut span = json!({
        "traceId": hex(&trace[..16]),
        "spanId": id,
        "name": part.name,
        "kind": part.kind,
        "startTimeUnixNano": (from.0 * NANOS_PER_MS).to_string(),
        "endTimeUnixNano": (to.0 * NANOS_PER_MS).to_string(),
        "attributes": [],
        // STATUS_CODE_OK and STATUS_CODE_ERROR
        "status": { "code": if part.is_error { 2 } else { 1 } },
    });
    let who = part.who.map(|(name, who)| (name, Value::from(who)));
    part.attributes.into_iter().chain(who).for_each(|(name, value)| push(&mut span, name, value));
    span
}

fn push(span: &mut Value, name: &str, value: Value) {
    let value = match value {
        Value::Bool(value) => json!({ "boolValue": value }),
        Value::Number(value) => json!({ "intValue": value.to_string() }),
        other => json!({ "stringValue": other }),
    };
    if let Some(attributes) = span["attributes"].as_array_mut() {
        attributes.push(json!({ "key": name, "value": value }));
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Address;

    const AT: Timestamp = Timestamp(1_700_000_000_000);

    fn ends(direction: Direction) -> Ends {
        Ends { direction, device: Address::parse("+46701234567").expect("valid"), number: None }
    }

    fn told(id: MessageId, ms: u64, event: Event) -> Told {
        let direction = if id.index == 0 { Direction::Mo } else { Direction::Mt };
        Told { at: AT.plus_ms(ms), about: About::Message { id, ends: ends(direction), event } }
    }

    fn received(id: MessageId) -> Event {
        let message = crate::message::Message {
            source: Address::parse("+46701234567").expect("valid"),
            destination: Address::parse("7001").expect("valid"),
            content: crate::message::Content::default(),
            received_at: AT,
        };
        let (direction, cause) = (Direction::Mo, (id.index > 0).then(|| MessageId::accepted(id.event)));
        let (by, tag) = ("sim".into(), "".into());
        Event::Received(Box::new(crate::timeline::Received { direction, by, cause, message, due: AT, tag }))
    }

    fn spans(sample: f64) -> Vec<Value> {
        let mut spans = Spans::new([7; 32], sample);
        let (mo, mt) = (MessageId::accepted(9), MessageId::accepted(9).effect(1));
        let delivered = MessageState::Delivered.octet();
        let events = [
            told(mo, 0, received(mo)),
            told(mo, 3, Event::Ran { rule: "meter".into(), sent: 1 }),
            told(mt, 3, received(mt)),
            told(mo, 3, Event::Ended { state: delivered, error: 0 }),
            told(
                mt,
                5,
                Event::Failed { by: "sim".into(), attempt: 1, error: 88, why: "secret".into(), again: Some(AT) },
            ),
            told(mt, 8, Event::Sent { peer: "sim".into(), ids: Vec::new() }),
            told(mt, 8, Event::Ended { state: delivered, error: 0 }),
        ];
        (1..).zip(&events).flat_map(|(n, told)| spans.of("acme", EventId(n), told)).collect()
    }

    #[test]
    fn a_message_and_what_its_rule_sends_are_one_trace() {
        let spans = spans(1.0);
        let names: Vec<&str> = spans.iter().filter_map(|span| span["name"].as_str()).collect();
        assert_eq!(names, ["rule meter", "MO", "attempt sim", "send sim", "MT"]);
        assert!(spans.iter().all(|span| span["traceId"] == spans[0]["traceId"]));
        let parents: Vec<&Value> = spans.iter().map(|span| &span["parentSpanId"]).collect();
        let (mo, mt) = (&spans[1]["spanId"], &spans[4]["spanId"]);
        assert_eq!(parents, [mo, &Value::Null, mt, mt, mo]);
        let ms =
            |span: &Value, name: &str| span[name].as_str().expect("text").parse::<u64>().expect("digits") / 1_000_000;
        let times: Vec<(u64, u64)> = spans
            .iter()
            .map(|span| (ms(span, "startTimeUnixNano") - AT.0, ms(span, "endTimeUnixNano") - AT.0))
            .collect();
        assert_eq!(times, [(0, 3), (0, 3), (3, 5), (5, 8), (3, 8)]);
        let text = Value::from(spans).to_string();
        assert!(!text.contains("46701234567") && !text.contains("secret"), "{text}");
    }

    #[test]
    fn what_is_sent_again_is_the_same_and_what_is_not_sampled_is_nothing() {
        assert_eq!(spans(1.0), spans(1.0));
        assert_eq!(spans(0.0), Vec::<Value>::new());
    }

    #[test]
    fn of_an_end_whose_beginning_nobody_saw_the_end_is_told() {
        let mut spans = Spans::new([7; 32], 1.0);
        let ended = Event::Ended { state: MessageState::Expired.octet(), error: 5 };
        let made = spans.of("acme", EventId(1), &told(MessageId::accepted(1), 4, ended));
        assert_eq!(made[0]["startTimeUnixNano"], made[0]["endTimeUnixNano"]);
        assert_eq!(made[0]["status"], json!({ "code": 2 }));
    }
}
