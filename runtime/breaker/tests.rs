use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const SETTINGS: Settings = Settings { failures: 50, calls: 4, open_secs: 30 };

fn calls(breaker: &mut Breaker, failed: &[bool]) -> Vec<Option<State>> {
    failed.iter().map(|failed| breaker.ended(SETTINGS, *failed, NOW)).collect()
}

#[test]
fn it_opens_at_its_rate_of_a_full_window_and_not_before() {
    let mut breaker = Breaker::default();
    assert_eq!(calls(&mut breaker, &[true, true, true]), [None, None, None], "too few to say");
    assert_eq!(calls(&mut breaker, &[false]), [Some(State::Open(NOW.plus_ms(30_000)))]);
    let mut breaker = Breaker::default();
    assert_eq!(
        calls(&mut breaker, &[false, true, false, false, true]),
        [None, None, None, None, Some(State::Open(NOW.plus_ms(30_000)))]
    );
}

#[test]
fn one_call_decides_when_its_time_is_over() {
    for (has_failed, then) in [(false, State::Closed), (true, State::Open(NOW.plus_ms(60_000)))] {
        let mut breaker = Breaker::default();
        calls(&mut breaker, &[true; 4]);
        assert_eq!(breaker.ended(SETTINGS, false, NOW.plus_ms(29_999)), None, "one that began before");
        assert_eq!(breaker.state(NOW.plus_ms(30_000)), State::HalfOpen);
        assert_eq!(breaker.ended(SETTINGS, has_failed, NOW.plus_ms(30_000)), Some(then));
    }
}

#[test]
fn with_nought_percent_it_never_opens() {
    let mut breaker = Breaker::default();
    let never = Settings { failures: 0, ..SETTINGS };
    assert!((0..100).all(|_| breaker.ended(never, true, NOW).is_none()));
}

proptest! {
    /// Whatever happens: it opens only when so many of the last calls since it closed failed, stays open for its time,
    /// and closes by a success only.
    #[test]
    fn it_is_open_only_for_a_reason(
        failures in 1..=100_u8,
        window in 1..=30_u32,
        events in prop::collection::vec((any::<bool>(), 0..5_000_u64), 1..400),
    ) {
        let settings = Settings { failures, calls: window, open_secs: 2 };
        let (mut breaker, mut now) = (Breaker::default(), NOW);
        let mut since_closed: Vec<bool> = Vec::new();
        for (has_failed, ms) in events {
            now = now.plus_ms(ms);
            let before = breaker.state(now);
            let change = breaker.ended(settings, has_failed, now);
            match before {
                State::Open(until) => {
                    prop_assert!(now < until);
                    prop_assert_eq!(change, None);
                }
                State::HalfOpen => {
                    since_closed.clear();
                    let expected = if has_failed { State::Open(now.plus_ms(2_000)) } else { State::Closed };
                    prop_assert_eq!(change, Some(expected));
                }
                State::Closed => {
                    since_closed.push(has_failed);
                    let last = &since_closed[since_closed.len().saturating_sub(window as usize)..];
                    let failed = last.iter().filter(|failed| **failed).count();
                    let is_due = last.len() == window as usize && failed * 100 >= usize::from(failures) * last.len();
                    prop_assert_eq!(change.is_some(), is_due, "{:?}", last);
                    let status = breaker.status();
                    prop_assert_eq!((status.calls as usize, status.failures as usize), (last.len(), failed));
                }
            }
        }
    }
}
