//! A PDU in pieces is the PDU that was decoded.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use wasmsc_smpp::dissect::{Dissection, Field, Holds, dissect};
use wasmsc_smpp::text::Payload;
use wasmsc_smpp::*;

use crate::round_trip::pdus;

fn taken_apart(octets: &Bytes) -> Dissection {
    let found = dissect(octets);
    if found.error.is_none() {
        let all: Vec<u8> = found.fields.iter().flat_map(|field| field.octets.to_vec()).collect();
        let length = usize::try_from(u32::from_be_bytes(octets[..4].try_into().unwrap())).unwrap();
        assert_eq!(all, octets[..length], "its fields are all of it");
    }
    let mut end = 0;
    for field in &found.fields {
        assert_eq!(field.at, end, "{} begins where the last one ended", field.name);
        end += field.octets.len();
    }
    found
}

/// As `decode` judges it.
fn agrees(octets: &Bytes) {
    let found = taken_apart(octets);
    match (decode(octets.clone()), found.error) {
        (Ok(pdu), None) => {
            assert_eq!(found.command_id, Some(pdu.body.command_id()));
            assert_eq!((found.command_status, found.sequence_number), (pdu.command_status, pdu.sequence_number));
        }
        (Err(error), Some(malformed)) => {
            assert_eq!((malformed.field, malformed.command_status), (error.what, error.command_status));
            assert!(malformed.at <= octets.len());
        }
        (decoded, malformed) => panic!("{decoded:?} and {malformed:?}"),
    }
}

proptest! {
    #[test]
    fn every_pdu_is_its_fields(pdu in pdus()) {
        let mut out = BytesMut::new();
        encode(&pdu, &mut out);
        let found = taken_apart(&out.freeze());
        prop_assert_eq!(found.error, None);
    }

    #[test]
    fn what_cannot_be_decoded_is_said_to_be_wrong_and_nothing_else(
        pdu in pdus(), at in any::<prop::sample::Index>(), octet in any::<u8>(), cut in any::<prop::sample::Index>(),
    ) {
        let mut out = BytesMut::new();
        encode(&pdu, &mut out);
        let at = at.index(out.len());
        out[at] = octet;
        agrees(&out.clone().freeze());
        out.truncate(cut.index(out.len() + 1));
        agrees(&out.clone().freeze());
        // The same with a length that is right: its fields end early.
        if out.len() >= 16 {
            let length = u32::try_from(out.len()).unwrap();
            out[..4].copy_from_slice(&length.to_be_bytes());
            agrees(&out.freeze());
        }
    }
}

fn field<'d>(found: &'d Dissection, name: &str) -> &'d Field {
    found.fields.iter().find(|field| field.name == name).unwrap_or_else(|| panic!("no {name} in {found:?}"))
}

#[test]
fn a_submit_sm_is_told_with_names_values_and_meanings() {
    let body = hex!(
        "00 0501 41434d4500 01 01 343637303000 44 00 00 00 00 01 00 00 00 0a 0500030c0201 68656c6c 0204 0002 000d"
    );
    let pdu = crate::pdu(4, 0, 5, &body);
    let found = taken_apart(&pdu);
    assert_eq!(found.error, None, "{found:?}");
    let told = |name| (field(&found, name).value.as_str(), field(&found, name).meaning.as_str());
    assert_eq!(told("command_id"), ("0x00000004", "submit_sm"));
    assert_eq!(told("command_status"), ("0x00000000", "ESME_ROK"));
    assert_eq!((told("source_addr"), told("source_addr_ton")), (("ACME", ""), ("0x05", "ALPHANUMERIC")));
    assert_eq!(told("esm_class"), ("0x44", "default mode, delivery receipt, UDHI"));
    assert_eq!(told("registered_delivery"), ("0x01", "receipt always"));
    assert_eq!(told("user_message_reference"), ("000d", "13"));
    assert_eq!(field(&found, "short_message").holds, Holds::Message);
    let message = found.message.unwrap();
    assert_eq!((message.octets, message.payload), (10, Payload::Text("hell".into())));
    assert_eq!(message.concat.map(|part| (part.number, part.total)), Some((1, 2)));
}

#[test]
fn a_password_is_marked_as_one() {
    let found = taken_apart(&crate::pdu(9, 0, 1, &hex!("6d6500 7061737300 00 34 01 01 00")));
    let secret: Vec<&str> = found.fields.iter().filter(|f| f.holds == Holds::Password).map(|f| &*f.name).collect();
    assert_eq!((found.error, secret), (None, vec!["password"]));
}

#[test]
fn the_place_of_an_error_is_told() {
    let at = |octets: &Bytes| dissect(octets).error.map(|error| (error.at, error.field, error.command_status));
    let short = hex!("00000005 000000");
    assert_eq!(at(&short), Some((7, "header", CommandStatus::ESME_RINVCMDLEN)));
    let cut = hex!("00000040 00000004 00000000 00000005 00 0501");
    assert_eq!(at(&cut), Some((0, "command_length", CommandStatus::ESME_RINVCMDLEN)));
    let early = hex!("00000018 00000004 00000000 00000005 00 0501 4100 0101 00");
    assert_eq!(at(&early), Some((24, "esm_class", CommandStatus::ESME_RINVCMDLEN)));
    let long =
        hex!("00000027 00000004 00000000 00000005 00 0501 4100 0101 3400 00 00 00 00 00 00 00 00 00 20 6869 0000");
    assert_eq!(at(&long), Some((34, "short_message", CommandStatus::ESME_RINVMSGLEN)));
}
