//! Text: any octets decode, and every text comes back as it was, in one piece or in parts.
//!
//! The first two octets choose a coding and its options.

use bytes::Bytes;
use wasmsc_smpp::segment::{self, Style};
use wasmsc_smpp::text::{self, Alphabet, EncodeOptions, NationalTables, Payload, gsm};
use wasmsc_smpp::udh::Udh;
use wasmsc_smpp::*;

const ALPHABETS: [Alphabet; 7] = [
    Alphabet::Gsm,
    Alphabet::GsmPacked,
    Alphabet::Latin1,
    Alphabet::Ascii,
    Alphabet::Utf8,
    Alphabet::Utf16,
    Alphabet::Binary,
];

const STYLES: [Style; 4] = [Style::Udh8, Style::Udh16, Style::Sar, Style::Payload];

/// Reads the octets as a message, then as a text to write.
pub fn text(octets: &[u8]) {
    let [coding, options, octets @ ..] = octets else { return };
    let data_coding = DataCoding(*coding);
    let alphabet = ALPHABETS[usize::from(*options) % ALPHABETS.len()];
    let octets = Bytes::copy_from_slice(octets);
    for has_udhi in [false, true] {
        let (payload, udh) = text::decode_content(data_coding, has_udhi, &octets, alphabet);
        assert!(has_udhi || udh.is_none());
        if let Payload::Binary(binary) = payload {
            assert!(octets.ends_with(&binary));
        }
    }
    let _ = text::recode(&octets, alphabet, ALPHABETS[usize::from(*coding) % ALPHABETS.len()]);
    let _ = text::from_default_alphabet(&octets, alphabet);
    pack(&octets);
    for style in STYLES {
        parts(data_coding, &Udh::new(), &octets, style);
    }
    if let Ok(text) = std::str::from_utf8(&octets) {
        written(text, *options);
    }
}

/// Septets survive packing, but for a carriage return that fills the last octet, and for an '@' that is
/// taken for the zeros some peers fill it with.
fn pack(octets: &[u8]) {
    let septets: Vec<u8> = octets.iter().map(|octet| octet & 0x7F).collect();
    let unpacked = gsm::unpack(&gsm::pack(&septets));
    let certain = septets.len() - usize::from(septets.len().is_multiple_of(8) && septets.ends_with(&[0]));
    assert!(unpacked.starts_with(&septets[..certain]));
    assert!(unpacked.len() <= septets.len() + 1);
}

fn written(text: &str, options: u8) {
    let national = if options & 8 != 0 { NationalTables::ALL } else { NationalTables::NONE };
    let options = EncodeOptions { national, transliterate: options & 16 != 0, default_alphabet: Alphabet::Gsm };
    let encoded = text::encode_with(text, &options);
    let udh = encoded.udh();
    let message: Bytes = [udh.encode(), encoded.octets.clone()].concat().into();
    let (payload, read) = text::decode_content(encoded.data_coding, !udh.is_empty(), &message, Alphabet::Gsm);
    assert_eq!(read.unwrap_or_default(), udh);
    if !options.transliterate {
        assert_eq!(payload, Payload::Text(text.to_owned()));
    }
    for style in STYLES {
        parts(encoded.data_coding, &udh, &encoded.octets, style);
    }
}

/// Parts join to what was split, and none is longer than an SMS.
fn parts(data_coding: DataCoding, udh: &Udh, octets: &Bytes, style: Style) {
    let Ok(segments) = segment::split(data_coding, udh, octets, style, 0xABCD) else { return };
    assert_eq!(segments.parts.len(), segment::parts_needed(data_coding, udh, octets, style));
    if segments.parts.len() > 1 {
        assert!(segments.parts.iter().all(|part| part.octets.len() <= 160));
    }
    let joined = segment::join(&segments.parts).expect("our own parts join");
    assert_eq!((&joined.octets, &joined.udh), (octets, udh));
}
