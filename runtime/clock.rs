//! The only place that asks what time it is.
//!
//! [`Timestamp`] is what gets stored; [`Instant`](std::time::Instant) drives timers. Everything below the
//! edges takes either as an argument, so that tests and the simulator bring their own time.
#![expect(clippy::disallowed_methods, reason = "the one place that may")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::message::Timestamp;

/// Wall-clock time, milliseconds since 1970-01-01T00:00Z.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(since.as_millis() as u64)
}

/// Monotonic time, for timers.
pub fn instant() -> Instant {
    Instant::now()
}

/// CPU time that this thread has used since it began.
pub fn thread_cpu() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(used.tv_sec.unsigned_abs(), used.tv_nsec.unsigned_abs() as u32)
}
