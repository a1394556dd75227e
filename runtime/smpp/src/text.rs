//! Message text: what `data_coding` says about octets, and octets for a text.
//!
//! Decoding never fails: an octet without a meaning becomes U+FFFD, and what is no text stays octets.
//! Encoding takes the GSM alphabet when the whole text is in it and UTF-16 when not; [`encode_with`]
//! also knows national tables and similar characters. [`crate::segment`] splits what is too long,
//! [`crate::udh`] reads the header before the text.

mod content;
pub mod dcs;
mod encode;
pub mod gsm;
mod national;
mod transcode;
mod transliterate;

use bytes::Bytes;

use crate::segment::{self, Style};
use crate::udh::Udh;
use crate::values::DataCoding;

pub use content::decode_content;
pub use dcs::Dcs;
pub use encode::{EncodeOptions, encode_with};
pub use national::{NationalTables, Shifts, UnknownLanguage};
pub use transcode::{from_default_alphabet, recode, to_default_alphabet};
pub use transliterate::transliterate;

/// Septets in one SMS without user data header (3GPP TS 23.040 §9.2.3.16).
pub const SEPTETS_MAX: usize = 160;
/// UTF-16 code units in one SMS.
pub const UTF_16_UNITS_MAX: usize = 70;
/// Octets in one SMS.
pub const OCTETS_MAX: usize = 140;

/// What a message carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Text.
    Text(String),
    /// Octets of no alphabet this crate knows, unchanged.
    Binary(Bytes),
}

/// How octets become characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Alphabet {
    /// GSM 03.38 default alphabet, one septet per octet.
    #[default]
    Gsm,
    /// The same, eight septets in seven octets; some centres send it so.
    GsmPacked,
    /// ISO 8859-1.
    Latin1,
    /// ASCII.
    Ascii,
    /// UTF-8.
    Utf8,
    /// UTF-16, big endian; what the field calls UCS-2.
    Utf16,
    /// No text.
    Binary,
}

impl Alphabet {
    /// The alphabet `data_coding` names; `default` is what 0 means between these two peers (SMPP 3.4
    /// §5.2.19, and the coding groups of 3GPP TS 23.038 §4 for the values SMPP leaves to GSM).
    #[must_use]
    pub fn of(data_coding: DataCoding, default: Alphabet) -> Alphabet {
        let octet = data_coding.0;
        match octet {
            0x01 => Alphabet::Ascii,
            0x03 => Alphabet::Latin1,
            0x08 => Alphabet::Utf16,
            // Octets, then JIS, Cyrillic, Hebrew, pictograms, two more JIS and Korean, which this
            // crate has no tables for.
            0x02 | 0x04..=0x07 | 0x09 | 0x0A | 0x0D | 0x0E => Alphabet::Binary,
            // General data coding and automatic deletion: bit 5 compressed, bits 3-2 the alphabet.
            0x10..=0x7F if octet & 0x20 != 0 => Alphabet::Binary,
            0x10..=0x7F => match octet & 0x0C {
                0x04 => Alphabet::Binary,
                0x08 => Alphabet::Utf16,
                _ => default,
            },
            // Message waiting: 0xC0-0xDF in the default alphabet, 0xE0-0xEF in UCS-2.
            0xE0..=0xEF => Alphabet::Utf16,
            // Message class: bit 2 is 8-bit data.
            0xF0..=0xFF if octet & 0x04 != 0 => Alphabet::Binary,
            // Reserved codings count as the default alphabet (3GPP TS 23.038 §4).
            _ => default,
        }
    }
}

/// A text as it goes into `short_message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// What to put into `data_coding`.
    pub data_coding: DataCoding,
    /// The message.
    pub octets: Bytes,
    /// Its length in septets, UTF-16 code units or octets, whichever the coding counts in, without a
    /// header.
    pub units: usize,
    /// The national tables its septets are written with.
    pub shifts: Shifts,
}

impl Encoded {
    /// The header the message needs; empty unless national tables were used.
    #[must_use]
    pub fn udh(&self) -> Udh {
        self.shifts.udh()
    }
}

/// Decodes a message, with GSM 03.38 as the default alphabet.
#[must_use]
pub fn decode(data_coding: DataCoding, octets: &Bytes) -> Payload {
    decode_as(Alphabet::of(data_coding, Alphabet::Gsm), octets)
}

/// Decodes a message of a known alphabet. A user data header must have been cut off.
#[must_use]
pub fn decode_as(alphabet: Alphabet, octets: &Bytes) -> Payload {
    let replace_high = |octet: &u8| if octet.is_ascii() { char::from(*octet) } else { '\u{FFFD}' };
    Payload::Text(match alphabet {
        Alphabet::Gsm => gsm::decode(octets),
        Alphabet::GsmPacked => gsm::decode(&gsm::unpack(octets)),
        Alphabet::Latin1 => octets.iter().map(|octet| char::from(*octet)).collect(),
        Alphabet::Ascii => octets.iter().map(replace_high).collect(),
        Alphabet::Utf8 => String::from_utf8_lossy(octets).into_owned(),
        Alphabet::Utf16 => decode_utf_16(octets),
        Alphabet::Binary => return Payload::Binary(octets.clone()),
    })
}

/// Encodes a text: GSM 03.38 if it has every character, else UTF-16.
#[must_use]
pub fn encode(text: &str) -> Encoded {
    match gsm::encode(text) {
        Some(septets) => encode::gsm_text(septets, Shifts::default()),
        None => encode::utf_16(text),
    }
}

/// True when the text needs no splitting.
#[must_use]
pub fn fits_one_sms(encoded: &Encoded) -> bool {
    segment::parts_needed(encoded.data_coding, &encoded.udh(), &encoded.octets, Style::Udh8) == 1
}

/// UTF-16BE as the field sends it: a lone half of a pair and an odd last octet become U+FFFD.
fn decode_utf_16(octets: &[u8]) -> String {
    let (pairs, odd) = octets.as_chunks::<2>();
    let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
    let mut text = String::with_capacity(octets.len());
    text.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or('\u{FFFD}')));
    if !odd.is_empty() {
        text.push('\u{FFFD}');
    }
    text
}
