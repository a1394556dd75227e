//! Where the oracles and we differ, and who the specification is with.
//!
//! Each test holds what both sides do. One that fails after an update of an oracle is good news: the PDU can
//! then move into the generators of `given`.

use bytes::Bytes;
use smpp_codec::common::CMD_BROADCAST_SM_RESP;
use smpp_codec::pdus::{BindResponse, EnquireLinkRequest, SubmitMulti as TheirSubmitMulti, SubmitSmRequest};
use smpp_codec::tlv::tags;
use wasmsc_smpp::*;

use crate::encoded;
use crate::rusmpp::decoded;

/// A PDU of octets from hex.
fn pdu(command_id: u32, command_status: u32, body: &[u8]) -> Bytes {
    let length = 16 + u32::try_from(body.len()).unwrap();
    let header = [length, command_id, command_status, 1];
    header.iter().flat_map(|word| word.to_be_bytes()).chain(body.iter().copied()).collect()
}

/// A `submit_sm` without addresses, from `schedule_delivery_time` on.
fn submit(rest: &[u8]) -> Bytes {
    pdu(4, 0, &[&[0; 10][..], rest].concat())
}

fn message(octets: Bytes) -> Sm {
    match decode(octets).unwrap().body {
        Body::SubmitSm(sm) => sm,
        other => panic!("{other:?}"),
    }
}

#[test]
fn broadcast_sm_resp_is_0x80000111_and_smpp_codec_is_wrong() {
    // SMPP 5.0 §4.7.5: 0x80000112 is query_broadcast_sm_resp.
    assert_eq!(CMD_BROADCAST_SM_RESP, 0x8000_0112);
    assert_eq!(CommandId::BROADCAST_SM_RESP.0, 0x8000_0111);
    let body = Body::BroadcastSmResp(SmResp { message_id: Bytes::from_static(b"1"), tlvs: Tlvs::new() });
    let theirs = decoded(&encoded(0, 1, &body)).unwrap();
    assert_eq!(u32::from(theirs.id()), 0x8000_0111, "rusmpp agrees with us");
}

#[test]
fn broadcast_tags_of_smpp_codec_are_not_the_specifications() {
    // SMPP 5.0 §4.8.1: 0x0602 is broadcast_content_type_info, 0x0603 broadcast_message_class.
    assert_eq!((tags::BROADCAST_REP_NUM, tlv::tag::BROADCAST_REP_NUM), (0x0602, 0x0604));
    assert_eq!((tags::BROADCAST_FREQUENCY_INTERVAL, tlv::tag::BROADCAST_FREQUENCY_INTERVAL), (0x0603, 0x0605));
}

#[test]
fn broadcast_rep_num_has_two_octets_and_rusmpp_reads_one() {
    // SMPP 5.0 §4.8.4.13; Wireshark and node-smpp read two as well.
    let tlvs = Tlvs::from_iter([Tlv { tag: tlv::tag::BROADCAST_REP_NUM, value: Bytes::from_static(&[0, 5]) }]);
    let body = Body::BroadcastSm(BroadcastSm { tlvs, ..BroadcastSm::default() });
    let octets = encoded(0, 1, &body);
    assert!(decoded(&octets).is_none());
    assert_eq!(decode(octets).unwrap().body, body);
}

#[test]
fn message_of_255_octets_is_smpp_5_and_leaves_as_message_payload() {
    // SMPP 3.4 §5.2.21 ends at 254, SMPP 5.0 at 255. We read 255 and write what both versions know.
    let long = submit(&[&[0, 0, 0, 0, 0, 0, 255][..], &[b'x'; 255]].concat());
    assert!(decoded(&long).is_some());
    let sm = message(long);
    assert_eq!(sm.short_message.len(), 255);
    let relayed = message(encoded(0, 1, &Body::SubmitSm(sm)));
    assert_eq!((relayed.short_message.len(), relayed.payload().len()), (0, 255));
}

#[test]
fn time_of_another_length_is_the_embedders_to_judge() {
    // SMPP 3.4 §7.1.1 has 1 or 17 octets; peers send others (pitfall 24). rusmpp refuses the PDU.
    let octets = submit(b"\x00200101000000\0\0\0\0\0\x02hi");
    assert!(decoded(&octets).is_none());
    assert_eq!(&message(octets.clone()).validity_period[..], b"200101000000");
    assert_eq!(SubmitSmRequest::decode(&octets).unwrap().validity_period, "200101000000");
}

#[test]
fn numbering_without_a_name_keeps_its_number() {
    // SMPP 3.4 §5.2.5 reserves what it does not name; smpp-codec makes it "unknown", which is another one.
    let body = Body::SubmitSm(Sm { source_addr_ton: Ton(7), dest_addr_npi: Npi(200), ..Sm::default() });
    let octets = encoded(0, 1, &body);
    let theirs = SubmitSmRequest::decode(&octets).unwrap();
    assert_eq!((theirs.source_addr_ton as u8, theirs.dest_addr_npi as u8), (0, 0));
    assert_eq!(decode(octets.clone()).unwrap().body, body);
    assert!(decoded(&octets).is_some(), "rusmpp keeps it too");
}

#[test]
fn body_of_a_refused_bind_is_read_as_what_it_is() {
    // SMPP 3.4 §4.1.2 leaves it out, peers send it (pitfall 8). smpp-codec takes the name for a parameter.
    let octets = pdu(0x8000_0009, 0x0D, b"smsc\0");
    assert_eq!(BindResponse::decode(&octets).unwrap().optional_params, b"smsc\0");
    let Body::BindTransceiverResp(ours) = decode(octets).unwrap().body else { panic!("not a bind_resp") };
    assert_eq!(&ours.system_id[..], b"smsc");
}

#[test]
fn unknown_dest_flag_is_refused_not_taken_for_a_list() {
    // SMPP 3.4 §5.2.25 knows 1 and 2.
    let octets = pdu(0x21, 0, b"\0\0\0\0\x01\x03list\0\0\0\0\0\0\0\0\0\0\0");
    assert!(TheirSubmitMulti::decode(&octets).is_ok());
    assert!(decoded(&octets).is_none());
    assert_eq!(decode(octets).unwrap_err().command_status, CommandStatus::ESME_RINVDESTFLAG);
}

#[test]
fn what_peers_do_wrong_costs_the_oracles_the_pdu_and_us_nothing() {
    let fields = [0; 6];
    let rows = [
        // A TLV whose length lies (pitfall 15).
        [&fields[..], b"\x02hi\x02\x04\0\x41ab"].concat(),
        // A stray octet behind the message (pitfall 11).
        [&fields[..], b"\x02hi\0"].concat(),
    ];
    for rest in rows {
        let octets = submit(&rest);
        let refused = SubmitSmRequest::decode(&octets).is_err();
        assert!(decoded(&octets).is_none() || refused, "{rest:02X?}");
        assert_eq!(&message(octets).short_message[..], b"hi");
    }
    // A bind without its last NUL (pitfall 11).
    let bind = pdu(9, 0, b"esme\0pw\0\0\x34\x01\x01");
    assert!(decoded(&bind).is_none() && smpp_codec::pdus::BindRequest::decode(&bind).is_err());
    assert!(decode(bind).is_ok());
    // An enquire_link with a body (pitfall 5).
    let enquire_link = pdu(0x15, 0, b"\0");
    assert!(decoded(&enquire_link).is_none());
    assert!(EnquireLinkRequest::decode(&enquire_link).is_ok());
    assert_eq!(decode(enquire_link).unwrap().body, Body::EnquireLink);
}
