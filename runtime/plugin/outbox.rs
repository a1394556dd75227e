//! The MTs that a call has sent so far. They leave after its commit.

use std::sync::Arc;

use bytes::Bytes;
use wasmsc_smpp::segment::{self, Style};
use wasmsc_smpp::text::{self, EncodeOptions};
use wasmsc_smpp::{DataCoding, Udh};

use super::Gate;
use super::invocation::{AHEAD_MAX_MS, Effects, Invocation, Passed, TAG_OCTETS, TLV_OCTETS};
use crate::firewall::Reject;
use crate::message::{Address, Class, Content, Message, MessageId, Timestamp};
use crate::occasion::Outgoing;
use crate::route::Directory;

/// Why a message was not taken. `interfaces::outbox` turns it into the contract's `send-error`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    #[error("{0}")]
    NotPermitted(String),
    #[error("longer than {PARTS_MAX} SMS")]
    TooLong,
    #[error("this call, or the rule on this day, has sent as many messages as it may")]
    QuotaExceeded,
    #[error("{0} is no address")]
    InvalidAddress(String),
    #[error("a tag has at most {TAG_OCTETS} octets")]
    TagTooLong,
    #[error("a message may be delayed by 366 days, and be valid as long")]
    TooFar,
    #[error("a rule's TLVs have tags from 0x1400 to 0x3FFF and {TLV_OCTETS} octets together")]
    Tlv,
}

/// SMS that one message may become: about 1,500 characters, and a mistake in a rule stays affordable.
pub const PARTS_MAX: usize = 10;

pub enum Body {
    Text(String),
    Binary(Vec<u8>),
}

impl Body {
    fn text(&self) -> Option<&str> {
        match self {
            Body::Text(text) => Some(text),
            Body::Binary(_) => None,
        }
    }
}

/// Vendor-specific optional parameters (SMPP 3.4 §5.3.1).
const VENDOR_TAGS: std::ops::RangeInclusive<u16> = 0x1400..=0x3FFF;
/// The highest priority_flag (SMPP 3.4 §5.2.14).
const PRIORITY_MAX: u8 = 3;

/// A message that a rule is still writing.
pub struct Draft {
    pub to: String,
    pub body: Body,
    pub wishes: Wishes,
}

/// What a message may have beside its text.
#[derive(Default)]
pub struct Wishes {
    pub sender: Option<String>,
    pub tag: String,
    pub validity_ms: Option<u64>,
    pub delay_ms: u64,
    pub priority: Option<u8>,
    pub wants_receipt: bool,
    pub tlvs: Vec<(u16, Bytes)>,
}

impl Wishes {
    fn check(&self) -> Result<(), SendError> {
        if self.tag.len() > TAG_OCTETS {
            return Err(SendError::TagTooLong);
        }
        if self.delay_ms > AHEAD_MAX_MS || self.validity_ms.is_some_and(|validity| validity > AHEAD_MAX_MS) {
            return Err(SendError::TooFar);
        }
        let octets: usize = self.tlvs.iter().map(|(_, value)| value.len()).sum();
        let are_own = self.tlvs.iter().all(|(tag, _)| VENDOR_TAGS.contains(tag));
        if are_own && octets <= TLV_OCTETS { Ok(()) } else { Err(SendError::Tlv) }
    }

    fn class(&self) -> Class {
        self.priority.map_or(Class::REPLY, |priority| Class::of_priority(priority.min(PRIORITY_MAX)))
    }
}

pub struct Outbox {
    directory: Arc<Directory>,
    gate: Arc<dyn Gate>,
    event: MessageId,
    /// Sender of what names no other: the number that the device wrote to.
    number: Address,
    now: Timestamp,
    max: u16,
    messages: Vec<Outgoing>,
}

impl Outbox {
    pub fn new(directory: Arc<Directory>, gate: Arc<dyn Gate>, event: MessageId, mo: &Message, max: u16) -> Outbox {
        let (number, now) = (mo.destination.clone(), mo.received_at);
        Outbox { directory, gate, event, number, now, max, messages: Vec::new() }
    }

    /// Takes one message; returns its id.
    pub fn send(&mut self, to: &Address, body: &Body, wishes: Wishes) -> Result<MessageId, SendError> {
        if self.messages.len() >= self.max as usize || !self.gate.has_room(self.messages.len() + 1) {
            return Err(SendError::QuotaExceeded);
        }
        wishes.check()?;
        let refused = |reject: Reject| SendError::NotPermitted(reject.to_string());
        let source = match &wishes.sender {
            Some(sender) => Address::parse(sender).map_err(|error| SendError::InvalidAddress(error.0))?,
            None => self.number.clone(),
        };
        let queue = self.directory.route_to_device(to);
        // Peers of one queue reach the same devices, so that any of them knows what these can read.
        let peer = queue.and_then(|queue| self.directory.queues[queue.0].peers.first());
        let options = peer.map_or_else(EncodeOptions::default, |peer| self.directory.peer(*peer).encode);
        let mut content = encode(body, &options)?;
        let class = wishes.class();
        content.tlvs = wishes.tlvs;
        let message = Message { source, destination: to.clone(), content, received_at: self.now };
        // Without a route it would not be sent, and must use nothing up.
        let no_route = || refused(Reject::NoRoute(message.destination.masked()));
        queue.ok_or_else(no_route)?;
        self.gate.admit(&message, body.text()).map_err(refused)?;
        let Wishes { tag, delay_ms, validity_ms, wants_receipt, .. } = wishes;
        self.messages.push(Outgoing { message, tag: tag.into(), delay_ms, validity_ms, class, wants_receipt });
        Ok(self.event.effect(self.messages.len() as u16))
    }

    /// What will be sent, and what has to be kept for it once it is stored.
    pub fn into_messages(self) -> (Vec<Outgoing>, Passed) {
        let passed = Passed((!self.messages.is_empty()).then_some(self.gate));
        (self.messages, passed)
    }
}

/// The effects of an MO that is answered with this text, and nothing else.
pub fn answered_with(mo: Invocation, directory: Arc<Directory>, text: &str) -> Result<Effects, SendError> {
    let Invocation { id, mo, gate, .. } = mo;
    let mut outbox = Outbox::new(directory, gate, id, &mo, 1);
    outbox.send(&mo.source, &Body::Text(text.to_owned()), Wishes::default())?;
    let (messages, passed) = outbox.into_messages();
    Ok(Effects { messages, passed, ..Effects::default() })
}

fn encode(body: &Body, options: &EncodeOptions) -> Result<Content, SendError> {
    let (data_coding, udh, octets) = match body {
        Body::Text(text) => {
            let encoded = text::encode_with(text, options);
            (encoded.data_coding, encoded.udh(), encoded.octets)
        }
        Body::Binary(octets) => (DataCoding::OCTETS, Udh::new(), Bytes::copy_from_slice(octets)),
    };
    if segment::parts_needed(data_coding, &udh, &octets, Style::Udh16) > PARTS_MAX {
        return Err(SendError::TooLong);
    }
    Ok(Content::new(data_coding, &udh, octets))
}
