//! `device`: who this event is about, and what its customer registered of it.

use super::Call;
use crate::device::Device;
use crate::plugin::bindings::wasmsc::plugin::device::Host;

impl Call {
    /// Read when a rule asks first, and then the same to the end of the call; nothing where it is not registered.
    pub(in crate::plugin) fn registered(&self) -> wasmtime::Result<&Device> {
        if let Some(device) = self.registered.get() {
            return Ok(device);
        }
        let device = self.state.view().device()?;
        Ok(self.registered.get_or_init(|| device.unwrap_or_default()))
    }
}

impl Host for Call {
    fn msisdn(&mut self) -> wasmtime::Result<String> {
        Ok(self.device.to_string())
    }

    fn attribute(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        Ok(self.registered()?.attributes.get(&key).cloned())
    }

    fn tags(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(self.registered()?.tags.iter().cloned().collect())
    }
}
