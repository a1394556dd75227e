//! A latency histogram with logarithmic buckets: constant memory, and percentiles within 1 %.
//!
//! Recording is a shift and an increment, so that the load generator can record every message.

use std::time::Duration;

/// 2^7 buckets per power of two: a bucket is at most 1/128 of its value wide, its middle 0.4 % off.
const BUCKET_BITS: u32 = 7;
const BUCKETS_PER_OCTAVE: usize = 1 << BUCKET_BITS;
/// Values are nanoseconds below 2^40 (18 minutes); longer ones count as the longest bucket.
const VALUE_BITS: u32 = 40;
const BUCKETS: usize = (VALUE_BITS - BUCKET_BITS + 1) as usize * BUCKETS_PER_OCTAVE;

#[derive(Debug, Clone)]
pub struct Histogram {
    buckets: Box<[u64]>,
    count: u64,
    max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; BUCKETS].into_boxed_slice(), count: 0, max: Duration::ZERO }
    }
}

impl Histogram {
    pub fn record(&mut self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket_of(nanos)] += 1;
        self.count += 1;
        self.max = self.max.max(latency);
    }

    pub fn merge(&mut self, other: &Histogram) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
        self.max = self.max.max(other.max);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn max(&self) -> Duration {
        self.max
    }

    /// The latency that `percent` of the recorded ones did not exceed; zero when nothing was recorded.
    pub fn percentile(&self, percent: f64) -> Duration {
        let wanted = ((self.count as f64 * percent / 100.0).ceil() as u64).clamp(1, self.count.max(1));
        if wanted >= self.count {
            return self.max;
        }
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Duration::from_nanos(middle_of(index)).min(self.max);
            }
        }
        self.max
    }
}

/// The first 128 values have a bucket each; above, the leading eight bits of the value choose it.
fn bucket_of(nanos: u64) -> usize {
    let nanos = nanos.min((1 << VALUE_BITS) - 1);
    let shift = (64 - nanos.leading_zeros()).saturating_sub(BUCKET_BITS + 1);
    (shift as usize * BUCKETS_PER_OCTAVE) + (nanos >> shift) as usize
}

fn middle_of(index: usize) -> u64 {
    let shift = (index / BUCKETS_PER_OCTAVE).saturating_sub(1);
    let low = ((index - shift * BUCKETS_PER_OCTAVE) as u64) << shift;
    low + (1u64 << shift) / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::simulate::rng::Rng;

    #[test]
    fn every_value_lands_within_one_percent() {
        let mut nanos = 1u64;
        while nanos < 1 << VALUE_BITS {
            let read_back = middle_of(bucket_of(nanos)) as f64;
            assert!((read_back - nanos as f64).abs() <= nanos as f64 * 0.01, "{nanos} read back as {read_back}");
            nanos += nanos / 37 + 1;
        }
    }

    #[test]
    fn percentiles_agree_with_sorting() {
        let (mut histogram, mut exact, mut rng) = (Histogram::default(), Vec::new(), Rng::seeded(3));
        for _ in 0..20_000 {
            let latency = Duration::from_secs_f64(10f64.powf(rng.between(-6.0, 1.0)));
            histogram.record(latency);
            exact.push(latency);
        }
        exact.sort();
        for percent in [1.0, 50.0, 95.0, 99.0, 99.9] {
            let expected = exact[(exact.len() as f64 * percent / 100.0).ceil() as usize - 1].as_secs_f64();
            let measured = histogram.percentile(percent).as_secs_f64();
            assert!((measured - expected).abs() <= expected * 0.01, "p{percent}: {measured} for {expected}");
        }
        assert_eq!(histogram.percentile(100.0), histogram.max());
    }

    #[test]
    fn merging_equals_recording_into_one() {
        let (mut left, mut right, mut both) = (Histogram::default(), Histogram::default(), Histogram::default());
        for micros in 1..1_000u64 {
            let half = if micros % 3 == 0 { &mut left } else { &mut right };
            half.record(Duration::from_micros(micros));
            both.record(Duration::from_micros(micros));
        }
        left.merge(&right);
        assert_eq!((left.count(), left.max()), (both.count(), both.max()));
        assert_eq!(left.percentile(99.0), both.percentile(99.0));
    }

    #[test]
    fn empty_histogram_is_zero_and_huge_values_do_not_overflow() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.percentile(50.0), Duration::ZERO);
        histogram.record(Duration::MAX);
        assert_eq!((histogram.count(), histogram.max()), (1, Duration::MAX));
    }
}
