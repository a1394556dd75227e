//! query_sm, cancel_sm, replace_sm and replace_if_present: what an application asks of a message that it
//! submitted. Only messages of its own customer exist for it.

use std::sync::Arc;

use bytes::Bytes;
use wasmsc_smpp::DataCoding;
use wasmsc_smpp::receipt::MessageState;
use wasmsc_smpp::text::dcs;

use super::{Also, House, Submission, expiry, offer_when_due, receipts};
use crate::firewall::{self, Reject};
use crate::message::{Address, Class, MessageId, Timestamp, is_default_alphabet};
use crate::route::PeerIndex;
use crate::store::keys::{OutboxKey, Partition};
use crate::store::{Change, Done, Queued};
use crate::tracking::{Tracked, Waits};

/// Octets of the text that a receipt repeats.
const TEXT_MAX: usize = 20;

/// Why nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    #[error("there is no such message")]
    NoSuchMessage,
    #[error("the message waits no more: it is under way or has ended")]
    TooLate,
    #[error(transparent)]
    Refused(Reject),
}

/// A message that is asked for.
pub struct Query {
    pub id: MessageId,
    /// Its sender, where the peer names one.
    pub source: Option<Address>,
}

pub struct Cancel {
    /// None: all that wait with these addresses.
    pub id: Option<MessageId>,
    pub source: Option<Address>,
    pub destination: Option<Address>,
    pub service_type: Bytes,
}

pub struct Replace {
    pub id: MessageId,
    pub source: Option<Address>,
    /// None keeps the old one.
    pub schedule: Option<Timestamp>,
    pub expires: Option<Timestamp>,
    pub registered_delivery: u8,
    /// The new text, in the coding of the old one.
    pub octets: Bytes,
    /// The same as we keep it, for an old one in the default alphabet.
    pub text: (DataCoding, Bytes),
}

/// What became of a message.
pub fn query(house: &House, from: PeerIndex, query: &Query) -> Result<Tracked, NotDone> {
    find(house, from, query.id, query.source.as_ref(), None).map(|(_, tracked)| tracked)
}

fn partition(house: &House, from: PeerIndex) -> Result<Partition, NotDone> {
    let customer = house.directory.peer(from).customer.as_deref();
    customer.map(Partition::of).ok_or(NotDone::NoSuchMessage)
}

fn find(
    house: &House,
    from: PeerIndex,
    id: MessageId,
    source: Option<&Address>,
    destination: Option<&Address>,
) -> Result<(Partition, Tracked), NotDone> {
    let partition = partition(house, from)?;
    let found = house.store.tracked(partition, id).map_err(unreadable)?;
    let own = |tracked: &Tracked| house.directory.peer(from).customer.as_deref() == Some(&*tracked.customer);
    let found = found.filter(|tracked| {
        own(tracked)
            && source.is_none_or(|source| *source == tracked.source)
            && destination.is_none_or(|destination| *destination == tracked.destination)
    });
    found.map(|tracked| (partition, tracked)).ok_or(NotDone::NoSuchMessage)
}

fn unreadable(error: std::io::Error) -> NotDone {
    NotDone::Refused(Reject::Unreadable(error.to_string()))
}

/// Ends what still waits. `done` hears of it when that is durable.
pub fn cancel(
    house: &House,
    from: PeerIndex,
    cancel: &Cancel,
    now: Timestamp,
    done: impl FnOnce(Result<(), NotDone>) + Send + 'static,
) {
    let _lock = house.tracking.lock();
    let also = match cancelled(house, from, cancel, now) {
        Ok(also) => also,
        Err(not_done) => return done(Err(not_done)),
    };
    write(house, also, Vec::new(), now, done);
}

fn cancelled(house: &House, from: PeerIndex, cancel: &Cancel, now: Timestamp) -> Result<Also, NotDone> {
    let mut also = Also::default();
    match (cancel.id, &cancel.source, &cancel.destination) {
        (Some(id), source, destination) => {
            let (partition, tracked) = find(house, from, id, source.as_ref(), destination.as_ref())?;
            end(house, (partition, id), tracked, now, &mut also)?;
        }
        (None, Some(source), Some(destination)) => {
            let service_type = Some(&cancel.service_type[..]).filter(|name| !name.is_empty());
            let ids = sent(house, from, (source, destination), service_type)?;
            for id in ids {
                let (partition, tracked) = find(house, from, id, None, None)?;
                match end(house, (partition, id), tracked, now, &mut also) {
                    Ok(()) | Err(NotDone::TooLate) => {}
                    Err(other) => return Err(other),
                }
            }
        }
        _ => {}
    }
    if also.changes.is_empty() { Err(NotDone::NoSuchMessage) } else { Ok(also) }
}

fn sent(
    house: &House,
    from: PeerIndex,
    addresses: (&Address, &Address),
    service_type: Option<&[u8]>,
) -> Result<Vec<MessageId>, NotDone> {
    let account = &house.directory.peer(from).name;
    house.store.sent(partition(house, from)?, account, addresses, service_type).map_err(unreadable)
}

/// Takes a waiting message out of everybody's reach and adds what ends it.
fn end(
    house: &House,
    (partition, id): (Partition, MessageId),
    mut tracked: Tracked,
    now: Timestamp,
    also: &mut Also,
) -> Result<(), NotDone> {
    let queued = withdraw(house, (partition, id), &tracked)?;
    also.releases.push(queued.key.clone());
    also.changes.extend(unqueue(&queued));
    also.changes.push(Change::Unsend(partition, id, Box::new(tracked.clone())));
    let notice = tracked.failed(MessageState::Deleted, 0, now);
    let offers = receipts::notify(house, (partition, id), &mut tracked, notice);
    also.changes.extend(offers.iter().map(|queued| Change::Queue(queued.clone())));
    also.offers.extend(offers);
    also.changes.push(Change::Track(partition, id, Box::new(tracked)));
    Ok(())
}

fn withdraw(house: &House, (partition, id): (Partition, MessageId), tracked: &Tracked) -> Result<Queued, NotDone> {
    let waits = tracked.waits.as_ref().ok_or(NotDone::TooLate)?;
    let Waits { queue, class, due } = waits;
    let key = OutboxKey { partition, queue: (**queue).into(), class: Class(*class), due: *due, id };
    if !house.outlet.withdraw(&key) {
        return Err(NotDone::TooLate);
    }
    let found = house.store.queued(key.clone()).map_err(unreadable);
    if !matches!(found, Ok(Some(_))) {
        house.outlet.release(&key);
    }
    found?.ok_or(NotDone::TooLate)
}

/// The rows of a message that waits.
pub fn unqueue(queued: &Queued) -> Vec<Change> {
    let mut changes = vec![Change::Unqueue(queued.key.clone())];
    if queued.record.deferred {
        let device = queued.record.message.destination.digits().into();
        changes.push(Change::Undefer(queued.key.partition, device, queued.key.id));
    }
    changes
}

/// Gives a waiting message another text, time or both; it keeps its id.
pub fn replace(
    house: &Arc<House>,
    from: PeerIndex,
    replace: Replace,
    now: Timestamp,
    done: impl FnOnce(Result<(), NotDone>) + Send + 'static,
) {
    let _lock = house.tracking.lock();
    match replaced(house, from, replace, now) {
        Ok((also, queued)) => write(house, also, vec![queued], now, done),
        Err(not_done) => done(Err(not_done)),
    }
}

fn replaced(house: &House, from: PeerIndex, replace: Replace, now: Timestamp) -> Result<(Also, Queued), NotDone> {
    let (partition, mut tracked) = find(house, from, replace.id, replace.source.as_ref(), None)?;
    let owner = house.directory.customer(&tracked.customer).ok_or(NotDone::NoSuchMessage)?;
    let due = replace.schedule.map(|schedule| schedule.max(now));
    let expires = match replace.expires {
        Some(_) => Some(expiry(owner, replace.expires, due.unwrap_or(now), now).map_err(NotDone::Refused)?),
        None => None,
    };
    let mut queued = withdraw(house, (partition, replace.id), &tracked)?;
    if due.unwrap_or(queued.key.due) >= expires.unwrap_or(queued.record.expires) {
        house.outlet.release(&queued.key);
        return Err(NotDone::Refused(Reject::ExpiresBeforeSchedule));
    }
    let old_key = queued.key.clone();
    let mut also = Also { releases: vec![old_key.clone()], changes: unqueue(&queued), ..Also::default() };
    queued.key.due = due.unwrap_or(queued.key.due);
    let record = &mut queued.record;
    record.expires = expires.unwrap_or(record.expires);
    record.registered_delivery = replace.registered_delivery;
    let content = &mut record.message.content;
    if is_default_alphabet(content.data_coding()) {
        let (data_coding, octets) = replace.text;
        // A message class of the old one stays.
        content.data_coding = match data_coding {
            DataCoding::DEFAULT => content.data_coding,
            DataCoding::UCS_2 => dcs::in_ucs_2(content.data_coding()).0,
            other => other.0,
        };
        content.octets = octets;
    } else {
        content.octets = replace.octets;
    }
    if let Err(too_long) = firewall::check_length(house.directory.peers_of(&queued.key.queue), content) {
        house.outlet.release(&old_key);
        return Err(NotDone::Refused(too_long));
    }
    (record.deferred, record.attempts, record.taken) = (false, 0, Vec::new());
    let octets = &record.message.content.octets;
    tracked.text = Bytes::copy_from_slice(&octets[..octets.len().min(TEXT_MAX)]);
    tracked.registered_delivery = replace.registered_delivery;
    tracked.waits = Some(Waits { queue: (*queued.key.queue).into(), class: queued.key.class.0, due: queued.key.due });
    also.changes.push(Change::Queue(queued.clone()));
    also.changes.push(Change::Track(partition, replace.id, Box::new(tracked)));
    Ok((also, queued))
}

fn write(
    house: &House,
    also: Also,
    queued: Vec<Queued>,
    now: Timestamp,
    done: impl FnOnce(Result<(), NotDone>) + Send + 'static,
) {
    let Also { changes, offers, releases } = also;
    let outlet = house.outlet.clone();
    let durable: Done = Box::new(move |result| {
        releases.iter().for_each(|key| outlet.release(key));
        if result.is_ok() {
            outlet.offer(offers);
            offer_when_due(&*outlet, queued, now);
        }
        done(result.map_err(|failed| NotDone::Refused(Reject::StoreFailed(failed.to_string()))));
    });
    if let Err(failed) = house.store.amend(changes, Some(durable)) {
        tracing::error!("a request stays with the peer: {failed}");
    }
}

/// What ends the messages that a submission with replace_if_present takes the place of; part of its batch.
pub fn replace_if_present(
    house: &House,
    from: PeerIndex,
    submission: &Submission,
    now: Timestamp,
) -> Result<Also, Reject> {
    let message = &submission.message;
    let service_type = Some(&message.content.service_type[..]);
    let refused = |not_done: NotDone| match not_done {
        NotDone::Refused(reject) => reject,
        other => Reject::Unreadable(other.to_string()),
    };
    let ids = sent(house, from, (&message.source, &message.destination), service_type).map_err(refused)?;
    let mut also = Also::default();
    for id in ids {
        let Ok((partition, tracked)) = find(house, from, id, None, None) else { continue };
        match end(house, (partition, id), tracked, now, &mut also) {
            Ok(()) | Err(NotDone::TooLate | NotDone::NoSuchMessage) => {}
            Err(other) => return Err(refused(other)),
        }
    }
    Ok(also)
}
