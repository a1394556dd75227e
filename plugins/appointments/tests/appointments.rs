//! The rule as applications and phones see it.

use std::time::Duration;

use appointments::Appointments;
use wasmsc_plugin::testing::{Bench, cases};
use wasmsc_plugin::{MessageState, Response};

const DEVICE: &str = "+46700000003";

#[test]
fn the_cases_hold() {
    cases::check::<Appointments>("cases");
}

fn bench() -> Bench {
    Bench::new().with_config("callback_url", "https://a.example/").with_http_host("a.example")
}

fn book(bench: &mut Bench, id: &str, at: &str) -> Response {
    let body = format!(r#"{{"id":"{id}","at":"{at}","text":"visit {id}"}}"#);
    bench.request::<Appointments>(DEVICE, "book", body).expect("done")
}

fn outcomes(bench: &mut Bench) -> Vec<String> {
    let bodies = bench.take_submitted().into_iter().filter_map(|submitted| submitted.request.body);
    let outcome = |body: Vec<u8>| {
        let json: std::collections::BTreeMap<String, String> = serde_json::from_slice(&body).expect("JSON");
        format!("{} {}", json["id"], json["outcome"])
    };
    bodies.map(outcome).collect()
}

#[test]
fn nine_appointments_have_a_number_each_and_the_tenth_no_place() {
    let mut bench = bench();
    for day in 2..=10 {
        assert_eq!(book(&mut bench, &format!("d{day}"), &format!("2026-01-{day:02}T12:00:00Z")).status, 200);
    }
    assert_eq!(book(&mut bench, "d11", "2026-01-11T12:00:00Z").status, 409);
    let again = book(&mut bench, "d5", "2026-02-05T12:00:00Z");
    assert!(String::from_utf8_lossy(&again.body).contains(r#""number":4"#), "{again:?}");
    bench.receive::<Appointments>(DEVICE, "7001", "no 4").expect("done");
    assert_eq!(outcomes(&mut bench), ["d5 declined"]);
    let freed = book(&mut bench, "new", "2026-01-11T12:00:00Z");
    assert!(String::from_utf8_lossy(&freed.body).contains(r#""number":4"#), "{freed:?}");
}

#[test]
fn time_alone_runs_an_appointment_to_its_end() {
    let mut bench = bench();
    book(&mut bench, "a", "2026-01-03T12:00:00Z");
    book(&mut bench, "b", "2026-01-02T12:00:00Z");
    bench.pass::<Appointments>(Duration::from_secs(4 * 86_400)).expect("done");
    let tags: Vec<&str> = bench.sent.iter().filter_map(|sent| sent.tag.as_deref()).collect();
    assert_eq!(tags, ["remind:b", "remind:b", "remind:a", "remind:a"]);
    assert_eq!(outcomes(&mut bench), ["b unanswered", "a unanswered"]);
    assert_eq!(bench.timers(DEVICE).count(), 0);
    assert!(bench.state(DEVICE, "book").is_none());
}

#[test]
fn a_server_that_was_down_sends_one_reminder_and_not_all() {
    let mut bench = bench();
    book(&mut bench, "a", "2026-01-03T12:00:00Z");
    bench.advance(Duration::from_secs((2 * 86_400) + (11 * 3600)));
    bench.fire::<Appointments>(DEVICE, "next:a").expect("done");
    assert_eq!(bench.sent.len(), 1);
    let due = bench.timer(DEVICE, "next:a").expect("the end is still to come").due_at;
    assert_eq!(due.since(bench.now), Duration::from_secs(3600));
}

#[test]
fn a_device_that_may_not_be_written_to_is_told_as_undelivered() {
    let mut bench = bench();
    bench.refused.insert(DEVICE.to_owned());
    book(&mut bench, "a", "2026-01-03T12:00:00Z");
    bench.fire::<Appointments>(DEVICE, "next:a").expect("done");
    assert_eq!(outcomes(&mut bench), ["a undelivered"]);
}

#[test]
fn an_older_answer_does_not_settle_a_newer_outcome() {
    let mut bench = bench();
    book(&mut bench, "a", "2026-01-03T12:00:00Z");
    bench.fire::<Appointments>(DEVICE, "next:a").expect("done");
    bench.receipt::<Appointments>(1, MessageState::Undeliverable).expect("done");
    bench.advance(Duration::from_secs(60));
    bench.receive::<Appointments>(DEVICE, "7001", "yes").expect("done");
    let tags: Vec<String> = bench.submitted.iter().map(|submitted| submitted.request.tag.clone()).collect();
    bench.http_reply::<Appointments>(&tags[0], Some(200), "").expect("done");
    assert!(bench.state(DEVICE, "untold.a").is_some());
    bench.http_reply::<Appointments>(&tags[1], Some(200), "").expect("done");
    assert!(bench.state(DEVICE, "untold.a").is_none());
}

#[test]
fn without_a_callback_nothing_is_called() {
    let mut bench = Bench::new();
    book(&mut bench, "a", "2026-01-03T12:00:00Z");
    bench.receive::<Appointments>(DEVICE, "7001", "yes").expect("done");
    assert!(bench.submitted.is_empty() && bench.sent.len() == 1);
}

#[test]
fn a_callback_that_is_not_granted_does_not_keep_the_answer_from_counting() {
    let mut bench = Bench::new().with_config("callback_url", "https://b.example/");
    book(&mut bench, "a", "2026-01-03T12:00:00Z");
    bench.receive::<Appointments>(DEVICE, "7001", "no").expect("done");
    assert!(bench.state(DEVICE, "book").is_none());
    assert!(bench.logged.iter().any(|(_, line)| line.contains("cannot be told")));
}

#[test]
fn confirming_twice_is_told_once() {
    let mut bench = bench();
    book(&mut bench, "a", "2026-01-03T12:00:00Z");
    for _ in 0..2 {
        bench.receive::<Appointments>(DEVICE, "7001", "YES").expect("done");
    }
    assert_eq!((outcomes(&mut bench).len(), bench.sent.len()), (1, 2));
}

/// Whoever asks or answers may write anything.
#[test]
fn nothing_that_comes_in_breaks_the_rule() {
    let mut bench = bench();
    book(&mut bench, "a", "2026-01-03T12:00:00Z");
    let times = ["", "T", "2026-01-03", "2026-01-03Té", "9999-12-31T23:59:59+23:59", "2026-01-03T12:00:00+99:00", "🕐"];
    let bodies = times.map(|at| format!(r#"{{"id":"x","at":"{at}","text":"x"}}"#));
    let spans = ["", "h", "99999999999999999999h", "18446744073709551615d", "é", "-1h", "0m"];
    let spans =
        spans.map(|span| format!(r#"{{"id":"x","at":"2026-01-03T12:00:00Z","text":"x","reminders":["{span}"]}}"#));
    let others = ["", "{", "[]", r#"{"id":1}"#, r#"{"id":"a","notify":"yes"}"#].map(str::to_owned);
    for body in bodies.into_iter().chain(spans).chain(others) {
        for name in ["book", "cancel", "list", "é"] {
            let response =
                bench.request::<Appointments>(DEVICE, name, body.clone()).expect("an answer, whatever comes");
            assert!(matches!(response.status, 200 | 400 | 404 | 422), "{name} {body} {response:?}");
        }
    }
    for text in ["", " ", "yes 999999999999", "yes é", "ÝES", "\u{0}", "no no no", "1", "🙂", "move -1"] {
        bench.receive::<Appointments>(DEVICE, "7001", text).expect("done");
    }
    bench.receive::<Appointments>(DEVICE, "7001", vec![0xff; 140]).expect("done");
    bench.pass::<Appointments>(Duration::from_secs(400 * 86_400)).expect("done");
}
