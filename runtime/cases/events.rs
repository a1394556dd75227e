//! Between a case and the plugin host: an event becomes an invocation, and what a call did becomes what was got.

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmsc_smpp::text::{self, EncodeOptions, Payload};
use wasmsc_smpp::{DataCoding, Udh};

use super::case::{Body, Given, Handler, Trigger};
use super::got::{Got, Message, Outcome, PRIORITY};
use super::host::{Lines, Refusing, State};
use super::run::{Log, SECRET, Stage};
use super::world::{Call, What, World};
use crate::message::{self, Content};
use crate::plugin::{self, Effects, Invocation, LoadedRule};
use crate::route::RuleIndex;

pub fn handlers(_rule: &LoadedRule) -> Vec<Handler> {
    vec![Handler::Mo]
}

/// What `wasmsc plugin check` tries a component with.
pub fn first_trigger(_handlers: &[Handler]) -> Trigger {
    Trigger::Mo { body: Body::Text("hello".into()), to: None, tlvs: Vec::new() }
}

pub fn invocation(stage: &Stage, world: &World, call: &Call, given: &Given) -> (Invocation, Log) {
    let lines = Arc::new(Lines::default());
    let What::Mo { body, tlvs } = &call.what else { unreachable!() };
    let mo = message::Message {
        source: given.device.clone(),
        destination: call.number.clone(),
        content: Content { tlvs: tlvs.iter().map(|(t, v)| (*t, v.clone().into())).collect(), ..content(body) },
        received_at: call.now,
    };
    let invocation = Invocation {
        rule: RuleIndex(0),
        id: call.id,
        attempt: call.attempt,
        mo,
        state: Arc::new(State::new(world.state.clone(), given)),
        gate: Arc::new(Refusing(given.refused.clone())),
        log: Some(lines.clone()),
        secret: SECRET,
    };
    let _ = stage;
    (invocation, lines)
}

/// As a network would send it.
fn content(body: &Body) -> Content {
    match body {
        Body::Text(text) => {
            let encoded = text::encode_with(text, &EncodeOptions::default());
            Content::new(encoded.data_coding, &encoded.udh(), encoded.octets)
        }
        Body::Binary(octets) => Content::new(DataCoding::OCTETS, &Udh::new(), octets.clone().into()),
    }
}

pub fn take(outcome: plugin::Outcome, call: &Call, world: &World, got: &mut Got) {
    got.outcome = match outcome {
        plugin::Outcome::Done(effects) => {
            done(effects, call, world, got);
            Outcome::Done
        }
        plugin::Outcome::Retry(after) => Outcome::Retry(after),
        plugin::Outcome::Reject(why) => Outcome::Reject(why),
        plugin::Outcome::Broken(why) => Outcome::Broken(why),
    };
}

fn done(effects: Effects, call: &Call, _world: &World, got: &mut Got) {
    write(&mut got.state, effects.state);
    for (index, message) in effects.messages.into_iter().enumerate() {
        got.sent.push(Message {
            id: call.id.effect(index as u16 + 1).to_string(),
            from: message.source.to_string(),
            to: message.destination.to_string(),
            body: match message.content.payload() {
                Payload::Text(text) => Body::Text(text),
                Payload::Binary(octets) => Body::Binary(octets.to_vec()),
            },
            tag: None,
            receipt: false,
            delay_ms: 0,
            validity_ms: None,
            priority: PRIORITY,
            tlvs: Vec::new(),
        });
    }
}

fn write(rows: &mut BTreeMap<String, Vec<u8>>, writes: Vec<(String, Option<Vec<u8>>)>) {
    for (name, value) in writes {
        match value {
            Some(value) => drop(rows.insert(name, value)),
            None => drop(rows.remove(&name)),
        }
    }
}
