//! `shared-state`: what all devices of the rule share.

use super::Call;
use super::state::into_wit;
use crate::plugin::bindings::wasmsc::plugin::shared_state::Host;
use crate::plugin::bindings::wasmsc::plugin::state_types::{KeyPage, StateError as WitError};

impl Host for Call {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, WitError>> {
        Ok(self.shared.get(&key).map_err(into_wit))
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), WitError>> {
        Ok(self.shared.set(&key, value).map_err(into_wit))
    }

    fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), WitError>> {
        Ok(self.shared.delete(&key).map_err(into_wit))
    }

    fn add(&mut self, key: String, delta: i64) -> wasmtime::Result<Result<(), WitError>> {
        Ok(self.shared.add(&key, delta).map_err(into_wit))
    }

    fn list_keys(&mut self, prefix: String, cursor: Option<String>) -> wasmtime::Result<Result<KeyPage, WitError>> {
        let page = self.shared.list(&prefix, cursor.as_deref());
        Ok(page.map(|(keys, cursor)| KeyPage { keys, cursor }).map_err(into_wit))
    }
}
