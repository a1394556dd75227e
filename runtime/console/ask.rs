//! How pages ask the API: its own router, inside the process, with the claim of the session.

use std::io;

use axum::Router;
use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt;

use crate::asking::Claim;

/// The longest answer that a page is made of: a thousand messages of ten SMS are some megabytes.
const ANSWER_MAX_OCTETS: usize = 16 << 20;

/// A path of the API with its query, each part escaped.
#[derive(Clone, Debug)]
pub struct At {
    text: String,
    has_query: bool,
}

impl At {
    pub fn new(path: &str) -> At {
        At { text: path.to_owned(), has_query: false }
    }

    /// One more segment of the path.
    pub fn then(mut self, segment: &str) -> At {
        self.text.push('/');
        self.text.push_str(&escaped(segment));
        self
    }

    pub fn with(mut self, name: &str, value: &str) -> At {
        self.text.push(if std::mem::replace(&mut self.has_query, true) { '&' } else { '?' });
        self.text.push_str(&format!("{name}={}", escaped(value)));
        self
    }

    /// Where there is something to say.
    pub fn with_some(self, name: &str, value: &str) -> At {
        if value.is_empty() { self } else { self.with(name, value) }
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}

/// For a segment of a path or a value of a query (RFC 3986 §2.3).
pub fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for octet in text.bytes() {
        match octet {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(octet as char),
            _ => escaped.push_str(&format!("%{octet:02X}")),
        }
    }
    escaped
}

/// Why the API did not do it, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Refused {
    pub status: u16,
    pub code: String,
    pub title: String,
    pub detail: String,
    pub field: Option<String>,
    pub retry_at: Option<String>,
}

impl Refused {
    pub fn new(status: StatusCode, title: &str, detail: impl Into<String>) -> Refused {
        Refused {
            status: status.as_u16(),
            code: String::new(),
            title: title.to_owned(),
            detail: detail.into(),
            field: None,
            retry_at: None,
        }
    }

    pub fn not_found(detail: impl Into<String>) -> Refused {
        Refused::new(StatusCode::NOT_FOUND, "There is no such page", detail)
    }

    fn unreadable(status: StatusCode, why: &str) -> Refused {
        Refused::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The answer of the API cannot be read",
            format!("{why} (status {status})"),
        )
    }

    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// There is no page for this visitor, whatever they filled in.
    pub fn is_about_the_visitor(&self) -> bool {
        matches!(self.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
    }

    pub fn is(&self, code: &str) -> bool {
        self.code == code
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Refused {
        Refused::new(StatusCode::INTERNAL_SERVER_ERROR, "The server could not do its part", error.to_string())
    }
}

pub type Answer<T> = Result<T, Refused>;

/// Asks with a claim.
#[derive(Clone)]
pub struct Asker {
    pub api: Router,
    pub claim: Claim,
}

impl Asker {
    pub async fn get<T: DeserializeOwned>(&self, at: &At) -> Answer<T> {
        read(self.ask(Method::GET, at, &[], Body::empty()).await).await
    }

    pub async fn post<T: DeserializeOwned>(&self, at: &At, body: &Value) -> Answer<T> {
        read(self.send(Method::POST, at, body).await).await
    }

    /// JSON there, and what is answered as it comes.
    pub async fn send(&self, method: Method, at: &At, body: &Value) -> Response<Body> {
        let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        self.ask(method, at, &json, Body::from(body.to_string())).await
    }

    pub async fn ask(
        &self,
        method: Method,
        at: &At,
        headers: &[(HeaderName, HeaderValue)],
        body: Body,
    ) -> Response<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        match at.text.parse() {
            Ok(uri) => *request.uri_mut() = uri,
            Err(_) => {
                let mut answer = Response::new(Body::empty());
                *answer.status_mut() = StatusCode::URI_TOO_LONG; // the parts are escaped
                return answer;
            }
        }
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        request.headers_mut().extend(headers.iter().cloned().map(|(name, value)| (Some(name), value)));
        request.extensions_mut().insert(self.claim.clone());
        let Ok(answer) = self.api.clone().oneshot(request).await;
        answer
    }
}

pub async fn read<T: DeserializeOwned>(answer: Response<Body>) -> Answer<T> {
    let status = answer.status();
    let octets = Limited::new(answer.into_body(), ANSWER_MAX_OCTETS).collect().await;
    let octets = octets.map_err(|error| Refused::unreadable(status, &error.to_string()))?.to_bytes();
    if !status.is_success() {
        return Err(serde_json::from_slice(&octets).unwrap_or_else(|_| Refused::unreadable(status, "it is no problem")));
    }
    // What is answered with no body is nothing to read.
    let json = if octets.is_empty() { &b"null"[..] } else { &octets };
    serde_json::from_slice(json).map_err(|error| Refused::unreadable(status, &error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_stays_one_part_of_a_path() {
        let at = At::new("/v1/devices").then("../keys?x=1#é").with("customer", "a&b=c").with_some("tag", "");
        assert_eq!(at.text(), "/v1/devices/..%2Fkeys%3Fx%3D1%23%C3%A9?customer=a%26b%3Dc");
    }
}
