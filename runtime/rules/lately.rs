//! How long calls took lately, and how many there were: counts by size, of the last five to ten minutes.
//!
//! Two spans of time, of which the older is forgotten when a new one begins. A call costs one atomic addition, and what was
//! never called has no memory for it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Each of the two spans.
const SPAN_SECS: u64 = 300;
/// Four for each doubling, so that a size is told to an eighth or so, up to 16 s; what takes longer is in the last one.
const BUCKETS: usize = 92;

type Counts = [AtomicU32; BUCKETS];

pub struct Lately {
    began: Instant,
    /// Which span is the present one; the one before has the other half.
    span: AtomicU64,
    halves: OnceLock<Box<[Counts; 2]>>,
    turning: Mutex<()>,
}

/// At one moment; those of several versions can be added up.
#[derive(Clone, Debug, PartialEq)]
pub struct Latest {
    counts: [u64; BUCKETS],
    secs: f64,
}

impl Lately {
    pub fn new(now: Instant) -> Lately {
        Lately { began: now, span: AtomicU64::new(0), halves: OnceLock::new(), turning: Mutex::default() }
    }

    fn span_of(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.began).as_secs() / SPAN_SECS
    }

    pub fn record(&self, ended: Instant, took: Duration) {
        let halves = self.halves.get_or_init(|| Box::new([const { [const { AtomicU32::new(0) }; BUCKETS] }; 2]));
        let span = self.span_of(ended);
        if span > self.span.load(Ordering::Relaxed) {
            self.turn(halves, span);
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        halves[half(span)][bucket(micros)].fetch_add(1, Ordering::Relaxed);
    }

    /// A call that ends meanwhile may be missed.
    fn turn(&self, halves: &[Counts; 2], span: u64) {
        let _turning = self.turning.lock();
        let before = self.span.load(Ordering::Relaxed);
        if span <= before {
            return;
        }
        let gone = if span == before + 1 { &halves[half(span)..=half(span)] } else { &halves[..] };
        gone.iter().flatten().for_each(|count| count.store(0, Ordering::Relaxed));
        self.span.store(span, Ordering::Relaxed);
    }

    pub fn read(&self, now: Instant) -> Latest {
        let (span, present) = (self.span.load(Ordering::Relaxed), self.span_of(now));
        let from = present.saturating_sub(1);
        let mut counts = [0; BUCKETS];
        for of in [span.checked_sub(1), Some(span)].into_iter().flatten().filter(|of| *of >= from) {
            let read = self.halves.get().into_iter().flat_map(|halves| &halves[half(of)]);
            counts.iter_mut().zip(read).for_each(|(sum, count)| *sum += u64::from(count.load(Ordering::Relaxed)));
        }
        let since = self.began + Duration::from_secs(from * SPAN_SECS);
        Latest { counts, secs: now.saturating_duration_since(since).as_secs_f64() }
    }
}

impl Latest {
    /// Of the longer time.
    pub fn add(&mut self, other: &Latest) {
        self.counts.iter_mut().zip(other.counts).for_each(|(sum, count)| *sum += count);
        self.secs = self.secs.max(other.secs);
    }

    pub fn calls(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Over the whole time; of what just began, over a second.
    pub fn calls_per_sec(&self) -> f64 {
        self.calls() as f64 / self.secs.max(1.0)
    }

    /// Microseconds within which so many percent of the calls ended, about. None: there were none.
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (self.calls() * percent).div_ceil(100);
        let mut passed = 0;
        let reaches = |count: &u64| {
            passed += count;
            passed >= rank
        };
        if rank == 0 { None } else { self.counts.iter().position(reaches).map(middle) }
    }
}

fn half(span: u64) -> usize {
    (span % 2) as usize
}

fn bucket(micros: u64) -> usize {
    let Some(power) = micros.checked_ilog2().filter(|power| *power >= 2) else { return micros as usize };
    let quarter = (micros >> (power - 2)) & 3;
    ((power as usize - 1) * 4 + quarter as usize).min(BUCKETS - 1)
}

/// Of a bucket, in microseconds.
fn middle(bucket: usize) -> u64 {
    match bucket as u64 {
        micros @ 0..4 => micros,
        bucket => {
            let (shift, quarter) = (bucket / 4 - 1, bucket % 4);
            let (first, behind) = ((4 + quarter) << shift, (5 + quarter) << shift);
            (first + behind - 1) / 2
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_told_to_an_eighth() {
        for micros in (0..4_096).chain([10_000, 123_456, 5_000_000, 16_000_000]) {
            let told = middle(bucket(micros));
            assert!(told.abs_diff(micros) <= micros / 8, "{micros} is told as {told}");
        }
        assert!(bucket(15_000_000) < BUCKETS && bucket(u64::MAX) == BUCKETS - 1);
        let order: Vec<usize> = (0..10_000).map(bucket).collect();
        assert!(order.is_sorted());
    }

    #[test]
    fn percentiles_and_rate_are_of_the_last_minutes_only() {
        let began = crate::clock::instant();
        let at = |secs| began + Duration::from_secs(secs);
        let lately = Lately::new(began);
        assert_eq!(lately.read(at(100)).percentile(50), None);
        for n in 0..100 {
            let took = if n < 98 { 100 } else { 10_000 };
            lately.record(at(10), Duration::from_micros(took));
        }
        let read = lately.read(at(100));
        let (p50, p99) = (read.percentile(50).expect("calls"), read.percentile(99).expect("calls"));
        assert!(p50.abs_diff(100) < 13 && p99.abs_diff(10_000) < 1_250, "{p50} {p99}");
        assert_eq!((read.calls(), read.calls_per_sec()), (100, 1.0));
        // The span before the present one counts, and the one before that does not.
        lately.record(at(SPAN_SECS + 1), Duration::from_micros(50));
        assert_eq!(lately.read(at(SPAN_SECS + 50)).calls(), 101);
        assert_eq!(lately.read(at(2 * SPAN_SECS + 50)).calls(), 1, "nobody called since, and the first span is over");
        assert_eq!(lately.read(at(3 * SPAN_SECS)).calls(), 0);
        lately.record(at(2 * SPAN_SECS + 60), Duration::from_micros(50));
        assert_eq!(lately.read(at(2 * SPAN_SECS + 60)).calls(), 2);
        lately.record(at(9 * SPAN_SECS), Duration::from_micros(50));
        assert_eq!(lately.read(at(9 * SPAN_SECS)).calls(), 1);
        let mut both = lately.read(at(9 * SPAN_SECS));
        both.add(&read);
        assert_eq!(both.calls(), 101);
    }
}
