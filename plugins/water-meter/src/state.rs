//! What is remembered of a meter: one small record, rewritten by each good report.

use serde::{Deserialize, Serialize};
use wasmsc_plugin::{Context, Failure};

use crate::report::{Report, Valve};
use crate::values::Milli;

const KEY: &str = "meter";
const VERSION: u8 = 1;

/// Why a valve stays closed whatever the allowance says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lock {
    #[serde(rename = "L")]
    Leak,
    #[serde(rename = "W")]
    Owner,
}

/// A command that was sent to the meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    #[serde(rename = "s")]
    pub valve: Valve,
    #[serde(rename = "t")]
    pub at_secs: u64,
}

/// One meter. Times are seconds since 1970, volumes litres.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meter {
    #[serde(rename = "v")]
    version: u8,
    #[serde(rename = "t")]
    pub seen_secs: u64,
    #[serde(rename = "l")]
    pub litres: u64,
    #[serde(rename = "f")]
    flow: u64,
    #[serde(rename = "b")]
    battery: u64,
    #[serde(rename = "s")]
    pub valve: Valve,
    /// Which day `used_litres` is of.
    #[serde(rename = "d")]
    pub day: u64,
    #[serde(rename = "u")]
    pub used_litres: u64,
    /// First report of those in a row that had flow.
    #[serde(rename = "fs", default, skip_serializing_if = "Option::is_none")]
    pub flowing_since_secs: Option<u64>,
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Lock>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Sent>,
    /// This rule has throttled or closed the valve and may open it again.
    #[serde(rename = "h", default, skip_serializing_if = "is_false")]
    pub held: bool,
    /// The low battery was told to the operator.
    #[serde(rename = "w", default, skip_serializing_if = "is_false")]
    pub battery_low: bool,
    /// A CLOSE is not confirmed yet, and was sent again so often.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub resent: Option<u8>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Meter {
    /// A meter of which the first report has just come.
    pub fn new(report: &Report, now_secs: u64, day: u64) -> Meter {
        Meter {
            version: VERSION,
            seen_secs: now_secs,
            litres: report.volume.0,
            flow: report.flow.0,
            battery: report.battery.0,
            valve: report.valve,
            day,
            used_litres: 0,
            flowing_since_secs: None,
            lock: None,
            sent: None,
            held: false,
            battery_low: false,
            resent: None,
        }
    }

    pub fn load(cx: &Context<'_>) -> Result<Option<Meter>, Failure> {
        let meter: Option<Meter> = cx.state(KEY)?;
        match meter {
            Some(meter) if meter.version != VERSION => {
                Err(Failure::Reject(format!("state {KEY} is of version {}, not {VERSION}", meter.version)))
            }
            other => Ok(other),
        }
    }

    pub fn store(&self, cx: &mut Context<'_>) -> Result<(), Failure> {
        Ok(cx.set_state(KEY, self)?)
    }

    /// Takes over what the meter measures.
    pub fn set_reading(&mut self, report: &Report, now_secs: u64) {
        self.seen_secs = now_secs;
        self.litres = report.volume.0;
        self.flow = report.flow.0;
        self.battery = report.battery.0;
        self.valve = report.valve;
    }

    pub fn is_leaking(&self) -> bool {
        self.lock == Some(Lock::Leak)
    }

    pub fn volume(&self) -> Milli {
        Milli(self.litres)
    }

    pub fn flow(&self) -> Milli {
        Milli(self.flow)
    }

    pub fn battery(&self) -> Milli {
        Milli(self.battery)
    }
}
