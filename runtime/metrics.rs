//! What the house counts about itself: plain numbers, which whoever works adds to and `api` shows.
//!
//! Bounded: as many numbers as the config has customers, accounts and rules. Pure; takes durations as arguments.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::binds::Binds;
use crate::firewall::Reason;
use crate::message::Timestamp;
use crate::route::{CustomerIndex, RuleIndex};
use crate::slots::Slots;
use crate::tally::{KeptSeries, Point, Series, Span};
use crate::timeline::Direction;

pub const DIRECTIONS: [Direction; 2] = [Direction::Mo, Direction::Mt];

/// What a message has come to. It passes several of them and is counted at each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    Accepted,
    /// At the door: nothing of it is kept.
    Refused,
    /// Its rule has run, or a peer took all of it.
    Taken,
    /// The network says so; of messages of applications and the API only.
    Delivered,
    Undeliverable,
    Expired,
    /// Cancelled or replaced.
    Deleted,
}

impl Reached {
    pub const ALL: [Reached; 7] = [
        Reached::Accepted,
        Reached::Refused,
        Reached::Taken,
        Reached::Delivered,
        Reached::Undeliverable,
        Reached::Expired,
        Reached::Deleted,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Reached::Accepted => "accepted",
            Reached::Refused => "refused",
            Reached::Taken => "taken",
            Reached::Delivered => "delivered",
            Reached::Undeliverable => "undeliverable",
            Reached::Expired => "expired",
            Reached::Deleted => "deleted",
        }
    }
}

/// What became of sending an event to a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookOutcome {
    Delivered,
    /// It is tried again.
    Failed,
    /// Given up.
    Dead,
}

impl HookOutcome {
    pub const ALL: [HookOutcome; 3] = [HookOutcome::Delivered, HookOutcome::Failed, HookOutcome::Dead];

    pub fn name(self) -> &'static str {
        match self {
            HookOutcome::Delivered => "delivered",
            HookOutcome::Failed => "failed",
            HookOutcome::Dead => "dead",
        }
    }
}

/// What became of spans of traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanOutcome {
    Exported,
    /// The collector did not want them, or was away when the house closed.
    Dropped,
}

impl SpanOutcome {
    pub const ALL: [SpanOutcome; 2] = [SpanOutcome::Exported, SpanOutcome::Dropped];

    pub fn name(self) -> &'static str {
        match self {
            SpanOutcome::Exported => "exported",
            SpanOutcome::Dropped => "dropped",
        }
    }
}

#[derive(Default)]
pub struct Metrics {
    spans: [AtomicU64; SpanOutcome::ALL.len()],
    hooks: [AtomicU64; HookOutcome::ALL.len()],
    /// By customer, direction and what was reached.
    messages: Slots<[[AtomicU64; Reached::ALL.len()]; DIRECTIONS.len()]>,
    /// What the firewall refused, by customer and reason.
    refused: Slots<[AtomicU64; Reason::ALL.len()]>,
    /// By [`RuleIndex`].
    rules: Slots<Histogram>,
    binds: Arc<Binds>,
    /// Step by step, by customer.
    series: Slots<Mutex<Series>>,
}

impl Metrics {
    pub fn count(&self, customer: CustomerIndex, direction: Direction, reached: Reached) {
        self.messages.at(customer.0)[direction as usize][reached as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub fn messages(&self, customer: CustomerIndex, direction: Direction, reached: Reached) -> u64 {
        self.messages.at(customer.0)[direction as usize][reached as usize].load(Ordering::Relaxed)
    }

    pub fn count_refused(&self, customer: CustomerIndex, reason: Reason) {
        self.refused.at(customer.0)[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub fn refused(&self, customer: CustomerIndex, reason: Reason) -> u64 {
        self.refused.at(customer.0)[reason as usize].load(Ordering::Relaxed)
    }

    pub fn count_hook(&self, outcome: HookOutcome) {
        self.hooks[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub fn hooks(&self, outcome: HookOutcome) -> u64 {
        self.hooks[outcome as usize].load(Ordering::Relaxed)
    }

    pub fn count_spans(&self, outcome: SpanOutcome, count: u64) {
        self.spans[outcome as usize].fetch_add(count, Ordering::Relaxed);
    }

    pub fn spans(&self, outcome: SpanOutcome) -> u64 {
        self.spans[outcome as usize].load(Ordering::Relaxed)
    }

    /// Puts what was counted since the last time into the present step. To be called once a second.
    pub fn tally(&self, customer: CustomerIndex, now: Timestamp) {
        let mt = |reached| self.messages(customer, Direction::Mt, reached);
        let mo = |reached| self.messages(customer, Direction::Mo, reached);
        let both = |reached| mo(reached) + mt(reached);
        let total = Point {
            mo: mo(Reached::Accepted),
            mt: mt(Reached::Accepted),
            delivered: mt(Reached::Delivered),
            failed: both(Reached::Undeliverable) + both(Reached::Expired),
            refused: both(Reached::Refused),
        };
        self.series.at(customer.0).lock().count(total, now);
    }

    /// The steps of a span, and when the first one begins.
    pub fn series(&self, customer: CustomerIndex, span: Span, now: Timestamp) -> (Timestamp, Vec<Point>) {
        self.series.at(customer.0).lock().read(span, now)
    }

    /// A customer's steps as they are to be written down, if they changed since the last time.
    pub fn changed_series(&self, customer: CustomerIndex) -> Option<KeptSeries> {
        self.series.at(customer.0).lock().changed()
    }

    /// Goes on from what was written down. To be called before anything is counted.
    pub fn restore_series(&self, customer: CustomerIndex, kept: &KeptSeries) {
        self.series.at(customer.0).lock().restore(kept);
    }

    /// How long each rule's calls take.
    pub fn rule(&self, rule: RuleIndex) -> &Histogram {
        self.rules.at(rule.0)
    }

    pub fn binds(&self) -> &Arc<Binds> {
        &self.binds
    }
}

/// Bounds of the buckets, in microseconds: from a rule whose code is in the processor's caches to one that hangs.
pub const BOUNDS_MICROS: [u64; 18] = [
    10, 25, 40, 60, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    5_000_000,
];

/// Durations, by size.
#[derive(Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS_MICROS.len()],
    longer: AtomicU64,
    sum_micros: AtomicU64,
}

/// A histogram at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// By bound; the last ones are longer than all.
    pub buckets: [u64; BOUNDS_MICROS.len() + 1],
    pub sum_micros: u64,
}

impl Histogram {
    pub fn record(&self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let index = BOUNDS_MICROS.iter().position(|bound| micros <= *bound);
        index.map_or(&self.longer, |index| &self.buckets[index]).fetch_add(1, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub fn read(&self) -> Durations {
        let mut buckets = [0; BOUNDS_MICROS.len() + 1];
        for (bucket, count) in buckets.iter_mut().zip(self.buckets.iter().chain([&self.longer])) {
            *bucket = count.load(Ordering::Relaxed);
        }
        Durations { buckets, sum_micros: self.sum_micros.load(Ordering::Relaxed) }
    }
}

impl std::ops::AddAssign for Durations {
    fn add_assign(&mut self, more: Durations) {
        self.buckets.iter_mut().zip(more.buckets).for_each(|(bucket, more)| *bucket += more);
        self.sum_micros += more.sum_micros;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_the_bucket_whose_bound_they_do_not_pass() {
        let histogram = Histogram::default();
        for micros in [100, 101, 5_000_001] {
            histogram.record(Duration::from_micros(micros));
        }
        let read = histogram.read();
        assert_eq!((read.buckets[4], read.buckets[5], read.buckets[18]), (1, 1, 1));
        assert_eq!((read.buckets.iter().sum::<u64>(), read.sum_micros), (3, 5_000_202));
    }
}
