//! Turns what a client wants to send into a submission: alphabet, header, length, wishes.
//!
//! Pure: takes the directory and `now`, and asks nobody.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wasmsc_smpp::segment::{self, Style};
use wasmsc_smpp::text::{self, EncodeOptions};
use wasmsc_smpp::{DataCoding, Udh};

use super::error::{Code, Problem};
use super::rfc3339::Time;
use crate::message::{Address, Content, Message, Timestamp};
use crate::relay::Submission;
use crate::route::{Customer, Directory};

/// SMS that one message may become, as for rules: about 1,500 characters, and a mistake stays affordable.
const SEGMENTS_MAX: usize = 10;
const TAG_MAX_CHARS: usize = 64;
const PRIORITY_MAX: u8 = 3;

/// A message that is to be sent. Either `text` or `binary`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMessage)]
pub struct NewMessage {
    /// A number or a name of the customer; without it, the customer's first number.
    #[schema(example = "7001")]
    from: Option<String>,
    /// A device of the customer.
    #[schema(example = "+46701234567")]
    to: String,
    #[schema(example = "WM1 CLOSE")]
    text: Option<String>,
    #[serde(default)]
    encoding: Encoding,
    binary: Option<Octets>,
    /// `data_coding` (3GPP TS 23.038) of `binary`; 4 without it, which is octets.
    data_coding: Option<u8>,
    /// User data header before `binary`, with its length octet.
    udh: Option<Octets>,
    /// How long it is tried, from when it may leave; without it, the customer's usual time.
    #[schema(minimum = 1, example = 3600)]
    validity_secs: Option<u64>,
    /// Not before this.
    schedule_at: Option<Time>,
    /// Ask the network whether it arrived; without that, `accepted` may be the last that is known.
    #[serde(default = "yes")]
    #[schema(default = true)]
    receipt: bool,
    /// 0 is bulk, 3 the most urgent.
    #[serde(default)]
    #[schema(maximum = 3)]
    priority: u8,
    /// What the client calls it; shown when the message is looked up.
    #[schema(max_length = 64)]
    tag: Option<String>,
}

fn yes() -> bool {
    true
}

/// How a text is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// So that it takes the fewest SMS.
    #[default]
    Auto,
    /// In the GSM alphabet, or not at all.
    Gsm,
    Ucs2,
}

/// Octets, in one of two forms.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Octets {
    #[schema(example = "AQID")]
    Base64(String),
    #[schema(example = "010203")]
    Hex(String),
}

/// How a message was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Written {
    Gsm,
    Ucs2,
    Binary,
}

/// A submission, with what its sender learns about it.
pub struct Composed {
    pub submission: Submission,
    pub segments: u8,
    pub written: Written,
}

impl Octets {
    /// As answers have them.
    pub fn of(octets: &[u8]) -> Octets {
        Octets::Hex(octets.iter().map(|octet| format!("{octet:02x}")).collect())
    }

    fn read(&self, field: &str) -> Result<Bytes, Problem> {
        let octets = match self {
            Octets::Base64(text) => STANDARD.decode(text).ok(),
            Octets::Hex(text) => hex(text),
        };
        octets.map(Bytes::from).ok_or_else(|| Problem::invalid(field, "it is not in the form that it says"))
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

pub fn compose(
    new: NewMessage,
    directory: &Directory,
    customer: &Customer,
    now: Timestamp,
) -> Result<Composed, Problem> {
    let destination = address("to", &new.to)?;
    if !matches!(destination, Address::Msisdn(_)) {
        return Err(Problem::invalid("to", "a device has a number such as +46701234567"));
    }
    let source = match &new.from {
        Some(from) => address("from", from)?,
        None => {
            let none = || Problem::invalid("from", "the customer has no number of its own to send from");
            customer.first_number().cloned().ok_or_else(none)?
        }
    };
    // Peers of one queue reach the same devices, so that any of them knows what these can read.
    let queue = directory.route_to_device(&destination).map(|queue| &directory.queues[queue.0]);
    let peer = queue.and_then(|queue| queue.peers.first()).map(|index| directory.peer(*index));
    let options = peer.map_or_else(EncodeOptions::default, |peer| peer.encode);
    let style = peer.map_or(Style::Udh16, |peer| peer.long_messages);
    let (mut content, segments, written) = content(&new, &options, style)?;
    content.priority_flag = new.priority;
    if new.priority > PRIORITY_MAX {
        return Err(Problem::invalid("priority", format!("priorities are 0 to {PRIORITY_MAX}")));
    }
    let mut submission = Submission::plain(Message { source, destination, content, received_at: now });
    submission.registered_delivery = u8::from(new.receipt);
    submission.schedule = new.schedule_at.map(|at| at.0);
    if new.validity_secs == Some(0) {
        return Err(Problem::invalid("validity_secs", "a message needs a second at least"));
    }
    let leaves = submission.schedule.map_or(now, |at| at.max(now));
    submission.expires = new.validity_secs.map(|secs| leaves.plus_ms(secs.saturating_mul(1_000)));
    submission.tag = tag(new.tag)?;
    Ok(Composed { submission, segments, written })
}

fn address(field: &str, text: &str) -> Result<Address, Problem> {
    Address::parse(text).map_err(|error| Problem::invalid(field, error.to_string()))
}

fn tag(tag: Option<String>) -> Result<Box<str>, Problem> {
    let tag = tag.unwrap_or_default();
    if tag.chars().count() > TAG_MAX_CHARS || tag.chars().any(char::is_control) {
        return Err(Problem::invalid("tag", format!("a tag has at most {TAG_MAX_CHARS} characters, none to control")));
    }
    Ok(tag.into())
}

fn content(new: &NewMessage, options: &EncodeOptions, style: Style) -> Result<(Content, u8, Written), Problem> {
    let (data_coding, udh, octets, written) = match (&new.text, &new.binary) {
        (Some(text), None) => {
            let misplaced = new.data_coding.map(|_| "data_coding").or(new.udh.as_ref().map(|_| "udh"));
            if let Some(field) = misplaced {
                return Err(Problem::invalid(field, "it goes with binary; a text has encoding"));
            }
            written_text(text, new.encoding, options)?
        }
        (None, Some(binary)) => {
            if new.encoding != Encoding::Auto {
                return Err(Problem::invalid("encoding", "it goes with text; binary has data_coding"));
            }
            let udh = new.udh.as_ref().map(read_udh).transpose()?.unwrap_or_default();
            let data_coding = new.data_coding.map_or(DataCoding::OCTETS, DataCoding);
            (data_coding, udh, binary.read("binary")?, Written::Binary)
        }
        _ => return Err(Problem::invalid("text", "a message has either text or binary")),
    };
    let segments = segment::parts_needed(data_coding, &udh, &octets, style);
    if segments > SEGMENTS_MAX {
        return Err(Problem::new(Code::TextTooLong, format!("it takes more than {SEGMENTS_MAX} SMS")));
    }
    Ok((Content::new(data_coding, &udh, octets), segments as u8, written))
}

fn read_udh(octets: &Octets) -> Result<Udh, Problem> {
    let octets = octets.read("udh")?;
    match Udh::split(&octets) {
        Ok((udh, rest)) if rest.is_empty() => Ok(udh),
        Ok(_) => Err(Problem::invalid("udh", "there are octets behind the header's length")),
        Err(error) => Err(Problem::invalid("udh", error.to_string())),
    }
}

type WrittenText = (DataCoding, Udh, Bytes, Written);

fn written_text(text: &str, encoding: Encoding, options: &EncodeOptions) -> Result<WrittenText, Problem> {
    if encoding == Encoding::Ucs2 {
        let octets: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        return Ok((DataCoding::UCS_2, Udh::new(), octets.into(), Written::Ucs2));
    }
    let encoded = text::encode_with(text, options);
    let written = if encoded.data_coding == DataCoding::DEFAULT { Written::Gsm } else { Written::Ucs2 };
    if encoding == Encoding::Gsm && written != Written::Gsm {
        return Err(Problem::of_field(
            Code::TextNotGsm,
            "text",
            "send it with another encoding, or without the character",
        ));
    }
    Ok((encoded.data_coding, encoded.udh(), encoded.octets, written))
}
