//! What the firewall refused: counted by its reason, and told to the customer in its history.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::House;
use super::judging::Trial;
use crate::firewall::{Kind, Refusal};
use crate::message::{Content, Message, Timestamp};
use crate::metrics::Reached;
use crate::slots::Slots;
use crate::timeline::{Direction, Received};

/// Refused messages of a customer that its history has of one second; the others are counted only. A flood makes
/// three million rows a day at most, which `[history]` bounds as it does all others.
const TOLD_PER_SEC: u64 = 5;
/// Octets of such a message that are kept: what two SMS have.
const TOLD_OCTETS: usize = 280;
/// Bits of a count below its second.
const COUNT_BITS: u32 = 8;

/// How many of each customer were told in the present second.
#[derive(Default)]
pub struct Refusals(Slots<AtomicU64>);

impl Refusals {
    /// One more of this customer may be told of.
    fn has_room(&self, customer: usize, now: Timestamp) -> bool {
        let this_second = now.0 / 1_000 << COUNT_BITS;
        let next = |told: u64| {
            let told = if told >> COUNT_BITS == now.0 / 1_000 { told } else { this_second };
            (told - this_second < TOLD_PER_SEC).then_some(told + 1)
        };
        self.0.at(customer).fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).is_ok()
    }
}

pub fn direction(kind: Kind) -> Direction {
    match kind {
        Kind::Mo => Direction::Mo,
        Kind::Mt | Kind::P2p => Direction::Mt,
    }
}

impl House {
    pub(super) fn refused(&self, trial: &Trial<'_, '_>, refusal: &Refusal, (message, by): (&Message, &Arc<str>)) {
        let Some(customer) = trial.customer() else { return };
        let Some(index) = self.directory().customer_named(&customer.id) else { return };
        let (direction, now) = (direction(trial.kind), message.received_at);
        self.metrics.count(index, direction, Reached::Refused);
        self.metrics.count_refused(index, refusal.reason);
        if !self.refusals.has_room(index.0, now) {
            return;
        }
        let octets = &message.content.octets;
        let octets = Bytes::copy_from_slice(&octets[..octets.len().min(TOLD_OCTETS)]);
        let content = Content { octets, tlvs: Vec::new(), ..message.content.clone() };
        let message = Message { content, ..message.clone() };
        let received = Received { direction, by: (**by).into(), cause: None, message, due: now, tag: Box::default() };
        self.store.tell_refused(&customer.id, received, refusal.reason.code());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_flood_a_few_each_second_are_told_for_each_customer() {
        let refusals = Refusals::default();
        let told = |customer, at| (0..1_000).filter(|_| refusals.has_room(customer, Timestamp(at))).count();
        assert_eq!((told(0, 1_700_000_000_000), told(0, 1_700_000_000_999)), (5, 0));
        assert_eq!((told(1, 1_700_000_000_999), told(0, 1_700_000_001_000)), (5, 5));
    }
}
