use proptest::prelude::*;

use super::*;

mod speed;
mod waking;

const NOW: Timestamp = Timestamp(1_000);

fn key(rule: usize, device: &str) -> SubjectKey {
    SubjectKey { rule: RuleIndex(rule), device: device.into() }
}

fn event(number: u64) -> Event {
    Event { partition: Partition(0), number, is_mo: true, is_tracked: false, due: NOW }
}

/// Rules of customers, by their indices; each with its weight.
fn schedule(rules: &[(usize, u32)]) -> Schedule {
    let mut schedule = Schedule::default();
    for (rule, (customer, weight)) in rules.iter().enumerate() {
        schedule.place(RuleIndex(rule), CustomerIndex(*customer), *weight);
    }
    schedule
}

/// Whether workers of these classes could find something to run now: quick, slow.
fn has_ready(schedule: &Schedule) -> [bool; 2] {
    CLASSES.map(|class| schedule.shares.first(class).is_some())
}

fn run_as(schedule: &mut Schedule, worker: Worker) -> (SubjectKey, Event) {
    match schedule.next(worker, NOW) {
        Next::Run(key, event) => (key, event),
        other => panic!("nothing to run: {other:?}"),
    }
}

fn run(schedule: &mut Schedule) -> (SubjectKey, Event) {
    run_as(schedule, Worker::Any)
}

/// One worker runs so many events, which take so long by their rule; how often each rule ran.
fn ran<const N: usize>(schedule: &mut Schedule, count: usize, micros: [u64; N]) -> [usize; N] {
    let mut ran = [0; N];
    for _ in 0..count {
        let (subject, _) = run(schedule);
        let rule = subject.rule.0;
        ran[rule] += 1;
        schedule.finished(subject, Ended::Gone, Duration::from_micros(micros[rule]), NOW);
    }
    ran
}

fn fill(schedule: &mut Schedule, rule: usize, count: u64) {
    (0..count).for_each(|number| schedule.push(key(rule, &format!("d{number}")), event(number), NOW));
}

#[test]
fn events_of_a_subject_run_one_at_a_time_in_order() {
    let mut schedule = schedule(&[(0, 100)]);
    schedule.push(key(0, "a"), event(1), NOW);
    schedule.push(key(0, "a"), event(2), NOW);
    let (subject, first) = run(&mut schedule);
    assert_eq!((first.number, schedule.next(Worker::Any, NOW)), (1, Next::Wait));
    schedule.finished(subject.clone(), Ended::Gone, Duration::ZERO, NOW);
    assert_eq!(run(&mut schedule).1.number, 2);
    schedule.finished(subject, Ended::Gone, Duration::ZERO, NOW);
    assert_eq!((schedule.waiting(), schedule.next(Worker::Any, NOW)), (0, Next::Wait));
}

#[test]
fn a_retry_holds_back_its_own_subject_and_no_other() {
    let mut schedule = schedule(&[(0, 100)]);
    for (device, number) in [("a", 1), ("a", 2), ("b", 3)] {
        schedule.push(key(0, device), event(number), NOW);
    }
    let (a, first) = run(&mut schedule);
    schedule.finished(a, Ended::Again(NOW.plus_ms(500)), Duration::ZERO, NOW);
    assert_eq!(first.number, 1);
    let (b, third) = run(&mut schedule);
    assert_eq!(third.number, 3);
    schedule.finished(b, Ended::Gone, Duration::ZERO, NOW);
    assert_eq!(schedule.next(Worker::Any, NOW), Next::WaitUntil(NOW.plus_ms(500)));
    match schedule.next(Worker::Any, NOW.plus_ms(500)) {
        Next::Run(_, event) => assert_eq!(event.number, 1, "the retried event keeps its place"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_held_rule_keeps_its_events_in_order_and_others_run() {
    let mut schedule = Schedule::default();
    schedule.hold(RuleIndex(1));
    for number in 1..=2 {
        schedule.push(key(1, "a"), event(number), NOW);
    }
    assert_eq!((schedule.next(Worker::Any, NOW), has_ready(&schedule)), (Next::Wait, [false, false]));
    schedule.push(key(0, "b"), event(3), NOW);
    let (b, third) = run(&mut schedule);
    assert_eq!((b.clone(), third.number), (key(0, "b"), 3));
    schedule.finished(b, Ended::Gone, Duration::ZERO, NOW);
    schedule.place(RuleIndex(1), CustomerIndex(5), 300);
    schedule.release(RuleIndex(1));
    for number in 1..=2 {
        let (a, event) = run(&mut schedule);
        assert_eq!(event.number, number);
        schedule.finished(a, Ended::Gone, Duration::ZERO, NOW);
    }
    assert_eq!(schedule.waiting(), 0);
}

#[test]
fn a_rule_that_burns_time_gets_its_share_and_not_more() {
    let mut schedule = schedule(&[(0, 100), (1, 100)]);
    fill(&mut schedule, 0, 200);
    fill(&mut schedule, 1, 200);
    let [heavy, light] = ran(&mut schedule, 102, [4_000, 40]);
    assert!(heavy <= 3, "the heavy rule ran {heavy} times while the light one ran {light} times");
}

#[test]
fn customers_share_by_weight_however_many_rules_they_have() {
    // The first customer has three rules and weight 100, the second one rule and weight 300.
    let mut schedule = schedule(&[(0, 100), (0, 100), (0, 100), (1, 300)]);
    (0..4).for_each(|rule| fill(&mut schedule, rule, 1_000));
    let ran = ran(&mut schedule, 800, [1_000; 4]);
    assert!(ran[3].abs_diff(600) < 10, "{ran:?}");
    assert!(ran[..3].iter().all(|rule| rule.abs_diff(67) < 5), "{ran:?}");
}

#[test]
fn calls_that_start_together_are_charged_before_they_end() {
    let mut schedule = schedule(&[(0, 100), (1, 100)]);
    fill(&mut schedule, 0, 100);
    fill(&mut schedule, 1, 100);
    ran(&mut schedule, 20, [2_000; 2]);
    // Eight workers at once: neither customer gets more than half of them.
    let rules: Vec<usize> = (0..8).map(|_| run(&mut schedule).0.rule.0).collect();
    assert_eq!(rules.iter().filter(|rule| **rule == 0).count(), 4, "{rules:?}");
}

#[test]
fn who_was_idle_gets_no_more_than_its_share_for_it() {
    let mut schedule = schedule(&[(0, 100), (1, 100)]);
    fill(&mut schedule, 0, 1_000);
    ran(&mut schedule, 500, [1_000, 0]);
    fill(&mut schedule, 1, 300);
    let [first, second] = ran(&mut schedule, 200, [1_000; 2]);
    assert!(first.abs_diff(second) <= 4, "{first} and {second}");
}

#[test]
fn slow_rules_have_workers_of_their_own_and_quick_calls_make_them_quick_again() {
    let mut schedule = schedule(&[(0, 100), (1, 100)]);
    fill(&mut schedule, 0, 100);
    let (subject, _) = run_as(&mut schedule, Worker::Quick);
    schedule.finished(subject, Ended::Gone, Duration::from_millis(50), NOW);
    assert_eq!((schedule.next(Worker::Quick, NOW), has_ready(&schedule)), (Next::Wait, [false, true]));
    assert!(schedule.is_slow(RuleIndex(0)));
    schedule.push(key(1, "quick"), event(9), NOW);
    assert_eq!(run_as(&mut schedule, Worker::Quick).0.rule, RuleIndex(1));
    let mut calls = 0;
    while schedule.is_slow(RuleIndex(0)) {
        let (subject, _) = run_as(&mut schedule, Worker::Slow);
        schedule.finished(subject, Ended::Gone, Duration::from_micros(100), NOW);
        calls += 1;
    }
    assert!((10..30).contains(&calls), "{calls}");
    assert_eq!(run_as(&mut schedule, Worker::Quick).0.rule, RuleIndex(0));
}

#[test]
fn quick_rules_wait_for_slow_ones_of_another_customer_only_when_they_had_far_more_than_their_share() {
    let mut schedule = schedule(&[(0, 100), (1, 100)]);
    fill(&mut schedule, 0, 10);
    let (subject, _) = run(&mut schedule);
    schedule.finished(subject, Ended::Gone, Duration::from_millis(50), NOW);
    fill(&mut schedule, 1, 10_000);
    let mut quick = 0;
    while let Next::Run(subject, _) = schedule.next(Worker::Quick, NOW) {
        schedule.finished(subject, Ended::Gone, Duration::from_millis(1), NOW);
        quick += 1;
    }
    assert!((140..160).contains(&quick), "{quick} ms, where the slow one had 50");
    let (subject, _) = run_as(&mut schedule, Worker::Slow);
    assert_eq!(subject.rule, RuleIndex(0));
    schedule.finished(subject, Ended::Gone, Duration::from_millis(50), NOW);
    assert_eq!(run_as(&mut schedule, Worker::Quick).0.rule, RuleIndex(1), "the slow one has caught up");
}

#[test]
fn what_is_paused_runs_when_its_time_is_over_or_it_is_let_go() {
    let mut schedule = schedule(&[(0, 100), (0, 100), (1, 100)]);
    [5, 6, 5].into_iter().enumerate().for_each(|(rule, count)| fill(&mut schedule, rule, count));
    let until = NOW.plus_ms(60_000);
    schedule.pause(RuleIndex(0), Some(until));
    assert_eq!(ran(&mut schedule, 8, [1_000; 3])[0], 0);
    schedule.pause_customer(CustomerIndex(1), Some(until.plus_ms(1)));
    assert_eq!(ran(&mut schedule, 1, [1_000; 3])[1], 1);
    schedule.pause_customer(CustomerIndex(0), Some(until));
    assert_eq!(schedule.next(Worker::Any, NOW), Next::WaitUntil(until));
    schedule.pause_customer(CustomerIndex(0), None);
    assert_eq!(ran(&mut schedule, 1, [1_000; 3])[1], 1, "its other rule");
    schedule.pause(RuleIndex(0), None);
    assert_eq!(ran(&mut schedule, 5, [1_000; 3])[0], 5);
    assert_eq!(schedule.next(Worker::Any, until), Next::WaitUntil(until.plus_ms(1)));
    assert!(matches!(schedule.next(Worker::Any, until.plus_ms(1)), Next::Run(..)));
}

#[test]
fn a_limit_lets_so_many_run_at_once() {
    let mut schedule = schedule(&[(0, 100)]);
    fill(&mut schedule, 0, 5);
    schedule.limit(RuleIndex(0), 1);
    let (subject, _) = run(&mut schedule);
    assert_eq!(schedule.next(Worker::Any, NOW), Next::Wait);
    schedule.finished(subject, Ended::Gone, Duration::ZERO, NOW);
    run(&mut schedule);
    schedule.limit(RuleIndex(0), usize::MAX);
    run(&mut schedule);
}

proptest! {
    /// Whatever comes, in whatever order it ends: each event runs once, one of a subject at a time, in its order, and
    /// nothing that may run is forgotten.
    #[test]
    fn every_event_runs_once_and_in_order(
        events in prop::collection::vec((0..6_usize, 0..3_u8, 0..50_u64), 1..200),
        choices in prop::collection::vec((0..4_u8, 0..20_000_u64), 1..400),
    ) {
        let mut schedule = schedule(&[(0, 100), (0, 100), (1, 300), (2, 50), (2, 100), (3, 100)]);
        let mut expected: HashMap<SubjectKey, VecDeque<u64>> = HashMap::new();
        let (mut running, mut now): (Vec<(SubjectKey, Event)>, _) = (Vec::new(), NOW);
        let count = events.len();
        let mut events = (0..).zip(events);
        let mut choices = choices.into_iter().cycle();
        let mut done = 0;
        let workers = [Worker::Any, Worker::Quick, Worker::Slow, Worker::Any];
        let (mut step, mut again_count) = (0, 0);
        while done < count {
            // Whatever is drawn, each worker has its turns, and what runs ends: a short cycle of choices could let the same
            // event come again for ever.
            step += 1;
            let (choice, micros) = choices.next().expect("a cycle");
            if let Some((number, (rule, device, delay))) = events.next() {
                let key = key(rule, &device.to_string());
                expected.entry(key.clone()).or_default().push_back(number);
                schedule.push(key, Event { due: now.plus_ms(delay), ..event(number) }, now);
            }
            match schedule.next(workers[(usize::from(choice) + step) % workers.len()], now) {
                Next::Run(key, event) => {
                    prop_assert!(running.iter().all(|(other, _)| *other != key), "two at once");
                    prop_assert_eq!(expected[&key].front(), Some(&event.number));
                    running.push((key, event));
                }
                Next::WaitUntil(_) | Next::Wait => now = now.plus_ms(7),
            }
            if (choice % 2 == 0 || step % 4 == 0) && !running.is_empty() {
                let (key, _) = running.swap_remove(micros as usize % running.len());
                let is_again = choice == 2 && step % 3 == 0 && again_count < 2 * count;
                again_count += usize::from(is_again);
                let ended = if is_again { Ended::Again(now.plus_ms(5)) } else { Ended::Gone };
                if !is_again {
                    expected.get_mut(&key).expect("known").pop_front();
                    done += 1;
                }
                schedule.finished(key, ended, Duration::from_micros(micros), now);
            }
        }
        prop_assert_eq!((schedule.waiting(), has_ready(&schedule)), (0, [false, false]));
        prop_assert_eq!(CLASSES.map(|class| schedule.workers(class).backlog()), [0, 0]);
        prop_assert!(schedule.lanes.iter().all(|lane| lane.subjects.is_empty() && lane.running == 0));
    }
}
