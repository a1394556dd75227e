use std::path::Path;

use super::*;
use crate::cases::case::{Body, Case};
use crate::cases::got::TimerSet;
use crate::cases::read;
use crate::message::MessageId;

fn event(text: &str) -> Event {
    let case: Case = read::case(text, Path::new("x.toml")).expect("right");
    case.events.into_iter().next().expect("one")
}

fn message(to: &str, text: &str) -> Message {
    Message {
        id: "1".into(),
        from: "7001".into(),
        to: to.into(),
        body: Body::Text(text.into()),
        tag: None,
        receipt: false,
        delay_ms: 0,
        validity_ms: None,
        priority: 3,
        tlvs: Vec::new(),
    }
}

/// (line, what, expected, got) of each.
fn told(text: &str, got: &Got) -> Vec<(usize, String, String, String)> {
    compare(&event(text), got).into_iter().map(|d| (d.line, d.what, d.expected, d.got)).collect()
}

fn one(line: usize, what: &str, expected: &str, got: &str) -> Vec<(usize, String, String, String)> {
    vec![(line, what.into(), expected.into(), got.into())]
}

const REPLY: &str = "[[event]]\nmo = 'x'\n[[event.sent]]\nto = '+46700000003'\ntext = 'yes'\n";

#[test]
fn what_is_as_expected_is_no_difference() {
    let got = Got { sent: vec![message("+46700000003", "yes")], ..Got::default() };
    assert_eq!(told(REPLY, &got), []);
    assert_eq!(told("[[event]]\nmo = 'x'\n", &Got::default()), []);
}

#[test]
fn messages_are_complete_and_in_order() {
    let sent = |texts: &[&str]| Got {
        sent: texts.iter().map(|text| message("+46700000003", text)).collect(),
        ..Got::default()
    };
    assert_eq!(told(REPLY, &sent(&["no"])), one(5, "sent 1, text", "\"yes\"", "\"no\""));
    assert_eq!(told(REPLY, &sent(&[])), one(3, "sent 1", "to +46700000003: \"yes\"", "nothing"));
    assert_eq!(told(REPLY, &sent(&["yes", "more"])), one(1, "sent 2", "nothing", "to +46700000003: \"more\""));
}

#[test]
fn options_of_a_message_are_compared_where_they_are_written() {
    let text = "[[event]]\nmo = 'x'\n[[event.sent]]\nreceipt = true\ndelay = '5m'\nvalidity = '1h'\ntag = 't'\npriority = 2\nfrom = '7002'\ntlvs = { 1400 = '01' }\n";
    let right = Message {
        receipt: true,
        delay_ms: 300_000,
        validity_ms: Some(3_600_000),
        tag: Some("t".into()),
        priority: 2,
        from: "7002".into(),
        tlvs: vec![(0x1400, vec![1])],
        ..message("anybody", "anything")
    };
    assert_eq!(told(text, &Got { sent: vec![right], ..Got::default() }), []);
    let plain = told(text, &Got { sent: vec![message("anybody", "anything")], ..Got::default() });
    let lines: Vec<usize> = plain.iter().map(|difference| difference.0).collect();
    assert_eq!(lines, [9, 7, 4, 5, 6, 8, 10], "{plain:?}");
    assert_eq!((plain[4].2.as_str(), plain[4].3.as_str()), ("1h", "nothing"));
}

#[test]
fn an_outcome_has_its_reason() {
    let got = |outcome| Got { outcome, ..Got::default() };
    let reject = "[[event]]\nmo = 'x'\noutcome = 'reject'\nwhy = 'late'\n";
    assert_eq!(told(reject, &got(Outcome::Reject("too late".into()))), []);
    assert_eq!(told(reject, &got(Outcome::Reject("early".into()))), one(4, "why", "\"late\" in it", "\"early\""));
    assert_eq!(told(reject, &got(Outcome::Done)), one(3, "outcome", "reject", "done"));
    let done = "[[event]]\nmo = 'x'\n";
    assert_eq!(
        told(done, &got(Outcome::Broken("trap: boom\n  at f".into()))),
        one(1, "outcome", "done", "broken: trap: boom")
    );
    let retry = |wanted: &str| format!("[[event]]\nmo = 'x'\noutcome = '{wanted}'\n");
    assert_eq!(told(&retry("retry"), &got(Outcome::Retry(Some(9)))), []);
    assert_eq!(told(&retry("retry 8"), &got(Outcome::Retry(Some(9)))), one(3, "outcome", "retry 8", "retry 9"));
}

#[test]
fn timers_go_by_their_names() {
    let text = "[[event]]\nmo = 'x'\n[[event.timers]]\nset = 'b'\nin = '2m'\n[[event.timers]]\ncancel = 'a'\n";
    let set = |name: &str, in_ms| TimerEffect {
        name: name.into(),
        set: Some(TimerSet { id: MessageId::accepted(1), in_ms, payload: vec![] }),
    };
    let cancel = |name: &str| TimerEffect { name: name.into(), set: None };
    let got = |timers| Got { timers, ..Got::default() };
    assert_eq!(told(text, &got(vec![cancel("a"), set("b", 120_000)])), []);
    assert_eq!(told(text, &got(vec![cancel("a"), set("b", 1)])), one(5, "timer \"b\", in", "2m", "1ms"));
    assert_eq!(
        told(text, &got(vec![set("a", 1), set("b", 120_000)])),
        one(6, "timer \"a\"", "cancelled", "set \"a\" in 1ms")
    );
    assert_eq!(told(text, &got(vec![cancel("a")])), one(3, "timer \"b\"", "set \"b\"", "nothing"));
    let more = got(vec![cancel("a"), set("b", 120_000), set("c", 5_000)]);
    assert_eq!(told(text, &more), one(1, "timer \"c\"", "nothing", "set \"c\" in 5s"));
}

#[test]
fn state_is_whole_where_it_is_given() {
    let text = "[[event]]\nmo = 'x'\nstate = { n = { int = 6 }, s = 'a' }\n";
    let state = |rows: &[(&str, &[u8])]| Got {
        state: rows.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect(),
        ..Got::default()
    };
    let (five, six) = (5_i64.to_le_bytes(), 6_i64.to_le_bytes());
    assert_eq!(told(text, &state(&[("n", &six), ("s", b"a")])), []);
    assert_eq!(told(text, &state(&[("n", &five), ("s", b"a")])), one(3, "state, n", "int 6", "int 5"));
    assert_eq!(told(text, &state(&[("n", &six)])), one(3, "state, s", "\"a\"", "nothing"));
    assert_eq!(told(text, &state(&[("n", &six), ("s", b"a"), ("z", b"b")])), one(3, "state, z", "nothing", "\"b\""));
    assert_eq!(told("[[event]]\nmo = 'x'\n", &state(&[("z", b"b")])), []);
}

#[test]
fn http_log_and_responses_are_compared() {
    let call = HttpCall {
        method: "POST".into(),
        url: "https://a.example/".into(),
        headers: vec![("X-Test".into(), "1".into())],
        body: Some(b"{\"a\": 1}".to_vec()),
        authorization: None,
        tag: "r".into(),
    };
    let got = Got { http: vec![call], ..Got::default() };
    let text = |more: &str| format!("[[event]]\nmo = 'x'\n[[event.http]]\n{more}\n");
    assert_eq!(told(&text("json = { a = 1 }\nheaders = { x-test = '1' }"), &got), []);
    assert_eq!(told(&text("method = 'GET'"), &got), one(4, "http 1, method", "\"GET\"", "\"POST\""));
    assert_eq!(told(&text("json = { a = 2 }"), &got), one(4, "http 1, body", "json {\"a\":2}", "json {\"a\":1}"));
    assert_eq!(told(&text("authorization = 'key'"), &got), one(4, "http 1, authorization", "\"key\"", "nothing"));
    assert_eq!(told("[[event]]\nmo = 'x'\n", &got), one(1, "http 1", "nothing", "POST https://a.example/ (tag \"r\")"));

    let log = |level: &str, text: &str| LogLine { level: level.into(), text: text.into(), fields: Vec::new() };
    let got = Got { log: vec![log("warn", "low battery: 5%")], ..Got::default() };
    assert_eq!(told("[[event]]\nmo = 'x'\n", &got), []);
    let text = "[[event]]\nmo = 'x'\n[[event.log]]\nlevel = 'warn'\ncontains = 'low battery'\n";
    assert_eq!(told(text, &got), []);
    let other = Got { log: vec![log("info", "low battery: 5%")], ..Got::default() };
    assert_eq!(told(text, &other), one(3, "log 1", "warn with \"low battery\" in it", "info \"low battery: 5%\""));
    assert_eq!(told("[[event]]\nmo = 'x'\nlog = []\n", &got), one(1, "log 1", "nothing", "warn \"low battery: 5%\""));

    let text = "[[event]]\nrequest = { name = 'ping' }\nresponse = { status = 200, json = { pong = true } }\n";
    let got = |status, body: &[u8]| Got { response: Some(Answer { status, body: body.to_vec() }), ..Got::default() };
    assert_eq!(told(text, &got(200, b"{\"pong\":true}")), []);
    assert_eq!(told(text, &got(404, b"{\"pong\":true}")), one(3, "response, status", "200", "404"));
    assert_eq!(told(text, &Got::default()), one(3, "response", "one", "nothing"));
}
