//! `config`: the rule's settings.

use super::Call;
use crate::plugin::bindings::wasmsc::plugin::config::Host;

impl Host for Call {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        Ok(self.rule.config.get(&key).cloned())
    }
}
