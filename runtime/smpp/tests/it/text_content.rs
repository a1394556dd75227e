//! Content with headers, what else `data_coding` says, other alphabets, and how a text is written.

use bytes::Bytes;
use proptest::prelude::*;
use wasmsc_smpp::DataCoding;
use wasmsc_smpp::text::dcs::{self, Dcs, MessageClass, Waiting, WaitingKind, with_class};
use wasmsc_smpp::text::{self, Alphabet, EncodeOptions, NationalTables, Payload, gsm};

fn is_text(text: &str) -> Payload {
    Payload::Text(text.to_owned())
}

#[test]
fn header_is_no_text() {
    let octets = hex!("05 00 03 01 02 01", "48 69");
    let (payload, udh) = text::decode_content(DataCoding(0), true, &octets, Alphabet::Gsm);
    assert_eq!(payload, is_text("Hi"));
    assert_eq!(udh.unwrap().concat().unwrap().number, 1);
    let (payload, udh) = text::decode_content(DataCoding(8), true, &hex!("00 0160"), Alphabet::Gsm);
    assert_eq!((payload, udh.unwrap().is_empty()), (is_text("Š"), true));
    let (payload, udh) = text::decode_content(DataCoding(4), true, &hex!("02 70 00 FF"), Alphabet::Gsm);
    assert_eq!((payload, udh.is_some()), (Payload::Binary(hex!("FF")), true));
}

#[test]
fn message_shorter_than_its_header_is_read_as_if_it_had_none() {
    let (payload, udh) = text::decode_content(DataCoding(0), true, &hex!("61 62"), Alphabet::Gsm);
    assert_eq!((payload, udh), (is_text("ab"), None));
    let (payload, udh) = text::decode_content(DataCoding(0), false, &hex!("00 61"), Alphabet::Gsm);
    assert_eq!((payload, udh), (is_text("@a"), None));
}

#[test]
fn packed_text_starts_at_a_septet_behind_its_header() {
    // Six octets of header, one fill bit: "hellohello" one bit further than without.
    let octets = hex!("05 00 03 01 02 01", "D0 65 36 FB 8D 2E B3 D9 6F");
    let (payload, udh) = text::decode_content(DataCoding(0), true, &octets, Alphabet::GsmPacked);
    assert_eq!(payload, is_text("hellohello"));
    assert!(udh.unwrap().concat().is_some());
    assert_eq!(gsm::pack_behind(6, b"hellohello"), octets[6..]);
}

#[test]
fn class_waiting_and_compression_are_read_in_their_group() {
    let plain = Dcs::of(DataCoding(0));
    assert_eq!((plain.alphabet, plain.class, plain.waiting), (Alphabet::Gsm, None, None));
    for flash in [0x10, 0x18, 0x50, 0xF0, 0xF4] {
        assert!(Dcs::of(DataCoding(flash)).is_flash(), "0x{flash:02X}");
    }
    for other in [0x00, 0x08, 0x11, 0x40, 0xC0, 0xF1, 0x80] {
        assert!(!Dcs::of(DataCoding(other)).is_flash(), "0x{other:02X}");
    }
    assert_eq!(Dcs::of(DataCoding(0xF2)).class, Some(MessageClass::Sim));
    assert_eq!(Dcs::of(DataCoding(0x13)).class, Some(MessageClass::Equipment));
    assert!(Dcs::of(DataCoding(0x20)).is_compressed && !Dcs::of(DataCoding(0x10)).is_compressed);
    assert!(Dcs::of(DataCoding(0x40)).is_deleted_after_reading);
    assert!(!Dcs::of(DataCoding(0x30)).is_deleted_after_reading);
}

#[test]
fn message_waiting_says_what_waits_and_whether_to_keep_the_text() {
    let waiting = |is_active, kind, is_stored| Some(Waiting { is_active, kind, is_stored });
    let rows = [
        (0xC0, Alphabet::Gsm, waiting(false, WaitingKind::Voicemail, false)),
        (0xC8, Alphabet::Gsm, waiting(true, WaitingKind::Voicemail, false)),
        (0xD9, Alphabet::Gsm, waiting(true, WaitingKind::Fax, true)),
        (0xEA, Alphabet::Utf16, waiting(true, WaitingKind::Email, true)),
        (0xE3, Alphabet::Utf16, waiting(false, WaitingKind::Other, true)),
        (0xB8, Alphabet::Gsm, None),
    ];
    for (octet, alphabet, expected) in rows {
        let dcs = Dcs::of(DataCoding(octet));
        assert_eq!((dcs.alphabet, dcs.waiting), (alphabet, expected), "0x{octet:02X}");
    }
}

#[test]
fn class_is_added_where_the_coding_has_room_for_it() {
    let rows = [(0x00, Some(0x10)), (0x08, Some(0x18)), (0x04, Some(0x14)), (0xF5, Some(0x14)), (0x59, Some(0x58))];
    for (octet, expected) in rows {
        assert_eq!(with_class(DataCoding(octet), MessageClass::Flash), expected.map(DataCoding), "0x{octet:02X}");
    }
    assert_eq!(with_class(DataCoding(0x03), MessageClass::Flash), None);
    assert_eq!(with_class(DataCoding(0x00), MessageClass::Sim), Some(DataCoding(0x12)));
}

#[test]
fn what_is_said_besides_the_alphabet_stays_in_ucs_2() {
    let rows = [
        (0x00, 0x08),
        (0x03, 0x08),
        (0x0B, 0x08),
        (0x80, 0x08),
        (0x10, 0x18),
        (0x13, 0x1B),
        (0x40, 0x48),
        (0x51, 0x59),
        (0x18, 0x18),
        (0xF0, 0x18),
        (0xF2, 0x1A),
        (0xC8, 0xE8),
        (0xD9, 0xE9),
        (0xE3, 0xE3),
    ];
    for (octet, in_ucs_2) in rows {
        let said = |octet| {
            let Dcs { class, waiting, is_deleted_after_reading, .. } = Dcs::of(DataCoding(octet));
            (class, waiting.map(|waiting| (waiting.is_active, waiting.kind)), is_deleted_after_reading)
        };
        let made = dcs::in_ucs_2(DataCoding(octet));
        assert_eq!(made, DataCoding(in_ucs_2), "0x{octet:02X}");
        assert_eq!((said(made.0), Dcs::of(made).alphabet), (said(octet), Alphabet::Utf16), "0x{octet:02X}");
    }
}

#[test]
fn default_alphabet_of_a_peer_is_written_and_read() {
    let septets = gsm::encode("Où [1]").unwrap();
    let rows = [
        (Alphabet::Gsm, "4F 06 20 1B3C 31 1B3E"),
        (Alphabet::Latin1, "4F F9 20 5B 31 5D"),
        (Alphabet::Utf8, "4F C3B9 20 5B 31 5D"),
    ];
    for (alphabet, octets) in rows {
        assert_eq!(text::to_default_alphabet(&septets, alphabet).unwrap(), hex!(octets), "{alphabet:?}");
        assert_eq!(text::from_default_alphabet(&hex!(octets), alphabet).octets, septets, "{alphabet:?}");
    }
    assert_eq!(text::to_default_alphabet(&septets, Alphabet::Ascii), None, "no ù");
    assert_eq!(text::to_default_alphabet(&hex!("10"), Alphabet::Latin1), None, "no Δ");
    assert_eq!(text::to_default_alphabet(b"hellohello", Alphabet::GsmPacked).unwrap(), hex!("E8329BFD4697D9EC37"));
    assert_eq!(
        text::from_default_alphabet(&hex!("E8329BFD4697D9EC37"), Alphabet::GsmPacked).octets,
        &b"hellohello"[..]
    );
}

#[test]
fn what_the_gsm_alphabet_lacks_comes_in_as_utf_16() {
    let encoded = text::from_default_alphabet(&hex!("E7"), Alphabet::Latin1);
    assert_eq!((encoded.data_coding, encoded.octets), (DataCoding::UCS_2, hex!("00E7")));
    let octets = text::from_default_alphabet(&hex!("E7"), Alphabet::Binary);
    assert_eq!((octets.data_coding, octets.octets), (DataCoding::OCTETS, hex!("E7")));
    assert_eq!(text::recode(&hex!("E7"), Alphabet::Latin1, Alphabet::Utf8), Some(hex!("C3A7").to_vec()));
    assert_eq!(text::recode(&hex!("E7"), Alphabet::Binary, Alphabet::Utf8), None);
}

#[test]
fn text_outside_the_peers_alphabet_is_not_written_in_coding_zero() {
    let encode = |text: &str, default_alphabet| {
        text::encode_with(text, &EncodeOptions { default_alphabet, ..EncodeOptions::default() }).data_coding
    };
    assert_eq!(encode("5 €", Alphabet::Gsm), DataCoding::DEFAULT);
    assert_eq!(encode("5 €", Alphabet::Latin1), DataCoding::UCS_2);
    assert_eq!(encode("où", Alphabet::Latin1), DataCoding::DEFAULT);
    assert_eq!(encode("où", Alphabet::Ascii), DataCoding::UCS_2);
    let options =
        EncodeOptions { national: NationalTables::ALL, default_alphabet: Alphabet::Latin1, transliterate: false };
    assert_eq!(text::encode_with("ç", &options).data_coding, DataCoding::UCS_2, "no tables in Latin-1");
}

#[test]
fn similar_characters_stand_in_where_allowed() {
    let encode = |text: &str, transliterate| {
        text::encode_with(text, &EncodeOptions { transliterate, ..EncodeOptions::default() })
    };
    let rows = [
        ("“Čekaj” – rekao je…", "\"Cekaj\" - rekao je..."),
        ("façade, Łódź, Œuvre, straße", "facade, Lódz, OEuvre, straße"),
        ("a\u{A0}b\u{200B}c’d", "a bc'd"),
        ("e\u{301}", "e"),
    ];
    for (text, expected) in rows {
        let encoded = encode(text, true);
        assert_eq!(encoded.data_coding, DataCoding::DEFAULT, "{text}");
        let expected = expected.replace('ó', "o");
        assert_eq!(text::decode(encoded.data_coding, &encoded.octets), is_text(&expected));
        assert_eq!(encode(text, false).data_coding, DataCoding::UCS_2);
    }
    assert_eq!(encode("Čau 😀", true).data_coding, DataCoding::UCS_2, "nothing resembles an emoji");
    assert_eq!(encode("è", true).octets, hex!("04"), "what the alphabet has stays");
}

#[test]
fn national_tables_lose_less_than_transliteration() {
    let national = NationalTables::from_names(["turkish"]).unwrap();
    let options = EncodeOptions { national, transliterate: true, ..EncodeOptions::default() };
    let whole = text::encode_with("şarkı", &options);
    assert_eq!(gsm::decode_shifted(&whole.octets, whole.shifts), "şarkı");
    let mixed = text::encode_with("“şarkı”", &options);
    assert_eq!(gsm::decode_shifted(&mixed.octets, mixed.shifts), "\"şarkı\"");
}

#[test]
fn every_similar_character_is_in_ascii_and_in_the_gsm_alphabet() {
    let mut count = 0;
    for character in '\0'..='\u{FFFF}' {
        let Some(similar) = text::transliterate(character) else { continue };
        count += 1;
        assert!(similar.is_ascii() && gsm::encode(similar).is_some(), "{character:?}");
        assert!(!character.is_ascii() || matches!(character, '`' | '\t' | '\u{0B}'), "{character:?} needs none");
    }
    assert!(count > 500, "{count}");
}

#[test]
fn letters_of_the_gsm_alphabet_lose_their_marks_for_a_peer_with_ascii() {
    let options = EncodeOptions { transliterate: true, default_alphabet: Alphabet::Ascii, ..EncodeOptions::default() };
    let encoded = text::encode_with("Où? Größe, Ñandú: 5 €", &options);
    assert_eq!(encoded.octets, &b"Ou? Grosse, Nandu: 5 EUR"[..]);
    // All of it is in the GSM alphabet but the "ú".
    let gsm = text::encode_with("Où? Größe, Ñandú", &EncodeOptions { default_alphabet: Alphabet::Gsm, ..options });
    assert_eq!(text::decode(gsm.data_coding, &gsm.octets), is_text("Où? Größe, Ñandu"));
}

proptest! {
    #[test]
    fn what_was_encoded_for_a_peer_fits_its_alphabet(
        text in "[a-zéùçčΔ€\\[“… 😀]{0,200}",
        transliterate in any::<bool>(),
        default_alphabet in prop::sample::select(vec![Alphabet::Gsm, Alphabet::Latin1, Alphabet::Ascii, Alphabet::Utf8]),
    ) {
        let encoded = text::encode_with(&text, &EncodeOptions { transliterate, default_alphabet, ..EncodeOptions::default() });
        if encoded.data_coding == DataCoding::DEFAULT {
            let octets = text::to_default_alphabet(&encoded.octets, default_alphabet);
            prop_assert!(octets.is_some());
            let back = text::from_default_alphabet(&Bytes::from(octets.unwrap()), default_alphabet);
            prop_assert_eq!(back.octets, encoded.octets);
        }
    }

    #[test]
    fn packed_text_survives_behind_any_header(septets in prop::collection::vec(1u8..128, 0..150), header_octets in 0usize..20) {
        prop_assume!(septets.last() != Some(&b'\r'));
        prop_assert_eq!(gsm::unpack_behind(header_octets, &gsm::pack_behind(header_octets, &septets)), septets);
    }

    #[test]
    fn arbitrary_content_decodes_without_panic(
        octets in prop::collection::vec(any::<u8>(), 0..200),
        coding in any::<u8>(),
        has_udhi in any::<bool>(),
    ) {
        let octets = Bytes::from(octets);
        for default in [Alphabet::Gsm, Alphabet::GsmPacked, Alphabet::Latin1, Alphabet::Utf16] {
            let _ = text::decode_content(DataCoding(coding), has_udhi, &octets, default);
        }
        let _ = Dcs::of(DataCoding(coding));
    }
}
