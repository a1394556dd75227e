//! `[retry]`: when a message is tried again, by the kind of error that stopped it.

use serde::Deserialize;

/// Pauses in seconds before the second attempt, the third, …; the last one repeats until the message
/// expires. An empty list gives up at once.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// The peer will never take it: wrong address, refused content.
    pub permanent: Vec<u64>,
    /// The peer cannot take it now.
    pub temporary: Vec<u64>,
    /// The peer says that we are above its rate or that its queue is full: pauses of the whole link, so that order
    /// is kept. They are no attempts, and what was refused goes first afterwards.
    pub throttled: Vec<u64>,
    /// The device is off or out of reach. An MO of the device or an alert_notification ends the pause.
    pub absent: Vec<u64>,
    /// No response in time.
    pub no_response: Vec<u64>,
}

impl Default for Retry {
    fn default() -> Retry {
        let (minute, hour) = (60, 3_600);
        Retry {
            permanent: vec![],
            temporary: vec![1, 5, 15, minute, 5 * minute],
            throttled: vec![1, 1, 2, 5, 10, 30],
            absent: vec![minute, 5 * minute, 15 * minute, hour, 3 * hour],
            no_response: vec![0, 1, 5, 15, minute],
        }
    }
}
