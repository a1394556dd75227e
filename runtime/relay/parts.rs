//! Long MOs: each part is stored and acknowledged by itself; the last one to come turns them into one
//! message, in one batch. What is known in memory is only which parts wait; their rows are in the store.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use wasmsc_smpp::EsmClass;
use wasmsc_smpp::tlv::tag;
use wasmsc_smpp::udh::Concat;

use super::{Also, House, Stored, place_mo, store_messages};
use crate::config::Incomplete;
use crate::firewall::Reject;
use crate::message::{Content, Message, MessageId, Timestamp};
use crate::route::{Customer, Directory};
use crate::store::keys::Partition;
use crate::store::{Change, DeadRecord, Done, NewMessage, PartRecord, Place, Store};

/// A part of a message that is complete already, with the same content, counts as a repeat for this long.
/// Some devices give every message the same reference, so that the content has to tell.
const REPEAT_MS: u64 = 60_000;
/// Complete messages that are remembered for their repeats.
const COMPLETE_MAX: usize = 10_000;

/// A part of a long message that may enter.
pub struct NewPart {
    customer: Box<str>,
    group: Box<str>,
    part: Concat,
    message: Message,
}

impl NewPart {
    pub fn new(customer: &Customer, part: Concat, message: Message) -> NewPart {
        let (source, destination) = (&message.source, &message.destination);
        let Concat { reference, total, wide, .. } = part;
        let group = format!("{source}\0{destination}\0{reference}/{total}/{}", u8::from(wide)).into();
        NewPart { customer: (*customer.id).into(), group, part, message }
    }
}

/// Which parts of which messages wait.
#[derive(Default)]
pub struct Joiner {
    groups: HashMap<(Partition, Box<str>), Group>,
    /// Parts that wait, per customer.
    counts: HashMap<Box<str>, usize>,
    complete: HashMap<(Partition, Box<str>), Complete>,
}

struct Complete {
    at: Timestamp,
    /// Of each part's content, by number from 1.
    hashes: Vec<u64>,
}

impl Complete {
    fn has(&self, number: u8, hash: u64, now: Timestamp) -> bool {
        let known = usize::from(number).checked_sub(1).and_then(|index| self.hashes.get(index));
        now < self.at.plus_ms(REPEAT_MS) && known == Some(&hash)
    }
}

fn hash(message: &Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    message.content.octets.hash(&mut hasher);
    hasher.finish()
}

struct Group {
    customer: Box<str>,
    /// Bit n: part n waits.
    present: [u64; 4],
    first_at: Timestamp,
    timeout_ms: u64,
}

impl Group {
    fn has(&self, number: u8) -> bool {
        self.present[usize::from(number / 64)] & (1 << (number % 64)) != 0
    }

    fn count(&self) -> u32 {
        self.present.iter().map(|word| word.count_ones()).sum()
    }
}

impl Joiner {
    pub fn recover(directory: &Directory, store: &Store) -> io::Result<Joiner> {
        let mut joiner = Joiner::default();
        store.all_parts(|partition, group, number, record| {
            let timeout_ms = timeout_ms(directory, &record.customer);
            joiner.add((partition, group.into()), &record.customer, number, record.message.received_at, timeout_ms);
        })?;
        Ok(joiner)
    }

    fn add(&mut self, key: (Partition, Box<str>), customer: &str, number: u8, now: Timestamp, timeout_ms: u64) {
        let fresh = || Group { customer: customer.into(), present: [0; 4], first_at: now, timeout_ms };
        let group = self.groups.entry(key).or_insert_with(fresh);
        if !group.has(number) {
            group.present[usize::from(number / 64)] |= 1 << (number % 64);
            *self.counts.entry(customer.into()).or_default() += 1;
        }
    }

    fn remove(&mut self, key: &(Partition, Box<str>)) {
        if let Some(group) = self.groups.remove(key)
            && let Some(count) = self.counts.get_mut(&group.customer)
        {
            *count = count.saturating_sub(group.count() as usize);
        }
    }

    fn remember_complete(&mut self, key: (Partition, Box<str>), hashes: Vec<u64>, now: Timestamp) {
        if self.complete.len() >= COMPLETE_MAX {
            self.complete.retain(|_, complete| complete.at.plus_ms(REPEAT_MS) > now);
        }
        if self.complete.len() < COMPLETE_MAX {
            self.complete.insert(key, Complete { at: now, hashes });
        }
    }
}

fn timeout_ms(directory: &Directory, customer: &str) -> u64 {
    directory.customer(customer).map_or(0, |customer| customer.join_timeout_ms)
}

/// Stores a part, or with the last one the whole. `done` is called when that is durable.
pub fn accept(
    house: &Arc<House>,
    new: NewPart,
    now: Timestamp,
    done: impl FnOnce(Result<MessageId, Reject>) + Send + 'static,
) {
    let key = (Partition::of(&new.customer), new.group.clone());
    let number = new.part.number;
    let mut joiner = house.joiner.lock();
    let (has_number, count) = joiner.groups.get(&key).map_or((false, 0), |g| (g.has(number), g.count()));
    if joiner.complete.get(&key).is_some_and(|complete| complete.has(number, hash(&new.message), now)) {
        return repeat(house, MessageId::accepted(house.store.last_event()), done);
    }
    if !has_number && count + 1 == u32::from(new.part.total) {
        if let Some(hashes) = complete(house, &key, new, now, done) {
            joiner.remove(&key);
            joiner.remember_complete(key, hashes, now);
        }
        return;
    }
    joiner.complete.remove(&key);
    let customer = house.directory.customer(&new.customer);
    let waiting = joiner.counts.get(&new.customer).copied().unwrap_or_default();
    if customer.is_none_or(|customer| waiting >= customer.queue_max) {
        return done(Err(Reject::TooManyParts(new.customer.into())));
    }
    let place = Place::Part { group: new.group, number };
    let message = NewMessage { customer: new.customer.clone(), place, message: new.message, sibling: 0 };
    let ids = store_messages(house, vec![message], vec![None], Also::default(), now, move |result| {
        done(result.map(|ids| ids[0]));
    });
    if !ids.is_empty() {
        joiner.add(key, &new.customer, number, now, timeout_ms(&house.directory, &new.customer));
    }
}

/// Everything that the part could add is stored: it is acknowledged when that is durable for sure.
pub fn repeat(house: &House, id: MessageId, done: impl FnOnce(Result<MessageId, Reject>) + Send + 'static) {
    let durable: Done =
        Box::new(move |result| done(result.map(|()| id).map_err(|failed| Reject::StoreFailed(failed.to_string()))));
    if let Err(failed) = house.store.amend(Vec::new(), Some(durable)) {
        tracing::error!("a repeated part stays with the peer: {failed}");
    }
}

/// The last part is here. Yields the parts' hashes, or None: nothing changed, and the peer was told so.
fn complete(
    house: &Arc<House>,
    (partition, group): &(Partition, Box<str>),
    new: NewPart,
    now: Timestamp,
    done: impl FnOnce(Result<MessageId, Reject>) + Send + 'static,
) -> Option<Vec<u64>> {
    let mut parts = match house.store.parts(*partition, group) {
        Ok(parts) => parts,
        Err(error) => {
            done(Err(Reject::Unreadable(error.to_string())));
            return None;
        }
    };
    let used: Vec<u8> = parts.iter().map(|(number, _)| *number).collect();
    let last = PartRecord { customer: new.customer, id: MessageId::accepted(0), message: new.message };
    parts.push((new.part.number, last));
    let mut hashes = vec![0; parts.len()];
    for (number, part) in &parts {
        if let Some(slot) = usize::from(*number).checked_sub(1).and_then(|index| hashes.get_mut(index)) {
            *slot = hash(&part.message);
        }
    }
    let customer = house.directory.customer(&parts[0].1.customer)?;
    let is_stored = store_joined(house, customer, (*partition, group, &used), join(parts, now), now, done);
    is_stored.then_some(hashes)
}

fn store_joined(
    house: &Arc<House>,
    customer: &Customer,
    (partition, group, used): (Partition, &str, &[u8]),
    message: Message,
    now: Timestamp,
    done: impl FnOnce(Result<MessageId, Reject>) + Send + 'static,
) -> bool {
    let (place, subject) = match place_mo(house, customer, &message, None) {
        Ok(place) => place,
        Err(reject) => {
            done(Err(reject));
            return false;
        }
    };
    let changes = used.iter().map(|number| Change::Unpart(partition, group.into(), *number)).collect();
    let also = Also { changes, ..Also::default() };
    let whole = NewMessage { customer: (*customer.id).into(), place, message, sibling: 0 };
    let ids = store_messages(house, vec![whole], vec![subject], also, now, move |result| {
        done(result.map(|ids| ids[0]));
    });
    !ids.is_empty()
}

/// One message out of parts, in order of their numbers; missing ones leave no trace.
fn join(mut parts: Vec<(u8, PartRecord)>, now: Timestamp) -> Message {
    parts.sort_by_key(|(number, _)| *number);
    let (udh, _) = parts[0].1.message.content.split_udh();
    let header = udh.without_concat().encode();
    let mut octets = BytesMut::from(&header[..]);
    for (_, part) in &parts {
        octets.extend_from_slice(&part.message.content.split_udh().1);
    }
    let first = parts.swap_remove(0).1.message;
    let udhi = EsmClass::UDHI.0;
    let esm_class = first.content.esm_class & !udhi | if header.is_empty() { 0 } else { udhi };
    let is_sar = |t: u16| [tag::SAR_MSG_REF_NUM, tag::SAR_TOTAL_SEGMENTS, tag::SAR_SEGMENT_SEQNUM].contains(&t);
    let tlvs = first.content.tlvs.into_iter().filter(|(tag, _)| !is_sar(*tag)).collect();
    let content = Content { esm_class, octets: octets.freeze(), tlvs, ..first.content };
    Message { content, received_at: now, ..first }
}

/// Ends long messages of which a part is still missing after the customer's time.
pub fn expire(house: &Arc<House>, now: Timestamp) -> Stored<()> {
    let mut joiner = house.joiner.lock();
    let is_over = |group: &Group| group.first_at.plus_ms(group.timeout_ms) <= now;
    let over: Vec<_> = joiner.groups.iter().filter(|(_, group)| is_over(group)).map(|(key, _)| key.clone()).collect();
    for key in over {
        let Ok(parts) = house.store.parts(key.0, &key.1) else { continue };
        let Some((_, first)) = parts.first() else { continue };
        let total = first.message.content.part().map_or(0, |part| part.total);
        tracing::warn!(message_id = %first.id, parts = parts.len(), total, "a long message stayed incomplete");
        let used: Vec<u8> = parts.iter().map(|(number, _)| *number).collect();
        match house.directory.customer(&first.customer) {
            Some(customer) if customer.incomplete == Incomplete::Deliver => {
                let message = join(parts, now);
                if !store_joined(house, customer, (key.0, &key.1, &used), message, now, |_| {}) {
                    continue; // no room now; it stays for the next time
                }
            }
            _ => discard(house, &key, parts, total, now)?,
        }
        joiner.remove(&key);
    }
    joiner.complete.retain(|_, complete| complete.at.plus_ms(REPEAT_MS) > now);
    Ok(())
}

fn discard(
    house: &House,
    (partition, group): &(Partition, Box<str>),
    parts: Vec<(u8, PartRecord)>,
    total: u8,
    now: Timestamp,
) -> Stored<()> {
    let reason: Box<str> = format!("{} of {total} parts came in time", parts.len()).into();
    let mut changes = Vec::with_capacity(2 * parts.len());
    for (number, part) in parts {
        changes.push(Change::Unpart(*partition, group.clone(), number));
        let dead = DeadRecord {
            customer: part.customer,
            at: "joining".into(),
            message: part.message,
            attempts: 1,
            died_at: now,
            reason: reason.clone(),
        };
        changes.push(Change::Dead(*partition, part.id, Box::new(dead)));
    }
    house.store.amend(changes, None)
}
