//! Which names a message id goes by: pitfall 16, with the ids of the reports that made it one.

use wasmsc_smpp::receipt::{IdFormat, IdSource, canonical_ids};

fn indexed(id: &str) -> Vec<String> {
    canonical_ids(id.as_bytes(), IdFormat::Auto, IdSource::Response)
}

fn looked_up(id: &str, format: IdFormat) -> Vec<String> {
    canonical_ids(id.as_bytes(), format, IdSource::Receipt)
}

/// The place in the look-up order of the first name that the response was indexed by.
fn found_at(response: &str, receipt: &str, format: IdFormat) -> Option<usize> {
    let index = indexed(response);
    looked_up(receipt, format).iter().position(|name| index.contains(name))
}

#[test]
fn receipt_is_found_by_whatever_the_peer_made_of_the_id() {
    let rows = [
        ("1234", "1234"),
        ("00B8BE19", "00B8BE19"),
        ("00B8BE19", "b8be19"),
        ("78634E33-a", "78634e33-A"),
        ("04062581461565934000241", "4062581461565934000241"),
        ("39f99dd5", "0972660181"),                  // hex, then decimal
        ("0972660181", "39F99DD5"),                  // and the other way
        ("38601fa", "0059113978"),                   // TLV and text of one receipt
        ("812FC7470000001B", "9308878062554710043"), // 64 bits, beyond i64
        ("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "340282366920938463463374607431768211455"),
        ("0x1F", "31"),
        ("000", "0"),
        ("12absa-ADSASDAS-gfgfdg", "12absa-adsasdas-gfgfdg"),
        ("0118Z-0122I-2309U-57DGB", "0118Z-0122I-2309U-57DGB"),
        ("77", "77\0"),
        ("77", " 77 "),
        ("77", "77 \0\0"),
        ("\u{fc}ber", "\u{fc}BER"),
    ];
    for (response, receipt) in rows {
        assert!(found_at(response, receipt, IdFormat::Auto).is_some(), "{response} {receipt}");
    }
}

#[test]
fn ids_that_came_back_as_they_were_are_tried_first() {
    for id in ["10", "16", "aB1", "0010", "9a"] {
        assert_eq!(found_at(id, id, IdFormat::Auto), Some(0), "{id}");
    }
    // Ids that differ in case only, as base64 does, are told apart by the first name.
    assert_eq!(looked_up("Ab1", IdFormat::Auto)[..2], ["Ab1", "ab1"]);
    assert_eq!(indexed("aB1"), ["aB1", "ab1"]);
}

#[test]
fn stated_format_settles_ids_that_are_digits_only() {
    // The peer counts in hexadecimal: 0x10 is message 16, and there is a message 0x16 as well.
    assert_eq!(found_at("10", "16", IdFormat::Decimal), Some(0));
    assert_eq!(looked_up("16", IdFormat::Decimal), ["10", "16"]);
    assert_eq!(looked_up("10", IdFormat::Hex), ["16", "10"]);
    assert_eq!(found_at("16", "10", IdFormat::Hex), Some(0));
    // A TLV may still repeat the id as it was.
    assert!(found_at("38601fa", "38601fa", IdFormat::Decimal).is_some());
}

#[test]
fn index_does_not_depend_on_the_format() {
    for format in [IdFormat::Auto, IdFormat::Hex, IdFormat::Decimal] {
        assert_eq!(canonical_ids(b"00Ff", format, IdSource::Response), ["00Ff", "ff"]);
    }
}

#[test]
fn unlike_ids_share_no_name() {
    for (response, receipt) in [("1234", "1235"), ("12-34", "1234"), ("g10", "16"), ("+10", "10"), ("10", "a1")] {
        assert_eq!(found_at(response, receipt, IdFormat::Auto), None, "{response} {receipt}");
    }
}

#[test]
fn id_beyond_64_octets_is_found_when_the_receipt_cuts_it() {
    let id: String = ('a'..='z').cycle().take(80).collect();
    assert!(found_at(&id, &id[..64], IdFormat::Auto).is_some());
    assert!(found_at(&id, &id[..65], IdFormat::Auto).is_some(), "cut without a NUL");
    assert!(found_at(&id, &id, IdFormat::Auto).is_some());
    // Digits beyond 128 bits have no other base here.
    assert_eq!(looked_up(&"9".repeat(60), IdFormat::Auto), ["9".repeat(60)]);
}

#[test]
fn no_id_has_no_name() {
    for none in ["", "\0", "  "] {
        assert!(indexed(none).is_empty() && looked_up(none, IdFormat::Auto).is_empty());
    }
}
