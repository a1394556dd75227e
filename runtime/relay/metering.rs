//! What rules use is counted, kept day by day, and held against their quotas.
//!
//! Days are written down once a second, and at the end; a crash forgets what its last second or two used. Quotas are
//! looked at before they are counted, so calls that run at the same time may use more by what they use themselves.

use std::io;

use parking_lot::Mutex;

use super::{House, Stored};
use crate::message::Timestamp;
use crate::meter::{self, Meter, UsageRow, Used};
use crate::plugin::{Effects, Ran};
use crate::route::{CustomerIndex, Directory, RuleIndex};
use crate::schedule::Ended;
use crate::slots::Slots;
use crate::store::{Change, Store};

/// Days of which the rows stay: a year and what it takes to settle a quarrel about it.
const KEPT_DAYS: u32 = 400;
/// Rows that go in one batch.
const FORGET_MAX: usize = 10_000;

#[derive(Default)]
pub struct Meters {
    /// By [`RuleIndex`].
    rules: Slots<Mutex<Meter>>,
    /// Of all rules of a customer, by [`CustomerIndex`].
    customers: Slots<Mutex<Meter>>,
}

impl Meters {
    /// Counts on from what is written down.
    pub fn recover(directory: &Directory, store: &Store, now: Timestamp) -> io::Result<Meters> {
        let (meters, today) = (Meters::default(), meter::day(now));
        for (index, customer) in directory.customers() {
            store.usage(&customer.id, (today, today), |row| {
                if let Some(rule) = directory.rule(&row.customer, &row.rule) {
                    meters.rules.at(rule.0).lock().restore(row.day, &row.used, now);
                }
                meters.customers.at(index.0).lock().restore(row.day, &row.used, now);
                true
            })?;
        }
        Ok(meters)
    }
}

/// What a call used but CPU time. Effects count where they are stored, which `conclude` says.
pub fn used_by(ran: &Ran) -> (Used, Used) {
    let used = Used {
        calls: 1,
        failures: u64::from(ran.outcome.has_failed()),
        memory_octets_max: ran.used.memory_octets as u64,
        log_lines: ran.used.log_lines as u64,
        ..Used::default()
    };
    (used, ran.outcome.effects().map(of_effects).unwrap_or_default())
}

fn of_effects(effects: &Effects) -> Used {
    let state = effects.state.iter().map(|(name, value)| name.len() + value.as_ref().map_or(0, Vec::len));
    Used {
        state_octets_written: state.sum::<usize>() as u64,
        messages: effects.messages.len() as u64,
        timers: effects.timers.iter().filter(|(_, change)| change.is_set()).count() as u64,
        http_calls: effects.calls.len() as u64,
        ..Used::default()
    }
}

impl House {
    /// A call of a rule is over, and has used this. Nothing more of the rule, or of its customer's rules, runs in this
    /// minute where it was too much.
    pub fn charge(&self, rule: RuleIndex, (mut used, effects): (Used, Used), ended: Ended, now: Timestamp) {
        if ended == Ended::Gone {
            used.add(&effects);
        }
        let directory = self.directory();
        let config = &directory.rules[rule.0];
        let is_over = |micros: u64, max_ms: Option<u32>| max_ms.is_some_and(|max| micros >= u64::from(max) * 1_000);
        let minute = self.meters.rules.at(rule.0).lock().charge(&used, now);
        if is_over(minute, config.cpu_ms_per_minute) {
            self.schedule.lock().pause(rule, Some(meter::next_minute(now)));
        }
        let Some(customer) = directory.customer_named(&config.customer) else { return };
        let minute = self.meters.customers.at(customer.0).lock().charge(&used, now);
        if is_over(minute, directory.customer_at(customer).cpu_ms_per_minute) {
            self.schedule.lock().pause_customer(customer, Some(meter::next_minute(now)));
        }
    }

    /// What a rule, and all rules of its customer, used on this day.
    pub fn used_today(&self, rule: RuleIndex, now: Timestamp) -> (Used, Used) {
        let of_rule = self.meters.rules.at(rule.0).lock().today(now);
        let customer = self.directory().customer_named(&self.directory().rules[rule.0].customer);
        (of_rule, customer.map(|customer| self.used_by_customer(customer, now)).unwrap_or_default())
    }

    pub fn used_by_customer(&self, customer: CustomerIndex, now: Timestamp) -> Used {
        self.meters.customers.at(customer.0).lock().today(now)
    }

    /// Whether a rule may send so many messages more on this day.
    pub(super) fn may_send(&self, rule: RuleIndex, more: u64, now: Timestamp) -> bool {
        let directory = self.directory();
        let config = &directory.rules[rule.0];
        let customer = directory.customer(&config.customer).and_then(|customer| customer.rule_messages_per_day);
        if config.messages_per_day.is_none() && customer.is_none() {
            return true;
        }
        let (of_rule, of_customer) = self.used_today(rule, now);
        let fits = |used: u64, max: Option<u64>| max.is_none_or(|max| used + more <= max);
        fits(of_rule.messages, config.messages_per_day) && fits(of_customer.messages, customer)
    }
}

/// Writes down what changed; yields how many rows that were. To be called every second or so, and before the store
/// closes until none is left.
pub fn keep_usage(house: &House) -> Stored<usize> {
    let directory = house.directory();
    let mut changes = Vec::new();
    for (index, rule) in directory.rules.iter().enumerate() {
        if let Some((day, used)) = house.meters.rules.at(index).lock().changed() {
            let (customer, rule) = (rule.customer.as_str().into(), rule.name.as_str().into());
            changes.push(Change::Usage(UsageRow { customer, rule, day, used }));
        }
    }
    let written = changes.len();
    if written > 0 {
        house.store.amend(changes, None)?;
    }
    Ok(written)
}

/// Removes rows of long ago.
pub fn forget(house: &House, now: Timestamp) -> io::Result<()> {
    let last = meter::day(now).saturating_sub(KEPT_DAYS);
    let customers: Vec<_> = house.directory().customers().map(|(_, customer)| customer.id.clone()).collect();
    for customer in customers {
        let mut over = Vec::new();
        house.store.usage(&customer, (0, last), |row| {
            over.push(Change::Unusage(row));
            over.len() < FORGET_MAX
        })?;
        if !over.is_empty() {
            house.store.amend(over, None).map_err(io::Error::other)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
