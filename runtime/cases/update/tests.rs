use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::cases::got::{Outcome, TimerSet};
use crate::cases::read;
use crate::message::MessageId;

/// What comes out reads back, and is then as expected.
#[track_caller]
fn updated(text: &str, got: &Got) -> String {
    let case = read::case(text, Path::new("x.toml")).expect("right");
    let text = update(text, &case, std::slice::from_ref(got)).expect("written");
    let again = read::case(&text, Path::new("x.toml")).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(compare(&again.events[0], got), [], "{text}");
    text
}

fn message(text: &str) -> Message {
    Message {
        id: "1".into(),
        from: "7001".into(),
        to: "+46700000003".into(),
        body: Body::Text(text.into()),
        tag: None,
        receipt: false,
        delay_ms: 0,
        validity_ms: None,
        priority: PRIORITY,
        tlvs: Vec::new(),
    }
}

#[test]
fn what_differs_is_written_and_comments_stay() {
    let text = "# A case.\n\n[[event]]\nmo = \"x\" # asks\n\n# The answer:\n[[event.sent]]\nto = \"+46700000003\"\ntext = \"old\" # said\n\n[[event]]\nmo = \"y\" # untouched\n";
    let got = Got { sent: vec![message("new")], ..Got::default() };
    assert_eq!(updated(text, &got), text.replace("\"old\"", "\"new\""));
}

#[test]
fn messages_are_added_and_taken_away() {
    let bare = "[[event]]\nmo = \"x\"\n\n[[event]]\nmo = \"y\"\n";
    let all = Message {
        tag: Some("t".into()),
        receipt: true,
        delay_ms: 60_000,
        validity_ms: Some(3_600_000),
        priority: 1,
        from: "ACME".into(),
        tlvs: vec![(0x1400, vec![1])],
        body: Body::Binary(vec![1, 2]),
        ..message("")
    };
    let got = Got { sent: vec![message("new"), all], ..Got::default() };
    let text = updated(bare, &got);
    let first = "[[event]]\nmo = \"x\"\n[[event.sent]]\nto = \"+46700000003\"\ntext = \"new\"\n[[event.sent]]\n";
    assert!(text.starts_with(first), "{text}");
    assert!(text.ends_with("hex = \"0102\"\n\n[[event]]\nmo = \"y\"\n"), "{text}");
    assert_eq!(updated(&text, &Got::default()), bare);
}

#[test]
fn lists_within_a_line_stay_within_it() {
    let text = "[[event]]\nmo = \"x\"\nsent = [{ text = \"old\" }]\n";
    let got = Got { sent: vec![message("new")], ..Got::default() };
    assert_eq!(updated(text, &got), text.replace("old", "new"));
}

#[test]
fn outcomes_and_reasons_are_written() {
    let rejected = Got { outcome: Outcome::Reject("too late".into()), ..Got::default() };
    let text = updated("[[event]]\nmo = \"x\"\n", &rejected);
    assert_eq!(text, "[[event]]\nmo = \"x\"\noutcome = \"reject\"\nwhy = \"too late\"\n");
    assert_eq!(updated(&text, &Got::default()), "[[event]]\nmo = \"x\"\noutcome = \"done\"\n");
}

#[test]
fn timers_http_log_and_values_are_written() {
    let text = "[[event]]\nrequest = { name = \"r\" }\nstate = { n = { int = 1 }, gone = \"x\" } # all\n\
                response = { status = 200, json = { a = 1 } }\nlog = []\n[[event.timers]]\nset = \"a\"\nin = \"1m\"\n\
                [[event.timers]]\ncancel = \"b\"\n[[event.http]]\nurl = \"https://old.example/\"\nbody = \"old\"\n";
    let call = HttpCall {
        method: "POST".into(),
        url: "https://new.example/".into(),
        headers: Vec::new(),
        body: Some(b"new".to_vec()),
        authorization: None,
        tag: "t".into(),
    };
    let set = |name: &str| TimerEffect {
        name: name.into(),
        set: Some(TimerSet { id: MessageId::accepted(1), in_ms: 5_000, payload: b"{\"a\":[1,2.5]}".to_vec() }),
    };
    let line = LogLine { level: "warn".into(), text: "low".into(), fields: Vec::new() };
    let state = [("n", 2_i64.to_le_bytes().to_vec()), ("new", b"text".to_vec())];
    let got = Got {
        timers: vec![TimerEffect { name: "a".into(), set: None }, set("c")],
        http: vec![call],
        log: vec![line],
        response: Some(Answer { status: 404, body: b"{}".to_vec() }),
        state: BTreeMap::from(state.map(|(name, value)| (name.to_owned(), value))),
        ..Got::default()
    };
    let text = updated(text, &got);
    assert!(text.contains("state = { n = { int = 2 }, new = \"text\" } # all\n"), "{text}");
    assert!(text.contains("set = \"c\"\nin = \"5s\"\npayload = { json = { a = [1, 2.5] } }\n"), "{text}");
    assert!(text.contains("[[event.http]]\nurl = \"https://new.example/\"\nbody = \"new\"\n"), "{text}");
    assert!(!text.contains("\"b\""), "{text}");
}

#[test]
fn what_is_right_keeps_its_spelling() {
    let text = "[[event]]\nmo = \"x\"\n[[event.timers]]\nset = \"a\"\nin = \"120s\"\n[[event.sent]]\ntext = \"old\"\n";
    let timer = TimerEffect {
        name: "a".into(),
        set: Some(TimerSet { id: MessageId::accepted(1), in_ms: 120_000, payload: Vec::new() }),
    };
    let got = Got { timers: vec![timer], sent: vec![message("new")], ..Got::default() };
    assert_eq!(updated(text, &got), text.replace("old", "new"));
}
