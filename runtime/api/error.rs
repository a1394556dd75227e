//! The only place that turns our errors into HTTP: problem details (RFC 9457) with a stable `code`.
//!
//! A client branches on `code`, a person reads `detail`. What is another tenant's is "not found", whatever
//! the request was: nobody learns what exists.

use std::io;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::rfc3339::Time;
use crate::clock;
use crate::firewall::{Reason, Refusal, Reject};
use crate::message::Timestamp;
use crate::relay::{NotDone, NotOnce};
use crate::store::StoreFailed;

/// What a handler yields.
pub type Answer<T> = Result<T, Problem>;

/// When to try again what is refused for want of room.
const RETRY_AFTER_SECS: u64 = 1;

/// Problem details as they are sent.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDetails {
    /// `urn:wasmsc:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:wasmsc:problem:unknown_field")]
    urn: String,
    /// What all problems of this code have in common.
    title: &'static str,
    /// The HTTP status, once more.
    status: u16,
    /// What to branch on; stable within v1.
    #[schema(example = "unknown_field")]
    code: &'static str,
    /// What is wrong with this request, for people.
    detail: String,
    /// The field of the body that is wrong, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// When the same request would be done, where time alone changes that; Retry-After says the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<Time>,
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    detail: String,
    field: Option<String>,
    /// Of the firewall, and when it would let it pass.
    refusal: Option<(Reason, Option<Timestamp>)>,
}

macro_rules! codes {
    ($($variant:ident $code:literal $status:ident $title:literal)*) => {
        /// Every problem that there is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($variant),* }

        impl Code {
            const fn parts(self) -> (&'static str, StatusCode, &'static str) {
                match self { $(Code::$variant => ($code, StatusCode::$status, $title)),* }
            }
        }
    };
}

codes! {
    MalformedJson "malformed_json" BAD_REQUEST "The body is no JSON"
    MalformedRequest "malformed_request" BAD_REQUEST "The path, query or a header cannot be read"
    NotFound "not_found" NOT_FOUND "There is no such thing"
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED "This path has no such method"
    BodyTooSlow "body_too_slow" REQUEST_TIMEOUT "The body did not come in time"
    BodyTooLarge "body_too_large" PAYLOAD_TOO_LARGE "The body is too large"
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "The body is not of a type that is read here"
    UnknownField "unknown_field" UNPROCESSABLE_ENTITY "The body has a field that is not known"
    InvalidField "invalid_field" UNPROCESSABLE_ENTITY "A field of the body is wrong"
    Unauthorized "unauthorized" UNAUTHORIZED "No valid token came with the request"
    Forbidden "forbidden" FORBIDDEN "The key has not the scope for this"
    CustomerKeyNeeded "customer_key_needed" FORBIDDEN "Only a customer's key can do this"
    Declared "declared" CONFLICT "The config file declares it"
    DoesNotFit "does_not_fit" CONFLICT "It does not fit what else is set up"
    PreconditionFailed "precondition_failed" PRECONDITION_FAILED "It has changed since"
    TooMany "too_many" CONFLICT "There are as many as there may be"
    AddressTaken "address_taken" CONFLICT "This customer may not register the address"
    VersionExists "version_exists" CONFLICT "A plugin of this name and version is there"
    PluginUnfit "plugin_unfit" UNPROCESSABLE_ENTITY "The plugin cannot be used"
    TooManyUploads "too_many_uploads" TOO_MANY_REQUESTS "Another upload is under way"
    TooManyTries "too_many_tries" TOO_MANY_REQUESTS "Other calls are being tried"
    NotKept "not_kept" NOT_FOUND "No such call is kept"
    TooLate "too_late" CONFLICT "The message waits no more"
    IdempotencyMismatch "idempotency_mismatch" UNPROCESSABLE_ENTITY "The idempotency key was used for another request"
    MadeBefore "made_before" CONFLICT "The same request was done before"
    TextTooLong "text_too_long" UNPROCESSABLE_ENTITY "The message takes too many SMS"
    TextNotGsm "text_not_gsm" UNPROCESSABLE_ENTITY "The GSM alphabet lacks a character of the text"
    Refused "refused" FORBIDDEN "The firewall does not let the message pass"
    NoRoute "no_route" UNPROCESSABLE_ENTITY "Nothing leads to the destination"
    InvalidValidity "invalid_validity" UNPROCESSABLE_ENTITY "The message would be over before it may leave"
    ScheduleTooFar "schedule_too_far" UNPROCESSABLE_ENTITY "The time to send it is too far ahead"
    TooManyRequests "too_many_requests" TOO_MANY_REQUESTS "The customer asks too often"
    TooManyStreams "too_many_streams" TOO_MANY_REQUESTS "The customer reads its events often enough"
    EventsOff "events_off" CONFLICT "The server keeps no events"
    QueueFull "queue_full" TOO_MANY_REQUESTS "The customer has too much waiting"
    Busy "busy" TOO_MANY_REQUESTS "The disk does not keep up"
    HistoryOff "history_off" CONFLICT "The server keeps no history"
    InboxOff "inbox_off" CONFLICT "The customer has no inbox"
    BackupRunning "backup_running" CONFLICT "A backup is being made already"
    NoBackupDir "no_backup_dir" CONFLICT "The config names no folder for backups"
    BackupFailed "backup_failed" SERVICE_UNAVAILABLE "The backup could not be made"
    StoreFailed "store_failed" SERVICE_UNAVAILABLE "The store does not work; the server is about to end"
    NotReady "not_ready" SERVICE_UNAVAILABLE "The server takes no messages"
    Internal "internal" INTERNAL_SERVER_ERROR "The server could not do its part"
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Problem {
        Problem { code, detail: detail.into(), field: None, refusal: None }
    }

    pub fn of_field(code: Code, field: impl Into<String>, detail: impl Into<String>) -> Problem {
        Problem { field: Some(field.into()), ..Problem::new(code, detail) }
    }

    pub fn invalid(field: &str, detail: impl Into<String>) -> Problem {
        Problem::of_field(Code::InvalidField, field, detail)
    }

    /// Nothing of that name, or nothing that this caller may know of.
    pub fn not_found() -> Problem {
        Problem::new(Code::NotFound, "there is nothing here under this name")
    }

    pub fn store_failed(failed: &StoreFailed) -> Problem {
        Problem::new(Code::StoreFailed, failed.to_string())
    }

    /// The store cannot be read.
    pub fn unreadable(error: io::Error) -> Problem {
        Problem::new(Code::StoreFailed, error.to_string())
    }

    /// The store ended before it said anything.
    pub fn no_answer() -> Problem {
        Problem::new(Code::StoreFailed, "the store has stopped")
    }

    pub fn no_chance(error: io::Error) -> Problem {
        Problem::new(Code::Internal, format!("no random numbers: {error}"))
    }
}

impl From<Reject> for Problem {
    fn from(reject: Reject) -> Problem {
        let (code, field) = match &reject {
            Reject::Firewall(refusal) => return refused(refusal),
            Reject::NoRoute(_) | Reject::NobodyServes(_) => (Code::NoRoute, Some("to")),
            Reject::AlreadyExpired | Reject::ExpiresBeforeSchedule => (Code::InvalidValidity, Some("validity_secs")),
            Reject::TooLong(_) => (Code::TextTooLong, None),
            Reject::TooFarAhead => (Code::ScheduleTooFar, Some("schedule_at")),
            Reject::QueueFull(_) | Reject::TooManyParts(_) => (Code::QueueFull, None),
            Reject::StoreBusy => (Code::Busy, None),
            Reject::StoreFailed(_) | Reject::Unreadable(_) => (Code::StoreFailed, None),
        };
        Problem { field: field.map(str::to_owned), ..Problem::new(code, reject.to_string()) }
    }
}

/// Its code is the reason's.
fn refused(refusal: &Refusal) -> Problem {
    let field = match refusal.reason {
        Reason::SenderNotAllowed => Some("from"),
        Reason::NotADevice | Reason::UnknownDestination | Reason::BlockedDestination => Some("to"),
        Reason::ContentBlocked => Some("text"),
        _ => None,
    };
    let problem = Problem::new(Code::Refused, refusal.reason.advice());
    Problem { field: field.map(str::to_owned), refusal: Some((refusal.reason, refusal.retry_at)), ..problem }
}

impl From<NotDone> for Problem {
    fn from(not_done: NotDone) -> Problem {
        match not_done {
            NotDone::NoSuchMessage => Problem::not_found(),
            NotDone::TooLate => Problem::new(Code::TooLate, not_done.to_string()),
            NotDone::Refused(reject) => reject.into(),
        }
    }
}

impl From<NotOnce> for Problem {
    fn from(not_once: NotOnce) -> Problem {
        match not_once {
            NotOnce::OtherRequest => Problem::new(Code::IdempotencyMismatch, not_once.to_string()),
            NotOnce::Refused(reject) => reject.into(),
        }
    }
}

/// Rounded up: whoever waits that long comes late enough.
fn retry_after_secs(retry_at: Option<Timestamp>) -> u64 {
    let Some(at) = retry_at else { return RETRY_AFTER_SECS };
    at.0.saturating_sub(clock::now().0).div_ceil(1_000).max(RETRY_AFTER_SECS)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (mut code, mut status, title) = self.code.parts();
        let mut retry_at = None;
        if let Some((reason, at)) = self.refusal {
            (code, retry_at) = (reason.code(), at);
            status = StatusCode::from_u16(reason.http_status()).unwrap_or(status);
        }
        let urn = format!("urn:wasmsc:problem:{code}");
        let details = ProblemDetails {
            urn,
            title,
            status: status.as_u16(),
            code,
            detail: self.detail,
            field: self.field,
            retry_at: retry_at.map(Time),
        };
        let body = serde_json::to_vec(&details).expect("strings, a time and a number are JSON");
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after_secs(retry_at)));
            }
            _ => {}
        }
        response
    }
}
