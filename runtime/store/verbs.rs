//! The verbs: what may happen to a message, each as one atomic batch in one partition.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use wasmsc_smpp::receipt::MessageState;

use super::change::{self, Change};
use super::dead::{DeadFailure, DeadRecord, DeadWhat};
use super::keys::{self, OutboxKey, Partition, Subject};
use super::once::{self, NewOnce};
use super::pickup::{self, PickupRecord};
use super::record::{self, InboxRecord, OutboxRecord, PartRecord};
use super::tables::Op;
use super::{Done, Inner, NotAccepted, Store, StoreFailed};
use crate::feed::{About, Ends};
use crate::message::{Class, Message, MessageId, Timestamp};
use crate::occasion::Occasion;
use crate::timeline::{Direction, Event, Received};
use crate::tracking::{Tracked, Waits};

/// Bits of an event number below its millisecond: a million messages a millisecond before it runs ahead.
const EVENT_BITS: u32 = 20;

/// A message that enters the house, before it has an id.
pub struct NewMessage {
    pub customer: Box<str>,
    pub place: Place,
    pub message: Message,
    /// Who brought it: an account or an upstream.
    pub by: Arc<str>,
    /// 0: an event of its own. n: the n-th further destination of the event before it in the list.
    pub sibling: u16,
    /// It is an MO that waits in its customer's inbox, too.
    pub is_picked_up: bool,
}

/// Where a new message waits.
pub enum Place {
    /// For the rule of this name; tracked when its sender wants a receipt.
    Inbox { rule: Box<str>, tracked: Option<Box<Tracked>> },
    /// For a link of one of the queue's peers.
    Outbox(Waiting),
    /// As the answer to the message before it in the list; as [`Outbox`](Self::Outbox).
    Reply(Waiting),
    /// Nowhere: it had its effect when it came.
    Ended,
    /// For the other parts of the long message that it belongs to.
    Part { group: Box<str>, number: u8 },
    /// In its customer's inbox and nowhere else.
    Pickup { tracked: Option<Box<Tracked>> },
}

/// How a message waits for a link.
pub struct Waiting {
    pub queue: Arc<str>,
    pub class: Class,
    pub due: Timestamp,
    pub expires: Timestamp,
    /// It is an MO, which an application takes instead of a rule.
    pub to_application: bool,
    /// For an application's message: what becomes of it is kept.
    pub tracked: Option<Box<Tracked>>,
    /// It is of a request that counts once.
    pub once: Option<Box<NewOnce>>,
}

/// What became of a [`NewMessage`].
#[derive(Debug, Clone)]
pub struct Accepted {
    pub id: MessageId,
    pub partition: Partition,
    /// For an MT: what to hand to delivery after the sync.
    pub queued: Option<Queued>,
}

/// A message in the outbox, with its row's key.
#[derive(Debug, Clone, PartialEq)]
pub struct Queued {
    pub key: OutboxKey,
    pub record: OutboxRecord,
}

/// What a failed call leaves behind: the attempt count, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// With the reason for its owner.
    RetryAt(Timestamp, Box<str>),
    /// Never again; kept for its owner with this reason.
    Dead(DeadFailure),
}

/// The event number in a key that `accept` made, so that numbers go on rising after a restart.
pub(super) fn accepted_event(key: &[u8]) -> Option<u64> {
    match key.get(1)? {
        b'i' => keys::inbox_event(key),
        b'o' | b'g' | b'Y' => MessageId::from_key(key.get(key.len().checked_sub(10)?..)?).map(|id| id.event),
        _ => None,
    }
}

impl Store {
    /// Takes messages in. `done` gets them when they are durable: only then may a peer hear of it. They
    /// may be worked on at once, from what this returns.
    pub fn accept(
        &self,
        list: Vec<NewMessage>,
        now: Timestamp,
        done: impl FnOnce(Result<Vec<Accepted>, NotAccepted>) + Send + 'static,
    ) -> Vec<(MessageId, Partition)> {
        self.accept_and(list, (&[], Vec::new()), now, done)
    }

    /// As [`accept`](Self::accept), with more changes in the same batch: the parts that a joined message
    /// replaces. Where there are `numbers`, they are the events of the messages, one each.
    pub fn accept_and(
        &self,
        list: Vec<NewMessage>,
        (numbers, also): (&[u64], Vec<Change>),
        now: Timestamp,
        done: impl FnOnce(Result<Vec<Accepted>, NotAccepted>) + Send + 'static,
    ) -> Vec<(MessageId, Partition)> {
        let encoded: Vec<Encoded> = list.into_iter().map(|new| encode_new(new, now, self.keeps.any())).collect();
        let octets = encoded.iter().map(|new| new.row.len()).sum();
        let mut accepted = Vec::with_capacity(encoded.len());
        let mut batch = Vec::with_capacity(encoded.len());
        let mut inner = self.inner.lock();
        let refusal = match inner.failed.clone() {
            Some(failed) => Some(NotAccepted::Failed(failed)),
            None if self.is_full() || inner.is_busy(octets) => Some(NotAccepted::Busy),
            None => None,
        };
        if let Some(refusal) = refusal {
            drop(inner);
            done(Err(refusal));
            return Vec::new();
        }
        let mut numbers = numbers.iter().copied();
        let mut event = inner.last_event;
        for new in encoded {
            if new.sibling == 0 {
                event = numbers.next().unwrap_or_else(|| event_after(inner.last_event, now));
                inner.last_event = inner.last_event.max(event);
            }
            let event = MessageId::accepted(event);
            accepted.push(self.place(new, event, &mut batch));
        }
        batch.extend(also.into_iter().flat_map(|change| self.ops(change)));
        let ids = accepted.iter().map(|a| (a.id, a.partition)).collect();
        let done: Done = Box::new(move |result| done(result.map(|()| accepted).map_err(NotAccepted::Failed)));
        inner.submit(batch, Some(done)).expect("the store had not failed under this lock");
        drop(inner);
        self.work.notify_one();
        ids
    }

    /// A number of its own for an event that is about to be written.
    pub fn new_event(&self, now: Timestamp) -> MessageId {
        self.inner.lock().next_event(now)
    }

    /// The event of this number, if it still waits.
    pub fn claim(&self, partition: Partition, event: u64) -> io::Result<Option<InboxRecord>> {
        let row = self.inner.lock().tables.get(&keys::inbox(partition, event))?;
        row.map(|row| record::decode(&row)).transpose().map_err(io::Error::other)
    }

    /// A rule's call failed: the MO waits again, or is dead. Nothing else changes but what is told of it.
    pub fn postpone(
        &self,
        partition: Partition,
        event: u64,
        mut waiting: InboxRecord,
        failure: Failure,
        now: Timestamp,
        also: (Vec<Change>, Option<Done>),
    ) -> Result<(), StoreFailed> {
        let key = keys::inbox(partition, event);
        waiting.attempts += 1;
        let (also, done) = also;
        let mut batch = if self.keeps.any() && waiting.occasion.is_mo() {
            self.failed(partition, event, &waiting, &failure, now)
        } else {
            self.buried(event, &waiting, &failure, now).into_iter().collect()
        };
        batch.extend(match failure {
            Failure::RetryAt(due, _) => {
                waiting.due = due;
                vec![Op::Put(key, record::encode(&waiting))]
            }
            Failure::Dead(failure) => {
                let to = keys::dead(partition, &waiting.customer, MessageId::accepted(event));
                let dead = DeadRecord { what: DeadWhat::Event(waiting), died_at: now, failure };
                vec![Op::Delete(key), Op::Put(to, record::encode(&dead))]
            }
        });
        batch.extend(also.into_iter().flat_map(|change| self.ops(change)));
        self.submit(batch, done)
    }

    /// For the feed alone: what is no MO has no history.
    fn buried(&self, event: u64, waiting: &InboxRecord, failure: &Failure, now: Timestamp) -> Option<Op> {
        let Failure::Dead(DeadFailure { reason, .. }) = failure else { return None };
        let (by, attempts, why) = (waiting.rule.clone(), waiting.attempts, reason.clone());
        let (id, ends) = (MessageId::accepted(event), Ends::of(Direction::Mo, &waiting.message));
        let about = || About::Message { id, ends, event: Event::Buried { by, attempts, why } };
        self.told(&waiting.customer, now, about)
    }

    /// For the history and the feed.
    fn failed(
        &self,
        partition: Partition,
        event: u64,
        waiting: &InboxRecord,
        failure: &Failure,
        now: Timestamp,
    ) -> Vec<Op> {
        let (why, again): (Box<str>, _) = match failure {
            Failure::RetryAt(due, why) => (why.clone(), Some(*due)),
            Failure::Dead(failure) => (failure.reason.clone(), None),
        };
        let reason = why.clone();
        let failed = Event::Failed { by: waiting.rule.clone(), attempt: waiting.attempts, error: 0, why, again };
        let buried = |why| Event::Buried { by: waiting.rule.clone(), attempts: waiting.attempts, why };
        let ended = Event::Ended { state: MessageState::Undeliverable.octet(), error: 0 };
        let is_dead = again.is_none();
        let events = [Some(failed), is_dead.then(|| buried(reason)), is_dead.then_some(ended)];
        let id = MessageId::accepted(event);
        let ends = || Ends::of(Direction::Mo, &waiting.message);
        let ops = |event| self.event(partition, &waiting.customer, id, now, || (ends(), event));
        events.into_iter().flatten().flat_map(ops).collect()
    }

    /// MOs that wait in a partition, in the order of arrival, after event number `after`.
    pub fn waiting(&self, partition: Partition, after: u64, limit: usize) -> io::Result<Vec<(u64, InboxRecord)>> {
        let (from, to) = keys::inbox_after(partition, after.saturating_add(1));
        let rows = self.inner.lock().tables.range(&from, &to, limit)?;
        rows.iter()
            .map(|row| {
                let event = keys::inbox_event(&row.key).ok_or_else(|| io::Error::other("inbox key too short"))?;
                Ok((event, record::decode(&row.value).map_err(io::Error::other)?))
            })
            .collect()
    }

    /// One state value, as the last successful call left it.
    pub fn state(&self, subject: &Subject, name: &str) -> io::Result<Option<Bytes>> {
        self.inner.lock().tables.get(&subject.state(name))
    }

    /// Names of a subject's state values that start with `prefix`, after `after`.
    pub fn state_names(
        &self,
        subject: &Subject,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> io::Result<Vec<String>> {
        let (from, to) = subject.range(prefix, after);
        let rows = self.inner.lock().tables.range(&from, &to, limit)?;
        Ok(rows.iter().filter_map(|row| subject.name(&row.key)).map(str::to_owned).collect())
    }

    pub(super) fn submit(&self, batch: Vec<Op>, done: Option<Done>) -> Result<(), StoreFailed> {
        self.inner.lock().submit(batch, done)?;
        self.work.notify_one();
        Ok(())
    }
}

/// The number of the next event.
pub(super) fn event_after(last: u64, now: Timestamp) -> u64 {
    (last + 1).max(now.0 << EVENT_BITS)
}

/// When an event got its number, about: never later than it was, unless the clock was set back before.
pub fn made_at(id: MessageId) -> Timestamp {
    Timestamp(id.event >> EVENT_BITS)
}

impl Inner {
    /// Counts up, and tells the time.
    pub(super) fn next_event(&mut self, now: Timestamp) -> MessageId {
        self.last_event = event_after(self.last_event, now);
        MessageId::accepted(self.last_event)
    }
}

/// A new message with the row that needs no id.
struct Encoded {
    customer: Box<str>,
    sibling: u16,
    row: Bytes,
    place: Place,
    /// For a message that waits for a link, or for its other parts.
    outbox: Option<OutboxRecord>,
    part: Option<Message>,
    /// How its history begins; that of a part does with the whole.
    received: Option<Received>,
    pickup: Option<Bytes>,
}

fn encode_new(new: NewMessage, now: Timestamp, is_told: bool) -> Encoded {
    let NewMessage { customer, place, message, by, sibling, is_picked_up } = new;
    let pickup = is_picked_up.then(|| encode_pickup(&place, &message));
    let received = |direction, message: &Message, due, tracked: Option<&Tracked>| {
        is_told.then(|| {
            let tag = tracked.map(|tracked| tracked.tag.clone()).unwrap_or_default();
            Received { direction, by: (*by).into(), cause: None, message: message.clone(), due, tag }
        })
    };
    match place {
        Place::Inbox { rule, tracked } => {
            let is_tracked = tracked.is_some();
            let received = received(Direction::Mo, &message, now, None);
            let row = InboxRecord::new((customer, rule), Occasion::Mo, message, is_tracked, now);
            let encoded = record::encode(&row);
            let place = Place::Inbox { rule: row.rule, tracked };
            Encoded { customer: row.customer, sibling, row: encoded, place, outbox: None, part: None, received, pickup }
        }
        Place::Outbox(ref waiting) | Place::Reply(ref waiting) => {
            let direction = if waiting.to_application { Direction::Mo } else { Direction::Mt };
            let received = received(direction, &message, waiting.due, waiting.tracked.as_deref());
            let record = OutboxRecord {
                tracked: waiting.tracked.is_some(),
                registered_delivery: waiting.tracked.as_ref().map_or(0, |tracked| tracked.registered_delivery),
                ..OutboxRecord::untracked(&customer, message, waiting.expires)
            };
            let row = record::encode(&record);
            Encoded { customer, sibling, row, place, outbox: Some(record), part: None, received, pickup }
        }
        Place::Ended => {
            let (row, received) = (Bytes::new(), received(Direction::Mo, &message, now, None));
            Encoded { customer, sibling, row, place, outbox: None, part: None, received, pickup }
        }
        Place::Pickup { .. } => {
            let (row, received) = (Bytes::new(), received(Direction::Mo, &message, now, None));
            Encoded { customer, sibling, row, place, outbox: None, part: None, received, pickup }
        }
        Place::Part { .. } => {
            let row = Bytes::new();
            Encoded { customer, sibling, row, place, outbox: None, part: Some(message), received: None, pickup: None }
        }
    }
}

fn encode_pickup(place: &Place, message: &Message) -> Bytes {
    let (is_all, tracked) = match place {
        Place::Pickup { tracked } => (true, tracked.is_some()),
        _ => (false, false),
    };
    record::encode(&PickupRecord { message: message.clone(), is_all, tracked })
}

impl Store {
    /// Gives a message its id and adds its rows to the batch.
    fn place(&self, mut new: Encoded, event: MessageId, batch: &mut Vec<Op>) -> Accepted {
        let id = if new.sibling == 0 { event } else { event.effect(new.sibling) };
        let partition = Partition::of(&new.customer);
        let mut received = new.received.take();
        if let (Place::Reply(_), Some(received)) = (&new.place, &mut received) {
            received.cause = Some(event);
        }
        let end = |received: &Received| Ends::of(received.direction, &received.message);
        let ends = received.as_ref().filter(|_| matches!(new.place, Place::Ended)).map(end);
        batch.extend(received.into_iter().flat_map(|received| self.begin(partition, &new.customer, id, received)));
        if let Some(ends) = ends {
            let at = Timestamp(event.event >> EVENT_BITS);
            let ended = Event::Ended { state: MessageState::Delivered.octet(), error: 0 };
            batch.extend(self.event(partition, &new.customer, id, at, || (ends, ended)));
        }
        let pickup = new.pickup.take();
        batch.extend(pickup.map(|record| pickup::row(partition, &new.customer, id, record)));
        place(new, (event, id), partition, batch)
    }
}

fn place(new: Encoded, (event, id): (MessageId, MessageId), partition: Partition, batch: &mut Vec<Op>) -> Accepted {
    let Encoded { customer, row, place, outbox, part, .. } = new;
    match (place, outbox, part) {
        (Place::Outbox(waiting) | Place::Reply(waiting), Some(record), _) => {
            let Waiting { queue, class, due, tracked, once, .. } = waiting;
            batch.extend(once.into_iter().flat_map(|new| once::rows(&customer, *new, id, record.message.received_at)));
            if let Some(mut tracked) = tracked {
                tracked.shown_id = event;
                tracked.waits = Some(Waits { queue: (*queue).into(), class: class.0, due });
                batch.push(Op::Insert(change::sent_key(partition, id, &tracked), Bytes::new()));
                batch.push(Op::Insert(keys::tracked(partition, id), record::encode(&*tracked)));
            }
            let key = OutboxKey { partition, queue, class, due, id };
            batch.push(Op::Insert(key.encode(), row));
            Accepted { id, partition, queued: Some(Queued { key, record }) }
        }
        (Place::Part { group, number }, _, Some(message)) => {
            let part = record::encode(&PartRecord { customer, id, message });
            batch.push(Op::Put(keys::part(partition, &group, number), part));
            Accepted { id, partition, queued: None }
        }
        (Place::Ended, ..) => Accepted { id, partition, queued: None },
        (Place::Inbox { tracked: Some(mut tracked), .. }, ..) => {
            tracked.shown_id = event;
            batch.push(Op::Insert(keys::tracked(partition, id), record::encode(&*tracked)));
            batch.push(Op::Insert(keys::inbox(partition, id.event), row));
            Accepted { id, partition, queued: None }
        }
        (Place::Pickup { tracked }, ..) => {
            if let Some(mut tracked) = tracked {
                tracked.shown_id = event;
                batch.push(Op::Insert(keys::tracked(partition, id), record::encode(&*tracked)));
            }
            Accepted { id, partition, queued: None }
        }
        _ => {
            batch.push(Op::Insert(keys::inbox(partition, id.event), row));
            Accepted { id, partition, queued: None }
        }
    }
}
