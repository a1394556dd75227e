//! The only place that turns our errors into HTTP: problem details (RFC 9457) with a stable `code`.
//!
//! A client branches on `code`, a person reads `detail`. What is another tenant's is "not found", whatever
//! the request was: nobody learns what exists.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

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
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    code: Code,
    detail: String,
    field: Option<String>,
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
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "The body is not of type application/json"
    UnknownField "unknown_field" UNPROCESSABLE_ENTITY "The body has a field that is not known"
    InvalidField "invalid_field" UNPROCESSABLE_ENTITY "A field of the body is wrong"
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Problem {
        Problem { code, detail: detail.into(), field: None }
    }

    pub fn of_field(code: Code, field: impl Into<String>, detail: impl Into<String>) -> Problem {
        Problem { code, detail: detail.into(), field: Some(field.into()) }
    }

    pub fn invalid(field: &str, detail: impl Into<String>) -> Problem {
        Problem::of_field(Code::InvalidField, field, detail)
    }

    /// Nothing of that name, or nothing that this caller may know of.
    pub fn not_found() -> Problem {
        Problem::new(Code::NotFound, "there is nothing here under this name")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (code, status, title) = self.code.parts();
        let urn = format!("urn:wasmsc:problem:{code}");
        let details =
            ProblemDetails { urn, title, status: status.as_u16(), code, detail: self.detail, field: self.field };
        let body = serde_json::to_vec(&details).expect("strings and a number are JSON");
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
