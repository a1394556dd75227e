//! How long a run sends, and how long it waits for answers afterwards.

use std::time::{Duration, Instant};

/// After the last MO a run waits at most this long for MTs; a rule answers in milliseconds, so more than
/// this means that an answer is missing.
pub const GRACE: Duration = Duration::from_secs(3);

#[derive(Debug, Clone, Default)]
pub struct Span {
    until: Option<Instant>,
    remaining: Option<u64>,
    ended_at: Option<Instant>,
}

impl Span {
    /// Without a limit it lasts until [`Span::end`].
    pub fn new(until: Option<Instant>, messages: Option<u64>) -> Self {
        Self { until, remaining: messages, ended_at: None }
    }

    pub fn end(&mut self, now: Instant) {
        self.ended_at.get_or_insert(now);
    }

    /// One message of the run was taken.
    pub fn take(&mut self, now: Instant) {
        if let Some(remaining) = &mut self.remaining {
            *remaining = remaining.saturating_sub(1);
            if *remaining == 0 {
                self.end(now);
            }
        }
    }

    /// Since when nothing new is sent; `None` while the run goes on.
    pub fn ended_at(&self, now: Instant) -> Option<Instant> {
        let expired = self.until.filter(|until| *until <= now);
        match (self.ended_at, expired) {
            (Some(ended_at), Some(expired)) => Some(ended_at.min(expired)),
            (ended_at, expired) => ended_at.or(expired),
        }
    }

    pub fn is_grace_over(&self, now: Instant) -> bool {
        self.ended_at(now).is_some_and(|ended_at| now >= ended_at + GRACE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_by_time_by_count_or_by_hand_whichever_is_first() {
        let start = crate::clock::instant();
        let at = |secs| start + Duration::from_secs(secs);
        let mut span = Span::new(Some(at(20)), Some(2));
        assert_eq!(span.ended_at(at(19)), None);
        assert_eq!(span.ended_at(at(30)), Some(at(20)));
        span.take(at(1));
        assert_eq!(span.ended_at(at(5)), None);
        span.take(at(6));
        assert_eq!(span.ended_at(at(30)), Some(at(6)));
        assert!(!span.is_grace_over(at(8)) && span.is_grace_over(at(9)));
        let mut endless = Span::default();
        assert_eq!(endless.ended_at(at(1_000_000)), None);
        endless.end(at(7));
        assert_eq!(endless.ended_at(at(8)), Some(at(7)));
    }
}
