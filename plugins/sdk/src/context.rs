//! The rule's side of one call.

mod stores;

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use crate::draft::Draft;
use crate::error::{ConfigError, SendError, SubmitError};
use crate::host::Host;
use crate::http::HttpRequest;
use crate::message::{Body, Level, Secret, Timestamp};

/// Everything a call may ask and do.
pub struct Context<'h> {
    #[cfg(not(target_family = "wasm"))]
    host: &'h mut dyn Host,
    // No `dyn` here: a component imports those functions only that its rule calls.
    #[cfg(target_family = "wasm")]
    host: &'h mut crate::wasm::Contract,
}

impl<'h> Context<'h> {
    #[cfg(not(target_family = "wasm"))]
    pub fn new(host: &'h mut dyn Host) -> Self {
        Context { host }
    }

    #[cfg(target_family = "wasm")]
    pub(crate) fn new(host: &'h mut crate::wasm::Contract) -> Self {
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

    /// Unpredictable from outside, the same on every attempt. At most 1,024 at once; more ends the call.
    pub fn random_bytes(&mut self, count: u32) -> Vec<u8> {
        self.host.random_bytes(count)
    }

    /// One of 0 to `bound - 1`, each as likely as the others; 0 for a bound of 0.
    pub fn random_below(&mut self, bound: u64) -> u64 {
        // What lies above the last whole multiple of the bound would make small numbers likelier: draw again.
        let Some(surplus) = (u64::MAX - bound.saturating_sub(1)).checked_rem(bound) else { return 0 };
        loop {
            let mut octets = [0; 8];
            octets.copy_from_slice(&self.random_bytes(8));
            let drawn = u64::from_le_bytes(octets);
            if drawn <= u64::MAX - surplus {
                return drawn % bound;
            }
        }
    }

    /// `data_coding` of the MO (SMPP 3.4 §5.2.19); None where the event is no MO.
    pub fn data_coding(&self) -> Option<u8> {
        self.host.data_coding()
    }

    /// How many SMS the MO took; 0 where the event is no MO.
    pub fn segments(&self) -> u32 {
        self.host.segments()
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

    /// Answers the device from the number it wrote to, where the event is no MO from the number of its last one;
    /// returns the new message's id.
    pub fn reply(&mut self, body: impl Into<Body>) -> Result<String, SendError> {
        self.host.reply(body.into())
    }

    /// Sends to another permitted address, from the number that `reply` would use.
    pub fn send(&mut self, to: &str, body: impl Into<Body>) -> Result<String, SendError> {
        self.host.send(to, body.into())
    }

    pub(crate) fn send_draft(&mut self, draft: &Draft) -> Result<String, SendError> {
        self.host.send_draft(draft)
    }

    pub(crate) fn submit_http(&mut self, request: &HttpRequest) -> Result<(), SubmitError> {
        self.host.http_submit(request)
    }

    // ---- settings -------------------------------------------------------------------------------

    /// A setting, as it is written in the rule's config.
    pub fn config(&self, key: &str) -> Option<String> {
        self.host.config(key)
    }

    /// A setting of another type, or `default` where it is not set. A bad value is told in words for whoever wrote
    /// the config; with `?` it rejects the call.
    pub fn config_parsed<T>(&self, key: &str, default: T) -> Result<T, ConfigError>
    where
        T: FromStr,
        T::Err: Display,
    {
        Ok(self.config_optional(key)?.unwrap_or(default))
    }

    /// A setting of another type that need not be there.
    pub fn config_optional<T>(&self, key: &str) -> Result<Option<T>, ConfigError>
    where
        T: FromStr,
        T::Err: Display,
    {
        let Some(text) = self.host.config(key) else { return Ok(None) };
        let unreadable = |error| ConfigError(format!("config {key} = {text:?} cannot be read: {error}"));
        text.trim().parse().map(Some).map_err(unreadable)
    }

    /// A number that must lie in a range.
    pub fn config_within<T>(&self, key: &str, default: T, range: RangeInclusive<T>) -> Result<T, ConfigError>
    where
        T: FromStr + Display + PartialOrd,
        T::Err: Display,
    {
        let value = self.config_parsed(key, default)?;
        if range.contains(&value) {
            return Ok(value);
        }
        let (least, most) = (range.start(), range.end());
        Err(ConfigError(format!("config {key} = {value} is not within {least} to {most}")))
    }

    /// A secret, as it is set for the rule. For an HTTP call name it in
    /// [`HttpRequest::authorization`](crate::HttpRequest::authorization) instead.
    pub fn secret(&self, name: &str) -> Option<Secret> {
        self.host.secret(name).map(Secret::new)
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
