//! Receipts, message ids and times: any octets are read without a panic, and what we write we read.
//!
//! The first octet is `esm_class`, the second how many octets behind it are `receipted_message_id`; then
//! `message_state`, `network_error_code`, and the text.

use bytes::Bytes;
use wasmsc_smpp::receipt::{IdFormat, IdSource, Receipt, canonical_ids};
use wasmsc_smpp::tlv::tag;
use wasmsc_smpp::{EsmClass, Tlv, Tlvs, time};

/// Reads a receipt of these octets with and without TLVs, then ids and times of them.
pub fn receipt(octets: &[u8]) {
    let [esm_class, id_octets, rest @ ..] = octets else { return };
    let (id, rest) = rest.split_at(rest.len().min(usize::from(*id_octets)));
    let (state, rest) = rest.split_at(rest.len().min(1));
    let (code, text) = rest.split_at(rest.len().min(3));
    let rows = [(tag::RECEIPTED_MESSAGE_ID, id), (tag::MESSAGE_STATE, state), (tag::NETWORK_ERROR_CODE, code)];
    let tlvs: Tlvs = rows.map(|(tag, value)| Tlv { tag, value: Bytes::copy_from_slice(value) }).into_iter().collect();
    for (class, tlvs) in [(*esm_class, &tlvs), (0x04, &tlvs), (0x04, &Tlvs::new())] {
        if let Some(receipt) = Receipt::read(EsmClass(class), text, tlvs) {
            written(&receipt);
        }
    }
    ids(id);
    ids(text);
    times(text);
}

/// What we write is read as it was, but for what the text has no room for.
fn written(receipt: &Receipt) {
    assert!(!receipt.message_id.is_empty());
    let class = EsmClass::DELIVERY_RECEIPT;
    let tlvs: Tlvs = receipt.tlvs().into_iter().collect();
    let text = receipt.to_text();
    assert!(text.iter().all(|octet| matches!(octet, b' '..=b'~')));
    let again = Receipt::read(class, &text, &tlvs).expect("our own receipt");
    assert_eq!(again.to_text(), text, "{again:?}");
    assert_eq!(again.network_error_code, receipt.network_error_code);
    assert!(receipt.state.is_none() || again.state == receipt.state);
    let is_said = |date: Option<u64>| date.is_none_or(|ms| (946_684_800_000..4_102_444_800_000).contains(&ms));
    if is_said(receipt.submit_date_ms) && is_said(receipt.done_date_ms) {
        let minutes =
            |receipt: &Receipt| [receipt.submit_date_ms, receipt.done_date_ms].map(|ms| ms.map(|ms| ms / 60_000));
        assert_eq!(minutes(&again), minutes(receipt));
    }
}

/// A receipt that repeats the id is found whatever the peer is said to do.
fn ids(id: &[u8]) {
    let indexed = canonical_ids(id, IdFormat::Auto, IdSource::Response);
    for format in [IdFormat::Auto, IdFormat::Hex, IdFormat::Decimal] {
        assert_eq!(canonical_ids(id, format, IdSource::Response), indexed);
        let looked_up = canonical_ids(id, format, IdSource::Receipt);
        assert!(indexed.iter().all(|name| looked_up.contains(name)));
        let padded = [b"000", id].concat();
        if !id.is_empty() && id.len() < 60 && id.iter().all(u8::is_ascii_graphic) && !id.starts_with(b"0") {
            let looked_up = canonical_ids(&padded.to_ascii_uppercase(), format, IdSource::Receipt);
            assert!(indexed.iter().any(|name| looked_up.contains(name)), "{indexed:?} {looked_up:?}");
        }
    }
}

fn times(octets: &[u8]) {
    if let Ok(Some(time)) = time::parse(octets) {
        let at_ms = time.at_ms(0);
        let written = match time {
            time::SmppTime::Absolute { .. } => time::format_absolute(at_ms),
            time::SmppTime::Relative { .. } => time::format_relative(at_ms),
        };
        assert!(matches!(time::parse(&written), Ok(Some(_))));
    }
}
