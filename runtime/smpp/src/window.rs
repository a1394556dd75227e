//! Our requests that wait for their response, and the numbers they go by.
//!
//! Every operation is O(1), amortised: a map finds a response's request, a queue in order of deadline
//! finds the oldest. Never sends anything and never knows why a request was made; `session` owns it.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use crate::values::CommandId;

/// Stale queue entries tolerated beyond one per outstanding request before the queue is swept. A
/// stuck oldest request would otherwise let it grow with the message rate; sweeping only after as many
/// new requests as are kept makes the sweep O(1) per request.
const STALE_MAX: usize = 64;

/// Room made in advance; a larger window grows when it is used.
const RESERVE_MAX: usize = 1024;

/// Our sequence numbers run from 1 to this and start over (SMPP 3.4 §3.2).
const SEQUENCE_NUMBER_MAX: u32 = 0x7FFF_FFFF;

/// Outstanding requests, at most `max`.
#[derive(Debug)]
pub(crate) struct Window {
    max: usize,
    last_sequence_number: u32,
    /// Sequence number to the response that answers it.
    pending: HashMap<u32, CommandId>,
    /// Deadlines, oldest first, as every request gets the same timeout. The front is always pending.
    deadlines: VecDeque<(Option<Instant>, u32)>,
}

impl Window {
    pub(crate) fn new(max: usize) -> Window {
        let room = max.min(RESERVE_MAX);
        Window {
            max,
            last_sequence_number: 0,
            pending: HashMap::with_capacity(room),
            deadlines: VecDeque::with_capacity(room),
        }
    }

    /// The next of our numbers; skips one still waiting from two thousand million requests ago.
    pub(crate) fn next_sequence_number(&mut self) -> u32 {
        loop {
            self.last_sequence_number = self.last_sequence_number % SEQUENCE_NUMBER_MAX + 1;
            if !self.pending.contains_key(&self.last_sequence_number) {
                return self.last_sequence_number;
            }
        }
    }

    pub(crate) fn outstanding(&self) -> usize {
        self.pending.len()
    }

    pub(crate) fn free(&self) -> usize {
        self.max.saturating_sub(self.pending.len())
    }

    /// Takes a slot. `deadline` is `None` for a timeout beyond what `Instant` can hold.
    pub(crate) fn insert(&mut self, sequence_number: u32, response: CommandId, deadline: Option<Instant>) {
        if self.deadlines.len() > 2 * self.pending.len() + STALE_MAX {
            self.deadlines.retain(|(_, sequence_number)| self.pending.contains_key(sequence_number));
        }
        self.pending.insert(sequence_number, response);
        self.deadlines.push_back((deadline, sequence_number));
    }

    /// Frees the slot that this response answers; false when nobody waits for it. `generic_nack`
    /// answers any request.
    pub(crate) fn resolve(&mut self, sequence_number: u32, response: CommandId) -> bool {
        match self.pending.get(&sequence_number) {
            Some(expected) if *expected == response || response == CommandId::GENERIC_NACK => {
                self.pending.remove(&sequence_number);
                self.drop_stale_front();
                true
            }
            _ => false,
        }
    }

    /// When the oldest request expires.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.front().and_then(|(deadline, _)| *deadline)
    }

    /// Frees the slot of the oldest request if its time is over.
    pub(crate) fn expire(&mut self, now: Instant) -> Option<u32> {
        if self.next_deadline()? > now {
            return None;
        }
        let (_, sequence_number) = self.deadlines.pop_front()?;
        self.pending.remove(&sequence_number);
        self.drop_stale_front();
        Some(sequence_number)
    }

    fn drop_stale_front(&mut self) {
        while self.deadlines.front().is_some_and(|(_, oldest)| !self.pending.contains_key(oldest)) {
            self.deadlines.pop_front();
        }
    }
}

#[cfg(test)]
// A test's first instant has to come from somewhere.
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;
    use std::time::Duration;

    const RESPONSE: CommandId = CommandId::DELIVER_SM_RESP;

    #[test]
    fn our_sequence_numbers_start_over_at_one_and_skip_what_still_waits() {
        let mut window = Window::new(9);
        assert_eq!(window.next_sequence_number(), 1);
        window.insert(2, RESPONSE, None);
        assert_eq!(window.next_sequence_number(), 3);
        window.last_sequence_number = SEQUENCE_NUMBER_MAX - 1;
        assert_eq!(window.next_sequence_number(), 0x7FFF_FFFF);
        assert_eq!(window.next_sequence_number(), 1);
    }

    #[test]
    fn slot_is_free_again_after_the_response() {
        let mut window = Window::new(2);
        window.insert(1, RESPONSE, None);
        assert_eq!((window.free(), window.outstanding()), (1, 1));
        assert!(window.resolve(1, RESPONSE));
        assert!(!window.resolve(1, RESPONSE), "a response counts once");
        assert_eq!(window.free(), 2);
    }

    #[test]
    fn response_of_another_command_resolves_nothing_but_generic_nack_does() {
        let mut window = Window::new(1);
        window.insert(7, RESPONSE, None);
        assert!(!window.resolve(7, CommandId::SUBMIT_SM_RESP));
        assert!(window.resolve(7, CommandId::GENERIC_NACK));
    }

    #[test]
    fn oldest_expires_first_and_answered_ones_do_not() {
        let start = Instant::now();
        let at = |secs| Some(start + Duration::from_secs(secs));
        let mut window = Window::new(3);
        (1..=3).for_each(|n| window.insert(n, RESPONSE, at(u64::from(n))));
        assert!(window.resolve(1, RESPONSE));
        assert_eq!(window.next_deadline(), at(2));
        assert_eq!(window.expire(start + Duration::from_secs(1)), None);
        assert_eq!(window.expire(start + Duration::from_secs(9)), Some(2));
        assert_eq!(window.expire(start + Duration::from_secs(9)), Some(3));
        assert_eq!(window.expire(start + Duration::from_secs(9)), None);
        assert_eq!(window.next_deadline(), None);
    }

    #[test]
    fn stuck_oldest_request_does_not_let_the_queue_grow() {
        let mut window = Window::new(10);
        window.insert(0, RESPONSE, None);
        for n in 1..100_000 {
            window.insert(n, RESPONSE, None);
            assert!(window.resolve(n, RESPONSE));
        }
        assert!(window.deadlines.len() <= STALE_MAX + 4, "{}", window.deadlines.len());
    }
}
