//! `[dead_letters]`: how long what nobody could process or deliver is kept for its owner.

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeadLetters {
    /// Days that one is kept.
    pub days: u32,
    /// As many are kept of each customer; beyond, the oldest go.
    pub count_max: usize,
}

impl Default for DeadLetters {
    fn default() -> DeadLetters {
        DeadLetters { days: 30, count_max: 10_000 }
    }
}

impl DeadLetters {
    pub fn keep_ms(&self) -> u64 {
        u64::from(self.days) * 86_400_000
    }
}
