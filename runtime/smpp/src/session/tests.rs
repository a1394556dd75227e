//! What needs a look inside; everything else is tested through public names in `tests/it`.

// A test's first instant has to come from somewhere.
#![allow(clippy::disallowed_methods)]

use std::time::Instant;

use bytes::BytesMut;

use super::*;
use crate::pdu::Sm;

/// A centre with a transceiver bound, at the end of its sequence numbers.
fn smsc_at(last_sequence_number: u32) -> Session {
    let now = Instant::now();
    let mut session = Session::new(SessionConfig::smsc(), now);
    let mut input = BytesMut::new();
    let bind = Body::BindTransceiver(Bind::default());
    codec::encode_parts(CommandStatus::ESME_ROK, 1, &bind, &mut input);
    assert!(session.poll(&mut input, now).is_some());
    session.accept_bind(b"smsc");
    session.last_sequence_number = last_sequence_number;
    session
}

fn deliver(session: &mut Session) -> u32 {
    let now = session.now;
    session.request(Body::DeliverSm(Sm::default()), now).expect("bound, and the window is free")
}

#[test]
fn our_sequence_numbers_start_over_at_one() {
    let mut session = smsc_at(SEQUENCE_NUMBER_MAX - 1);
    assert_eq!(deliver(&mut session), 0x7FFF_FFFF);
    assert_eq!(deliver(&mut session), 1);
}

#[test]
fn number_that_still_waits_is_not_given_again() {
    let mut session = smsc_at(0);
    assert_eq!((deliver(&mut session), deliver(&mut session)), (1, 2));
    session.last_sequence_number = SEQUENCE_NUMBER_MAX;
    assert_eq!(deliver(&mut session), 3);
}
