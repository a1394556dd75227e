//! What the store holds back goes into the schedule: at the start, and when a rule is there whose MOs waited for it.
//!
//! A rule that is gone, or of which no version can run, keeps what waits for it, in order.

use std::collections::BTreeMap;
use std::io;

use super::House;
use crate::message::Timestamp;
use crate::route::{Directory, RuleIndex};
use crate::schedule::{Event, SubjectKey};
use crate::store::InboxRecord;
use crate::store::keys::Partition;

/// Rows that are read at once.
const PAGE_ROWS: usize = 1_000;

/// Customer and name of rules that were not there when the store was read, and how many MOs wait for each.
#[derive(Default)]
pub struct Strays(BTreeMap<(Box<str>, Box<str>), usize>);

/// A rule that is back, held, with so many MOs of this customer.
pub(super) struct Back {
    rule: RuleIndex,
    customer: Box<str>,
    waiting: usize,
}

impl House {
    /// Every MO that waits for a rule.
    pub(super) fn recover(&self, now: Timestamp) -> io::Result<()> {
        let mut strays = Strays::default();
        self.each_waiting(|partition, number, record| {
            let Some(rule) = self.directory().rule(&record.customer, &record.rule) else {
                *strays.0.entry((record.customer, record.rule)).or_default() += 1;
                return;
            };
            self.count(&record.customer, 1);
            self.push_again(rule, (partition, number), &record, now);
        })?;
        for ((customer, rule), waiting) in &strays.0 {
            tracing::warn!(
                rule = format!("{customer}/{rule}"),
                waiting,
                "MOs wait for a rule that is not set up; they run when the rule is back"
            );
        }
        *self.strays.lock() = strays;
        Ok(())
    }

    /// Before `next` is shown, so that what is new comes behind what waited.
    pub(super) fn bring_back(&self, next: &Directory, now: Timestamp) -> Vec<Back> {
        let mut strays = self.strays.lock();
        let index = |(customer, rule): &(Box<str>, Box<str>)| next.rule(customer, rule);
        let back: BTreeMap<_, _> = strays.0.keys().filter_map(|name| Some((name.clone(), index(name)?))).collect();
        if back.is_empty() {
            return Vec::new();
        }
        back.values().for_each(|rule| self.hold_rule(*rule));
        let mut counts: BTreeMap<_, usize> = BTreeMap::new();
        let read = self.each_waiting(|partition, number, record| {
            let name = (record.customer.clone(), record.rule.clone());
            if let Some(rule) = back.get(&name) {
                *counts.entry(name).or_default() += 1;
                self.push_again(*rule, (partition, number), &record, now);
            }
        });
        if let Err(error) = read {
            tracing::error!("MOs of rules that are back cannot be read, and run after the next start: {error}");
        }
        strays.0.retain(|name, _| !back.contains_key(name));
        let back = back.into_iter();
        back.map(|(name, rule)| Back { rule, waiting: counts.remove(&name).unwrap_or_default(), customer: name.0 })
            .collect()
    }

    /// Whether they can run is known by whoever has their versions, and said behind this.
    pub(super) fn let_run(&self, back: Vec<Back>) {
        for Back { rule, customer, waiting } in back {
            tracing::info!(
                rule = self.directory().rule_name(rule),
                waiting,
                "the rule is back, and what waited for it runs"
            );
            self.count(&customer, waiting as isize);
            self.release_rule(rule);
        }
    }

    /// What waits for this rule waits until it is released.
    pub fn hold_rule(&self, rule: RuleIndex) {
        self.schedule.lock().hold(rule);
    }

    pub fn release_rule(&self, rule: RuleIndex) {
        self.schedule.lock().release(rule);
        self.runnable.notify_all();
    }

    fn push_again(&self, rule: RuleIndex, (partition, number): (Partition, u64), record: &InboxRecord, now: Timestamp) {
        let key = SubjectKey { rule, device: record.message.source.to_string().into() };
        let event = Event { partition, number, is_tracked: record.tracked, due: record.due };
        self.schedule.lock().push(key, event, now);
    }

    fn each_waiting(&self, mut each: impl FnMut(Partition, u64, InboxRecord)) -> io::Result<()> {
        for partition in Partition::all() {
            let mut after = 0;
            loop {
                let page = self.store.waiting(partition, after, PAGE_ROWS)?;
                let Some((last, _)) = page.last() else { break };
                after = *last;
                page.into_iter().for_each(|(number, record)| each(partition, number, record));
            }
        }
        Ok(())
    }
}
