//! `device`: who this event is about.

use super::Call;
use crate::plugin::bindings::wasmsc::plugin::device::Host;

impl Host for Call {
    fn msisdn(&mut self) -> wasmtime::Result<String> {
        Ok(self.device.to_string())
    }
}
