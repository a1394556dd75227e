//! Changes that `relay` composes: what settling, receipts, cancelling and waking do to the rows.
//!
//! Each names one row by what it means; the keys stay in here. A list of them is one atomic batch.

use bytes::Bytes;

use super::answers::AnswerRecord;
use super::campaigns::{self, OfCampaign};
use super::dead::DeadRecord;
use super::history::EventRows;
use super::http_calls::{HttpCallKey, HttpCallRecord};
use super::keys::{self, CallPlace, OutboxKey, Partition};
use super::once::{self, NewOnce};
use super::opt_outs::{self, OptOutRecord};
use super::pickup;
use super::record::{self, InboxRecord, JoinedRecord, ParkedRecord};
use super::recorded::{self, RecordedRow};
use super::tables::Op;
use super::usage;
use super::verbs::Queued;
use super::{Done, Store, StoreFailed};
use crate::campaign::CampaignId;
use crate::feed::Ends;
use crate::firewall::rates::QuotaRow;
use crate::message::{MessageId, Timestamp};
use crate::meter::UsageRow;
use crate::tally::KeptSeries;
use crate::timeline::Event;
use crate::tracking::Tracked;

/// One row that comes, changes or goes.
#[derive(Debug)]
pub enum Change {
    /// A message waits for a link.
    Queue(Queued),
    /// It waits no more.
    Unqueue(OutboxKey),
    Track(Partition, MessageId, Box<Tracked>),
    Untrack(Partition, MessageId),
    /// No longer found by its addresses.
    Unsend(Partition, MessageId, Box<Tracked>),
    /// A peer's id of a message: one row for each form that a receipt may name it by.
    Correlate(Partition, Box<str>, String, RemotePart),
    Uncorrelate(Partition, Box<str>, String),
    /// The message of this row goes out at once when the device shows up.
    Defer(Box<str>, OutboxKey),
    Undefer(Partition, Box<str>, MessageId),
    Park(Partition, Box<str>, String, ParkedRecord),
    Unpark(Partition, Box<str>, String),
    Dead(Partition, MessageId, Box<DeadRecord>),
    /// A customer's dead letter is one no more.
    Undead(Partition, Box<str>, MessageId),
    /// An event of a rule that is no MO, or is tried again; its number is its own.
    Arrive(Partition, u64, Box<InboxRecord>),
    /// It is over without a call.
    Depart(Partition, u64),
    /// An HTTP call waits for its next attempt.
    HttpCall(HttpCallKey, Box<HttpCallRecord>),
    HttpCalled(HttpCallKey),
    /// How a request to a rule ended.
    Answer(Box<str>, MessageId, Box<AnswerRecord>),
    Unanswer(Box<str>, MessageId),
    /// The request of a customer that made this counts once.
    Once(Box<str>, Box<NewOnce>, MessageId, Timestamp),
    /// A part of a long message is used up.
    Unpart(Partition, Box<str>, u8),
    /// A long message is whole; its parts may still be repeated.
    Join(Partition, Box<str>, JoinedRecord),
    Unjoin(Partition, Box<str>),
    /// Of a customer's campaign.
    OfCampaign(Box<str>, CampaignId, OfCampaign),
    /// A customer has an MO of its inbox, or its time there is over.
    PickedUp(Partition, Box<str>, MessageId),
    /// A customer's registered device was seen.
    Seen(Box<str>, Box<str>, Timestamp),
    /// This device wants no more messages of this number.
    OptOut(OptOutRecord),
    /// It wants them again.
    OptIn(OptOutRecord),
    /// How much of a day's quota is used.
    Quota(QuotaRow),
    /// Of a day that is over.
    Unquota(QuotaRow),
    /// What a rule used on a day.
    Usage(UsageRow),
    Unusage(UsageRow),
    /// How many messages a customer had, step by step.
    Series(Box<str>, Box<KeptSeries>),
    /// It is a customer no more.
    Unseries(Box<str>),
    /// A call of a rule is kept.
    Record(RecordedRow),
    /// Of a rule, `customer/name`, no more.
    Unrecord(Box<str>, CallPlace),
    /// Something for the history of a customer's message, and for its feed.
    Happened(Partition, Box<str>, MessageId, Timestamp, Box<(Ends, Event)>),
}

/// Which SMS of which message a peer's id means.
pub type RemotePart = (MessageId, u8);

impl Store {
    /// Applies changes as one batch. `done` is called when they are durable.
    pub fn amend(&self, changes: Vec<Change>, done: Option<Done>) -> Result<(), StoreFailed> {
        self.submit(changes.into_iter().flat_map(|change| self.ops(change)).collect(), done)
    }
}

impl Store {
    /// None where nobody keeps it.
    pub(super) fn ops(&self, change: Change) -> EventRows {
        match change {
            Change::Happened(partition, customer, id, at, event) => self.event(partition, &customer, id, at, || *event),
            Change::Once(customer, new, id, now) => {
                once::rows(&customer, *new, id, now).map(Some).into_iter().flatten()
            }
            other => [Some(op(other)), None].into_iter().flatten(),
        }
    }
}

fn op(change: Change) -> Op {
    match change {
        Change::Happened(..) | Change::Once(..) => unreachable!("the store makes their rows itself"),
        Change::Queue(queued) => Op::Insert(queued.key.encode(), record::encode(&queued.record)),
        Change::Unqueue(key) => Op::Delete(key.encode()),
        Change::Track(partition, id, tracked) => Op::Put(keys::tracked(partition, id), record::encode(&*tracked)),
        Change::Untrack(partition, id) => Op::Delete(keys::tracked(partition, id)),
        Change::Unsend(partition, id, tracked) => Op::Delete(sent_key(partition, id, &tracked)),
        Change::Correlate(partition, peer, form, part) => {
            Op::Put(keys::remote(partition, &peer, &form), record::encode(&part))
        }
        Change::Uncorrelate(partition, peer, form) => Op::Delete(keys::remote(partition, &peer, &form)),
        Change::Defer(device, key) => {
            Op::Put(keys::deferred(key.partition, &device, key.id), Bytes::copy_from_slice(&key.encode()))
        }
        Change::Undefer(partition, device, id) => Op::Delete(keys::deferred(partition, &device, id)),
        Change::Park(partition, peer, form, parked) => {
            Op::Put(keys::parked(partition, &peer, &form), record::encode(&parked))
        }
        Change::Unpark(partition, peer, form) => Op::Delete(keys::parked(partition, &peer, &form)),
        Change::Arrive(partition, event, record) => Op::Insert(keys::inbox(partition, event), record::encode(&*record)),
        Change::Depart(partition, event) => Op::Delete(keys::inbox(partition, event)),
        Change::HttpCall(key, record) => Op::Put(key.encode(), record::encode(&*record)),
        Change::HttpCalled(key) => Op::Delete(key.encode()),
        Change::Answer(customer, id, record) => {
            Op::Put(keys::answer(Partition::of(&customer), &customer, id.event), record::encode(&*record))
        }
        Change::Unanswer(customer, id) => Op::Delete(keys::answer(Partition::of(&customer), &customer, id.event)),
        Change::Dead(partition, id, dead) => {
            Op::Put(keys::dead(partition, dead.customer(), id), record::encode(&*dead))
        }
        Change::Undead(partition, customer, id) => Op::Delete(keys::dead(partition, &customer, id)),
        Change::Unpart(partition, group, number) => Op::Delete(keys::part(partition, &group, number)),
        Change::Join(partition, group, joined) => Op::Put(keys::joined(partition, &group), record::encode(&joined)),
        Change::OfCampaign(customer, id, change) => campaigns::op(&customer, id, change),
        Change::PickedUp(partition, customer, id) => Op::Delete(pickup::key(partition, &customer, id)),
        Change::Seen(customer, digits, at) => {
            Op::Put(keys::seen(Partition::of(&customer), &customer, &digits), record::encode(&at))
        }
        Change::Unjoin(partition, group) => Op::Delete(keys::joined(partition, &group)),
        Change::OptOut(record) => Op::Put(record.key(), record::encode(&record)),
        Change::OptIn(record) => Op::Delete(record.key()),
        Change::Quota(row) => Op::Put(opt_outs::quota_key(&row), record::encode(&row)),
        Change::Unquota(row) => Op::Delete(opt_outs::quota_key(&row)),
        Change::Usage(row) => usage::put(&row),
        Change::Unusage(row) => usage::forget(&row),
        Change::Series(customer, kept) => Op::Put(keys::series(&customer), record::encode(&*kept)),
        Change::Unseries(customer) => Op::Delete(keys::series(&customer)),
        Change::Record(row) => recorded::put(row),
        Change::Unrecord(rule, place) => recorded::forget(&rule, place),
    }
}

pub(super) fn sent_key(partition: Partition, id: MessageId, tracked: &Tracked) -> keys::Key {
    keys::sent(partition, &tracked.account, &addresses(tracked), id)
}

fn addresses(tracked: &Tracked) -> String {
    let service_type = String::from_utf8_lossy(&tracked.service_type);
    format!("{}\0{}\0{service_type}\0", tracked.source, tracked.destination)
}
