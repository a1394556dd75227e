//! Text in the alphabets of 3GPP TS 23.038 and SMPP 3.4 §5.2.19.

use bytes::Bytes;
use proptest::prelude::*;
use wasmsc_smpp::DataCoding;
use wasmsc_smpp::text::{self, Alphabet, Payload, gsm};

fn decoded(data_coding: u8, octets: &str) -> Payload {
    text::decode(DataCoding(data_coding), &hex!(octets))
}

fn is_text(text: &str) -> Payload {
    Payload::Text(text.to_owned())
}

#[test]
fn default_alphabet_is_the_table_of_the_specification() {
    assert_eq!(decoded(0, "00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F"), is_text("@£$¥èéùìòÇ\nØø\rÅå"));
    assert_eq!(decoded(0, "10 11 12 13 14 15 16 17 18 19 1A 1C 1D 1E 1F"), is_text("Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ"));
    assert_eq!(decoded(0, "24 40 5B 5C 5D 5E 5F 60 7B 7C 7D 7E 7F"), is_text("¤¡ÄÖÑÜ§¿äöñüà"));
    assert_eq!(decoded(0, "48 65 6C 6C 6F 20 32"), is_text("Hello 2"));
}

#[test]
fn extension_table_stands_behind_an_escape() {
    let octets = "1B0A 1B14 1B28 1B29 1B2F 1B3C 1B3D 1B3E 1B40 1B65";
    assert_eq!(decoded(0, octets), is_text("\u{0C}^{}\\[~]|€"));
    assert_eq!(text::encode("\u{0C}^{}\\[~]|€").octets, hex!(octets));
    assert_eq!(text::encode("a€").units, 3);
}

#[test]
fn escape_without_a_meaning_shows_what_the_specification_says() {
    assert_eq!(decoded(0, "1B 61"), is_text("a"), "the default table's character");
    assert_eq!(decoded(0, "61 1B"), is_text("a "));
    assert_eq!(decoded(0, "1B 1B 61"), is_text(" a"));
}

#[test]
fn octet_above_a_septet_is_replaced() {
    assert_eq!(decoded(0, "61 E4 62"), is_text("a\u{FFFD}b"));
}

#[test]
fn data_coding_zero_means_what_the_peers_agreed() {
    // "è" in Latin-1, UTF-8, and GSM; and "hellohello" packed (pitfall 21).
    let rows = [
        (Alphabet::Latin1, "E8", "è"),
        (Alphabet::Utf8, "C3A8", "è"),
        (Alphabet::Gsm, "04", "è"),
        (Alphabet::GsmPacked, "E8329BFD4697D9EC37", "hellohello"),
        (Alphabet::Ascii, "68E8", "h\u{FFFD}"),
    ];
    for (default, octets, expected) in rows {
        let alphabet = Alphabet::of(DataCoding(0), default);
        assert_eq!(text::decode_as(alphabet, &hex!(octets)), is_text(expected));
    }
}

#[test]
fn whole_data_coding_octet_is_read_in_its_group() {
    use Alphabet::{Ascii, Binary, Gsm, Latin1, Utf16};
    let rows = [
        (0x00, Gsm),
        (0x01, Ascii),
        (0x02, Binary),
        (0x03, Latin1),
        (0x04, Binary),
        (0x08, Utf16),
        (0x05, Binary),
        (0x0E, Binary),
        (0x0F, Gsm),
        (0x10, Gsm),
        (0x14, Binary),
        (0x18, Utf16),
        (0x1B, Utf16),
        (0x20, Binary),
        (0x30, Binary),
        (0x50, Gsm),
        (0x58, Utf16),
        (0x80, Gsm),
        (0xC0, Gsm),
        (0xC8, Gsm),
        (0xD8, Gsm),
        (0xE0, Utf16),
        (0xE8, Utf16),
        (0xF0, Gsm),
        (0xF1, Gsm),
        (0xF4, Binary),
        (0xF5, Binary),
        (0xFF, Binary),
    ];
    for (octet, alphabet) in rows {
        assert_eq!(Alphabet::of(DataCoding(octet), Gsm), alphabet, "0x{octet:02X}");
    }
}

#[test]
fn latin_1_ascii_and_octets_decode() {
    assert_eq!(decoded(3, "41 E9 FF"), is_text("Aéÿ"));
    assert_eq!(decoded(1, "41 E9"), is_text("A\u{FFFD}"));
    assert_eq!(decoded(4, "41 E9"), Payload::Binary(hex!("41E9")));
}

#[test]
fn surrogate_pair_is_one_character_and_a_lone_half_is_replaced() {
    assert_eq!(decoded(8, "D83D DE00"), is_text("😀"));
    assert_eq!(decoded(8, "0061 D83D 0062"), is_text("a\u{FFFD}b"));
    assert_eq!(decoded(8, "DE00 0062"), is_text("\u{FFFD}b"));
    assert_eq!(decoded(8, "0061 D83D"), is_text("a\u{FFFD}"));
}

#[test]
fn odd_length_keeps_what_was_whole() {
    assert_eq!(decoded(8, "0061 00"), is_text("a\u{FFFD}"));
    assert_eq!(decoded(8, "61"), is_text("\u{FFFD}"));
    assert_eq!(decoded(8, ""), is_text(""));
}

#[test]
fn encoding_takes_utf_16_only_when_the_text_needs_it() {
    let gsm = text::encode("Où? @ 5 €");
    assert_eq!((gsm.data_coding, gsm.units), (DataCoding::DEFAULT, 10));
    let ucs = text::encode("Šč😀");
    assert_eq!((ucs.data_coding, ucs.units), (DataCoding::UCS_2, 4));
    assert_eq!(ucs.octets, hex!("0160 010D D83D DE00"));
}

#[test]
fn one_sms_holds_160_septets_70_units_140_octets() {
    let fits = |text: &str| text::fits_one_sms(&text::encode(text));
    assert!(fits(&"a".repeat(160)) && !fits(&"a".repeat(161)));
    assert!(fits(&"€".repeat(80)) && !fits(&("€".repeat(80) + "a")));
    assert!(fits(&"č".repeat(70)) && !fits(&"č".repeat(71)));
    assert!(fits(&"😀".repeat(35)) && !fits(&("😀".repeat(35) + "č")));
    let octets = |units| text::Encoded {
        data_coding: DataCoding::OCTETS,
        octets: Bytes::from(vec![0; units]),
        units,
        shifts: text::Shifts::default(),
    };
    assert!(text::fits_one_sms(&octets(140)) && !text::fits_one_sms(&octets(141)));
}

#[test]
fn packing_fills_seven_spare_bits_with_a_carriage_return() {
    assert_eq!(gsm::pack(b"1234567"), &hex!("31D98C56B3DD1A")[..]);
    assert_eq!(gsm::unpack(&gsm::pack(b"1234567")), b"1234567");
    // A text that ends there with a carriage return of its own gets a second one.
    assert_eq!(gsm::unpack(&gsm::pack(b"1234567\r")), b"1234567\r\r");
    assert_eq!(gsm::pack(b""), b"");
}

proptest! {
    #[test]
    fn every_text_survives(text in any::<String>()) {
        let encoded = text::encode(&text);
        prop_assert_eq!(text::decode(encoded.data_coding, &encoded.octets), Payload::Text(text));
    }

    #[test]
    fn every_gsm_text_survives_as_gsm(text in "[ -_a-~@£$¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉÄÖÑÜ§¿äöñüà^{}\\[\\]|€]{0,200}") {
        let encoded = text::encode(&text);
        prop_assert_eq!(encoded.data_coding, DataCoding::DEFAULT);
        prop_assert_eq!(text::decode(encoded.data_coding, &encoded.octets), Payload::Text(text));
    }

    #[test]
    fn arbitrary_octets_decode_without_panic(coding in any::<u8>(), octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let octets = Bytes::from(octets);
        let _ = text::decode(DataCoding(coding), &octets);
        let _ = text::decode_as(Alphabet::GsmPacked, &octets);
    }

    #[test]
    fn packed_septets_survive(septets in prop::collection::vec(1u8..128, 0..170)) {
        prop_assume!(septets.last() != Some(&b'\r'));
        prop_assert_eq!(gsm::unpack(&gsm::pack(&septets)), septets);
    }
}
