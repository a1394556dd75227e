//! Is a canary worse than the version that serves the others? Pure, and simple enough to be told in a sentence.

use super::version::Runs;

/// Fewer failures say nothing.
const FAILED_MIN: u64 = 3;
/// More failures than the other version has, of a hundred runs, than chance explains.
const FAILED_MORE_PERCENT: u64 = 5;
/// Fewer runs say nothing about their duration.
const TIMED_MIN: u64 = 50;
/// A mean that is so many times the other version's, and so much above it, is slower.
const SLOWER_TIMES: u64 = 2;
const SLOWER_MICROS: u64 = 2_000;

/// Why a canary is to be rolled back; both are counted since it began.
pub fn is_worse(active: Runs, canary: Runs) -> Option<String> {
    // Of a hundred runs, in hundredths, so that nothing is lost in between.
    let rate = |runs: Runs| (runs.failed() * 10_000).checked_div(runs.runs).unwrap_or_default();
    if canary.failed() >= FAILED_MIN && rate(canary) > rate(active) + FAILED_MORE_PERCENT * 100 {
        return Some(format!(
            "{} of {} runs failed ({} rejected, {} broken); of the other version {} of {}",
            canary.failed(),
            canary.runs,
            canary.rejected,
            canary.broken,
            active.failed(),
            active.runs
        ));
    }
    let (slow, usual) = (canary.mean_micros(), active.mean_micros());
    let are_timed = canary.runs >= TIMED_MIN && active.runs >= TIMED_MIN;
    if are_timed && slow > usual * SLOWER_TIMES && slow > usual + SLOWER_MICROS {
        return Some(format!("a run takes {slow} us; of the other version {usual} us"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(runs: u64, broken: u64, mean_micros: u64) -> Runs {
        Runs { runs, broken, micros: runs * mean_micros, ..Runs::default() }
    }

    #[test]
    fn a_canary_is_worse_when_it_fails_more_often_than_chance_and_the_other_explain() {
        assert_eq!(is_worse(runs(100, 0, 10), runs(10, 2, 10)), None, "two failures say nothing");
        assert!(is_worse(runs(100, 0, 10), runs(10, 3, 10)).is_some_and(|why| why.starts_with("3 of 10 runs failed")));
        assert!(is_worse(Runs::default(), runs(3, 3, 10)).is_some(), "also where the other has no runs");
        assert_eq!(is_worse(runs(100, 30, 10), runs(100, 33, 10)), None, "the other is no better");
        assert_eq!(is_worse(runs(1_000, 0, 10), runs(1_000, 40, 10)), None, "within the margin");
    }

    #[test]
    fn a_canary_is_worse_when_it_takes_twice_as_long_and_that_is_much() {
        assert!(is_worse(runs(50, 0, 3_000), runs(50, 0, 9_000)).is_some());
        assert_eq!(is_worse(runs(50, 0, 300), runs(50, 0, 900)), None, "nobody notices");
        assert_eq!(is_worse(runs(50, 0, 3_000), runs(49, 0, 9_000)), None, "too few");
    }
}
