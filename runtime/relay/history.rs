//! What the history is told. Where none is kept, nothing is made for it.

use std::io;

use super::House;
use crate::message::{MessageId, Timestamp};
use crate::store::keys::Partition;
use crate::store::{Change, Over};
use crate::timeline::Event;
use crate::tracking::Tracked;

/// Runs are written again for what is over: once a day, and not for every hour of it.
const DAY_MS: u64 = 86_400_000;

/// Ends the history of customers for whom it is over sooner than for others. What is over for all goes as a whole, see
/// `Store::prune`.
pub(super) fn forget(house: &House, now: Timestamp) -> io::Result<()> {
    let directory = house.directory();
    let longest = directory.retention_max_ms();
    let mut over = Over::default();
    for (_, customer) in directory.customers() {
        let keep_ms = customer.retention_ms.unwrap_or(directory.retention_ms);
        if keep_ms < longest {
            over.add(&customer.id, Timestamp(now.0.saturating_sub(keep_ms) / DAY_MS * DAY_MS));
        }
    }
    if over.is_empty() || !house.store.keeps_history() { Ok(()) } else { house.store.forget_history(&over) }
}

impl House {
    pub(super) fn happened(
        &self,
        (partition, id): (Partition, MessageId),
        customer: &str,
        now: Timestamp,
        event: impl FnOnce() -> Event,
    ) -> Option<Change> {
        self.store.keeps_history().then(|| Change::Happened(partition, customer.into(), id, now, event()))
    }

    /// Of a message that has come to its end.
    pub(super) fn ended(&self, row: (Partition, MessageId), tracked: &Tracked, now: Timestamp) -> Option<Change> {
        let event = || Event::Ended { state: tracked.state().octet(), error: tracked.error };
        self.happened(row, &tracked.customer, now, event)
    }
}

#[cfg(test)]
mod tests;
