//! Delivery receipts as centres in service write them (pitfalls 16 to 19).

use bytes::Bytes;
use proptest::prelude::*;
use wasmsc_smpp::receipt::{MessageState, NetworkErrorCode, Receipt};
use wasmsc_smpp::{EsmClass, Tlv, Tlvs, tlv::tag};

const RECEIPT: EsmClass = EsmClass::DELIVERY_RECEIPT;

fn read(text: &str) -> Receipt {
    Receipt::read(RECEIPT, text.as_bytes(), &Tlvs::new()).unwrap_or_else(|| panic!("no receipt: {text}"))
}

fn tlvs(rows: &[(u16, &'static [u8])]) -> Tlvs {
    rows.iter().map(|(tag, value)| Tlv { tag: *tag, value: Bytes::from_static(value) }).collect()
}

/// The instant of `date -u -d`, in milliseconds.
const fn ms(unix_secs: u64) -> Option<u64> {
    Some(unix_secs * 1000)
}

#[test]
fn layout_of_the_specification_is_read_field_by_field() {
    let text = "id:0123456789 sub:002 dlvrd:001 submit date:1005232039 done date:1005242339 \
        stat:DELIVRD err:012 text:This is a sample mes";
    let expected = Receipt {
        message_id: Bytes::from_static(b"0123456789"),
        state: Some(MessageState::Delivered),
        error: Some("012".into()),
        network_error_code: None,
        submitted: Some(2),
        delivered: Some(1),
        submit_date_ms: ms(1_274_647_140),
        done_date_ms: ms(1_274_744_340),
        text: Some("This is a sample mes".into()),
    };
    assert_eq!(read(text), expected);
    assert_eq!(expected.to_text(), text.as_bytes());
}

/// Text, and the id, state and error that it says. Each row comes from a tracker or a manual.
const VARIANTS: &[(&str, &str, u8, &str)] = &[
    // text: with a capital, as the SMSC simulators write it.
    (
        "id:4 sub:001 dlvrd:001 submit date:1006020051 done date:1006020051 stat:DELIVRD err:000 Text:Hello",
        "4",
        2,
        "000",
    ),
    // Letters in the id.
    (
        "id:a29f6845555647139e5c8f3b817f2c9a sub:001 dlvrd:001 submit date:141023215253 stat:DELIVRD err:000 text:",
        "a29f6845555647139e5c8f3b817f2c9a",
        2,
        "000",
    ),
    (
        "id:74e02ee1-4e2f-4a6e-a78b-4b247d756a22 submit date:110206193041 stat:EXPIRED err:000",
        "74e02ee1-4e2f-4a6e-a78b-4b247d756a22",
        3,
        "000",
    ),
    // Out of order, an empty text before the end.
    (
        "sub:001 id:74e02ee1 err:000 dlvrd:001 done date:110206193110 submit date:110206193041 text: stat:DELIVRD",
        "74e02ee1",
        2,
        "000",
    ),
    ("text:stat:DELIVRD err:7 id:9", "9", 2, "7"),
    // No sub and dlvrd; no text; no dates.
    (
        "id:1526758174 submit date:1701240904 done date:1701240904 stat:DELIVRD err:000 text:hellow",
        "1526758174",
        2,
        "000",
    ),
    ("id:0654354026 submit date:2302101454 done date:2302101454 stat:DELIVRD err:000", "0654354026", 2, "000"),
    ("id:1846655173 sub:001 dlvrd:001 stat:UNDELIV err:001", "1846655173", 5, "001"),
    (
        "id:2E179B310EDE971B2760C72B7F026E1B submit date:20110314181534 done date:20110314181741 stat:DELIVRD err:0",
        "2E179B310EDE971B2760C72B7F026E1B",
        2,
        "0",
    ),
    // err in four digits, in two, in hexadecimal, "nul", with a space before it.
    (
        "id:117062714244798261 sub:001 dlvrd:001 submit date:1706271624 done date:1706271624 stat:DELIVRD err:0000 text:H\u{1b}ello",
        "117062714244798261",
        2,
        "0000",
    ),
    (
        "id:45013692 sub:0 dlvrd:28 submit date:1908121157 done date:1908121158 stat:UNDELIV err:21 Text:*100#",
        "45013692",
        5,
        "21",
    ),
    ("id:0123456789 sub:002 dlvrd:001 stat:DELIVRD err:21b text:This", "0123456789", 2, "21b"),
    ("id:77 stat:REJECTD err:nul text:", "77", 8, "nul"),
    ("id: 77 sub: 1 stat: REJECTD err: 0", "77", 8, "0"),
    // Keys in one word, in capitals, over a line break, with underscores, with commas.
    (
        "id:0118Z-0122I-2309U-57DGB sub:000 dlvrd:000 submitdate:180122230957 donedate:000000000000 stat:REJECTED err:375 text:",
        "0118Z-0122I-2309U-57DGB",
        8,
        "375",
    ),
    ("ID:77 SUB:001 DLVRD:001 SUBMIT DATE:1908121157 STAT:delivrd ERR:000 TEXT:A", "77", 2, "000"),
    ("id:77 sub:001 dlvrd:001 submit date:1908121157 done\ndate:1908121158 stat:DELETED err:0", "77", 4, "0"),
    ("id:77,sub:001,submit_date:1908121157,stat:ACCEPTD,err:000", "77", 6, "000"),
    ("id:a,b;c|d stat:ACCEPTD err:000;", "a,b;c|d", 6, "000"),
    // The key of the state is missing.
    (
        "id:ce5bc5a9 sub:000 dlvrd:000 submit date:180903120815 done date:180903120816 DELIVRD err:000 Text:",
        "ce5bc5a9",
        2,
        "000",
    ),
    // Shorter, longer and numeric states.
    ("id:1 stat:FAILED err:1", "1", 5, "1"),
    ("id:1 stat:UNDELIVERABLE err:1", "1", 5, "1"),
    ("id:1 stat:DELIVERED err:0", "1", 2, "0"),
    ("id:1 stat:002 err:0", "1", 2, "0"),
    ("id:1 status:UNKNOWN error:9", "1", 7, "9"),
    // The zone in the dates.
    (
        "id:rdwjwxns18krxr9936ey96ymcw sub:000 dlvrd:000 submit date:180711070003912+ done date:180711070000012+ stat:UNDELIV err:000",
        "rdwjwxns18krxr9936ey96ymcw",
        5,
        "000",
    ),
    // The message repeats the keys.
    ("id:1 stat:DELIVRD err:000 text:id:2 stat:FAILED err:9", "1", 2, "000"),
    ("id:1 stat:DELIVRD err:000 text:see id:2 stat:EXPIRED", "1", 2, "000"),
    // A user data header in front, announced or not.
    ("\u{5}\0\u{3}\u{1}\u{2}\u{1}id:77 stat:DELIVRD err:000", "77", 2, "000"),
    ("Message id:77 stat:DELIVRD err:000\0", "77", 2, "000"),
];

#[test]
fn every_variant_seen_in_service_yields_its_id_state_and_error() {
    for (text, id, state, error) in VARIANTS.iter().copied() {
        let receipt = read(text);
        assert_eq!(&receipt.message_id[..], id.as_bytes(), "{text}");
        assert_eq!(receipt.state.map(MessageState::octet), Some(state), "{text}");
        assert_eq!(receipt.error.as_deref(), Some(error), "{text}");
    }
}

#[test]
fn dates_are_read_with_seconds_centuries_zones_and_separators() {
    let rows = [
        ("1007291049", ms(1_280_400_540)),
        ("110206193041", ms(1_297_020_641)),
        ("20110314181534", ms(1_300_126_534)),
        ("201906081652", ms(1_560_012_720)),
        ("180711070003912+", Some((1_531_292_403 - 3 * 3600) * 1000 + 900)),
        ("180711070003012-", Some((1_531_292_403 + 3 * 3600) * 1000)),
        ("2018-07-11 07:00:03", ms(1_531_292_403)),
        ("2018/07/11T07:00:03Z", ms(1_531_292_403)),
        ("18-07-11 07:00", ms(1_531_292_400)),
        ("000000000000", None),
        ("0", None),
        ("", None),
        ("never", None),
        ("9999999999", None),
        ("1234567890123456789012345678901234567890", None),
    ];
    for (date, expected) in rows {
        let receipt = read(&format!("id:1 submit date:{date} done date:{date} stat:DELIVRD"));
        assert_eq!((receipt.submit_date_ms, receipt.done_date_ms), (expected, expected), "{date}");
        assert_eq!(receipt.state, Some(MessageState::Delivered), "{date}");
    }
}

#[test]
fn tlvs_win_over_the_text() {
    let tlvs = tlvs(&[
        (tag::RECEIPTED_MESSAGE_ID, b"38601fa\0"),
        (tag::MESSAGE_STATE, &[5]),
        (tag::NETWORK_ERROR_CODE, &[3, 0, 27]),
    ]);
    let text = b"id:0059113978 sub:001 dlvrd:001 submit date:1002101730 stat:DELIVRD err:000 text:@$#!%&/:";
    let receipt = Receipt::read(RECEIPT, text, &tlvs).unwrap();
    assert_eq!(&receipt.message_id[..], b"38601fa");
    assert_eq!(receipt.state, Some(MessageState::Undeliverable));
    assert_eq!(receipt.network_error_code, Some(NetworkErrorCode { network_type: 3, code: 27 }));
    assert_eq!((receipt.submitted, receipt.error.as_deref()), (Some(1), Some("000")));
    assert_eq!(receipt.text.as_deref(), Some("@$#!%&/:"));
}

#[test]
fn tlvs_alone_are_a_receipt_and_so_is_the_text_alone() {
    let id = tlvs(&[(tag::RECEIPTED_MESSAGE_ID, b"no NUL")]);
    assert_eq!(&Receipt::read(RECEIPT, b"", &id).unwrap().message_id[..], b"no NUL");
    // An empty id, a state of the wrong size or without a meaning: the text fills in.
    let useless = tlvs(&[(tag::RECEIPTED_MESSAGE_ID, b"\0"), (tag::MESSAGE_STATE, &[0, 2])]);
    let receipt = Receipt::read(RECEIPT, b"id:7 stat:EXPIRED", &useless).unwrap();
    assert_eq!((&receipt.message_id[..], receipt.state), (&b"7"[..], Some(MessageState::Expired)));
    let unknown = tlvs(&[(tag::MESSAGE_STATE, &[77])]);
    assert_eq!(Receipt::read(RECEIPT, b"id:7 stat:EXPIRED", &unknown).unwrap().state, Some(MessageState::Expired));
}

#[test]
fn without_an_id_there_is_no_receipt() {
    for text in ["", "Hello", "i:1 stat:DELIVRD", "submit date:110206193041", "grid:7 stat:DELIVRD", "id: stat:DELIVRD"]
    {
        assert_eq!(Receipt::read(RECEIPT, text.as_bytes(), &Tlvs::new()), None, "{text}");
    }
}

#[test]
fn message_is_a_receipt_by_its_class_or_by_both_tlvs_never_by_its_text() {
    let text = b"id:7 stat:DELIVRD err:000";
    let (none, both) = (Tlvs::new(), tlvs(&[(tag::RECEIPTED_MESSAGE_ID, b"7\0"), (tag::MESSAGE_STATE, &[2])]));
    // 0x44 and the like (pitfall 19), intermediate notifications, the acknowledgements of a handset, a plain MO.
    for (class, is_receipt) in [
        (0x04, true),
        (0x44, true),
        (0x07, true),
        (0x20, true),
        (0x08, false),
        (0x10, false),
        (0x00, false),
        (0x40, false),
    ] {
        assert_eq!(Receipt::read(EsmClass(class), text, &none).is_some(), is_receipt, "0x{class:02X}");
        assert!(Receipt::read(EsmClass(class), b"", &both).is_some(), "0x{class:02X}");
    }
    // Some aggregators put their own id for a plain MO into receipted_message_id.
    let id = tlvs(&[(tag::RECEIPTED_MESSAGE_ID, b"1618Z-0102G\0")]);
    assert_eq!(Receipt::read(EsmClass(0), b"Help", &id), None);
}

#[test]
fn text_in_ucs_2_is_read_as_well() {
    let wide: Vec<u8> = b"id:7 stat:DELIVRD err:000 text:hi".iter().flat_map(|octet| [0, *octet]).collect();
    let receipt = Receipt::read(RECEIPT, &wide, &Tlvs::new()).unwrap();
    assert_eq!((&receipt.message_id[..], receipt.text.as_deref()), (&b"7"[..], Some("hi")));
}

#[test]
fn text_that_is_not_utf_8_is_read_as_latin_1() {
    let receipt = Receipt::read(RECEIPT, b"id:7 text:caf\xE9", &Tlvs::new()).unwrap();
    assert_eq!(receipt.text.as_deref(), Some("caf\u{e9}"));
}

#[test]
fn network_error_code_is_three_octets_or_digits() {
    let code = |network_type, code| Some(NetworkErrorCode { network_type, code });
    let rows: [(&[u8], _); 10] = [
        (&[3, 0x00, 0x22], code(3, 0x22)),
        (&[8, 0xFF, 0xFE], code(8, 0xFFFE)),
        (&[0, 0, 0], code(0, 0)),
        (b"034", code(0, 34)), // pitfall 18
        (b"999", code(0, 999)),
        (b"0034\0", code(0, 34)),
        (b"34", code(0, 34)),
        (b"", None),
        (&[3, 0], None),
        (b"99999", None),
    ];
    for (value, expected) in rows {
        assert_eq!(NetworkErrorCode::parse(value), expected, "{value:02X?}");
    }
    assert_eq!(code(3, 0x0122).map(NetworkErrorCode::octets), Some([3, 1, 0x22]));
}

#[test]
fn states_have_the_numbers_and_names_of_the_specification() {
    let names = "SCHEDLD ENROUTE DELIVRD EXPIRED DELETED UNDELIV ACCEPTD UNKNOWN REJECTD SKIPPED";
    for (octet, name) in (0u8..).zip(names.split(' ')) {
        let state = MessageState::from_octet(octet).unwrap();
        assert_eq!((state.octet(), state.name(), name.len()), (octet, name, 7));
        assert_eq!(MessageState::from_text(name.as_bytes()), Some(state));
        assert_eq!(MessageState::from_text(name.to_lowercase().as_bytes()), Some(state));
        assert_eq!(state.is_final(), !matches!(octet, 0 | 1 | 6), "{name}");
    }
    assert_eq!(MessageState::from_octet(10), None);
    for none in ["", "OK", "DEL", "10", "2000", "\u{e9}"] {
        assert_eq!(MessageState::from_text(none.as_bytes()), None, "{none}");
    }
    let spellings =
        [("DELIVERED", 2), ("DELIVERY", 2), ("FAILURE", 5), ("UNDELIVERED", 5), ("REJECT", 8), ("EXPIRD", 3)];
    for (spelling, octet) in spellings {
        assert_eq!(MessageState::from_text(spelling.as_bytes()).map(MessageState::octet), Some(octet), "{spelling}");
    }
}

#[test]
fn what_is_not_known_leaves_as_zeros_and_unknown() {
    let receipt = Receipt { message_id: Bytes::from_static(b"9"), ..Receipt::default() };
    let text = "id:9 sub:000 dlvrd:000 submit date:0000000000 done date:0000000000 stat:UNKNOWN err:000 text:";
    assert_eq!(receipt.to_text(), text.as_bytes());
    assert_eq!(receipt.tlvs(), [Tlv { tag: 0x001E, value: Bytes::from_static(b"9\0") }]);
}

#[test]
fn written_tlvs_are_the_octets_of_the_specification() {
    let receipt = Receipt {
        message_id: Bytes::from_static(b"AB12"),
        state: Some(MessageState::Rejected),
        network_error_code: Some(NetworkErrorCode { network_type: 3, code: 0x0122 }),
        ..Receipt::default()
    };
    let octets: Vec<(u16, Bytes)> = receipt.tlvs().into_iter().map(|tlv| (tlv.tag, tlv.value)).collect();
    assert_eq!(octets, [(0x001E, hex!("4142313200")), (0x0427, hex!("08")), (0x0423, hex!("030122"))]);
}

#[test]
fn written_text_is_ascii_on_one_line_and_quotes_twenty_characters() {
    let receipt = Receipt {
        message_id: Bytes::from_static(b"a b\n\xFF;err:7"),
        error: Some("1 2".into()),
        text: Some("Zdravo\n\u{161}to ima novo danas".into()),
        ..Receipt::default()
    };
    let text = String::from_utf8(receipt.to_text()).unwrap();
    assert!(text.starts_with("id:a?b???err:7 sub:"), "{text}");
    assert!(text.ends_with(" err:1?2 text:Zdravo??to ima novo"), "{text}");
}

fn receipt() -> impl Strategy<Value = Receipt> {
    let second = 946_684_800u64 / 60..4_102_444_800 / 60;
    let what = ("[0-9A-Za-z-]{1,64}", 0u8..10, "[0-9a-z]{1,4}", "([!-~]([ -~]{0,18}[!-~])?)?");
    (what, any::<(u16, u16)>(), [second.clone(), second], prop::option::of(any::<(u8, u16)>())).prop_map(
        |((id, state, error, text), (submitted, delivered), [submit, done], code)| Receipt {
            message_id: Bytes::from(id),
            state: MessageState::from_octet(state),
            error: Some(error),
            network_error_code: code
                .map(|(network_type, code)| NetworkErrorCode { network_type: network_type % 9, code }),
            submitted: Some(submitted.into()),
            delivered: Some(delivered.into()),
            submit_date_ms: ms(submit * 60),
            done_date_ms: ms(done * 60),
            text: Some(text).filter(|text| !text.is_empty()),
        },
    )
}

proptest! {
    #[test]
    fn every_receipt_survives_its_text_and_its_tlvs(receipt in receipt()) {
        let tlvs = receipt.tlvs().into_iter().collect();
        prop_assert_eq!(Receipt::read(RECEIPT, &receipt.to_text(), &tlvs), Some(receipt.clone()));
        let textual = Receipt { network_error_code: None, ..receipt };
        prop_assert_eq!(Receipt::read(RECEIPT, &textual.to_text(), &Tlvs::new()), Some(textual));
    }

    #[test]
    fn arbitrary_octets_never_panic(class in any::<u8>(), octets in prop::collection::vec(any::<u8>(), 0..200), text in "((id|sub|stat|text|submit date|err):?[ 0-9:+-]{0,20}){0,8}") {
        let _ = Receipt::read(EsmClass(class), &octets, &Tlvs::new());
        let _ = Receipt::read(RECEIPT, text.as_bytes(), &Tlvs::new());
    }
}

#[test]
fn words_are_in_the_order_of_the_numbers() {
    for (octet, word) in MessageState::WORDS.into_iter().enumerate() {
        let state = MessageState::from_octet(octet as u8).expect("a state");
        assert_eq!((state.word(), format!("{state:?}").to_lowercase().as_str()), (word, word));
    }
    assert_eq!(MessageState::from_octet(MessageState::WORDS.len() as u8), None);
}
