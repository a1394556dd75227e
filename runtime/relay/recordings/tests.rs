//! The test is the rule; the store's writer is stepped by hand.

use std::time::Duration;

use super::*;
use crate::message::{Address, Content, Message};
use crate::plugin::Ran;
use crate::relay::home::{Home, NOW};
use crate::relay::{claim, conclude, keep_house};
use crate::schedule::Next;
use crate::store::Kind;
use crate::store::keys::Partition;
use crate::store::memory::Fault;

const RULE: &str = "acme/meter";

fn table(lines: &str) -> String {
    format!(
        "[[rule]]\ncustomer = \"acme\"\nname = \"meter\"\ncomponent = \"x.wasm\"\nnumbers = [\"7001\"]\n\
         attempts_max = 2\n{lines}\n"
    )
}

fn home(lines: &str) -> Home {
    Home::new("", &table(lines))
}

fn bring(home: &Home, device: u32, text: &str, now: Timestamp) {
    let message = Message {
        source: Address::Msisdn(format!("4670000000{device}").into()),
        destination: Address::ShortCode("7001".into()),
        content: Content { octets: text.as_bytes().to_vec().into(), ..Content::default() },
        received_at: now,
    };
    home.bring(message, 0, now);
}

/// One call, as the rule's threads make it. False: nothing is to run.
fn run(home: &Home, now: Timestamp, rule: impl Fn(&Invocation) -> Outcome) -> bool {
    let Next::Run(key, event) = home.house.next(now) else { return false };
    let invocation = claim(&home.house, &key, event, now).expect("it waits");
    let witness = invocation.witness.clone();
    let outcome = rule(&invocation);
    let settings = (*home.house.directory().rules[0]).clone();
    let witnessed = witness.map(|witness| Box::new(Witnessed { witness, settings }));
    let ran = Ran { witnessed, version: "sha256:ab".into(), ..outcome.into() };
    let ended = conclude(&home.house, &key, event, ran, now);
    home.house.finished(key, ended, Duration::ZERO, now);
    true
}

fn count(invocation: &Invocation) -> u8 {
    invocation.state.get("n").expect("readable").map_or(0, |value| value[0])
}

fn counted(invocation: &Invocation) -> Outcome {
    let state = vec![("n".to_owned(), Some(vec![count(invocation) + 1]))];
    Outcome::Done(Effects { state, ..Effects::default() })
}

fn kept(home: &Home) -> Vec<Recorded> {
    let mut all = Vec::new();
    let from = CallPlace::since(Timestamp::default());
    let each = |_, call| {
        all.push(call);
        true
    };
    home.house.store.recorded(RULE, from, each).expect("readable");
    all
}

fn rows(home: &Home) -> usize {
    home.house.store.count(Kind::Recorded).expect("readable")
}

#[test]
fn without_replay_hours_nothing_is_taken_down_and_nothing_is_written() {
    let mut home = home("");
    bring(&home, 1, "a", NOW);
    assert!(run(&home, NOW, |invocation| {
        assert!(invocation.witness.is_none());
        counted(invocation)
    }));
    home.write();
    assert_eq!((rows(&home), home.house.recordings.octets.at(0).load(Ordering::Relaxed)), (0, 0));
}

#[test]
fn a_call_is_kept_with_all_that_it_saw_and_did() {
    let mut home = home("replay_hours = 1\nconfig = { site = \"north\" }\nsecrets = { token = \"Bearer s3cret\" }");
    bring(&home, 1, "a", NOW);
    assert!(run(&home, NOW, counted));
    bring(&home, 1, "b", NOW);
    assert!(run(&home, NOW.plus_ms(5), |invocation| {
        assert_eq!(invocation.state.shared("total").expect("readable"), None);
        let said = b"token: Bearer s3cret".to_vec();
        let state = vec![("n".to_owned(), Some(vec![2])), ("said".to_owned(), Some(said))];
        Outcome::Done(Effects { state, ..Effects::default() })
    }));
    home.write();
    let [first, second] = &kept(&home)[..] else { panic!("two calls") };
    assert_eq!((first.before.state.as_deref(), &*first.version), (Some(&[][..]), "sha256:ab"));
    assert_eq!((&*second.customer, &*second.rule, second.before.attempt), ("acme", "meter", 1));
    assert_eq!(second.before.state.as_deref(), Some(&[("n".into(), vec![1].into())][..]));
    assert_eq!(second.read.shared.values, [("total".into(), None)]);
    assert_eq!(second.with.config["site"], "north");
    assert_eq!(second.with.secrets, ["token"]);
    let Ended::Done(did) = &second.ended else { panic!("{second:?}") };
    let told = Bytes::from_static(b"token: secret-token");
    assert_eq!(did.state, [("n".to_owned(), Some(vec![2].into())), ("said".to_owned(), Some(told))]);
    assert_ne!(first.before.seed, second.before.seed, "another event draws other random octets");
    assert_ne!(&first.before.seed, home.house.store.secret(), "the house keeps its secret");
}

#[test]
fn of_a_large_state_what_the_call_read_is_kept() {
    let mut home = home("replay_hours = 1");
    let large = |name: &str| (name.to_owned(), Some(vec![7; STATE_OCTETS_MAX / 2 + 1]));
    for text in ["a", "b"] {
        bring(&home, 1, text, NOW);
        let state = vec![large("x"), large("y"), ("n".to_owned(), Some(vec![9]))];
        assert!(run(&home, NOW, |invocation| {
            assert_eq!(count(invocation), if text == "a" { 0 } else { 9 });
            assert!(invocation.state.names("n", None, 10).is_ok());
            Outcome::Done(Effects { state: state.clone(), ..Effects::default() })
        }));
    }
    home.write();
    let second = kept(&home).pop().expect("kept");
    assert_eq!((second.before.state, second.read.is_cut), (None, false));
    assert_eq!(second.read.state.values, [("n".into(), Some(vec![9].into()))]);
    let listing = &second.read.state.listings[0];
    assert_eq!((&*listing.prefix, &listing.found[..]), ("n", &["n".into()][..]));
}

#[test]
fn of_a_call_that_asks_on_and_on_the_beginning_is_kept_and_that_there_was_more() {
    let mut home = home("replay_hours = 1");
    // One fewer than a tape holds, and one more.
    for (device, asks) in [(1, 4_095), (2, 4_097)] {
        bring(&home, device, "a", NOW);
        assert!(run(&home, NOW, |invocation| {
            let total = (0..asks).filter_map(|name| invocation.state.shared(&name.to_string()).expect("readable"));
            assert_eq!(total.count(), 0);
            counted(invocation)
        }));
    }
    home.write();
    let [all, cut] = &kept(&home)[..] else { panic!("two calls") };
    let asked = |call: &Recorded| (call.read.is_cut, call.read.shared.values.len());
    assert_eq!((asked(all), asked(cut)), ((false, 4_095), (true, 4_096)));
    let Ended::Done(did) = &cut.ended else { panic!("{cut:?}") };
    assert_eq!(did.state, [("n".to_owned(), Some(vec![1].into()))], "what it did is kept whole");
}

#[test]
fn a_call_that_fails_is_kept_with_every_attempt() {
    let mut home = home("replay_hours = 1");
    bring(&home, 1, "a", NOW);
    let broken = || Outcome::Broken(Broken { why: "unreachable".into(), backtrace: "at f".into() });
    assert!(run(&home, NOW, |_| Outcome::Retry(Some(10))));
    assert!(run(&home, NOW.plus_ms(10), |_| broken()));
    home.write();
    let ended: Vec<_> = kept(&home).into_iter().map(|call| (call.before.attempt, call.ended)).collect();
    let last = Ended::Broken { why: "unreachable".into(), backtrace: "at f".into() };
    assert_eq!(ended, [(1, Ended::Retry(Some(10))), (2, last)]);
    assert_eq!(home.house.store.count_dead("acme").expect("readable"), 1);
}

/// Three MOs of two devices. False: the disk failed.
fn scenario(home: &mut Home) -> bool {
    for round in 0..3 {
        (1..=2).for_each(|device| bring(home, device, "a", NOW));
        home.write();
        while run(home, NOW.plus_ms(round), counted) {
            home.write();
            if home.house.store.failure().is_some() {
                return false;
            }
        }
    }
    home.write();
    home.house.store.failure().is_none()
}

#[test]
fn a_call_is_kept_when_and_only_when_its_effects_are_over_a_crash_at_every_sync() {
    let counts = |home: &Home, context: &str| {
        let calls = kept(home);
        let mut sum = 0;
        for device in 1..=2 {
            let name = format!("+4670000000{device}");
            let subject = rule_call::subject(&home.house, RuleIndex(0), &name, Partition::of("acme"));
            let n = home.house.store.state(&subject, "n").expect("readable").map_or(0, |value| usize::from(value[0]));
            let of_device = calls.iter().filter(|call| call.before.message.source.to_string() == name);
            assert_eq!(of_device.count(), n, "{context}: {name}");
            sum += n;
        }
        sum
    };
    let mut whole = home("replay_hours = 1");
    let before = whole.disk.syncs();
    assert!(scenario(&mut whole));
    let syncs = whole.disk.syncs() - before;
    assert_eq!(counts(&whole, "without a crash"), 6);
    assert!(syncs > 6, "only {syncs} syncs");
    for sync in 1..=syncs {
        for fault in [Fault::LostAtSync(sync), Fault::KeptAtSync(sync)] {
            let context = format!("{fault:?}");
            let mut home = home("replay_hours = 1");
            home.disk.inject(fault);
            assert!(!scenario(&mut home), "{context} never happened");
            let home = home.crash();
            counts(&home, &context);
            while run(&home, NOW.plus_ms(9), counted) {}
            counts(&home, &context);
        }
    }
}

#[test]
fn calls_go_when_their_time_is_over_and_at_once_when_nobody_wants_them_any_more() {
    let mut home = home("replay_hours = 2");
    for (hour, text) in [(0, "a"), (1, "b")] {
        let now = NOW.plus_ms(hour * HOUR_MS);
        bring(&home, 1, text, now);
        assert!(run(&home, now, counted));
    }
    home.write();
    let octets = |home: &Home| home.house.recordings.octets.at(0).load(Ordering::Relaxed);
    let both = octets(&home);
    for (millis, left) in [(2 * HOUR_MS - 1, 2), (2 * HOUR_MS, 1)] {
        keep_house(&home.house, NOW.plus_ms(millis)).expect("works");
        sweep(&home.house, true, NOW.plus_ms(millis)).expect("works");
        assert_eq!(rows(&home), left, "after {millis} ms");
    }
    assert!(octets(&home) < both);
    home.write();
    let home = home.crash_with(|tables| tables.replace("replay_hours = 2", "replay_hours = 0"));
    assert_eq!(rows(&home), 1);
    sweep(&home.house, true, NOW).expect("works");
    assert_eq!(rows(&home), 0);
}

#[test]
fn what_a_rule_keeps_is_bounded_and_the_oldest_go() {
    let place = |event| CallPlace { at: NOW, event, attempt: 1 };
    let mut over = Over { hours: 1, now: NOW, too_much: 150, octets: 0, places: Vec::new() };
    let stay = (1..=4).map(|event| over.add(place(event), 100)).take_while(|goes| *goes).count();
    assert_eq!((stay, over.octets, over.places), (2, 200, vec![place(1), place(2)]));

    let mut home = home("replay_hours = 1");
    bring(&home, 1, "a", NOW);
    assert!(run(&home, NOW, counted));
    home.write();
    sweep(&home.house, false, NOW).expect("works");
    assert_eq!(rows(&home), 1);
    home.house.recordings.kept(RuleIndex(0), OCTETS_MAX);
    sweep(&home.house, false, NOW).expect("works");
    assert_eq!(rows(&home), 0);
}

#[test]
fn what_all_rules_of_a_customer_keep_is_bounded() {
    let others = (0..7).map(|rule| {
        format!("[[rule]]\ncustomer = \"acme\"\nname = \"r{rule}\"\ncomponent = \"x.wasm\"\nsender = \"7001\"\nreplay_hours = 1\n")
    });
    let mut home = home(&format!("replay_hours = 1\n{}", others.collect::<String>()));
    bring(&home, 1, "a", NOW);
    assert!(run(&home, NOW, counted));
    home.write();
    home.house.recordings.kept(RuleIndex(0), CUSTOMER_OCTETS_MAX / 8);
    sweep(&home.house, false, NOW).expect("works");
    assert_eq!(rows(&home), 0, "an eighth of what the customer may keep");
}

#[test]
fn what_was_kept_before_a_start_counts_after_it() {
    let mut home = home("replay_hours = 1");
    let earlier = Timestamp(NOW.0 - HOUR_MS / 2);
    bring(&home, 1, "a", earlier);
    assert!(run(&home, earlier, counted));
    home.write();
    let octets = |home: &Home| home.house.recordings.octets.at(0).load(Ordering::Relaxed);
    let before = octets(&home);
    let home = home.crash();
    assert_eq!(octets(&home), 0);
    sweep(&home.house, false, NOW).expect("works");
    sweep(&home.house, true, NOW).expect("works");
    assert!(before > 0);
    assert_eq!(octets(&home), before);
}

#[test]
fn nothing_is_kept_while_the_disk_is_nearly_full() {
    let mut home = home("replay_hours = 1");
    bring(&home, 1, "a", NOW);
    home.house.store.set_full(true);
    assert!(run(&home, NOW, counted));
    home.write();
    assert_eq!(rows(&home), 0);
}
