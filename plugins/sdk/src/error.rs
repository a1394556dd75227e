//! How a call ends without effect, and why the host refused something.
//!
//! `?` turns each refusal into a [`Failure`]: what another attempt would meet again becomes a reject, what the host
//! may have mended by then a retry.

use std::fmt;
use std::time::Duration;

/// Ends a call without any effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Run the same event again, after this many milliseconds or the host's back-off.
    Retry { after_ms: Option<u32> },
    /// Give the event up; its owner is told this reason.
    Reject(String),
}

impl Failure {
    /// Another attempt, after the host's back-off.
    pub fn retry() -> Failure {
        Failure::Retry { after_ms: None }
    }

    pub fn retry_after(delay: Duration) -> Failure {
        Failure::Retry { after_ms: Some(u32::try_from(delay.as_millis()).unwrap_or(u32::MAX)) }
    }

    /// No other attempt. The reason is read by the rule's owner.
    pub fn reject(reason: impl fmt::Display) -> Failure {
        Failure::Reject(reason.to_string())
    }
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
    /// The destination or sender is outside what the customer's policy or the rule's grant allows.
    NotPermitted(String),
    InvalidAddress,
    /// More than ten SMS. A message longer than one SMS (160 septets, 70 UTF-16 code units or 140 octets) is
    /// split, and the handset joins it.
    TooLong,
    /// More messages than one call may send.
    QuotaExceeded,
    /// An option of a draft that cannot be, such as a tag of 65 octets.
    Other(String),
}

impl SendError {
    /// As the contract calls it: `not-permitted`.
    pub fn name(&self) -> &'static str {
        match self {
            SendError::NotPermitted(_) => "not-permitted",
            SendError::InvalidAddress => "invalid-address",
            SendError::TooLong => "too-long",
            SendError::QuotaExceeded => "quota-exceeded",
            SendError::Other(_) => "other",
        }
    }
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
    /// More than 64 KiB.
    ValueTooLarge,
    /// More state than one call may write, or a rule may keep.
    QuotaExceeded,
    /// The value is not of the asked type.
    Unreadable(String),
    Other(String),
}

impl StateError {
    /// As the contract calls it: `invalid-key`.
    pub fn name(&self) -> &'static str {
        match self {
            StateError::InvalidKey => "invalid-key",
            StateError::ValueTooLarge => "value-too-large",
            StateError::QuotaExceeded => "quota-exceeded",
            StateError::Unreadable(_) | StateError::Other(_) => "other",
        }
    }
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
            StateError::Other(_) => Failure::retry(),
            own => Failure::Reject(format!("state: {own}")),
        }
    }
}

/// Why a timer was not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimerError {
    /// More timers than a device may have, a payload over 4 KiB, or a name that is empty or longer than 128 octets.
    QuotaExceeded,
    /// More than 366 days ahead.
    TooFar,
    Other(String),
}

impl TimerError {
    /// As the contract calls it: `too-far`.
    pub fn name(&self) -> &'static str {
        match self {
            TimerError::QuotaExceeded => "quota-exceeded",
            TimerError::TooFar => "too-far",
            TimerError::Other(_) => "other",
        }
    }
}

impl fmt::Display for TimerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimerError::QuotaExceeded => f.write_str(
                "more timers than a device may have, a payload over 4 KiB, or a name that has not 1 to 128 octets",
            ),
            TimerError::TooFar => f.write_str("more than 366 days ahead"),
            TimerError::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for TimerError {}

/// As with state.
impl From<TimerError> for Failure {
    fn from(error: TimerError) -> Self {
        match error {
            TimerError::Other(_) => Failure::retry(),
            own => Failure::Reject(format!("timer: {own}")),
        }
    }
}

/// Why an HTTP call was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitError {
    /// The rule is not granted this host, or the secret for the authorization is not there.
    NotPermitted(String),
    /// URL, headers and body together over 64 KiB, or a tag over 64 octets.
    TooLarge,
    /// More HTTP calls than one call may submit.
    QuotaExceeded,
    Other(String),
}

impl SubmitError {
    /// As the contract calls it: `too-large`.
    pub fn name(&self) -> &'static str {
        match self {
            SubmitError::NotPermitted(_) => "not-permitted",
            SubmitError::TooLarge => "too-large",
            SubmitError::QuotaExceeded => "quota-exceeded",
            SubmitError::Other(_) => "other",
        }
    }
}

impl fmt::Display for SubmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubmitError::NotPermitted(why) => write!(f, "not permitted: {why}"),
            SubmitError::TooLarge => f.write_str("over 64 KiB, or a tag over 64 octets"),
            SubmitError::QuotaExceeded => f.write_str("more HTTP calls than one call may submit"),
            SubmitError::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for SubmitError {}

/// As with messages.
impl From<SubmitError> for Failure {
    fn from(error: SubmitError) -> Self {
        Failure::Reject(format!("http: {error}"))
    }
}

/// What is wrong with the rule's config, in a sentence for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub String);

impl ConfigError {
    pub fn new(sentence: impl Into<String>) -> ConfigError {
        ConfigError(sentence.into())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// Another attempt would find the same config.
impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Failure::Reject(error.0)
    }
}

/// Octets that are not the JSON that was expected, or a value that has no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonError(pub(crate) String);

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not the JSON that is expected: {}", self.0)
    }
}

impl std::error::Error for JsonError {}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        JsonError(error.to_string())
    }
}

impl From<JsonError> for Failure {
    fn from(error: JsonError) -> Self {
        Failure::reject(error)
    }
}
