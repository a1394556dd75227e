//! What time and devices that come back set going: early delivery, and the end of what is over.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use wasmsc_smpp::tlv::tag;

use super::campaigns::Left;
use super::operations::unqueue;
use super::{
    House, Stored, dead, history, metering, offer_when_due, parts, pickup, queue_to, quotas, receipts, recordings,
    requests, stranded,
};
use crate::message::{Address, Message, MessageId, Timestamp};
use crate::route::PeerIndex;
use crate::store::keys::{OutboxKey, Partition};
use crate::store::{Change, Done, Queued, Store};
use crate::tracking::{Tracked, Waits};

/// A pause from here on is ended by its device showing up; a shorter one is not worth a row.
const LONG_MS: u64 = 10_000;
/// Pause between two searches for tracked messages whose history is over.
const HISTORY_PAUSE_MS: u64 = 60_000;
/// Pause between two searches for customers whose history is over.
const FORGETTING_PAUSE_MS: u64 = 3_600_000;
/// Rows of a partition that one search looks at.
const HISTORY_MAX: usize = 10_000;
/// How long after its expiry a message may still get its receipt.
const RECEIPT_GRACE_MS: u64 = 86_400_000;
/// Messages that are moved to another queue in one batch.
const REROUTE_MAX: usize = 1_000;

pub fn is_long(now: Timestamp, due: Timestamp) -> bool {
    due.0.saturating_sub(now.0) >= LONG_MS
}

/// Devices that something waits for, by a hash: eight octets each, and a false hit costs one look.
#[derive(Default)]
pub struct Absentees {
    devices: HashSet<u64>,
    next_history: Timestamp,
    next_forgetting: Timestamp,
    /// Where the last search of a partition ended, if that was not at its end.
    history_after: HashMap<Partition, MessageId>,
}

impl Absentees {
    pub fn recover(store: &Store) -> io::Result<Absentees> {
        let mut absentees = Absentees::default();
        store.deferred_devices(|device| absentees.add(device))?;
        Ok(absentees)
    }

    pub fn add(&mut self, digits: &str) {
        self.devices.insert(hash(digits));
    }
}

fn hash(digits: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    digits.hash(&mut hasher);
    hasher.finish()
}

/// An application is told that a device is back which it asked to be told of, with set_dpf (SMPP 3.4 §5.3.2.29).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alert {
    pub device: Address,
    /// Whom it showed up for: the sender of the message that waits.
    pub number: Address,
}

/// A device showed up, by an MO or an alert_notification: what waits for it is due now.
pub fn wake(house: &House, device: &Address, now: Timestamp) {
    if !house.absentees.lock().devices.remove(&hash(device.digits())) {
        return;
    }
    let _lock = house.tracking.lock();
    let directory = house.directory();
    let owners = directory.customers.iter().filter(|customer| customer.owns_device(device));
    let partitions: HashSet<Partition> = owners.map(|customer| Partition::of(&customer.id)).collect();
    for partition in partitions {
        if let Err(error) = wake_in(house, partition, device, now) {
            tracing::error!(device = device.masked(), "what waits for it cannot be read: {error}");
        }
    }
}

fn wake_in(house: &House, partition: Partition, device: &Address, now: Timestamp) -> io::Result<()> {
    let (mut changes, mut offers, mut releases) = (Vec::new(), Vec::new(), Vec::new());
    let mut alerts = BTreeSet::new();
    for key in house.store.deferred(partition, device.digits())? {
        if !house.outlet.withdraw(&key) {
            continue; // a link has it in hand already
        }
        match moved(house, key.clone(), now) {
            Ok(Some((requeue, queued, told))) => {
                releases.push(key);
                alerts.extend(told);
                changes.extend(requeue);
                offers.push(queued);
            }
            Ok(None) => house.outlet.release(&key),
            Err(error) => {
                house.outlet.give_back(&key, now);
                tracing::error!(message_id = %key.id, "it cannot be read and waits on: {error}");
            }
        }
    }
    tracing::debug!(device = device.masked(), messages = offers.len(), "back again");
    let outlet = house.outlet.clone();
    let durable: Done = Box::new(move |result| {
        releases.iter().for_each(|key| outlet.release(key));
        if result.is_ok() {
            alerts.into_iter().for_each(|(peer, alert)| outlet.alert(peer, alert));
            offer_when_due(&*outlet, offers, now);
        }
    });
    house.store.amend(changes, Some(durable)).map_err(io::Error::other)
}

type Moved = (Vec<Change>, Queued, Option<(PeerIndex, Alert)>);

/// A message that is due now, and who is to hear of it; None when it waits no more.
fn moved(house: &House, key: OutboxKey, now: Timestamp) -> io::Result<Option<Moved>> {
    let Some(queued) = house.store.queued(key)? else { return Ok(None) };
    let told = alert(house, &queued)?;
    let (changes, queued) = requeue(house, queued, |key| key.due = now)?;
    Ok(Some((changes, queued, told)))
}

/// Who asked to be told when the device of this message is back.
fn alert(house: &House, queued: &Queued) -> io::Result<Option<(PeerIndex, Alert)>> {
    let Queued { key, record } = queued;
    let Message { source, destination, content, .. } = &record.message;
    if !record.tracked || content.tlv(tag::SET_DPF).is_none_or(|flag| **flag != [1]) {
        return Ok(None);
    }
    let account = house.store.tracked(key.partition, key.id)?.map(|tracked| tracked.account);
    let peer = account.and_then(|name| house.directory().peer_named(&name));
    Ok(peer.map(|peer| (peer, Alert { device: destination.clone(), number: source.clone() })))
}

/// Moves a waiting message to another row; it is no longer deferred.
fn requeue(house: &House, mut queued: Queued, change: impl Fn(&mut OutboxKey)) -> io::Result<(Vec<Change>, Queued)> {
    let mut changes = unqueue(&queued);
    change(&mut queued.key);
    queued.record.deferred = false;
    let OutboxKey { partition, queue, class, due, id } = queued.key.clone();
    if queued.record.tracked
        && let Some(mut tracked) = house.store.tracked(partition, id)?
    {
        tracked.waits = Some(Waits { queue: (*queue).into(), class: class.0, due });
        changes.push(Change::Track(partition, id, Box::new(tracked)));
    }
    changes.push(Change::Queue(queued.clone()));
    Ok((changes, queued))
}

impl House {
    /// Messages in queues that nobody serves any more go where their device's route leads now.
    pub fn reroute(&self, now: Timestamp) -> io::Result<()> {
        for (partition, name) in self.store.queues()? {
            // What waits for an account is for its software and not for a handset: it waits for the account.
            if self.directory().is_served(&name) || !name.starts_with('+') {
                continue;
            }
            let mut stranded = Vec::new();
            self.store.each_queued(partition, &name, |queued| stranded.push(queued.key))?;
            let mut moved = 0;
            for keys in stranded.chunks(REROUTE_MAX) {
                moved += self.reroute_some(keys, now)?;
            }
            let left = stranded.len() - moved;
            if moved > 0 {
                tracing::warn!(queue = &*name, moved, left, "there is no such route; messages went to others");
            }
        }
        Ok(())
    }

    fn reroute_some(&self, from: &[OutboxKey], now: Timestamp) -> io::Result<usize> {
        let _lock = self.tracking.lock();
        let (mut changes, mut offers, mut releases) = (Vec::new(), Vec::new(), Vec::new());
        for key in from.iter().filter(|key| self.outlet.withdraw(key)) {
            match self.rerouted(key) {
                Ok(Some((requeue, queued))) => {
                    releases.push(key.clone());
                    changes.extend(requeue);
                    offers.push(queued);
                }
                Ok(None) => self.outlet.give_back(key, now),
                Err(error) => {
                    releases.iter().chain([key]).for_each(|key| self.outlet.give_back(key, now));
                    return Err(error);
                }
            }
        }
        let (moved, outlet) = (offers.len(), self.outlet.clone());
        let durable: Done = Box::new(move |result| {
            releases.iter().for_each(|key| outlet.release(key));
            if result.is_ok() {
                offer_when_due(&*outlet, offers, now);
            }
        });
        self.store.amend(changes, Some(durable)).map_err(io::Error::other)?;
        Ok(moved)
    }

    fn rerouted(&self, key: &OutboxKey) -> io::Result<Option<(Vec<Change>, Queued)>> {
        let Some(queued) = self.store.queued(key.clone())? else { return Ok(None) };
        let Ok(queue) = queue_to(&self.directory(), &queued.record.message.destination) else { return Ok(None) };
        requeue(self, queued, |key| key.queue = queue.clone()).map(Some)
    }
}

/// To be called every second or so: ends what is over. Reads much at times, so not for a thread in a hurry.
pub fn keep_house(house: &Arc<House>, now: Timestamp) -> Stored<()> {
    parts::expire(house, now)?;
    quotas::keep_quotas(house, now)?;
    metering::keep_usage(house)?;
    house.tell_dropped_lines(now);
    let is_time = {
        let mut absentees = house.absentees.lock();
        let is_time = absentees.next_history <= now;
        if is_time {
            absentees.next_history = now.plus_ms(HISTORY_PAUSE_MS);
        }
        is_time
    };
    if is_time
        && let Err(error) = end_histories(house, now)
            .and_then(|()| house.store.forget_once(now))
            .and_then(|_| quotas::forget(house, now))
            .and_then(|()| requests::forget_answers(house, now))
    {
        tracing::error!("the history cannot be read: {error}");
    }
    if let Err(error) = dead::sweep(house, is_time, now) {
        tracing::error!("dead letters cannot be read: {error}");
    }
    if let Err(error) = recordings::sweep(house, is_time, now) {
        tracing::error!("calls that are kept cannot be read: {error}");
    }
    if is_time && let Err(error) = pickup::sweep(house, now) {
        tracing::error!("inboxes cannot be read: {error}");
    }
    let may_forget = {
        let mut absentees = house.absentees.lock();
        let may_forget = absentees.next_forgetting <= now;
        if may_forget {
            absentees.next_forgetting = now.plus_ms(FORGETTING_PAUSE_MS);
        }
        may_forget
    };
    if may_forget
        && let Err(error) =
            history::forget(house, now).and_then(|()| metering::forget(house, now)).and_then(|()| house.look_at_state())
    {
        tracing::error!("what is over cannot be taken out of the history: {error}");
    }
    // What was on its way in when its route went.
    if is_time && let Err(error) = house.reroute(now).and_then(|()| stranded::expire(house, now)) {
        tracing::error!("queues without a route cannot be read: {error}");
    }
    Ok(())
}

fn end_histories(house: &House, now: Timestamp) -> io::Result<()> {
    let is_old = |at: Timestamp, age_ms: u64| at.plus_ms(age_ms) <= now;
    let before = house.parked.load(Ordering::Relaxed);
    let (mut left, mut over) = (0, Vec::new());
    house.store.each_parked(|parked| match is_old(parked.record.came_at, receipts::PARKED_MAX_MS) {
        true => over.push(Change::Unpark(parked.partition, parked.peer, parked.form)),
        false => left += 1,
    })?;
    // Those that came meanwhile count on: one too many costs a look, one too few a receipt.
    house.parked.fetch_add(left, Ordering::Relaxed);
    house.parked.fetch_sub(before, Ordering::Relaxed);
    if !over.is_empty() {
        tracing::info!(rows = over.len(), "receipts for no message of ours");
        house.store.amend(over, None).map_err(io::Error::other)?;
    }
    for partition in Partition::all() {
        end_histories_in(house, partition, now)?;
    }
    Ok(())
}

/// Looks at so many rows behind those of the last time: most may still wait, and the ended ones stand between.
fn end_histories_in(house: &House, partition: Partition, now: Timestamp) -> io::Result<()> {
    let after = house.absentees.lock().history_after.get(&partition).copied();
    let mut seen: Vec<(MessageId, Tracked)> = Vec::new();
    house.store.each_tracked(partition, after, |id, tracked| {
        let may_be_old = tracked.submitted_at.plus_ms(house.directory().history_ms) <= now;
        if may_be_old {
            seen.push((id, tracked));
        }
        may_be_old && seen.len() < HISTORY_MAX
    })?;
    let next = seen.get(HISTORY_MAX - 1).map(|(id, _)| *id);
    match next {
        Some(id) => house.absentees.lock().history_after.insert(partition, id),
        None => house.absentees.lock().history_after.remove(&partition),
    };
    for (id, tracked) in seen {
        end_history(house, (partition, id), &tracked, now)?;
    }
    Ok(())
}

fn end_history(
    house: &House,
    (partition, id): (Partition, MessageId),
    seen: &Tracked,
    now: Timestamp,
) -> io::Result<()> {
    if let Some(done_at) = seen.done_at {
        if done_at.plus_ms(house.directory().history_ms) <= now {
            let mut changes = receipts::uncorrelate(house, (partition, id), seen)?;
            changes.push(Change::Untrack(partition, id));
            house.store.amend(changes, None).map_err(io::Error::other)?;
        }
        return Ok(());
    }
    let longest = house.directory().customer(&seen.customer).map_or(0, |customer| customer.validity_max_ms);
    // From then on a network tries for as long as the message is valid.
    let since = seen.taken_at.unwrap_or(seen.submitted_at);
    if seen.waits.is_some() || since.plus_ms(longest + RECEIPT_GRACE_MS) > now {
        return Ok(());
    }
    let _lock = house.tracking.lock();
    let Some(mut tracked) = house.store.tracked(partition, id)? else { return Ok(()) };
    let notice = tracked.lost_sight(now);
    let mut changes = Vec::new();
    let offers = receipts::notify(house, (partition, id), &mut tracked, notice, &mut changes);
    let ended = house.ended((partition, id), &tracked, now);
    let ended = ended.into_iter().chain(house.of_campaign(id, &tracked, Left::Before));
    changes.extend(ended.chain([Change::Track(partition, id, Box::new(tracked))]));
    receipts::write(house, changes, (offers, Vec::new()), now).map_err(io::Error::other)
}
