//! The rule's side of one call.

use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host::Host;
use crate::message::{Body, Failure, Level, SendError, StateError, Timestamp};

/// Everything a call may ask and do.
pub struct Context<'h> {
    host: &'h mut dyn Host,
}

impl<'h> Context<'h> {
    pub fn new(host: &'h mut dyn Host) -> Self {
        Context { host }
    }

    // ---- this call ------------------------------------------------------------------------------

    /// The same on every attempt of one event.
    pub fn invocation_id(&self) -> String {
        self.host.invocation_id()
    }

    /// 1 on the first attempt.
    pub fn attempt(&self) -> u32 {
        self.host.attempt()
    }

    /// Time of the event, the same on every attempt.
    pub fn now(&self) -> Timestamp {
        self.host.now()
    }

    /// Milliseconds until the host ends this call.
    pub fn remaining_ms(&self) -> u32 {
        self.host.remaining_ms()
    }

    /// Unpredictable from outside, the same on every attempt. At most 1,024 at once.
    pub fn random_bytes(&mut self, count: u32) -> Vec<u8> {
        self.host.random_bytes(count)
    }

    /// `data_coding` of the MO (SMPP 3.4 §5.2.19).
    pub fn data_coding(&self) -> Option<u8> {
        self.host.data_coding()
    }

    /// An optional parameter of the MO (SMPP 3.4 §5.3).
    pub fn tlv(&self, tag: u16) -> Option<Vec<u8>> {
        self.host.tlv(tag)
    }

    /// The device that this call is about.
    pub fn msisdn(&self) -> String {
        self.host.msisdn()
    }

    /// What its customer registered about the device, as it was when the call asked first.
    pub fn attribute(&self, key: &str) -> Option<String> {
        self.host.attribute(key)
    }

    /// Of the device, as its customer registered them.
    pub fn tags(&self) -> Vec<String> {
        self.host.tags()
    }

    // ---- messages -------------------------------------------------------------------------------

    /// Answers the device from the number it wrote to; returns the new message's id.
    pub fn reply(&mut self, body: impl Into<Body>) -> Result<String, SendError> {
        self.host.reply(body.into())
    }

    /// Sends to another permitted address, from the number that the device wrote to.
    pub fn send(&mut self, to: &str, body: impl Into<Body>) -> Result<String, SendError> {
        self.host.send(to, body.into())
    }

    // ---- state of this device under this rule ---------------------------------------------------

    /// A JSON value, as [`set_state`](Self::set_state) wrote it. Give `T` a version field or `serde(default)`s:
    /// a later version of the rule reads what this one wrote.
    pub fn state<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StateError> {
        let Some(octets) = self.host.state_get(key)? else { return Ok(None) };
        serde_json::from_slice(&octets).map(Some).map_err(|error| StateError::Unreadable(format!("{key}: {error}")))
    }

    /// Keeps a value as JSON.
    pub fn set_state<T: Serialize>(&mut self, key: &str, value: &T) -> Result<(), StateError> {
        let octets = serde_json::to_vec(value).map_err(|error| StateError::Unreadable(format!("{key}: {error}")))?;
        self.host.state_set(key, &octets)
    }

    pub fn state_bytes(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        self.host.state_get(key)
    }

    pub fn set_state_bytes(&mut self, key: &str, value: &[u8]) -> Result<(), StateError> {
        self.host.state_set(key, value)
    }

    pub fn delete_state(&mut self, key: &str) -> Result<(), StateError> {
        self.host.state_delete(key)
    }

    /// Adds to an integer that counts from 0; returns the sum.
    pub fn increment(&mut self, key: &str, delta: i64) -> Result<i64, StateError> {
        self.host.state_increment(key, delta)
    }

    /// A page of keys in octet order, and the cursor of the next page.
    pub fn list_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<(Vec<String>, Option<String>), StateError> {
        self.host.state_list_keys(prefix, cursor)
    }

    // ---- settings -------------------------------------------------------------------------------

    /// A setting, as it is written in the rule's config.
    pub fn config(&self, key: &str) -> Option<String> {
        self.host.config(key)
    }

    /// A setting of another type, or `default` where it is not set. A bad value rejects the call, in words
    /// for whoever wrote the config.
    pub fn config_parsed<T>(&self, key: &str, default: T) -> Result<T, Failure>
    where
        T: FromStr,
        T::Err: Display,
    {
        match self.host.config(key) {
            None => Ok(default),
            Some(text) => text
                .trim()
                .parse()
                .map_err(|error| Failure::Reject(format!("config {key} = {text:?} cannot be read: {error}"))),
        }
    }

    // ---- log ------------------------------------------------------------------------------------

    /// Kept even when the call's effects are discarded.
    pub fn log(&mut self, level: Level, message: &str, fields: &[(&str, &str)]) {
        self.host.log(level, message, fields);
    }

    pub fn debug(&mut self, message: &str) {
        self.log(Level::Debug, message, &[]);
    }

    pub fn info(&mut self, message: &str) {
        self.log(Level::Info, message, &[]);
    }

    pub fn warn(&mut self, message: &str) {
        self.log(Level::Warn, message, &[]);
    }

    pub fn error(&mut self, message: &str) {
        self.log(Level::Error, message, &[]);
    }
}
