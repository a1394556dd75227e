//! What an event costs the schedule does not follow how many rules there are.

use super::*;
use crate::clock;

/// Of one event that is pushed, handed out and finished, where this many rules of ten customers have something waiting.
fn nanos_per_event(rules: usize) -> u64 {
    const EVENTS: u64 = 50_000;
    let of: Vec<(usize, u32)> = (0..rules).map(|rule| (rule % 10, 100)).collect();
    let mut schedule = schedule(&of);
    (0..rules).for_each(|rule| fill(&mut schedule, rule, 2));
    let started = clock::instant();
    for number in 0..EVENTS {
        let (subject, _) = run(&mut schedule);
        let (rule, device) = (subject.rule.0, subject.device.clone());
        schedule.finished(subject, Ended::Gone, Duration::from_micros(100), NOW);
        schedule.push(SubjectKey { rule: RuleIndex(rule), device }, event(number), NOW);
    }
    started.elapsed().as_nanos() as u64 / EVENTS
}

/// A scan of all rules costs a hundred times as much with 10,000 as with a hundred; some times are for caches that miss.
#[test]
fn ten_thousand_rules_cost_about_what_a_hundred_do() {
    let best = |rules| (0..3).map(|_| nanos_per_event(rules)).min().expect("some");
    let (few, many) = (best(100), best(10_000));
    println!("{few} ns an event with 100 rules, {many} ns with 10,000");
    assert!(many < few * 15, "{few} ns an event with 100 rules, {many} ns with 10,000");
}
