//! The inbox of a customer that polls: its MOs wait until it has them and says so.
//!
//! An MO enters the inbox in the batch that accepts it, so what was accepted is there. A full inbox refuses the MO, as
//! a full queue does: the network tries again, and nothing that was accepted is pushed out.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::watch;
use wasmsc_smpp::receipt::MessageState;

use super::ended::mo_ended;
use super::{House, receipts};
use crate::feed::Ends;
use crate::firewall::Reject;
use crate::message::{MessageId, Timestamp};
use crate::metrics::Reached;
use crate::route::{Customer, CustomerIndex};
use crate::slots::Slots;
use crate::store::keys::Partition;
use crate::store::{Change, Done, NewMessage, Picked, PickupRecord, Store, StoreFailed};
use crate::timeline::{Direction, Event};

/// Rows that are read, and go, in one batch.
const BATCH_MAX: usize = 1_000;
/// How long an MO of a customer that is gone waits for its return.
const ORPHAN_MS: u64 = 7 * 86_400_000;

/// Wakes when something came into an inbox.
pub type Arrivals = watch::Receiver<()>;

/// The inboxes of all customers: how full they are, and who waits at them. What is in them is in the store.
#[derive(Default)]
pub struct Inboxes {
    inboxes: Slots<Inbox>,
    /// Held from reading rows to the batch in which they go.
    picking: Mutex<()>,
}

#[derive(Default)]
struct Inbox {
    waiting: AtomicUsize,
    arrived: watch::Sender<()>,
}

impl Inboxes {
    pub fn recover(directory: &crate::route::Directory, store: &Store) -> io::Result<Inboxes> {
        let inboxes = Inboxes::default();
        for id in store.pickup_customers()? {
            if let Some(customer) = directory.customer_named(&id) {
                let waiting = store.count_pickups(&id)?;
                inboxes.inboxes.at(customer.0).waiting.store(waiting, Ordering::Relaxed);
            }
        }
        Ok(inboxes)
    }

    /// Counts one more already: the messages of one batch must not slip in together.
    fn enter(&self, index: CustomerIndex, customer: &Customer, max: usize) -> Result<(), Reject> {
        let waiting = &self.inboxes.at(index.0).waiting;
        if waiting.fetch_add(1, Ordering::Relaxed) < max {
            return Ok(());
        }
        waiting.fetch_sub(1, Ordering::Relaxed);
        Err(Reject::QueueFull(customer.id.to_string()))
    }

    pub fn leave(&self, index: CustomerIndex, count: usize) {
        let less = |waiting: usize| Some(waiting.saturating_sub(count));
        let _ = self.inboxes.at(index.0).waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    pub fn arrived(&self, index: CustomerIndex) {
        self.inboxes.at(index.0).arrived.send_replace(());
    }

    pub fn arrivals(&self, index: CustomerIndex) -> Arrivals {
        self.inboxes.at(index.0).arrived.subscribe()
    }
}

/// Into whose inboxes messages are about to come; they are counted there already.
pub fn entering(house: &House, list: &[NewMessage]) -> Vec<CustomerIndex> {
    let kept = list.iter().filter(|new| new.is_picked_up);
    kept.filter_map(|new| house.directory().customer_named(&new.customer)).collect()
}

impl House {
    /// A place for one more MO in the inbox of a customer that has one.
    pub(super) fn enter_inbox(&self, customer: &Customer) -> Result<Option<CustomerIndex>, Reject> {
        let index = self.directory().customer_named(&customer.id);
        let Some((inbox, index)) = customer.inbox.zip(index) else { return Ok(None) };
        self.inboxes.enter(index, customer, inbox.max).map(|()| Some(index))
    }

    /// Hears of every MO that comes into a customer's inbox from now on.
    pub fn arrivals(&self, customer: CustomerIndex) -> Arrivals {
        self.inboxes.arrivals(customer)
    }
}

/// A customer has these and wants them no more; those that are not there do not matter. `done` hears how many there
/// were, once they are gone durably.
pub fn pick_up(
    house: &House,
    customer: &str,
    picked: &Picked,
    now: Timestamp,
    done: impl FnOnce(Result<usize, StoreFailed>) + Send + 'static,
) -> io::Result<()> {
    let _lock = house.inboxes.picking.lock();
    let mut count = 0;
    match picked {
        Picked::These(ids) => {
            let mut ids = ids.clone();
            ids.sort_unstable();
            ids.dedup();
            for ids in ids.chunks(BATCH_MAX) {
                let found = ids.iter().map(|id| Ok(house.store.pickup(customer, *id)?.map(|record| (*id, record))));
                let found = found.filter_map(io::Result::transpose).collect::<io::Result<Vec<_>>>()?;
                count += end(house, customer, found, MessageState::Delivered, now)?;
            }
        }
        Picked::UpTo(last) => loop {
            let mut found = house.store.pickups(customer, None, BATCH_MAX)?;
            let is_all = found.len() < BATCH_MAX;
            found.retain(|(id, _)| id <= last);
            let is_last = is_all || found.len() < BATCH_MAX;
            count += end(house, customer, found, MessageState::Delivered, now)?;
            if is_last {
                break;
            }
        },
    }
    // Also where nothing is left to do: an earlier request may have done it just now.
    let durable: Done = Box::new(move |result| done(result.map(|()| count)));
    house.store.amend(Vec::new(), Some(durable)).map_err(io::Error::other)
}

/// Rows go; for an MO that nobody else takes that is its end.
fn end(
    house: &House,
    customer: &str,
    rows: Vec<(MessageId, PickupRecord)>,
    state: MessageState,
    now: Timestamp,
) -> io::Result<usize> {
    let (partition, count) = (Partition::of(customer), rows.len());
    let (mut changes, mut offers) = (Vec::with_capacity(count), Vec::new());
    for (id, record) in rows {
        changes.push(Change::PickedUp(partition, customer.into(), id));
        if !record.is_all {
            continue;
        }
        let reached = if state == MessageState::Delivered { Reached::Taken } else { Reached::Expired };
        house.count_message(customer, Direction::Mo, reached);
        let ended = || (Ends::of(Direction::Mo, &record.message), Event::Ended { state: state.octet(), error: 0 });
        changes.extend(house.happened((partition, id), customer, now, ended));
        if record.tracked {
            let (tracked, receipts) = mo_ended(house, (partition, id), state, now);
            changes.extend(tracked.map(|(id, tracked)| Change::Track(partition, id, tracked)));
            offers.extend(receipts);
        }
    }
    if !changes.is_empty() {
        receipts::write(house, changes, (offers, Vec::new()), now).map_err(io::Error::other)?;
    }
    if let Some(index) = house.directory().customer_named(customer) {
        house.inboxes.leave(index, count);
    }
    Ok(count)
}

/// Ends what nobody picked up in the customer's time.
pub fn sweep(house: &Arc<House>, now: Timestamp) -> io::Result<()> {
    for customer in house.store.pickup_customers()? {
        let inbox = house.directory().customer(&customer).and_then(|customer| customer.inbox);
        let keep_ms = inbox.map_or(ORPHAN_MS, |inbox| inbox.keep_ms);
        let is_over = |record: &PickupRecord| record.message.received_at.plus_ms(keep_ms) <= now;
        loop {
            let _lock = house.inboxes.picking.lock();
            let mut found = house.store.pickups(&customer, None, BATCH_MAX)?;
            let fresh = found.iter().position(|(_, record)| !is_over(record));
            found.truncate(fresh.unwrap_or(BATCH_MAX));
            let is_last = found.len() < BATCH_MAX;
            if !found.is_empty() {
                tracing::warn!(customer = &*customer, messages = found.len(), "MOs that nobody picked up in time");
                end(house, &customer, found, MessageState::Expired, now)?;
            }
            if is_last {
                break;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
