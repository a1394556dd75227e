//! When a message that was not taken is tried again: by the kind of error and how often it failed.
//!
//! Pure. `link::translate` says which kind a peer's `command_status` is; `relay` asks here when.

use crate::config::Retry;
use crate::message::Timestamp;

/// Kinds of failure; each has its row in the config's `[retry]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorClass {
    NoResponse,
    Throttled,
    Temporary,
    /// The device is off or out of reach.
    Absent,
    Permanent,
}

/// Milliseconds until the attempt after `attempts` that failed; None: not again.
pub fn pause_ms(table: &Retry, class: ErrorClass, attempts: u32) -> Option<u64> {
    let row = match class {
        ErrorClass::NoResponse => &table.no_response,
        ErrorClass::Throttled => &table.throttled,
        ErrorClass::Temporary => &table.temporary,
        ErrorClass::Absent => &table.absent,
        ErrorClass::Permanent => &table.permanent,
    };
    let last = row.len().checked_sub(1)?;
    let index = usize::try_from(attempts).map_or(last, |attempts| attempts.min(last));
    Some(row[index].saturating_mul(1_000))
}

/// The time of the next attempt, or None when there is none. A message that would wait longer than it lives
/// waits until then, and ends.
pub fn next_attempt(
    table: &Retry,
    class: ErrorClass,
    attempts: u32,
    now: Timestamp,
    expires: Timestamp,
) -> Option<Timestamp> {
    let due = now.plus_ms(pause_ms(table, class, attempts)?);
    (now < expires).then_some(due.min(expires))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_its_own_row_and_the_last_pause_repeats() {
        let table = Retry { temporary: vec![1, 5], permanent: vec![], ..Retry::default() };
        let pauses: Vec<_> = (0..4).map(|n| pause_ms(&table, ErrorClass::Temporary, n)).collect();
        assert_eq!(pauses, [Some(1_000), Some(5_000), Some(5_000), Some(5_000)]);
        assert_eq!(pause_ms(&table, ErrorClass::Permanent, 0), None);
    }

    #[test]
    fn no_pause_is_longer_than_the_message_lives() {
        let table = Retry { absent: vec![3_600], ..Retry::default() };
        let at = |now| next_attempt(&table, ErrorClass::Absent, 0, Timestamp(now), Timestamp(5_000));
        assert_eq!(at(1_000), Some(Timestamp(5_000)));
        assert_eq!(at(5_000), None);
    }
}
