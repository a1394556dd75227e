//! `outbox`: messages that leave after the commit.

use super::Call;
use crate::message::Address;
use crate::plugin::bindings::wasmsc::plugin::outbox::{Body as WitBody, Host, SendError as WitError};
use crate::plugin::outbox::{Body, SendError};

impl Host for Call {
    fn reply(&mut self, body: WitBody) -> wasmtime::Result<Result<String, WitError>> {
        let device = self.device.clone();
        Ok(self.take(device, body))
    }

    fn send(&mut self, to: String, body: WitBody) -> wasmtime::Result<Result<String, WitError>> {
        Ok(match Address::parse(&to) {
            Ok(address) => self.take(address, body),
            Err(_) => Err(WitError::InvalidAddress),
        })
    }
}

impl Call {
    fn take(&mut self, to: Address, body: WitBody) -> Result<String, WitError> {
        let body = match body {
            WitBody::Text(text) => Body::Text(text),
            WitBody::Binary(octets) => Body::Binary(octets),
        };
        self.outbox.send(to, body).map(|id| id.to_string()).map_err(|error| match error {
            SendError::NotPermitted(why) => WitError::NotPermitted(why),
            SendError::TooLong => WitError::TooLong,
            SendError::QuotaExceeded => WitError::QuotaExceeded,
        })
    }
}
