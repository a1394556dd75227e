//! Questions of applications to rules, over the API: each is an event of its device like any other, and its answer is
//! stored with the effects of the call that gave it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::House;
use crate::firewall::Reject;
use crate::message::{Address, MessageId, Timestamp};
use crate::occasion::{Occasion, Request};
use crate::route::CustomerIndex;
use crate::store::keys::Partition;
use crate::store::{Answer, AnswerRecord, Change, Done, NewOnce, StoreFailed};

/// How long an answer is kept for whoever asks again.
const ANSWER_KEPT_MS: u64 = 24 * 3_600_000;
/// Answers that are forgotten at once.
const FORGET_MAX: usize = 1_000;

/// Who waits for the answer to which request.
#[derive(Default)]
pub struct Requests(Mutex<HashMap<u64, Vec<oneshot::Sender<()>>>>);

impl Requests {
    /// The answer is in the store.
    pub fn answered(&self, id: MessageId) {
        let waiting = self.0.lock().remove(&id.event).unwrap_or_default();
        for waiting in waiting {
            let _ = waiting.send(()); // who left does not mind
        }
    }

    /// Ready when the answer is there. To be asked for before looking into the store.
    pub fn answer_to(&self, id: MessageId) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.0.lock();
        let senders = waiting.entry(id.event).or_default();
        senders.retain(|sender| !sender.is_closed());
        senders.push(sender);
        receiver
    }

    /// Nobody waits any more.
    fn forget_gone(&self) {
        self.0.lock().retain(|_, senders| senders.iter().any(|sender| !sender.is_closed()));
    }
}

/// Why nothing was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotAsked {
    #[error("customer {customer} has no rule {rule:?}")]
    NoRule { customer: String, rule: String },
    #[error("{0} is no device of the customer")]
    NoDevice(String),
    #[error("rule {0:?} has neither numbers nor a sender, so that it could answer no device")]
    NoSender(String),
    #[error("this key was used for another request")]
    OtherRequest,
    #[error(transparent)]
    Refused(#[from] Reject),
}

/// A question of a customer to one of its rules.
pub struct Question {
    pub customer: CustomerIndex,
    pub rule: String,
    pub device: Address,
    pub request: Request,
    /// It counts once.
    pub once: Option<NewOnce>,
}

/// Takes a request in. `done` is called when it is durable; the answer follows, see [`Requests`]. What came before with
/// the same key is the same request.
pub fn ask(
    house: &Arc<House>,
    question: Question,
    now: Timestamp,
    done: impl FnOnce(Result<(), Reject>) + Send + 'static,
) -> Result<MessageId, NotAsked> {
    let Question { customer, rule, device, request, once } = question;
    let directory = house.directory();
    let owner = directory.customer_at(customer);
    let unknown = || NotAsked::NoRule { customer: owner.id.to_string(), rule: rule.clone() };
    let index = directory.rule(&owner.id, &rule).ok_or_else(unknown)?;
    let number = directory.rules[index.0].sender().ok_or_else(|| NotAsked::NoSender(rule.clone()))?;
    if !owner.owns_device(&device) {
        return Err(NotAsked::NoDevice(device.to_string()));
    }
    let failed = |failed: StoreFailed| Reject::StoreFailed(failed.to_string());
    let durable: Done = Box::new(move |result| done(result.map_err(failed)));
    // From the look for an earlier one until this one can be found.
    let _lock = house.once.lock();
    if let Some(new) = &once {
        let found = house.store.once(&owner.id, &new.key, now);
        match found.map_err(|error| Reject::Unreadable(error.to_string()))? {
            Some(record) if record.fingerprint != new.fingerprint => return Err(NotAsked::OtherRequest),
            Some(record) => {
                house.store.amend(Vec::new(), Some(durable)).map_err(failed)?;
                return Ok(record.id);
            }
            None => {}
        }
    }
    let waiting = house.waiting.at(customer.0).load(std::sync::atomic::Ordering::Relaxed);
    if waiting >= owner.queue_max {
        return Err(Reject::QueueFull(owner.id.to_string()).into());
    }
    let occasion = Occasion::Request(Box::new(request));
    let (id, arrival) = house.arrival((&owner.id, &rule), (device, number), occasion, now);
    let once = once.map(|new| Change::Once((*owner.id).into(), Box::new(new), id, now));
    house.amend(once.into_iter().chain([arrival]).collect(), Some(durable), now).map_err(failed)?;
    Ok(id)
}

/// That the rule gave it up, for whoever asked.
pub fn refused(customer: &str, rule: &str, id: MessageId, why: &str, now: Timestamp) -> Change {
    let answer = AnswerRecord { rule: rule.into(), at: now, answer: Answer::Refused(why.into()) };
    Change::Answer(customer.into(), id, Box::new(answer))
}

/// Answers that nobody may ask for any more go.
pub fn forget_answers(house: &House, now: Timestamp) -> io::Result<()> {
    house.requests.forget_gone();
    let before = Timestamp(now.0.saturating_sub(ANSWER_KEPT_MS));
    for partition in Partition::all() {
        let over = house.store.answers_before(partition, before, FORGET_MAX)?;
        if !over.is_empty() {
            let changes = over.into_iter().map(|(customer, id)| Change::Unanswer(customer, id)).collect();
            house.store.amend(changes, None).map_err(io::Error::other)?;
        }
    }
    Ok(())
}
