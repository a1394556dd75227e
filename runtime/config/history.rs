//! `[history]`: how long what happened to messages can be looked up. What it costs is in docs/PERFORMANCE.md.

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct History {
    /// Days that it is kept at least; 0 keeps none, which costs nothing.
    pub days: u32,
    /// Octets on disk above which the oldest goes all the same.
    pub octets_max: u64,
}

impl Default for History {
    fn default() -> History {
        History { days: 0, octets_max: 4 << 30 }
    }
}

impl History {
    pub fn is_kept(&self) -> bool {
        self.days > 0
    }

    pub fn keep_ms(&self) -> u64 {
        u64::from(self.days) * 86_400_000
    }
}
