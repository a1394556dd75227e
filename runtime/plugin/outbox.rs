//! The MTs that a call has sent so far. They leave after its commit.

use std::sync::Arc;

use bytes::Bytes;
use wasmsc_smpp::segment::{self, Style};
use wasmsc_smpp::text::{self, EncodeOptions};
use wasmsc_smpp::{DataCoding, Udh};

use super::Gate;
use crate::firewall::Reject;
use crate::message::{Address, Content, Message, MessageId, Timestamp};
use crate::route::Directory;

/// Why a message was not taken. `interfaces::outbox` turns it into the contract's `send-error`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    #[error("{0}")]
    NotPermitted(String),
    #[error("longer than {PARTS_MAX} SMS")]
    TooLong,
    #[error("this call has sent as many messages as it may")]
    QuotaExceeded,
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

pub struct Outbox {
    directory: Arc<Directory>,
    gate: Arc<dyn Gate>,
    event: MessageId,
    /// Sender of everything: the number that the device wrote to.
    number: Address,
    now: Timestamp,
    max: u16,
    messages: Vec<Message>,
}

impl Outbox {
    pub fn new(directory: Arc<Directory>, gate: Arc<dyn Gate>, event: MessageId, mo: &Message, max: u16) -> Outbox {
        let (number, now) = (mo.destination.clone(), mo.received_at);
        Outbox { directory, gate, event, number, now, max, messages: Vec::new() }
    }

    /// Takes one message; returns its id.
    pub fn send(&mut self, to: Address, body: Body) -> Result<MessageId, SendError> {
        if self.messages.len() >= self.max as usize {
            return Err(SendError::QuotaExceeded);
        }
        let refused = |reject: Reject| SendError::NotPermitted(reject.to_string());
        let queue = self.directory.route_to_device(&to);
        // Peers of one queue reach the same devices, so that any of them knows what these can read.
        let peer = queue.and_then(|queue| self.directory.queues[queue.0].peers.first());
        let options = peer.map_or_else(EncodeOptions::default, |peer| self.directory.peer(*peer).encode);
        let content = encode(&body, &options)?;
        let message = Message { source: self.number.clone(), destination: to, content, received_at: self.now };
        // Without a route it would not be sent, and must use nothing up.
        let no_route = || refused(Reject::NoRoute(message.destination.masked()));
        queue.ok_or_else(no_route)?;
        self.gate.admit(&message, body.text()).map_err(refused)?;
        self.messages.push(message);
        Ok(self.event.effect(self.messages.len() as u16))
    }

    /// They will be sent.
    pub fn into_messages(self) -> Vec<Message> {
        self.gate.keep();
        self.messages
    }
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
