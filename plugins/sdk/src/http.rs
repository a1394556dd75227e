//! An HTTP call as an effect.

use serde::Serialize;

use crate::Context;
use crate::error::{JsonError, SubmitError};

/// Made by the host after the call's commit, at least once, with an Idempotency-Key that is the same each time. The
/// answer comes to [`HttpHandler`](crate::HttpHandler) as an event of its own.
///
/// ```
/// # use wasmsc_plugin::{Context, Failure, HttpRequest, json};
/// # fn report(cx: &mut Context<'_>) -> Result<(), Failure> {
/// let reading = json!({ "litres": 1234 });
/// HttpRequest::post("https://api.example.net/readings").json(&reading)?.authorization("token").tag("reading").submit(cx)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a request is made after `submit`"]
pub struct HttpRequest {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Vec<u8>>,
    pub authorization: Option<String>,
    pub tag: String,
}

impl HttpRequest {
    /// `method`: GET, POST, PUT, PATCH or DELETE. The URL's host must be among those that the rule is granted.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> HttpRequest {
        HttpRequest {
            method: method.into(),
            url: url.into(),
            headers: Vec::new(),
            body: None,
            authorization: None,
            tag: String::new(),
        }
    }

    pub fn get(url: impl Into<String>) -> HttpRequest {
        HttpRequest::new("GET", url)
    }

    pub fn post(url: impl Into<String>) -> HttpRequest {
        HttpRequest::new("POST", url)
    }

    pub fn put(url: impl Into<String>) -> HttpRequest {
        HttpRequest::new("PUT", url)
    }

    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> HttpRequest {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Vec<u8>>) -> HttpRequest {
        self.body = Some(body.into());
        self
    }

    /// The value as JSON, with its content type.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<HttpRequest, JsonError> {
        let octets = serde_json::to_vec(value)?;
        Ok(self.header("content-type", "application/json").body(octets))
    }

    /// Name of a secret that the host puts into the Authorization header; the rule need not see it.
    pub fn authorization(mut self, secret: impl Into<String>) -> HttpRequest {
        self.authorization = Some(secret.into());
        self
    }

    /// Comes back in the reply. At most 64 octets.
    pub fn tag(mut self, tag: impl Into<String>) -> HttpRequest {
        self.tag = tag.into();
        self
    }

    pub fn submit(self, cx: &mut Context<'_>) -> Result<(), SubmitError> {
        cx.submit_http(&self)
    }
}
