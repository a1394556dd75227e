use std::path::Path;

use bytes::Bytes;
use wasmsc_smpp::DataCoding;

use super::*;
use crate::cases::case::{At, Case, Trigger};
use crate::cases::read_case;
use crate::device::Device;
use crate::feed::Level;
use crate::message::{Class, Content, Message, MessageId};
use crate::occasion::{
    FiredTimer, HttpCall, HttpReply, Outgoing, Request, Response, SharedWrite, TimerChange, TimerSet,
};
use crate::recorded::{Listing, Logged, Read};

const NOW: Timestamp = Timestamp(1_795_447_800_250);
const ID: MessageId = MessageId { event: 0x1a20_9002_b4d0_0000, index: 0 };

fn device() -> Address {
    Address::Msisdn("46701234567".into())
}

fn number() -> Address {
    Address::ShortCode("7001".into())
}

fn call(occasion: Occasion, content: Content, did: Did) -> Recorded {
    let message = Message { source: device(), destination: number(), content, received_at: NOW };
    Recorded {
        customer: "acme".into(),
        rule: "alarm".into(),
        at: NOW.plus_ms(3),
        version: "sha256:ab".into(),
        log: vec![Logged { level: Level::Warn, text: "low".into(), fields: vec![("at".into(), "3".into())] }],
        before: Before {
            id: ID,
            attempt: 2,
            occasion,
            message,
            seed: [7; 32],
            state: Some(vec![
                ("armed".into(), Bytes::from_static(b"{\"since\": 1.50}")),
                ("n".into(), Bytes::copy_from_slice(&5_i64.to_le_bytes())),
                ("raw".into(), Bytes::from_static(&[0, 255])),
            ]),
            timers: vec![("night".into(), NOW.plus_ms(60_000))],
            device: Device {
                tags: ["hall-3".to_owned()].into(),
                attributes: [("site".to_owned(), "Hall \"3\"".to_owned())].into(),
                ..Device::default()
            },
            room: Some(900),
        },
        read: Read {
            shared: recorded::Asked {
                values: vec![("total".into(), Some(Bytes::from_static(b"9"))), ("gone".into(), None)],
                listings: vec![Listing { prefix: "t".into(), after: None, limit: 101, found: vec!["total".into()] }],
            },
            verdicts: vec![
                (number(), device(), None),
                (Address::Alphanumeric("ACME".into()), device(), None),
                (number(), Address::Msisdn("46709999999".into()), Some("refused".into())),
            ],
            too_many: Some(3),
            ..Read::default()
        },
        with: With {
            config: [("code".to_owned(), "1234\n#x".to_owned())].into(),
            secrets: vec!["token".into()],
            http_hosts: vec!["api.example.net".into()],
            deadline_ms: 100,
            memory_mib: 64,
            messages_max: 20,
            state_kib: 64,
            timers_max: 32,
            http_calls_max: 4,
        },
        ended: Ended::Done(Box::new(did)),
    }
}

#[track_caller]
fn read(call: &Recorded) -> (Case, String) {
    let text = recording(call).case;
    (read_case(&text, Path::new("c.toml")).unwrap_or_else(|error| panic!("{error}\n{text}")), text)
}

fn text(text: &str) -> Content {
    events::content(&Body::Text(text.into()), None)
}

#[test]
fn a_recorded_mo_reads_back_as_all_that_it_was_given() {
    let (case, text) = read(&call(Occasion::Mo, text("ARM 1234 å"), Did::default()));
    let given = &case.given;
    assert_eq!((given.now, &given.device, &given.number), (NOW, &device(), &number()));
    assert_eq!(given.state["armed"].to_vec(), b"{\"since\": 1.50}", "octet for octet");
    assert_eq!((given.state["n"].to_vec(), given.state["raw"].to_vec()), (5_i64.to_le_bytes().to_vec(), vec![0, 255]));
    assert_eq!(given.shared.keys().collect::<Vec<_>>(), ["total"]);
    assert_eq!((&given.senders[..], given.refused.len()), (&["ACME".to_owned()][..], 1));
    assert_eq!((given.limits.messages_max, given.limits.state_room), (Some(2), Some(900)));
    assert_eq!((&*given.config["code"], &*given.secrets["token"]), ("1234\n#x", "secret-token"));
    assert_eq!((&*given.attributes["site"], given.tags.contains("hall-3")), ("Hall \"3\"", true));
    assert_eq!((given.timers[0].name.as_str(), given.timers[0].at), ("night", NOW.plus_ms(60_000)));
    let event = &case.events[0];
    assert_eq!((event.identity.id, event.identity.attempt, event.identity.seed), (Some(ID), Some(2), Some([7; 32])));
    let Trigger::Mo { body: Body::Text(said), coding: None, .. } = &event.trigger else { panic!("{text}") };
    assert_eq!(said, "ARM 1234 å");
    assert!(text.contains("mo = \"ARM 1234 å\"\n"), "{text}");
}

#[test]
fn an_mo_in_a_coding_of_its_own_stays_in_it() {
    let ucs2 = Content::new(DataCoding(8), &Default::default(), Bytes::from_static(b"\0a\0b"));
    let (case, text) = read(&call(Occasion::Mo, ucs2.clone(), Did::default()));
    let Trigger::Mo { body, coding, .. } = &case.events[0].trigger else { panic!("{text}") };
    let again = events::content(body, *coding);
    assert_eq!((again.data_coding, again.octets), (8, ucs2.octets));
}

#[test]
fn what_a_call_did_is_expected_of_it() {
    let message = Message { source: number(), destination: device(), content: text("ok"), received_at: NOW };
    let set = TimerSet { id: ID.effect(1), due: NOW.plus_ms(90_000) };
    let did = Did {
        state: vec![("n".into(), Some(6_i64.to_le_bytes().to_vec().into())), ("raw".into(), None)],
        messages: vec![Outgoing { tag: "t".into(), class: Class(1), ..Outgoing::plain(message) }],
        timers: vec![
            (
                "next".into(),
                TimerChange::Set { before: None, now: set, payload: Bytes::from_static(b"p"), number: number() },
            ),
            ("night".into(), TimerChange::Gone { before: Some(set) }),
        ],
        shared: vec![("total".into(), SharedWrite::Put(Bytes::from_static(b"10")))],
        calls: vec![HttpCall {
            method: "POST".into(),
            url: "https://api.example.net/".into(),
            headers: vec![("x-a".into(), "1".into())],
            body: Some(Bytes::from_static(b"{\"a\":1}")),
            authorization: Some("token".into()),
            tag: "h".into(),
        }],
        response: None,
    };
    let (case, text) = read(&call(Occasion::Mo, text("ARM"), did));
    let expect = &case.events[0].expect;
    let state = &expect.state.as_ref().expect("written").is;
    assert_eq!(
        (state.keys().collect::<Vec<_>>(), state["n"].to_vec()[0]),
        (vec![&"armed".to_owned(), &"n".to_owned()], 6)
    );
    assert_eq!(expect.shared.as_ref().expect("written").is["total"].to_vec(), b"10");
    assert_eq!(expect.sent[0].tag, Some(At { line: expect.sent[0].tag.as_ref().expect("a tag").line, is: "t".into() }));
    assert_eq!(expect.sent[0].priority.as_ref().map(|at| at.is), Some(2), "{text}");
    assert_eq!(expect.timers.iter().map(|timer| timer.name.as_str()).collect::<Vec<_>>(), ["next", "night"]);
    assert_eq!((expect.http[0].headers.len(), expect.http[0].authorization.is_some()), (1, true));
}

#[test]
fn every_occasion_reads_back() {
    let fired =
        FiredTimer { name: "due".into(), id: ID, due_at: Timestamp(NOW.0 - 5), payload: Bytes::from_static(b"p") };
    let (case, text) = read(&call(Occasion::Timer(Box::new(fired)), Content::default(), Did::default()));
    assert_eq!(case.events[0].trigger, Trigger::Timer("due".into()), "{text}");
    let timer = case.given.timers.iter().find(|timer| timer.name == "due").expect("given");
    assert_eq!((timer.at, timer.payload.to_vec()), (Timestamp(NOW.0 - 5), b"p".to_vec()));

    let receipt = RuleReceipt {
        message_id: ID.effect(3),
        tag: "".into(),
        recipient: device(),
        state: 2,
        error: 17,
        done_at: Timestamp(NOW.0 - 9),
    };
    let (case, text) = read(&call(Occasion::Receipt(Box::new(receipt)), Content::default(), Did::default()));
    let Trigger::ReceiptOf(receipt) = &case.events[0].trigger else { panic!("{text}") };
    assert_eq!((receipt.message_id, &*receipt.state, receipt.error), (ID.effect(3), "delivered", Some(17)));
    assert_eq!((receipt.tag.as_ref(), receipt.done_at), (None, Some(Timestamp(NOW.0 - 9))));

    let reply = HttpReply { tag: "h".into(), status: Some(200), body: Bytes::from_static(&[0, 1]) };
    let (case, text) = read(&call(Occasion::HttpReply(Box::new(reply)), Content::default(), Did::default()));
    let Trigger::HttpReply { status: Some(200), body, .. } = &case.events[0].trigger else { panic!("{text}") };
    assert_eq!((&body[..], &case.given.http_calls[..]), (&[0, 1][..], &["h".to_owned()][..]));

    let request = Request { name: "issue".into(), body: Bytes::from_static(b"{\"a\": 1}") };
    let answer = Response { status: 200, body: Bytes::from_static(b"{}") };
    let did = Did { response: Some(answer), ..Did::default() };
    let (case, text) = read(&call(Occasion::Request(Box::new(request)), Content::default(), did));
    let Trigger::Request { name, body } = &case.events[0].trigger else { panic!("{text}") };
    assert_eq!((&**name, &body[..]), ("issue", &b"{\"a\": 1}"[..]));
    assert_eq!(case.events[0].expect.response.as_ref().and_then(|r| r.status.as_ref()).map(|at| at.is), Some(200));
}

#[test]
fn a_call_that_failed_is_expected_to_fail() {
    let trap = "error while executing at wasm backtrace:\n  0: f\n\nCaused by:\n  wasm trap: unreachable";
    let broken = Ended::Broken { why: trap.into(), backtrace: "".into() };
    for (ended, outcome, why) in [
        (broken, "broken", Some("wasm trap: unreachable")),
        (Ended::Reject("no\nmore".into()), "reject", Some("no")),
        (Ended::Retry(Some(1_500)), "retry 1500", None),
        (Ended::Retry(None), "retry", None),
    ] {
        let (case, text) = read(&Recorded { ended, ..call(Occasion::Mo, text("x"), Did::default()) });
        let expect = &case.events[0].expect;
        assert_eq!(
            (expect.outcome.is.to_string().as_str(), expect.why.as_ref().map(|at| &*at.is)),
            (outcome, why),
            "{text}"
        );
    }
}

#[test]
fn what_is_known_of_a_large_state_is_what_was_asked() {
    let mut call = call(Occasion::Mo, text("x"), Did::default());
    assert_eq!(recording(&call).known.state, None, "all of it is given");
    call.read.state = recorded::Asked {
        values: vec![("a".into(), None)],
        listings: vec![Listing { prefix: "b".into(), after: None, limit: 2, found: vec!["b1".into(), "b2".into()] }],
    };
    call.before.state = None;
    let Recording { case, known, .. } = recording(&call);
    let state = known.state.expect("in part");
    assert!(state.names.contains("a") && !state.listings[0].is_all, "{state:?}");
    assert_eq!(known.judged.len(), 3);
    assert!(case.contains("more state than is kept") && case.contains("b1 = \"\""), "{case}");
}

#[test]
fn a_rule_that_has_no_number_writes_under_its_name() {
    let mut call = call(
        Occasion::Request(Box::new(Request { name: "issue".into(), body: Bytes::new() })),
        Content::default(),
        Did::default(),
    );
    call.before.message.destination = Address::Alphanumeric("ACME".into());
    let (case, text) = read(&call);
    let house = crate::cases::house::House::of_case(&case, Path::new("x.wasm"));
    let rule = house.unwrap_or_else(|error| panic!("{error}\n{text}")).rule;
    assert_eq!((rule.sender().map(|sender| sender.to_string()), rule.numbers.len()), (Some("ACME".to_owned()), 0));
}
