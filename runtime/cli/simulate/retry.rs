//! MOs whose fate is open and that must be sent again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Pause before an MO is sent again after "slower, please".
const PAUSE: Duration = Duration::from_millis(100);
/// Above this many the fleet sends nothing new until some got through: the server is pushing back.
const WAITING_MAX: usize = 1_000;

/// Tickets in the order in which they are due; every pause is equally long, so a queue keeps it.
#[derive(Debug, Default)]
pub struct Retries {
    now: VecDeque<u32>,
    paused: VecDeque<(Instant, u32)>,
}

impl Retries {
    pub fn at_once(&mut self, ticket: u32) {
        self.now.push_back(ticket);
    }

    pub fn after_pause(&mut self, ticket: u32, now: Instant) {
        self.paused.push_back((now + PAUSE, ticket));
    }

    pub fn take_due(&mut self, now: Instant) -> Option<u32> {
        if let Some(ticket) = self.now.pop_front() {
            return Some(ticket);
        }
        let (due, ticket) = *self.paused.front()?;
        if due > now {
            return None;
        }
        self.paused.pop_front();
        Some(ticket)
    }

    pub fn next_due(&self) -> Option<Instant> {
        self.paused.front().map(|(due, _)| *due)
    }

    pub fn is_full(&self) -> bool {
        self.now.len() + self.paused.len() >= WAITING_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fate_goes_at_once_and_refused_waits() {
        let start = crate::clock::instant();
        let mut retries = Retries::default();
        retries.after_pause(1, start);
        retries.at_once(2);
        assert_eq!(retries.take_due(start), Some(2));
        assert_eq!(retries.take_due(start), None);
        assert_eq!(retries.next_due(), Some(start + PAUSE));
        assert_eq!(retries.take_due(start + PAUSE), Some(1));
        assert_eq!(retries.next_due(), None);
    }

    #[test]
    fn fills_up() {
        let mut retries = Retries::default();
        (0..WAITING_MAX as u32).for_each(|ticket| retries.at_once(ticket));
        assert!(retries.is_full());
    }
}
