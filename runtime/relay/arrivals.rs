//! Events of rules that are no MOs: they come from what an earlier call of the rule began, or from the API. Each is in
//! the batch of what causes it, and waits for its rule behind the other events of its device.

use std::sync::Arc;

use super::{House, Stored};
use crate::message::{Address, MessageId, Timestamp};
use crate::occasion::{Occasion, RuleReceipt, about};
use crate::route::Directory;
use crate::schedule::{Event, SubjectKey};
use crate::store::keys::Partition;
use crate::store::{Change, Done, InboxRecord};
use crate::tracking::{ForRule, Notice, Tracked};

/// An event that was given its number.
pub struct Arrived {
    key: SubjectKey,
    event: Event,
    customer: Box<str>,
}

impl House {
    /// An event of this rule about this device, to be written with what causes it.
    pub(super) fn arrival(
        &self,
        (customer, rule): (&str, &str),
        (device, number): (Address, Address),
        occasion: Occasion,
        now: Timestamp,
    ) -> (MessageId, Change) {
        let id = self.store.new_event(now);
        let record = InboxRecord::new((customer.into(), rule.into()), occasion, about(device, number, now), false, now);
        (id, Change::Arrive(Partition::of(customer), id.event, Box::new(record)))
    }

    /// Its rule hears what became of a message.
    pub(super) fn receipt_for_rule(&self, id: MessageId, tracked: &Tracked, notice: Notice) -> Option<Change> {
        if notice.is_intermediate {
            return None;
        }
        let ForRule { rule, device, number } = &**tracked.for_rule.as_ref()?;
        let receipt = RuleReceipt {
            message_id: id,
            tag: tracked.tag.clone(),
            recipient: tracked.destination.clone(),
            state: notice.state.octet(),
            error: notice.error,
            done_at: notice.at,
        };
        let ends = (device.clone(), number.clone());
        Some(self.arrival((&tracked.customer, rule), ends, Occasion::Receipt(Box::new(receipt)), notice.at).1)
    }

    /// As `Store::amend`; events among the changes are run.
    pub(super) fn amend(&self, changes: Vec<Change>, done: Option<Done>, now: Timestamp) -> Stored<()> {
        let arrived = self.arrived(&changes);
        self.store.amend(changes, done)?;
        self.run_arrived(arrived, now);
        Ok(())
    }

    /// Events among these changes whose rule is there; those of others wait for it.
    pub(super) fn arrived(&self, changes: &[Change]) -> Vec<Arrived> {
        let arrival = |change: &Change| match change {
            Change::Arrive(partition, number, record) => self.found(*partition, *number, record),
            _ => None,
        };
        changes.iter().filter_map(arrival).collect()
    }

    /// An event of the store, for the schedule.
    pub(super) fn found(&self, partition: Partition, number: u64, record: &InboxRecord) -> Option<Arrived> {
        let found = found_in(&self.directory(), partition, number, record);
        if found.is_none() && self.strays.lock().add(&record.customer, &record.rule) {
            tracing::warn!(
                message_id = %MessageId::accepted(number), customer = %record.customer, rule = %record.rule,
                "events wait for a rule that is not set up; they run when the rule is back"
            );
        }
        found
    }

    /// They are in the store: their rules may run.
    pub(super) fn run_arrived(&self, arrived: Vec<Arrived>, now: Timestamp) {
        if arrived.is_empty() {
            return;
        }
        arrived.iter().for_each(|one| self.count(&one.customer, 1));
        self.push_arrived(arrived, now);
        self.rouse();
    }

    pub(super) fn push_arrived(&self, arrived: Vec<Arrived>, now: Timestamp) {
        let mut schedule = self.schedule.lock();
        arrived.into_iter().for_each(|Arrived { key, event, .. }| schedule.push(key, event, now));
    }

    /// It ends without a call, as it is void or nobody runs it.
    pub(super) fn depart(self: &Arc<Self>, partition: Partition, number: u64) -> Stored<()> {
        self.store.amend(vec![Change::Depart(partition, number)], None)
    }
}

/// The place of its rule: one that is gone keeps it, and what waits there waits.
pub(super) fn found_in(
    directory: &Directory,
    partition: Partition,
    number: u64,
    record: &InboxRecord,
) -> Option<Arrived> {
    let rule = directory.place_of_rule(&record.customer, &record.rule)?;
    let key = SubjectKey { rule, device: record.message.source.to_string().into() };
    let is_mo = record.occasion.is_mo();
    let event = Event { partition, number, is_mo, is_tracked: record.tracked, due: record.due };
    Some(Arrived { key, event, customer: record.customer.clone() })
}
