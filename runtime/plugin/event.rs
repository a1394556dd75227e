//! What happened, in the words of the contract: what a handler is handed.

use wasmsc_smpp::receipt::MessageState;
use wasmsc_smpp::text::Payload;

use super::bindings::wasmsc::plugin::types as wit;
use super::invocation::Invocation;
use crate::message::{Message, MessageId};
use crate::occasion::{FiredTimer, HttpReply, Occasion, Request, RuleReceipt};

/// One variant for each handler.
pub enum Event {
    Mo(wit::Message),
    Receipt(wit::Receipt),
    Timer(wit::Timer),
    HttpReply(wit::HttpReply),
    Request(wit::Request),
}

impl Event {
    pub fn of(invocation: &Invocation) -> Event {
        match &invocation.occasion {
            Occasion::Mo => Event::Mo(message(invocation.id, &invocation.mo)),
            Occasion::Receipt(news) => Event::Receipt(receipt(news)),
            Occasion::Timer(fired) => Event::Timer(timer(fired)),
            Occasion::HttpReply(reply) => Event::HttpReply(http_reply(reply)),
            Occasion::Request(asked) => Event::Request(request(invocation.id, asked)),
        }
    }
}

fn message(id: MessageId, mo: &Message) -> wit::Message {
    wit::Message {
        id: id.to_string(),
        source: mo.source.to_string(),
        destination: mo.destination.to_string(),
        body: match mo.content.payload() {
            Payload::Text(text) => wit::Body::Text(text),
            Payload::Binary(octets) => wit::Body::Binary(octets.to_vec()),
        },
        received_at: mo.received_at.0,
    }
}

fn receipt(news: &RuleReceipt) -> wit::Receipt {
    wit::Receipt {
        message_id: news.message_id.to_string(),
        tag: (!news.tag.is_empty()).then(|| news.tag.to_string()),
        recipient: news.recipient.to_string(),
        state: state(news.state),
        error_code: (news.error != 0).then(|| format!("{:03}", news.error)),
        done_at: news.done_at.0,
    }
}

fn state(octet: u8) -> wit::MessageState {
    match MessageState::from_octet(octet).unwrap_or(MessageState::Unknown) {
        MessageState::Scheduled => wit::MessageState::Scheduled,
        MessageState::Enroute => wit::MessageState::Enroute,
        MessageState::Delivered => wit::MessageState::Delivered,
        MessageState::Expired => wit::MessageState::Expired,
        MessageState::Deleted => wit::MessageState::Deleted,
        MessageState::Undeliverable => wit::MessageState::Undeliverable,
        MessageState::Accepted => wit::MessageState::Accepted,
        MessageState::Unknown => wit::MessageState::Unknown,
        MessageState::Rejected => wit::MessageState::Rejected,
        MessageState::Skipped => wit::MessageState::Skipped,
    }
}

fn timer(fired: &FiredTimer) -> wit::Timer {
    wit::Timer { name: fired.name.to_string(), due_at: fired.due_at.0, payload: fired.payload.to_vec() }
}

fn http_reply(reply: &HttpReply) -> wit::HttpReply {
    wit::HttpReply { tag: reply.tag.to_string(), status: reply.status, body: reply.body.to_vec() }
}

fn request(id: MessageId, asked: &Request) -> wit::Request {
    wit::Request { id: id.to_string(), name: asked.name.to_string(), body: asked.body.to_vec() }
}
