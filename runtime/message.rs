//! The nouns: message, message id, address, time.
//!
//! Pure values, shared by every room above the protocol. A PDU is on the wire, a [`Message`] is in the
//! store; `link::translate` alone turns one into the other.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wasmsc_smpp::text::{self, Alphabet};
use wasmsc_smpp::udh::{Concat, Udh};
use wasmsc_smpp::{DataCoding, EsmClass};

/// Milliseconds since 1970-01-01T00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

impl Timestamp {
    pub fn plus_ms(self, millis: u64) -> Timestamp {
        Timestamp(self.0.saturating_add(millis))
    }
}

/// Names one message for ever: the same on every attempt, every bind and after every restart.
///
/// `event` counts up in the order in which this SMSC accepted messages. A message that a rule sent
/// carries the event it answers and its place among that event's messages, so that running the event
/// again yields the same ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageId {
    pub event: u64,
    /// 0 for the accepted message itself, 1.. for what its rule sent.
    pub index: u16,
}

impl MessageId {
    /// Of [`to_key`](Self::to_key).
    pub const KEY_OCTETS: usize = 10;

    pub fn accepted(event: u64) -> Self {
        Self { event, index: 0 }
    }

    /// Id of the `index`-th message (from 1) that the rule run for `self` sends, or of a further
    /// destination of a submit_multi.
    pub fn effect(self, index: u16) -> Self {
        Self { event: self.event, index }
    }

    /// Id of the `number`-th receipt (from 0) for `self`. Rules and submit_multi stay below 256 messages an
    /// event, so that it is nobody else's.
    pub fn receipt(self, number: u8) -> Self {
        Self { event: self.event, index: 0x8000 | u16::from(number & 0x7F) << 8 | (self.index & 0xFF) }
    }

    /// True for what [`receipt`](Self::receipt) made.
    pub fn is_receipt(self) -> bool {
        self.index & 0x8000 != 0
    }

    /// The fixed-width form that keys use; its octet order is the order of ids.
    pub fn to_key(self) -> [u8; Self::KEY_OCTETS] {
        let mut key = [0; Self::KEY_OCTETS];
        key[..8].copy_from_slice(&self.event.to_be_bytes());
        key[8..].copy_from_slice(&self.index.to_be_bytes());
        key
    }

    /// Reads what [`Display`](fmt::Display) wrote, in any case.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))?;
        let (event, index) = match text.len() {
            16 => (text, "0"),
            20 => text.split_at(16),
            _ => return None,
        };
        Some(Self { event: u64::from_str_radix(event, 16).ok()?, index: u16::from_str_radix(index, 16).ok()? })
    }

    pub fn from_key(key: &[u8]) -> Option<Self> {
        let event = u64::from_be_bytes(key.get(..8)?.try_into().ok()?);
        let index = u16::from_be_bytes(key.get(8..10)?.try_into().ok()?);
        Some(Self { event, index })
    }
}

/// As `message_id` on the wire: 16 hexadecimal digits, 20 for a rule's message.
impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By hand, as every call of a rule needs some of them and the formatter takes much longer.
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 2 * Self::KEY_OCTETS];
        for (octet, two) in self.to_key().into_iter().zip(text.chunks_exact_mut(2)) {
            two.copy_from_slice(&[DIGITS[usize::from(octet >> 4)], DIGITS[usize::from(octet & 15)]]);
        }
        let shown = if self.index == 0 { &text[..16] } else { &text[..] };
        f.write_str(std::str::from_utf8(shown).unwrap_or_default())
    }
}

/// Who a message is from or to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Address {
    /// E.164 digits without `+`, 5 to 15 of them.
    Msisdn(Box<str>),
    /// 1 to 8 digits.
    ShortCode(Box<str>),
    /// Up to 20 characters (SMPP 3.4 §5.2.8 allows 20 octets).
    Alphanumeric(Box<str>),
}

/// Why a text is no address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0:?} is no address: expected +<5 to 15 digits>, 1 to 8 digits, or up to 20 letters and digits")]
pub struct InvalidAddress(pub String);

/// Longest number: 15 digits (ITU-T E.164 §6.2.1).
const MSISDN_MAX_DIGITS: usize = 15;
/// Digits up to here are a short code unless the sender says "international".
const SHORT_CODE_MAX_DIGITS: usize = 8;
const ALPHANUMERIC_MAX_CHARS: usize = 20;

impl Address {
    /// Reads the textual form that config and rules use: `+4670…`, `7001`, `ACME`.
    pub fn parse(text: &str) -> Result<Address, InvalidAddress> {
        let invalid = || InvalidAddress(text.chars().take(40).collect());
        let (international, rest) = match text.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if rest.is_empty() {
            return Err(invalid());
        }
        if rest.bytes().all(|b| b.is_ascii_digit()) {
            if international || rest.len() > SHORT_CODE_MAX_DIGITS {
                let digits = rest.strip_prefix("00").filter(|_| !international).unwrap_or(rest);
                let fits = (5..=MSISDN_MAX_DIGITS).contains(&digits.len());
                return if fits { Ok(Address::Msisdn(digits.into())) } else { Err(invalid()) };
            }
            return Ok(Address::ShortCode(rest.into()));
        }
        let plain = rest.chars().all(|c| !c.is_control()) && rest.chars().count() <= ALPHANUMERIC_MAX_CHARS;
        if international || !plain {
            return Err(invalid());
        }
        Ok(Address::Alphanumeric(rest.into()))
    }

    /// Digits or letters as they stand on the wire, without `+`.
    pub fn digits(&self) -> &str {
        match self {
            Address::Msisdn(d) | Address::ShortCode(d) | Address::Alphanumeric(d) => d,
        }
    }

    /// For logs: `+46700***567`. Short codes belong to the operator's world and stay readable.
    pub fn masked(&self) -> String {
        match self {
            Address::Msisdn(d) if d.len() > 8 => format!("+{}***{}", &d[..d.len() - 6], &d[d.len() - 3..]),
            Address::Msisdn(_) => "+***".to_owned(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self, Address::Msisdn(_)) {
            f.write_str("+")?;
        }
        f.write_str(self.digits())
    }
}

/// What a message says, as octets in their coding: kept as they came, decoded where somebody reads them.
/// Text in the default alphabet is GSM 03.38 in here, whatever it was at the edge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// `data_coding` (SMPP 3.4 §5.2.19).
    pub data_coding: u8,
    /// `esm_class` (SMPP 3.4 §5.2.12).
    pub esm_class: u8,
    /// `protocol_id` (SMPP 3.4 §5.2.13).
    pub protocol_id: u8,
    /// `priority_flag` (SMPP 3.4 §5.2.14).
    pub priority_flag: u8,
    /// `service_type` (SMPP 3.4 §5.2.11).
    pub service_type: Bytes,
    pub octets: Bytes,
    /// Optional parameters, in their wire form, less `message_payload`, which is in `octets`.
    pub tlvs: Vec<(u16, Bytes)>,
    /// None for what came over the API, or is a rule's.
    pub arrival: Option<Arrival>,
}

/// What the PDU of a message said to the link alone, for who looks at it later: nothing of it travels on. Of a long
/// message, that of its first part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// `command_id` (SMPP 3.4 §5.1.2.1).
    pub command_id: u32,
    /// `sequence_number` (SMPP 3.4 §5.1.4).
    pub sequence_number: u32,
    /// `source_addr_ton` and `source_addr_npi` (SMPP 3.4 §5.2.5, §5.2.6).
    pub source_numbering: (u8, u8),
    /// `dest_addr_ton` and `dest_addr_npi`.
    pub destination_numbering: (u8, u8),
    /// `registered_delivery` (SMPP 3.4 §5.2.17), heard or not.
    pub registered_delivery: u8,
}

impl Content {
    /// `octets` behind their header, if it has any.
    pub fn new(data_coding: DataCoding, udh: &Udh, octets: Bytes) -> Content {
        let header = udh.encode();
        let (esm_class, octets) = match header.is_empty() {
            true => (0, octets),
            false => (EsmClass::UDHI.0, [header, octets].concat().into()),
        };
        Content { data_coding: data_coding.0, esm_class, octets, ..Content::default() }
    }

    /// Text or binary, without a user data header.
    pub fn payload(&self) -> text::Payload {
        text::decode_content(self.data_coding(), self.has_udhi(), &self.octets, Alphabet::Gsm).0
    }

    pub fn data_coding(&self) -> DataCoding {
        DataCoding(self.data_coding)
    }

    pub fn has_udhi(&self) -> bool {
        EsmClass(self.esm_class).has_udhi()
    }

    pub fn tlv(&self, tag: u16) -> Option<&Bytes> {
        self.tlvs.iter().find(|(t, _)| *t == tag).map(|(_, value)| value)
    }

    /// The user data header and what follows it. A header that lies is none.
    pub fn split_udh(&self) -> (Udh, Bytes) {
        match self.has_udhi().then(|| Udh::split(&self.octets)) {
            Some(Ok(split)) => split,
            _ => (Udh::default(), self.octets.clone()),
        }
    }

    /// Which part of a long message this is: by its user data header, else by its sar_* TLVs.
    pub fn part(&self) -> Option<Concat> {
        let in_header = self.has_udhi().then(|| self.split_udh().0.concat()).flatten();
        in_header.or_else(|| sar(|tag| self.tlv(tag)))
    }
}

/// True when `data_coding` leaves the alphabet to the two peers.
pub fn is_default_alphabet(data_coding: DataCoding) -> bool {
    // No data_coding means UTF-8 by itself, so that the answer can only be the default.
    Alphabet::of(data_coding, Alphabet::Utf8) == Alphabet::Utf8
}

/// The sar_* TLVs (SMPP 3.4 §5.3.2.22 to §5.3.2.24), where they make sense together.
fn sar<'t>(tlv: impl Fn(u16) -> Option<&'t Bytes>) -> Option<Concat> {
    use wasmsc_smpp::tlv::tag;
    let octet = |tag| tlv(tag).filter(|value| value.len() == 1).map(|value| value[0]);
    let reference = tlv(tag::SAR_MSG_REF_NUM).and_then(|value| Some(u16::from_be_bytes(value[..].try_into().ok()?)))?;
    let (total, number) = (octet(tag::SAR_TOTAL_SEGMENTS)?, octet(tag::SAR_SEGMENT_SEQNUM)?);
    (total > 0 && (1..=total).contains(&number)).then_some(Concat { reference, total, number, wide: true })
}

/// Which messages leave first; the lower, the sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Class(pub u8);

impl Class {
    pub const COUNT: usize = 4;
    /// What rules answer.
    pub const REPLY: Class = Class(0);
    /// What applications receive: MOs and receipts.
    pub const INBOUND: Class = Class(1);

    /// Of an application's message: `priority_flag` 0 is bulk, 3 as urgent as a reply.
    pub fn of_priority(priority_flag: u8) -> Class {
        Class(3 - priority_flag.min(3))
    }

    pub fn all() -> impl Iterator<Item = Class> {
        (0..Class::COUNT as u8).map(Class)
    }
}

/// A message in the store, MO or MT.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub source: Address,
    pub destination: Address,
    pub content: Content,
    pub received_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_people_write_them() {
        for (text, want) in [
            ("+46701234567", Address::Msisdn("46701234567".into())),
            ("46701234567", Address::Msisdn("46701234567".into())),
            ("0046701234567", Address::Msisdn("46701234567".into())),
            ("7001", Address::ShortCode("7001".into())),
            ("ACME", Address::Alphanumeric("ACME".into())),
        ] {
            assert_eq!(Address::parse(text), Ok(want), "{text}");
        }
        for text in ["", "+", "+46x", "+1234567890123456", "a\u{0}b", "123456789012345678901234"] {
            assert!(Address::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn ids_sort_in_key_form_as_they_do_as_values() {
        let first = MessageId::accepted(255);
        let effect = first.effect(1);
        let next = MessageId::accepted(256);
        assert!(first < effect && effect < next);
        assert!(first.to_key() < effect.to_key() && effect.to_key() < next.to_key());
        assert_eq!(MessageId::from_key(&effect.to_key()), Some(effect));
        assert_eq!(effect.to_string(), "00000000000000ff0001");
        for id in [first, effect, effect.receipt(3)] {
            assert_eq!(MessageId::parse(id.to_string().to_uppercase().as_bytes()), Some(id));
        }
        assert_eq!(MessageId::parse(b"+0000000000000ff"), None);
        assert_ne!(first.receipt(0), first.effect(1).receipt(0));
    }

    #[test]
    fn numbers_are_masked_in_logs() {
        let address = Address::parse("+46701234567").expect("valid");
        assert_eq!(address.masked(), "+46701***567");
    }
}
