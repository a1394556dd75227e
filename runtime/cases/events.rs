//! Between a case and the plugin host: an event becomes an invocation, and what a call did becomes what was got.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmsc_smpp::receipt::MessageState;
use wasmsc_smpp::text::{self, EncodeOptions, Payload};
use wasmsc_smpp::{DataCoding, Udh};

use super::case::{Body, Coding, EarlierReceipt, Given, Handler};
use super::got::{Answer, Got, HttpCall, Message, Outcome, TimerEffect, TimerSet};
use super::host::{Lines, Refusing, State};
use super::known::Watched;
use super::read::STATES;
use super::run::Stage;
use super::world::{Call, What, World};
use crate::message::{Address, Class, Content, MessageId, Timestamp};
use crate::occasion::{
    self, FiredTimer, HttpReply, Occasion, Outgoing, Request, RuleReceipt, SharedWrite, TimerChange, about,
};
use crate::plugin::{self, Broken, Effects, Gate, Invocation, LoadedRule, Seed, StateView};
use crate::route::RuleIndex;

/// The same in every run, so that what follows from random octets can be expected.
const SECRET: [u8; 32] = *b"every run of a case draws alike.";

pub fn handlers(rule: &LoadedRule) -> Vec<Handler> {
    let names = rule.handlers();
    Handler::ALL.into_iter().filter(|handler| names.contains(&handler.name())).collect()
}

/// An event for one of these handlers, to see how long a call takes; none where it has none that an event calls. An MO has
/// this text.
pub fn trial_call(handlers: &[Handler], text: &str, given: &Given) -> Option<Call> {
    let name = || "trial".to_owned();
    let what = match handlers.first()? {
        Handler::Mo => What::Mo { body: Body::Text(text.into()), tlvs: Vec::new(), coding: None },
        Handler::Receipt => What::Receipt {
            message_id: MessageId::accepted(1).to_string(),
            tag: None,
            recipient: given.device.to_string(),
            state: "delivered".into(),
            error: None,
        },
        Handler::Timer => {
            What::Timer { name: name(), set: MessageId::accepted(1), due_at: given.now, payload: Vec::new() }
        }
        Handler::Http => What::HttpReply { tag: name(), status: Some(200), body: Vec::new() },
        Handler::Request => What::Request { name: name(), body: Vec::new() },
        Handler::Check => return None,
    };
    let (id, now, number) = (MessageId::accepted(2), given.now, given.number.clone());
    Some(Call { id, attempt: 1, now, number, seed: None, what })
}

/// None: this is no event, but a check of the config.
pub fn invocation(stage: &Stage, world: &World, call: &Call, given: &Given, log: &Arc<Lines>) -> Option<Invocation> {
    let mut mo = about(given.device.clone(), call.number.clone(), call.now);
    if let What::Mo { body, tlvs, coding } = &call.what {
        let tlvs = tlvs.iter().map(|(tag, value)| (*tag, value.clone().into())).collect();
        mo.content = Content { tlvs, ..content(body, *coding) };
    }
    let (state, gate) = sight(stage, world, given);
    Some(Invocation {
        rule: RuleIndex(0),
        id: call.id,
        attempt: call.attempt,
        occasion: occasion(&call.what, call.now)?,
        mo,
        state,
        gate,
        log: Some(log.clone()),
        seed: call.seed.map_or(Seed::Known(SECRET), Seed::Event),
        witness: None,
    })
}

/// What the call sees of its house. That of a recorded call is watched: it may ask for what was not recorded.
fn sight(stage: &Stage, world: &World, given: &Given) -> (Arc<dyn StateView>, Arc<dyn Gate>) {
    let state = State::new(world, given);
    let refusing = || Refusing::new(given, stage.house.directory.load().clone());
    match (&stage.known, &stage.gate) {
        (Some(known), _) => {
            let watched = Arc::new(Watched { state, gate: refusing(), known: known.clone() });
            (watched.clone(), watched)
        }
        (None, Some(gate)) => (Arc::new(state), gate.clone()),
        (None, None) => (Arc::new(state), Arc::new(refusing())),
    }
}

fn occasion(what: &What, now: Timestamp) -> Option<Occasion> {
    Some(match what.clone() {
        What::Mo { .. } => Occasion::Mo,
        What::Timer { name, set, due_at, payload } => {
            Occasion::Timer(Box::new(FiredTimer { name: name.into(), id: set, due_at, payload: payload.into() }))
        }
        What::Receipt { message_id, tag, recipient, state, error } => Occasion::Receipt(Box::new(RuleReceipt {
            message_id: MessageId::parse(message_id.as_bytes())?,
            tag: tag.unwrap_or_default().into(),
            recipient: Address::parse(&recipient).ok()?,
            state: state_octet(&state),
            error: error.unwrap_or_default(),
            done_at: now,
        })),
        What::ReceiptOf(receipt) => {
            let EarlierReceipt { message_id, tag, recipient, state, error, done_at } = *receipt;
            Occasion::Receipt(Box::new(RuleReceipt {
                message_id,
                tag: tag.unwrap_or_default().into(),
                recipient,
                state: state_octet(&state),
                error: error.unwrap_or_default(),
                done_at: done_at.unwrap_or(now),
            }))
        }
        What::HttpReply { tag, status, body } => {
            Occasion::HttpReply(Box::new(HttpReply { tag: tag.into(), status, body: body.into() }))
        }
        What::Request { name, body } => Occasion::Request(Box::new(Request { name: name.into(), body: body.into() })),
        What::Check => return None,
    })
}

/// The contract lists them in the order of their values (SMPP 5.0 §4.7.15).
fn state_octet(name: &str) -> u8 {
    let place = STATES.iter().position(|state| *state == name);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(MessageState::Unknown as u8)
}

/// As a network would send it, or as it did.
pub fn content(body: &Body, coding: Option<Coding>) -> Content {
    match body {
        Body::Binary(octets) if coding.is_some() => {
            let Coding { data_coding, esm_class } = coding.unwrap_or(Coding { data_coding: 0, esm_class: 0 });
            Content { data_coding, esm_class, octets: octets.clone().into(), ..Content::default() }
        }
        Body::Text(text) => {
            let encoded = text::encode_with(text, &EncodeOptions::default());
            Content::new(encoded.data_coding, &encoded.udh(), encoded.octets)
        }
        Body::Binary(octets) => Content::new(DataCoding::OCTETS, &Udh::new(), octets.clone().into()),
    }
}

/// What came of a call, beside what was there before.
pub fn take(outcome: plugin::Outcome, call: &Call, got: &mut Got) {
    got.outcome = match outcome {
        plugin::Outcome::Done(effects) => {
            done(effects, call, got);
            Outcome::Done
        }
        plugin::Outcome::Retry(after) => Outcome::Retry(after),
        plugin::Outcome::Reject(why) => Outcome::Reject(why),
        plugin::Outcome::Broken(Broken { why, backtrace }) if backtrace.is_empty() => Outcome::Broken(why),
        plugin::Outcome::Broken(Broken { why, backtrace }) => Outcome::Broken(format!("{why}\n{backtrace}")),
    };
}

fn done(effects: Effects, call: &Call, got: &mut Got) {
    for (name, value) in effects.state {
        write(&mut got.state, name, value);
    }
    // Nobody else writes to a case's house, so that what was read is still so.
    for (name, change) in effects.shared {
        let value = match change {
            SharedWrite::Put(value) => Some(value.to_vec()),
            SharedWrite::Delete => None,
            SharedWrite::Add(delta) => Some(occasion::sum(got.shared.get(&name).map(Vec::as_slice), delta).to_vec()),
        };
        write(&mut got.shared, name, value);
    }
    let fired = match &call.what {
        What::Timer { name, .. } => Some(name.as_str()),
        _ => None,
    };
    got.timers = effects.timers.into_iter().filter_map(|(name, change)| timer(name, change, call, fired)).collect();
    got.sent =
        effects.messages.into_iter().zip(1..).map(|(message, index)| sent(message, call.id.effect(index))).collect();
    got.http = effects.calls.into_iter().map(http).collect();
    got.response = effects.response.map(|answer| Answer { status: answer.status, body: answer.body.to_vec() });
}

fn write(rows: &mut BTreeMap<String, Vec<u8>>, name: String, value: Option<Vec<u8>>) {
    match value {
        Some(value) => drop(rows.insert(name, value)),
        None => drop(rows.remove(&name)),
    }
}

/// None: nothing was changed that a case could see. The timer that the call is for is gone in any case.
fn timer(name: String, change: TimerChange, call: &Call, fired: Option<&str>) -> Option<TimerEffect> {
    match change {
        TimerChange::Set { now, payload, .. } => {
            let in_ms = now.due.0.saturating_sub(call.now.0);
            Some(TimerEffect { name, set: Some(TimerSet { id: now.id, in_ms, payload: payload.to_vec() }) })
        }
        TimerChange::Gone { before: Some(_) } if fired != Some(&*name) => Some(TimerEffect { name, set: None }),
        TimerChange::Gone { .. } => None,
    }
}

fn sent(outgoing: Outgoing, id: MessageId) -> Message {
    let Outgoing { message, tag, delay_ms, validity_ms, class, wants_receipt } = outgoing;
    Message {
        id: id.to_string(),
        from: message.source.to_string(),
        to: message.destination.to_string(),
        body: match message.content.payload() {
            Payload::Text(text) => Body::Text(text),
            Payload::Binary(octets) => Body::Binary(octets.to_vec()),
        },
        tag: (!tag.is_empty()).then(|| tag.into()),
        receipt: wants_receipt,
        delay_ms,
        validity_ms,
        priority: priority(class),
        tlvs: message.content.tlvs.iter().map(|(tag, value)| (*tag, value.to_vec())).collect(),
    }
}

/// The `priority_flag` that gives this class.
fn priority(class: Class) -> u64 {
    (0..=3_u8).find(|flag| Class::of_priority(*flag) == class).map_or(0, u64::from)
}

fn http(call: occasion::HttpCall) -> HttpCall {
    HttpCall {
        method: call.method.into(),
        url: call.url.into(),
        headers: call.headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
        body: call.body.map(|body| body.to_vec()),
        authorization: call.authorization.map(Into::into),
        tag: call.tag.into(),
    }
}
