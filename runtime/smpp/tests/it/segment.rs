//! Long messages in parts, and parts in one message again.

use bytes::Bytes;
use proptest::prelude::*;
use wasmsc_smpp::segment::{self, Part, Style, TooLong, Unjoinable};
use wasmsc_smpp::text::{self, Alphabet, Encoded, Payload, Shifts, gsm};
use wasmsc_smpp::{Concat, DataCoding, Udh};

const STYLES: [Style; 4] = [Style::Udh8, Style::Udh16, Style::Sar, Style::Payload];

/// Splits a text as the default encoding writes it.
fn split(text: &str, style: Style) -> Vec<Part> {
    split_encoded(&text::encode(text), style)
}

fn split_encoded(encoded: &Encoded, style: Style) -> Vec<Part> {
    segment::split(encoded.data_coding, &encoded.udh(), &encoded.octets, style, 0xABCD).unwrap().parts
}

/// What each part says, in the order of the parts.
fn texts(parts: &[Part], data_coding: DataCoding) -> Vec<String> {
    let content = |part: &Part| text::decode_content(data_coding, part.has_udhi, &part.octets, Alphabet::Gsm).0;
    parts
        .iter()
        .map(|part| match content(part) {
            Payload::Text(text) => text,
            Payload::Binary(octets) => panic!("not a text: {octets:?}"),
        })
        .collect()
}

/// Lengths of the parts without header, in units of the coding.
fn lengths(text: &str, style: Style) -> Vec<usize> {
    let encoded = text::encode(text);
    let unit = if encoded.data_coding == DataCoding::UCS_2 { 2 } else { 1 };
    let user_data = |part: &Part| if part.has_udhi { Udh::split(&part.octets).unwrap().1 } else { part.octets.clone() };
    split_encoded(&encoded, style).iter().map(|part| user_data(part).len() / unit).collect()
}

/// Octets a part takes on the radio.
fn radio_octets(part: &Part, data_coding: DataCoding) -> usize {
    let header = if part.has_udhi { 1 + usize::from(part.octets[0]) } else { 0 };
    match Alphabet::of(data_coding, Alphabet::Gsm) {
        Alphabet::Gsm => {
            let septets = (header * 8).div_ceil(7) + part.octets.len() - header;
            (septets * 7).div_ceil(8)
        }
        _ => part.octets.len(),
    }
}

#[test]
fn parts_have_the_lengths_of_the_specification() {
    let rows = [
        ("a", 160, Style::Udh8, vec![160]),
        ("a", 161, Style::Udh8, vec![153, 8]),
        ("a", 306, Style::Udh8, vec![153, 153]),
        ("a", 305, Style::Udh16, vec![152, 152, 1]),
        ("a", 161, Style::Sar, vec![153, 8]),
        ("a", 161, Style::Payload, vec![161]),
        ("č", 70, Style::Udh8, vec![70]),
        ("č", 71, Style::Udh8, vec![67, 4]),
        ("č", 71, Style::Udh16, vec![66, 5]),
        ("č", 71, Style::Sar, vec![67, 4]),
    ];
    for (character, count, style, expected) in rows {
        assert_eq!(lengths(&character.repeat(count), style), expected, "{count} times {character}, {style:?}");
    }
    let octets = |style| {
        let parts =
            segment::split(DataCoding::OCTETS, &Udh::new(), &Bytes::from(vec![7; 141]), style, 1).unwrap().parts;
        parts.iter().map(|part| part.octets.len()).collect::<Vec<_>>()
    };
    assert_eq!(octets(Style::Udh8), [140, 6 + 7]);
    assert_eq!(octets(Style::Udh16), [140, 7 + 8]);
    assert_eq!(octets(Style::Sar), [134, 7]);
}

#[test]
fn each_style_says_which_part_it_is() {
    let text = "a".repeat(161);
    let udh_8 = split(&text, Style::Udh8);
    assert!(udh_8[1].has_udhi && udh_8[1].sar.is_none());
    assert_eq!(udh_8[1].octets, hex!("05 00 03 CD 02 02", "61 61 61 61 61 61 61 61"));
    let udh_16 = split(&text, Style::Udh16);
    assert_eq!(udh_16[1].octets, hex!("06 08 04 AB CD 02 02", "61 61 61 61 61 61 61 61 61"));
    let sar = split(&text, Style::Sar);
    assert_eq!(sar[1].sar, Some(Concat { reference: 0xABCD, total: 2, number: 2, wide: true }));
    assert!(!sar[1].has_udhi);
    let payload = split(&text, Style::Payload);
    assert!(payload[0].is_payload && !payload[0].has_udhi && payload.len() == 1);
}

#[test]
fn one_sms_is_one_part_that_says_nothing_of_parts() {
    for style in STYLES {
        let whole = Part { octets: hex!("48 69"), has_udhi: false, sar: None, is_payload: false };
        assert_eq!(split("Hi", style), [whole], "{style:?}");
        assert_eq!(split("", style).len(), 1);
    }
}

#[test]
fn header_elements_stand_in_every_part_and_cost_septets() {
    let mut ports = Udh::new();
    ports.push(0x05, hex!("0B84 23F0"));
    let split = |count| {
        segment::split(DataCoding::DEFAULT, &ports, &Bytes::from(vec![b'a'; count]), Style::Udh8, 1).unwrap().parts
    };
    // 7 octets of header are 8 septets; 12 with concatenation are 14.
    assert_eq!(split(152).len(), 1);
    let parts = split(153);
    assert_eq!(parts[0].octets.slice(..12), hex!("0B 00 03 01 02 01 05 04 0B84 23F0"));
    assert_eq!([parts[0].octets.len(), parts[1].octets.len()], [12 + 146, 12 + 7]);
    assert!(parts.iter().all(|part| part.has_udhi));
}

#[test]
fn escape_and_its_septet_stay_together() {
    let text = "a".repeat(152) + "€" + &"b".repeat(20);
    assert_eq!(lengths(&text, Style::Udh8), [152, 22]);
}

#[test]
fn what_a_reader_sees_as_one_character_stays_together() {
    // 66 characters before it: one unit of the first part is left.
    let clusters = [
        "😀",
        "e\u{301}\u{323}",
        "👍\u{1F3FD}",
        "👩\u{200D}👩\u{200D}👧",
        "❤\u{FE0F}",
        "🇭🇷",
        "1\u{FE0F}\u{20E3}",
        "क्षि",
        "തി",
        "ก\u{0E49}",
        "\r\n",
        "한\u{11A8}",
    ];
    for cluster in clusters {
        let text = "č".repeat(66) + cluster + "žžžž";
        let parts = split(&text, Style::Udh8);
        assert_eq!(texts(&parts, DataCoding::UCS_2), ["č".repeat(66), cluster.to_owned() + "žžžž"], "{cluster}");
    }
    // The second flag of three starts where the first ended.
    let parts = split(&("č".repeat(63) + "🇭🇷🇸🇮🇭🇺"), Style::Udh8);
    assert_eq!(texts(&parts, DataCoding::UCS_2), ["č".repeat(63) + "🇭🇷", "🇸🇮🇭🇺".to_owned()]);
}

#[test]
fn vowel_sign_in_a_national_table_stays_with_its_letter() {
    // Hindi locking shift: 0x12 is औ's neighbour ऑ, 0x2F ध, 0x51 the vowel sign ि.
    let shifts = Shifts { locking: 6, single: 0 };
    let text = "ध".repeat(148) + "धि" + &"ध".repeat(20);
    let septets = Bytes::from(gsm::encode_shifted(&text, shifts).unwrap());
    let parts = segment::split(DataCoding::DEFAULT, &shifts.udh(), &septets, Style::Udh8, 1).unwrap().parts;
    // 9 octets of header are 11 septets: 149 are left.
    assert_eq!(texts(&parts, DataCoding::DEFAULT)[0], "ध".repeat(148));
}

#[test]
fn character_longer_than_a_part_is_cut_between_its_marks() {
    let text = "e".to_owned() + &"\u{301}".repeat(200);
    assert_eq!(lengths(&text, Style::Udh8), [67, 67, 67]);
    let escapes = Bytes::from([0x1B, 0x65].repeat(100));
    let parts = segment::split(DataCoding::DEFAULT, &Udh::new(), &escapes, Style::Udh8, 1).unwrap().parts;
    assert_eq!(parts[0].octets.len(), 6 + 152);
}

#[test]
fn more_than_255_parts_are_refused() {
    let most = Bytes::from(vec![b'a'; 255 * 153]);
    let more = Bytes::from(vec![b'a'; 255 * 153 + 1]);
    let split = |octets, style| segment::split(DataCoding::DEFAULT, &Udh::new(), octets, style, 1);
    assert_eq!(split(&most, Style::Udh8).unwrap().parts.len(), 255);
    assert_eq!(split(&more, Style::Udh8), Err(TooLong { octets: more.len() }));
    assert_eq!(segment::parts_needed(DataCoding::DEFAULT, &Udh::new(), &more, Style::Udh8), 256);
    assert_eq!(split(&more, Style::Payload).unwrap().parts.len(), 1);
    assert!(split(&Bytes::from(vec![b'a'; 65_536]), Style::Payload).is_err(), "a TLV has no room for it");
}

#[test]
fn header_that_leaves_no_room_is_refused() {
    let mut udh = Udh::new();
    udh.push(0x70, Bytes::from(vec![0; 134]));
    let octets = Bytes::from_static(b"abcdef");
    assert!(segment::split(DataCoding::DEFAULT, &udh, &octets, Style::Udh8, 1).is_err());
    assert_eq!(segment::parts_needed(DataCoding::DEFAULT, &udh, &octets, Style::Udh8), usize::MAX);
}

#[test]
fn parts_join_in_any_order_and_twice_is_once() {
    for style in [Style::Udh8, Style::Udh16, Style::Sar] {
        let text = "0123456789".repeat(40);
        let mut parts = split(&text, style);
        parts.reverse();
        parts.push(parts[0].clone());
        let joined = segment::join(&parts).unwrap();
        assert_eq!(joined.octets, text.as_bytes(), "{style:?}");
        assert!(joined.udh.is_empty());
    }
}

#[test]
fn header_of_the_first_part_is_kept_without_concatenation() {
    let part = |octets| Part { octets, has_udhi: true, sar: None, is_payload: false };
    let parts = [part(hex!("05 00 03 07 02 02 62")), part(hex!("08 25 01 01 00 03 07 02 01 61"))];
    assert_eq!(segment::join(&parts), Err(Unjoinable::MixedTables));
    let parts = [part(hex!("05 00 03 07 02 02 62")), part(hex!("08 70 01 01 00 03 07 02 01 61"))];
    let joined = segment::join(&parts).unwrap();
    assert_eq!((joined.udh.encode(), joined.octets), (hex!("03 70 01 01"), hex!("61 62")));
}

#[test]
fn what_is_not_all_of_one_message_is_not_joined() {
    let parts = split(&"a".repeat(400), Style::Udh8);
    let others = segment::split(DataCoding::DEFAULT, &Udh::new(), &Bytes::from(vec![b'b'; 400]), Style::Udh8, 1);
    let other = &others.unwrap().parts[1];
    let whole = &split("a", Style::Udh8)[0];
    assert_eq!(segment::join(&parts[..2]), Err(Unjoinable::Missing { number: 3, total: 3 }));
    assert_eq!(segment::join(&[parts[0].clone(), other.clone()]), Err(Unjoinable::Mixed));
    assert_eq!(segment::join(&[parts[0].clone(), whole.clone()]), Err(Unjoinable::NotAPart));
    assert_eq!(segment::join(&[whole.clone(), parts[0].clone()]), Err(Unjoinable::NotAPart));
    assert_eq!(segment::join(&[]), Err(Unjoinable::NotAPart));
    assert_eq!(segment::join(std::slice::from_ref(whole)).unwrap().octets, hex!("61"));
}

fn styles() -> impl Strategy<Value = Style> {
    prop::sample::select(STYLES.as_slice())
}

/// Texts with what is hard to split in them.
fn texts_to_split() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z€\\[\\]~ ]{0,700}",
        "[a-zčćž€😀\u{301}\u{200D}🇭🇷👍\u{1F3FD}क्षि]{0,400}",
        prop::collection::vec(any::<char>(), 0..300).prop_map(String::from_iter),
    ]
}

proptest! {
    #[test]
    fn splitting_and_joining_changes_nothing(text in texts_to_split(), style in styles(), reference in any::<u16>()) {
        let encoded = text::encode(&text);
        let segments = segment::split(encoded.data_coding, &encoded.udh(), &encoded.octets, style, reference).unwrap();
        let needed = segment::parts_needed(encoded.data_coding, &encoded.udh(), &encoded.octets, style);
        prop_assert_eq!(segments.parts.len(), needed);
        prop_assert_eq!(segment::join(&segments.parts).unwrap().octets, encoded.octets);
    }

    #[test]
    fn every_part_fits_the_radio_and_decodes_alone(
        text in texts_to_split(),
        // The payload is no part.
        style in prop::sample::select(&STYLES[..3]),
    ) {
        let encoded = text::encode(&text);
        let parts = split_encoded(&encoded, style);
        for part in &parts {
            prop_assert!(radio_octets(part, encoded.data_coding) <= 140);
        }
        // A cut through an escape or a pair would show in either part.
        prop_assert_eq!(texts(&parts, encoded.data_coding).concat(), text);
    }

    #[test]
    fn no_part_starts_inside_a_character(text in "[a-cč]{0,70}([č😀]\u{301}{0,3}|e\u{200D}😀|👍\u{1F3FD}){0,200}") {
        let encoded = text::encode(&text);
        for part in texts(&split_encoded(&encoded, Style::Udh8), encoded.data_coding) {
            prop_assert!(!part.starts_with(['\u{301}', '\u{200D}', '\u{1F3FD}']), "{:?}", part);
            prop_assert!(!part.ends_with('\u{200D}'), "{:?}", part);
        }
    }

    #[test]
    fn arbitrary_octets_split_and_join(
        octets in prop::collection::vec(any::<u8>(), 0..900),
        coding in any::<u8>(),
        style in styles(),
        language in 0u8..16,
    ) {
        let octets = Bytes::from(octets);
        let shifts = Shifts { locking: language, single: language };
        let parts = segment::split(DataCoding(coding), &shifts.udh(), &octets, style, 9).unwrap().parts;
        let joined = segment::join(&parts).unwrap();
        prop_assert_eq!(joined.octets, octets);
        prop_assert_eq!(joined.udh, shifts.udh());
        for part in parts.iter().filter(|_| style != Style::Payload) {
            prop_assert!(radio_octets(part, DataCoding(coding)) <= 140);
        }
    }
}
