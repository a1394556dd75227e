//! THE MAIN PATH. A message comes in (`accept`), its rule runs (`claim`, then `conclude`), and what a link
//! says of the answer is recorded (`settle`). Read this first; the files beside it are side paths.
//!
//! ```text
//! link ── accept ──▶ store ──▶ schedule ── claim ──▶ plugin ── conclude ──▶ store ──▶ delivery ──▶ link
//!            │ after the sync                            │ after the sync                │
//!            ▼                                           ▼                               ▼
//!        response                                  outlet.offer                       settle
//! ```
//! Plain functions: each reads, decides purely, and writes one batch. Nothing here waits, and nobody
//! outside hears of anything before it is durable: the two arrows down are callbacks of the store.

mod admit;
mod arrivals;
mod batch;
mod breakers;
mod campaigns;
mod commit;
mod counting;
mod dead;
mod devices;
mod ended;
mod explain;
mod history;
#[cfg(test)]
mod home;
mod http_calls;
mod judging;
mod metering;
mod news;
mod next_due;
mod once;
mod operations;
mod opt_outs;
mod outlet;
mod parts;
mod pickup;
mod preview;
mod quotas;
mod receipts;
mod recordings;
mod recovery;
mod refusals;
mod repeats;
mod requests;
mod rule_call;
mod scheduling;
mod series;
mod settle;
mod sharing;
mod state_quota;
mod stranded;
mod submission;
mod timers;
mod tried;
mod wake;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::firewall::{self, Reject};
use crate::message::{MessageId, Timestamp};
use crate::metrics::Metrics;
use crate::occasion::Occasion;
use crate::plugin::{Invocation, Outcome, Ran, Seed, StateView};
use crate::route::{Changes, Current, Directory};
use crate::schedule::{Ended, Event, Schedule, SubjectKey};
use crate::slots::Slots;
use crate::store::keys::{Kind, OutboxKey, Partition};
use crate::store::{Accepted, Change, Committed, NewMessage, NotAccepted, Queued, Store};
use arc_swap::Guard;
use parking_lot::{Condvar, Mutex, RwLock};

use admit::{Admitted, admit, expiry, place_mo, queue_to};
use batch::Batch;
pub use breakers::Instead;
pub use campaigns::{Begun, CampaignDone, NewCampaign, NoCampaign, begin, change_phase, drive};
pub use dead::{DeadDone, DeadVerb, NotRevived, change_all_dead, change_dead};
pub use devices::{DeviceEdit, Import, Imported, Keyed, NewDevice, NotRegistered, change_device, import_devices};
use ended::{RETRY_LAST_MS, fail};
pub use explain::{Explained, GoesTo, Question, explain};
pub use http_calls::{Attempted, http_called};
pub use metering::{keep_usage, used_by};
pub use once::{NotOnce, Once, accept_once};
pub use operations::{Cancel, NotDone, Query, Replace, cancel, owner, query, replace};
pub use opt_outs::{of_device as opt_outs_of, take_back as take_back_opt_out};
pub use outlet::{Outlet, PAUSE};
pub use pickup::{Arrivals, pick_up};
pub use preview::{Verdicts, judge_again};
pub use quotas::keep_quotas;
pub use receipts::{PeerReceipt, receipt};
pub use requests::{NotAsked, Question as RuleQuestion, Requests, ask};
pub use rule_call::TriedGate;
use rule_call::{RuleGate, SubjectState};
pub use series::{end_series, keep_series};
pub use settle::{Answer, settle};
pub use submission::{Origin, Submission};
pub use timers::fire_timers;
pub use tried::{AsIs, as_is};
pub use wake::{Alert, keep_house, wake};

/// Everything the main path works on.
pub struct House {
    directory: Arc<Current>,
    pub store: Arc<Store>,
    outlet: Arc<dyn Outlet>,
    schedule: Mutex<Schedule>,
    /// There may be something to run: for quick rules, for slow ones.
    runnable: [Condvar; 2],
    /// Something is ready, and a thread for it sleeps: the next tick looks at that.
    is_short: AtomicBool,
    /// MOs that wait or run, per customer: the bound of HOUSE promise 8.
    waiting: Slots<AtomicUsize>,
    /// Held from reading a tracked row to writing it, and while a waiting message changes its row.
    tracking: Mutex<()>,
    /// Rows of receipts that wait for the response that names their message, about.
    parked: AtomicUsize,
    joiner: Mutex<parts::Joiner>,
    repeats: Mutex<repeats::Repeats>,
    once: Mutex<()>,
    pub metrics: Metrics,
    absentees: Mutex<wake::Absentees>,
    /// How much of every limit is used. Locked behind `opt_outs`.
    firewall: Mutex<firewall::State>,
    opt_outs: RwLock<opt_outs::OptedOut>,
    refusals: refusals::Refusals,
    campaigns: campaigns::Campaigns,
    inboxes: Arc<pickup::Inboxes>,
    timers: timers::Timers,
    http_calls: http_calls::HttpCalls,
    pub requests: Requests,
    news: news::News,
    dead: dead::Dead,
    breakers: breakers::Breakers,
    meters: metering::Meters,
    state_octets: state_quota::StateOctets,
    strays: Mutex<recovery::Strays>,
    recordings: recordings::Recordings,
    next_series: series::NextSeries,
}

impl House {
    /// Also puts every MO that the store still holds back into the schedule, and finds again what waits for
    /// its parts or its device.
    pub fn new(
        directory: Arc<Current>,
        store: Arc<Store>,
        outlet: Arc<dyn Outlet>,
        now: Timestamp,
    ) -> std::io::Result<Arc<House>> {
        let present = directory.load();
        let schedule = Mutex::new(Schedule::default());
        let waiting = Slots::default();
        let joiner = Mutex::new(parts::Joiner::recover(&present, &store)?);
        let absentees = Mutex::new(wake::Absentees::recover(&store)?);
        let parked = store.count(Kind::Parked)?;
        let inboxes = Arc::new(pickup::Inboxes::recover(&present, &store)?);
        devices::recover(&present, &store)?;
        let firewall = Mutex::new(quotas::recover(&store, now)?);
        let opt_outs = RwLock::new(opt_outs::OptedOut::recover(&store)?);
        let campaigns = campaigns::Campaigns::recover(&store, now)?;
        let dead = dead::Dead::recover(&present, &store)?;
        let meters = metering::Meters::recover(&present, &store, now)?;
        let state_octets = state_quota::StateOctets::default();
        state_octets.look(&present, &store)?;
        let timers = timers::Timers::recover(&store)?;
        let http_calls = http_calls::HttpCalls::recover(&store)?;
        let (runnable, tracking, repeats) = (Default::default(), Mutex::new(()), Mutex::default());
        let (metrics, news) = (Metrics::default(), news::News::new(&store));
        series::recover(&present, &store, &metrics)?;
        drop(present);
        let house = House {
            directory,
            store,
            outlet,
            schedule,
            runnable,
            is_short: AtomicBool::new(false),
            waiting,
            tracking,
            parked: AtomicUsize::new(parked),
            joiner,
            repeats,
            once: Mutex::new(()),
            metrics,
            absentees,
            firewall,
            opt_outs,
            refusals: refusals::Refusals::default(),
            campaigns,
            inboxes,
            timers,
            http_calls,
            requests: Requests::default(),
            news,
            dead,
            breakers: breakers::Breakers::default(),
            meters,
            state_octets,
            strays: Mutex::default(),
            recordings: recordings::Recordings::new(now),
            next_series: series::NextSeries::default(),
        };
        let house = Arc::new(house);
        house.place_rules();
        house.reroute(now)?;
        house.recover(now)?;
        Ok(house)
    }

    /// As it is now: see [`Current::load`].
    pub fn directory(&self) -> Guard<Arc<Directory>> {
        self.directory.load()
    }

    /// Hears of every change of the directory from now on.
    pub fn directory_changes(&self) -> Changes {
        self.directory.changes()
    }

    /// `next` holds for every message from now on. [`reroute`](Self::reroute) afterwards.
    pub fn change_directory(&self, next: Directory, now: Timestamp) {
        let back = self.bring_back(&next, now);
        self.directory.replace(next);
        self.place_rules();
        self.let_run(back);
        if let Err(error) = self.outlet.directory_changed(now) {
            tracing::error!("what waits in new queues cannot be read: {error}");
        }
    }

    fn counter(&self, customer: &str) -> Option<&AtomicUsize> {
        self.directory().customer_named(customer).map(|index| self.waiting.at(index.0))
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

/// What goes into the same batch as new messages, and follows when it is durable.
#[derive(Default)]
struct Also {
    changes: Vec<Change>,
    /// Receipts that are among the changes.
    offers: Vec<Queued>,
    /// Messages that nobody may take until then.
    releases: Vec<OutboxKey>,
    /// Of the messages, where they were given out before.
    numbers: Vec<u64>,
}

/// A new MO that a rule takes.
pub struct Scheduled {
    key: SubjectKey,
    is_tracked: bool,
}

/// Takes a batch of messages from one peer. `answer` is called when those it names are durable or refused,
/// each once; `T` is whatever the caller needs to find its request again.
pub fn accept<T: Send + 'static>(
    house: &Arc<House>,
    from: impl Into<Origin>,
    batch: Vec<(T, Submission)>,
    now: Timestamp,
    answer: impl Fn(Vec<Verdict<T>>) + Clone + Send + 'static,
) {
    let from = from.into();
    // Held until the store has the batch, in which replaced messages end.
    let lock = batch.iter().any(|(_, submission)| submission.replaces).then(|| house.tracking.lock());
    let mut admitted = Batch::default();
    let mut refused = Vec::new();
    let mut has_lead = false;
    for (token, mut submission) in batch {
        // The first destination that is accepted leads the others of its submit_multi.
        has_lead &= submission.sibling > 0;
        submission.sibling = if has_lead { submission.sibling } else { 0 };
        if from.brings_back(&house.directory(), &submission.message.source) {
            wake::wake(house, &submission.message.source, now);
            admitted.also.changes.extend(house.seen(&submission.message.source, now));
        }
        let repeat_key = repeats::key(house, from, &submission);
        let is_found_only_there = repeat_key.is_some() && admitted.repeat_keys.contains(&repeat_key);
        if is_found_only_there || submission.replaces && submission.sibling == 0 {
            // What it repeats or replaces is in this batch, and is found when it is stored only.
            std::mem::take(&mut admitted).store(house, from, now, answer.clone());
            (has_lead, submission.sibling) = (false, 0);
        }
        if let Some(id) = repeat_key.and_then(|key| house.repeats.lock().find(key, now)) {
            let answer = answer.clone();
            parts::repeat(house, id, move |result| answer(vec![(token, result)]));
            continue; // and leads nobody: the others of its submit_multi are not stored with it
        }
        match admit(house, from, submission, &mut admitted.also, now) {
            Ok(Admitted::Whole(new, subject)) => {
                has_lead = true;
                admitted.tokens.push(token);
                admitted.list.push(new);
                admitted.subjects.push(subject);
                admitted.repeat_keys.push(repeat_key);
            }
            Ok(Admitted::Part(part)) => parts::accept(house, part, now, {
                let answer = answer.clone();
                move |result| answer(vec![(token, result)])
            }),
            Ok(Admitted::Keywords(keywords)) => opt_outs::accept(house, keywords, now, {
                let answer = answer.clone();
                move |result| answer(vec![(token, result)])
            }),
            Err(reject) => {
                tracing::warn!(account = from.account(&house.directory()), "refused: {reject}");
                refused.push((token, Err(reject)));
            }
        }
    }
    if !refused.is_empty() {
        answer(refused);
    }
    admitted.store(house, from, now, answer);
    drop(lock);
}

/// Writes messages that were admitted; `done` hears of it after the sync. Those for rules are scheduled.
/// Yields their ids; none when the store took none.
fn store_messages(
    house: &Arc<House>,
    list: Vec<NewMessage>,
    subjects: Vec<Option<Scheduled>>,
    also: Also,
    now: Timestamp,
    done: impl FnOnce(Result<Vec<MessageId>, Reject>) + Send + 'static,
) -> Vec<(MessageId, Partition)> {
    let outlet = house.outlet.clone();
    let Also { changes, offers, releases, numbers } = also;
    let kept = pickup::entering(house, &list);
    let (inboxes, filled) = (house.inboxes.clone(), kept.clone());
    let answer = move |result: Result<Vec<Accepted>, NotAccepted>| match result {
        Ok(accepted) => {
            releases.iter().for_each(|key| outlet.release(key));
            if !offers.is_empty() {
                outlet.offer(offers);
            }
            let (ids, queued): (Vec<_>, Vec<_>) = accepted.into_iter().map(|a| (a.id, a.queued)).unzip();
            offer_when_due(&*outlet, queued.into_iter().flatten().collect(), now);
            filled.into_iter().for_each(|customer| inboxes.arrived(customer));
            done(Ok(ids));
        }
        Err(refusal) => {
            releases.iter().for_each(|key| outlet.give_back(key, now));
            done(Err(refusal.into()));
        }
    };
    let entering = counting::Entering::of(house, &list);
    let arrived = house.arrived(&changes);
    let ids = house.store.accept_and(list, (&numbers, changes), now, answer);
    if !ids.is_empty() {
        entering.count(house);
    }
    if ids.is_empty() {
        // The store took none of them: they do not wait after all.
        kept.into_iter().for_each(|customer| house.inboxes.leave(customer, 1));
        let directory = house.directory();
        let customer = |run: &Scheduled| &*directory.rules[run.key.rule.0].customer;
        subjects.iter().flatten().for_each(|run| house.count(customer(run), -1));
    } else {
        house.schedule_accepted(&ids, subjects, now);
        house.run_arrived(arrived, now);
    }
    ids
}

/// Durable messages: those that are due go to delivery, for the others it sets its alarm.
fn offer_when_due(outlet: &dyn Outlet, queued: Vec<Queued>, now: Timestamp) {
    for one in queued.iter().filter(|one| one.record.tracked) {
        outlet.expires(&one.key, one.record.expires);
    }
    let (due, later): (Vec<_>, Vec<_>) = queued.into_iter().partition(|one| one.key.due <= now);
    later.iter().for_each(|one| outlet.later(&one.key));
    if !due.is_empty() {
        outlet.offer(due);
    }
}

// ---- process: claim, run, conclude --------------------------------------------------------------

/// Reads the event that is to run. None: it is over, or it cannot be read (logged).
pub fn claim(house: &Arc<House>, key: &SubjectKey, event: Event, now: Timestamp) -> Option<Invocation> {
    let id = MessageId::accepted(event.number);
    let record = match house.store.claim(event.partition, event.number) {
        Ok(record) => record,
        Err(error) => {
            tracing::error!(message_id = %id, "an event cannot be read: {error}");
            None
        }
    };
    let state = SubjectState::new(house, key, event.partition);
    let Some(record) = record.filter(|record| !is_void(house, &state, event, &record.occasion)) else {
        house.count(&house.directory().rules[key.rule.0].customer, -1);
        return None;
    };
    let invocation = Invocation {
        rule: key.rule,
        id,
        attempt: record.attempts + 1,
        log: house.rule_log(key.rule, id, &record),
        occasion: record.occasion,
        mo: record.message,
        state: state.clone(),
        gate: RuleGate::new(house, key.rule, now),
        seed: Seed::House(*house.store.secret()),
        witness: None,
    };
    Some(recordings::watched(house, key, event, &state, invocation))
}

/// A timer that was cancelled or set again while it waited: it ends here.
fn is_void(house: &Arc<House>, state: &SubjectState, event: Event, occasion: &Occasion) -> bool {
    let Occasion::Timer(fired) = occasion else { return false };
    let is_set = state.timer(&fired.name).map(|set| set.is_some_and(|set| set.id == fired.id));
    match is_set {
        Ok(true) => false,
        Ok(false) => {
            // A store that failed says so elsewhere.
            let _ = house.depart(event.partition, event.number);
            true
        }
        Err(error) => {
            tracing::error!(message_id = %MessageId::accepted(event.number), "a timer cannot be read: {error}");
            false
        }
    }
}

/// Commits what the rule did, or its failure. An error means that the store has failed.
pub fn conclude(house: &Arc<House>, key: &SubjectKey, event: Event, ran: impl Into<Ran>, now: Timestamp) -> Ended {
    let Ran { outcome, version, witnessed, .. } = ran.into();
    let kept = witnessed.map(|of| recordings::row(house, key.rule, (&outcome, &version), *of, now));
    let result = match outcome {
        Outcome::Done(effects) => {
            commit::commit(house, key, event, (effects, kept), now).map(|committed| match committed {
                Committed::Yes => Ended::Gone,
                // Others were faster: once more from the start, as if nothing had been.
                Committed::Conflict => Ended::Again(now),
            })
        }
        failed => fail(house, key.rule, event, (failed, &version, kept), now),
    };
    match result {
        Ok(Ended::Gone) => {
            house.count(&house.directory().rules[key.rule.0].customer, -1);
            Ended::Gone
        }
        Ok(again) => again,
        // The store is poisoned and the house about to close: the event stays where it is.
        Err(_) => Ended::Again(now.plus_ms(RETRY_LAST_MS)),
    }
}

type Stored<T> = Result<T, crate::store::StoreFailed>;
