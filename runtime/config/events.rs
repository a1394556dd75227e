//! `[events]`: how long a customer can be told what happened, by `GET /v1/events` and by webhooks.

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Events {
    /// Hours that an event is kept at least; 0 keeps none, which costs nothing. Without it 24 where there is an API, since
    /// whoever comes to need events needs those of before, and 0 without one, since nobody could ask.
    pub hours: Option<u32>,
    /// Octets on disk above which the oldest go all the same.
    pub octets_max: u64,
}

impl Default for Events {
    fn default() -> Events {
        Events { hours: None, octets_max: 4 << 30 }
    }
}

/// Of a server with an API.
const USUAL_HOURS: u32 = 24;

impl Events {
    pub fn keep_ms(&self, has_api: bool) -> u64 {
        let hours = self.hours.unwrap_or(if has_api { USUAL_HOURS } else { 0 });
        u64::from(hours) * 3_600_000
    }
}
