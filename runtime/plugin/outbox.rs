//! The MTs that a call has sent so far. They leave after its commit.

use std::sync::Arc;

use bytes::Bytes;
use wasmsc_smpp::text;

use crate::firewall;
use crate::message::{Address, Content, Message, MessageId, Timestamp};
use crate::route::Directory;

/// Why a message was not taken. `interfaces::outbox` turns it into the contract's `send-error`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    #[error("{0}")]
    NotPermitted(String),
    #[error("the address is neither a number nor a name")]
    InvalidAddress,
    #[error("longer than one SMS")]
    TooLong,
    #[error("this call has sent as many messages as it may")]
    QuotaExceeded,
}

/// Octets of an 8-bit message (3GPP 23.040 §9.2.3.24).
const BINARY_MAX_OCTETS: usize = 140;
/// 8-bit data (SMPP 3.4 §5.2.19).
const CODING_BINARY: u8 = 4;

pub enum Body {
    Text(String),
    Binary(Vec<u8>),
}

pub struct Outbox {
    directory: Arc<Directory>,
    customer: Arc<str>,
    event: MessageId,
    /// Sender of everything: the number that the device wrote to.
    number: Address,
    now: Timestamp,
    max: u16,
    messages: Vec<Message>,
}

impl Outbox {
    pub fn new(directory: Arc<Directory>, customer: Arc<str>, event: MessageId, mo: &Message, max: u16) -> Outbox {
        let (number, now) = (mo.destination.clone(), mo.received_at);
        Outbox { directory, customer, event, number, now, max, messages: Vec::new() }
    }

    /// Takes one message; returns its id.
    pub fn send(&mut self, to: Address, body: Body) -> Result<MessageId, SendError> {
        if self.messages.len() >= self.max as usize {
            return Err(SendError::QuotaExceeded);
        }
        let refused = |reject: firewall::Reject| SendError::NotPermitted(reject.to_string());
        let customer = self.directory.customer(&self.customer).ok_or(SendError::InvalidAddress)?;
        firewall::check_mt(customer, &self.number, &to).map_err(refused)?;
        if self.directory.route_to_device(&to).is_none() {
            return Err(refused(firewall::Reject::NoRoute(to.masked())));
        }
        let (data_coding, octets) = encode(body)?;
        let content = Content { data_coding, esm_class: 0, protocol_id: 0, octets, tlvs: Vec::new() };
        self.messages.push(Message { source: self.number.clone(), destination: to, content, received_at: self.now });
        Ok(self.event.effect(self.messages.len() as u16))
    }

    pub fn into_messages(self) -> Vec<Message> {
        self.messages
    }
}

fn encode(body: Body) -> Result<(u8, Bytes), SendError> {
    match body {
        Body::Text(text) => {
            let encoded = text::encode(&text);
            let fits = text::fits_one_sms(&encoded);
            if fits { Ok((encoded.data_coding.0, encoded.octets)) } else { Err(SendError::TooLong) }
        }
        Body::Binary(octets) if octets.len() <= BINARY_MAX_OCTETS => Ok((CODING_BINARY, octets.into())),
        Body::Binary(_) => Err(SendError::TooLong),
    }
}
