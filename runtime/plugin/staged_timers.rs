//! The timers of a device as a call sees and changes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::invocation::{AHEAD_MAX_MS, KEY_OCTETS, PAYLOAD_OCTETS, StateView};
use crate::message::{Address, MessageId, Timestamp};
use crate::occasion::{Occasion, TimerChange, TimerSet};

/// Why a timer was not set. `interfaces::timers` turns it into the contract's `timer-error`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimerError {
    #[error("the device has as many timers as it may, or the name or the payload is too long")]
    QuotaExceeded,
    #[error("a timer may lie 366 days ahead")]
    TooFar,
    #[error("{0}")]
    Store(String),
}

pub struct StagedTimers {
    committed: Arc<dyn StateView>,
    changed: BTreeMap<String, TimerChange>,
    event: MessageId,
    now: Timestamp,
    /// From which what follows from a timer is answered.
    number: Address,
    max: usize,
    /// Settings so far: each gets an id of its own.
    settings: u16,
}

impl StagedTimers {
    /// The timer that the call is for is gone as it begins.
    pub fn new(
        committed: Arc<dyn StateView>,
        (event, now): (MessageId, Timestamp),
        (occasion, number): (&Occasion, &Address),
        max: usize,
    ) -> StagedTimers {
        let mut changed = BTreeMap::new();
        if let Occasion::Timer(fired) = occasion {
            let before = Some(TimerSet { id: fired.id, due: fired.due_at });
            changed.insert(fired.name.to_string(), TimerChange::Gone { before });
        }
        StagedTimers { committed, changed, event, now, number: number.clone(), max, settings: 0 }
    }

    pub fn set(&mut self, name: &str, delay_ms: u64, payload: Vec<u8>) -> Result<(), TimerError> {
        let is_named = (1..=KEY_OCTETS).contains(&name.len());
        if !is_named || payload.len() > PAYLOAD_OCTETS || self.settings == u16::MAX {
            return Err(TimerError::QuotaExceeded);
        }
        if delay_ms > AHEAD_MAX_MS {
            return Err(TimerError::TooFar);
        }
        let before = self.before(name)?;
        let is_set = match self.changed.get(name) {
            Some(change) => matches!(change, TimerChange::Set { .. }),
            None => before.is_some(),
        };
        if !is_set && self.count()? >= self.max {
            return Err(TimerError::QuotaExceeded);
        }
        self.settings += 1;
        let now = TimerSet { id: self.event.effect(self.settings), due: self.now.plus_ms(delay_ms) };
        let change = TimerChange::Set { before, now, payload: payload.into(), number: self.number.clone() };
        self.changed.insert(name.to_owned(), change);
        Ok(())
    }

    /// Whether it was set.
    pub fn cancel(&mut self, name: &str) -> Result<bool, TimerError> {
        let before = self.before(name)?;
        let was_set = match self.changed.get(name) {
            Some(change) => matches!(change, TimerChange::Set { .. }),
            None => before.is_some(),
        };
        if was_set {
            self.changed.insert(name.to_owned(), TimerChange::Gone { before });
        }
        Ok(was_set)
    }

    pub fn into_changes(self) -> Vec<(String, TimerChange)> {
        self.changed.into_iter().collect()
    }

    /// As earlier calls left it.
    fn before(&self, name: &str) -> Result<Option<TimerSet>, TimerError> {
        match self.changed.get(name) {
            Some(TimerChange::Set { before, .. } | TimerChange::Gone { before }) => Ok(*before),
            None => self.committed.timer(name).map_err(|error| TimerError::Store(error.to_string())),
        }
    }

    /// Timers that the device would have if the call ended now, counted no further than it takes to say "too many".
    fn count(&self) -> Result<usize, TimerError> {
        let committed = self.committed.timers(self.max + 1 + self.changed.len());
        let mut count = committed.map_err(|error| TimerError::Store(error.to_string()))?;
        for change in self.changed.values() {
            match change {
                TimerChange::Set { before: None, .. } => count += 1,
                TimerChange::Gone { before: Some(_) } => count = count.saturating_sub(1),
                _ => {}
            }
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::occasion::FiredTimer;
    use crate::plugin::committed::Committed;

    const EVENT: MessageId = MessageId { event: 9, index: 0 };

    fn staged(names: &[&str], occasion: &Occasion, max: usize) -> StagedTimers {
        let set = |name: &&str| (name.to_string(), TimerSet { id: MessageId::accepted(1), due: Timestamp(5) });
        let committed = Arc::new(Committed { timers: names.iter().map(set).collect(), ..Committed::default() });
        let number = Address::ShortCode("7001".into());
        StagedTimers::new(committed, (EVENT, Timestamp(1_000)), (occasion, &number), max)
    }

    #[test]
    fn a_call_sees_the_timers_that_it_set_and_cancelled() {
        let mut timers = staged(&["old"], &Occasion::Mo, 8);
        assert_eq!(timers.cancel("new"), Ok(false));
        timers.set("new", 500, b"p".to_vec()).expect("fits");
        assert_eq!((timers.cancel("new"), timers.cancel("new")), (Ok(true), Ok(false)));
        assert_eq!((timers.cancel("old"), timers.cancel("old")), (Ok(true), Ok(false)));
        let before = Some(TimerSet { id: MessageId::accepted(1), due: Timestamp(5) });
        let gone = |name: &str, before| (name.to_owned(), TimerChange::Gone { before });
        assert_eq!(timers.into_changes(), [gone("new", None), gone("old", before)]);
    }

    #[test]
    fn a_device_has_so_many_timers_and_setting_one_again_takes_no_more_room() {
        let mut timers = staged(&["a", "b"], &Occasion::Mo, 3);
        timers.set("c", 1, Vec::new()).expect("the third");
        assert_eq!(timers.set("d", 1, Vec::new()), Err(TimerError::QuotaExceeded));
        timers.set("a", 1, Vec::new()).expect("it is there already");
        timers.cancel("b").expect("readable");
        timers.set("d", 1, Vec::new()).expect("there is room again");
        assert_eq!(timers.set("b", 1, Vec::new()), Err(TimerError::QuotaExceeded));
    }

    #[test]
    fn the_timer_that_a_call_is_for_is_gone_and_can_be_set_again() {
        let fired =
            FiredTimer { name: "t".into(), id: MessageId::accepted(1), due_at: Timestamp(5), payload: Bytes::new() };
        let occasion = Occasion::Timer(Box::new(fired));
        let mut timers = staged(&["t"], &occasion, 1);
        assert_eq!(timers.cancel("t"), Ok(false));
        let mut again = staged(&["t"], &occasion, 1);
        again.set("t", 7, Vec::new()).expect("its place is its own");
        match &again.into_changes()[..] {
            [(_, TimerChange::Set { now, .. })] => assert_eq!((now.due, now.id), (Timestamp(1_007), EVENT.effect(1))),
            other => panic!("{other:?}"),
        }
        assert_eq!(timers.into_changes().len(), 1, "a call that does nothing still ends it");
    }

    #[test]
    fn names_payloads_and_delays_have_limits() {
        let mut timers = staged(&[], &Occasion::Mo, 3);
        assert_eq!(timers.set("", 1, Vec::new()), Err(TimerError::QuotaExceeded));
        assert_eq!(timers.set(&"n".repeat(129), 1, Vec::new()), Err(TimerError::QuotaExceeded));
        assert_eq!(timers.set("n", 1, vec![0; PAYLOAD_OCTETS + 1]), Err(TimerError::QuotaExceeded));
        assert_eq!(timers.set("n", AHEAD_MAX_MS + 1, Vec::new()), Err(TimerError::TooFar));
        assert_eq!(timers.set("n", AHEAD_MAX_MS, vec![0; PAYLOAD_OCTETS]), Ok(()));
    }
}
