//! Binding: who may, when, and what is judged by it.

use std::time::Duration;

use bytes::Bytes;
use wasmsc_smpp::*;

use crate::pdu;
use crate::peer::{BIND, BIND_RESP, DELIVER, SUBMIT, Solo};

/// A bind of any command and version by "esme".
fn bind_pdu(command_id: u32, version: u8) -> Bytes {
    let body = [&b"esme\0pw\0\0"[..], &[version, 1, 1, 0]].concat();
    pdu(command_id, 0, 1, &body)
}

#[test]
fn bind_is_asked_and_answered_with_our_name_and_version() {
    let mut smsc = Solo::smsc();
    let events = smsc.feed(&hex!(BIND));
    let [Event::BindRequest { mode, sequence_number, bind }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((*mode, *sequence_number), (BindMode::Transceiver, 1));
    assert_eq!((&bind.system_id[..], &bind.password[..]), (&b"esme"[..], &b"pw"[..]));
    assert!(!smsc.session.is_bound());
    smsc.session.accept_bind(b"smsc");
    assert_eq!(smsc.sent(), hex!(BIND_RESP));
    assert!(smsc.session.is_bound() && smsc.session.can_deliver());
}

#[test]
fn submit_before_the_bind_is_refused_and_the_connection_stays() {
    let mut smsc = Solo::smsc();
    assert_eq!(smsc.feed(&hex!(SUBMIT)), []);
    assert_eq!(smsc.sent(), hex!("00000010 80000004 00000004 00000002")); // ESME_RINVBNDSTS
    smsc.bind_as(BIND);
    assert!(smsc.session.is_bound());
}

#[test]
fn second_bind_is_already_bound_and_the_bind_stays() {
    let mut smsc = Solo::smsc_bound();
    for (command_id, resp) in [(1, "80000001"), (2, "80000002"), (9, "80000009")] {
        assert_eq!(smsc.feed(&bind_pdu(command_id, 0x34)), []);
        assert_eq!(smsc.sent(), hex!("00000010", resp, "00000005 00000001")); // ESME_RALYBND
    }
    assert!(matches!(smsc.feed(&hex!(SUBMIT))[..], [Event::Request { .. }]));
}

#[test]
fn bind_mode_decides_who_may_send_what() {
    // Command of the bind, may submit, may receive.
    let rows = [(1, false, true), (2, true, false), (9, true, true)];
    for (command_id, may_submit, may_receive) in rows {
        let mut smsc = Solo::smsc();
        smsc.feed(&bind_pdu(command_id, 0x34));
        smsc.session.accept_bind(b"smsc");
        smsc.sent();
        let events = smsc.feed(&hex!(SUBMIT));
        assert_eq!(matches!(events[..], [Event::Request { .. }]), may_submit);
        if !may_submit {
            assert_eq!(smsc.sent(), hex!("00000010 80000004 00000004 00000002"));
        }
        assert_eq!(smsc.session.can_deliver(), may_receive);
        let request = smsc.session.request(Body::DeliverSm(Sm::default()), smsc.now);
        assert_eq!(request, if may_receive { Ok(1) } else { Err(RequestError::WrongMode) });
    }
}

#[test]
fn network_that_may_submit_may_also_hand_over_deliver_sm() {
    // A network that carries devices speaks as an SMSC does; a receiver may send neither.
    for (command_id, is_served) in [(1, false), (2, true), (9, true)] {
        let mut smsc = Solo::smsc();
        smsc.feed(&bind_pdu(command_id, 0x34));
        smsc.session.accept_bind(b"smsc");
        smsc.sent();
        let events = smsc.feed(&hex!(DELIVER));
        assert_eq!(matches!(events[..], [Event::Request { body: Body::DeliverSm(_), .. }]), is_served);
        let refused = hex!("00000010 80000005 00000004 00000002"); // ESME_RINVBNDSTS
        assert_eq!(smsc.sent(), if is_served { Bytes::new() } else { refused });
    }
}

#[test]
fn embedder_cannot_send_what_its_side_does_not() {
    let mut smsc = Solo::smsc_bound();
    let submit = smsc.session.request(Body::SubmitSm(Sm::default()), smsc.now);
    assert_eq!(submit, Err(RequestError::WrongMode));
    for body in [Body::EnquireLink, Body::UnbindResp, Body::SubmitSmResp(SmResp::default())] {
        assert_eq!(smsc.session.request(body, smsc.now), Err(RequestError::NotARequest));
    }
    assert!(smsc.sent().is_empty());
}

#[test]
fn submits_behind_the_bind_are_judged_by_it() {
    // Pitfall 3: everything in one read.
    let mut smsc = Solo::smsc();
    let events = smsc.feed(&hex!(BIND, SUBMIT, SUBMIT));
    assert!(matches!(events[..], [Event::BindRequest { .. }]), "{events:?}");
    assert_eq!(smsc.events(), [], "nothing is read before the answer");
    smsc.session.accept_bind(b"smsc");
    assert!(matches!(smsc.events()[..], [Event::Request { .. }, Event::Request { .. }]));
}

#[test]
fn submits_behind_a_refused_bind_are_not_served() {
    let mut smsc = Solo::smsc();
    smsc.feed(&hex!(BIND, SUBMIT));
    smsc.session.reject_bind(CommandStatus::ESME_RINVPASWD);
    assert_eq!(smsc.events(), [Event::Closed(CloseReason::BindRejected)]);
}

#[test]
fn ten_thousand_pdus_behind_the_bind_are_served_in_order() {
    let mut stream = hex!(BIND).to_vec();
    let submit = hex!(SUBMIT);
    for sequence_number in 2..10_002u32 {
        stream.extend_from_slice(&submit[..12]);
        stream.extend_from_slice(&sequence_number.to_be_bytes());
        stream.extend_from_slice(&submit[16..]);
    }
    let mut smsc = Solo::smsc();
    smsc.feed(&stream);
    smsc.session.accept_bind(b"smsc");
    let numbers: Vec<u32> = smsc
        .events()
        .into_iter()
        .map(|event| match event {
            Event::Request { sequence_number, .. } => sequence_number,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(numbers.into_iter().eq(2..10_002));
    assert_eq!(smsc.session.unanswered(), 10_000);
}

#[test]
fn rejected_bind_gets_its_response_before_the_close() {
    // Pitfall 30.
    let mut smsc = Solo::smsc();
    smsc.feed(&hex!(BIND));
    smsc.session.reject_bind(CommandStatus::ESME_RINVPASWD);
    assert_eq!(smsc.sent(), hex!("00000010 80000009 0000000E 00000001"));
    assert_eq!(smsc.events(), [Event::Closed(CloseReason::BindRejected)]);
    assert_eq!(smsc.events(), [], "closed comes once");
    assert_eq!(smsc.session.close_reason(), Some(CloseReason::BindRejected));
    assert_eq!(smsc.session.next_deadline(), None);
}

#[test]
fn long_names_and_odd_versions_bind() {
    // Pitfall 10: version sent, normalised, whether the response may carry a TLV.
    let rows = [(0x00, 0x33), (0x31, 0x33), (0x33, 0x33), (0x34, 0x34), (0x35, 0x34), (0x50, 0x50), (0x51, 0x50)];
    for (sent, normalised) in rows {
        let mut smsc = Solo::smsc();
        smsc.feed(&bind_pdu(9, sent));
        smsc.session.accept_bind(b"smsc");
        assert_eq!(smsc.session.peer_version(), Some(InterfaceVersion(normalised)));
        assert_eq!(smsc.sent().len(), if normalised >= 0x34 { 26 } else { 21 });
    }
    let body = [&[b'i'; 64][..], &[0], &[b'p'; 100], b"\0junk \xFF\0\x34\x01\x01\0"].concat();
    let mut smsc = Solo::smsc();
    let events = smsc.feed(&pdu(9, 0, 1, &body));
    let [Event::BindRequest { bind, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!((bind.system_id.len(), bind.password.len()), (64, 100));
}

#[test]
fn bind_beyond_our_limits_is_refused_by_the_field_and_may_be_tried_again() {
    let body = [&[b'i'; 65][..], b"\0pw\0\0\x34\x01\x01\0"].concat();
    let mut smsc = Solo::smsc();
    assert_eq!(smsc.feed(&pdu(9, 0, 1, &body)), []);
    assert_eq!(smsc.sent(), hex!("00000010 80000009 0000000F 00000001")); // ESME_RINVSYSID
    smsc.bind_as(BIND);
    assert!(smsc.session.is_bound());
}

#[test]
fn peer_that_never_binds_is_closed() {
    let mut smsc = Solo::smsc();
    assert_eq!(smsc.advance(Duration::from_millis(4_999)), []);
    // Probing does not buy time.
    smsc.feed(&hex!("00000010 00000015 00000000 00000001"));
    let closed = [Event::Closed(CloseReason::SessionInitTimeout)];
    assert_eq!(smsc.advance(Duration::from_millis(1)), closed);
}

#[test]
fn esme_learns_that_its_bind_was_refused() {
    // With and without a body (pitfall 8), and by generic_nack (pitfall 27).
    let rows = [
        "00000010 80000009 0000000D 00000001",
        "00000015 80000009 0000000D 00000001 736D736300",
        "00000010 80000000 0000000D 00000001",
    ];
    for refusal in rows {
        let mut esme = Solo::new(SessionConfig::esme());
        esme.session.bind(BindMode::Transceiver, Bind::default(), esme.now);
        let refused = Event::BindRefused { command_status: CommandStatus::ESME_RBINDFAIL };
        let closed = Event::Closed(CloseReason::BindRejected);
        assert_eq!(esme.feed(&hex!(refusal)), [refused, closed]);
    }
}

#[test]
fn esme_whose_bind_is_not_answered_gives_up() {
    let mut esme = Solo::new(SessionConfig::esme());
    esme.session.bind(BindMode::Receiver, Bind::default(), esme.now);
    let events = esme.advance(SessionConfig::esme().session_init_timeout);
    assert_eq!(events, [Event::Closed(CloseReason::SessionInitTimeout)]);
}

#[test]
fn esme_is_not_bound_by_somebody_elses_response_nor_bindable_itself() {
    let mut esme = Solo::new(SessionConfig::esme());
    esme.session.bind(BindMode::Transceiver, Bind::default(), esme.now);
    esme.sent();
    assert_eq!(esme.feed(&hex!("00000015 80000009 00000000 00000009 736D736300")), []);
    assert!(!esme.session.is_bound());
    assert_eq!(esme.feed(&hex!(BIND)), []);
    assert_eq!(esme.sent(), hex!("00000010 80000009 00000004 00000001")); // ESME_RINVBNDSTS
    // No body, so no name and no version, and we asked for 3.3.
    let bound = Event::Bound { system_id: Bytes::new() };
    assert_eq!(esme.feed(&hex!("00000010 80000009 00000000 00000001")), [bound]);
    assert_eq!(esme.session.peer_version(), Some(InterfaceVersion::V3_3));
}

#[test]
fn centre_that_accepts_a_transceiver_and_does_not_say_its_version_speaks_3_4() {
    let mut esme = Solo::new(SessionConfig::esme());
    let bind = Bind { interface_version: InterfaceVersion::V3_4, ..Bind::default() };
    esme.session.bind(BindMode::Transceiver, bind, esme.now);
    esme.sent();
    esme.feed(&hex!("00000010 80000009 00000000 00000001"));
    assert_eq!(esme.session.peer_version(), Some(InterfaceVersion::V3_4));
}

#[test]
fn esme_and_centre_speak_the_older_of_their_versions() {
    for (asked, said, spoken) in [
        (0x33, "34", 0x33),
        (0x33, "50", 0x33),
        (0x34, "33", 0x33),
        (0x34, "34", 0x34),
        (0x34, "50", 0x34),
        (0x50, "34", 0x34),
        (0x50, "50", 0x50),
    ] {
        let mut esme = Solo::new(SessionConfig::esme());
        let bind = Bind { interface_version: InterfaceVersion(asked), ..Bind::default() };
        esme.session.bind(BindMode::Transceiver, bind, esme.now);
        esme.feed(&hex!("00000016 80000009 00000000 00000001 00 0210 0001 ", said));
        assert!(esme.session.is_bound());
        assert_eq!(esme.session.peer_version(), Some(InterfaceVersion(spoken)), "{asked:#x}, {said}");
    }
}

#[test]
fn centre_that_does_not_say_its_version_to_a_transmitter_speaks_3_3() {
    let mut esme = Solo::new(SessionConfig::esme());
    esme.session.bind(BindMode::Transmitter, Bind::default(), esme.now);
    esme.sent();
    esme.feed(&hex!("00000010 80000002 00000000 00000001"));
    assert_eq!(esme.session.peer_version(), Some(InterfaceVersion::V3_3));
}

#[test]
fn esme_serves_what_another_centre_submits_to_it() {
    // Pitfall 26.
    let mut esme = Solo::esme_bound();
    assert!(matches!(esme.feed(&hex!(SUBMIT))[..], [Event::Request { .. }]));
    let status = CommandStatus::ESME_ROK;
    esme.session.respond_sm(2, CommandId::SUBMIT_SM, status, b"7");
    assert_eq!(esme.sent(), hex!("00000012 80000004 00000000 00000002 37 00"));
}
