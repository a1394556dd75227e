use super::*;
use crate::plugin::Broken;
use crate::relay::claim;
use crate::relay::home::{Home, NOW};
use crate::schedule::Next;
use crate::store::keys::Partition;

const RULE: RuleIndex = RuleIndex(0);

fn home(more: &str) -> Home {
    let rule = "routes = [\"+46\"]\n[[rule]]\ncustomer = \"acme\"\nname = \"meter\"\ncomponent = \"x.wasm\"\n\
                numbers = [\"7001\"]\nbreaker = { failures = 50, calls = 2, open_secs = 30 }\n";
    Home::new("", &format!("{rule}{more}"))
}

fn broken() -> Outcome {
    Outcome::Broken(Broken::from("it traps"))
}

fn fail_twice(home: &Home) {
    home.house.called(RULE, &broken(), NOW);
    assert_eq!(home.house.breaker(RULE, NOW).state, State::Closed);
    home.house.called(RULE, &broken(), NOW);
}

#[test]
fn events_wait_while_it_is_open_and_one_at_a_time_is_tried_then() {
    let mut home = home("");
    fail_twice(&home);
    let until = NOW.plus_ms(30_000);
    assert_eq!(home.house.breaker(RULE, NOW).state, State::Open(until));
    for device in 1..=3 {
        let message = crate::message::Message {
            source: crate::message::Address::Msisdn(format!("4670000000{device}").into()),
            destination: crate::message::Address::ShortCode("7001".into()),
            content: crate::message::Content::default(),
            received_at: NOW,
        };
        home.bring(message, 0, NOW);
    }
    home.write();
    assert_eq!(home.house.next(NOW), Next::WaitUntil(until));
    let Next::Run(key, event) = home.house.next(until) else { panic!("its time is over") };
    assert_eq!(home.house.next(until), Next::Wait, "one is tried already");
    let invocation = claim(&home.house, &key, event, until).expect("it waits");
    assert!(home.house.instead_of_call(invocation, until).is_ok());
    home.house.called(RULE, &broken(), until);
    home.house.finished(key, Ended::Again(until), std::time::Duration::ZERO, until);
    let later = until.plus_ms(30_000);
    assert_eq!((home.house.next(until), home.house.breaker(RULE, until).opened), (Next::WaitUntil(later), 2));
    let Next::Run(..) = home.house.next(later) else { panic!("its time is over") };
    home.house.called(RULE, &Outcome::Done(Effects::default()), later);
    assert!((0..2).all(|_| matches!(home.house.next(later), Next::Run(..))), "it is closed");
}

#[test]
fn with_a_fallback_mos_are_answered_and_end() {
    let mut home = home("fallback = \"we are busy, try later\"\n");
    fail_twice(&home);
    home.accepted("hello", NOW);
    let run = |home: &Home, now| {
        let Next::Run(key, event) = home.house.next(now) else { panic!("it is not held back") };
        (key.clone(), event, claim(&home.house, &key, event, now).expect("it waits"))
    };
    let (key, event, invocation) = run(&home, NOW);
    let Err(Instead::Done(effects)) = home.house.instead_of_call(invocation, NOW) else { panic!("it is open") };
    assert_eq!(&*effects.messages[0].message.content.octets, b"we are busy, try later");
    let ended = crate::relay::conclude(&home.house, &key, event, Outcome::Done(*effects), NOW);
    home.house.finished(key, ended, std::time::Duration::ZERO, NOW);
    home.write();
    let mut queued = 0;
    home.house.store.each_queued(Partition::of("acme"), &"+46".into(), |_| queued += 1).expect("readable");
    assert_eq!((ended, queued, home.house.mos_waiting()), (Ended::Gone, 1, 0));
    let later = NOW.plus_ms(30_000);
    home.accepted("again", later);
    let (_, _, invocation) = run(&home, later);
    assert!(home.house.instead_of_call(invocation, later).is_ok(), "one is tried");
    home.house.called(RULE, &Outcome::Done(Effects::default()), later);
    assert_eq!(home.house.breaker(RULE, later).state, State::Closed);
}

#[test]
fn a_new_version_begins_with_a_clean_slate() {
    let mut home = home("");
    fail_twice(&home);
    home.accepted("hello", NOW);
    assert!(matches!(home.house.next(NOW), Next::WaitUntil(_)));
    home.house.reset_breaker(RULE);
    assert!(matches!(home.house.next(NOW), Next::Run(..)));
}
