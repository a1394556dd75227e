//! THE MAIN PATH. A message comes in (`accept`), its rule runs (`claim`, then `conclude`), and what a link
//! says of the answer is recorded (`settle`). Read this first.
//!
//! ```text
//! link ── accept ──▶ store ──▶ schedule ── claim ──▶ plugin ── conclude ──▶ store ──▶ delivery ──▶ link
//!            │ after the sync                            │ after the sync                │
//!            ▼                                           ▼                               ▼
//!        response                                  outlet.offer                       settle
//! ```
//! Plain functions: each reads, decides purely, and writes one batch. Nothing here waits, and nobody
//! outside hears of anything before it is durable: the two arrows down are callbacks of the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::firewall::{self, Reject};
use crate::message::{Address, Message, MessageId, Timestamp};
use crate::plugin::{Effects, Invocation, Outcome, StateView};
use crate::route::{AccountIndex, Destination, Directory, RuleIndex};
use crate::schedule::{Ended, Event, Next, Schedule, SubjectKey};
use crate::store::keys::{OutboxKey, Partition, Subject};
use crate::store::{
    Failure, Finished, InboxRecord, NewMessage, NotAccepted, OutboxRecord, Place, Queued, Settlement, Store,
};

/// Takes messages that are durable and ready to leave. Delivery, in production.
pub trait Outlet: Send + Sync {
    fn offer(&self, queued: Vec<Queued>);
}

/// Everything the main path works on.
pub struct House {
    pub directory: Arc<Directory>,
    pub store: Arc<Store>,
    outlet: Arc<dyn Outlet>,
    schedule: Mutex<Schedule>,
    /// There may be something to run.
    runnable: Condvar,
    /// MOs that wait or run, per customer: the bound of HOUSE promise 8.
    waiting: Vec<AtomicUsize>,
}

/// Longest that an MT is offered to its network before it is given up (days, as networks do).
const MT_VALIDITY: Duration = Duration::from_secs(3 * 24 * 3600);
/// First pause before another attempt; doubles up to the last.
const RETRY_FIRST_MS: u64 = 1_000;
const RETRY_LAST_MS: u64 = 300_000;
/// Rows that recovery reads at once.
const RECOVERY_PAGE: usize = 1_000;

impl House {
    /// Also puts every MO that the store still holds back into the schedule.
    pub fn new(
        directory: Arc<Directory>,
        store: Arc<Store>,
        outlet: Arc<dyn Outlet>,
        rule_threads: usize,
        now: Timestamp,
    ) -> std::io::Result<Arc<House>> {
        let schedule = Mutex::new(Schedule::new(directory.rules.len(), rule_threads));
        let waiting = directory.customers.iter().map(|_| AtomicUsize::new(0)).collect();
        let house = Arc::new(House { directory, store, outlet, schedule, runnable: Condvar::new(), waiting });
        for partition in Partition::all() {
            house.recover(partition, now)?;
        }
        Ok(house)
    }

    fn recover(&self, partition: Partition, now: Timestamp) -> std::io::Result<()> {
        let mut after = 0;
        loop {
            let page = self.store.waiting(partition, after, RECOVERY_PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = *last;
            for (number, record) in page {
                let Some(rule) = self.directory.rule(&record.customer, &record.rule) else {
                    tracing::warn!(
                        message_id = %MessageId::accepted(number), customer = %record.customer, rule = %record.rule,
                        "an MO waits for a rule that is not in the config; it runs when the rule is back"
                    );
                    continue;
                };
                self.count(&record.customer, 1);
                let key = SubjectKey { rule, device: record.message.source.to_string().into() };
                self.schedule.lock().push(key, Event { partition, number, due: record.due }, now);
            }
        }
    }

    fn counter(&self, customer: &str) -> Option<&AtomicUsize> {
        let index = self.directory.customers.iter().position(|c| &*c.id == customer)?;
        self.waiting.get(index)
    }

    fn count(&self, customer: &str, more: isize) {
        if let Some(counter) = self.counter(customer) {
            counter.fetch_add(more as usize, Ordering::Relaxed);
        }
    }

    /// MOs that wait for their rules, of all customers.
    pub fn mos_waiting(&self) -> usize {
        self.schedule.lock().waiting()
    }
}

// ---- accept -------------------------------------------------------------------------------------

/// What a peer learns about one message of a batch.
pub type Verdict<T> = (T, Result<MessageId, Reject>);

/// Takes a batch of messages from one account. `answer` is called once, when all that were accepted are
/// durable; `T` is whatever the caller needs to find its request again.
pub fn accept<T: Send + 'static>(
    house: &Arc<House>,
    from: AccountIndex,
    batch: Vec<(T, Message)>,
    now: Timestamp,
    answer: impl FnOnce(Vec<Verdict<T>>) + Send + 'static,
) {
    let mut tokens = Vec::with_capacity(batch.len());
    let mut refused = Vec::new();
    let mut list = Vec::with_capacity(batch.len());
    let mut subjects = Vec::with_capacity(batch.len());
    for (token, message) in batch {
        match admit(house, from, message) {
            Ok((new, subject)) => {
                tokens.push(token);
                list.push(new);
                subjects.push(subject);
            }
            Err(reject) => {
                tracing::warn!(account = house.directory.accounts[from.0].system_id, "refused: {reject}");
                refused.push((token, Err(reject)));
            }
        }
    }
    if list.is_empty() {
        return answer(refused);
    }
    let outlet = house.outlet.clone();
    let ids = house.store.accept(list, now, move |result| {
        let mut verdicts = refused;
        match result {
            Ok(accepted) => {
                let (ids, queued): (Vec<_>, Vec<_>) = accepted.into_iter().map(|a| (a.id, a.queued)).unzip();
                verdicts.extend(tokens.into_iter().zip(ids).map(|(token, id)| (token, Ok(id))));
                let queued: Vec<Queued> = queued.into_iter().flatten().collect();
                if !queued.is_empty() {
                    outlet.offer(queued);
                }
            }
            Err(refusal) => {
                let reject = match refusal {
                    NotAccepted::Busy => Reject::StoreBusy,
                    NotAccepted::Failed(failed) => Reject::StoreFailed(failed.to_string()),
                };
                verdicts.extend(tokens.into_iter().map(|token| (token, Err(reject.clone()))));
            }
        }
        answer(verdicts);
    });
    if ids.is_empty() {
        // The store took none of them: they do not wait after all.
        subjects.iter().flatten().for_each(|key| house.count(&house.directory.rules[key.rule.0].customer, -1));
    } else {
        house.schedule_accepted(&ids, subjects, now);
    }
}

impl House {
    fn schedule_accepted(&self, ids: &[(MessageId, Partition)], subjects: Vec<Option<SubjectKey>>, now: Timestamp) {
        let mut pushed = 0;
        {
            let mut schedule = self.schedule.lock();
            for ((id, partition), subject) in ids.iter().zip(subjects) {
                if let Some(key) = subject {
                    schedule.push(key, Event { partition: *partition, number: id.event, due: now }, now);
                    pushed += 1;
                }
            }
        }
        match pushed {
            0 => {}
            1 => drop(self.runnable.notify_one()),
            _ => drop(self.runnable.notify_all()),
        }
    }
}

/// MO or MT? The account's role decides, never the PDU.
fn admit(house: &House, from: AccountIndex, message: Message) -> Result<(NewMessage, Option<SubjectKey>), Reject> {
    match &house.directory.accounts[from.0].customer {
        None => admit_mo(house, message),
        Some(customer) => admit_mt(&house.directory, customer, message).map(|new| (new, None)),
    }
}

fn admit_mo(house: &House, message: Message) -> Result<(NewMessage, Option<SubjectKey>), Reject> {
    let directory = &house.directory;
    let customer = firewall::check_mo(directory, &message.source, &message.destination)?;
    let place = match directory.destination(customer, &message.destination, || first_word(&message)) {
        Some(Destination::Rule(rule)) => {
            // Counted here already: the messages of one batch must not slip in together.
            let waiting = house.counter(&customer.id).map_or(0, |c| c.fetch_add(1, Ordering::Relaxed));
            if waiting >= customer.queue_max {
                house.count(&customer.id, -1);
                return Err(Reject::QueueFull(customer.id.to_string()));
            }
            let name = directory.rules[rule.0].name.as_str().into();
            let key = SubjectKey { rule, device: message.source.to_string().into() };
            (Place::Inbox { rule: name }, Some(key))
        }
        Some(Destination::Application(account)) => {
            (Place::Outbox { route: directory.accounts[account.0].system_id.as_str().into() }, None)
        }
        None => return Err(Reject::NobodyServes(message.destination.to_string())),
    };
    Ok((NewMessage { customer: (*customer.id).into(), place: place.0, message }, place.1))
}

fn first_word(message: &Message) -> String {
    match message.content.payload() {
        wasmsc_smpp::text::Payload::Text(text) => text.split_whitespace().next().unwrap_or_default().to_owned(),
        wasmsc_smpp::text::Payload::Binary(_) => String::new(),
    }
}

fn admit_mt(directory: &Directory, customer: &str, message: Message) -> Result<NewMessage, Reject> {
    let owner = directory.customer(customer).ok_or_else(|| Reject::ForeignSender(message.source.to_string()))?;
    firewall::check_mt(owner, &message.source, &message.destination)?;
    let route = route_of(directory, &message.destination)?;
    Ok(NewMessage { customer: customer.into(), place: Place::Outbox { route }, message })
}

fn route_of(directory: &Directory, device: &Address) -> Result<Arc<str>, Reject> {
    let account = directory.route_to_device(device).ok_or_else(|| Reject::NoRoute(device.masked()))?;
    Ok(directory.accounts[account.0].system_id.as_str().into())
}

// ---- process: claim, run, conclude --------------------------------------------------------------

impl House {
    /// What should run now, for a rule thread.
    pub fn next(&self, now: Timestamp) -> Next {
        self.schedule.lock().next(now)
    }

    /// Waits until there may be something to run, at most this long.
    pub fn wait_for_work(&self, at_most: Duration) {
        let mut schedule = self.schedule.lock();
        self.runnable.wait_for(&mut schedule, at_most);
    }

    /// Wakes every rule thread, so that they see that the house closes.
    pub fn wake_all(&self) {
        self.runnable.notify_all();
    }

    /// Reports a run back to the schedule.
    pub fn finished(&self, key: SubjectKey, ended: Ended, used: Duration, now: Timestamp) {
        let next = {
            let mut schedule = self.schedule.lock();
            schedule.finished(key, ended, used, now);
            schedule.has_ready()
        };
        if next {
            self.runnable.notify_one();
        }
    }
}

/// Reads the event that is to run. None: somebody finished it already, or it cannot be read (logged).
pub fn claim(house: &House, key: &SubjectKey, event: Event) -> Option<Invocation> {
    let record = match house.store.claim(event.partition, event.number) {
        Ok(record) => record?,
        Err(error) => {
            tracing::error!(message_id = %MessageId::accepted(event.number), "an MO cannot be read: {error}");
            return None;
        }
    };
    let subject = subject(house, key, event.partition);
    let state = Arc::new(SubjectState { store: house.store.clone(), subject });
    Some(Invocation {
        rule: key.rule,
        id: MessageId::accepted(event.number),
        attempt: record.attempts + 1,
        mo: record.message,
        state,
        secret: *house.store.secret(),
    })
}

fn subject(house: &House, key: &SubjectKey, partition: Partition) -> Subject {
    Subject::new(partition, house.directory.rule_name(key.rule), &key.device)
}

struct SubjectState {
    store: Arc<Store>,
    subject: Subject,
}

impl StateView for SubjectState {
    fn get(&self, name: &str) -> std::io::Result<Option<bytes::Bytes>> {
        self.store.state(&self.subject, name)
    }

    fn names(&self, prefix: &str, after: Option<&str>, limit: usize) -> std::io::Result<Vec<String>> {
        self.store.state_names(&self.subject, prefix, after, limit)
    }
}

/// Commits what the rule did, or its failure. An error means that the store has failed.
pub fn conclude(house: &House, key: &SubjectKey, event: Event, outcome: Outcome, now: Timestamp) -> Ended {
    let result = match outcome {
        Outcome::Done(effects) => commit(house, key, event, effects, now).map(|()| Ended::Gone),
        failed => fail(house, key.rule, event, failed, now),
    };
    match result {
        Ok(Ended::Gone) => {
            house.count(&house.directory.rules[key.rule.0].customer, -1);
            Ended::Gone
        }
        Ok(again) => again,
        // The store is poisoned and the house about to close: the event stays where it is.
        Err(_) => Ended::Again(now.plus_ms(RETRY_LAST_MS)),
    }
}

type Stored<T> = Result<T, crate::store::StoreFailed>;

fn commit(house: &House, key: &SubjectKey, event: Event, effects: Effects, now: Timestamp) -> Stored<()> {
    let customer = &house.directory.rules[key.rule.0].customer;
    let id = MessageId::accepted(event.number);
    let mut queued = Vec::with_capacity(effects.messages.len());
    for (index, message) in effects.messages.into_iter().enumerate() {
        let Ok(route) = route_of(&house.directory, &message.destination) else {
            continue; // the outbox checked it; the directory does not change under a call
        };
        let key = OutboxKey { partition: event.partition, route, due: now, id: id.effect(index as u16 + 1) };
        let record = OutboxRecord { customer: customer.as_str().into(), message, attempts: 0 };
        queued.push(Queued { key, record });
    }
    let finished = Finished {
        partition: event.partition,
        event: event.number,
        subject: subject(house, key, event.partition),
        state: effects.state,
        queued,
    };
    let outlet = house.outlet.clone();
    house.store.commit(finished, move |queued| outlet.offer(queued))
}

fn fail(house: &House, rule: RuleIndex, event: Event, outcome: Outcome, now: Timestamp) -> Stored<Ended> {
    let id = MessageId::accepted(event.number);
    let Ok(Some(record)) = house.store.claim(event.partition, event.number) else {
        return Ok(Ended::Gone);
    };
    let config = &house.directory.rules[rule.0];
    let name = house.directory.rule_name(rule);
    let attempt = record.attempts + 1;
    let (reason, after, may_retry) = match outcome {
        Outcome::Retry(after) => ("the rule asked for another attempt".to_owned(), after, true),
        Outcome::Reject(reason) => (format!("rejected by the rule: {reason}"), None, false),
        Outcome::Broken(why) => (why, None, true),
        Outcome::Done(_) => return Ok(Ended::Gone),
    };
    let failure = if may_retry && attempt < config.attempts_max {
        let due = now.plus_ms(after.map_or_else(|| back_off(record.attempts), u64::from));
        tracing::warn!(rule = name, message_id = %id, attempt, "attempt failed, another one follows: {reason}");
        Failure::RetryAt(due)
    } else {
        tracing::error!(rule = name, message_id = %id, attempt, "dead letter: {reason}");
        Failure::Dead(reason.into())
    };
    postpone(house, event, record, failure, now)
}

fn postpone(house: &House, event: Event, record: InboxRecord, failure: Failure, now: Timestamp) -> Stored<Ended> {
    let ended = match &failure {
        Failure::RetryAt(due) => Ended::Again(*due),
        Failure::Dead(_) => Ended::Gone,
    };
    house.store.postpone(event.partition, event.number, record, failure, now)?;
    Ok(ended)
}

/// 1 s, 2 s, 4 s … 5 min, by the number of attempts that failed before.
fn back_off(attempts: u32) -> u64 {
    RETRY_FIRST_MS.saturating_mul(1 << attempts.min(20)).min(RETRY_LAST_MS)
}

// ---- settle -------------------------------------------------------------------------------------

/// What a peer said about a message that was delivered to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Taken,
    /// Not now, or no answer at all.
    Later(String),
    /// Not ever.
    Never(String),
}

/// Records what links learned. Yields the due time of each message that is to be tried again.
pub fn settle(house: &House, answers: Vec<(Queued, Answer)>, now: Timestamp) -> Stored<Vec<Timestamp>> {
    let mut retries = Vec::new();
    let mut list = Vec::with_capacity(answers.len());
    for (queued, answer) in answers {
        let settlement = decide(&queued, answer, now);
        if let Settlement::RetryAt(due) = settlement {
            retries.push(due);
        }
        list.push((queued, settlement));
    }
    house.store.settle(list, now)?;
    Ok(retries)
}

fn decide(queued: &Queued, answer: Answer, now: Timestamp) -> Settlement {
    let (id, account, attempt) = (queued.key.id, &*queued.key.route, queued.record.attempts + 1);
    let expires = queued.record.message.received_at.plus_ms(MT_VALIDITY.as_millis() as u64);
    match answer {
        Answer::Taken => Settlement::Accepted,
        Answer::Later(why) if now < expires => {
            tracing::warn!(message_id = %id, account, attempt, "not delivered, another attempt follows: {why}");
            Settlement::RetryAt(now.plus_ms(back_off(queued.record.attempts)))
        }
        Answer::Later(why) | Answer::Never(why) => {
            tracing::error!(message_id = %id, account, attempt, "dead letter: {why}");
            Settlement::Dead(why.into())
        }
    }
}
