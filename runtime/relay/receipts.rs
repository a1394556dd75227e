//! Receipts: those that peers send settle a message, and those that applications asked for go out.
//!
//! A receipt may come before the response that names its message. It is kept then and looked for when
//! the response comes, for a while, across a restart as well.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use wasmsc_smpp::receipt::{IdFormat, IdSource, MessageState, canonical_ids};

use super::campaigns::Left;
use super::{House, Stored};
use crate::firewall::Reject;
use crate::message::{Address, MessageId, Timestamp};
use crate::route::{Peer, PeerIndex};
use crate::store::keys::{OutboxKey, Partition};
use crate::store::{Change, Done, OutboxRecord, ParkedRecord, Queued, StoreFailed};
use crate::timeline::Event;
use crate::tracking::{Notice, Part, Tracked};

/// How long a receipt waits for the response that names its message. Responses are late by seconds; what
/// still waits after an hour is for a message that is not ours.
pub const PARKED_MAX_MS: u64 = 3_600_000;
/// Rows of receipts that may wait so: about 20 MiB in the store, and none in memory.
const PARKED_MAX: usize = 200_000;
/// Where receipts wait whose destination is nobody's sender: a network may write it in another way.
const PARKED_BY_NOBODY: Partition = Partition(0);
/// How long a receipt to an application is tried.
const RECEIPT_VALIDITY_MS: u64 = 3 * 86_400_000;

/// A receipt as a peer sent it.
#[derive(Clone, Debug)]
pub struct PeerReceipt {
    pub message_id: bytes::Bytes,
    pub state: MessageState,
    pub error: u16,
    /// Where it is addressed to: the sender of the message.
    pub destination: Option<Address>,
}

/// Takes a receipt in. `done` is called when what it changed is durable: only then may the peer hear of it.
pub fn receipt(
    house: &House,
    from: PeerIndex,
    receipt: &PeerReceipt,
    now: Timestamp,
    done: impl FnOnce(Result<(), Reject>) + Send + 'static,
) {
    let directory = house.directory();
    let peer = directory.peer(from);
    let forms = canonical_ids(&receipt.message_id, peer.id_format, IdSource::Receipt);
    let _lock = house.tracking.lock();
    let effects = match find(house, &peer.centre, &forms, receipt) {
        Ok(Some((partition, (id, part)))) => apply(house, peer, (partition, id, part), &forms, receipt, now),
        Ok(None) => Ok((park(house, peer, &forms, receipt, now), Vec::new())),
        Err(error) => Err(error),
    };
    let (changes, offers) = match effects {
        Ok(effects) => effects,
        Err(error) => return done(Err(Reject::Unreadable(error.to_string()))),
    };
    let outlet = house.outlet.clone();
    let durable: Done = Box::new(move |result: Result<(), StoreFailed>| {
        if result.is_ok() && !offers.is_empty() {
            outlet.offer(offers);
        }
        done(result.map_err(|failed| Reject::StoreFailed(failed.to_string())));
    });
    if let Err(failed) = house.amend(changes, Some(durable), now) {
        tracing::error!(account = &*peer.name, "a receipt stays with the peer: {failed}");
    }
}

/// Customers by the number that the receipt is for first: that is nearly always right.
fn find(
    house: &House,
    centre: &str,
    forms: &[String],
    receipt: &PeerReceipt,
) -> std::io::Result<Option<(Partition, (MessageId, u8))>> {
    let directory = house.directory();
    let owner = receipt.destination.as_ref().and_then(|number| directory.owner_of_sender(number));
    let first = owner.map(|customer| Partition::of(&customer.id));
    for partition in first.into_iter().chain(Partition::all()) {
        if let Some(found) = house.store.remote(partition, centre, forms)? {
            return Ok(Some((partition, found)));
        }
    }
    Ok(None)
}

type Effects = (Vec<Change>, Vec<Queued>);

fn apply(
    house: &House,
    peer: &Peer,
    (partition, id, part): (Partition, MessageId, u8),
    forms: &[String],
    receipt: &PeerReceipt,
    now: Timestamp,
) -> std::io::Result<Effects> {
    let Some(mut tracked) = house.store.tracked(partition, id)? else { return Ok(Effects::default()) };
    if tracked.is_final() {
        // A repeat, most likely. But the centre may have given the id again, to a message under way.
        return Ok((park(house, peer, forms, receipt, now), Vec::new()));
    }
    let notice = tracked.receipt(usize::from(part), receipt.state, receipt.error, now);
    house.count_end(&tracked);
    let mut changes = Vec::new();
    let offers = notify(house, (partition, id), &mut tracked, notice, &mut changes);
    changes.extend(offers.iter().map(|queued| Change::Queue(queued.clone())));
    if receipt.state == MessageState::Delivered {
        changes.extend(house.seen(&tracked.destination, now));
    }
    let (state, error) = (receipt.state.octet(), receipt.error);
    let told = || (house.ends_of(&tracked), Event::Receipt { peer: (*peer.name).into(), part, state, error });
    changes.extend(house.happened((partition, id), &tracked.customer, now, told));
    if tracked.is_final() {
        changes.extend(house.ended((partition, id), &tracked, now));
        changes.extend(house.of_campaign(id, &tracked, Left::Before));
    }
    changes.push(Change::Track(partition, id, Box::new(tracked)));
    tracing::debug!(message_id = %id, account = &*peer.name, state = ?receipt.state, "receipt");
    Ok((changes, offers))
}

/// Kept until its message's response comes: with whoever may have sent the message, or where all look.
fn park(house: &House, peer: &Peer, forms: &[String], receipt: &PeerReceipt, now: Timestamp) -> Vec<Change> {
    let sender = receipt.destination.as_ref();
    let directory = house.directory();
    let owners = directory.customers.iter().filter(|owner| sender.is_some_and(|s| owner.may_send_from(s)));
    let mut partitions: BTreeSet<Partition> = owners.map(|owner| Partition::of(&owner.id)).collect();
    if partitions.is_empty() {
        partitions.insert(PARKED_BY_NOBODY);
    }
    let rows = forms.len() * partitions.len();
    if house.parked.fetch_add(rows, Ordering::Relaxed) >= PARKED_MAX {
        tracing::warn!(account = &*peer.name, "a receipt for no message of ours, one too many to keep it");
        return Vec::new();
    }
    let message_id = bytes::Bytes::copy_from_slice(&receipt.message_id);
    let parked = ParkedRecord { message_id, state: receipt.state.octet(), error: receipt.error, came_at: now };
    let park = |partition, form: &String| Change::Park(partition, (*peer.centre).into(), form.clone(), parked.clone());
    partitions.into_iter().flat_map(|partition| forms.iter().map(move |form| park(partition, form))).collect()
}

/// A receipt that came before this response.
fn parked(
    house: &House,
    own: Partition,
    centre: &str,
    forms: &[String],
) -> std::io::Result<Option<(Partition, ParkedRecord)>> {
    if house.parked.load(Ordering::Relaxed) == 0 {
        return Ok(None);
    }
    for partition in [own, PARKED_BY_NOBODY] {
        if let Some(found) = house.store.parked(partition, centre, forms)? {
            return Ok(Some((partition, found)));
        }
    }
    Ok(None)
}

/// Rows by which receipts find this message, and what receipts did that came too early. The rows stay as
/// long as the message's own: a repeated receipt must not be taken for one of another message, whose id is
/// the same number in another base or is given again.
pub fn correlate(
    house: &House,
    (partition, id): (Partition, MessageId),
    tracked: &mut Tracked,
    now: Timestamp,
    changes: &mut Vec<Change>,
) -> Vec<Queued> {
    let mut offers = Vec::new();
    for number in 0..tracked.parts.len() {
        let Part { centre, remote_id, .. } = tracked.parts[number].clone();
        let forms = canonical_ids(&remote_id, IdFormat::Auto, IdSource::Response);
        match parked(house, partition, &centre, &forms) {
            // One that came before the message did is for an older one with the same id.
            Ok(Some((at, parked))) if parked.came_at >= tracked.submitted_at => {
                let state = MessageState::from_octet(parked.state).unwrap_or(MessageState::Unknown);
                let notice = tracked.receipt(number, state, parked.error, now);
                house.count_end(tracked);
                offers.extend(notify(house, (partition, id), tracked, notice, changes));
                changes.extend(unpark(house, at, &centre, &parked));
            }
            Ok(_) => {}
            Err(error) => tracing::error!(message_id = %id, "parked receipts cannot be read: {error}"),
        }
        for form in forms {
            changes.push(Change::Correlate(partition, (*centre).into(), form, (id, number as u8)));
        }
    }
    offers
}

/// Under every name that it was parked under.
fn unpark(house: &House, partition: Partition, centre: &str, parked: &ParkedRecord) -> Vec<Change> {
    let directory = house.directory();
    let peer = directory.peers.iter().find(|peer| &*peer.centre == centre);
    let id_format = peer.map_or(IdFormat::Auto, |peer| peer.id_format);
    let forms = canonical_ids(&parked.message_id, id_format, IdSource::Receipt);
    forms.into_iter().map(|form| Change::Unpark(partition, centre.into(), form)).collect()
}

/// The end of a message's history ends what its centres call it, unless they call another one so by now.
pub fn uncorrelate(
    house: &House,
    (partition, id): (Partition, MessageId),
    tracked: &Tracked,
) -> std::io::Result<Vec<Change>> {
    let mut changes = Vec::new();
    for part in &tracked.parts {
        // The names of a response are the same for every format.
        for form in canonical_ids(&part.remote_id, IdFormat::Auto, IdSource::Response) {
            let forms = [form];
            let found = house.store.remote(partition, &part.centre, &forms)?;
            if found.is_some_and(|(of, _)| of == id) {
                changes.extend(forms.map(|form| Change::Uncorrelate(partition, (*part.centre).into(), form)));
            }
        }
    }
    Ok(changes)
}

/// The receipt for a notice, to the application that submitted the message; an event for a rule that did is among the
/// changes.
pub fn notify(
    house: &House,
    (partition, id): (Partition, MessageId),
    tracked: &mut Tracked,
    notice: Option<Notice>,
    changes: &mut Vec<Change>,
) -> Vec<Queued> {
    let Some(notice) = notice else { return Vec::new() };
    if tracked.for_rule.is_some() {
        changes.extend(house.receipt_for_rule(id, tracked, notice));
        return Vec::new();
    }
    if tracked.account.is_empty() {
        return Vec::new(); // over the API a message is asked for
    }
    let directory = house.directory();
    let account = directory.peer_named(&tracked.account);
    let Some(queue) = account.and_then(|account| directory.queue_of(account)) else {
        tracing::warn!(message_id = %id, account = &*tracked.account, "nobody takes its receipt: the account is gone");
        return Vec::new();
    };
    let message = tracked.receipt_message(notice);
    let receipt_id = id.receipt(tracked.receipts);
    tracked.receipts = tracked.receipts.saturating_add(1);
    let class = Tracked::RECEIPT_CLASS;
    let key = OutboxKey { partition, queue: queue.clone(), class, due: notice.at, id: receipt_id };
    let expires = notice.at.plus_ms(RECEIPT_VALIDITY_MS);
    vec![Queued { key, record: OutboxRecord::untracked(&tracked.customer, message, expires) }]
}

/// Writes changes with the receipts that they cause, and hands these to delivery once they are durable; for messages
/// that are to be tried again, an alarm is set then.
pub fn write(
    house: &House,
    changes: Vec<Change>,
    (offers, retries): (Vec<Queued>, Vec<OutboxKey>),
    now: Timestamp,
) -> Stored<()> {
    let (changes, mut done) = with_offers(house, changes, offers);
    if !retries.is_empty() {
        let (outlet, offer) = (house.outlet.clone(), done);
        done = Some(Box::new(move |result| {
            if result.is_ok() {
                retries.iter().for_each(|key| outlet.later(key));
            }
            offer.into_iter().for_each(|offer| offer(result.clone()));
        }));
    }
    house.amend(changes, done, now)
}

/// Changes with the receipts that they cause, and what hands these to delivery once they are durable.
pub fn with_offers(house: &House, mut changes: Vec<Change>, offers: Vec<Queued>) -> (Vec<Change>, Option<Done>) {
    if offers.is_empty() {
        return (changes, None);
    }
    changes.extend(offers.iter().map(|queued| Change::Queue(queued.clone())));
    let outlet = house.outlet.clone();
    let done: Done = Box::new(move |result| {
        if result.is_ok() {
            outlet.offer(offers);
        }
    });
    (changes, Some(done))
}
