//! Octets of every PDU, field by field, against the layouts of SMPP 3.4 chapter 4.

use bytes::{Bytes, BytesMut};
use wasmsc_smpp::*;

fn encoded(command_status: CommandStatus, sequence_number: u32, body: Body) -> Bytes {
    let mut out = BytesMut::new();
    encode(&Pdu { command_status, sequence_number, body }, &mut out);
    out.freeze()
}

fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[test]
fn bind_transmitter_is_the_example_of_the_specification() {
    // SMPP 3.4 §3.2.1.
    let octets = hex!(
        "0000002F 00000002 00000000 00000001",
        "534D50503354455354 00 7365637265743038 00 5355424D495431 00 00 01 01 00",
    );
    let bind = Bind {
        system_id: text("SMPP3TEST"),
        password: text("secret08"),
        system_type: text("SUBMIT1"),
        interface_version: InterfaceVersion(0),
        addr_ton: Ton::INTERNATIONAL,
        addr_npi: Npi::ISDN,
        address_range: Bytes::new(),
    };
    assert_eq!(encoded(CommandStatus::ESME_ROK, 1, Body::BindTransmitter(bind)), octets);
}

#[test]
fn bind_resp_carries_the_interface_version() {
    let resp = BindResp {
        system_id: text("smsc"),
        tlvs: Tlvs::from_iter([Tlv { tag: tlv::tag::SC_INTERFACE_VERSION, value: Bytes::from_static(&[0x34]) }]),
    };
    let octets = hex!("0000001A 80000009 00000000 00000001 736D7363 00 0210 0001 34");
    assert_eq!(encoded(CommandStatus::ESME_ROK, 1, Body::BindTransceiverResp(resp)), octets);
}

#[test]
fn submit_sm_has_its_fields_in_order() {
    let sm = Sm {
        service_type: text("CMT"),
        source_addr_ton: Ton(5),
        source_addr_npi: Npi(0),
        source_addr: text("ACME"),
        dest_addr_ton: Ton(1),
        dest_addr_npi: Npi(1),
        destination_addr: text("38599"),
        esm_class: EsmClass(0x43),
        protocol_id: 0x7F,
        priority_flag: 2,
        schedule_delivery_time: Bytes::new(),
        validity_period: text("000001000000000R"),
        registered_delivery: RegisteredDelivery(0x11),
        replace_if_present_flag: 1,
        data_coding: DataCoding(8),
        sm_default_msg_id: 9,
        short_message: Bytes::from_static(&[0x01, 0x61]),
        tlvs: Tlvs::from_iter([Tlv { tag: 0x0204, value: Bytes::from_static(&[0xAB, 0xCD]) }]),
    };
    let octets = hex!(
        "00000045 00000004 00000000 00000007",
        "434D5400 05 00 41434D4500 01 01 333835393900 43 7F 02 00",
        "30303030303130303030303030303052 00 11 01 08 09 02 0161",
        "0204 0002 ABCD",
    );
    assert_eq!(encoded(CommandStatus::ESME_ROK, 7, Body::SubmitSm(sm.clone())), octets);
    assert_eq!(decode(octets).unwrap().body, Body::SubmitSm(sm.clone()));
    assert_eq!(encoded(CommandStatus::ESME_ROK, 7, Body::DeliverSm(sm))[7], 0x05);
}

#[test]
fn pdus_without_a_body_are_a_header() {
    let rows = [
        (Body::Unbind, "00000010 00000006 00000000 00000001"),
        (Body::UnbindResp, "00000010 80000006 00000000 00000001"),
        (Body::EnquireLink, "00000010 00000015 00000000 00000001"),
        (Body::EnquireLinkResp, "00000010 80000015 00000000 00000001"),
        (Body::GenericNack, "00000010 80000000 00000000 00000001"),
    ];
    for (body, octets) in rows {
        assert_eq!(encoded(CommandStatus::ESME_ROK, 1, body), hex!(octets));
    }
}

#[test]
fn error_response_without_content_has_no_body_and_with_content_keeps_it() {
    let status = CommandStatus::ESME_RTHROTTLED;
    let blank = Body::SubmitSmResp(SmResp::default());
    assert_eq!(encoded(status, 3, blank.clone()), hex!("00000010 80000004 00000058 00000003"));
    // With ESME_ROK the empty message_id is a NUL.
    let ok = hex!("00000011 80000004 00000000 00000003 00");
    assert_eq!(encoded(CommandStatus::ESME_ROK, 3, blank), ok);
    let named = Body::SubmitSmResp(SmResp { message_id: text("9"), tlvs: Tlvs::new() });
    assert_eq!(encoded(status, 3, named), hex!("00000012 80000004 00000058 00000003 39 00"));
}

#[test]
fn message_too_long_for_short_message_leaves_as_message_payload() {
    let sm = Sm { short_message: Bytes::from(vec![b'x'; 255]), ..Sm::default() };
    let octets = encoded(CommandStatus::ESME_ROK, 1, Body::SubmitSm(sm));
    let Body::SubmitSm(read) = decode(octets).unwrap().body else { panic!("not a submit_sm") };
    assert!(read.short_message.is_empty());
    assert_eq!(read.payload().len(), 255);

    let mut built = Sm::default();
    built.set_payload(Bytes::from(vec![b'x'; 255]));
    assert_eq!(read, built);
    built = Sm::default();
    built.set_payload(Bytes::from(vec![b'x'; 254]));
    assert_eq!((built.short_message.len(), built.tlvs.len()), (254, 0));
}

#[test]
fn status_and_command_print_their_name_and_number() {
    assert_eq!(CommandStatus(0x0A).to_string(), "ESME_RINVSRCADR (0x0000000A)");
    assert_eq!(CommandStatus(0x401).to_string(), "unknown (0x00000401)");
    assert_eq!(CommandId::SUBMIT_SM.response().to_string(), "SUBMIT_SM_RESP (0x80000004)");
}

#[test]
fn registered_delivery_tells_which_receipts_are_wanted() {
    // Success, failure, intermediate.
    let rows = [
        (0x00, [false, false, false]),
        (0x01, [true, true, false]),
        (0x02, [false, true, false]),
        (0x03, [true, false, false]),
        (0x11, [true, true, true]),
        (0xFC, [false, false, true]),
    ];
    for (octet, wanted) in rows {
        let flag = RegisteredDelivery(octet);
        let seen = [flag.wants_success(), flag.wants_failure(), flag.wants_intermediate()];
        assert_eq!(seen, wanted, "0x{octet:02X}");
    }
}

#[test]
fn password_does_not_show_in_debug_output() {
    let bind = Bind { system_id: text("esme"), password: text("hunter2"), ..Bind::default() };
    let shown = format!("{bind:?}");
    assert!(shown.contains("esme") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn decoded_strings_are_slices_of_the_frame() {
    let frame = hex!(super::peer::SUBMIT);
    let inside = frame.as_ptr_range();
    let Body::SubmitSm(sm) = decode(frame.clone()).unwrap().body else { panic!("not a submit_sm") };
    assert!(inside.contains(&sm.destination_addr.as_ptr()));
    assert!(inside.contains(&sm.short_message.as_ptr()));
}
