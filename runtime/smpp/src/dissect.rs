//! A PDU field by field, as people read it: name, place, octets and what they mean; for one that cannot be
//! read, where and why.
//!
//! Reads by the field table that [`crate::codec::decode`] reads by, so what this says of a PDU is what became
//! of it. For consoles and logs: it is slow, and nothing on the way of a message calls it.

mod meaning;
mod message;

/// What the octet in a mandatory field means, by the field's name; empty where it says so itself.
#[must_use]
pub fn meaning(name: &str, octet: u8) -> String {
    meaning::of_octet(name, octet)
}

use bytes::Bytes;

use crate::codec::HEADER_OCTETS;
use crate::fields::FieldError;
use crate::pdu::Body;
use crate::tlv::{self, TLV_HEADER_OCTETS, Tlvs};
use crate::values::{CommandId, CommandStatus};

pub use message::Message;

/// What is in a field, for those who may not show everything to everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// What anybody may see who looks after a link.
    Plain,
    /// A password.
    Password,
    /// What the sender said: `short_message` or `message_payload`.
    Message,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The specification's name; `tlv_0x1401` for a vendor's optional parameter.
    pub name: String,
    /// Where it begins in the PDU.
    pub at: usize,
    /// All of it: a string with its NUL, an optional parameter with its tag and length.
    pub octets: Bytes,
    /// Its value: a number, a text, or octets in hex.
    pub value: String,
    /// What the value means; empty where it says so itself.
    pub meaning: String,
    /// Whether all may see it.
    pub holds: Holds,
    /// It is an optional parameter.
    pub is_tlv: bool,
}

/// Why a PDU cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The octet at which the reading ended.
    pub at: usize,
    /// The field that it was in.
    pub field: &'static str,
    /// What a peer is answered that sends it.
    pub command_status: CommandStatus,
    /// In words.
    pub why: String,
}

/// A PDU in pieces. Without an error its fields are all of its octets, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dissection {
    /// `None` where not even the header is there.
    pub command_id: Option<CommandId>,
    /// Of the header.
    pub command_status: CommandStatus,
    /// Of the header.
    pub sequence_number: u32,
    /// The header's first.
    pub fields: Vec<Field>,
    /// Why it ends early.
    pub error: Option<Malformed>,
    /// What it carries, if it carries a message.
    pub message: Option<Message>,
}

/// Takes a PDU apart. `frame` begins with its header; octets behind its `command_length` are left alone.
#[must_use]
pub fn dissect(frame: &Bytes) -> Dissection {
    let mut found = Dissection::default();
    let Some(header) = frame.first_chunk::<HEADER_OCTETS>() else {
        let why = format!("a header has {HEADER_OCTETS} octets, there are {}", frame.len());
        let (field, command_status) = ("header", CommandStatus::ESME_RINVCMDLEN);
        found.error = Some(Malformed { at: frame.len(), field, command_status, why });
        return found;
    };
    let word = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let command_id = CommandId(word(4));
    found.command_id = Some(command_id);
    (found.command_status, found.sequence_number) = (CommandStatus(word(8)), word(12));
    found.fields = header_fields(frame, &found);
    let command_length = usize::try_from(word(0)).unwrap_or(usize::MAX);
    if !(HEADER_OCTETS..=frame.len()).contains(&command_length) {
        let why = if command_length < HEADER_OCTETS {
            format!("it says {command_length} octets, and a header alone has {HEADER_OCTETS}")
        } else {
            format!("it says {command_length} octets, there are {}", frame.len())
        };
        let (field, command_status) = ("command_length", CommandStatus::ESME_RINVCMDLEN);
        found.error = Some(Malformed { at: 0, field, command_status, why });
        return found;
    }
    let body = frame.slice(HEADER_OCTETS..command_length);
    let mut seen = Seen { body: body.clone(), begun: ("", 0), end: 0, fields: Vec::new(), tlvs: Tlvs::new() };
    match Body::dissect(command_id, body, &mut seen) {
        Ok(()) => seen.ignored(),
        Err((error, at)) => found.error = Some(malformed(error, at)),
    }
    found.message = message::of(&seen);
    found.fields.append(&mut seen.fields);
    found
}

fn header_fields(frame: &Bytes, header: &Dissection) -> Vec<Field> {
    let id = header.command_id.unwrap_or_default();
    let id_meaning = meaning::named(id.name().map(str::to_lowercase).as_deref());
    let field = |name: &str, at: usize, value: String, meaning: String| Field {
        name: name.to_owned(),
        at,
        octets: frame.slice(at..at + 4),
        value,
        meaning,
        holds: Holds::Plain,
        is_tlv: false,
    };
    let length = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]);
    vec![
        field("command_length", 0, length.to_string(), "octets, with the header".to_owned()),
        field("command_id", 4, format!("0x{:08X}", id.0), id_meaning),
        field(
            "command_status",
            8,
            format!("0x{:08X}", header.command_status.0),
            meaning::named(header.command_status.name()),
        ),
        field("sequence_number", 12, header.sequence_number.to_string(), String::new()),
    ]
}

fn malformed((command_status, field): FieldError, at: usize) -> Malformed {
    let (at, why) = match command_status {
        CommandStatus::ESME_RINVCMDLEN => (at, "the PDU ends before it"),
        // It was read before it was judged.
        CommandStatus::ESME_RINVMSGLEN => (at.saturating_sub(1), "sm_length says more octets than there are"),
        CommandStatus::ESME_RINVDESTFLAG => (at.saturating_sub(1), "neither a number (1) nor a distribution list (2)"),
        _ => (at, "it is longer than any peer's, or its NUL is missing"),
    };
    Malformed { at: HEADER_OCTETS + at, field, command_status, why: why.to_owned() }
}

/// An item of a list of a PDU.
pub(crate) trait Listed {
    /// Name of the octet that counts them.
    const COUNT: &'static str;
    /// Name of one.
    const ITEM: &'static str;
    /// Octets on the wire.
    fn octets_len(&self) -> usize;
    /// As people read it.
    fn told(&self) -> String;
}

/// The fields of a body as they are read.
pub(crate) struct Seen {
    body: Bytes,
    /// The field that is read now, and where it begins.
    begun: (&'static str, usize),
    /// Behind the last one.
    end: usize,
    fields: Vec<Field>,
    tlvs: Tlvs,
}

impl Seen {
    pub(crate) fn begin(&mut self, name: &'static str, at: usize) {
        self.begun = (name, at);
    }

    /// A field from where the last one ended. What a response leaves out is no field.
    fn push(&mut self, name: &str, end: usize, value: String, meaning: String) -> Option<&mut Field> {
        let (start, end) = (self.end, end.min(self.body.len()));
        if end <= start {
            return None;
        }
        self.end = end;
        self.fields.push(Field {
            name: name.to_owned(),
            at: HEADER_OCTETS + start,
            octets: self.body.slice(start..end),
            value,
            meaning,
            holds: Holds::Plain,
            is_tlv: false,
        });
        self.fields.last_mut()
    }

    pub(crate) fn string(&mut self, value: &Bytes, end: usize) {
        let name = self.begun.0;
        let has_no_nul = end == self.begun.1 + value.len();
        let note = if has_no_nul { "without its NUL" } else { meaning::of_string(name, value) };
        let field = self.push(name, end, meaning::text_or_hex(value), note.to_owned());
        if let Some(field) = field.filter(|_| name == "password") {
            field.holds = Holds::Password;
        }
    }

    pub(crate) fn octet(&mut self, value: u8, end: usize) {
        let name = self.begun.0;
        self.push(name, end, format!("0x{value:02X}"), meaning::of_octet(name, value));
    }

    pub(crate) fn list<T: Listed>(&mut self, items: &[T], end: usize) {
        let begin = self.begun.1;
        self.push(T::COUNT, begin + 1, items.len().to_string(), String::new());
        let mut at = begin + 1;
        for item in items {
            at += item.octets_len();
            self.push(T::ITEM, at.min(end), item.told(), String::new());
        }
    }

    pub(crate) fn short_message(&mut self, value: &Bytes, end: usize) {
        let begin = self.begun.1;
        self.push("sm_length", begin + 1, value.len().to_string(), "octets".to_owned());
        if let Some(field) = self.push("short_message", end, meaning::hex(value), String::new()) {
            field.holds = Holds::Message;
        }
    }

    pub(crate) fn tlvs(&mut self, tlvs: &Tlvs, end: usize) {
        let first = Tlvs::read_placed(&self.body.slice(self.begun.1..end)).1;
        if first > 0 {
            let (value, why) =
                ("0x00".to_owned(), "a stray NUL before the optional parameters: sm_length is one too small");
            self.push("ignored", self.end + first, value, why.to_owned());
        }
        for tlv in tlvs {
            let name = match tlv::tag::name(tlv.tag) {
                Some(name) => name.to_lowercase(),
                None => format!("tlv_0x{:04X}", tlv.tag),
            };
            let (value, means) = meaning::of_tlv(tlv);
            let field = self.push(&name, self.end + TLV_HEADER_OCTETS + tlv.value.len(), value, means);
            if let Some(field) = field {
                field.is_tlv = true;
                if tlv.tag == tlv::tag::MESSAGE_PAYLOAD {
                    field.holds = Holds::Message;
                }
            }
        }
        self.tlvs = tlvs.clone();
        if self.end < end {
            let rest = meaning::hex(&self.body.slice(self.end..end));
            self.push("ignored", end, rest, "no optional parameter: its length goes beyond the PDU".to_owned());
        }
    }

    /// All of the body is one field.
    pub(crate) fn whole(&mut self, name: &'static str) {
        let (value, end) = (meaning::hex(&self.body), self.body.len());
        self.push(name, end, value, "no command of SMPP".to_owned());
    }

    fn ignored(&mut self) {
        let end = self.body.len();
        let rest = meaning::hex(&self.body.slice(self.end..));
        self.push("ignored", end, rest, "more than this command has".to_owned());
    }

    fn named(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}
