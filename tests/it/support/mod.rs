//! What integration tests share: a server with rules, an SMPP peer, and the log.

pub mod client;
pub mod log;
pub mod premises;
pub mod process;
pub mod server;

use std::time::Duration;

/// Longest wait for anything that should happen at once; only a failing test waits that long.
pub const PATIENCE: Duration = Duration::from_secs(10);
