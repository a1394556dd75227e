//! What a rule is called for: an MO, a receipt, a timer, an HTTP reply, a request; and what it answers to a request.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Failure, JsonError};
use crate::message::{Body, MessageState, Timestamp};

/// A mobile-originated message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mo {
    /// Message id at the SMSC; the same on every attempt.
    pub id: String,
    /// The device, such as `+46701234567`.
    pub source: String,
    /// The number it wrote to, such as `7001`.
    pub destination: String,
    pub body: Body,
    pub received_at: Timestamp,
}

impl Mo {
    /// The text; None for 8-bit data.
    pub fn text(&self) -> Option<&str> {
        self.body.text()
    }
}

/// What became of a message for which [`Draft::request_receipt`](crate::Draft::request_receipt) asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// As sending it returned.
    pub message_id: String,
    /// As given to [`Draft::tag`](crate::Draft::tag).
    pub tag: Option<String>,
    pub recipient: String,
    pub state: MessageState,
    /// Network error code, as text; None where there was no error.
    pub error_code: Option<String>,
    pub done_at: Timestamp,
}

impl Receipt {
    pub fn is_delivered(&self) -> bool {
        self.state == MessageState::Delivered
    }
}

/// A timer that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timer {
    pub name: String,
    pub due_at: Timestamp,
    pub payload: Vec<u8>,
}

impl Timer {
    /// The payload that [`Context::set_timer_json`](crate::Context::set_timer_json) gave it.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        Ok(serde_json::from_slice(&self.payload)?)
    }

    /// The payload; None if it is no text.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.payload).ok()
    }
}

/// The answer to an [`HttpRequest`](crate::HttpRequest), or that none came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpReply {
    /// As given to [`HttpRequest::tag`](crate::HttpRequest::tag).
    pub tag: String,
    /// None: no answer came before the host gave up.
    pub status: Option<u16>,
    pub body: Vec<u8>,
}

impl HttpReply {
    /// Whether a status of 200 to 299 came.
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    pub fn json<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// An application of the rule's customer asks something about one device, over the REST API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The same on every attempt.
    pub id: String,
    /// What is asked, the last part of the path: `issue`, `verify`.
    pub name: String,
    pub body: Vec<u8>,
}

impl Request {
    /// The body. A rule answers what is wrong with it by [`Response::error`], status 400 or 422.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, JsonError> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// What the application gets, once the call's effects are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 200 to 299, or 400 to 499.
    pub status: u16,
    /// JSON, or nothing.
    pub body: Vec<u8>,
}

impl Response {
    pub fn empty(status: u16) -> Response {
        Response { status, body: Vec::new() }
    }

    /// A `Result`, so that it can be the last line of a handler.
    pub fn json<T: Serialize + ?Sized>(status: u16, value: &T) -> Result<Response, Failure> {
        let body = serde_json::to_vec(value).map_err(JsonError::from)?;
        Ok(Response { status, body })
    }

    /// `{"error": …}` with a sentence for whoever wrote the application. Effects of the call are kept.
    pub fn error(status: u16, sentence: impl AsRef<str>) -> Result<Response, Failure> {
        Response::json(status, &serde_json::json!({ "error": sentence.as_ref() }))
    }
}
