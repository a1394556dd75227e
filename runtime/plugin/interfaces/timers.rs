//! `timers`: one-shot timers of this device.

use super::Call;
use crate::plugin::bindings::wasmsc::plugin::timers::{Host, TimerError as WitError};
use crate::plugin::staged_timers::TimerError;

impl Host for Call {
    fn set(&mut self, name: String, delay_ms: u64, payload: Vec<u8>) -> wasmtime::Result<Result<(), WitError>> {
        Ok(self.timers.set(&name, delay_ms, payload).map_err(into_wit))
    }

    fn cancel(&mut self, name: String) -> wasmtime::Result<Result<bool, WitError>> {
        Ok(self.timers.cancel(&name).map_err(into_wit))
    }
}

fn into_wit(error: TimerError) -> WitError {
    match error {
        TimerError::QuotaExceeded => WitError::QuotaExceeded,
        TimerError::TooFar => WitError::TooFar,
        TimerError::Store(why) => WitError::Other(why),
    }
}
