//! Bound sessions face to face in virtual time: window, probing, unbind.

use std::time::Duration;

use wasmsc_smpp::*;

use crate::pdu;
use crate::peer::{Pair, SUBMIT, Solo, message};

const SECOND: Duration = Duration::from_secs(1);

fn enquire_link_after() -> Duration {
    SessionConfig::smsc().enquire_link_interval
}

fn response_timeout() -> Duration {
    SessionConfig::smsc().response_timeout
}

fn deliver(solo: &mut Solo) -> Result<u32, RequestError> {
    solo.session.request(Body::DeliverSm(message("hi")), solo.now)
}

#[test]
fn messages_flow_both_ways_and_every_response_finds_its_request() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    for round in 0..1_000 {
        let text = round.to_string();
        let submitted = pair.esme.session.request(Body::SubmitSm(message(&text)), pair.esme.now).unwrap();
        let delivered = deliver(&mut pair.smsc).unwrap();
        pair.settle();
        let id = submitted.to_string();
        let response = pair.esme_events.iter().find_map(|event| match event {
            Event::Response { sequence_number, body: Body::SubmitSmResp(resp), .. } => {
                Some((*sequence_number, resp.message_id.clone()))
            }
            _ => None,
        });
        assert_eq!(response, Some((submitted, id.into_bytes().into())));
        assert!(pair.smsc_events.iter().any(|event| matches!(event,
            Event::Response { sequence_number, .. } if *sequence_number == delivered)));
        pair.esme_events.clear();
        pair.smsc_events.clear();
    }
    assert_eq!((pair.smsc.session.outstanding(), pair.smsc.session.unanswered()), (0, 0));
}

#[test]
fn silent_peer_is_probed_then_closed() {
    let mut smsc = Solo::smsc_bound();
    assert_eq!(smsc.advance(enquire_link_after() - SECOND), []);
    assert!(smsc.sent().is_empty());
    assert_eq!(smsc.advance(SECOND), []);
    assert_eq!(smsc.sent(), hex!("00000010 00000015 00000000 00000001"));
    assert_eq!(smsc.advance(response_timeout() - SECOND), []);
    let closed = Event::Closed(CloseReason::PeerSilent);
    assert_eq!(smsc.advance(SECOND), [closed]);
    assert!(smsc.sent().is_empty(), "probed once");
    assert_eq!(smsc.session.close_reason(), Some(CloseReason::PeerSilent));
}

#[test]
fn idle_pair_keeps_itself_alive_for_a_day() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    pair.advance(Duration::from_secs(86_400));
    assert!(pair.smsc.session.is_bound() && pair.esme.session.is_bound());
    assert!(pair.smsc_events.is_empty() && pair.esme_events.is_empty());
}

#[test]
fn any_pdu_is_a_sign_of_life_and_puts_the_probe_off() {
    let mut smsc = Solo::smsc_bound();
    for _ in 0..10 {
        smsc.advance(enquire_link_after() - SECOND);
        smsc.feed(&pdu(0x8000_0004, 0, 77, b""));
        assert!(smsc.sent().is_empty());
    }
    // It also answers a probe: a peer busy with other things is not silent.
    smsc.advance(enquire_link_after());
    assert_eq!(smsc.sent().len(), 16);
    smsc.feed(&hex!(SUBMIT));
    assert_eq!(smsc.advance(response_timeout()), []);
    assert!(smsc.session.is_bound());
}

#[test]
fn interval_shorter_than_the_timeout_probes_once_and_does_not_spin() {
    let config = SessionConfig { enquire_link_interval: SECOND, ..SessionConfig::smsc() };
    let mut smsc = Solo::new(config);
    smsc.bind_as(crate::peer::BIND);
    assert_eq!(smsc.advance(SECOND), []);
    assert_eq!(smsc.session.next_deadline(), Some(smsc.now + response_timeout()));
    assert_eq!(smsc.advance(response_timeout() - SECOND), []);
    assert_eq!(smsc.sent().len(), 16, "one probe");
}

#[test]
fn session_that_unbinds_is_not_probed() {
    let mut smsc = Solo::smsc_bound();
    smsc.advance(enquire_link_after() - SECOND);
    smsc.session.unbind(smsc.now);
    assert_eq!(smsc.advance(response_timeout() - SECOND), []);
    assert_eq!(smsc.sent(), hex!("00000010 00000006 00000000 00000001"));

    let mut smsc = Solo::smsc_bound();
    smsc.advance(enquire_link_after() - SECOND);
    smsc.feed(&hex!(SUBMIT));
    smsc.advance(enquire_link_after() - SECOND);
    smsc.feed(&hex!("00000010 00000006 00000000 00000003"));
    assert_eq!(smsc.advance(response_timeout() - SECOND), []);
    assert!(smsc.sent().is_empty());
}

#[test]
fn unbind_of_both_sides_at_once_still_waits_for_our_responses() {
    let mut smsc = Solo::smsc_bound();
    smsc.feed(&hex!(SUBMIT));
    smsc.session.unbind(smsc.now);
    smsc.advance(SECOND);
    smsc.feed(&hex!("00000010 00000006 00000000 00000003"));
    smsc.sent();
    // The timeout runs from the peer's unbind, and ends in order.
    assert_eq!(smsc.advance(response_timeout() - SECOND), []);
    let ended = [Event::Unbound, Event::Closed(CloseReason::Unbound)];
    assert_eq!(smsc.advance(SECOND), ended);
}

#[test]
fn zero_interval_never_probes() {
    let config = SessionConfig { enquire_link_interval: Duration::ZERO, ..SessionConfig::smsc() };
    let mut smsc = Solo::new(config);
    smsc.bind_as(crate::peer::BIND);
    assert_eq!(smsc.session.next_deadline(), None);
}

#[test]
fn timeout_beyond_the_clock_never_comes() {
    let config = SessionConfig {
        session_init_timeout: Duration::MAX,
        enquire_link_interval: Duration::MAX,
        response_timeout: Duration::MAX,
        ..SessionConfig::smsc()
    };
    let mut smsc = Solo::new(config);
    smsc.bind_as(crate::peer::BIND);
    deliver(&mut smsc).unwrap();
    assert_eq!(smsc.session.next_deadline(), None);
}

#[test]
fn full_window_takes_no_request_until_a_response_comes() {
    let mut smsc = Solo::smsc_bound();
    let window_max = SessionConfig::smsc().window_max;
    for n in 1..=window_max {
        assert_eq!(deliver(&mut smsc), Ok(u32::try_from(n).unwrap()));
    }
    smsc.sent();
    assert_eq!(deliver(&mut smsc), Err(RequestError::WindowFull));
    assert!(smsc.sent().is_empty());
    assert_eq!((smsc.session.window_free(), smsc.session.outstanding()), (0, window_max));
    // Responses come in any order; the wrong kind frees nothing.
    assert_eq!(smsc.feed(&pdu(0x8000_0004, 0, 7, b"")), []);
    assert_eq!(smsc.session.window_free(), 0);
    assert!(matches!(smsc.feed(&pdu(0x8000_0005, 0, 7, b""))[..], [Event::Response { .. }]));
    assert_eq!(deliver(&mut smsc), Ok(11));
}

#[test]
fn probe_does_not_take_a_window_slot() {
    let mut smsc = Solo::smsc_bound();
    smsc.advance(enquire_link_after());
    assert_eq!(smsc.session.window_free(), SessionConfig::smsc().window_max);
    assert_eq!(deliver(&mut smsc), Ok(2), "numbers are shared");
}

#[test]
fn unanswered_request_expires_and_its_late_response_is_ignored() {
    let mut smsc = Solo::smsc_bound();
    let first = deliver(&mut smsc).unwrap();
    assert_eq!(smsc.advance(SECOND), []);
    let second = deliver(&mut smsc).unwrap();
    assert_eq!(smsc.advance(response_timeout() - SECOND), [Event::Expired { sequence_number: first }]);
    assert_eq!(smsc.session.outstanding(), 1);
    assert_eq!(smsc.feed(&pdu(0x8000_0005, 0, first, b"\0")), []);
    assert!(matches!(smsc.feed(&pdu(0x8000_0005, 0, second, b"\0"))[..], [Event::Response { .. }]));
    assert_eq!(smsc.feed(&pdu(0x8000_0005, 0, second, b"\0")), [], "twice is once");
    assert!(smsc.session.is_bound(), "an expired request is no reason to close");
}

#[test]
fn response_that_nobody_waits_for_is_ignored() {
    for mut solo in [Solo::smsc(), Solo::smsc_bound(), Solo::esme_bound()] {
        for command_id in [0x8000_0000, 0x8000_0004, 0x8000_0005, 0x8000_0006, 0x8000_0009] {
            assert_eq!(solo.feed(&pdu(command_id, 0, 42, b"\0")), []);
            assert!(solo.sent().is_empty());
        }
    }
}

#[test]
fn vendor_request_of_ours_is_resolved_by_its_response() {
    let mut smsc = Solo::smsc_bound();
    let unknown = Unknown { command_id: CommandId(0x0001_0200), body: hex!("01") };
    let number = smsc.session.request(Body::Unknown(unknown), smsc.now).unwrap();
    assert_eq!(smsc.sent(), hex!("00000011 00010200 00000000 00000001 01"));
    let events = smsc.feed(&pdu(0x8001_0200, 0, number, b"ok"));
    assert!(matches!(events[..], [Event::Response { body: Body::Unknown(_), .. }]), "{events:?}");
    assert!(smsc.sent().is_empty());
}

#[test]
fn message_that_fits_no_pdu_is_not_sent() {
    let mut smsc = Solo::smsc_bound();
    let mut sm = message("");
    sm.set_payload(vec![0; 65_535].into());
    assert!(smsc.session.request(Body::DeliverSm(sm), smsc.now).is_ok());
    smsc.sent();
    let mut long = message("");
    long.set_payload(vec![0; 65_536].into());
    let mut wide = message("");
    (0..3).for_each(|tag| wide.tlvs.push(Tlv { tag, value: vec![0; 65_000].into() }));
    for sm in [long, wide] {
        let request = smsc.session.request(Body::DeliverSm(sm), smsc.now);
        assert_eq!(request, Err(RequestError::TooLong));
        assert!(smsc.sent().is_empty());
    }
    assert_eq!(smsc.session.outstanding(), 1);
}

#[test]
fn orderly_unbind_is_seen_by_both_sides() {
    let mut pair = Pair::bound(BindMode::Transmitter);
    pair.esme.session.unbind(pair.esme.now);
    assert!(!pair.esme.session.is_bound());
    pair.settle();
    let ended = [Event::Unbound, Event::Closed(CloseReason::Unbound)];
    assert_eq!(pair.smsc_events, ended);
    assert_eq!(pair.esme_events, ended);
}

#[test]
fn unbind_of_both_sides_at_once_ends_in_order() {
    let mut pair = Pair::bound(BindMode::Transceiver);
    pair.esme.session.unbind(pair.esme.now);
    pair.smsc.session.unbind(pair.smsc.now);
    pair.settle();
    let ended = [Event::Unbound, Event::Closed(CloseReason::Unbound)];
    assert_eq!(pair.smsc_events, ended);
    assert_eq!(pair.esme_events, ended);
}

#[test]
fn unbind_behind_requests_is_answered_after_them() {
    let mut smsc = Solo::smsc_bound();
    let events = smsc.feed(&hex!(SUBMIT, "00000010 00000006 00000000 00000003"));
    assert!(matches!(events[..], [Event::Request { .. }]), "{events:?}");
    assert!(smsc.sent().is_empty());
    let status = CommandStatus::ESME_ROK;
    smsc.session.respond_sm(2, CommandId::SUBMIT_SM, status, b"7");
    let submit_sm_resp = "00000012 80000004 00000000 00000002 37 00";
    let unbind_resp = "00000010 80000006 00000000 00000003";
    assert_eq!(smsc.sent(), hex!(submit_sm_resp, unbind_resp));
    // An embedder that sleeps until the next deadline wakes at once.
    assert_eq!(smsc.session.next_deadline(), Some(smsc.now));
    assert_eq!(smsc.events(), [Event::Unbound, Event::Closed(CloseReason::Unbound)]);
}

#[test]
fn unbind_waits_for_our_responses_no_longer_than_the_response_timeout() {
    let mut smsc = Solo::smsc_bound();
    smsc.feed(&hex!(SUBMIT, "00000010 00000006 00000000 00000003"));
    // Requests behind the unbind come too late.
    assert_eq!(smsc.feed(&hex!(SUBMIT)), []);
    assert_eq!(smsc.sent(), hex!("00000010 80000004 00000004 00000002"));
    let ended = [Event::Unbound, Event::Closed(CloseReason::Unbound)];
    assert_eq!(smsc.advance(response_timeout()), ended);
    assert_eq!(smsc.sent(), hex!("00000010 80000006 00000000 00000003"));
    let status = CommandStatus::ESME_ROK;
    smsc.session.respond_sm(2, CommandId::SUBMIT_SM, status, b"late");
    smsc.session.respond(2, status, Body::SubmitSmResp(SmResp::default()));
    assert!(smsc.sent().is_empty(), "nothing is written after the close");
}

#[test]
fn while_our_unbind_travels_what_the_peer_sent_is_still_served() {
    let mut smsc = Solo::smsc_bound();
    let number = deliver(&mut smsc).unwrap();
    smsc.session.unbind(smsc.now);
    assert_eq!(deliver(&mut smsc), Err(RequestError::NotBound));
    assert!(matches!(smsc.feed(&hex!(SUBMIT))[..], [Event::Request { .. }]));
    assert!(matches!(smsc.feed(&pdu(0x8000_0005, 0, number, b"\0"))[..], [Event::Response { .. }]));
    let ended = [Event::Unbound, Event::Closed(CloseReason::Unbound)];
    assert_eq!(smsc.feed(&pdu(0x8000_0006, 0, 2, b"")), ended);
}

#[test]
fn unanswered_unbind_closes_and_a_refused_one_counts() {
    let mut smsc = Solo::smsc_bound();
    smsc.session.unbind(smsc.now);
    assert_eq!(smsc.advance(response_timeout()), [Event::Closed(CloseReason::PeerSilent)]);

    let mut smsc = Solo::smsc_bound();
    smsc.session.unbind(smsc.now);
    let ended = [Event::Unbound, Event::Closed(CloseReason::Unbound)];
    assert_eq!(smsc.feed(&pdu(0x8000_0000, 3, 1, b"")), ended);
}

#[test]
fn embedder_can_end_a_session_in_any_state_and_closed_comes_once() {
    let states = [Solo::smsc, Solo::smsc_bound, Solo::esme_bound];
    for state in states {
        let mut solo = state();
        solo.session.shutdown();
        solo.session.disconnected();
        assert_eq!(solo.events(), [Event::Closed(CloseReason::Shutdown)]);
        assert_eq!(solo.advance(Duration::from_secs(1_000)), []);
        assert_eq!(deliver(&mut solo), Err(RequestError::NotBound));
        assert!(solo.sent().is_empty());
    }
    let mut smsc = Solo::smsc();
    smsc.session.unbind(smsc.now);
    assert_eq!(smsc.events(), [Event::Closed(CloseReason::Shutdown)]);
}

#[test]
fn requests_expire_before_the_session_closes() {
    let mut smsc = Solo::smsc_bound();
    smsc.advance(enquire_link_after());
    let number = deliver(&mut smsc).unwrap();
    let events = smsc.advance(response_timeout());
    let expired = Event::Expired { sequence_number: number };
    assert_eq!(events, [expired, Event::Closed(CloseReason::PeerSilent)]);
}
