//! What the store holds back goes into the schedule: at the start, and when a rule is there whose events waited for it.
//!
//! A rule that is gone, or of which no version can run, keeps what waits for it, in order.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::House;
use super::arrivals::found_in;
use crate::message::Timestamp;
use crate::route::{Directory, RuleIndex};
use crate::store::InboxRecord;
use crate::store::keys::Partition;

/// Rows that are read at once.
const PAGE_ROWS: usize = 1_000;

/// Customer and name of rules that have no place, and for which events wait in the store.
#[derive(Default)]
pub struct Strays(BTreeSet<(Box<str>, Box<str>)>);

/// Rules that are back, and how many events of each customer waited for them.
pub(super) struct Back {
    rules: Vec<RuleIndex>,
    waiting: BTreeMap<Box<str>, isize>,
}

impl Strays {
    /// True the first time.
    pub(super) fn add(&mut self, customer: &str, rule: &str) -> bool {
        self.0.insert((customer.into(), rule.into()))
    }
}

impl House {
    /// Every event that waits for a rule.
    pub(super) fn recover(&self, now: Timestamp) -> io::Result<()> {
        self.each_waiting(|partition, page| {
            let found = page.iter().filter_map(|(number, record)| self.found(partition, *number, record));
            self.run_arrived(found.collect(), now);
        })
    }

    /// Before `next` is shown, so that what is new comes behind what waited: events of rules that have a place in it for the
    /// first time. The rules are held.
    pub(super) fn bring_back(&self, next: &Directory, now: Timestamp) -> Back {
        let index = |(customer, rule): &(Box<str>, Box<str>)| next.rule(customer, rule);
        let strays = self.strays.lock();
        let rules: BTreeMap<_, _> = strays.0.iter().filter_map(|name| Some((name.clone(), index(name)?))).collect();
        drop(strays);
        let mut back = Back { rules: rules.values().copied().collect(), waiting: BTreeMap::new() };
        if back.rules.is_empty() {
            return back;
        }
        back.rules.iter().for_each(|rule| self.hold_rule(*rule));
        let is_of = |record: &InboxRecord| rules.contains_key(&(record.customer.clone(), record.rule.clone()));
        let read = self.each_waiting(|partition, page| {
            let own: Vec<_> = page.iter().filter(|(_, record)| is_of(record)).collect();
            for (_, record) in &own {
                *back.waiting.entry(record.customer.clone()).or_default() += 1;
            }
            let found = own.into_iter().filter_map(|(number, record)| found_in(next, partition, *number, record));
            self.push_arrived(found.collect(), now);
        });
        if let Err(error) = read {
            tracing::error!("events of rules that are back cannot be read, and run after the next start: {error}");
        }
        self.strays.lock().0.retain(|name| !rules.contains_key(name));
        back
    }

    /// When it is shown. Whether a version of them can run is said behind this.
    pub(super) fn let_run(&self, back: Back) {
        for (customer, waiting) in &back.waiting {
            self.count(customer, *waiting);
        }
        for rule in back.rules {
            tracing::info!(rule = self.directory().rule_name(rule), "the rule is back, and what waited for it runs");
            self.release_rule(rule);
        }
    }

    /// What waits for this rule waits until it is released.
    pub fn hold_rule(&self, rule: RuleIndex) {
        self.schedule.lock().hold(rule);
    }

    pub fn release_rule(&self, rule: RuleIndex) {
        self.schedule.lock().release(rule);
        self.rouse();
    }

    /// Holds the rules that cannot run, and releases the others.
    pub fn settle_rules(&self, can_run: impl Fn(RuleIndex) -> bool) {
        let rules = self.directory().rules.len();
        let mut schedule = self.schedule.lock();
        for rule in (0..rules).map(RuleIndex) {
            if can_run(rule) { schedule.release(rule) } else { schedule.hold(rule) }
        }
        drop(schedule);
        self.rouse();
    }

    fn each_waiting(&self, mut each: impl FnMut(Partition, Vec<(u64, InboxRecord)>)) -> io::Result<()> {
        for partition in Partition::all() {
            let (mut after, mut behind) = (0, BTreeMap::<(u64, u64), InboxRecord>::new());
            loop {
                let page = self.store.waiting(partition, after, PAGE_ROWS)?;
                let Some((last, _)) = page.last() else { break };
                after = *last;
                let mut placed = Vec::with_capacity(page.len());
                for (number, record) in page {
                    // Those that were dead have their places behind what came before they were tried again.
                    while let Some(first) = behind.first_entry().filter(|first| first.key().0 < number) {
                        let ((_, number), record) = first.remove_entry();
                        placed.push((number, record));
                    }
                    match record.place > number {
                        true => drop(behind.insert((record.place, number), record)),
                        false => placed.push((number, record)),
                    }
                }
                each(partition, placed);
            }
            each(partition, behind.into_iter().map(|((_, number), record)| (number, record)).collect());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
