//! Customers and how much of their shares they have used: who is furthest behind is found in O(log n).

use std::collections::BTreeSet;

use crate::message::Timestamp;

/// Nanoseconds, of CPU time or of a clock that it advances.
pub type Nanos = u64;

/// Whose share is of no special size.
pub const USUAL_WEIGHT: u32 = 100;
/// A customer, or a rule, that was idle may be ahead of the others by no more than this.
const CREDIT: Nanos = 1_000_000;

/// Of a rule, by how long its calls take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Quick,
    Slow,
}

pub const CLASSES: [Class; 2] = [Class::Quick, Class::Slow];

/// Clocks, and whose they are; the one that is furthest behind comes first.
type Clocks = BTreeSet<(Nanos, usize)>;

/// A customer's.
pub struct Share {
    weight: u32,
    /// CPU time used, the slower the greater the weight; floored by that of all while idle.
    clock: Nanos,
    /// Of the rule that started last: where those begin that were idle.
    rules_clock: Nanos,
    /// Its rules with something to run.
    runnable: [Clocks; CLASSES.len()],
    running: usize,
    paused: Option<Timestamp>,
    /// With which clock it is among the runnable customers.
    listed: [Option<Nanos>; CLASSES.len()],
}

impl Default for Share {
    fn default() -> Share {
        Share {
            weight: USUAL_WEIGHT,
            clock: 0,
            rules_clock: 0,
            runnable: Default::default(),
            running: 0,
            paused: None,
            listed: [None; CLASSES.len()],
        }
    }
}

impl Share {
    /// Where the clock of a rule begins that was idle.
    pub fn floor(&self) -> Nanos {
        self.rules_clock.saturating_sub(CREDIT)
    }

    pub fn first(&self, class: Class) -> Option<(Nanos, usize)> {
        self.runnable[class as usize].first().copied()
    }

    pub fn insert(&mut self, (class, clock): (Class, Nanos), rule: usize) {
        self.runnable[class as usize].insert((clock, rule));
    }

    pub fn remove(&mut self, (class, clock): (Class, Nanos), rule: usize) {
        self.runnable[class as usize].remove(&(clock, rule));
    }

    fn is_idle(&self) -> bool {
        self.running == 0 && self.runnable.iter().all(BTreeSet::is_empty)
    }

    fn weighted(&self, used: Nanos) -> Nanos {
        used / u64::from(self.weight) * u64::from(USUAL_WEIGHT)
    }
}

#[derive(Default)]
pub struct Shares {
    /// By `CustomerIndex`.
    all: Vec<Share>,
    runnable: [Clocks; CLASSES.len()],
    /// Of the customer that started last.
    clock: Nanos,
}

impl Shares {
    pub fn ensure(&mut self, customer: usize) {
        if self.all.len() <= customer {
            self.all.resize_with(customer + 1, Share::default);
        }
    }

    pub fn place(&mut self, customer: usize, weight: u32) {
        self.ensure(customer);
        self.all[customer].weight = weight.max(1);
    }

    pub fn at(&self, customer: usize) -> &Share {
        &self.all[customer]
    }

    /// The runnable customer that is furthest behind.
    pub fn first(&self, class: Class) -> Option<(Nanos, usize)> {
        self.runnable[class as usize].first().copied()
    }

    /// Changes which rules of a customer can run.
    pub fn change(&mut self, customer: usize, change: impl FnOnce(&mut Share)) {
        let share = &mut self.all[customer];
        if share.is_idle() {
            share.clock = share.clock.max(self.clock.saturating_sub(CREDIT));
        }
        change(share);
        self.refresh(customer);
    }

    /// One of its rules, with this clock, starts a call that takes so long, most likely.
    pub fn start(&mut self, customer: usize, rules_clock: Nanos, expected: Nanos) {
        let share = &mut self.all[customer];
        self.clock = self.clock.max(share.clock);
        share.rules_clock = share.rules_clock.max(rules_clock);
        share.running += 1;
        share.clock += share.weighted(expected);
        self.refresh(customer);
    }

    /// A call has ended that took so long in fact.
    pub fn end(&mut self, customer: usize, charged: Nanos, used: Nanos) {
        let share = &mut self.all[customer];
        share.running -= 1;
        share.clock = (share.clock + share.weighted(used)).saturating_sub(share.weighted(charged));
        self.refresh(customer);
    }

    /// Yields until when it was paused before.
    pub fn pause(&mut self, customer: usize, until: Option<Timestamp>) -> Option<Timestamp> {
        self.ensure(customer);
        let before = std::mem::replace(&mut self.all[customer].paused, until);
        self.refresh(customer);
        before
    }

    fn refresh(&mut self, customer: usize) {
        let share = &mut self.all[customer];
        for class in CLASSES {
            let runs = share.paused.is_none() && !share.runnable[class as usize].is_empty();
            let listed = runs.then_some(share.clock);
            let before = std::mem::replace(&mut share.listed[class as usize], listed);
            if before == listed {
                continue;
            }
            let clocks = &mut self.runnable[class as usize];
            before.map(|clock| clocks.remove(&(clock, customer)));
            listed.map(|clock| clocks.insert((clock, customer)));
        }
    }
}
