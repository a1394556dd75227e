//! Which event runs next: one at a time per subject (device x rule), in arrival order, fair between rules.
//!
//! Pure: takes `now`, holds no message, starts nothing. The rule threads ask [`Schedule::next`] and report
//! with [`Schedule::finished`].
//!
//! Fairness: each rule has a clock that its CPU time advances; the rule whose clock is furthest behind
//! runs next, so that a busy or slow rule delays its own messages only. A rule that overran lately counts
//! as slow, and slow rules together never occupy the last free thread.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::message::Timestamp;
use crate::route::RuleIndex;
use crate::store::keys::Partition;

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

/// A call longer than this makes its rule a slow one for the calls that follow.
const SLOW_CALL: Duration = Duration::from_millis(5);
/// A rule that was idle may be ahead of the others by no more than this much CPU time.
const CREDIT: Duration = Duration::from_millis(1);

#[derive(Default)]
struct Subject {
    events: VecDeque<Event>,
    running: bool,
}

#[derive(Default)]
struct Lane {
    /// Subjects with an event that may run now.
    ready: VecDeque<Arc<str>>,
    subjects: HashMap<Arc<str>, Subject>,
    /// Virtual time: CPU time used, floored by the clock of the house while idle.
    clock: Duration,
    slow: bool,
    running: usize,
}

pub struct Schedule {
    lanes: Vec<Lane>,
    /// Subjects whose first event is not due yet.
    later: BinaryHeap<Reverse<(Timestamp, SubjectKey)>>,
    clock: Duration,
    threads: usize,
    slow_running: usize,
    /// Events that wait or run, of all rules.
    waiting: usize,
}

impl Schedule {
    pub fn new(rules: usize, threads: usize) -> Schedule {
        let lanes = (0..rules).map(|_| Lane::default()).collect();
        Schedule { lanes, later: BinaryHeap::new(), clock: Duration::ZERO, threads, slow_running: 0, waiting: 0 }
    }

    /// Adds an event behind the others of its subject.
    pub fn push(&mut self, key: SubjectKey, event: Event, now: Timestamp) {
        let clock = self.clock;
        let lane = &mut self.lanes[key.rule.0];
        if lane.ready.is_empty() && lane.running == 0 {
            lane.clock = lane.clock.max(clock.saturating_sub(CREDIT));
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
        } else {
            self.later.push(Reverse((due, key)));
        }
    }

    /// The event that should run now, if a thread may run one.
    pub fn next(&mut self, now: Timestamp) -> Next {
        while let Some(Reverse((due, _))) = self.later.peek()
            && *due <= now
        {
            if let Some(Reverse((_, key))) = self.later.pop() {
                self.lanes[key.rule.0].ready.push_back(key.device);
            }
        }
        let slow_allowed = self.slow_running + 1 < self.threads.max(2);
        let runnable = |lane: &Lane| !lane.ready.is_empty() && (slow_allowed || !lane.slow);
        let behind = self.lanes.iter().enumerate().filter(|(_, lane)| runnable(lane)).min_by_key(|(_, l)| l.clock);
        let Some(index) = behind.map(|(index, _)| index) else {
            return match self.later.peek() {
                Some(Reverse((due, _))) => Next::WaitUntil(*due),
                None => Next::Wait,
            };
        };
        self.start(RuleIndex(index))
    }

    fn start(&mut self, rule: RuleIndex) -> Next {
        let lane = &mut self.lanes[rule.0];
        self.clock = self.clock.max(lane.clock);
        let device = lane.ready.pop_front().expect("the lane was chosen because it has a ready subject");
        let subject = lane.subjects.get_mut(&device).expect("a ready subject is known");
        let event = *subject.events.front().expect("a ready subject has an event");
        subject.running = true;
        lane.running += 1;
        self.slow_running += usize::from(lane.slow);
        Next::Run(SubjectKey { rule, device }, event)
    }

    /// The event that [`next`](Self::next) handed out has run and used this much CPU time.
    pub fn finished(&mut self, key: SubjectKey, ended: Ended, used: Duration, now: Timestamp) {
        let lane = &mut self.lanes[key.rule.0];
        lane.running -= 1;
        if lane.slow {
            self.slow_running -= 1;
        }
        lane.clock += used;
        self.set_slow(key.rule, used >= SLOW_CALL);
        let lane = &mut self.lanes[key.rule.0];
        let Entry::Occupied(mut entry) = lane.subjects.entry(key.device.clone()) else {
            return;
        };
        let subject = entry.get_mut();
        subject.running = false;
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
        match subject.events.front().map(|event| event.due) {
            Some(due) => self.make_ready(key, due, now),
            None => {
                entry.remove();
            }
        }
    }

    /// Changing the mark changes how the calls count that run right now.
    fn set_slow(&mut self, rule: RuleIndex, slow: bool) {
        let lane = &mut self.lanes[rule.0];
        match (lane.slow, slow) {
            (false, true) => self.slow_running += lane.running,
            (true, false) => self.slow_running -= lane.running,
            _ => {}
        }
        lane.slow = slow;
    }

    /// Events that wait or run, of all rules.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether another thread could find something to run now.
    pub fn has_ready(&self) -> bool {
        self.lanes.iter().any(|lane| !lane.ready.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn key(rule: usize, device: &str) -> SubjectKey {
        SubjectKey { rule: RuleIndex(rule), device: device.into() }
    }

    fn event(number: u64) -> Event {
        Event { partition: Partition(0), number, is_mo: true, is_tracked: false, due: NOW }
    }

    fn run(schedule: &mut Schedule) -> (SubjectKey, Event) {
        match schedule.next(NOW) {
            Next::Run(key, event) => (key, event),
            other => panic!("nothing to run: {other:?}"),
        }
    }

    #[test]
    fn events_of_a_subject_run_one_at_a_time_in_order() {
        let mut schedule = Schedule::new(1, 2);
        schedule.push(key(0, "a"), event(1), NOW);
        schedule.push(key(0, "a"), event(2), NOW);
        let (subject, first) = run(&mut schedule);
        assert_eq!((first.number, schedule.next(NOW)), (1, Next::Wait));
        schedule.finished(subject.clone(), Ended::Gone, Duration::ZERO, NOW);
        assert_eq!(run(&mut schedule).1.number, 2);
        schedule.finished(subject, Ended::Gone, Duration::ZERO, NOW);
        assert_eq!((schedule.waiting(), schedule.next(NOW)), (0, Next::Wait));
    }

    #[test]
    fn a_retry_holds_back_its_own_subject_and_no_other() {
        let mut schedule = Schedule::new(1, 2);
        for (device, number) in [("a", 1), ("a", 2), ("b", 3)] {
            schedule.push(key(0, device), event(number), NOW);
        }
        let (a, first) = run(&mut schedule);
        schedule.finished(a, Ended::Again(NOW.plus_ms(500)), Duration::ZERO, NOW);
        assert_eq!(first.number, 1);
        let (b, third) = run(&mut schedule);
        assert_eq!(third.number, 3);
        schedule.finished(b, Ended::Gone, Duration::ZERO, NOW);
        assert_eq!(schedule.next(NOW), Next::WaitUntil(NOW.plus_ms(500)));
        match schedule.next(NOW.plus_ms(500)) {
            Next::Run(_, event) => assert_eq!(event.number, 1, "the retried event keeps its place"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_rule_that_burns_time_gets_its_share_and_not_more() {
        let mut schedule = Schedule::new(2, 1);
        for number in 0..200 {
            schedule.push(key(0, &format!("h{number}")), event(number), NOW);
            schedule.push(key(1, &format!("l{number}")), event(number), NOW);
        }
        let (mut heavy, mut light) = (0, 0);
        while light < 100 {
            let (subject, _) = run(&mut schedule);
            let used = if subject.rule.0 == 0 { 4_000 } else { 40 };
            *(if subject.rule.0 == 0 { &mut heavy } else { &mut light }) += 1;
            schedule.finished(subject, Ended::Gone, Duration::from_micros(used), NOW);
        }
        assert!(heavy <= 3, "the heavy rule ran {heavy} times while the light one ran 100 times");
    }

    #[test]
    fn slow_rules_never_take_the_last_thread() {
        let mut schedule = Schedule::new(2, 2);
        for number in 0..4 {
            schedule.push(key(0, &format!("s{number}")), event(number), NOW);
        }
        let (subject, _) = run(&mut schedule);
        schedule.finished(subject, Ended::Gone, Duration::from_millis(50), NOW);
        run(&mut schedule);
        assert_eq!(schedule.next(NOW), Next::Wait, "a second slow call would block everybody else");
        schedule.push(key(1, "quick"), event(9), NOW);
        assert_eq!(run(&mut schedule).0.rule, RuleIndex(1));
    }
}
