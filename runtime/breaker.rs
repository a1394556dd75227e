//! Whether a rule that keeps failing is called at all: a breaker for each rule.
//!
//! Pure: takes `now`. It counts how the last calls ended; when too many failed it opens, and nothing is called until its
//! time is over. Then one event at a time is tried: with the first that succeeds it closes, with one that fails it opens
//! again. `relay/breakers.rs` asks it, and tells the schedule and the customer.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::message::Timestamp;

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Percent of the last calls that failed; 0: it never opens.
    pub failures: u8,
    /// The last so many calls count; with fewer it stays closed.
    pub calls: u32,
    /// How long nothing is called.
    pub open_secs: u32,
}

/// A rule of which half of twenty calls fail does more harm than one that waits half a minute.
impl Default for Settings {
    fn default() -> Settings {
        Settings { failures: 50, calls: 20, open_secs: 30 }
    }
}

/// Calls that may count: a bit each, so that this is some 120 octets.
pub const CALLS_MAX: u32 = 1_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    Closed,
    /// Nothing is called before this.
    Open(Timestamp),
    /// One event at a time is tried.
    HalfOpen,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::Closed => "closed",
            State::Open(_) => "open",
            State::HalfOpen => "half_open",
        }
    }
}

/// A breaker at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub state: State,
    /// Of the last calls that count.
    pub calls: u32,
    pub failures: u32,
    /// How often it opened since the start of the server.
    pub opened: u64,
}

#[derive(Debug, Default)]
pub struct Breaker {
    state: State,
    /// How the last calls ended; true: it failed.
    last: VecDeque<bool>,
    failures: u32,
    opened: u64,
}

impl Breaker {
    pub fn status(&self) -> Status {
        Status { state: self.state, calls: self.last.len() as u32, failures: self.failures, opened: self.opened }
    }

    /// As it is now; what was open for its time is half open.
    pub fn state(&mut self, now: Timestamp) -> State {
        if let State::Open(until) = self.state
            && until <= now
        {
            self.state = State::HalfOpen;
        }
        self.state
    }

    /// A call has ended. Yields the new state where that changes it; a call that began before it opened tells nothing.
    pub fn ended(&mut self, settings: Settings, has_failed: bool, now: Timestamp) -> Option<State> {
        match self.state(now) {
            State::Open(_) => None,
            State::HalfOpen if has_failed => Some(self.open(settings, now)),
            State::HalfOpen => {
                self.reset();
                Some(State::Closed)
            }
            State::Closed => {
                self.count(settings, has_failed);
                let is_full = self.last.len() >= settings.calls.max(1) as usize;
                let share = u64::from(self.failures) * 100;
                let is_too_much = share >= u64::from(settings.failures) * self.last.len() as u64;
                (settings.failures > 0 && is_full && is_too_much).then(|| self.open(settings, now))
            }
        }
    }

    fn count(&mut self, settings: Settings, has_failed: bool) {
        self.last.push_back(has_failed);
        self.failures += u32::from(has_failed);
        while self.last.len() > settings.calls.clamp(1, CALLS_MAX) as usize {
            self.failures -= u32::from(self.last.pop_front() == Some(true));
        }
    }

    fn open(&mut self, settings: Settings, now: Timestamp) -> State {
        self.state = State::Open(now.plus_ms(u64::from(settings.open_secs) * 1_000));
        self.opened += 1;
        self.state
    }

    /// Closed, with nothing behind it: as for a new version of the rule.
    pub fn reset(&mut self) {
        (self.state, self.failures) = (State::Closed, 0);
        self.last.clear();
    }
}

#[cfg(test)]
mod tests;
