//! Counts what messages have come to, for whoever looks after the house.

use wasmsc_smpp::EsmClass;
use wasmsc_smpp::receipt::MessageState;

use super::House;
use super::history::direction_of;
use super::judging::Trial;
use super::refusals::direction;
use crate::metrics::Reached;
use crate::route::CustomerIndex;
use crate::store::{NewMessage, Place, Queued};
use crate::timeline::Direction;
use crate::tracking::Tracked;

/// Messages that are about to enter.
pub struct Entering(Vec<(CustomerIndex, Direction)>);

impl Entering {
    /// A part is no message yet.
    pub fn of(house: &House, list: &[NewMessage]) -> Entering {
        let one = |new: &NewMessage| {
            let direction = match &new.place {
                Place::Inbox { .. } | Place::Pickup { .. } | Place::Ended => Direction::Mo,
                Place::Outbox(waiting) | Place::Reply(waiting) => {
                    if waiting.to_application {
                        Direction::Mo
                    } else {
                        Direction::Mt
                    }
                }
                Place::Part { .. } => return None,
            };
            Some((house.directory().customer_named(&new.customer)?, direction))
        };
        Entering(list.iter().filter_map(one).collect())
    }

    pub fn count(self, house: &House) {
        self.0
            .into_iter()
            .for_each(|(customer, direction)| house.metrics.count(customer, direction, Reached::Accepted));
    }
}

impl House {
    pub(super) fn count_message(&self, customer: &str, direction: Direction, reached: Reached) {
        if let Some(customer) = self.directory().customer_named(customer) {
            self.metrics.count(customer, direction, reached);
        }
    }

    /// One that the firewall would have let pass. What is nobody's counts for nobody.
    pub(super) fn count_refused(&self, trial: &Trial<'_, '_>) {
        if let Some(customer) = trial.customer() {
            self.count_message(&customer.id, direction(trial.kind), Reached::Refused);
        }
    }

    /// Receipts to applications are no messages.
    pub(super) fn count_queued(&self, queued: &Queued, reached: Reached) {
        let direction = direction_of(queued);
        let is_receipt = EsmClass(queued.record.message.content.esm_class).message_type() != 0;
        if direction == Direction::Mt || !is_receipt {
            self.count_message(&queued.record.customer, direction, reached);
        }
    }

    /// What the network said in the end.
    pub(super) fn count_end(&self, tracked: &Tracked) {
        let reached = match tracked.state() {
            _ if !tracked.is_final() => return,
            MessageState::Delivered => Reached::Delivered,
            MessageState::Expired => Reached::Expired,
            MessageState::Undeliverable | MessageState::Rejected => Reached::Undeliverable,
            _ => return,
        };
        self.count_message(&tracked.customer, Direction::Mt, reached);
    }

    /// MOs that wait for a customer's rules.
    pub fn mos_waiting_of(&self, customer: CustomerIndex) -> usize {
        self.waiting.at(customer.0).load(std::sync::atomic::Ordering::Relaxed)
    }
}
