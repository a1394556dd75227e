//! Dead letters on a disk that fails at every sync. The store's writer is stepped by hand; the test is the rule.

use std::collections::BTreeMap;

use super::*;
use crate::message::Message;
use crate::occasion::Outgoing;
use crate::plugin::{Effects, Outcome};
use crate::relay::home::{DAY_MS, Home, NOW};
use crate::relay::{Answer, claim, conclude, settle};
use crate::retry::ErrorClass;
use crate::route::PeerIndex;
use crate::schedule::Next;
use crate::store::memory::Fault;

const MORE: &str = "routes = [\"+46\"]\n[[rule]]\ncustomer = \"acme\"\nname = \"meter\"\ncomponent = \"x.wasm\"\n\
                    numbers = [\"7001\"]\n";

fn home(acme: &str, more: &str) -> Home {
    Home::new(acme, &format!("{MORE}{more}"))
}

/// Runs all that may run; what `fails` says is rejected, the others count and reply. Yields what succeeded, in order.
fn run(home: &mut Home, now: Timestamp, fails: impl Fn(&str) -> bool) -> Vec<String> {
    let mut done = Vec::new();
    while let Next::Run(key, event) = home.house.next(now) {
        let Some(invocation) = claim(&home.house, &key, event, now) else { panic!("it waits, and cannot be read") };
        let said = String::from_utf8_lossy(&invocation.mo.content.octets).into_owned();
        let outcome = if fails(&said) {
            Outcome::Reject("not wanted".into())
        } else {
            let counted = invocation.state.get("n").expect("readable").map_or(0, |octets| octets[0]) + 1;
            let reply = Message {
                source: invocation.mo.destination.clone(),
                destination: invocation.mo.source.clone(),
                content: Content { octets: said.clone().into(), ..Content::default() },
                received_at: now,
            };
            done.push(said);
            Outcome::Done(Effects {
                state: vec![("n".into(), Some(vec![counted]))],
                messages: vec![Outgoing::plain(reply)],
                ..Effects::default()
            })
        };
        let ended = conclude(&home.house, &key, event, outcome, now);
        home.house.finished(key, ended, std::time::Duration::ZERO, now);
        home.write();
        if home.house.store.failure().is_some() {
            break;
        }
    }
    done
}

fn letters(home: &Home) -> Vec<MessageId> {
    let mut found = Vec::new();
    let each = |id, _| {
        found.push(id);
        true
    };
    home.house.store.dead_letters("acme", None, each).expect("readable");
    found
}

fn all(home: &Home, verb: DeadVerb) -> Result<DeadDone, NotRevived> {
    change_all_dead(&home.house, "acme", (&DeadFilter::default(), verb), "operator", NOW, Box::new(|_| {}))
}

/// What is queued for the device, by the MO that caused it.
fn replies(home: &Home) -> BTreeMap<u64, usize> {
    let mut found = BTreeMap::new();
    let each = |queued: Queued| *found.entry(queued.key.id.event).or_default() += 1;
    home.house.store.each_queued(Partition::of("acme"), &"+46".into(), each).expect("readable");
    found
}

/// The first two die, and are tried again. False: the disk failed.
fn story(home: &mut Home, retried: &mut bool) -> bool {
    let failed = |home: &Home| home.house.store.failure().is_some();
    loop {
        let may_fail = !*retried;
        run(home, NOW, |said| may_fail && said != "three");
        if failed(home) {
            return false;
        }
        if letters(home).is_empty() {
            return true;
        }
        let told = Arc::new(Mutex::new(None));
        let done: Done = {
            let told = told.clone();
            Box::new(move |result| *told.lock() = Some(result.is_ok()))
        };
        let id = letters(home)[0];
        let changed = change_dead(&home.house, "acme", (id, DeadVerb::Retry, None), "operator", NOW, done);
        assert_eq!(*told.lock(), None, "told before the sync");
        *retried = true;
        home.write();
        if failed(home) {
            return false;
        }
        changed.expect("it can be tried again");
        assert_eq!(*told.lock(), Some(true));
    }
}

fn crash_at_every_sync(fault: fn(u64) -> Fault) {
    let begin = || {
        let mut home = home("", "");
        let ids = ["one", "two", "three"].map(|text| home.accepted(text, NOW));
        (home, ids)
    };
    let (mut whole, _) = begin();
    let before = whole.disk.syncs();
    assert!(story(&mut whole, &mut false));
    let syncs = whole.disk.syncs() - before;
    assert!(syncs >= 6, "{syncs}");
    for fault in (1..=syncs).map(fault) {
        let (mut home, ids) = begin();
        let mut retried = false;
        home.disk.inject(fault);
        let mut is_over = story(&mut home, &mut retried);
        if !is_over {
            home = home.crash();
            let waiting = home.house.store.waiting(Partition::of("acme"), 0, 10).expect("readable");
            let waits = |id: &MessageId| waiting.iter().any(|(number, _)| *number == id.event);
            for id in ids {
                let places = [waits(&id), letters(&home).contains(&id), replies(&home).contains_key(&id.event)];
                assert_eq!(places.iter().filter(|is_there| **is_there).count(), 1, "{fault:?}: {id} is {places:?}");
            }
            is_over = story(&mut home, &mut retried);
        }
        assert!(is_over, "{fault:?}: it does not end");
        assert_eq!(replies(&home), ids.map(|id| (id.event, 1)).into(), "{fault:?}");
        let key = crate::store::keys::Subject::new(Partition::of("acme"), "acme/meter", "+46700000001");
        let counted = home.house.store.state(&key, "n").expect("readable").expect("there")[0];
        assert_eq!(counted, 3, "{fault:?}");
    }
}

#[test]
fn a_crash_that_loses_any_sync_neither_loses_nor_doubles_an_event() {
    crash_at_every_sync(Fault::LostAtSync);
}

#[test]
fn a_crash_behind_any_sync_neither_loses_nor_doubles_an_event() {
    crash_at_every_sync(Fault::KeptAtSync);
}

#[test]
fn what_is_tried_again_runs_behind_what_waits_over_a_restart_too() {
    for is_restarted in [false, true] {
        let mut home = home("", "");
        let first = home.accepted("one", NOW);
        assert_eq!(run(&mut home, NOW, |_| true), [""; 0]);
        home.accepted("two", NOW);
        home.accepted("three", NOW);
        assert_eq!(letters(&home), [first]);
        assert_eq!(all(&home, DeadVerb::Retry).expect("works"), DeadDone { done: 1, left: 0 });
        home.accepted("four", NOW);
        if is_restarted {
            home = home.crash();
        }
        assert_eq!(run(&mut home, NOW, |_| false), ["two", "three", "one", "four"], "restarted: {is_restarted}");
    }
}

#[test]
fn an_edited_text_is_what_the_rule_reads_and_no_second_one_takes_the_letter() {
    let mut home = home("", "");
    let id = home.accepted("ones", NOW);
    run(&mut home, NOW, |_| true);
    let change =
        |home: &Home, verb, text| change_dead(&home.house, "acme", (id, verb, text), "operator", NOW, Box::new(|_| {}));
    let long = "x".repeat(2_000);
    assert!(matches!(change(&home, DeadVerb::Retry, Some(&long)), Err(NotRevived::TooLong)));
    change(&home, DeadVerb::Retry, Some("one")).expect("works");
    for verb in [DeadVerb::Retry, DeadVerb::Drop] {
        assert!(matches!(change(&home, verb, None), Err(NotRevived::NotFound)));
    }
    assert_eq!(run(&mut home, NOW, |_| false), ["one"]);
    assert_eq!((home.house.mos_waiting(), home.house.dead_of(CustomerIndex(0))), (0, 0));
}

#[test]
fn no_more_wait_again_than_may_and_those_of_a_rule_that_is_gone_stay() {
    let mut home = home("queue_max = 2", "");
    for text in ["one", "two", "three"] {
        home.accepted(text, NOW);
        run(&mut home, NOW, |_| true);
    }
    assert_eq!(all(&home, DeadVerb::Retry).expect("works"), DeadDone { done: 2, left: 1 });
    assert!(matches!(all(&home, DeadVerb::Retry), Err(NotRevived::QueueFull)));
    assert_eq!(run(&mut home, NOW, |_| false), ["one", "two"], "the oldest first");
    let mut home = home.crash_with(|tables| tables.replace("\"meter\"", "\"other\""));
    assert_eq!(home.house.dead_of(CustomerIndex(0)), 1);
    assert_eq!(all(&home, DeadVerb::Retry).expect("works"), DeadDone { done: 0, left: 1 });
    assert_eq!(all(&home, DeadVerb::Drop).expect("works"), DeadDone { done: 1, left: 0 });
    home.write();
    assert_eq!((letters(&home), home.crash().house.dead_of(CustomerIndex(0))), (vec![], 0));
}

#[test]
fn a_message_that_was_refused_is_queued_again_with_its_id_and_all_its_time() {
    let mut home = home("validity_secs = 60", "");
    let id = home.accepted("one", NOW).effect(1);
    run(&mut home, NOW, |_| false);
    let queued = |home: &Home| {
        let mut found = Vec::new();
        let each = |queued| found.push(queued);
        home.house.store.each_queued(Partition::of("acme"), &"+46".into(), each).expect("readable");
        found
    };
    let (class, why) = (ErrorClass::Permanent, "no such subscriber".to_owned());
    let refused = Answer::Refused { class, error: 11, why, taken: Vec::new() };
    settle(&home.house, Some(PeerIndex(0)), vec![(queued(&home).remove(0), refused)], NOW).expect("works");
    home.write();
    assert_eq!((letters(&home), queued(&home).len()), (vec![id], 0));
    let later = NOW.plus_ms(DAY_MS);
    let text = Some("again");
    change_dead(&home.house, "acme", (id, DeadVerb::Retry, text), "operator", later, Box::new(|_| {})).expect("works");
    home.write();
    let mut home = home.crash();
    let again = queued(&home).remove(0);
    assert_eq!((again.key.id, again.key.due, again.record.attempts), (id, later, 0));
    assert_eq!((again.record.expires, &*again.record.message.content.octets), (later.plus_ms(60_000), &b"again"[..]));
    settle(&home.house, Some(PeerIndex(0)), vec![(again, Answer::Taken(Vec::new()))], later).expect("works");
    home.write();
    assert_eq!((letters(&home), queued(&home).len()), (vec![], 0));
}

#[test]
fn the_oldest_go_when_there_are_too_many_and_all_when_they_are_old() {
    let mut home = home("", "[dead_letters]\ncount_max = 2\ndays = 3\n");
    let ids: Vec<MessageId> = (0..5).map(|n| home.accepted("one", NOW.plus_ms(n))).collect();
    run(&mut home, NOW.plus_ms(10), |_| true);
    assert_eq!(home.house.dead_of(CustomerIndex(0)), 5);
    // Far too many: it is not waited for.
    sweep(&home.house, false, NOW.plus_ms(20)).expect("works");
    assert_eq!(letters(&home), [ids[4], ids[3]]);
    sweep(&home.house, true, NOW.plus_ms(3 * DAY_MS)).expect("works");
    assert_eq!(home.house.dead_of(CustomerIndex(0)), 2);
    sweep(&home.house, true, NOW.plus_ms(3 * DAY_MS + 10)).expect("works");
    assert_eq!((letters(&home), home.house.dead_of(CustomerIndex(0))), (vec![], 0));
}
