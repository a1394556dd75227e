//! When rows of the history and of feeds are over: those of customers whose history is over sooner than that of others go out
//! of the runs, and in a quiet house what is over may not have come to a run yet.

use std::collections::BTreeMap;
use std::io;

use super::Store;
use super::feed;
use super::history::{NUMBER_BITS, first_of};
use super::keys::{self, Key, Partition};
use super::tables::Tables;
use crate::message::{MessageId, Timestamp};

/// Whose history is over, and which part of it: by customer, the first message that stays.
#[derive(Debug, Default)]
pub struct Over(BTreeMap<Box<str>, MessageId>);

impl Over {
    /// What came before this is over for this customer.
    pub fn add(&mut self, customer: &str, before: Timestamp) {
        self.0.insert(customer.into(), first_of(before.0));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of the key of a row of the history.
    pub(super) fn has(&self, key: &[u8]) -> bool {
        let first = keys::name(key).and_then(|customer| self.0.get(customer));
        first.zip(keys::message_of_history(key)).is_some_and(|(first, id)| id < *first)
    }

    /// Where events stand that are over, if there are any.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (Key, Key)> {
        self.0
            .iter()
            .map(|(customer, first)| keys::history_range(Partition::of(customer), customer, (Some(*first), None)))
    }
}

/// When what a row of the history or of a feed tells happened, in milliseconds since 1970: its number begins with that.
pub(super) fn happened_ms(key: &[u8]) -> Option<u64> {
    let of_message = || keys::message_of_history(key).map(|id| id.event);
    let of_feed = || feed::parts(key).map(|(_, id)| id.0);
    keys::history_number(key).or_else(of_message).or_else(of_feed).map(|number| number >> NUMBER_BITS)
}

impl Store {
    /// Ends what is over in the history that has been checkpointed; what is younger than that waits for the next time.
    pub fn forget_history(&self, over: &Over) -> io::Result<()> {
        let youngest_ms = over.0.values().map(|first| first.event >> NUMBER_BITS).max().unwrap_or_default();
        self.move_on(|tables| tables.oldest_history_ms(), youngest_ms);
        let base = self.inner.lock().tables.base();
        base.forget(over)
    }

    /// Asks for a checkpoint when something from before this time is in memory still: it goes out of the runs only.
    pub(super) fn move_on(&self, oldest_ms: impl Fn(&Tables) -> Option<u64>, before_ms: u64) {
        let mut inner = self.inner.lock();
        if oldest_ms(&inner.tables).is_some_and(|oldest_ms| oldest_ms < before_ms) {
            inner.wants_checkpoint = true;
            drop(inner);
            self.work.notify_all();
        }
    }
}

#[cfg(test)]
mod tests;
