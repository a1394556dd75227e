//! From one alphabet to another, for peers whose `data_coding` 0 is not the GSM alphabet.
//!
//! The relay keeps and counts unpacked septets; these functions stand at its edge, on user data from
//! which the header was cut.

use bytes::Bytes;

use super::{Alphabet, Encoded, Payload, Shifts, decode_as, encode, encode::gsm_text, gsm};
use crate::values::DataCoding;

/// Octets of one alphabet in another; `None` when that one lacks a character, or is no alphabet.
#[must_use]
pub fn recode(octets: &Bytes, from: Alphabet, to: Alphabet) -> Option<Vec<u8>> {
    match (from, to) {
        _ if from == to => Some(octets.to_vec()),
        // Septets without a character of their own survive only where no text is made of them.
        (Alphabet::Gsm, Alphabet::GsmPacked) => Some(gsm::pack(octets)),
        (Alphabet::GsmPacked, Alphabet::Gsm) => Some(gsm::unpack(octets)),
        _ => match decode_as(from, octets) {
            Payload::Text(text) => text_in(&text, to),
            Payload::Binary(_) => None,
        },
    }
}

/// Unpacked GSM septets, as the relay keeps them, in what the peer understands by `data_coding` 0;
/// `None` when its alphabet lacks a character. Packed septets behind a header need
/// [`gsm::pack_behind`] instead.
#[must_use]
pub fn to_default_alphabet(septets_unpacked_gsm: &[u8], alphabet: Alphabet) -> Option<Vec<u8>> {
    match alphabet {
        Alphabet::Gsm => Some(septets_unpacked_gsm.to_vec()),
        Alphabet::GsmPacked => Some(gsm::pack(septets_unpacked_gsm)),
        _ => text_in(&gsm::decode(septets_unpacked_gsm), alphabet),
    }
}

/// What a peer sent with `data_coding` 0, as the relay keeps it: unpacked GSM septets, or UTF-16 when
/// the GSM alphabet lacks a character. Octets of no alphabet stay as they are.
#[must_use]
pub fn from_default_alphabet(octets: &Bytes, alphabet: Alphabet) -> Encoded {
    match alphabet {
        Alphabet::Gsm => gsm_text(octets.to_vec(), Shifts::default()),
        Alphabet::GsmPacked => gsm_text(gsm::unpack(octets), Shifts::default()),
        _ => match decode_as(alphabet, octets) {
            Payload::Text(text) => encode(&text),
            Payload::Binary(octets) => {
                let units = octets.len();
                Encoded { data_coding: DataCoding::OCTETS, octets, units, shifts: Shifts::default() }
            }
        },
    }
}

/// True when the alphabet has the character, or is one whose tables are looked up elsewhere.
pub(super) fn has(alphabet: Alphabet, character: char) -> bool {
    match alphabet {
        Alphabet::Latin1 => u32::from(character) < 0x100,
        Alphabet::Ascii => character.is_ascii(),
        Alphabet::Gsm | Alphabet::GsmPacked | Alphabet::Utf8 | Alphabet::Utf16 => true,
        Alphabet::Binary => false,
    }
}

/// A text in an alphabet.
fn text_in(text: &str, alphabet: Alphabet) -> Option<Vec<u8>> {
    if !text.chars().all(|character| has(alphabet, character)) {
        return None;
    }
    match alphabet {
        Alphabet::Gsm => gsm::encode(text),
        Alphabet::GsmPacked => gsm::encode(text).map(|septets| gsm::pack(&septets)),
        Alphabet::Latin1 => text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect(),
        Alphabet::Ascii | Alphabet::Utf8 => Some(text.as_bytes().to_vec()),
        Alphabet::Utf16 => Some(super::encode::utf_16(text).octets.to_vec()),
        Alphabet::Binary => None,
    }
}
