//! The key layout. Octet order is the order in which rows are read.
//!
//! ```text
//! inbox    <partition> i <event u64>                                        an MO that waits for its rule
//! outbox   <partition> o <len><queue> <class u8> <due u64> <message id>     a message that waits for a link
//! state    <partition> s <len><rule> <len><device> <key>                    what a rule keeps about a device
//! tracked  <partition> m <message id>                                       what became of an application's message
//! sent     <partition> k <len><account> <addresses> <message id>            the same while it waits, by its addresses
//! remote   <partition> r <len><peer> <form of its id>                       a peer's message id, to ours
//! deferred <partition> w <len><device> <message id>                         what waits for a device to come back
//! part     <partition> j <len><group> <number u8>                           a part of a long message
//! joined   <partition> J <len><group>                                       what its parts said, to know their repeats
//! parked   <partition> p <len><peer> <form of its id>                       a receipt that came before its response
//! once     <partition> y <len><customer> <hash of an idempotency key>       the message that a request made
//! once_age <partition> Y <message id>                                       the same by its age
//! opt_out  <partition> n <len><customer> <len><number> <device>             who wants no more messages of a number
//! quota    <partition> q <len><customer> <device>                           how much of a day's quota is used
//! pickup   <partition> g <len><customer> <message id>                       an MO that its customer picks up over the API
//! dead     <partition> d <len><customer> <!message id>                      what nobody could process or deliver
//! history  <partition> h <len><customer> <!message id> <number u64>         what happened to a message
//! hook     <partition> H <len><webhook> ...                                  see hooks.rs
//! event    <partition> e <len><customer> <id u64>                           what its customer is told
//! device   <partition> x <len><customer> <len><device> <!message id>        the messages of a device
//! known    <partition> D <len><customer> <digits>                           a registered device
//! tagged   <partition> T <len><customer> <len><tag> <digits>                the same by a tag
//! seen     <partition> z <len><customer> <digits>                           when it was seen last
//! campaign <partition> C <len><customer> <!campaign u64>                    a campaign, and how far it is
//! ends     <partition> E <len><customer> <!campaign u64>                    how its messages ended
//! list     <partition> L <len><customer> <!campaign u64> <piece u32>        its devices, a thousand in a piece
//! shared   <partition> S <len><rule> <key>                                  what all devices of a rule share
//! timer    <partition> t <len><rule> <len><device> <name>                   a timer of a rule
//! alarm    <partition> A <len><customer> <due u64> <setting>                 the same by when it is due
//! call     <partition> P <len><customer> <due u64> <id>                      an HTTP call of a rule that is to be made
//! answer   <partition> Q <len><customer> <event u64>                        what a rule answered to a request
//! recorded <partition> R <len><rule> <at u64> <event u64> <attempt u32>     a call of a rule, to be run again
//! usage    <partition> U <len><customer> <day u32> <rule>                    what a rule used on a day
//! series   <partition> V <len><customer>                                    how many messages it had, step by step
//! control  fe c <len><kind> <id>                                            what is set up over the API
//! used     fe u <len><kind> <id>                                            when that was used last
//! audit    fe a <sequence u64>, fe s                                        who changed it; the newest of them
//! meta     ff <name>                                                        of this data directory
//! ```
//! Every data key starts with its customer's partition, so that a transaction touches one partition only. Control
//! objects have a range of their own, which a transaction with data never touches.

mod campaigns;
mod dead;
mod devices;
mod outbox;
mod recorded;
mod rules;

use crate::message::MessageId;

pub use outbox::{OutboxKey, outbox_after, outbox_all, outbox_queue, outbox_range, waits_in};

pub use campaigns::{addressees, campaign, campaign_ends, campaign_id, campaigns};
pub use dead::{dead, dead_range};
pub use devices::{device, rest, seen, tagged, under};
pub use recorded::{CallPlace, recorded, recorded_place, recorded_range};
pub use rules::{all_by_due, answer, by_due, due_and_id};

/// A key as the tables hold it.
pub type Key = Box<[u8]>;

/// Partitions of the key space, from day one; the unit that a clustered form would move between machines.
const PARTITIONS: u32 = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u8);

impl Partition {
    /// Stable for ever: it is part of what is on disk.
    pub fn of(customer: &str) -> Partition {
        Partition((crc32fast::hash(customer.as_bytes()) % PARTITIONS) as u8)
    }

    pub fn all() -> impl Iterator<Item = Partition> {
        (0..PARTITIONS as u8).map(Partition)
    }

    /// All, beginning with `first`.
    pub fn all_from(first: Partition) -> impl Iterator<Item = Partition> {
        (0..PARTITIONS as u8).map(move |n| Partition((first.0 + n) % PARTITIONS as u8))
    }

    /// After the last one comes the first.
    pub fn next(self) -> Partition {
        Partition((self.0 + 1) % PARTITIONS as u8)
    }
}

pub const META_LAST_EVENT: &[u8] = b"\xffm_last_event";
pub const META_LAST_TOLD: &[u8] = b"\xffm_last_told";
pub const META_TOLD_FLOOR: &[u8] = b"\xffm_told_floor";
pub const META_LAST_NUMBER: &[u8] = b"\xffm_last_number";
pub const META_SECRET: &[u8] = b"\xffm_secret";

pub(super) fn prefixed(partition: Partition, kind: Kind, name: &str, more: usize) -> Vec<u8> {
    let mut key = Vec::with_capacity(3 + name.len() + more);
    key.extend_from_slice(&[partition.0, kind.octet(), name.len() as u8]);
    key.extend_from_slice(name.as_bytes());
    key
}

/// All rows of a kind in a partition.
pub fn all(partition: Partition, kind: Kind) -> (Key, Key) {
    (Box::new([partition.0, kind.octet()]), Box::new([partition.0, kind.octet() + 1]))
}

/// Kinds of rows, by the second octet of their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Outbox = b'o' as isize,
    Tracked = b'm' as isize,
    Sent = b'k' as isize,
    Remote = b'r' as isize,
    Deferred = b'w' as isize,
    Part = b'j' as isize,
    Joined = b'J' as isize,
    History = b'h' as isize,
    OfDevice = b'x' as isize,
    Event = b'e' as isize,
    Hook = b'H' as isize,
    Parked = b'p' as isize,
    Pickup = b'g' as isize,
    Device = b'D' as isize,
    Tagged = b'T' as isize,
    Seen = b'z' as isize,
    OptOut = b'n' as isize,
    Quota = b'q' as isize,
    Campaign = b'C' as isize,
    CampaignEnds = b'E' as isize,
    Addressees = b'L' as isize,
    Dead = b'd' as isize,
    Usage = b'U' as isize,
    State = b's' as isize,
    Shared = b'S' as isize,
    Timer = b't' as isize,
    Alarm = b'A' as isize,
    HttpCall = b'P' as isize,
    Answer = b'Q' as isize,
    Recorded = b'R' as isize,
    Series = b'V' as isize,
}

impl Kind {
    const fn octet(self) -> u8 {
        self as u8
    }
}

pub fn tracked(partition: Partition, id: MessageId) -> Key {
    [&[partition.0, Kind::Tracked.octet()][..], &id.to_key()].concat().into()
}

/// The first destination of a submission and its further ones.
pub fn tracked_together(partition: Partition, first: MessageId) -> (Key, Key) {
    let of_event = [&[partition.0, Kind::Tracked.octet()][..], &first.event.to_be_bytes()].concat();
    (tracked(partition, first), after(&of_event))
}

pub fn series(customer: &str) -> Key {
    prefixed(Partition::of(customer), Kind::Series, customer, 0).into()
}

/// True for rows that are written once and never change or go one by one.
pub fn is_history(key: &[u8]) -> bool {
    key.get(1).is_some_and(|kind| *kind == Kind::History.octet() || *kind == Kind::OfDevice.octet())
}

/// An event of a message. Ids are inverted: the newest message comes first.
pub fn history(partition: Partition, customer: &str, id: MessageId, number: u64) -> Key {
    let mut key = prefixed(partition, Kind::History, customer, 18);
    key.extend_from_slice(&inverted(id));
    key.extend_from_slice(&number.to_be_bytes());
    key.into()
}

fn inverted(id: MessageId) -> [u8; 10] {
    id.to_key().map(|octet| !octet)
}

/// All events of one message.
pub fn history_of(partition: Partition, customer: &str, id: MessageId) -> (Key, Key) {
    let mut from = prefixed(partition, Kind::History, customer, 10);
    from.extend_from_slice(&inverted(id));
    let to = after(&from);
    (from.into(), to)
}

/// Events of all messages of a customer: see [`newest_first`].
pub fn history_range(partition: Partition, customer: &str, ends: Ends) -> (Key, Key) {
    newest_first(&prefixed(partition, Kind::History, customer, 10), ends)
}

/// The messages of a device, or the row of one of them.
pub fn history_of_device(partition: Partition, customer: &str, device: &str, id: Option<MessageId>) -> Key {
    let mut key = prefixed(partition, Kind::OfDevice, customer, 11 + device.len());
    key.push(device.len() as u8);
    key.extend_from_slice(device.as_bytes());
    key.extend(id.map(inverted).into_iter().flatten());
    key.into()
}

/// Behind the first message, and up to the last.
type Ends = (Option<MessageId>, Option<MessageId>);

/// Rows under a prefix that is followed by an inverted id: of messages that are older than the first of these, and
/// not older than the second.
pub fn newest_first(prefix: &[u8], (behind, oldest): Ends) -> (Key, Key) {
    let behind_of = |id| after(&[prefix, &inverted(id)].concat());
    (behind.map_or_else(|| prefix.into(), behind_of), oldest.map_or_else(|| after(prefix), behind_of))
}

/// The inverted id that ends a key.
pub fn inverted_id(key: &[u8]) -> Option<MessageId> {
    let octets: [u8; 10] = key.get(key.len().checked_sub(10)?..)?.try_into().ok()?;
    MessageId::from_key(&octets.map(|octet| !octet))
}

/// The number of an event's row.
pub fn history_number(key: &[u8]) -> Option<u64> {
    let is_event = key.get(1) == Some(&Kind::History.octet());
    let number = key.get(key.len().checked_sub(8)?..).filter(|_| is_event)?;
    Some(u64::from_be_bytes(number.try_into().ok()?))
}

/// The message of a row of the history, of either kind.
pub fn message_of_history(key: &[u8]) -> Option<MessageId> {
    let is = |kind: Kind| key.get(1) == Some(&kind.octet());
    if is(Kind::History) { history_id(key) } else { inverted_id(key).filter(|_| is(Kind::OfDevice)) }
}

/// The message of an event's row.
pub fn history_id(key: &[u8]) -> Option<MessageId> {
    inverted_id(key.get(..key.len().checked_sub(8)?)?)
}

/// The message id that ends a key.
pub fn last_id(key: &[u8]) -> Option<MessageId> {
    MessageId::from_key(key.get(key.len().checked_sub(10)?..)?)
}

/// An application's messages by their addresses, while they wait.
pub fn sent(partition: Partition, account: &str, addresses: &str, id: MessageId) -> Key {
    let mut key = prefixed(partition, Kind::Sent, account, addresses.len() + 10);
    key.extend_from_slice(addresses.as_bytes());
    key.extend_from_slice(&id.to_key());
    key.into()
}

/// Those whose addresses begin with this.
pub fn sent_range(partition: Partition, account: &str, addresses: &str) -> (Key, Key) {
    let mut from = prefixed(partition, Kind::Sent, account, addresses.len());
    from.extend_from_slice(addresses.as_bytes());
    let to = after(&from);
    (from.into(), to)
}

/// A peer's id of a message, in one of its canonical forms; cut where it is absurdly long.
pub fn remote(partition: Partition, peer: &str, form: &str) -> Key {
    by_form(partition, Kind::Remote, peer, form)
}

/// A receipt that waits for the response that names its message.
pub fn parked(partition: Partition, peer: &str, form: &str) -> Key {
    by_form(partition, Kind::Parked, peer, form)
}

/// Octets of a peer's id that tell it from others.
const FORM_MAX: usize = 200;

fn by_form(partition: Partition, kind: Kind, peer: &str, form: &str) -> Key {
    let form = &form.as_bytes()[..form.len().min(FORM_MAX)];
    let mut key = prefixed(partition, kind, peer, form.len());
    key.extend_from_slice(form);
    key.into()
}

pub fn deferred(partition: Partition, device: &str, id: MessageId) -> Key {
    let mut key = prefixed(partition, Kind::Deferred, device, 10);
    key.extend_from_slice(&id.to_key());
    key.into()
}

pub fn deferred_range(partition: Partition, device: &str) -> (Key, Key) {
    let from = prefixed(partition, Kind::Deferred, device, 0);
    let to = after(&from);
    (from.into(), to)
}

/// The name in a key of one of the kinds that begin with a name.
pub fn name(key: &[u8]) -> Option<&str> {
    outbox_queue(key)
}

pub fn part(partition: Partition, group: &str, number: u8) -> Key {
    let mut key = prefixed(partition, Kind::Part, group, 1);
    key.push(number);
    key.into()
}

pub fn joined(partition: Partition, group: &str) -> Key {
    prefixed(partition, Kind::Joined, group, 0).into()
}

pub fn part_range(partition: Partition, group: &str) -> (Key, Key) {
    let from = prefixed(partition, Kind::Part, group, 0);
    let to = after(&from);
    (from.into(), to)
}

pub fn inbox(partition: Partition, event: u64) -> Key {
    let mut key = [0; 10];
    key[..2].copy_from_slice(&[partition.0, b'i']);
    key[2..].copy_from_slice(&event.to_be_bytes());
    Box::new(key)
}

pub fn inbox_event(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(2..10)?.try_into().ok()?))
}

pub fn inbox_after(partition: Partition, event: u64) -> (Key, Key) {
    (inbox(partition, event), Box::new([partition.0, b'i' + 1]))
}

/// The state rows of one device under one rule all start with this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject(Key);

impl Subject {
    /// `rule` is `customer/name`; both names are at most 255 octets (longer ones are cut by their hash).
    pub fn new(partition: Partition, rule: &str, device: &str) -> Subject {
        let mut key = Vec::with_capacity(4 + rule.len() + device.len());
        key.extend_from_slice(&[partition.0, b's', rule.len() as u8]);
        key.extend_from_slice(rule.as_bytes());
        key.push(device.len() as u8);
        key.extend_from_slice(device.as_bytes());
        Subject(key.into())
    }

    pub fn state(&self, name: &str) -> Key {
        [&*self.0, name.as_bytes()].concat().into()
    }

    /// As the rule's subject names it.
    pub fn device(&self) -> &str {
        let rule = self.0.get(2).map_or(0, |length| usize::from(*length));
        std::str::from_utf8(self.0.get(4 + rule..).unwrap_or_default()).unwrap_or_default()
    }

    /// The name under which a rule knows this row.
    pub fn name<'k>(&self, key: &'k [u8]) -> Option<&'k str> {
        std::str::from_utf8(key.strip_prefix(&*self.0)?).ok()
    }

    /// Rows whose name starts with `prefix` and is greater than `after`.
    pub fn range(&self, prefix: &str, after_name: Option<&str>) -> (Key, Key) {
        let all = self.state(prefix);
        let from = match after_name {
            Some(name) if name >= prefix => [&*self.state(name), b"\0"].concat().into(),
            _ => all.clone(),
        };
        (from, after(&all))
    }
}

pub fn opt_out(partition: Partition, customer: &str, number: &str, device: &str) -> Key {
    let mut key = prefixed(partition, Kind::OptOut, customer, 1 + number.len() + device.len());
    key.push(number.len() as u8);
    key.extend_from_slice(number.as_bytes());
    key.extend_from_slice(device.as_bytes());
    key.into()
}

/// Of a device; without one, of the customer as a whole.
pub fn quota(partition: Partition, customer: &str, device: &str) -> Key {
    let mut key = prefixed(partition, Kind::Quota, customer, device.len());
    key.extend_from_slice(device.as_bytes());
    key.into()
}

pub fn once(partition: Partition, customer: &str, hash: &[u8; 32]) -> Key {
    [&[partition.0, b'y', customer.len() as u8], customer.as_bytes(), hash].concat().into()
}

pub fn once_age(partition: Partition, id: MessageId) -> Key {
    [&[partition.0, b'Y'][..], &id.to_key()].concat().into()
}

pub fn once_age_all(partition: Partition) -> (Key, Key) {
    (Box::new([partition.0, b'Y']), Box::new([partition.0, b'Y' + 1]))
}

/// Begins the keys of control objects; above every partition.
const CONTROLS: u8 = 0xFE;
pub const CONTROL: u8 = b'c';
pub const USED: u8 = b'u';

/// Of one of the two kinds of rows that control objects have.
pub fn control(of: u8, kind: &str, id: &str) -> Key {
    [&[CONTROLS, of, kind.len() as u8], kind.as_bytes(), id.as_bytes()].concat().into()
}

pub fn control_all(of: u8) -> (Key, Key) {
    (Box::new([CONTROLS, of]), Box::new([CONTROLS, of + 1]))
}

/// Kind and id of a control object.
pub fn control_name(key: &[u8]) -> Option<(&str, &str)> {
    let kind = name(key)?;
    Some((kind, std::str::from_utf8(key.get(3 + kind.len()..)?).ok()?))
}

pub fn audit(sequence: u64) -> Key {
    [&[CONTROLS, b'a'][..], &sequence.to_be_bytes()].concat().into()
}

pub fn audit_after(sequence: u64) -> (Key, Key) {
    (audit(sequence.saturating_add(1)), Box::new([CONTROLS, b'a' + 1]))
}

pub fn audit_number(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(2..10)?.try_into().ok()?))
}

/// The number of the newest row of the audit.
pub fn audit_sequence() -> Key {
    Box::new([CONTROLS, b's'])
}

/// The smallest key that is greater than every key with this prefix.
pub(super) fn after(prefix: &[u8]) -> Key {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            break;
        }
    }
    end.into()
}

#[cfg(test)]
mod tests;
