//! What the crate promises, through its public names only: each test's name is the claim.

// A test's first instant has to come from somewhere; after that time only moves by hand.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

/// Octets from spaced hex.
macro_rules! hex {
    ($($part:expr),* $(,)?) => { $crate::octets(&[$($part),*].concat()) };
}

mod bind;
mod body_field;
mod dissect;
mod framing;
mod link_field;
mod long_address;
mod operations;
mod peer;
mod receipt;
mod receipt_id;
mod round_trip;
mod segment;
mod session;
mod text;
mod text_content;
mod text_national;
mod time;
mod udh;
mod wire;

/// Octets from hex digits; anything else separates.
fn octets(text: &str) -> bytes::Bytes {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    assert!(digits.len().is_multiple_of(2), "half an octet in {text:?}");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// One PDU around a body, with the right length.
fn pdu(command_id: u32, command_status: u32, sequence_number: u32, body: &[u8]) -> bytes::Bytes {
    let length = 16 + u32::try_from(body.len()).unwrap();
    let header = [length, command_id, command_status, sequence_number];
    header.iter().flat_map(|word| word.to_be_bytes()).chain(body.iter().copied()).collect()
}
