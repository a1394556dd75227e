//! The verb `commit`: what a rule's call leaves behind is one batch, stored whole or not at all.

use std::io;

use bytes::Bytes;

use wasmsc_smpp::receipt::MessageState;

use super::change::{self, Change};
use super::keys::{self, Partition, Subject};
use super::record;
use super::tables::Op;
use super::timers;
use super::verbs::Queued;
use super::{Done, Store, StoreFailed};
use crate::feed::Ends;
use crate::message::{Address, MessageId, Timestamp};
use crate::occasion::{SharedRead, SharedWrite, TimerChange};
use crate::timeline::{Direction, Event, Received};
use crate::tracking::Tracked;

/// What a successful call of a rule leaves behind.
pub struct Finished<'c> {
    pub partition: Partition,
    /// The event that is done.
    pub event: u64,
    /// It was an MO, which has a history.
    pub is_mo: bool,
    pub customer: &'c str,
    /// Which rule ran, as `customer/name`.
    pub rule: &'c str,
    pub at: Timestamp,
    pub subject: Subject,
    /// (name, value); None deletes.
    pub state: Vec<(String, Option<Vec<u8>>)>,
    /// What must still be so for any of this to happen.
    pub reads: Vec<SharedRead>,
    pub shared: Vec<(String, SharedWrite)>,
    pub timers: Vec<(String, TimerChange)>,
    pub queued: Vec<Queued>,
    /// Tags of those that have one.
    pub tags: Vec<(MessageId, Box<str>)>,
    /// Those whose end the rule wants to hear of.
    pub followed: Vec<(MessageId, Box<Tracked>)>,
    /// What becomes of the MO's tracked row, HTTP calls, the answer to a request.
    pub also: Vec<Change>,
}

impl<'c> Finished<'c> {
    /// An MO that is done, and nothing came of it.
    pub fn without_effects(
        (partition, event): (Partition, u64),
        (customer, rule): (&'c str, &'c str),
        subject: Subject,
        at: Timestamp,
    ) -> Finished<'c> {
        let (state, reads, shared, timers, queued, tags, followed, also) = Default::default();
        let is_mo = true;
        #[rustfmt::skip]
        let finished = Finished {
            partition, event, is_mo, customer, rule, at, subject, state, reads, shared, timers, queued, tags, followed, also,
        };
        finished
    }
}

/// Whether a call's effects are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    Yes,
    /// What it read of the shared state is not so any more: it has to run again, and nothing has changed.
    Conflict,
}

impl Store {
    /// A rule's call succeeded: event done, state written, timers set, MTs queued, HTTP calls submitted, all or nothing.
    /// `done` is called with the queued messages once all of it is durable, if there is anybody to tell.
    pub fn commit(
        &self,
        finished: Finished<'_>,
        done: Option<impl FnOnce(Vec<Queued>) + Send + 'static>,
    ) -> Result<Committed, StoreFailed> {
        let Finished { partition, event, is_mo, customer, rule, at, subject, queued, tags, .. } = &finished;
        let (partition, event, customer) = (*partition, *event, *customer);
        let mut batch = Vec::with_capacity(1 + finished.state.len() + finished.queued.len());
        batch.push(Op::Delete(keys::inbox(partition, event)));
        if self.keeps.any() {
            let id = MessageId::accepted(event);
            if *is_mo {
                self.ran((customer, rule), (id, subject), *at, queued, &mut batch);
            }
            self.sent_by((customer, rule), is_mo.then_some(id), (queued, tags), &mut batch);
        }
        let rule = rule.split_once('/').map_or(*rule, |(_, name)| name);
        let Finished { subject, state, reads, shared, timers, queued, followed, also, .. } = finished;
        batch.extend(state.into_iter().map(|(name, value)| {
            let key = subject.state(&name);
            match value {
                Some(value) => Op::Put(key, value.into()),
                None => Op::Delete(key),
            }
        }));
        batch.extend(timers.into_iter().flat_map(|timer| timers::ops((customer, rule), &subject, timer)));
        batch.extend(queued.iter().map(|q| Op::Insert(q.key.encode(), record::encode(&q.record))));
        for (id, tracked) in followed {
            batch.push(Op::Insert(change::sent_key(partition, id, &tracked), Bytes::new()));
            batch.push(Op::Insert(keys::tracked(partition, id), record::encode(&*tracked)));
        }
        batch.extend(also.into_iter().flat_map(|change| self.ops(change)));
        let done = done.map(|done| -> Done {
            Box::new(move |result| {
                if result.is_ok() {
                    done(queued);
                }
            })
        });
        let mut inner = self.inner.lock();
        let unread = |error: io::Error| StoreFailed(format!("shared state cannot be read: {error}").into());
        if !inner.still_reads(&subject, &reads).map_err(unread)? {
            return Ok(Committed::Conflict);
        }
        for write in shared {
            batch.push(inner.shared_op(&subject, write).map_err(unread)?);
        }
        inner.submit(batch, done)?;
        drop(inner);
        self.work.notify_one();
        Ok(Committed::Yes)
    }

    /// For the history and the feed: the MO's end.
    fn ran(
        &self,
        (customer, rule): (&str, &str),
        (mo, subject): (MessageId, &Subject),
        at: Timestamp,
        queued: &[Queued],
        batch: &mut Vec<Op>,
    ) {
        let sent = queued.iter().filter(|queued| !queued.key.id.is_receipt()).count() as u16;
        let ran = Event::Ran { rule: rule.into(), sent };
        let ended = Event::Ended { state: MessageState::Delivered.octet(), error: 0 };
        let partition = Partition::of(customer);
        let device = Address::parse(subject.device()).unwrap_or(Address::Alphanumeric("".into()));
        let ends = || Ends { direction: Direction::Mo, device: device.clone(), number: None };
        batch.extend(
            [ran, ended].into_iter().flat_map(|event| self.event(partition, customer, mo, at, || (ends(), event))),
        );
    }

    /// The same for what a rule sends: how it begins.
    fn sent_by(
        &self,
        (customer, rule): (&str, &str),
        cause: Option<MessageId>,
        (queued, tags): (&[Queued], &[(MessageId, Box<str>)]),
        batch: &mut Vec<Op>,
    ) {
        let partition = Partition::of(customer);
        for Queued { key, record } in queued.iter().filter(|queued| !queued.key.id.is_receipt()) {
            let tag = tags.iter().find(|(id, _)| *id == key.id).map(|(_, tag)| tag.clone()).unwrap_or_default();
            let message = record.message.clone();
            let received = Received { direction: Direction::Mt, by: rule.into(), cause, message, due: key.due, tag };
            batch.extend(self.begin(partition, customer, key.id, received));
        }
    }
}
