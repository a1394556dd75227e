//! What a rule's [`Context`](crate::Context) stands on: wasmsc through the contract, or a test bench.

use crate::message::{Body, Level, SendError, StateError, Timestamp};

/// One call's view of its host. Implemented for WebAssembly by this crate and by
/// [`testing::Bench`](crate::testing::Bench).
pub trait Host {
    fn invocation_id(&self) -> String;
    fn attempt(&self) -> u32;
    fn now(&self) -> Timestamp;
    fn remaining_ms(&self) -> u32;
    fn random_bytes(&mut self, count: u32) -> Vec<u8>;
    fn data_coding(&self) -> Option<u8>;
    fn tlv(&self, tag: u16) -> Option<Vec<u8>>;
    fn msisdn(&self) -> String;
    fn attribute(&self, key: &str) -> Option<String>;
    fn tags(&self) -> Vec<String>;
    fn reply(&mut self, body: Body) -> Result<String, SendError>;
    fn send(&mut self, to: &str, body: Body) -> Result<String, SendError>;
    fn state_get(&self, key: &str) -> Result<Option<Vec<u8>>, StateError>;
    fn state_set(&mut self, key: &str, value: &[u8]) -> Result<(), StateError>;
    fn state_delete(&mut self, key: &str) -> Result<(), StateError>;
    fn state_increment(&mut self, key: &str, delta: i64) -> Result<i64, StateError>;
    fn state_list_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), StateError>;
    fn config(&self, key: &str) -> Option<String>;
    fn log(&mut self, level: Level, message: &str, fields: &[(&str, &str)]);
}
