//! `config`: the rule's settings and secrets.

use super::Call;
use crate::plugin::bindings::wasmsc::plugin::config::Host;

impl Host for Call {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        Ok(self.rule.config.get(&key).cloned())
    }

    fn secret(&mut self, name: String) -> wasmtime::Result<Option<String>> {
        Ok(self.rule.secrets.get(&name).cloned())
    }
}
