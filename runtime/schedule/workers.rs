//! How many threads of a class sleep, and whether one more is worth waking.
//!
//! A call takes some ten microseconds; to wake a thread takes as long, and two threads that take turns at every event
//! are slower than one that goes on. So another thread is woken only when those that are awake have work for
//! [`WORTH_WAKING`], or none is. What that was wrong about, since a call takes longer than its rule's did lately, a tick
//! finds: nothing was started since the one before, and something is ready.

use super::shares::Nanos;

/// Less work than this, for each thread that is awake, wakes no other.
pub const WORTH_WAKING: Nanos = 1_000_000;
/// A call takes no less, whatever its rule's took lately.
pub const CALL_MIN: Nanos = 10_000;

#[derive(Default)]
pub struct Workers {
    total: usize,
    asleep: usize,
    /// How long what is ready will take one thread, by what calls took lately.
    backlog: Nanos,
    /// Calls that were started, and at the last tick.
    started: u64,
    started_before: u64,
}

impl Workers {
    pub fn are(&mut self, total: usize) {
        self.total = total;
    }

    pub fn falls_asleep(&mut self) {
        self.asleep += 1;
    }

    pub fn woke(&mut self, count: usize) {
        self.asleep = self.asleep.saturating_sub(count);
    }

    pub fn starts(&mut self) {
        self.started += 1;
    }

    /// Work that became ready, and work that is ready no more.
    pub fn change(&mut self, added: Nanos, removed: Nanos) {
        self.backlog = (self.backlog + added).saturating_sub(removed);
    }

    /// Whether a thread that sleeps is to be woken.
    pub fn wants_another(&self) -> bool {
        let awake = self.total.saturating_sub(self.asleep) as Nanos;
        self.is_short() && (awake == 0 || self.backlog >= awake * WORTH_WAKING)
    }

    /// Whether a thread sleeps though something is ready.
    pub fn is_short(&self) -> bool {
        self.asleep > 0 && self.backlog > 0
    }

    /// At a tick: whether those that are awake are held up.
    pub fn is_held_up(&mut self) -> bool {
        let before = std::mem::replace(&mut self.started_before, self.started);
        self.is_short() && before == self.started
    }

    #[cfg(test)]
    pub fn backlog(&self) -> Nanos {
        self.backlog
    }
}
