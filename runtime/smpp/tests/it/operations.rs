//! Every operation beside submit_sm and deliver_sm: octets against the layouts of SMPP 3.4 chapter 4 and
//! SMPP 5.0 chapter 4, and what a session does with them.

use bytes::{Bytes, BytesMut};
use wasmsc_smpp::*;

use crate::pdu;
use crate::peer::Solo;

fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn tlv(tag: u16, value: &'static [u8]) -> Tlvs {
    Tlvs::from_iter([Tlv { tag, value: Bytes::from_static(value) }])
}

/// Encodes to the octets, and the octets decode to the body.
fn assert_wire(body: Body, octets: Bytes) {
    let pdu = Pdu { command_status: CommandStatus::ESME_ROK, sequence_number: 1, body };
    let mut out = BytesMut::new();
    encode(&pdu, &mut out);
    assert_eq!(out, octets, "{pdu:?}");
    assert_eq!(decode(octets).unwrap(), pdu);
}

#[test]
fn data_sm_and_its_response_have_their_fields_in_order() {
    let sm = DataSm {
        service_type: text("CMT"),
        source_addr_ton: Ton(1),
        source_addr_npi: Npi(1),
        source_addr: text("46701"),
        dest_addr_ton: Ton(3),
        dest_addr_npi: Npi(0),
        destination_addr: text("7001"),
        esm_class: EsmClass(0x40),
        registered_delivery: RegisteredDelivery(1),
        data_coding: DataCoding(8),
        tlvs: tlv(tlv::tag::MESSAGE_PAYLOAD, &[0x00, 0x41]),
    };
    let body = "434D5400 01 01 343637303100 03 00 3730303100 40 01 08 0424 0002 0041";
    assert_wire(Body::DataSm(sm), hex!("0000002C 00000103 00000000 00000001", body));
    let resp = SmResp { message_id: text("ab"), tlvs: tlv(tlv::tag::DELIVERY_FAILURE_REASON, &[1]) };
    assert_wire(Body::DataSmResp(resp), hex!("00000018 80000103 00000000 00000001 616200 0425 0001 01"));
}

#[test]
fn query_cancel_and_replace_have_their_fields_in_order() {
    let query =
        QuerySm { message_id: text("ab"), source_addr_ton: Ton(1), source_addr_npi: Npi(1), source_addr: text("7001") };
    assert_wire(Body::QuerySm(query), hex!("0000001A 00000003 00000000 00000001 616200 01 01 3730303100"));
    let resp =
        QuerySmResp { message_id: text("ab"), final_date: text("261123071500000+"), message_state: 2, error_code: 0 };
    let final_date = "323631313233303731353030303030 2B 00";
    assert_wire(Body::QuerySmResp(resp), hex!("00000026 80000003 00000000 00000001 616200", final_date, "02 00"));
    let cancel = CancelSm {
        service_type: text(""),
        message_id: text("ab"),
        source_addr_ton: Ton(1),
        source_addr_npi: Npi(1),
        source_addr: text("7001"),
        dest_addr_ton: Ton(1),
        dest_addr_npi: Npi(1),
        destination_addr: text("46"),
    };
    let body = "00 616200 01 01 3730303100 01 01 343600";
    assert_wire(Body::CancelSm(cancel), hex!("00000020 00000008 00000000 00000001", body));
    assert_wire(Body::CancelSmResp, hex!("00000010 80000008 00000000 00000001"));
    let replace = ReplaceSm {
        message_id: text("ab"),
        source_addr_ton: Ton(1),
        source_addr_npi: Npi(1),
        source_addr: text("7001"),
        schedule_delivery_time: text(""),
        validity_period: text(""),
        registered_delivery: RegisteredDelivery(1),
        sm_default_msg_id: 0,
        short_message: text("new"),
        tlvs: Tlvs::new(),
    };
    let body = "616200 01 01 3730303100 00 00 01 00 03 6E6577";
    assert_wire(Body::ReplaceSm(replace), hex!("00000022 00000007 00000000 00000001", body));
    assert_wire(Body::ReplaceSmResp, hex!("00000010 80000007 00000000 00000001"));
}

#[test]
fn submit_multi_lists_numbers_and_distribution_lists() {
    let number = Destination::Address { ton: Ton(1), npi: Npi(1), address: text("46") };
    let multi = SubmitMulti {
        source_addr: text("7001"),
        dest_addresses: vec![number, Destination::DistributionList(text("all"))],
        short_message: text("hi"),
        ..SubmitMulti::default()
    };
    let body = "00 00 00 3730303100 02 01 01 01 343600 02 616C6C00 00 00 00 00 00 00 00 00 00 02 6869";
    assert_wire(Body::SubmitMulti(multi), hex!("00000030 00000021 00000000 00000001", body));
    let unsuccess =
        Unsuccess { ton: Ton(1), npi: Npi(1), address: text("46"), error_status_code: CommandStatus::ESME_RINVDSTADR };
    let resp = SubmitMultiResp { message_id: text("ab"), unsuccess: vec![unsuccess], tlvs: Tlvs::new() };
    assert_wire(
        Body::SubmitMultiResp(resp),
        hex!("0000001D 80000021 00000000 00000001 616200 01 01 01 343600 0000000B"),
    );
}

#[test]
fn outbind_and_alert_notification_have_their_fields_in_order() {
    let outbind = Outbind { system_id: text("smsc"), password: text("pw") };
    assert_wire(Body::Outbind(outbind), hex!("00000018 0000000B 00000000 00000001 736D736300 707700"));
    let alert = AlertNotification {
        source_addr_ton: Ton(1),
        source_addr_npi: Npi(1),
        source_addr: text("46701"),
        esme_addr_ton: Ton(3),
        esme_addr_npi: Npi(0),
        esme_addr: text("7001"),
        tlvs: tlv(tlv::tag::MS_AVAILABILITY_STATUS, &[0]),
    };
    let body = "01 01 343637303100 03 00 3730303100 0422 0001 00";
    assert_wire(Body::AlertNotification(alert), hex!("00000024 00000102 00000000 00000001", body));
}

#[test]
fn broadcasts_of_smpp_5_have_their_fields_in_order() {
    let broadcast = BroadcastSm {
        source_addr: text("7001"),
        tlvs: tlv(tlv::tag::BROADCAST_REP_NUM, &[0, 1]),
        ..BroadcastSm::default()
    };
    let body = "00 00 00 3730303100 00 00 00 00 00 00 00 0604 0002 0001";
    assert_wire(Body::BroadcastSm(broadcast), hex!("00000025 00000111 00000000 00000001", body));
    let resp = SmResp { message_id: text("ab"), tlvs: Tlvs::new() };
    assert_wire(Body::BroadcastSmResp(resp), hex!("00000013 80000111 00000000 00000001 616200"));
    let query = QueryBroadcastSm { message_id: text("ab"), source_addr: text("7001"), ..QueryBroadcastSm::default() };
    assert_wire(Body::QueryBroadcastSm(query), hex!("0000001A 00000112 00000000 00000001 616200 00 00 3730303100"));
    let cancel = CancelBroadcastSm { message_id: text("ab"), ..CancelBroadcastSm::default() };
    assert_wire(Body::CancelBroadcastSm(cancel), hex!("00000017 00000113 00000000 00000001 00 616200 00 00 00"));
}

#[test]
fn responses_cut_short_are_read_as_far_as_they_go() {
    // Nobody can answer an error to a response, and the request must be resolved.
    let short = decode(pdu(0x8000_0003, 0x67, 1, b"")).unwrap();
    assert_eq!(short.body, Body::QuerySmResp(QuerySmResp::default()));
    let cut = decode(pdu(0x8000_0021, 0, 1, b"ab\0\x02\x01\x0146\0\0\0\0\x0b")).unwrap();
    let Body::SubmitMultiResp(resp) = cut.body else { panic!("{cut:?}") };
    assert_eq!((&resp.message_id[..], resp.unsuccess.len()), (&b"ab"[..], 1));
}

#[test]
fn unknown_dest_flag_is_refused_with_its_own_status() {
    let error = decode(pdu(0x21, 0, 1, b"\0\0\x007001\0\x01\x03\x01\x0146\0")).unwrap_err();
    assert_eq!(error.command_status, CommandStatus::ESME_RINVDESTFLAG);
}

#[test]
fn every_request_of_a_transmitter_reaches_the_embedder() {
    for (command_id, body) in [
        (0x03, &b"ab\0\0\0\0"[..]),
        (0x07, b"ab\0\0\0\0\0\0\0\0\0"),
        (0x08, b"\0ab\0\0\0\0\0\0\0"),
        (0x21, b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
        (0x103, b"\0\0\0\0\0\0\0\0\0\0"),
        (0x111, b"\0\0\0\0\0\0\0\0\0\0\0"),
        (0x112, b"ab\0\0\0\0"),
        (0x113, b"\0ab\0\0\0\0"),
    ] {
        let mut smsc = Solo::smsc_bound();
        let events = smsc.feed(&pdu(command_id, 0, 7, body));
        let [Event::Request { sequence_number: 7, body, .. }] = &events[..] else {
            panic!("{command_id:x} {events:?}")
        };
        assert_eq!(body.command_id(), CommandId(command_id));
        assert_eq!(smsc.session.unanswered(), 1);
    }
}

#[test]
fn alert_notification_is_an_event_without_a_response() {
    let mut esme = Solo::esme_bound();
    esme.sent();
    let events = esme.feed(&pdu(0x102, 0, 9, b"\x01\x0146701\0\0\x007001\0"));
    assert!(matches!(&events[..], [Event::Alert(alert)] if &alert.source_addr[..] == b"46701"), "{events:?}");
    assert!(esme.sent().is_empty() && esme.session.unanswered() == 0);
}

#[test]
fn outbind_comes_before_the_bind_only() {
    let mut smsc = Solo::smsc();
    let events = smsc.feed(&pdu(0x0B, 0, 1, b"up\0pw\0"));
    assert!(matches!(&events[..], [Event::Outbind(outbind)] if &outbind.password[..] == b"pw"), "{events:?}");
    let mut bound = Solo::smsc_bound();
    bound.sent();
    assert_eq!(bound.feed(&pdu(0x0B, 0, 1, b"up\0pw\0")), []);
    assert!(bound.sent().is_empty(), "outbind has no response");
}

#[test]
fn only_peers_of_5_0_are_told_the_congestion_state() {
    for (version, octets) in [
        (0x34, "00000012 80000004 00000000 00000005 6100"),
        (0x50, "00000017 80000004 00000000 00000005 6100 0428 0001 2A"),
    ] {
        let mut smsc = Solo::smsc();
        smsc.feed(&pdu(9, 0, 1, &[&b"me\0pw\0\0"[..], &[version, 0, 0, 0]].concat()));
        smsc.session.accept_bind(b"smsc");
        smsc.session.set_congestion_state(42);
        smsc.sent();
        smsc.session.respond_sm(5, CommandId::SUBMIT_SM, CommandStatus::ESME_ROK, b"a");
        assert_eq!(smsc.sent(), hex!(octets));
    }
}

#[test]
fn malformed_alert_notification_and_outbind_are_not_answered_either() {
    // Nothing in the specification would be their response; found by `cargo xtask fuzz`.
    let mut smsc = Solo::smsc_bound();
    assert_eq!(smsc.feed(&hex!("00000012 00000102 00000000 00000002 0000")), []);
    assert_eq!(smsc.feed(&pdu(0x0B, 0, 3, &[b'x'; 65])), []);
    assert!(smsc.sent().is_empty());
    assert!(smsc.session.is_bound());
}
