//! What a rule receives, sends and answers.

use std::fmt;

/// Milliseconds since 1970-01-01T00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Milliseconds from `earlier` to here; 0 if it is not earlier.
    pub fn millis_since(self, earlier: Timestamp) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    Text(String),
    /// 8-bit data.
    Binary(Vec<u8>),
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Body::Text(text.to_owned())
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Body::Text(text)
    }
}

impl From<Vec<u8>> for Body {
    fn from(octets: Vec<u8>) -> Self {
        Body::Binary(octets)
    }
}

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
        match &self.body {
            Body::Text(text) => Some(text),
            Body::Binary(_) => None,
        }
    }
}

/// Ends a call without any effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Run the same MO again, after this many milliseconds or the host's back-off.
    Retry { after_ms: Option<u32> },
    /// Give the MO up; its owner is told this reason.
    Reject(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Retry { after_ms: Some(after) } => write!(f, "retry after {after} ms"),
            Failure::Retry { after_ms: None } => f.write_str("retry"),
            Failure::Reject(reason) => write!(f, "rejected: {reason}"),
        }
    }
}

impl std::error::Error for Failure {}

/// Why the outbox did not take a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendError {
    /// Outside what the customer's policy allows.
    NotPermitted(String),
    InvalidAddress,
    /// More than ten SMS. A message longer than one SMS (160 septets, 70 UTF-16 code units or 140 octets) is
    /// split, and the handset joins it.
    TooLong,
    /// More messages than one call may send.
    QuotaExceeded,
    Other(String),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::NotPermitted(why) => write!(f, "not permitted: {why}"),
            SendError::InvalidAddress => f.write_str("invalid address"),
            SendError::TooLong => f.write_str("longer than ten SMS"),
            SendError::QuotaExceeded => f.write_str("more messages than one call may send"),
            SendError::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for SendError {}

/// A message that cannot be sent now cannot be sent on the next attempt either.
impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        Failure::Reject(format!("send: {error}"))
    }
}

/// Why a state function refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateError {
    /// Empty, or longer than 128 octets.
    InvalidKey,
    ValueTooLarge,
    /// More state than one call may write.
    QuotaExceeded,
    /// The value is not of the asked type.
    Unreadable(String),
    Other(String),
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateError::InvalidKey => f.write_str("a key has 1 to 128 octets"),
            StateError::ValueTooLarge => f.write_str("value too large"),
            StateError::QuotaExceeded => f.write_str("more state than one call may write"),
            StateError::Unreadable(why) => write!(f, "value cannot be read: {why}"),
            StateError::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for StateError {}

/// The store may come back (`Other`); everything else is the rule's own doing and would fail again.
impl From<StateError> for Failure {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Other(_) => Failure::Retry { after_ms: None },
            own => Failure::Reject(format!("state: {own}")),
        }
    }
}

/// Of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}
