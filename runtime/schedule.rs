//! Which event runs next: one at a time per subject (device x rule), in arrival order, fair between customers.
//!
//! Pure: takes `now`, holds no message, starts nothing. The rule threads ask [`Schedule::next`] and report
//! with [`Schedule::finished`].
//!
//! Fairness: each customer has a clock that its calls advance by the CPU time they take, the slower the greater its
//! weight; the customer whose clock is furthest behind runs next, and of its rules the one that is. So whoever has many
//! rules, or busy ones, gets no more. A call is charged when it starts, by what its rule's calls took lately, and
//! corrected when it ends: otherwise several that start together would be free.
//!
//! Rules whose calls take long are slow ones: they have workers of their own, which give way to the others
//! (`rule_threads.rs`), and quick ones wait for them only when the customer of a slow one is far behind its share.
//!
//! A lane, or a customer, can be held back until a time: for a breaker that is open, for a quota that is used up.

mod shares;
mod workers;

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::message::Timestamp;
use crate::route::{CustomerIndex, RuleIndex};
use crate::store::keys::Partition;
use shares::{Nanos, Share, Shares};
use workers::{CALL_MIN, Workers};

pub use shares::{CLASSES, Class};

/// An MO, or something else that happened to a device, that waits for its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub partition: Partition,
    pub number: u64,
    pub is_mo: bool,
    /// Somebody waits for a receipt about it.
    pub is_tracked: bool,
    /// Not before this.
    pub due: Timestamp,
}

/// Whose messages run one at a time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubjectKey {
    pub rule: RuleIndex,
    pub device: Arc<str>,
}

/// How a run of an event ended, for the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Done or dead: the subject's next event may run.
    Gone,
    /// The same event again, not before this; the subject waits.
    Again(Timestamp),
}

/// What a rule thread does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Run(SubjectKey, Event),
    WaitUntil(Timestamp),
    Wait,
}

/// Who asks for something to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worker {
    /// Runs whatever there is.
    Any,
    /// Never a slow rule.
    Quick,
    /// Slow rules only.
    Slow,
}

/// A rule whose calls take so long, lately, is a slow one.
const SLOW_CALL: Nanos = 5_000_000;
/// Of what is thought of a rule's calls, a new one is so much: one slow call makes a rule slow at once, and some twenty
/// quick ones in a row make it a quick one again.
const MEMORY_SHARE: Nanos = 8;
/// The customer of a slow rule that waits is so far behind its share before quick ones of others wait for it.
const LAG_MAX: Nanos = 100_000_000;

#[derive(Default)]
struct Subject {
    events: VecDeque<Event>,
    running: bool,
    /// What its running call was charged when it started.
    charged: Nanos,
}

struct Lane {
    customer: usize,
    /// Subjects with an event that may run now.
    ready: VecDeque<Arc<str>>,
    subjects: HashMap<Arc<str>, Subject>,
    /// CPU time used, floored by the clock of its customer's lanes while idle.
    clock: Nanos,
    /// What a call takes, by the last ones.
    expected: Nanos,
    running: usize,
    running_max: usize,
    /// Nothing of it runs before this.
    paused: Option<Timestamp>,
    /// Nothing of it is handed out: no version of the rule can run.
    held: bool,
    /// Where it is among the runnable ones of its customer.
    listed: Option<(Class, Nanos)>,
    /// How much work it has for the threads of this class.
    backlog: Option<(Class, Nanos)>,
}

impl Default for Lane {
    fn default() -> Lane {
        Lane {
            customer: 0,
            ready: VecDeque::new(),
            subjects: HashMap::new(),
            clock: 0,
            expected: 0,
            running: 0,
            running_max: usize::MAX,
            paused: None,
            held: false,
            listed: None,
            backlog: None,
        }
    }
}

impl Lane {
    fn class(&self) -> Class {
        if self.expected >= SLOW_CALL { Class::Slow } else { Class::Quick }
    }

    fn is_runnable(&self) -> bool {
        !self.ready.is_empty() && !self.held && self.paused.is_none() && self.running < self.running_max
    }
}

/// What is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Paused {
    Lane(usize),
    Customer(usize),
}

#[derive(Default)]
pub struct Schedule {
    /// By [`RuleIndex`].
    lanes: Vec<Lane>,
    shares: Shares,
    /// Subjects whose first event is not due yet.
    later: BinaryHeap<Reverse<(Timestamp, SubjectKey)>>,
    paused: BTreeSet<(Timestamp, Paused)>,
    /// Events that wait or run, of all rules.
    waiting: usize,
    /// The threads, by [`Class`].
    workers: [Workers; CLASSES.len()],
}

impl Schedule {
    /// Rules that come later get their lanes when they are first named.
    fn ensure(&mut self, rule: RuleIndex) {
        if self.lanes.len() <= rule.0 {
            self.lanes.resize_with(rule.0 + 1, Lane::default);
        }
        self.shares.ensure(0);
    }

    /// Events of a rule wait in their order until it is released.
    pub fn hold(&mut self, rule: RuleIndex) {
        self.set_held(rule, true);
    }

    pub fn release(&mut self, rule: RuleIndex) {
        self.set_held(rule, false);
    }

    fn set_held(&mut self, rule: RuleIndex, held: bool) {
        self.ensure(rule);
        self.lanes[rule.0].held = held;
        self.refresh(rule.0);
    }

    /// A rule and its customer, who has so great a share.
    pub fn place(&mut self, rule: RuleIndex, customer: CustomerIndex, weight: u32) {
        self.ensure(rule);
        self.shares.place(customer.0, weight);
        if self.lanes[rule.0].customer != customer.0 {
            self.unlist(rule.0);
            self.lanes[rule.0].customer = customer.0;
        }
        self.refresh(rule.0);
    }

    /// Adds an event behind the others of its subject.
    pub fn push(&mut self, key: SubjectKey, event: Event, now: Timestamp) {
        self.ensure(key.rule);
        let lane = &mut self.lanes[key.rule.0];
        if lane.ready.is_empty() && lane.running == 0 {
            lane.clock = lane.clock.max(self.shares.at(lane.customer).floor());
        }
        let subject = lane.subjects.entry(key.device.clone()).or_default();
        let first = subject.events.is_empty() && !subject.running;
        self.waiting += 1;
        subject.events.push_back(event);
        if first {
            self.make_ready(key, event.due, now);
        }
    }

    fn make_ready(&mut self, key: SubjectKey, due: Timestamp, now: Timestamp) {
        if due <= now {
            self.lanes[key.rule.0].ready.push_back(key.device);
            self.refresh(key.rule.0);
        } else {
            self.later.push(Reverse((due, key)));
        }
    }

    /// What is due now, or held back no more, may run.
    fn come_due(&mut self, now: Timestamp) {
        while let Some(Reverse((due, _))) = self.later.peek()
            && *due <= now
        {
            if let Some(Reverse((_, key))) = self.later.pop() {
                self.lanes[key.rule.0].ready.push_back(key.device);
                self.refresh(key.rule.0);
            }
        }
        while let Some((until, what)) = self.paused.first().copied()
            && until <= now
        {
            self.set_paused(what, None);
        }
    }

    /// The event that should run now, if this worker may run one.
    pub fn next(&mut self, worker: Worker, now: Timestamp) -> Next {
        self.come_due(now);
        match self.choose(worker) {
            Some(class) => self.start(class),
            None => {
                let later = self.later.peek().map(|Reverse((due, _))| *due);
                let held = self.paused.first().map(|(until, _)| *until);
                later.into_iter().chain(held).min().map_or(Next::Wait, Next::WaitUntil)
            }
        }
    }

    /// Whether this worker may run something that was due already.
    pub fn may_run(&self, worker: Worker) -> bool {
        self.choose(worker).is_some()
    }

    fn choose(&self, worker: Worker) -> Option<Class> {
        let (quick, slow) = (self.shares.first(Class::Quick), self.shares.first(Class::Slow));
        let quick = quick.map(|(clock, _)| clock);
        let slow = slow.map(|(clock, _)| clock);
        let is_behind =
            |lag: Nanos| slow.is_some_and(|slow| quick.is_none_or(|quick| slow.saturating_add(lag) < quick));
        match worker {
            Worker::Slow => slow.map(|_| Class::Slow),
            Worker::Quick => quick.filter(|_| !is_behind(LAG_MAX)).map(|_| Class::Quick),
            Worker::Any if is_behind(0) => Some(Class::Slow),
            Worker::Any => quick.map(|_| Class::Quick).or(slow.map(|_| Class::Slow)),
        }
    }

    fn start(&mut self, class: Class) -> Next {
        let (_, customer) = self.shares.first(class).expect("the class was chosen because it has something to run");
        let (clock, rule) = self.shares.at(customer).first(class).expect("a listed customer has a runnable rule");
        let lane = &mut self.lanes[rule];
        let device = lane.ready.pop_front().expect("a listed rule has a ready subject");
        let subject = lane.subjects.get_mut(&device).expect("a ready subject is known");
        let event = *subject.events.front().expect("a ready subject has an event");
        (subject.running, subject.charged) = (true, lane.expected);
        lane.running += 1;
        lane.clock += lane.expected;
        let expected = lane.expected;
        self.shares.start(customer, clock, expected);
        self.workers[class as usize].starts();
        self.refresh(rule);
        Next::Run(SubjectKey { rule: RuleIndex(rule), device }, event)
    }

    /// The event that [`next`](Self::next) handed out has run, and kept its worker busy for so long.
    pub fn finished(&mut self, key: SubjectKey, ended: Ended, used: Duration, now: Timestamp) {
        let used = u64::try_from(used.as_nanos()).unwrap_or(u64::MAX / 4);
        let lane = &mut self.lanes[key.rule.0];
        lane.running -= 1;
        lane.expected = used.max((lane.expected * (MEMORY_SHARE - 1) + used) / MEMORY_SHARE);
        let customer = lane.customer;
        let mut charged = 0;
        if let Entry::Occupied(mut entry) = lane.subjects.entry(key.device.clone()) {
            let subject = entry.get_mut();
            subject.running = false;
            charged = std::mem::take(&mut subject.charged);
            match ended {
                Ended::Gone => {
                    subject.events.pop_front();
                    self.waiting -= 1;
                }
                Ended::Again(due) => {
                    if let Some(event) = subject.events.front_mut() {
                        event.due = due;
                    }
                }
            }
            let next = subject.events.front().map(|event| event.due);
            if next.is_none() {
                entry.remove();
            }
            if let Some(due) = next {
                self.make_ready(key.clone(), due, now);
            }
        }
        let lane = &mut self.lanes[key.rule.0];
        lane.clock = (lane.clock + used).saturating_sub(charged);
        self.shares.end(customer, charged, used);
        self.refresh(key.rule.0);
    }

    /// Nothing of a rule runs before `until`, or longer if that was said before; None: it may run.
    pub fn pause(&mut self, rule: RuleIndex, until: Option<Timestamp>) {
        if let Some(lane) = self.lanes.get(rule.0) {
            let until = until.map(|until| lane.paused.map_or(until, |before| before.max(until)));
            self.set_paused(Paused::Lane(rule.0), until);
        }
    }

    /// Nothing of a customer's rules runs before `until`; None: they may run.
    pub fn pause_customer(&mut self, customer: CustomerIndex, until: Option<Timestamp>) {
        self.set_paused(Paused::Customer(customer.0), until);
    }

    fn set_paused(&mut self, what: Paused, until: Option<Timestamp>) {
        let before = match what {
            Paused::Lane(rule) => std::mem::replace(&mut self.lanes[rule].paused, until),
            Paused::Customer(customer) => self.shares.pause(customer, until),
        };
        if let Some(before) = before {
            self.paused.remove(&(before, what));
        }
        if let Some(until) = until {
            self.paused.insert((until, what));
        }
        if let Paused::Lane(rule) = what {
            self.refresh(rule);
        }
    }

    /// At most so many events of a rule run at once.
    pub fn limit(&mut self, rule: RuleIndex, running_max: usize) {
        if let Some(lane) = self.lanes.get_mut(rule.0) {
            lane.running_max = running_max;
            self.refresh(rule.0);
        }
    }

    fn unlist(&mut self, rule: usize) {
        let lane = &mut self.lanes[rule];
        if let Some(listed) = lane.listed.take() {
            self.shares.change(lane.customer, |share: &mut Share| share.remove(listed, rule));
        }
    }

    /// Lists a rule where it belongs, once something of it has changed.
    fn refresh(&mut self, rule: usize) {
        let lane = &mut self.lanes[rule];
        let is_runnable = lane.is_runnable();
        let backlog = is_runnable.then(|| (lane.class(), lane.expected.max(CALL_MIN) * lane.ready.len() as Nanos));
        if let Some((class, removed)) = std::mem::replace(&mut lane.backlog, backlog) {
            self.workers[class as usize].change(0, removed);
        }
        if let Some((class, added)) = backlog {
            self.workers[class as usize].change(added, 0);
        }
        let listed = is_runnable.then(|| (lane.class(), lane.clock));
        if listed != lane.listed {
            self.unlist(rule);
            let lane = &mut self.lanes[rule];
            lane.listed = listed;
            if let Some(listed) = listed {
                self.shares.change(lane.customer, |share: &mut Share| share.insert(listed, rule));
            }
        }
    }

    /// Events that wait or run, of all rules.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Of one rule.
    pub fn waiting_of(&self, rule: RuleIndex) -> usize {
        let lane = self.lanes.get(rule.0);
        lane.map_or(0, |lane| lane.subjects.values().map(|subject| subject.events.len()).sum())
    }

    /// Whether the rule's calls are slow ones now.
    pub fn is_slow(&self, rule: RuleIndex) -> bool {
        self.lanes.get(rule.0).is_some_and(|lane| lane.class() == Class::Slow)
    }

    /// The threads of a class: how many there are, who sleeps, whether one is to be woken.
    pub fn workers(&mut self, class: Class) -> &mut Workers {
        &mut self.workers[class as usize]
    }
}

#[cfg(test)]
mod tests;
