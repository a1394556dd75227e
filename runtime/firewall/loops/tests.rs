use proptest::prelude::*;

use super::*;

const LIMITS: LoopLimits = LoopLimits { turns: 4, window_secs: 60, answer_within_secs: 5, cut_secs: 100 };

fn address(text: &str) -> Address {
    Address::parse(text).expect("valid")
}

/// Plays `(second, who speaks)`; yields the second of each report.
fn play(loops: &mut Loops, script: &[(u64, bool)]) -> Vec<u64> {
    let (a, b) = (address("+46701111111"), address("7001"));
    let mut reports = Vec::new();
    for (second, a_speaks) in script {
        let pair = if *a_speaks { (&a, &b) } else { (&b, &a) };
        let now = Timestamp(second * 1_000);
        if loops.cut_until(pair.0, pair.1, now).is_none() && loops.passed(pair, &LIMITS, now).is_some() {
            reports.push(*second);
        }
    }
    reports
}

#[test]
fn two_that_answer_each_other_within_seconds_are_cut_off_for_a_while() {
    let mut loops = Loops::default();
    let script: Vec<_> = (100..300).map(|second| (second, second % 2 == 0)).collect();
    assert_eq!(play(&mut loops, &script), [104, 208], "four answers, a cut of 100 s, four answers");
    let (a, b) = (address("+46701111111"), address("7001"));
    assert_eq!(loops.cut_until(&b, &a, Timestamp(299_000)), Some(Timestamp(308_000)), "in both directions");
    assert_eq!(loops.cut_until(&a, &address("7002"), Timestamp(299_000)), None);
    loops.mend(&a, &b);
    assert_eq!(loops.cut_until(&b, &a, Timestamp(299_000)), None);
}

#[test]
fn slow_answers_and_messages_of_one_side_are_no_loop() {
    let slow: Vec<_> = (0..50).map(|n| (n * 6, n % 2 == 0)).collect();
    assert!(play(&mut Loops::default(), &slow).is_empty());
    let one_sided: Vec<_> = (0..50).map(|n| (n, true)).collect();
    assert!(play(&mut Loops::default(), &one_sided).is_empty());
    let with_pauses: Vec<_> = (0..50).map(|n| (n + n / 4 * 20, n % 2 == 0)).collect();
    assert!(play(&mut Loops::default(), &with_pauses).is_empty(), "three answers, then a pause");
}

#[test]
fn two_messages_in_a_row_do_not_hide_a_loop() {
    let doubled: Vec<_> = (0..20).map(|n| (n, n / 2 % 2 == 0)).collect();
    assert_eq!(play(&mut Loops::default(), &doubled).len(), 1);
}

#[test]
fn turns_that_need_longer_than_the_window_are_no_loop() {
    let limits = LoopLimits { turns: 20, ..LIMITS };
    let (a, b) = (address("+46701111111"), address("7001"));
    let mut loops = Loops::default();
    for n in 0..100u64 {
        let pair = if n % 2 == 0 { (&a, &b) } else { (&b, &a) };
        assert_eq!(loops.passed(pair, &limits, Timestamp(n * 4_000)), None, "16 turns in a minute, not 20");
    }
}

#[test]
fn quiet_pairs_are_forgotten_and_never_more_than_the_bound_watched() {
    let mut loops = Loops::default();
    let number = address("7001");
    for n in 0..(PAIRS_MAX as u64 + 1_000) {
        loops.passed((&address(&format!("+46{n:08}")), &number), &LIMITS, Timestamp(n / 1_000));
    }
    assert_eq!(loops.len(), PAIRS_MAX);
    loops.passed((&address("+4712345678"), &number), &LIMITS, Timestamp(60_000));
    assert_eq!(loops.len(), 1);
}

#[test]
fn a_cut_is_not_forgotten_among_many() {
    let mut loops = Loops::default();
    let script: Vec<_> = (0..5).map(|second| (second, second % 2 == 0)).collect();
    assert_eq!(play(&mut loops, &script), [4]);
    let number = address("7002");
    for n in 0..5_000u64 {
        loops.passed((&address(&format!("+46{n:08}")), &number), &LIMITS, Timestamp(20_000 + n * 10));
    }
    assert!(loops.len() < 4_000, "others were forgotten");
    let cut_until = loops.cut_until(&address("+46701111111"), &address("7001"), Timestamp(70_000));
    assert_eq!(cut_until, Some(Timestamp(104_000)));
}

proptest! {
    /// Whatever the pace, and however often one side speaks twice.
    #[test]
    fn no_row_of_quick_answers_goes_on(steps in proptest::collection::vec((0u64..8_000, any::<bool>()), 1..300)) {
        let (a, b) = (address("+46701111111"), address("7001"));
        let (mut loops, mut now, mut last) = (Loops::default(), Timestamp(0), None);
        let (mut row, mut answers) = (0, 0);
        for (pause, a_speaks) in steps {
            now = now.plus_ms(pause);
            let pair = if a_speaks { (&a, &b) } else { (&b, &a) };
            if let Some(until) = loops.cut_until(pair.0, pair.1, now) {
                prop_assert!(until <= now.plus_ms(100_000));
                (row, answers, last) = (0, 0, None);
                continue;
            }
            let answer = last.is_some_and(|(at, was_a): (Timestamp, bool)| was_a != a_speaks && now.0 - at.0 <= 5_000);
            row = if answer { row + 1 } else { 0 };
            answers += u32::from(answer);
            last = Some((now, a_speaks));
            if loops.passed(pair, &LIMITS, now).is_some() {
                prop_assert!(answers >= LIMITS.turns, "cut off for less than a loop");
                (row, answers, last) = (0, 0, None);
            }
            // The window may end once within a row; a row of `turns` is shorter than a window.
            prop_assert!(row < 2 * LIMITS.turns);
        }
    }
}
