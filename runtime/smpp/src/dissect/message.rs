//! What a PDU carries: the text behind its header, and the receipt that it may be.

use bytes::Bytes;

use super::Seen;
use crate::receipt::Receipt;
use crate::text::{self, Payload};
use crate::tlv::tag;
use crate::udh::{Concat, Udh};
use crate::values::{DataCoding, EsmClass};

/// The message of a PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Of all of it, the user data header among them.
    pub octets: usize,
    /// Elements of the user data header.
    pub udh: Vec<(u8, Bytes)>,
    /// Which part of a long message it is.
    pub concat: Option<Concat>,
    /// What is behind the header, read by `data_coding` with GSM 03.38 as the default alphabet.
    pub payload: Payload,
    /// What it says, if it is a receipt.
    pub receipt: Option<Receipt>,
    /// The user data header is longer than the message.
    pub is_header_broken: bool,
}

pub(super) fn of(seen: &Seen) -> Option<Message> {
    let octet = |name: &str| seen.named(name).and_then(|field| field.octets.first().copied());
    let data_coding = DataCoding(octet("data_coding").unwrap_or_default());
    let esm_class = EsmClass(octet("esm_class").unwrap_or_default());
    let short = seen.named("short_message").map(|field| field.octets.clone());
    let octets = short.or_else(|| seen.tlvs.get(tag::MESSAGE_PAYLOAD).cloned())?;
    let split = if esm_class.has_udhi() { Udh::split(&octets) } else { Ok((Udh::new(), octets.clone())) };
    let is_header_broken = split.is_err();
    let (udh, rest) = split.unwrap_or_else(|_| (Udh::new(), octets.clone()));
    Some(Message {
        octets: octets.len(),
        udh: udh.elements().map(|(iei, value)| (iei, value.clone())).collect(),
        concat: udh.concat(),
        payload: text::decode(data_coding, &rest),
        receipt: Receipt::read(esm_class, &octets, &seen.tlvs),
        is_header_broken,
    })
}
