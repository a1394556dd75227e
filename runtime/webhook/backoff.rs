//! When an event is tried again: after a second, and longer each time, for a day. Pure.

use crate::message::Timestamp;

const FIRST_MS: u64 = 1_000;
const LONGEST_MS: u64 = 3_600_000;
/// What nobody took for so long is given up.
const GIVE_UP_MS: u64 = 86_400_000;

/// After so many attempts, the first of them at `since`; None: never again. `chance` spreads what failed together.
pub fn next(attempts: u32, since: Timestamp, now: Timestamp, chance: u32) -> Option<Timestamp> {
    let longest = FIRST_MS.saturating_mul(1 << attempts.saturating_sub(1).min(32)).min(LONGEST_MS);
    let half = longest / 2;
    let at = now.plus_ms(half + half * u64::from(chance) / u64::from(u32::MAX));
    (at <= since.plus_ms(GIVE_UP_MS)).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour_and_end_after_a_day() {
        let since = Timestamp(1_700_000_000_000);
        for (attempts, shortest, longest) in
            [(1, 500, 1_000), (2, 1_000, 2_000), (5, 8_000, 16_000), (40, 1_800_000, 3_600_000)]
        {
            let pause = |chance| next(attempts, since, since, chance).expect("again").0 - since.0;
            assert_eq!((pause(0), pause(u32::MAX)), (shortest, longest), "{attempts}");
        }
        let (mut now, mut attempts) = (since, 0);
        while let Some(at) = next(attempts + 1, since, now, u32::MAX / 2) {
            assert!(at > now);
            (now, attempts) = (at, attempts + 1);
        }
        assert!(now.0 - since.0 > 22 * 3_600_000, "it gave up after {} s", (now.0 - since.0) / 1_000);
        assert!((30..60).contains(&attempts), "{attempts}");
    }
}
