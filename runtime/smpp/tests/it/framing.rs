//! Framing holds whatever the octets are: the promise that a bad PDU costs one response.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use wasmsc_smpp::*;

use crate::peer::Solo;
use crate::{octets, pdu};

const PROBE: u32 = 0x5EED_0001;

/// Commands a peer may send that do not end the session.
fn any_command() -> impl Strategy<Value = u32> {
    let known = [1, 2, 3, 4, 5, 7, 8, 9, 0x0B, 0x15, 0x21, 0x102, 0x103, 0];
    prop_oneof![
        (prop::sample::select(known.to_vec()), any::<bool>())
            .prop_map(|(id, is_response)| id | u32::from(is_response) << 31),
        any::<u32>().prop_filter("unbind ends the session", |id| *id != 6),
    ]
}

proptest! {
    #[test]
    fn arbitrary_octets_never_panic(input in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut solo = Solo::smsc_bound();
        solo.feed(&input);
        let _ = decode(Bytes::from(input));
    }

    #[test]
    fn frame_ends_where_command_length_says(
        command in any_command(),
        body in prop::collection::vec(any::<u8>(), 0..200),
        behind in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        let whole = pdu(command, 0, 1, &body);
        let mut input = BytesMut::from(&[&whole[..], &behind].concat()[..]);
        prop_assert_eq!(next_frame(&mut input, PDU_MAX_OCTETS), Ok(Some(whole.clone())));
        prop_assert_eq!(&input[..], &behind[..]);
        // A frame longer than its command_length is read up to that only.
        prop_assert_eq!(decode(Bytes::from([&whole[..], &behind].concat())), decode(whole));
    }

    #[test]
    fn after_any_body_the_next_pdu_is_understood(
        command in any_command(),
        status in prop_oneof![Just(0), any::<u32>()],
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        for mut solo in [Solo::smsc_bound(), Solo::esme_bound()] {
            solo.feed(&pdu(command, status, 1, &body));
            solo.sent();
            solo.feed(&pdu(0x15, 0, PROBE, b""));
            prop_assert_eq!(solo.sent(), pdu(0x8000_0015, 0, PROBE, b""));
        }
    }

    #[test]
    fn damaged_submit_sm_costs_one_response(
        at in 16usize..46,
        octet in any::<u8>(),
        length in 16usize..=46,
    ) {
        let mut damaged = octets(crate::peer::SUBMIT).to_vec();
        damaged[at] = octet;
        damaged.truncate(length);
        damaged[3] = length as u8;
        let mut solo = Solo::smsc_bound();
        let events = solo.feed(&damaged);
        let sent = solo.sent();
        if events.is_empty() {
            prop_assert_eq!(sent.len(), 16);
            prop_assert_eq!(&sent[4..8], [0x80, 0, 0, 4]);
            prop_assert_eq!(&sent[12..], [0, 0, 0, 2]);
        } else {
            let is_request = matches!(events[..], [Event::Request { .. }]);
            prop_assert!(is_request);
            prop_assert!(sent.is_empty());
        }
        prop_assert!(solo.session.is_bound());
    }

    #[test]
    fn how_the_stream_is_cut_changes_nothing(
        pdus in prop::collection::vec((any_command(), prop::collection::vec(any::<u8>(), 0..40)), 1..10),
        chunk in 1usize..50,
    ) {
        let stream: Vec<u8> =
            pdus.iter().flat_map(|(command, body)| pdu(*command, 0, 7, body)).collect();
        let (mut whole, mut cut) = (Solo::smsc_bound(), Solo::smsc_bound());
        let expected = whole.feed(&stream);
        let events: Vec<Event> = stream.chunks(chunk).flat_map(|part| cut.feed(part)).collect();
        prop_assert_eq!(events, expected);
        prop_assert_eq!(cut.sent(), whole.sent());
    }
}

#[test]
fn length_is_judged_before_anything_is_reserved() {
    for length in [0u32, 15, PDU_MAX_OCTETS as u32 + 1, 0x4854_5450, u32::MAX] {
        let mut input = BytesMut::from(&length.to_be_bytes()[..]);
        let room = input.capacity();
        assert_eq!(next_frame(&mut input, PDU_MAX_OCTETS), Err(FrameError::Length(length)));
        assert_eq!(input.capacity(), room);
    }
    // A legal length that has not come yet reserves nothing either.
    let mut input = BytesMut::from(&(PDU_MAX_OCTETS as u32).to_be_bytes()[..]);
    let room = input.capacity();
    assert_eq!(next_frame(&mut input, PDU_MAX_OCTETS), Ok(None));
    assert_eq!((input.len(), input.capacity()), (4, room));
}
