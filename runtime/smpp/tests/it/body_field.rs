//! Bodies that peers in service really send, numbered as the interoperability notes number them.

use bytes::{Bytes, BytesMut};
use wasmsc_smpp::*;

use crate::pdu;
use crate::peer::{SUBMIT, Solo};

/// The fields of a `submit_sm` before `sm_length`, to 38599, esm_class 0.
const FIELDS: &str = "00 00 00 00 01 01 333835393900 00 00 00 00 00 00 00 00 00";

fn submit(rest: &str) -> Bytes {
    pdu(4, 0, 2, &hex!(FIELDS, rest))
}

/// The message, as the centre's embedder sees it.
fn received(octets: &[u8]) -> Sm {
    let mut smsc = Solo::smsc_bound();
    let mut events = smsc.feed(octets);
    assert!(smsc.sent().is_empty());
    match events.pop() {
        Some(Event::Request { body: Body::SubmitSm(sm), raw, .. }) if events.is_empty() => {
            assert_eq!(raw, octets, "the frame stays available for relaying");
            sm
        }
        other => panic!("{other:?}"),
    }
}

/// The status of the one response that a bad `submit_sm` costs; the bind must survive.
fn refusal(octets: &[u8]) -> CommandStatus {
    let mut smsc = Solo::smsc_bound();
    assert_eq!(smsc.feed(octets), []);
    let resp = decode(smsc.sent()).unwrap();
    assert_eq!((resp.sequence_number, resp.body.command_id()), (2, CommandId::SUBMIT_SM_RESP));
    assert!(matches!(smsc.feed(&hex!(SUBMIT))[..], [Event::Request { .. }]));
    resp.command_status
}

#[test]
fn row_2_payload_of_65_535_octets_is_a_message() {
    let body = [&hex!(FIELDS, "00 0424 FFFF")[..], &[b'x'; 65_535]].concat();
    assert_eq!(received(&pdu(4, 0, 2, &body)).payload().len(), 65_535);
}

#[test]
fn row_9_ok_response_may_lack_its_message_id() {
    let rows: [(&[u8], &[u8]); 4] = [(b"", b""), (b"\0", b""), (b"77", b"77"), (b"77\0", b"77")];
    for (body, expected) in rows {
        let mut esme = Solo::esme_bound();
        let number = esme.session.request(Body::SubmitSm(Sm::default()), esme.now).unwrap();
        let message_id = Bytes::copy_from_slice(expected);
        assert_eq!(
            esme.feed(&pdu(0x8000_0004, 0, number, body)),
            [Event::Response {
                sequence_number: number,
                command_status: CommandStatus::ESME_ROK,
                body: Body::SubmitSmResp(SmResp { message_id, tlvs: Tlvs::new() }),
            }]
        );
    }
}

#[test]
fn row_8_error_response_with_and_without_a_body_resolves_the_request() {
    for body in [&b""[..], b"\0", b"id\0", b"\xFF\xFF\xFF", b"id\0\x04\x25\x00\x01\x01"] {
        let mut esme = Solo::esme_bound();
        let number = esme.session.request(Body::SubmitSm(Sm::default()), esme.now).unwrap();
        let events = esme.feed(&pdu(0x8000_0004, 0x58, number, body));
        let [Event::Response { command_status, .. }] = events[..] else { panic!("{events:?}") };
        assert_eq!(command_status, CommandStatus::ESME_RTHROTTLED);
    }
}

#[test]
fn row_11_missing_last_nul_is_the_end_of_the_pdu() {
    let bind = pdu(9, 0, 1, b"esme\0pw\0\0\x34\x01\x01123");
    let Body::BindTransceiver(bind) = decode(bind).unwrap().body else { panic!("not a bind") };
    assert_eq!(&bind.address_range[..], b"123");
    // Nothing at all is an empty string.
    let bind = pdu(9, 0, 1, b"esme\0pw\0\0\x34\x01\x01");
    assert!(decode(bind).is_ok());
}

#[test]
fn row_11_stray_octets_behind_the_message_are_ignored() {
    for stray in ["00", "0000", "FF", "000000", "FFFFFF"] {
        let sm = received(&submit(&["02 6869", stray].concat()));
        assert_eq!((&sm.short_message[..], sm.tlvs.len()), (&b"hi"[..], 0));
    }
}

#[test]
fn row_12_sm_length_beyond_the_pdu_is_an_invalid_message_length() {
    assert_eq!(refusal(&submit("03 6869")), CommandStatus::ESME_RINVMSGLEN);
    assert_eq!(refusal(&submit("FF")), CommandStatus::ESME_RINVMSGLEN);
}

#[test]
fn row_12_sm_length_without_the_trailing_nul_keeps_the_tlvs_behind_it() {
    let sm = received(&submit("02 6869 00 0204 0002 0001 1400 0003 313233"));
    assert_eq!(&sm.short_message[..], b"hi");
    assert_eq!(sm.tlvs.short(tlv::tag::USER_MESSAGE_REFERENCE), Some(1));
    assert_eq!(sm.tlvs.get(0x1400), Some(&hex!("313233")));
    // A tag that begins with a zero octet is not a stray NUL.
    let sm = received(&submit("02 6869 001E 0002 3900"));
    assert_eq!(sm.tlvs.c_string(tlv::tag::RECEIPTED_MESSAGE_ID), Some(hex!("39")));
}

#[test]
fn row_13_message_payload_counts_only_without_short_message() {
    assert_eq!(&received(&submit("00 0424 0003 616263")).payload()[..], b"abc");
    assert_eq!(&received(&submit("02 6869 0424 0003 616263")).payload()[..], b"hi");
    assert!(received(&submit("00")).payload().is_empty());
}

#[test]
fn row_13_short_message_of_255_octets_is_relayed_and_not_the_payload_beside_it() {
    // SMPP 5.0 allows 255, and a careless peer sends both.
    let rest = format!("FF {} 0424 0003 616263", "78".repeat(255));
    let sm = received(&submit(&rest));
    assert_eq!(sm.payload().len(), 255);
    let mut relayed = BytesMut::new();
    let pdu = Pdu { command_status: CommandStatus::ESME_ROK, sequence_number: 2, body: Body::SubmitSm(sm) };
    encode(&pdu, &mut relayed);
    assert_eq!(received(&relayed).payload(), &vec![b'x'; 255]);
}

#[test]
fn row_14_unknown_vendor_and_duplicate_tlvs_are_kept_in_order_and_relayed() {
    // India's 0x1400 and 0x1401, reserved 0x060D and 0x002B, 38636, and 0x1400 again.
    let tail = "1400 0002 3131 1401 0001 32 060D 0000 002B 0001 FF 96EC 0001 00 1400 0001 33";
    let octets = submit(&["02 6869", tail].concat());
    let sm = received(&octets);
    let tags: Vec<u16> = sm.tlvs.iter().map(|tlv| tlv.tag).collect();
    assert_eq!(tags, [0x1400, 0x1401, 0x060D, 0x002B, 38_636, 0x1400]);
    assert_eq!(sm.tlvs.get(0x1400), Some(&hex!("3131")), "the first one counts");
    let mut relayed = BytesMut::new();
    let (command_status, sequence_number) = (CommandStatus::ESME_ROK, 2);
    encode(&Pdu { command_status, sequence_number, body: Body::SubmitSm(sm) }, &mut relayed);
    assert_eq!(relayed, octets);
}

#[test]
fn row_15_lying_tlv_is_dropped_and_the_message_kept() {
    for tail in ["0423 0041 0102030405", "0204 0003 0001", "0204 00", "FFFF FFFF", "0000 FFFF 00"] {
        let sm = received(&submit(&["02 6869", tail].concat()));
        assert_eq!((&sm.short_message[..], sm.tlvs.len()), (&b"hi"[..], 0), "{tail}");
        // What stands before the lie stays.
        let sm = received(&submit(&["02 6869 1400 0001 31", tail].concat()));
        assert_eq!((&sm.short_message[..], sm.tlvs.len()), (&b"hi"[..], 1), "{tail}");
    }
}

#[test]
fn row_15_lie_behind_a_tag_that_begins_with_zero_keeps_that_tag() {
    let sm = received(&submit("02 6869 001E 0002 3900 0204 0003 0001"));
    assert_eq!(sm.tlvs.c_string(tlv::tag::RECEIPTED_MESSAGE_ID), Some(hex!("39")));
}

#[test]
fn row_15_known_tag_of_the_wrong_size_reads_as_absent() {
    let sm = received(&submit("02 6869 0204 0001 07 0427 0002 0002"));
    assert_eq!(sm.tlvs.short(tlv::tag::USER_MESSAGE_REFERENCE), None);
    assert_eq!(sm.tlvs.octet(tlv::tag::MESSAGE_STATE), None);
    assert_eq!(sm.tlvs.len(), 2, "but is relayed");
}

#[test]
fn tlvs_beyond_the_limit_are_dropped() {
    let body = [&hex!(FIELDS, "02 6869")[..], &[0x14, 0, 0, 0].repeat(10_000)].concat();
    assert_eq!(received(&pdu(4, 0, 2, &body)).tlvs.len(), tlv::TLVS_MAX);
}

#[test]
fn row_16_receipted_message_id_reads_with_and_without_its_nul() {
    for tail in ["001E 0004 61623132", "001E 0005 6162313200", "001E 0008 6162313200000000"] {
        let sm = received(&submit(&["00", tail].concat()));
        assert_eq!(sm.tlvs.c_string(tlv::tag::RECEIPTED_MESSAGE_ID), Some(hex!("61623132")));
    }
    // An id above the specification's 65 octets is kept whole, in a response as well.
    let mut esme = Solo::esme_bound();
    let number = esme.session.request(Body::SubmitSm(Sm::default()), esme.now).unwrap();
    let events = esme.feed(&pdu(0x8000_0004, 0, number, &[b'7'; 300]));
    let [Event::Response { body: Body::SubmitSmResp(resp), .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(resp.message_id.len(), 300);
}

#[test]
fn row_19_receipt_is_told_by_bits_2_to_5_alone() {
    for (esm_class, is_receipt) in
        [(0x04, true), (0x44, true), (0x87, true), (0x40, false), (0x0C, false), (0x24, false)]
    {
        assert_eq!(EsmClass(esm_class).is_delivery_receipt(), is_receipt, "0x{esm_class:02X}");
    }
    assert!(EsmClass(0x44).has_udhi() && !EsmClass(0x04).has_udhi());
    assert!(EsmClass(0x60).is_intermediate_notification());
}

#[test]
fn row_22_sender_is_octets_and_a_nul_in_it_leaves_as_a_question_mark() {
    let mut frame = hex!(SUBMIT).to_vec();
    frame.splice(19..19, [0xC5, 0x6C, 0x80]);
    frame[3] += 3;
    assert_eq!(&received(&frame).source_addr[..], [0xC5, 0x6C, 0x80]);

    // GSM '@' is 0x00 and would end the string.
    let sm = Sm { source_addr: Bytes::from_static(b"me\0you"), ..Sm::default() };
    let mut out = BytesMut::new();
    let (command_status, sequence_number) = (CommandStatus::ESME_ROK, 1);
    encode(&Pdu { command_status, sequence_number, body: Body::SubmitSm(sm) }, &mut out);
    let Body::SubmitSm(sm) = decode(out.freeze()).unwrap().body else { panic!("not a submit_sm") };
    assert_eq!(&sm.source_addr[..], b"me?you");
}

#[test]
fn field_above_its_limit_is_refused_by_name() {
    let long = [b'1'; 65];
    // Octets before the field, the status that names it.
    let rows: [(&[u8], CommandStatus); 5] = [
        (b"", CommandStatus::ESME_RINVSERTYP),
        (b"\0\0\0", CommandStatus::ESME_RINVSRCADR),
        (b"\0\0\0\0\0\0", CommandStatus::ESME_RINVDSTADR),
        (b"\0\0\0\0\0\0\0\0\0\0", CommandStatus::ESME_RINVSCHED),
        (b"\0\0\0\0\0\0\0\0\0\0\0", CommandStatus::ESME_RINVEXPIRY),
    ];
    for (before, status) in rows {
        let body = [before, &long, &[0; 20]].concat();
        assert_eq!(refusal(&pdu(4, 0, 2, &body)), status);
    }
}

#[test]
fn body_that_ends_too_early_is_an_invalid_command_length() {
    for body in [&b""[..], b"\0", b"\0\x01\x01123\0"] {
        assert_eq!(refusal(&pdu(4, 0, 2, body)), CommandStatus::ESME_RINVCMDLEN);
    }
}
