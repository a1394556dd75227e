//! The HTTP calls that a call has submitted so far. They are made after its commit, or not at all.

use std::sync::Arc;

use super::host::RuleFacts;
use super::invocation::{HTTP_OCTETS, TAG_OCTETS};
use crate::occasion::HttpCall;

/// Why a call was not taken. `interfaces::http` turns it into the contract's `submit-error`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    #[error("{0}")]
    NotPermitted(String),
    #[error("more than {HTTP_OCTETS} octets, or a tag of more than {TAG_OCTETS}")]
    TooLarge,
    #[error("this call has submitted as many HTTP calls as it may")]
    QuotaExceeded,
    #[error("{0}")]
    Malformed(String),
}

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
/// Set by the host alone: they say whom it talks to, how long the body is, and which call it is.
const OWN_HEADERS: [&str; 9] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "authorization",
    "idempotency-key",
];

pub struct StagedCalls {
    rule: Arc<RuleFacts>,
    calls: Vec<HttpCall>,
}

impl StagedCalls {
    pub fn new(rule: Arc<RuleFacts>) -> StagedCalls {
        StagedCalls { rule, calls: Vec::new() }
    }

    pub fn submit(&mut self, call: HttpCall) -> Result<(), SubmitError> {
        if self.calls.len() >= self.rule.limits.http_calls {
            return Err(SubmitError::QuotaExceeded);
        }
        let headers: usize = call.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        if call.url.len() + headers + call.body.as_ref().map_or(0, |body| body.len()) > HTTP_OCTETS
            || call.tag.len() > TAG_OCTETS
        {
            return Err(SubmitError::TooLarge);
        }
        self.check(&call)?;
        self.calls.push(call);
        Ok(())
    }

    fn check(&self, call: &HttpCall) -> Result<(), SubmitError> {
        if !METHODS.contains(&&*call.method) {
            return Err(SubmitError::Malformed(format!("method {:?} is none of {}", call.method, METHODS.join(", "))));
        }
        self.rule.http.check(&call.url).map_err(SubmitError::NotPermitted)?;
        for (name, value) in &call.headers {
            let is_token = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            if !is_token || value.bytes().any(|b| b < b' ' && b != b'\t' || b == 0x7F) {
                return Err(SubmitError::Malformed(format!("header {name:?} is none")));
            }
            if OWN_HEADERS.iter().any(|own| name.eq_ignore_ascii_case(own)) {
                return Err(SubmitError::Malformed(format!("the host sets the header {name} itself")));
            }
        }
        match &call.authorization {
            Some(secret) if !self.rule.secrets.contains_key(&**secret) => {
                Err(SubmitError::NotPermitted(format!("this rule has no secret {secret:?}")))
            }
            _ => Ok(()),
        }
    }

    pub fn into_calls(self) -> Vec<HttpCall> {
        self.calls
    }
}
