//! Customers whose history is over sooner than that of others: their rows go out of the runs.

use std::collections::BTreeMap;
use std::io;

use super::Store;
use super::history::first_of;
use super::keys::{self, Key, Partition};
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

impl Store {
    /// Ends what is over in the history that has been checkpointed; what is younger than that waits for the next time.
    pub fn forget_history(&self, over: &Over) -> io::Result<()> {
        let base = self.inner.lock().tables.base();
        base.forget(over)
    }
}
