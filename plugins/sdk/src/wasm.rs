//! The contract's bindings and the host behind them. For the [`export_rule`](crate::export_rule) macro.

use crate::host::Host;
use crate::message::{Body, Failure, Level, Mo, SendError, StateError, Timestamp};
use crate::{Context, Rule};

pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "mo-rule",
        pub_export_macro: true,
        export_macro_name: "export",
        default_bindings_module: "wasmsc_plugin::wasm::bindings",
    });
}

pub use bindings::export;
pub use bindings::exports::wasmsc::plugin::mo_handler::{Guest, HandlerError, Message};
use bindings::wasmsc::plugin::{config, device, invocation, log, outbox, state, state_types, types};

/// Runs one MO.
pub fn run<R: Rule>(mo: Message) -> Result<(), HandlerError> {
    let mo = Mo {
        id: mo.id,
        source: mo.source,
        destination: mo.destination,
        body: match mo.body {
            types::Body::Text(text) => Body::Text(text),
            types::Body::Binary(octets) => Body::Binary(octets),
        },
        received_at: Timestamp(mo.received_at),
    };
    R::handle_mo(&mo, &mut Context::new(&mut Contract)).map_err(|failure| match failure {
        Failure::Retry { after_ms } => HandlerError::Retry(after_ms),
        Failure::Reject(reason) => HandlerError::Reject(reason),
    })
}

struct Contract;

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
    fn state_list_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), StateError> {
        state::list_keys(prefix, cursor).map(|page| (page.keys, page.cursor)).map_err(state_error)
    }
    fn config(&self, key: &str) -> Option<String> {
        config::get(key)
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
