//! `state`: what the rule keeps about this device.

use super::Call;
use crate::plugin::bindings::wasmsc::plugin::state::Host;
use crate::plugin::bindings::wasmsc::plugin::state_types::{self, KeyPage, StateError as WitError};
use crate::plugin::staged_state::StateError;

impl state_types::Host for Call {}

impl Host for Call {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, WitError>> {
        Ok(self.state.get(&key).map_err(into_wit))
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), WitError>> {
        Ok(self.state.set(&key, value).map_err(into_wit))
    }

    fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), WitError>> {
        Ok(self.state.delete(&key).map_err(into_wit))
    }

    fn increment(&mut self, key: String, delta: i64) -> wasmtime::Result<Result<i64, WitError>> {
        Ok(self.state.increment(&key, delta).map_err(into_wit))
    }

    fn list_keys(&mut self, prefix: String, cursor: Option<String>) -> wasmtime::Result<Result<KeyPage, WitError>> {
        let page = self.state.list(&prefix, cursor.as_deref());
        Ok(page.map(|(keys, cursor)| KeyPage { keys, cursor }).map_err(into_wit))
    }
}

pub(super) fn into_wit(error: StateError) -> WitError {
    match error {
        StateError::InvalidKey => WitError::InvalidKey,
        StateError::ValueTooLarge => WitError::ValueTooLarge,
        StateError::QuotaExceeded => WitError::QuotaExceeded,
        other => WitError::Other(other.to_string()),
    }
}
