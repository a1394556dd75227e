//! The water-meter rule as native code: for `cargo xtask bench`, to show what the sandbox costs.
//!
//! The same host functions on the same staged effects as a sandboxed call; only wasmtime is left out.

use wasmsc_plugin::host::Host;
use wasmsc_plugin::{Body, Context, Failure, Level, Mo, Rule, SendError, StateError, Timestamp};
use wasmsc_smpp::text::Payload;

use super::host::RuleFacts;
use super::interfaces::Call;
use super::invocation::{Invocation, Outcome};
use super::{outbox, staged_state};
use crate::clock;
use crate::message::Address;

pub fn call(facts: &std::sync::Arc<RuleFacts>, invocation: Invocation) -> Outcome {
    let mo = Mo {
        id: invocation.id.to_string(),
        source: invocation.mo.source.to_string(),
        destination: invocation.mo.destination.to_string(),
        body: match invocation.mo.content.payload() {
            Payload::Text(text) => Body::Text(text),
            Payload::Binary(octets) => Body::Binary(octets.to_vec()),
        },
        received_at: Timestamp(invocation.mo.received_at.0),
    };
    let mut call = Call::new(facts.clone(), invocation, clock::instant());
    match water_meter::WaterMeter::handle_mo(&mo, &mut Context::new(&mut call)) {
        Ok(()) => Outcome::Done(call.into_effects(None)),
        Err(Failure::Retry { after_ms }) => Outcome::Retry(after_ms),
        Err(Failure::Reject(reason)) => Outcome::Reject(reason),
    }
}

fn send_error(error: &outbox::SendError) -> SendError {
    SendError::Other(error.to_string())
}

fn state_error(error: staged_state::StateError) -> StateError {
    StateError::Other(error.to_string())
}

fn body(body: Body) -> outbox::Body {
    match body {
        Body::Text(text) => outbox::Body::Text(text),
        Body::Binary(octets) => outbox::Body::Binary(octets),
    }
}

impl Host for Call {
    fn invocation_id(&self) -> String {
        self.id.to_string()
    }
    fn attempt(&self) -> u32 {
        self.attempt
    }
    fn now(&self) -> Timestamp {
        Timestamp(self.now.0)
    }
    fn remaining_ms(&self) -> u32 {
        self.rule.limits.deadline_ms
    }
    fn random_bytes(&mut self, count: u32) -> Vec<u8> {
        let mut octets = vec![0; count as usize];
        self.random.fill(&mut octets);
        octets
    }
    fn data_coding(&self) -> Option<u8> {
        self.content.as_ref().map(|content| content.data_coding)
    }
    fn tlv(&self, tag: u16) -> Option<Vec<u8>> {
        self.content.as_ref()?.tlv(tag).map(|value| value.to_vec())
    }
    fn msisdn(&self) -> String {
        self.device.to_string()
    }
    fn attribute(&self, key: &str) -> Option<String> {
        self.registered().ok()?.attributes.get(key).cloned()
    }
    fn tags(&self) -> Vec<String> {
        self.registered().map(|device| device.tags.iter().cloned().collect()).unwrap_or_default()
    }
    fn reply(&mut self, text: Body) -> Result<String, SendError> {
        let device = self.device.clone();
        self.outbox
            .send(&device, &body(text), outbox::Wishes::default())
            .map(|id| id.to_string())
            .map_err(|error| send_error(&error))
    }
    fn send(&mut self, to: &str, text: Body) -> Result<String, SendError> {
        let to = Address::parse(to).map_err(|_| SendError::InvalidAddress)?;
        self.outbox
            .send(&to, &body(text), outbox::Wishes::default())
            .map(|id| id.to_string())
            .map_err(|error| send_error(&error))
    }
    fn state_get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        self.state.get(key).map_err(state_error)
    }
    fn state_set(&mut self, key: &str, value: &[u8]) -> Result<(), StateError> {
        self.state.set(key, value.to_vec()).map_err(state_error)
    }
    fn state_delete(&mut self, key: &str) -> Result<(), StateError> {
        self.state.delete(key).map_err(state_error)
    }
    fn state_increment(&mut self, key: &str, delta: i64) -> Result<i64, StateError> {
        self.state.increment(key, delta).map_err(state_error)
    }
    fn state_list_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), StateError> {
        self.state.list(prefix, cursor).map_err(state_error)
    }
    fn config(&self, key: &str) -> Option<String> {
        self.rule.config.get(key).cloned()
    }
    fn log(&mut self, _level: Level, message: &str, _fields: &[(&str, &str)]) {
        tracing::info!(target: "rule", rule = &*self.rule.name, "{message}");
    }
}
