//! User data headers of 3GPP TS 23.040 §9.2.3.24.

use bytes::Bytes;
use proptest::prelude::*;
use wasmsc_smpp::udh::{Concat, MalformedUdh, Udh};

fn split(octets: &str) -> (Udh, Bytes) {
    Udh::split(&hex!(octets)).unwrap()
}

#[test]
fn header_is_cut_off_and_its_concatenation_read() {
    let (udh, text) = split("05 00 03 A7 03 02 48 69");
    assert_eq!(udh.concat(), Some(Concat { reference: 0xA7, total: 3, number: 2, wide: false }));
    assert_eq!(text, hex!("48 69"));
    let (udh, text) = split("06 08 04 12 34 03 01");
    assert_eq!(udh.concat(), Some(Concat { reference: 0x1234, total: 3, number: 1, wide: true }));
    assert_eq!(text, hex!(""));
}

#[test]
fn elements_survive_in_wire_order_known_or_not() {
    let octets = "11 05 04 0B84 23F0 00 03 A7 03 02 24 01 01 70 01 FF 61";
    let (udh, _) = split(octets);
    let identifiers: Vec<u8> = udh.elements().map(|(iei, _)| iei).collect();
    assert_eq!(identifiers, [0x05, 0x00, 0x24, 0x70]);
    assert_eq!(udh.single_shift(), Some(1));
    assert_eq!(udh.locking_shift(), None);
    assert_eq!(udh.encode(), hex!("11 05 04 0B84 23F0 00 03 A7 03 02 24 01 01 70 01 FF"));
    assert_eq!(udh.without_concat().encode(), hex!("0C 05 04 0B84 23F0 24 01 01 70 01 FF"));
}

#[test]
fn concatenation_that_makes_no_sense_is_ignored() {
    for octets in ["05 00 03 A7 00 00", "05 00 03 A7 03 00", "05 00 03 A7 03 04", "04 00 02 A7 03", "02 70 00"] {
        assert_eq!(split(octets).0.concat(), None, "{octets}");
    }
    assert!(split("05 00 03 A7 00 00").0.without_concat().is_empty());
}

#[test]
fn last_of_repeated_elements_counts() {
    let (udh, _) = split("0E 00 03 A7 03 02 08 04 0102 05 04 25 01 03");
    assert_eq!(udh.concat(), Some(Concat { reference: 0x0102, total: 5, number: 4, wide: true }));
    assert_eq!(split("06 25 01 03 25 01 0D").0.locking_shift(), Some(13));
}

#[test]
fn header_longer_than_the_message_is_an_error() {
    let malformed = |claimed, present| Err(MalformedUdh { claimed, present });
    assert_eq!(Udh::split(&hex!("05 00 03 A7 03")), malformed(6, 5));
    assert_eq!(Udh::split(&hex!("FF")), malformed(256, 1));
    assert_eq!(Udh::split(&hex!("")), malformed(1, 0));
}

#[test]
fn header_whose_last_element_overruns_is_ignored_but_is_no_text() {
    let (udh, text) = split("05 00 04 A7 03 02 48 69");
    assert!(udh.is_empty());
    assert_eq!(text, hex!("48 69"));
    assert!(split("06 00 03 A7 03 02 70 48 69").0.is_empty());
}

#[test]
fn empty_header_has_no_octets() {
    assert_eq!(Udh::new().encode(), hex!(""));
    let (udh, text) = split("00 61");
    assert!(udh.is_empty());
    assert_eq!(text, hex!("61"));
}

#[test]
fn header_never_outgrows_its_length_octet() {
    let mut udh = Udh::new();
    udh.push(0x70, Bytes::from(vec![1; 200]));
    udh.push(0x71, Bytes::from(vec![2; 54]));
    udh.push(0x72, Bytes::from(vec![3; 51]));
    assert_eq!(udh.encode().len(), 256);
    assert_eq!(Udh::split(&udh.encode()).unwrap().0, udh);
    assert_eq!(udh.elements().count(), 2);
}

proptest! {
    #[test]
    fn well_formed_header_survives(
        elements in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..20)), 1..8),
        text in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut udh = Udh::new();
        for (iei, value) in elements {
            udh.push(iei, Bytes::from(value));
        }
        let octets: Bytes = [udh.encode(), Bytes::from(text.clone())].concat().into();
        prop_assert_eq!(udh.octets_len(), udh.encode().len());
        prop_assert_eq!(Udh::split(&octets).unwrap(), (udh, Bytes::from(text)));
    }

    #[test]
    fn arbitrary_octets_split_without_panic(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok((udh, _)) = Udh::split(&Bytes::from(octets)) {
            let _ = (udh.concat(), udh.encode(), udh.without_concat(), udh.single_shift());
        }
    }
}
