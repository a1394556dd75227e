//! `[plugins]`: how large a plugin may be, what compiling one may use up, and how long one is kept that no rule uses.
//!
//! A customer's rules are held to the ceilings here; what the operator sets up is not.

use serde::Deserialize;

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plugins {
    /// The longest component that is taken; a longer one gets 413.
    pub upload_max_mib: usize,
    /// Memory of the process that compiles one.
    pub compile_memory_mib: u64,
    /// CPU time of the process that compiles one, of all its threads together; and how long it may take by the clock, times four.
    pub compile_cpu_secs: u64,
    /// Processes that compile at once; further ones wait.
    pub compile_at_once: usize,
    /// What no rule uses is removed so long after its upload. 0: never.
    pub keep_days: u32,
    /// The largest `deadline_ms` that a customer may give its own rule.
    pub deadline_max_ms: u32,
    /// The largest `memory_mib` that a customer may give its own rule.
    pub memory_max_mib: u32,
}

impl Default for Plugins {
    /// The largest components that people build, of Python or JavaScript, have 20 MB and take 350 MiB and 10 s to compile.
    fn default() -> Plugins {
        Plugins {
            upload_max_mib: 64,
            compile_memory_mib: 1_024,
            compile_cpu_secs: 120,
            compile_at_once: 1,
            keep_days: 30,
            deadline_max_ms: 1_000,
            memory_max_mib: 256,
        }
    }
}
