//! What links learned about messages that they took: done, again later, or never.

use wasmsc_smpp::receipt::MessageState;

use super::campaigns::Left;
use super::{House, Stored, history, receipts, wake};
use crate::message::Timestamp;
use crate::metrics::Reached;
use crate::retry::{self, ErrorClass};
use crate::route::PeerIndex;
use crate::store::keys::OutboxKey;
use crate::store::{Change, DeadFailure, DeadRecord, DeadWhat, OutboxRecord, Queued, Taken, Unsent};
use crate::timeline::Event;
use crate::tracking::{Tracked, Waits};

/// What a peer said about a message that was delivered to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// All of it, in these parts.
    Taken(Vec<Taken>),
    /// Not all of it: `taken` are the parts that it did take.
    Refused { class: ErrorClass, error: u16, why: String, taken: Vec<Taken> },
    /// Nobody was asked: its time is over.
    Expired,
}

/// Records what links learned. Yields the messages that are to be tried again; for these, an alarm is set as well
/// when that is durable.
pub fn settle(
    house: &House,
    peer: Option<PeerIndex>,
    answers: Vec<(Queued, Answer)>,
    now: Timestamp,
) -> Stored<Vec<OutboxKey>> {
    let is_tracked = |(queued, _): &(Queued, Answer)| queued.record.tracked || queued.record.deferred;
    let _lock = answers.iter().any(is_tracked).then(|| house.tracking.lock());
    settle_locked(house, peer, answers, now)
}

/// As [`settle`], for who holds `House::tracking` where it is needed.
pub(super) fn settle_locked(
    house: &House,
    peer: Option<PeerIndex>,
    answers: Vec<(Queued, Answer)>,
    now: Timestamp,
) -> Stored<Vec<OutboxKey>> {
    let mut settled = Settled { retries: Vec::new(), changes: Vec::with_capacity(answers.len()), offers: Vec::new() };
    for (queued, answer) in answers {
        match answer {
            Answer::Taken(taken) => settled.taken(house, peer, queued, taken, now),
            Answer::Refused { class, error, why, taken } => {
                settled.refused(house, peer, queued, (class, error, &why), taken, now);
            }
            Answer::Expired => settled.dead(house, queued, (MessageState::Expired, 0), "its time is over", now),
        }
    }
    receipts::write(house, settled.changes, (settled.offers, settled.retries.clone()), now)?;
    Ok(settled.retries)
}

struct Settled {
    retries: Vec<OutboxKey>,
    changes: Vec<Change>,
    /// Receipts that this causes.
    offers: Vec<Queued>,
}

impl Settled {
    fn taken(&mut self, house: &House, peer: Option<PeerIndex>, mut queued: Queued, taken: Vec<Taken>, now: Timestamp) {
        self.forget(&queued);
        house.count_queued(&queued, Reached::Taken);
        queued.record.taken.extend(taken);
        self.happened(house, &queued, now, || {
            let ids = queued.record.taken.iter().map(|taken| taken.id.clone()).collect();
            Event::Sent { peer: name(house, peer), ids }
        });
        let mut tracked = queued.record.tracked.then(|| self.tracked(house, &queued)).flatten();
        let Some(mut tracked) = tracked.take() else {
            let delivered = || Event::Ended { state: MessageState::Delivered.octet(), error: 0 };
            return self.happened(house, &queued, now, delivered);
        };
        // Parts may have gone to different centres, when the link to the first one broke.
        let has_receipt = |taken: &Taken| taken.has_receipt && !taken.id.is_empty() && tracked.wants_receipt();
        let is_known = queued.record.taken.iter().all(|taken| !taken.has_receipt);
        let state = if is_known { MessageState::Delivered } else { MessageState::Accepted };
        let parts = queued
            .record
            .taken
            .iter()
            .filter(|taken| has_receipt(taken))
            .map(|taken| (taken.centre.clone(), taken.id.clone()))
            .collect();
        let (partition, id) = (queued.key.partition, queued.key.id);
        let notice = tracked.taken(state, parts, now);
        house.count_end(&tracked);
        self.changes.push(Change::Unsend(partition, id, Box::new(tracked.clone())));
        let told = receipts::notify(house, (partition, id), &mut tracked, notice, &mut self.changes);
        self.offers.extend(told);
        let early = receipts::correlate(house, (partition, id), &mut tracked, now, &mut self.changes);
        self.offers.extend(early);
        if tracked.is_final() {
            let ended = || Event::Ended { state: tracked.state().octet(), error: tracked.error };
            self.happened(house, &queued, now, ended);
        }
        self.changes.extend(house.of_campaign(id, &tracked, Left::Now));
        self.changes.push(Change::Track(partition, id, Box::new(tracked)));
    }

    fn refused(
        &mut self,
        house: &House,
        peer: Option<PeerIndex>,
        mut queued: Queued,
        (class, error, why): (ErrorClass, u16, &str),
        taken: Vec<Taken>,
        now: Timestamp,
    ) {
        let account = &*name(house, peer);
        let (id, attempt, expires) = (queued.key.id, queued.record.attempts + 1, queued.record.expires);
        let again = retry::next_attempt(&house.directory().retry, class, queued.record.attempts, now, expires);
        let failed = || Event::Failed { by: account.into(), attempt, error, why: why.into(), again };
        self.happened(house, &queued, now, failed);
        let Some(due) = again else {
            let is_over = class != ErrorClass::Permanent && now >= expires;
            let state = if is_over { MessageState::Expired } else { MessageState::Undeliverable };
            return self.dead(house, queued, (state, error), why, now);
        };
        tracing::warn!(message_id = %id, account, attempt, "not delivered, another attempt follows: {why}");
        self.forget(&queued);
        queued.record.attempts = attempt;
        queued.record.taken.extend(taken);
        queued.key.due = due;
        queued.record.deferred = wake::is_long(now, due);
        if queued.record.deferred {
            let device = queued.record.message.destination.digits();
            house.absentees.lock().add(device);
            self.changes.push(Change::Defer(device.into(), queued.key.clone()));
        }
        if let Some(mut tracked) = queued.record.tracked.then(|| self.tracked(house, &queued)).flatten() {
            let waits = Waits { queue: (*queued.key.queue).into(), class: queued.key.class.0, due };
            let notice = tracked.deferred(waits, error, now);
            let told = receipts::notify(house, (queued.key.partition, id), &mut tracked, notice, &mut self.changes);
            self.offers.extend(told);
            self.changes.push(Change::Track(queued.key.partition, id, Box::new(tracked)));
        }
        self.retries.push(queued.key.clone());
        self.changes.push(Change::Queue(queued));
    }

    fn dead(&mut self, house: &House, queued: Queued, (state, error): (MessageState, u16), why: &str, now: Timestamp) {
        let (partition, id) = (queued.key.partition, queued.key.id);
        let attempt = queued.record.attempts;
        tracing::error!(message_id = %id, queue = &*queued.key.queue, attempt, "dead letter: {why}");
        self.forget(&queued);
        let attempts = queued.record.attempts + 1;
        let by = (*queued.key.queue).into();
        self.happened(house, &queued, now, || Event::Buried { by, attempts, why: why.into() });
        self.happened(house, &queued, now, || Event::Ended { state: state.octet(), error });
        let is_over = state == MessageState::Expired;
        house.count_queued(&queued, if is_over { Reached::Expired } else { Reached::Undeliverable });
        if let Some(mut tracked) = queued.record.tracked.then(|| self.tracked(house, &queued)).flatten() {
            self.changes.push(Change::Unsend(partition, id, Box::new(tracked.clone())));
            let notice = tracked.failed(state, error, now);
            self.changes.extend(house.of_campaign(id, &tracked, Left::Now));
            let told = receipts::notify(house, (partition, id), &mut tracked, notice, &mut self.changes);
            self.offers.extend(told);
            self.changes.push(Change::Track(partition, id, Box::new(tracked)));
        }
        let (queue, class) = ((*queued.key.queue).into(), queued.key.class.0);
        let record = OutboxRecord { attempts, ..queued.record };
        let failure = DeadFailure { reason: why.into(), ..DeadFailure::default() };
        let dead = DeadRecord { what: DeadWhat::Message(Unsent { queue, class, record }), died_at: now, failure };
        self.changes.push(house.died((partition, id), dead));
    }

    /// Receipts have no history of their own.
    fn happened(&mut self, house: &House, queued: &Queued, now: Timestamp, event: impl FnOnce() -> Event) {
        let (partition, id) = (queued.key.partition, queued.key.id);
        if !id.is_receipt() {
            let event = || (history::ends_of_queued(queued), event());
            self.changes.extend(house.happened((partition, id), &queued.record.customer, now, event));
        }
    }

    /// The row where it waited goes, and with it the one by which its device finds it.
    fn forget(&mut self, queued: &Queued) {
        if queued.record.deferred {
            let device = queued.record.message.destination.digits().into();
            self.changes.push(Change::Undefer(queued.key.partition, device, queued.key.id));
        }
        self.changes.push(Change::Unqueue(queued.key.clone()));
    }

    fn tracked(&self, house: &House, queued: &Queued) -> Option<Tracked> {
        match house.store.tracked(queued.key.partition, queued.key.id) {
            Ok(tracked) => tracked,
            Err(error) => {
                tracing::error!(message_id = %queued.key.id, "its state cannot be read: {error}");
                None
            }
        }
    }
}

fn name(house: &House, peer: Option<PeerIndex>) -> Box<str> {
    peer.map_or("-".into(), |index| house.directory().peer(index).name.to_string().into())
}
