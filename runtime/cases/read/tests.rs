use super::*;
use crate::cases::case::{TimerChange, Wanted};
use serde_json::json as value;

/// The format as docs/PLUGINS.md shows it.
pub const FULL: &str = r##"
name = "a leak closes the valve"

[given]
now = "2026-03-01T08:00:00Z"
device = "+46700000004"
number = "7002"
tags = ["pilot"]
attributes = { site = "north" }
config = { daily_allowance_litres = "500" }
secrets = { token = "s3cret" }
http_hosts = ["api.example.net"]
refused = ["+46799999999"]
state = { last = { json = { litres = 12 } }, note = "text", raw = { hex = "0001" }, n = { int = 5 } }
shared = { total = { int = 41 } }
limits = { deadline_ms = 50, messages_max = 3 }

[[event]]
mo = "WM1 V=1234.5 F=12"
after = "90s"
state = { n = { int = 6 } }
shared = { total = { int = 42 } }

[[event.sent]]
to = "+46700000003"
text = "WM1 CLOSE"
receipt = true
delay = "5m"
[[event.timers]]
set = "escalate"
in = "2m"
payload = "text"
[[event.timers]]
cancel = "other"
[[event.http]]
method = "POST"
url = "https://api.example.net/report"
tag = "report"
json = { litres = 12 }
[[event.log]]
level = "warn"
contains = "low battery"

[[event]]
timer = "escalate"
outcome = "reject"
why = "too late"

[[event]]
receipt = { of = 1, state = "delivered", error = "001" }

[[event]]
http_reply = { tag = "report", status = 200, body = "ok" }

[[event]]
request = { name = "issue", json = { digits = 6 } }
response = { status = 200, json = { sent = true } }

[[event]]
check = true

[[event]]
mo = { hex = "0102", to = "7003", tlvs = { "1400" = "ff" } }
outcome = "retry 1500"

[[event]]
again = true
sent = [{ to = "+46700000003", text = "inline" }]
"##;

fn read(text: &str) -> Result<Case, CaseError> {
    case(text, Path::new("cases/leak.toml"))
}

#[track_caller]
fn refused(text: &str) -> (usize, String) {
    let error = read(text).expect_err("it is wrong");
    assert_eq!(error.file, Path::new("cases/leak.toml"));
    (error.line, error.what)
}

#[test]
fn all_of_the_format_is_read() {
    let case = read(FULL).expect("right");
    assert_eq!((case.name.as_str(), case.events.len()), ("a leak closes the valve", 8));
    let given = &case.given;
    assert_eq!(lapse::time_text(given.now), "2026-03-01T08:00:00Z");
    assert_eq!((given.device.to_string(), given.number.to_string()), ("+46700000004".into(), "7002".into()));
    assert_eq!(given.state["last"], Octets::Json(value!({ "litres": 12 })));
    assert_eq!((&given.state["raw"], &given.state["n"]), (&Octets::Hex(vec![0, 1]), &Octets::Int(5)));
    assert_eq!((given.limits.deadline_ms, given.limits.memory_mib), (Some(50), None));

    let first = &case.events[0];
    assert_eq!((first.line, first.after_ms), (18, 90_000));
    assert_eq!(first.expect.outcome, At { line: 18, is: Wanted::Done });
    assert_eq!(first.expect.state.as_ref().map(|state| state.line), Some(21));
    let sent = &first.expect.sent[0];
    assert_eq!((sent.line, sent.body.as_ref().map(|body| body.line)), (24, Some(26)));
    assert_eq!(sent.delay_ms, Some(At { line: 28, is: 300_000 }));
    assert_eq!(first.expect.timers[1].change, TimerChange::Cancel);
    assert_eq!(first.expect.log.as_ref().map(|log| log.is.len()), Some(1));

    let triggers: Vec<Option<Handler>> = case.events.iter().map(|event| event.trigger.handler()).collect();
    let [mo, timer, receipt, http] = [Handler::Mo, Handler::Timer, Handler::Receipt, Handler::Http].map(Some);
    let [request, check] = [Handler::Request, Handler::Check].map(Some);
    assert_eq!(triggers, [mo, timer, receipt, http, request, check, mo, None]);
    let Trigger::Mo { body, to, tlvs, .. } = &case.events[6].trigger else { panic!("an MO") };
    assert_eq!((body, tlvs), (&Body::Binary(vec![1, 2]), &vec![(0x1400, vec![0xff])]));
    assert_eq!(to.as_ref().map(ToString::to_string), Some("7003".into()));
    assert_eq!(case.events[6].expect.outcome.is, Wanted::Retry(Some(1500)));
    assert_eq!(case.events[7].expect.sent.len(), 1);
}

#[test]
fn what_is_absent_has_a_default() {
    let case = read("[[event]]\nmo = 'hi'\n").expect("right");
    assert_eq!(case.name, "leak");
    assert_eq!(case.given.device.to_string(), "+46700000003");
    assert_eq!(lapse::time_text(case.given.now), "2026-01-01T00:00:00Z");
}

#[test]
fn a_mistake_is_told_with_its_line_and_the_nearest_key() {
    for (text, line, said) in [
        ("[given]\nnumbr = '7001'\n", 2, "unknown key \"numbr\" in [given]; did you mean \"number\"?"),
        (
            "[[event]]\nmo = 'x'\n[[event.sent]]\ntxt = 'x'\n",
            4,
            "unknown key \"txt\" in [[event.sent]]; did you mean \"text\"?",
        ),
        ("[[event]]\nmo = 'x'\nzzzzzz = 1\n", 3, "unknown key \"zzzzzz\" in [[event]]; known here: mo, timer,"),
        (
            "[[event]]\nsent = []\n",
            1,
            "an event has exactly one of mo, timer, receipt, http_reply, request, check, again; this one has none",
        ),
        ("[[event]]\nmo = 'x'\ntimer = 'y'\n", 1, "this one has mo and timer"),
        ("[[event]]\nmo = 'x'\nafter = '5 minutes'\n", 3, "after: \"5 minutes\" is no span of time"),
        ("[[event]]\nmo = 'x'\noutcome = 'fail'\n", 3, "outcome: \"fail\" is none of done,"),
        ("[[event]]\nmo = 'x'\nwhy = 'because'\n", 3, "only \"reject\" and \"broken\" have a reason"),
        ("[[event]]\nmo = 'x'\nresponse = { status = 200 }\n", 3, "only a request has a response"),
        (
            "[[event]]\nreceipt = { of = 1, state = 'delivred' }\n",
            2,
            "state: no state \"delivred\"; did you mean \"delivered\"?",
        ),
        ("[[event]]\nreceipt = { of = 0, state = 'unknown' }\n", 2, "of counts from 1"),
        ("[[event]]\nhttp_reply = { status = 200 }\n", 2, "http_reply needs the tag"),
        ("[[event]]\nmo = 5\n", 2, "mo is a table, not an integer"),
        ("[[event]]\nmo = { text = 'a', hex = '01' }\n", 2, "an MO has either text or hex"),
        ("[[event]]\nagain = true\n", 1, "again: there is no event before this one"),
        ("[given]\nstate = { n = { init = 5 } }\n", 2, "unknown key \"init\" in a value; did you mean \"int\"?"),
        ("[given]\ndevice = '7001'\n", 2, "device: \"7001\" is no device"),
        ("[given]\ntags = 'pilot'\n", 2, "tags of [given] is a list of texts, not a string"),
        ("[given]\n[given.limits]\ndeadline_ms = -1\n", 3, "deadline_ms of [given.limits]: -1 is out of range"),
        ("[[event]]\nmo = 'x'\n[[event.timers]]\nin = '5s'\n", 3, "a timer is either set or cancelled"),
        (
            "[[event]]\nmo = 'x'\n[[event.http]]\nbody = 'a'\njson = {}\n",
            4,
            "body: one of json, body and hex is enough",
        ),
        ("name = 'x'\n", 1, "no [[event]] in it"),
        ("name = \n", 1, ""),
    ] {
        let (at, what) = refused(text);
        assert!(what.contains(said), "{text}: {what}");
        assert_eq!(at, line, "{text}: {what}");
    }
}
