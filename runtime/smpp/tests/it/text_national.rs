//! National language tables of 3GPP TS 23.038 Annex A.
//!
//! The tables were compared, all 128 septets of each, with those of Android (`GsmAlphabet`) and of
//! Firefox OS (`PDU_NL_LOCKING_SHIFT_TABLES`), which agree with the specification and each other.

use bytes::Bytes;
use proptest::prelude::*;
use wasmsc_smpp::text::{self, Alphabet, EncodeOptions, NationalTables, Payload, Shifts, gsm};
use wasmsc_smpp::{DataCoding, segment};

/// Language, locking shift text and its septets, single shift text and its septets behind escapes.
const ROWS: [(u8, &str, &str, &str, &str); 13] = [
    (1, "€ıĞğŞşİç", "04 07 0B 0C 1C 1D 40 60", "ĞİŞçğış", "1B47 1B49 1B53 1B63 1B67 1B69 1B73"),
    (2, "", "", "çÁÍÓÚáíóú", "1B09 1B41 1B49 1B4F 1B55 1B61 1B69 1B6F 1B75"),
    (
        3,
        "êúíóçÔôÁáªÇÀ∞^\\€Ó|Âãõ`",
        "04 06 07 08 09 0B 0C 0E 0F 12 13 14 15 16 17 18 19 1A 1C 7B 7C 7D",
        "êÀÃÕÂãõâ",
        "1B05 1B41 1B5B 1B5C 1B61 1B7B 1B7C 1B7F",
    ),
    (4, "ঁঅএওমৎৗৱ", "00 03 0F 13 42 60 7B 7F", "০১২৺", "1B19 1B1A 1B1C 1B34"),
    (5, "ઁઋઍઑળ઼ૐ૱", "00 09 0C 11 47 4E 60 7F", "।॥૦૯", "1B19 1B1A 1B1C 1B25"),
    (6, "ँऋऍनऩमि्ॐॿ", "00 09 0C 2F 3C 42 51 5F 60 7F", "।०९ॱ", "1B19 1B1C 1B25 1B3A"),
    (7, "ಂಋಎನಪಹೕೖ", "01 09 0E 2F 3D 4D 60 7B", "।೦ೞೲ", "1B19 1B1C 1B26 1B2A"),
    (8, "ംഋഎനപഹൗ൹", "01 09 0E 2F 3D 4D 60 7F", "।൦ൺൿ", "1B19 1B1C 1B2E 1B34"),
    (9, "ଁଋଏନପହୖୗ", "00 09 0F 2F 3D 4D 60 7B", "।୦ୟୱ", "1B19 1B1C 1B2A 1B2C"),
    (10, "ਁਊਏਨਪਹੑੴ", "00 08 0F 2F 3D 4D 60 7F", "।੦ੜੵ", "1B19 1B1C 1B2B 1B2D"),
    (11, "ஂஊஎநனஹௐ௹", "01 08 0E 2F 3C 4D 60 7F", "।௦௳௺", "1B19 1B1C 1B26 1B2E"),
    (12, "ఁఋఎనపహౕౖ", "00 09 0E 2F 3D 4D 60 7B", "౦ౘ౸౿", "1B1C 1B26 1B2A 1B32"),
    (13, "اآٹٽٺٿ)(ٰٕ", "00 01 0B 0C 0E 09 28 29 7B 7F", "؀۰۔ۍ", "1B19 1B1C 1B3F 1B3B"),
];

#[test]
fn tables_are_those_of_the_specification() {
    for (language, locking_text, locking, single_text, single) in ROWS {
        let shifts = Shifts { locking: language, single: language };
        assert_eq!(gsm::decode_shifted(&hex!(locking), shifts), locking_text, "locking {language}");
        assert_eq!(gsm::decode_shifted(&hex!(single), shifts), single_text, "single {language}");
        assert_eq!(gsm::encode_shifted(locking_text, shifts).unwrap(), hex!(locking), "locking {language}");
        let only_single = Shifts { locking: 0, single: language };
        assert_eq!(gsm::encode_shifted(single_text, only_single).unwrap(), hex!(single), "single {language}");
    }
}

#[test]
fn tables_of_india_keep_digits_and_small_letters_and_move_capitals_behind_an_escape() {
    for language in 4..=13 {
        let shifts = Shifts { locking: language, single: language };
        assert_eq!(gsm::encode_shifted("az 09:;?!,.\n\r", shifts).unwrap(), b"az 09:;?!,.\n\r", "{language}");
        assert_eq!(gsm::encode_shifted("()AZ", shifts).unwrap(), hex!("29 28 1B41 1B5A"), "{language}");
        assert_eq!(
            gsm::encode_shifted("@{}[~]|€\\^", shifts).unwrap(),
            hex!("1B00 1B28 1B29 1B3C 1B3D 1B3E 1B40 1B65 1B2F 1B14")
        );
        let only_locking = Shifts { locking: language, single: 0 };
        assert_eq!(gsm::encode_shifted("A", only_locking), None, "the extension table has no capitals");
    }
}

#[test]
fn septet_without_a_meaning_shows_what_the_specification_says() {
    let turkish = Shifts { locking: 1, single: 1 };
    assert_eq!(gsm::decode_shifted(&hex!("1B07"), turkish), "ı", "the locking table's character");
    assert_eq!(gsm::decode_shifted(&hex!("1B1B 61"), turkish), " a");
    assert_eq!(gsm::decode_shifted(&hex!("61 1B"), turkish), "a ");
    let tamil = Shifts { locking: 11, single: 0 };
    assert_eq!(gsm::decode_shifted(&hex!("00 E1"), tamil), "\u{FFFD}\u{FFFD}");
}

#[test]
fn reserved_language_means_the_default_alphabet() {
    for language in [0, 14, 255] {
        let shifts = Shifts { locking: language, single: language };
        assert_eq!(gsm::decode_shifted(&hex!("00 07 1B65"), shifts), "@ì€");
    }
    let no_locking = Shifts { locking: 2, single: 0 };
    assert_eq!(gsm::decode_shifted(&hex!("09"), no_locking), "Ç", "Spanish has no locking table");
}

#[test]
fn header_says_which_tables_a_message_is_written_with() {
    let (payload, udh) = text::decode_content(DataCoding(0), true, &hex!("03 24 01 01", "1B73 61"), Alphabet::Gsm);
    assert_eq!(payload, Payload::Text("şa".to_owned()));
    assert_eq!(udh.unwrap().single_shift(), Some(1));
    let (payload, _) =
        text::decode_content(DataCoding(0), true, &hex!("06 24 01 01 25 01 01", "1D 1B73"), Alphabet::Gsm);
    assert_eq!(payload, Payload::Text("şş".to_owned()));
    assert_eq!(Shifts { locking: 1, single: 3 }.udh().encode(), hex!("06 24 01 03 25 01 01"));
    assert_eq!(Shifts::default().udh().encode(), hex!(""));
}

#[test]
fn operator_names_languages_in_small_letters() {
    let tables = NationalTables::from_names(["urdu", "turkish"]).unwrap();
    assert_eq!(tables.ids().collect::<Vec<_>>(), [1, 13]);
    assert!(tables.contains(13) && !tables.contains(2) && !tables.contains(200));
    assert_eq!(NationalTables::ALL.ids().count(), 13);
    assert!(NationalTables::NONE.is_empty() && NationalTables::from_names([""; 0]).unwrap().is_empty());
    let error = NationalTables::from_names(["Klingon"]).unwrap_err();
    assert!(error.to_string().starts_with("no national table for \"Klingon\"; there are turkish, "), "{error}");
}

#[test]
fn national_tables_are_used_only_when_allowed() {
    let text = "ş".repeat(60) + &"a".repeat(60);
    let encode = |national| text::encode_with(&text, &EncodeOptions { national, ..EncodeOptions::default() });
    assert_eq!(encode(NationalTables::NONE).data_coding, DataCoding::UCS_2);
    let turkish = encode(NationalTables::from_names(["turkish"]).unwrap());
    assert_eq!(turkish.data_coding, DataCoding::DEFAULT);
    // 180 septets with a single shift are two SMS, 120 with a locking shift one.
    assert_eq!((turkish.units, turkish.shifts), (120, Shifts { locking: 1, single: 0 }));
    assert_eq!(turkish.udh().encode(), hex!("03 25 01 01"));
    assert_eq!(encode(NationalTables::from_names(["urdu"]).unwrap()).data_coding, DataCoding::UCS_2);
}

#[test]
fn header_of_the_tables_counts_towards_the_sms() {
    let national = NationalTables::from_names(["turkish"]).unwrap();
    let options = EncodeOptions { national, ..EncodeOptions::default() };
    // Four octets of header are five septets: 155 are left, 153 and "ş" with its escape.
    for (count, fits) in [(153, true), (154, false)] {
        let shifts = Shifts { locking: 0, single: 1 };
        let septets = gsm::encode_shifted(&("a".repeat(count) + "ş"), shifts).unwrap();
        let encoded =
            text::Encoded { data_coding: DataCoding(0), units: septets.len(), octets: septets.into(), shifts };
        assert_eq!(text::fits_one_sms(&encoded), fits, "{count}");
    }
    // A locking shift saves the escape.
    let encoded = text::encode_with(&("a".repeat(154) + "ş"), &options);
    assert_eq!(encoded.shifts, Shifts { locking: 1, single: 0 });
    assert!(text::fits_one_sms(&encoded));
}

/// A language and a text in its alphabet.
fn language_and_text() -> impl Strategy<Value = (u8, String)> {
    (1u8..=13).prop_flat_map(|language| {
        let letters: Vec<char> = {
            let (_, locking, _, single, _) = ROWS[usize::from(language) - 1];
            locking.chars().chain(single.chars()).chain("abz 09€".chars()).collect()
        };
        let text = prop::collection::vec(prop::sample::select(letters), 0..400).prop_map(String::from_iter);
        (Just(language), text)
    })
}

proptest! {
    #[test]
    fn text_of_every_language_survives((language, text) in language_and_text()) {
        let name = ["turkish", "spanish", "portuguese", "bengali", "gujarati", "hindi", "kannada", "malayalam",
            "oriya", "punjabi", "tamil", "telugu", "urdu"][usize::from(language) - 1];
        let options = EncodeOptions { national: NationalTables::from_names([name]).unwrap(), ..EncodeOptions::default() };
        let encoded = text::encode_with(&text, &options);
        prop_assert_eq!(encoded.data_coding, DataCoding::DEFAULT);
        let segments = segment::split(encoded.data_coding, &encoded.udh(), &encoded.octets, segment::Style::Udh8, 1);
        let parts = segments.unwrap().parts;
        let mut read = String::new();
        for part in &parts {
            match text::decode_content(encoded.data_coding, part.has_udhi, &part.octets, Alphabet::Gsm).0 {
                Payload::Text(text) => read += &text,
                Payload::Binary(_) => prop_assert!(false, "not a text"),
            }
        }
        prop_assert_eq!(&read, &text);
        let joined = segment::join(&parts).unwrap();
        prop_assert_eq!(Shifts::of(&joined.udh), encoded.shifts);
        prop_assert_eq!(gsm::decode_shifted(&joined.octets, encoded.shifts), text);
    }

    #[test]
    fn every_text_survives_every_choice(text in any::<String>()) {
        let options = EncodeOptions { national: NationalTables::ALL, ..EncodeOptions::default() };
        let encoded = text::encode_with(&text, &options);
        let octets: Bytes = [encoded.udh().encode(), encoded.octets.clone()].concat().into();
        let has_udhi = !encoded.shifts.is_default();
        let (payload, _) = text::decode_content(encoded.data_coding, has_udhi, &octets, Alphabet::Gsm);
        prop_assert_eq!(payload, Payload::Text(text));
    }

    #[test]
    fn arbitrary_septets_decode_in_every_table(septets in prop::collection::vec(any::<u8>(), 0..200), locking in any::<u8>(), single in any::<u8>()) {
        let text = gsm::decode_shifted(&septets, Shifts { locking, single });
        prop_assert!(text.chars().count() <= septets.len());
    }
}
