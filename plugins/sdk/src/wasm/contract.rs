//! The host of a rule that runs in wasmsc.

use super::imports::wasmsc::plugin::{
    config, device, http, invocation, log, outbox, shared_state, state, state_types, timers, types,
};
use crate::draft::Draft;
use crate::error::{SendError, StateError, SubmitError, TimerError};
use crate::host::{Host, Page};
use crate::http::HttpRequest;
use crate::message::{Body, Level, Timestamp};

pub struct Contract;

impl Host for Contract {
    fn invocation_id(&self) -> String {
        invocation::id()
    }
    fn attempt(&self) -> u32 {
        invocation::attempt()
    }
    fn now(&self) -> Timestamp {
        Timestamp(invocation::now())
    }
    fn remaining_ms(&self) -> u32 {
        invocation::remaining_ms()
    }
    fn random_bytes(&mut self, count: u32) -> Vec<u8> {
        invocation::random_bytes(count)
    }
    fn data_coding(&self) -> Option<u8> {
        invocation::data_coding()
    }
    fn segments(&self) -> u32 {
        invocation::segments()
    }
    fn tlv(&self, tag: u16) -> Option<Vec<u8>> {
        invocation::tlv(tag)
    }
    fn msisdn(&self) -> String {
        device::msisdn()
    }
    fn attribute(&self, key: &str) -> Option<String> {
        device::attribute(key)
    }
    fn tags(&self) -> Vec<String> {
        device::tags()
    }
    fn reply(&mut self, body: Body) -> Result<String, SendError> {
        outbox::reply(&wit_body(body)).map_err(send_error)
    }
    fn send(&mut self, to: &str, body: Body) -> Result<String, SendError> {
        outbox::send(to, &wit_body(body)).map_err(send_error)
    }
    fn send_draft(&mut self, draft: &Draft) -> Result<String, SendError> {
        let built = outbox::Draft::new(&draft.to, &wit_body(draft.body.clone()));
        if let Some(sender) = &draft.sender {
            built.set_sender(sender);
        }
        if let Some(tag) = &draft.tag {
            built.set_tag(tag);
        }
        if let Some(validity) = draft.validity_ms {
            built.set_validity_ms(validity);
        }
        if let Some(delay) = draft.delay_ms {
            built.set_delay_ms(delay);
        }
        if let Some(priority) = draft.priority {
            built.set_priority(priority);
        }
        if draft.wants_receipt {
            built.request_receipt();
        }
        for (tag, value) in &draft.tlvs {
            built.set_tlv(*tag, value);
        }
        outbox::Draft::send(built).map_err(send_error)
    }
    fn state_get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        state::get(key).map_err(state_error)
    }
    fn state_set(&mut self, key: &str, value: &[u8]) -> Result<(), StateError> {
        state::set(key, value).map_err(state_error)
    }
    fn state_delete(&mut self, key: &str) -> Result<(), StateError> {
        state::delete(key).map_err(state_error)
    }
    fn state_increment(&mut self, key: &str, delta: i64) -> Result<i64, StateError> {
        state::increment(key, delta).map_err(state_error)
    }
    fn state_list_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<Page, StateError> {
        state::list_keys(prefix, cursor).map(|page| (page.keys, page.cursor)).map_err(state_error)
    }
    fn shared_get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        shared_state::get(key).map_err(state_error)
    }
    fn shared_set(&mut self, key: &str, value: &[u8]) -> Result<(), StateError> {
        shared_state::set(key, value).map_err(state_error)
    }
    fn shared_delete(&mut self, key: &str) -> Result<(), StateError> {
        shared_state::delete(key).map_err(state_error)
    }
    fn shared_add(&mut self, key: &str, delta: i64) -> Result<(), StateError> {
        shared_state::add(key, delta).map_err(state_error)
    }
    fn shared_list_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<Page, StateError> {
        shared_state::list_keys(prefix, cursor).map(|page| (page.keys, page.cursor)).map_err(state_error)
    }
    fn timer_set(&mut self, name: &str, delay_ms: u64, payload: &[u8]) -> Result<(), TimerError> {
        timers::set(name, delay_ms, payload).map_err(timer_error)
    }
    fn timer_cancel(&mut self, name: &str) -> Result<bool, TimerError> {
        timers::cancel(name).map_err(timer_error)
    }
    fn config(&self, key: &str) -> Option<String> {
        config::get(key)
    }
    fn secret(&self, name: &str) -> Option<String> {
        config::secret(name)
    }
    fn log(&mut self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let level = match level {
            Level::Trace => log::Level::Trace,
            Level::Debug => log::Level::Debug,
            Level::Info => log::Level::Info,
            Level::Warn => log::Level::Warn,
            Level::Error => log::Level::Error,
        };
        let fields: Vec<(String, String)> = fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        log::log(level, message, &fields);
    }
    fn http_submit(&mut self, request: &HttpRequest) -> Result<(), SubmitError> {
        let request = http::Request {
            method: request.method.clone(),
            url: request.url.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            authorization: request.authorization.clone(),
            tag: request.tag.clone(),
        };
        http::submit(&request).map_err(submit_error)
    }
}

fn wit_body(body: Body) -> types::Body {
    match body {
        Body::Text(text) => types::Body::Text(text),
        Body::Binary(octets) => types::Body::Binary(octets),
    }
}

fn send_error(error: outbox::SendError) -> SendError {
    match error {
        outbox::SendError::NotPermitted(why) => SendError::NotPermitted(why),
        outbox::SendError::InvalidAddress => SendError::InvalidAddress,
        outbox::SendError::TooLong => SendError::TooLong,
        outbox::SendError::QuotaExceeded => SendError::QuotaExceeded,
        outbox::SendError::Other(why) => SendError::Other(why),
    }
}

fn state_error(error: state_types::StateError) -> StateError {
    match error {
        state_types::StateError::InvalidKey => StateError::InvalidKey,
        state_types::StateError::ValueTooLarge => StateError::ValueTooLarge,
        state_types::StateError::QuotaExceeded => StateError::QuotaExceeded,
        state_types::StateError::Other(why) => StateError::Other(why),
    }
}

fn timer_error(error: timers::TimerError) -> TimerError {
    match error {
        timers::TimerError::QuotaExceeded => TimerError::QuotaExceeded,
        timers::TimerError::TooFar => TimerError::TooFar,
        timers::TimerError::Other(why) => TimerError::Other(why),
    }
}

fn submit_error(error: http::SubmitError) -> SubmitError {
    match error {
        http::SubmitError::NotPermitted(why) => SubmitError::NotPermitted(why),
        http::SubmitError::TooLarge => SubmitError::TooLarge,
        http::SubmitError::QuotaExceeded => SubmitError::QuotaExceeded,
        http::SubmitError::Other(why) => SubmitError::Other(why),
    }
}
