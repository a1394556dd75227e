//! What a rule's [`Context`](crate::Context) stands on: wasmsc through the contract, or a test bench.

use crate::draft::Draft;
use crate::error::{SendError, StateError, SubmitError, TimerError};
use crate::http::HttpRequest;
use crate::message::{Body, Level, Timestamp};

/// A page of keys in octet order, and the cursor of the next page.
pub type Page = (Vec<String>, Option<String>);

/// One call's view of its host. Implemented for WebAssembly by this crate, and natively by
/// [`testing::Bench`](crate::testing::Bench). A host of one's own may leave out what its rules do not use: that is
/// refused then.
pub trait Host {
    fn invocation_id(&self) -> String;
    fn attempt(&self) -> u32;
    fn now(&self) -> Timestamp;
    fn remaining_ms(&self) -> u32;
    fn random_bytes(&mut self, count: u32) -> Vec<u8>;
    fn data_coding(&self) -> Option<u8>;
    fn segments(&self) -> u32 {
        1
    }
    fn tlv(&self, tag: u16) -> Option<Vec<u8>>;
    fn msisdn(&self) -> String;
    fn attribute(&self, key: &str) -> Option<String>;
    fn tags(&self) -> Vec<String>;
    fn reply(&mut self, body: Body) -> Result<String, SendError>;
    fn send(&mut self, to: &str, body: Body) -> Result<String, SendError>;
    fn send_draft(&mut self, _draft: &Draft) -> Result<String, SendError> {
        Err(SendError::Other("this host has no drafts".to_owned()))
    }
    fn state_get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError>;
    fn state_set(&mut self, key: &str, value: &[u8]) -> Result<(), StateError>;
    fn state_delete(&mut self, key: &str) -> Result<(), StateError>;
    fn state_increment(&mut self, key: &str, delta: i64) -> Result<i64, StateError>;
    fn state_list_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<Page, StateError>;
    fn shared_get(&self, _key: &str) -> Result<Option<Vec<u8>>, StateError> {
        Err(no_shared_state())
    }
    fn shared_set(&mut self, _key: &str, _value: &[u8]) -> Result<(), StateError> {
        Err(no_shared_state())
    }
    fn shared_delete(&mut self, _key: &str) -> Result<(), StateError> {
        Err(no_shared_state())
    }
    fn shared_add(&mut self, _key: &str, _delta: i64) -> Result<(), StateError> {
        Err(no_shared_state())
    }
    fn shared_list_keys(&self, _prefix: &str, _cursor: Option<&str>) -> Result<Page, StateError> {
        Err(no_shared_state())
    }
    fn timer_set(&mut self, _name: &str, _delay_ms: u64, _payload: &[u8]) -> Result<(), TimerError> {
        Err(TimerError::Other("this host has no timers".to_owned()))
    }
    fn timer_cancel(&mut self, _name: &str) -> Result<bool, TimerError> {
        Err(TimerError::Other("this host has no timers".to_owned()))
    }
    fn config(&self, key: &str) -> Option<String>;
    fn secret(&self, _name: &str) -> Option<String> {
        None
    }
    fn log(&mut self, level: Level, message: &str, fields: &[(&str, &str)]);
    fn http_submit(&mut self, _request: &HttpRequest) -> Result<(), SubmitError> {
        Err(SubmitError::NotPermitted("this host makes no HTTP calls".to_owned()))
    }
}

fn no_shared_state() -> StateError {
    StateError::Other("this host has no shared state".to_owned())
}
