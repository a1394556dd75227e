//! Timers of rules: when the next one is due, and making events of those that are.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::House;
use crate::message::Timestamp;
use crate::store::Store;
use crate::store::keys::Partition;

/// Timers of one partition that fire in one batch; then others have a turn.
const FIRE_MAX: usize = 500;

/// When the first timer of each partition is due, or earlier.
pub struct Timers {
    next: Mutex<Vec<Option<Timestamp>>>,
    /// An earlier one was set, or the house closes.
    changed: Condvar,
}

impl Timers {
    pub fn recover(store: &Store) -> io::Result<Timers> {
        let next = Partition::all().map(|partition| store.first_alarm(partition)).collect::<io::Result<_>>()?;
        Ok(Timers { next: Mutex::new(next), changed: Condvar::new() })
    }

    /// One was set in this partition. The store has it already.
    pub fn set(&self, partition: Partition, due: Timestamp) {
        let mut next = self.next.lock();
        let first = next.iter().flatten().min().copied();
        let slot = &mut next[usize::from(partition.0)];
        if slot.is_none_or(|before| due < before) {
            *slot = Some(due);
            if first.is_none_or(|first| due < first) {
                self.changed.notify_all();
            }
        }
    }
}

/// Makes events of what is due. Yields when the next timer is; now, if there is more.
pub fn fire_timers(house: &Arc<House>, now: Timestamp) -> io::Result<Option<Timestamp>> {
    let is_due = |due: &Option<Timestamp>| due.is_some_and(|due| due <= now);
    let partitions: Vec<Partition> = {
        let next = house.timers.next.lock();
        Partition::all().filter(|partition| is_due(&next[usize::from(partition.0)])).collect()
    };
    for partition in partitions {
        // Held until its next one is written down: what is set meanwhile comes before or after both.
        let mut next = house.timers.next.lock();
        let fired = house.store.fire(partition, now, FIRE_MAX)?;
        next[usize::from(partition.0)] = fired.next;
        drop(next);
        let found = fired.events.iter().filter_map(|(number, record)| house.found(partition, *number, record));
        house.run_arrived(found.collect(), now);
    }
    Ok(house.timers.next.lock().iter().flatten().min().copied())
}

impl House {
    /// Until an earlier timer is set, or `at_most` this long.
    pub fn wait_for_timers(&self, at_most: Duration) {
        let mut next = self.timers.next.lock();
        self.timers.changed.wait_for(&mut next, at_most);
    }

    /// Wakes whoever waits so.
    pub fn wake_timers(&self) {
        self.timers.changed.notify_all();
    }
}
