//! Framing and decoding: no octet beyond `command_length` is read or taken, whatever stands in front of it.

use bytes::{Bytes, BytesMut};
use wasmsc_smpp::*;

/// A PDU that every peer must understand behind any other.
const GOOD: &[u8] = b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x07";

/// Commands with a body, requests and responses, for octets that have no header of their own.
const COMMANDS: [u32; 27] = [
    0x01,
    0x02,
    0x03,
    0x04,
    0x05,
    0x07,
    0x08,
    0x09,
    0x0B,
    0x21,
    0x102,
    0x103,
    0x111,
    0x112,
    0x113,
    0x8000_0001,
    0x8000_0002,
    0x8000_0003,
    0x8000_0004,
    0x8000_0005,
    0x8000_0009,
    0x8000_0021,
    0x8000_0103,
    0x8000_0111,
    0x8000_0112,
    0x8000_0000,
    0x0001_0000,
];

/// The octets as a stream, then as the body of one PDU that is followed by a good one.
pub fn decode(octets: &[u8]) {
    stream(octets);
    let Some((choice, body)) = octets.split_first() else { return };
    let command_id = COMMANDS[usize::from(*choice) % COMMANDS.len()];
    let Ok(command_length) = u32::try_from(codec::HEADER_OCTETS + body.len()) else { return };
    let header = [command_length, command_id, u32::from(*choice) / 27, 42].map(u32::to_be_bytes).concat();
    let mut input = BytesMut::from(&[&header, body, GOOD].concat()[..]);
    let first = next_frame(&mut input, usize::MAX).expect("length is right").expect("frame is there");
    assert_eq!(first.len(), header.len() + body.len());
    one(&first);
    let second = next_frame(&mut input, usize::MAX).expect("stream is in step").expect("frame is there");
    assert_eq!(wasmsc_smpp::decode(second).map(|pdu| pdu.body), Ok(Body::EnquireLink));
    assert!(input.is_empty());
}

fn stream(octets: &[u8]) {
    let mut input = BytesMut::from(octets);
    loop {
        let left = input.len();
        match next_frame(&mut input, PDU_MAX_OCTETS) {
            Ok(Some(frame)) => {
                let command_length = frame.first_chunk().map(|length| u32::from_be_bytes(*length));
                assert_eq!(command_length.map(|length| length as usize), Some(frame.len()));
                assert_eq!(left - input.len(), frame.len());
                one(&frame);
            }
            Ok(None) => return assert_eq!(left, input.len(), "nothing is taken from half a PDU"),
            Err(FrameError::Length(length)) => {
                assert!((length as usize) < codec::HEADER_OCTETS || length as usize > PDU_MAX_OCTETS);
                return assert_eq!(left, input.len());
            }
        }
    }
}

fn one(frame: &Bytes) {
    let word = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().expect("four octets"));
    let decoded = wasmsc_smpp::decode(frame.clone());
    let followed: Bytes = [frame, &b"\x04\x24\0\x04junk\0\0"[..]].concat().into();
    assert_eq!(wasmsc_smpp::decode(followed), decoded, "what follows is another PDU");
    match decoded {
        Ok(pdu) => {
            let head = (pdu.body.command_id().0, pdu.command_status.0, pdu.sequence_number);
            assert_eq!(head, (word(4), word(8), word(12)));
            round_trip(&pdu);
        }
        Err(error) => {
            assert_eq!((error.command_id.0, error.sequence_number), (word(4), word(12)));
            assert!(!error.command_status.is_ok());
        }
    }
}

/// What was decoded, encodes to something that decodes to it again.
fn round_trip(pdu: &Pdu) {
    let wire = encoded(pdu);
    let again = wasmsc_smpp::decode(wire.clone()).expect("what we write, we read");
    assert_eq!(encoded(&again), wire);
    match (message(&pdu.body), message(&again.body)) {
        // SMPP 5.0 has short messages of 255 octets; they leave as message_payload.
        (Some((short, payload)), Some((_, relayed))) if short.len() > 254 => assert_eq!(payload, relayed),
        _ => assert_eq!(&again, pdu),
    }
}

fn encoded(pdu: &Pdu) -> Bytes {
    let mut wire = BytesMut::new();
    encode(pdu, &mut wire);
    let frame = next_frame(&mut wire, usize::MAX).expect("length is right").expect("frame is there");
    assert!(wire.is_empty());
    frame
}

/// `short_message`, and what the receiver takes for the message.
fn message(body: &Body) -> Option<(&Bytes, &Bytes)> {
    let (short_message, tlvs) = match body {
        Body::SubmitSm(sm) | Body::DeliverSm(sm) => (&sm.short_message, &sm.tlvs),
        Body::SubmitMulti(sm) => (&sm.short_message, &sm.tlvs),
        Body::ReplaceSm(sm) => (&sm.short_message, &sm.tlvs),
        _ => return None,
    };
    let payload = tlvs.get(tlv::tag::MESSAGE_PAYLOAD).filter(|_| short_message.is_empty());
    Some((short_message, payload.unwrap_or(short_message)))
}
