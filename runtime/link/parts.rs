//! One message as the PDUs in which a peer gets it: its alphabet, its way with long messages, its TLVs.

use bytes::Bytes;
use wasmsc_smpp::segment::{self, Part, TooLong};
use wasmsc_smpp::text::{self, Alphabet, Payload, dcs, gsm};
use wasmsc_smpp::{Concat, DataCoding, EsmClass, RegisteredDelivery, Sm, Tlv, Udh, time, tlv};

use super::translate::{envelope, outgoing_tlvs};
use crate::message::{Content, MessageId, is_default_alphabet};
use crate::route::Peer;
use crate::store::Queued;

/// The PDUs of a message that this peer has not taken yet, by number from 1. All have the same fields but the
/// text. `knows_tlvs`: the peer speaks SMPP 3.4 or later.
pub fn outgoing(queued: &Queued, peer: &Peer, knows_tlvs: bool) -> Result<Vec<(u8, Sm)>, TooLong> {
    let message = &queued.record.message;
    let mut base = envelope(message, peer, registered_delivery(queued, peer));
    if peer.upstream.is_some() {
        base.validity_period = Bytes::copy_from_slice(&time::format_absolute(queued.record.expires.0));
    }
    if knows_tlvs {
        base.tlvs = outgoing_tlvs(message, peer);
        if let Some(tag) = peer.message_id_tlv {
            base.tlvs.push(Tlv { tag, value: queued.key.id.to_string().into() });
        }
    }
    let parts = segments(&message.content, peer, knows_tlvs, reference(queued.key.id))?;
    let is_taken = |number: u8| queued.record.taken.iter().any(|taken| taken.number == number);
    let numbered = (1..=u8::MAX).zip(parts).filter(|(number, _)| !is_taken(*number));
    Ok(numbered.map(|(number, (data_coding, part))| (number, pdu(&base, data_coding, part))).collect())
}

/// Peers that send receipts are asked for one when somebody waits for it; others get what is between the
/// two ends only (SMPP 3.4 §5.2.17: bits 2 and 3 ask the receiver's own software).
fn registered_delivery(queued: &Queued, peer: &Peer) -> RegisteredDelivery {
    let wish = RegisteredDelivery(queued.record.registered_delivery);
    let receipts = if wish.wants_success() || wish.wants_failure() { 1 } else { 0 };
    let intermediate = wish.0 & 0x10;
    let asked = if peer.sends_receipts { receipts | intermediate } else { 0 };
    RegisteredDelivery(asked | wish.0 & 0x0C)
}

/// The same on every attempt, so that a repeated part is known as such; spread over all values.
fn reference(id: MessageId) -> u16 {
    let mixed = (id.event ^ u64::from(id.index) << 48).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 48) as u16
}

fn segments(
    content: &Content,
    peer: &Peer,
    knows_tlvs: bool,
    reference: u16,
) -> Result<Vec<(DataCoding, Part)>, TooLong> {
    let esm_class = EsmClass(content.esm_class);
    let is_whole = |has_udhi| Part { octets: content.octets.clone(), has_udhi, sar: None, is_payload: false };
    let style = match peer.long_messages {
        // Their TLVs would be lost on a peer of 3.3.
        segment::Style::Sar | segment::Style::Payload if !knows_tlvs => segment::Style::Udh8,
        style => style,
    };
    let (udh, octets) = content.split_udh();
    if let Some(sar) = content.part().filter(|_| !knows_tlvs && udh.concat().is_none()) {
        let concat = Concat { wide: style == segment::Style::Udh16, ..sar };
        let part = segment::in_header(&udh, &octets, concat);
        return Ok(vec![in_alphabet(content.data_coding(), part, peer.default_alphabet)]);
    }
    // Segments leave as they came, and receipts are short enough for anybody who asked for them.
    if content.part().is_some() || esm_class.message_type() != 0 {
        return Ok(vec![in_alphabet(content.data_coding(), is_whole(content.has_udhi()), peer.default_alphabet)]);
    }
    let (data_coding, octets) = writable(content, &udh, octets, peer.default_alphabet);
    let parts = segment::split(data_coding, &udh, &octets, style, reference)?.parts;
    Ok(parts.into_iter().map(|part| in_alphabet(data_coding, part, peer.default_alphabet)).collect())
}

/// Text that the peer's own default alphabet lacks leaves as UCS-2, all of it; a flash message stays one.
fn writable(content: &Content, udh: &Udh, octets: Bytes, alphabet: Alphabet) -> (DataCoding, Bytes) {
    let data_coding = content.data_coding();
    let is_gsm = matches!(alphabet, Alphabet::Gsm | Alphabet::GsmPacked);
    let has_tables = udh.locking_shift().is_some() || udh.single_shift().is_some();
    if is_gsm || !is_default_alphabet(data_coding) {
        return (data_coding, octets);
    }
    if !has_tables && text::to_default_alphabet(&octets, alphabet).is_some() {
        return (data_coding, octets);
    }
    match content.payload() {
        Payload::Text(text) => (dcs::in_ucs_2(data_coding), text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        Payload::Binary(_) => (data_coding, octets),
    }
}

/// A part in what `data_coding` 0 means to the peer.
fn in_alphabet(data_coding: DataCoding, part: Part, alphabet: Alphabet) -> (DataCoding, Part) {
    if alphabet == Alphabet::Gsm || !is_default_alphabet(data_coding) {
        return (data_coding, part);
    }
    let split = part.has_udhi.then(|| Udh::split(&part.octets).ok()).flatten();
    let text = split.map_or_else(|| part.octets.clone(), |(_, text)| text);
    let header = part.octets.slice(..part.octets.len() - text.len());
    let written = match alphabet {
        Alphabet::GsmPacked => Some(gsm::pack_behind(header.len(), &text)),
        _ => text::to_default_alphabet(&text, alphabet),
    };
    let Some(written) = written else { return (data_coding, part) };
    (data_coding, Part { octets: [&header[..], &written].concat().into(), ..part })
}

fn pdu(base: &Sm, data_coding: DataCoding, part: Part) -> Sm {
    let udhi = EsmClass::UDHI.0;
    let mut sm = Sm { data_coding, ..base.clone() };
    sm.esm_class = EsmClass(if part.has_udhi { base.esm_class.0 | udhi } else { base.esm_class.0 & !udhi });
    if let Some(sar) = part.sar {
        sar_tlvs(sar).into_iter().for_each(|tlv| sm.tlvs.push(tlv));
    }
    sm.set_payload(part.octets);
    sm
}

/// SMPP 3.4 §5.3.2.22 to §5.3.2.24.
fn sar_tlvs(sar: Concat) -> [Tlv; 3] {
    [
        Tlv { tag: tlv::tag::SAR_MSG_REF_NUM, value: Bytes::copy_from_slice(&sar.reference.to_be_bytes()) },
        Tlv { tag: tlv::tag::SAR_TOTAL_SEGMENTS, value: Bytes::copy_from_slice(&[sar.total]) },
        Tlv { tag: tlv::tag::SAR_SEGMENT_SEQNUM, value: Bytes::copy_from_slice(&[sar.number]) },
    ]
}
