//! What the history is told. Where none is kept, nothing is made for it.

use super::House;
use crate::message::{MessageId, Timestamp};
use crate::store::Change;
use crate::store::keys::Partition;
use crate::timeline::Event;
use crate::tracking::Tracked;

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
