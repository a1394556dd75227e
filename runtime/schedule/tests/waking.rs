//! Which pushes wake a thread, and what a tick finds.

use super::*;
use workers::WORTH_WAKING;

/// Rules of one customer, and so many threads for quick ones, all asleep.
fn asleep(rules: usize, threads: usize) -> Schedule {
    let mut schedule = schedule(&vec![(0, 100); rules]);
    schedule.workers(Class::Quick).are(threads);
    (0..threads).for_each(|_| schedule.workers(Class::Quick).falls_asleep());
    schedule
}

/// Wakes as many as are wanted, as the relay does.
fn wake(schedule: &mut Schedule) -> usize {
    let workers = schedule.workers(Class::Quick);
    let mut count = 0;
    while workers.wants_another() {
        workers.woke(1);
        count += 1;
    }
    count
}

/// The rule's calls take so long, by the last of them.
fn calls_take(schedule: &mut Schedule, rule: usize, micros: u64) {
    schedule.push(key(rule, "earlier"), event(0), NOW);
    let (subject, _) = run(schedule);
    schedule.finished(subject, Ended::Gone, Duration::from_micros(micros), NOW);
}

#[test]
fn one_event_wakes_one_thread() {
    let mut schedule = asleep(1, 3);
    assert_eq!(wake(&mut schedule), 0, "nothing to do");
    fill(&mut schedule, 0, 1);
    assert_eq!((wake(&mut schedule), wake(&mut schedule)), (1, 0));
}

#[test]
fn another_is_woken_when_those_awake_have_enough_to_do() {
    let mut schedule = asleep(1, 3);
    calls_take(&mut schedule, 0, 100);
    let enough = WORTH_WAKING / 100_000;
    fill(&mut schedule, 0, enough - 1);
    assert_eq!(wake(&mut schedule), 1, "the first can do that alone");
    schedule.push(key(0, "one more"), event(9), NOW);
    assert_eq!(wake(&mut schedule), 1, "now a second is worth it, and no third");
    (0..enough).for_each(|number| schedule.push(key(0, &format!("e{number}")), event(number), NOW));
    assert_eq!((wake(&mut schedule), wake(&mut schedule)), (1, 0), "no more than there are");
}

#[test]
fn all_rules_add_to_what_there_is_to_do() {
    let mut schedule = asleep(100, 2);
    for rule in 0..100 {
        calls_take(&mut schedule, rule, 20);
        schedule.push(key(rule, "d"), event(1), NOW);
    }
    assert_eq!(wake(&mut schedule), 2);
}

#[test]
fn what_cannot_run_wakes_nobody() {
    let mut schedule = asleep(1, 2);
    schedule.hold(RuleIndex(0));
    fill(&mut schedule, 0, 1_000);
    assert_eq!(wake(&mut schedule), 0);
    schedule.release(RuleIndex(0));
    assert_eq!(wake(&mut schedule), 2);
}

#[test]
fn a_tick_finds_that_those_awake_are_held_up() {
    let mut schedule = asleep(2, 2);
    fill(&mut schedule, 0, 1);
    assert_eq!(wake(&mut schedule), 1);
    run(&mut schedule);
    assert!(!schedule.workers(Class::Quick).is_held_up(), "nothing waits");
    fill(&mut schedule, 1, 2);
    assert_eq!(wake(&mut schedule), 0, "the first takes it when it is done, most likely");
    assert!(schedule.workers(Class::Quick).is_held_up(), "it is not done at the next tick");
    run(&mut schedule);
    assert!(!schedule.workers(Class::Quick).is_held_up(), "something was started since");
    assert!(schedule.workers(Class::Quick).is_held_up(), "nothing was");
}

#[test]
fn slow_rules_are_for_their_own_threads() {
    let mut schedule = asleep(1, 2);
    calls_take(&mut schedule, 0, 50_000);
    fill(&mut schedule, 0, 10);
    assert_eq!(wake(&mut schedule), 0);
    schedule.workers(Class::Slow).are(1);
    schedule.workers(Class::Slow).falls_asleep();
    assert!(schedule.workers(Class::Slow).wants_another());
}
