//! What outlives a call: state of the device, state that all devices share, timers.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Context;
use crate::error::{Failure, JsonError, StateError, TimerError};
#[cfg(target_family = "wasm")]
use crate::host::Host;
use crate::host::Page;
use crate::message::millis;

/// State of this device under this rule. A call reads its own writes.
impl Context<'_> {
    /// A JSON value, as [`set_state`](Self::set_state) wrote it. Give `T` a version field or `serde(default)`s:
    /// a later version of the rule reads what this one wrote.
    pub fn state<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StateError> {
        read_json(key, self.host.state_get(key)?)
    }

    /// Keeps a value as JSON.
    pub fn set_state<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), StateError> {
        let octets = write_json(key, value)?;
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

    /// The integer that [`increment`](Self::increment) counts; 0 where nothing was counted.
    pub fn count(&self, key: &str) -> Result<i64, StateError> {
        read_integer(key, self.host.state_get(key)?)
    }

    /// A page of at most 100 keys in octet order, and the cursor of the next page.
    pub fn list_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<Page, StateError> {
        self.host.state_list_keys(prefix, cursor)
    }

    /// All keys with this prefix, in octet order.
    pub fn keys(&self, prefix: &str) -> Result<Vec<String>, StateError> {
        all_pages(|cursor| self.host.state_list_keys(prefix, cursor))
    }
}

/// State that all devices of this rule share. A call reads its own writes. What it read is checked when it commits:
/// if another device has changed it by then, the host runs the call again, unseen by the rule.
impl Context<'_> {
    /// A JSON value, as [`set_shared`](Self::set_shared) wrote it.
    pub fn shared<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, StateError> {
        read_json(key, self.host.shared_get(key)?)
    }

    /// Keeps a value as JSON.
    pub fn set_shared<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), StateError> {
        let octets = write_json(key, value)?;
        self.host.shared_set(key, &octets)
    }

    pub fn shared_bytes(&self, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        self.host.shared_get(key)
    }

    pub fn set_shared_bytes(&mut self, key: &str, value: &[u8]) -> Result<(), StateError> {
        self.host.shared_set(key, value)
    }

    pub fn delete_shared(&mut self, key: &str) -> Result<(), StateError> {
        self.host.shared_delete(key)
    }

    /// Adds to an integer without reading it, so that busy counters do not conflict. The sum wraps around.
    pub fn add_shared(&mut self, key: &str, delta: i64) -> Result<(), StateError> {
        self.host.shared_add(key, delta)
    }

    /// The integer to which [`add_shared`](Self::add_shared) adds; 0 where nothing was added.
    pub fn shared_count(&self, key: &str) -> Result<i64, StateError> {
        read_integer(key, self.host.shared_get(key)?)
    }

    /// A page of at most 100 keys in octet order, and the cursor of the next page.
    pub fn list_shared_keys(&self, prefix: &str, cursor: Option<&str>) -> Result<Page, StateError> {
        self.host.shared_list_keys(prefix, cursor)
    }

    /// All keys with this prefix, in octet order.
    pub fn shared_keys(&self, prefix: &str) -> Result<Vec<String>, StateError> {
        all_pages(|cursor| self.host.shared_list_keys(prefix, cursor))
    }
}

/// One-shot timers of this device under this rule, by name. What is cancelled or replaced never fires.
impl Context<'_> {
    /// Sets a timer, or sets it anew; [`TimerHandler`](crate::TimerHandler) is called when it is due. At most 366
    /// days, with a payload of at most 4 KiB.
    pub fn set_timer(&mut self, name: &str, delay: Duration, payload: impl AsRef<[u8]>) -> Result<(), TimerError> {
        self.host.timer_set(name, millis(delay), payload.as_ref())
    }

    /// With a payload that [`Timer::json`](crate::Timer::json) reads.
    pub fn set_timer_json<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        delay: Duration,
        value: &T,
    ) -> Result<(), Failure> {
        let payload = serde_json::to_vec(value).map_err(JsonError::from)?;
        Ok(self.set_timer(name, delay, payload)?)
    }

    /// Whether it was set.
    pub fn cancel_timer(&mut self, name: &str) -> Result<bool, TimerError> {
        self.host.timer_cancel(name)
    }
}

fn read_json<T: DeserializeOwned>(key: &str, octets: Option<Vec<u8>>) -> Result<Option<T>, StateError> {
    let Some(octets) = octets else { return Ok(None) };
    serde_json::from_slice(&octets).map(Some).map_err(|error| StateError::Unreadable(format!("{key}: {error}")))
}

fn write_json<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<Vec<u8>, StateError> {
    serde_json::to_vec(value).map_err(|error| StateError::Unreadable(format!("{key}: {error}")))
}

fn read_integer(key: &str, octets: Option<Vec<u8>>) -> Result<i64, StateError> {
    let Some(octets) = octets else { return Ok(0) };
    let no_integer = |_| StateError::Unreadable(format!("{key} is not an integer of 8 octets"));
    octets.try_into().map(i64::from_le_bytes).map_err(no_integer)
}

fn all_pages(page: impl Fn(Option<&str>) -> Result<Page, StateError>) -> Result<Vec<String>, StateError> {
    let (mut keys, mut cursor) = page(None)?;
    while let Some(after) = cursor {
        let (more, next) = page(Some(&after))?;
        keys.extend(more);
        cursor = next;
    }
    Ok(keys)
}
