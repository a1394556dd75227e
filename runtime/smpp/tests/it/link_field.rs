//! Streams and sequences that peers in service really produce, numbered as the interoperability
//! notes number them. Bodies are in `body_field`, binds in `bind`.

use std::time::Duration;

use wasmsc_smpp::*;

use crate::pdu;
use crate::peer::{BIND, SUBMIT, Solo, message};

const ENQUIRE_LINK: &str = "00000010 00000015 00000000 00000009 ";
const ENQUIRE_LINK_RESP: &str = "00000010 80000015 00000000 00000009";

#[test]
fn row_1_stream_that_is_not_smpp_gets_one_nack_and_is_closed() {
    let rows = [
        (&b"HTTP/1.1 200 OK\r\n\r\n"[..], 0x4854_5450),
        (b"GET / HTTP/1.1\r\nHost: smsc\r\n\r\n", 0x4745_5420),
        (b"\x16\x03\x01\x02\x00\x01", 0x1603_0102), // TLS
        (b"\x00\x00\x00\x0F", 15),
        (b"\x00\x00\x00\x00", 0),
        (b"\xFF\xFF\xFF\xFF", u32::MAX),
        (b"\x00\x02\x00\x01", 131_073),
    ];
    for (octets, command_length) in rows {
        for mut solo in [Solo::smsc(), Solo::smsc_bound(), Solo::esme_bound()] {
            let closed = Event::Closed(CloseReason::BadFrame(command_length));
            assert_eq!(solo.feed(octets), [closed]);
            assert_eq!(solo.sent(), hex!("00000010 80000000 00000002 00000000"));
            assert_eq!(solo.feed(&hex!(ENQUIRE_LINK)), []);
            assert!(solo.sent().is_empty(), "nothing is read any more");
        }
    }
}

#[test]
fn row_3_pdu_in_single_octets_and_several_in_one_read_are_the_same() {
    let stream = hex!(SUBMIT, ENQUIRE_LINK, SUBMIT);
    let mut at_once = Solo::smsc_bound();
    let expected = at_once.feed(&stream);
    assert_eq!(expected.len(), 2);
    let mut by_octet = Solo::smsc_bound();
    let events: Vec<Event> = stream.chunks(1).flat_map(|octet| by_octet.feed(octet)).collect();
    assert_eq!(events, expected);
    assert_eq!(by_octet.sent(), hex!(ENQUIRE_LINK_RESP));
}

#[test]
fn row_4_unknown_command_costs_a_nack_and_the_bind_stays() {
    // smpplib's 0x3177, vendor ranges, reserved numbers, a vendor response.
    for command_id in [0x3177, 0x0001_0200, 0x8001_0200, 0x104, 0x0A, 0x22, 0, u32::MAX] {
        let mut smsc = Solo::smsc_bound();
        assert_eq!(smsc.feed(&pdu(command_id, 0, 0x77, b"whatever")), []);
        assert_eq!(smsc.sent(), hex!("00000010 80000000 00000003 00000077"));
        assert!(matches!(smsc.feed(&hex!(SUBMIT))[..], [Event::Request { .. }]));
    }
}

#[test]
fn row_5_body_where_none_belongs_is_ignored() {
    let mut smsc = Solo::smsc_bound();
    assert_eq!(smsc.feed(&pdu(0x15, 0, 9, b"\0")), []);
    assert_eq!(smsc.sent(), hex!(ENQUIRE_LINK_RESP));
    assert_eq!(smsc.feed(&pdu(0x8000_0015, 0, 9, b"\0junk")), []);
    assert_eq!(smsc.feed(&pdu(0x8000_0000, 3, 9, b"\0\0\0\0\0\0\0\0")), []);
    assert!(smsc.sent().is_empty());
    let events = smsc.feed(&pdu(6, 0, 10, b"bye\0"));
    assert_eq!(events, [Event::Unbound, Event::Closed(CloseReason::Unbound)]);
}

#[test]
fn row_6_enquire_link_before_the_bind_is_answered() {
    let mut smsc = Solo::smsc();
    assert_eq!(smsc.feed(&hex!(ENQUIRE_LINK)), []);
    assert_eq!(smsc.sent(), hex!(ENQUIRE_LINK_RESP));
    smsc.bind_as(BIND);

    let mut esme = Solo::new(SessionConfig::esme());
    esme.session.bind(BindMode::Receiver, Bind::default(), esme.now);
    esme.sent();
    esme.feed(&hex!(ENQUIRE_LINK));
    assert_eq!(esme.sent(), hex!(ENQUIRE_LINK_RESP));
}

#[test]
fn row_7_any_sequence_number_is_echoed() {
    let mut smsc = Solo::smsc_bound();
    for number in [0, 0, 0x7FFF_FFFF, 0x8000_0000, u32::MAX, 5, 5] {
        smsc.feed(&pdu(0x15, 0, number, b""));
        assert_eq!(smsc.sent(), pdu(0x8000_0015, 0, number, b""));
        let body = &hex!(SUBMIT)[16..];
        let events = smsc.feed(&pdu(4, 0, number, body));
        let [Event::Request { sequence_number, .. }] = events[..] else { panic!("{events:?}") };
        assert_eq!(sequence_number, number);
        let status = CommandStatus::ESME_ROK;
        smsc.session.respond_sm(number, CommandId::SUBMIT_SM, status, b"");
        assert_eq!(smsc.sent(), pdu(0x8000_0004, 0, number, b"\0"));
    }
}

#[test]
fn row_25_unknown_status_keeps_its_number() {
    for status in [0x400, 0x4FF, 0x100, 0x3FF, u32::MAX] {
        let mut smsc = Solo::smsc_bound();
        let number = smsc.session.request(Body::DeliverSm(message("hi")), smsc.now).unwrap();
        let events = smsc.feed(&pdu(0x8000_0005, status, number, b""));
        let [Event::Response { command_status, .. }] = events[..] else { panic!("{events:?}") };
        assert_eq!(command_status, CommandStatus(status));
        assert!(!command_status.is_ok());
    }
}

#[test]
fn row_27_generic_nack_resolves_the_request_it_answers() {
    // A nack that says OK is still a refusal.
    for (sent, seen) in [(3, 3), (0, 0xFF)] {
        let mut smsc = Solo::smsc_bound();
        let number = smsc.session.request(Body::DeliverSm(message("hi")), smsc.now).unwrap();
        assert_eq!(smsc.feed(&pdu(0x8000_0000, sent, 0, b"")), [], "not ours");
        assert_eq!(
            smsc.feed(&pdu(0x8000_0000, sent, number, b"")),
            [Event::Response { sequence_number: number, command_status: CommandStatus(seen), body: Body::GenericNack }]
        );
        assert_eq!(smsc.session.outstanding(), 0);
    }
}

#[test]
fn row_28_one_octet_per_second_does_not_keep_a_connection() {
    let mut smsc = Solo::smsc();
    let mut events = Vec::new();
    for octet in hex!(BIND).chunks(1) {
        events.extend(smsc.feed(octet));
        events.extend(smsc.advance(Duration::from_secs(1)));
    }
    assert_eq!(events, [Event::Closed(CloseReason::SessionInitTimeout)]);

    let mut smsc = Solo::smsc_bound();
    let mut events = Vec::new();
    for octet in hex!(SUBMIT).chunks(1) {
        events.extend(smsc.feed(octet));
        events.extend(smsc.advance(Duration::from_secs(1)));
    }
    assert_eq!(events, [Event::Closed(CloseReason::HalfPdu)]);
}

#[test]
fn row_28_half_a_pdu_then_silence_is_closed_after_the_response_timeout() {
    let mut smsc = Solo::smsc_bound();
    smsc.feed(&hex!(SUBMIT)[..20]);
    let timeout = SessionConfig::smsc().response_timeout;
    assert_eq!(smsc.advance(timeout - Duration::from_millis(1)), []);
    let closed = Event::Closed(CloseReason::HalfPdu);
    assert_eq!(smsc.advance(Duration::from_millis(1)), [closed]);
}

#[test]
fn whole_pdus_that_always_leave_a_rest_do_not_look_like_half_a_pdu() {
    let mut smsc = Solo::smsc_bound();
    let stream = hex!(ENQUIRE_LINK).repeat(120);
    for part in stream.chunks(15) {
        assert!(smsc.feed(part).is_empty());
        assert_eq!(smsc.advance(Duration::from_secs(1)), []);
    }
    assert!(smsc.session.is_bound());
}
