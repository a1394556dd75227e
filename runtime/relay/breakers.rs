//! Rules that keep failing are not called: what their breakers say becomes of their events, and who hears of it.
//!
//! While a breaker is open, the schedule holds the rule's events back; with a `fallback`, MOs are answered with that and
//! end. Breakers are in memory: a restart closes them.

use std::sync::Arc;

use parking_lot::Mutex;

use super::House;
use crate::breaker::{Breaker, State, Status};
use crate::feed::{About, RuleChange};
use crate::message::Timestamp;
use crate::plugin::{Effects, Invocation, Outcome, answered_with};
use crate::route::RuleIndex;
use crate::schedule::Ended;
use crate::slots::Slots;

/// By [`RuleIndex`].
#[derive(Default)]
pub struct Breakers(Slots<Mutex<Guarded>>);

#[derive(Default)]
struct Guarded {
    breaker: Breaker,
    /// Half open, and an event is being tried.
    is_probing: bool,
}

/// What becomes of an event whose rule is not to be called.
#[derive(Debug)]
pub enum Instead {
    /// These are its effects.
    Done(Box<Effects>),
    Wait(Ended),
}

impl House {
    /// How often a rule failed lately, and what follows from it.
    pub fn breaker(&self, rule: RuleIndex, now: Timestamp) -> Status {
        let mut guarded = self.breakers.0.at(rule.0).lock();
        guarded.breaker.state(now);
        guarded.breaker.status()
    }

    /// Nothing of the past counts any more: the rule has another version or config.
    pub fn reset_breaker(&self, rule: RuleIndex) {
        let mut guarded = self.breakers.0.at(rule.0).lock();
        guarded.breaker.reset();
        guarded.is_probing = false;
        self.close_breaker(rule);
    }

    fn close_breaker(&self, rule: RuleIndex) {
        let mut schedule = self.schedule.lock();
        schedule.pause(rule, None);
        schedule.limit(rule, usize::MAX);
        drop(schedule);
        self.rouse();
    }

    /// Asked before a call; None: call it.
    pub fn instead_of_call(self: &Arc<Self>, invocation: Invocation, now: Timestamp) -> Result<Invocation, Instead> {
        let directory = self.directory();
        let rule = &directory.rules[invocation.rule.0];
        let Some(fallback) = &rule.fallback else { return Ok(invocation) };
        let until = {
            let mut guarded = self.breakers.0.at(invocation.rule.0).lock();
            match guarded.breaker.state(now) {
                State::Closed => return Ok(invocation),
                State::HalfOpen if !guarded.is_probing => {
                    guarded.is_probing = true;
                    return Ok(invocation);
                }
                State::HalfOpen => now.plus_ms(u64::from(rule.deadline_ms)),
                State::Open(until) => until,
            }
        };
        if !invocation.occasion.is_mo() {
            return Err(Instead::Wait(Ended::Again(until)));
        }
        let id = invocation.id;
        let answered = answered_with(invocation, Arc::clone(&directory), fallback).map_err(|error| {
            tracing::warn!(message_id = %id, "a rule's fallback cannot be sent, its event waits: {error}");
            Instead::Wait(Ended::Again(until))
        })?;
        Err(Instead::Done(Box::new(answered)))
    }

    /// A rule was called.
    pub fn called(&self, rule: RuleIndex, outcome: &Outcome, now: Timestamp) {
        let directory = self.directory();
        let config = &directory.rules[rule.0];
        let why = match outcome {
            Outcome::Broken(broken) => Some(broken.why.as_str()),
            Outcome::Reject(reason) => Some(reason.as_str()),
            Outcome::Done(_) | Outcome::Retry(_) => None,
        };
        let (change, status) = {
            let mut guarded = self.breakers.0.at(rule.0).lock();
            let change = guarded.breaker.ended(config.breaker, why.is_some(), now);
            guarded.is_probing = false;
            (change, guarded.breaker.status())
        };
        let name = directory.rule_name(rule);
        let change = match change {
            Some(State::Open(until)) => {
                if config.fallback.is_none() {
                    let mut schedule = self.schedule.lock();
                    schedule.pause(rule, Some(until));
                    // Behind that time one event at a time is tried.
                    schedule.limit(rule, 1);
                }
                let Status { calls, failures, .. } = status;
                let why = why.unwrap_or_default();
                tracing::error!(
                    rule = name,
                    "{failures} of its last {calls} calls failed, it is not called for a while: {why}"
                );
                RuleChange::BreakerOpened { until, calls, failures, why: why.into() }
            }
            Some(State::Closed) => {
                tracing::info!(rule = name, "a call succeeded, it is called again");
                self.close_breaker(rule);
                RuleChange::BreakerClosed
            }
            Some(State::HalfOpen) | None => return,
        };
        let about = || About::Rule { rule: config.name.as_str().into(), change };
        if let Err(failed) = self.store.tell(&config.customer, now, about) {
            tracing::debug!(rule = name, "a breaker's change is not told: {failed}");
        }
    }
}

#[cfg(test)]
mod tests;
