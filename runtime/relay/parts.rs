//! Long MOs: each part is stored and acknowledged by itself; the last one to come turns them into one
//! message, in one batch. What is known in memory is only which parts wait; their rows are in the store.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use wasmsc_smpp::text::Payload;
use wasmsc_smpp::tlv::tag;
use wasmsc_smpp::udh::Concat;
use wasmsc_smpp::{DataCoding, EsmClass};

use super::admit::{Passed, Placed};
use super::judging::Trial;
use super::opt_outs::{self, NewKeyword};
use super::{Also, House, Stored, place_mo, store_messages};
use crate::config::Incomplete;
use crate::firewall::Reject;
use crate::message::{Content, Message, MessageId, Timestamp};
use crate::route::{Customer, Directory};
use crate::store::keys::Partition;
use crate::store::{
    Change, DeadFailure, DeadRecord, DeadWhat, Done, JoinedRecord, NewMessage, PartRecord, Place, Store,
};

/// A repeated part of a message that is complete already counts as a repeat for this long. A reference of 8
/// bits comes around after 256 messages, which no device sends in a minute.
const REPEAT_MS: u64 = 60_000;
/// Complete messages that are remembered for their repeats.
const COMPLETE_MAX: usize = 50_000;

/// Who brought a message of which parts are missing: several peers may have.
const JOINED: &str = "-";

/// A part of a long message that may enter.
pub struct NewPart {
    customer: Box<str>,
    group: Box<str>,
    part: Concat,
    message: Message,
    by: Arc<str>,
}

impl NewPart {
    pub fn new(customer: &Customer, part: Concat, message: Message, by: Arc<str>) -> NewPart {
        let group = group(customer, part, &message);
        NewPart { customer: (*customer.id).into(), group, part, message, by }
    }
}

/// What parts of one message have in common. The customer is, since those who share a number never meet, whose partition they
/// may be in; so it is for every number, which may become shared, or be shared no more, between two parts.
fn group(customer: &Customer, part: Concat, message: &Message) -> Box<str> {
    let Message { source, destination, .. } = message;
    let Concat { reference, total, wide, .. } = part;
    format!("{source}\0{destination}\0{reference}/{total}/{}\0{}", u8::from(wide), customer.id).into()
}

/// Which of those who share a number has the other parts of this one: who has it already, who lacks it, or else whose
/// other part came last.
pub fn whose<'d>(
    house: &House,
    sharers: impl Iterator<Item = &'d Customer>,
    (part, message): (Concat, &Message),
    now: Timestamp,
) -> Option<&'d Customer> {
    let joiner = house.joiner.lock();
    let told = hash(message);
    let found = sharers.filter_map(|customer| {
        let key = (Partition::of(&customer.id), group(customer, part, message));
        let is_repeat = joiner.is_repeat(&key, (part.number, told), now);
        let waiting = joiner.groups.get(&key);
        let lacks_it = waiting.is_some_and(|group| !group.has(part.number));
        let since = waiting.map(|group| group.first_at);
        (is_repeat || waiting.is_some()).then_some(((is_repeat, lacks_it, since), customer))
    });
    found.max_by_key(|(fits, _)| *fits).map(|(_, customer)| customer)
}

/// Which parts of which messages wait.
#[derive(Default)]
pub struct Joiner {
    groups: HashMap<(Partition, Box<str>), Group>,
    /// Parts that wait, per customer.
    counts: HashMap<Box<str>, usize>,
    /// Messages that were joined lately. Their rows are in the store as well: a response that a crash took
    /// away is why parts are repeated.
    complete: HashMap<(Partition, Box<str>), JoinedRecord>,
}

/// The same in every run of this build; after an update a repeat may count as a new message.
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
        store.all_joined(|partition, group, joined| {
            joiner.complete.insert((partition, group.into()), joined);
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

    /// Ends the memory of messages whose parts nobody repeats any more.
    fn forget_complete(&mut self, now: Timestamp) -> Vec<Change> {
        let over = self.complete.extract_if(|_, complete| complete.at.plus_ms(REPEAT_MS) <= now);
        over.map(|((partition, group), _)| Change::Unjoin(partition, group)).collect()
    }

    /// The same part of a message that is whole already, and not another message with the same reference.
    fn is_repeat(&self, key: &(Partition, Box<str>), said: (u8, u64), now: Timestamp) -> bool {
        self.complete.get(key).is_some_and(|complete| {
            let same = complete.parts.contains(&said);
            same && now < complete.at.plus_ms(REPEAT_MS)
        })
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
    if joiner.is_repeat(&key, (number, hash(&new.message)), now) {
        return repeat(house, MessageId::accepted(house.store.last_event()), done);
    }
    if !has_number && count + 1 == u32::from(new.part.total) {
        let is_remembered = joiner.complete.len() < COMPLETE_MAX;
        match complete(house, &key, new, is_remembered, now, done) {
            Completed::Whole(joined) => {
                joiner.remove(&key);
                if is_remembered {
                    joiner.complete.insert(key, joined);
                }
            }
            Completed::Refused => joiner.remove(&key),
            Completed::Waits => {}
        }
        return;
    }
    let directory = house.directory();
    let customer = directory.customer(&new.customer);
    let waiting = joiner.counts.get(&new.customer).copied().unwrap_or_default();
    if customer.is_none_or(|customer| waiting >= customer.queue_max) {
        return done(Err(Reject::TooManyParts(new.customer.into())));
    }
    let place = Place::Part { group: new.group, number };
    let message = NewMessage {
        customer: new.customer.clone(),
        place,
        message: new.message,
        by: new.by,
        sibling: 0,
        is_picked_up: false,
    };
    let ids = store_messages(house, vec![message], vec![None], Also::default(), now, move |result| {
        done(result.map(|ids| ids[0]));
    });
    if !ids.is_empty() {
        joiner.add(key, &new.customer, number, now, timeout_ms(&house.directory(), &new.customer));
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

/// What the last part of a message led to.
enum Completed {
    /// What all of them said.
    Whole(JoinedRecord),
    /// It may never pass, and its parts are gone. The peer was told so.
    Refused,
    /// Nothing changed, and the peer was told so.
    Waits,
}

/// The last part is here.
fn complete(
    house: &Arc<House>,
    (partition, group): &(Partition, Box<str>),
    new: NewPart,
    is_remembered: bool,
    now: Timestamp,
    done: impl FnOnce(Result<MessageId, Reject>) + Send + 'static,
) -> Completed {
    let mut parts = match house.store.parts(*partition, group) {
        Ok(parts) => parts,
        Err(error) => {
            done(Err(Reject::Unreadable(error.to_string())));
            return Completed::Waits;
        }
    };
    let used: Vec<u8> = parts.iter().map(|(number, _)| *number).collect();
    let last = PartRecord { customer: new.customer, id: MessageId::accepted(0), message: new.message };
    parts.push((new.part.number, last));
    let directory = house.directory();
    let Some(customer) = directory.customer(&parts[0].1.customer) else {
        done(Err(Reject::NobodyServes(parts[0].1.message.destination.to_string())));
        return Completed::Waits;
    };
    let said = parts.iter().map(|(number, part)| (*number, hash(&part.message))).collect();
    let joined = JoinedRecord { at: now, parts: said };
    let mut changes = used_up((*partition, group), &used);
    let (message, by) = (join(parts, now), new.by);
    let passed = match judge_joined(house, customer, (&message, &by), now) {
        Ok(passed) => passed,
        Err(reject) => {
            // One that may pass later waits for the peer to bring its last part again.
            let is_over = reject.is_for_ever() && house.store.amend(changes, None).is_ok();
            done(Err(reject));
            return if is_over { Completed::Refused } else { Completed::Waits };
        }
    };
    changes.extend(is_remembered.then(|| Change::Join(*partition, group.clone(), joined.clone())));
    match store_joined(house, customer, (message, by), passed, changes, now, done) {
        true => Completed::Whole(joined),
        false => Completed::Waits,
    }
}

fn used_up((partition, group): (Partition, &str), numbers: &[u8]) -> Vec<Change> {
    numbers.iter().map(|number| Change::Unpart(partition, group.into(), *number)).collect()
}

/// As a whole: its peers were held to their ranges with each part.
fn judge_joined(
    house: &House,
    customer: &Customer,
    (message, by): (&Message, &Arc<str>),
    now: Timestamp,
) -> Result<Passed<Placed>, Reject> {
    let directory = &house.directory();
    let ends = (&message.source, &message.destination);
    let trial = match directory.shared(ends.1) {
        Some(_) => Trial::of_shared(directory, None, ends.0, ends.1, Ok(customer)),
        None => Trial::of_network(directory, None, ends.0, ends.1),
    };
    let trial = trial.read(&message.content);
    house.decide(&trial, (message, by), place_mo(house, customer, message, None), now)
}

/// False: the store took nothing, and the peer was told so.
fn store_joined(
    house: &Arc<House>,
    customer: &Customer,
    (message, by): (Message, Arc<str>),
    passed: Passed<Placed>,
    changes: Vec<Change>,
    now: Timestamp,
    done: impl FnOnce(Result<MessageId, Reject>) + Send + 'static,
) -> bool {
    let id = Box::from(&*customer.id);
    match passed {
        Passed::Keyword(asked) => {
            let keyword = NewKeyword { customer: id, asked, message, by };
            opt_outs::accept_and(house, keyword, changes, now, done)
        }
        Passed::Message((place, subject)) => {
            let also = Also { changes, ..Also::default() };
            let is_picked_up = customer.inbox.is_some();
            let whole = NewMessage { customer: id, place, message, by, sibling: 0, is_picked_up };
            let ids = store_messages(house, vec![whole], vec![subject], also, now, move |result| {
                done(result.map(|ids| ids[0]));
            });
            !ids.is_empty()
        }
    }
}

/// One message out of parts, in order of their numbers; missing ones leave no trace.
fn join(mut parts: Vec<(u8, PartRecord)>, now: Timestamp) -> Message {
    parts.sort_by_key(|(number, _)| *number);
    if !same_alphabet(&parts) {
        return join_texts(parts, now);
    }
    let (udh, _) = parts[0].1.message.content.split_udh();
    let header = udh.without_concat().encode();
    let mut octets = BytesMut::from(&header[..]);
    for (_, part) in &parts {
        octets.extend_from_slice(&part.message.content.split_udh().1);
    }
    let udhi = if header.is_empty() { 0 } else { EsmClass::UDHI.0 };
    let first = parts.swap_remove(0).1.message;
    let data_coding = first.content.data_coding;
    whole(first, (data_coding, udhi), octets.freeze(), now)
}

/// Octets of different alphabets must not be mixed.
fn same_alphabet(parts: &[(u8, PartRecord)]) -> bool {
    let alphabet = |(_, part): &(u8, PartRecord)| {
        let udh = part.message.content.split_udh().0;
        (part.message.content.data_coding, udh.locking_shift(), udh.single_shift())
    };
    parts.iter().all(|part| alphabet(part) == alphabet(&parts[0]))
}

/// Parts that were written in different alphabets: their texts, in the one that has every character.
fn join_texts(mut parts: Vec<(u8, PartRecord)>, now: Timestamp) -> Message {
    let mut octets = BytesMut::new();
    for (_, part) in &parts {
        match part.message.content.payload() {
            Payload::Text(text) => octets.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
            Payload::Binary(binary) => octets.extend_from_slice(&binary),
        }
    }
    let first = parts.swap_remove(0).1.message;
    whole(first, (DataCoding::UCS_2.0, 0), octets.freeze(), now)
}

/// The first part with the text of all, and nothing that says it is a part.
fn whole(first: Message, (data_coding, udhi): (u8, u8), octets: Bytes, now: Timestamp) -> Message {
    let esm_class = first.content.esm_class & !EsmClass::UDHI.0 | udhi;
    let is_sar = |t: u16| [tag::SAR_MSG_REF_NUM, tag::SAR_TOTAL_SEGMENTS, tag::SAR_SEGMENT_SEQNUM].contains(&t);
    let tlvs = first.content.tlvs.into_iter().filter(|(tag, _)| !is_sar(*tag)).collect();
    let content = Content { data_coding, esm_class, octets, tlvs, ..first.content };
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
        match house.directory().customer(&first.customer) {
            Some(customer) if customer.incomplete == Incomplete::Deliver => {
                let (message, changes) = (join(parts.clone(), now), used_up((key.0, &key.1), &used));
                match judge_joined(house, customer, (&message, &JOINED.into()), now) {
                    Ok(passed) => {
                        if !store_joined(house, customer, (message, JOINED.into()), passed, changes, now, |_| {}) {
                            continue; // no room now; it stays for the next time
                        }
                    }
                    Err(reject) if reject.is_for_ever() => discard(house, &key, parts, reject.to_string(), now)?,
                    Err(_) => continue, // it may pass the next time
                }
            }
            _ => {
                let reason = format!("{} of {total} parts came in time", parts.len());
                discard(house, &key, parts, reason, now)?;
            }
        }
        joiner.remove(&key);
    }
    match joiner.forget_complete(now) {
        none if none.is_empty() => Ok(()),
        over => house.store.amend(over, None),
    }
}

fn discard(
    house: &House,
    (partition, group): &(Partition, Box<str>),
    parts: Vec<(u8, PartRecord)>,
    reason: String,
    now: Timestamp,
) -> Stored<()> {
    let failure = DeadFailure { reason: reason.into(), ..DeadFailure::default() };
    let mut changes = Vec::with_capacity(2 * parts.len());
    for (number, part) in parts {
        changes.push(Change::Unpart(*partition, group.clone(), number));
        let (id, failure) = (part.id, failure.clone());
        let dead = DeadRecord { what: DeadWhat::Part(part), died_at: now, failure };
        changes.push(house.died((*partition, id), dead));
    }
    house.store.amend(changes, None)
}
