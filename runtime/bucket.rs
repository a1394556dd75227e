//! How much may be done in a second: tokens that come back with time.
//!
//! Takes `now`; whoever shares a bucket locks it.

use std::time::{Duration, Instant};

/// A token bucket's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub per_sec: u32,
    pub burst: u32,
}

/// Tokens that come back with time: `rate.per_sec` a second, `rate.burst` at most.
#[derive(Debug)]
pub struct Bucket {
    rate: Rate,
    tokens: f64,
    at: Option<Instant>,
}

impl Bucket {
    pub fn new(rate: Rate) -> Bucket {
        Bucket { rate, tokens: f64::from(rate.burst), at: None }
    }

    pub fn rate(&self) -> Rate {
        self.rate
    }

    fn refill(&mut self, now: Instant) {
        let since = self.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        self.tokens =
            (self.tokens + since.as_secs_f64() * f64::from(self.rate.per_sec)).min(f64::from(self.rate.burst));
        self.at = Some(now);
    }

    /// True when there was a token, which is gone then.
    pub fn take(&mut self, now: Instant) -> bool {
        self.refill(now);
        let has_token = self.tokens >= 1.0;
        if has_token {
            self.tokens -= 1.0;
        }
        has_token
    }

    /// Whole tokens at `now`.
    pub fn available(&mut self, now: Instant) -> usize {
        self.refill(now);
        self.tokens as usize
    }

    pub fn is_empty(&self) -> bool {
        self.tokens < 1.0
    }

    /// When the next token is there.
    pub fn next_token(&self) -> Option<Instant> {
        let missing = (1.0 - self.tokens).max(0.0) / f64::from(self.rate.per_sec);
        Some(self.at? + Duration::from_secs_f64(missing))
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)] // a test's first instant has to come from somewhere
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_at_once_and_its_rate_after() {
        let start = Instant::now();
        let mut bucket = Bucket::new(Rate { per_sec: 10, burst: 3 });
        let taken = (0..5).filter(|_| bucket.take(start)).count();
        assert_eq!(taken, 3);
        assert_eq!(bucket.next_token(), Some(start + Duration::from_millis(100)));
        assert!(!bucket.take(start + Duration::from_millis(99)));
        assert!(bucket.take(start + Duration::from_millis(101)));
        assert_eq!(bucket.available(start + Duration::from_secs(60)), 3, "no more than the burst gathers");
    }
}
