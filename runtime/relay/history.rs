//! What the history and the customer's feed are told. Where neither is kept, nothing is made for them.

use std::io;

use super::House;
use crate::feed::{About, Ends, LinkChange};
use crate::message::{MessageId, Timestamp};
use crate::route::Peer;
use crate::store::keys::Partition;
use crate::store::{Change, Over, Queued};
use crate::timeline::{Direction, Event};
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
        event: impl FnOnce() -> (Ends, Event),
    ) -> Option<Change> {
        let is_told = self.store.keeps().any();
        is_told.then(|| Change::Happened(partition, customer.into(), id, now, Box::new(event())))
    }

    /// Of a message that has come to its end.
    pub(super) fn ended(&self, row: (Partition, MessageId), tracked: &Tracked, now: Timestamp) -> Option<Change> {
        let event = || Event::Ended { state: tracked.state().octet(), error: tracked.error };
        self.happened(row, &tracked.customer, now, || (self.ends_of(tracked), event()))
    }

    /// MOs of networks are tracked, too, where their sender wants a receipt.
    pub(super) fn ends_of(&self, tracked: &Tracked) -> Ends {
        let directory = self.directory();
        let sender = directory.peer_named(&tracked.account).map(|index| directory.peer(index));
        let is_mo = sender.is_some_and(|peer| peer.customer.is_none());
        let direction = if is_mo { Direction::Mo } else { Direction::Mt };
        Ends::new(direction, &tracked.source, &tracked.destination)
    }

    /// An account's bind came up, or went. Nobody is told of those that carry devices of all customers.
    pub fn link_changed(&self, peer: &Peer, mode: &str, change: LinkChange, now: Timestamp) {
        let Some(customer) = &peer.customer else { return };
        let about = || About::Link { account: (*peer.name).into(), mode: mode.into(), change };
        if let Err(failed) = self.store.tell(customer, now, about) {
            tracing::debug!(account = &*peer.name, "a link's change is not told: {failed}");
        }
    }
}

/// Of a message that waits for a link.
pub fn ends_of_queued(queued: &Queued) -> Ends {
    Ends::of(direction_of(queued), &queued.record.message)
}

/// Queues of routes have a prefix as their name, those of accounts, where MOs wait for applications, the account's.
pub fn direction_of(queued: &Queued) -> Direction {
    if queued.key.queue.starts_with('+') { Direction::Mt } else { Direction::Mo }
}

#[cfg(test)]
mod tests;
