//! query_sm, cancel_sm, replace_sm and replace_if_present: what an application asks of a message that it
//! submitted. Only messages of its own customer exist for it.

use std::sync::Arc;

use bytes::Bytes;
use wasmsc_smpp::DataCoding;
use wasmsc_smpp::receipt::MessageState;
use wasmsc_smpp::text::dcs;

use super::campaigns::Left;
use super::history::ends_of_queued;
use super::judging::{Counting, Trial};
use super::{Also, House, Origin, Submission, expiry, offer_when_due, receipts};
use crate::firewall::{self, Reject};
use crate::message::{Address, Class, Message, MessageId, Timestamp, is_default_alphabet};
use crate::metrics::Reached;
use crate::route::{Customer, CustomerIndex};
use crate::store::keys::{OutboxKey, Partition};
use crate::store::{Change, Done, Queued};
use crate::timeline::Event;
use crate::tracking::{Tracked, Waits};

/// Messages that one batch ends: while it is made, no other message's fate is recorded.
const CANCEL_MAX: usize = 500;

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

/// What became of a message. Of a submit_multi: of the destination that is furthest from being delivered.
pub fn query(house: &House, from: impl Into<Origin>, query: &Query) -> Result<Tracked, NotDone> {
    let (_, found) = find(house, from.into(), query.id, (query.source.as_ref(), None))?;
    let rank = |tracked: &Tracked| match tracked.state() {
        MessageState::Delivered => 2,
        _ if tracked.is_final() => 1,
        _ => 0,
    };
    let furthest = found.into_iter().map(|(_, tracked)| tracked).min_by_key(rank);
    furthest.ok_or(NotDone::NoSuchMessage)
}

/// Whose message it is, for those who may see every customer's.
pub fn owner(house: &House, id: MessageId) -> Result<CustomerIndex, NotDone> {
    for partition in Partition::all() {
        let found = house.store.tracked_together(partition, id).map_err(unreadable)?;
        if let Some((_, tracked)) = found.first() {
            return house.directory().customer_named(&tracked.customer).ok_or(NotDone::NoSuchMessage);
        }
    }
    Err(NotDone::NoSuchMessage)
}

fn partition(house: &House, from: Origin) -> Result<Partition, NotDone> {
    from.customer(&house.directory()).map(Partition::of).ok_or(NotDone::NoSuchMessage)
}

/// The messages of this id: several, when a submit_multi made them. There is at least one.
fn find(
    house: &House,
    from: Origin,
    id: MessageId,
    (source, destination): (Option<&Address>, Option<&Address>),
) -> Result<(Partition, Vec<(MessageId, Tracked)>), NotDone> {
    let partition = partition(house, from)?;
    let mut found = house.store.tracked_together(partition, id).map_err(unreadable)?;
    found.retain(|(_, tracked)| {
        is_own(house, from, tracked)
            && source.is_none_or(|source| *source == tracked.source)
            && destination.is_none_or(|destination| *destination == tracked.destination)
    });
    if found.is_empty() { Err(NotDone::NoSuchMessage) } else { Ok((partition, found)) }
}

fn is_own(house: &House, from: Origin, tracked: &Tracked) -> bool {
    from.customer(&house.directory()) == Some(&*tracked.customer)
}

fn unreadable(error: std::io::Error) -> NotDone {
    NotDone::Refused(Reject::Unreadable(error.to_string()))
}

/// Ends what still waits. `done` hears of it when that is durable.
pub fn cancel(
    house: &House,
    from: impl Into<Origin>,
    cancel: &Cancel,
    now: Timestamp,
    done: impl FnOnce(Result<(), NotDone>) + Send + 'static,
) {
    let from = from.into();
    let (ids, none_ended) = match to_cancel(house, from, cancel) {
        Ok(found) => found,
        Err(not_done) => return done(Err(not_done)),
    };
    cancel_these(house, from, &ids, now, none_ended, done);
}

/// `none_ended`: what is told when none of them waits.
pub fn cancel_these(
    house: &House,
    from: Origin,
    ids: &[MessageId],
    now: Timestamp,
    none_ended: NotDone,
    done: impl FnOnce(Result<(), NotDone>) + Send + 'static,
) {
    let mut is_any = false;
    let mut chunks = ids.chunks(CANCEL_MAX).peekable();
    // Everybody else has a turn between them. The last one answers.
    while let Some(chunk) = chunks.next() {
        let _lock = house.tracking.lock();
        let also = match cancelled(house, from, chunk, now) {
            Ok(also) => also,
            Err(not_done) => return done(Err(not_done)),
        };
        is_any |= !also.changes.is_empty();
        if chunks.peek().is_none() && is_any {
            return write(house, also, Vec::new(), now, done);
        }
        write(house, also, Vec::new(), now, |_| {});
    }
    done(Err(none_ended));
}

fn to_cancel(house: &House, from: Origin, cancel: &Cancel) -> Result<(Vec<MessageId>, NotDone), NotDone> {
    let ids_of = |found: Vec<(MessageId, Tracked)>| found.into_iter().map(|(id, _)| id).collect();
    match (cancel.id, &cancel.source, &cancel.destination) {
        (Some(id), source, destination) => {
            Ok((ids_of(find(house, from, id, (source.as_ref(), destination.as_ref()))?.1), NotDone::TooLate))
        }
        (None, Some(source), Some(destination)) => {
            let service_type = Some(&cancel.service_type[..]).filter(|name| !name.is_empty());
            Ok((sent(house, from, (source, destination), service_type)?, NotDone::NoSuchMessage))
        }
        _ => Err(NotDone::NoSuchMessage),
    }
}

fn cancelled(house: &House, from: Origin, ids: &[MessageId], now: Timestamp) -> Result<Also, NotDone> {
    let partition = partition(house, from)?;
    let found = read(house, from, partition, ids)?;
    end_all(house, partition, found, now)
}

/// Ends those that still wait; none of them, where one cannot be read.
fn end_all(
    house: &House,
    partition: Partition,
    messages: Vec<(MessageId, Tracked)>,
    now: Timestamp,
) -> Result<Also, NotDone> {
    let mut also = Also::default();
    for (id, tracked) in messages {
        match end(house, (partition, id), tracked, now, &mut also) {
            Ok(()) | Err(NotDone::TooLate) => {}
            Err(other) => {
                also.releases.iter().for_each(|key| house.outlet.give_back(key, now));
                return Err(other);
            }
        }
    }
    Ok(also)
}

fn sent(
    house: &House,
    from: Origin,
    addresses: (&Address, &Address),
    service_type: Option<&[u8]>,
) -> Result<Vec<MessageId>, NotDone> {
    let directory = house.directory();
    let account = from.account(&directory);
    house.store.sent(partition(house, from)?, account, addresses, service_type).map_err(unreadable)
}

fn read(
    house: &House,
    from: Origin,
    partition: Partition,
    ids: &[MessageId],
) -> Result<Vec<(MessageId, Tracked)>, NotDone> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let tracked = house.store.tracked(partition, *id).map_err(unreadable)?;
        found.extend(tracked.filter(|tracked| is_own(house, from, tracked)).map(|tracked| (*id, tracked)));
    }
    Ok(found)
}

/// Takes a waiting message out of everybody's reach and adds what ends it.
fn end(
    house: &House,
    (partition, id): (Partition, MessageId),
    mut tracked: Tracked,
    now: Timestamp,
    also: &mut Also,
) -> Result<(), NotDone> {
    let queued = withdraw(house, (partition, id), &tracked, now)?;
    also.releases.push(queued.key.clone());
    also.changes.extend(unqueue(&queued));
    also.changes.push(Change::Unsend(partition, id, Box::new(tracked.clone())));
    let notice = tracked.failed(MessageState::Deleted, 0, now);
    house.count_queued(&queued, Reached::Deleted);
    let offers = receipts::notify(house, (partition, id), &mut tracked, notice, &mut also.changes);
    also.changes.extend(offers.iter().map(|queued| Change::Queue(queued.clone())));
    also.offers.extend(offers);
    also.changes.extend(house.ended((partition, id), &tracked, now));
    also.changes.extend(house.of_campaign(id, &tracked, Left::Now));
    also.changes.push(Change::Track(partition, id, Box::new(tracked)));
    Ok(())
}

fn withdraw(
    house: &House,
    (partition, id): (Partition, MessageId),
    tracked: &Tracked,
    now: Timestamp,
) -> Result<Queued, NotDone> {
    let waits = tracked.waits.as_ref().ok_or(NotDone::TooLate)?;
    let Waits { queue, class, due } = waits;
    let key = OutboxKey { partition, queue: (**queue).into(), class: Class(*class), due: *due, id };
    if !house.outlet.withdraw(&key) {
        return Err(NotDone::TooLate);
    }
    let found = house.store.queued(key.clone()).map_err(unreadable);
    match &found {
        Ok(Some(_)) => {}
        Ok(None) => house.outlet.release(&key),
        Err(_) => house.outlet.give_back(&key, now),
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
    from: impl Into<Origin>,
    replace: Replace,
    now: Timestamp,
    done: impl FnOnce(Result<(), NotDone>) + Send + 'static,
) {
    let _lock = house.tracking.lock();
    let (mut also, mut queued) = (Also::default(), Vec::new());
    match replaced(house, from.into(), &replace, now, &mut also, &mut queued) {
        Ok(()) => write(house, also, queued, now, done),
        Err(not_done) => {
            also.releases.iter().for_each(|key| house.outlet.give_back(key, now));
            done(Err(not_done));
        }
    }
}

fn replaced(
    house: &House,
    from: Origin,
    replace: &Replace,
    now: Timestamp,
    also: &mut Also,
    all: &mut Vec<Queued>,
) -> Result<(), NotDone> {
    let (partition, found) = find(house, from, replace.id, (replace.source.as_ref(), None))?;
    let directory = house.directory();
    let owner = directory.customer(&found[0].1.customer).ok_or(NotDone::NoSuchMessage)?;
    let due = replace.schedule.map(|schedule| schedule.max(now));
    let expires = match replace.expires {
        Some(_) => Some(expiry(owner, replace.expires, due.unwrap_or(now), now).map_err(NotDone::Refused)?),
        None => None,
    };
    for (id, tracked) in found {
        let queued = match withdraw(house, (partition, id), &tracked, now) {
            Ok(queued) => queued,
            Err(NotDone::TooLate) => continue,
            Err(other) => return Err(other),
        };
        also.releases.push(queued.key.clone());
        if due.unwrap_or(queued.key.due) >= expires.unwrap_or(queued.record.expires) {
            return Err(NotDone::Refused(Reject::ExpiresBeforeSchedule));
        }
        also.changes.extend(unqueue(&queued));
        let queued = replace_one(house, queued, tracked, replace, (due, expires, now), also)?;
        judge_replaced(house, (from, owner), &queued, now)?;
        all.push(queued);
    }
    if all.is_empty() { Err(NotDone::TooLate) } else { Ok(()) }
}

/// The new text has to pass as the old one did, and uses nothing up.
fn judge_replaced(
    house: &House,
    (from, owner): (Origin, &Customer),
    queued: &Queued,
    now: Timestamp,
) -> Result<(), NotDone> {
    let directory = &house.directory();
    let message = Message { received_at: now, ..queued.record.message.clone() };
    let submitter = (from.by(), from.peer(directory));
    let trial = Trial::of_customer(directory, Some(owner), submitter, &message.source, &message.destination);
    let (trial, by) = (trial.read(&message.content), from.name(directory));
    house.judge(&trial, (&message, &by), Counting::Before, now).map(drop).map_err(NotDone::Refused)
}

fn replace_one(
    house: &House,
    mut queued: Queued,
    mut tracked: Tracked,
    replace: &Replace,
    (due, expires, now): (Option<Timestamp>, Option<Timestamp>, Timestamp),
    also: &mut Also,
) -> Result<Queued, NotDone> {
    queued.key.due = due.unwrap_or(queued.key.due);
    let record = &mut queued.record;
    record.expires = expires.unwrap_or(record.expires);
    record.registered_delivery = replace.registered_delivery;
    let content = &mut record.message.content;
    if is_default_alphabet(content.data_coding()) {
        let (data_coding, octets) = replace.text.clone();
        // A message class of the old one stays.
        content.data_coding = match data_coding {
            DataCoding::DEFAULT => content.data_coding,
            DataCoding::UCS_2 => dcs::in_ucs_2(content.data_coding()).0,
            other => other.0,
        };
        content.octets = octets;
    } else {
        content.octets = replace.octets.clone();
    }
    firewall::check_length(house.directory().peers_of(&queued.key.queue), content).map_err(NotDone::Refused)?;
    (record.deferred, record.attempts, record.taken) = (false, 0, Vec::new());
    tracked.replaced(replace.registered_delivery, &record.message.content);
    tracked.waits = Some(Waits { queue: (*queued.key.queue).into(), class: queued.key.class.0, due: queued.key.due });
    let replaced = || Event::Replaced { content: queued.record.message.content.clone(), due: queued.key.due };
    let event = || (ends_of_queued(&queued), replaced());
    also.changes.extend(house.happened((queued.key.partition, queued.key.id), &tracked.customer, now, event));
    also.changes.push(Change::Queue(queued.clone()));
    also.changes.push(Change::Track(queued.key.partition, queued.key.id, Box::new(tracked)));
    Ok(queued)
}

fn write(
    house: &House,
    also: Also,
    queued: Vec<Queued>,
    now: Timestamp,
    done: impl FnOnce(Result<(), NotDone>) + Send + 'static,
) {
    let Also { changes, offers, releases, .. } = also;
    let outlet = house.outlet.clone();
    let durable: Done = Box::new(move |result| {
        // A store that failed hands nothing out any more.
        releases.iter().for_each(|key| outlet.release(key));
        if result.is_ok() {
            outlet.offer(offers);
            offer_when_due(&*outlet, queued, now);
        }
        done(result.map_err(|failed| NotDone::Refused(Reject::StoreFailed(failed.to_string()))));
    });
    if let Err(failed) = house.amend(changes, Some(durable), now) {
        tracing::error!("a request stays with the peer: {failed}");
    }
}

/// What ends the messages that a submission with replace_if_present takes the place of; part of its batch.
pub fn replace_if_present(
    house: &House,
    from: Origin,
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
    let partition = partition(house, from).map_err(refused)?;
    let found = read(house, from, partition, &ids).map_err(refused)?;
    end_all(house, partition, found, now).map_err(refused)
}
