//! One event to one webhook.

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use bytes::Bytes;

use super::sign::signature;
use crate::clock;
use crate::config::Webhooks;
use crate::feed::EventId;
use crate::outgoing;
use crate::target::Target;

/// What is sent.
#[derive(Clone, Debug)]
pub struct Post {
    pub id: EventId,
    pub kind: Box<str>,
    pub body: Bytes,
}

/// An error says why it has to be tried again.
pub async fn post(url: &str, secret: &str, allowed: Webhooks, post: &Post) -> Result<(), String> {
    let target = Target::parse(url, allowed)?;
    let request = Request::post(&target.path)
        .header(HOST, &target.authority)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("wasmsc/", env!("CARGO_PKG_VERSION")))
        .header("wasmsc-event", post.id.to_string())
        .header("wasmsc-type", &*post.kind)
        .header("wasmsc-signature", signature(secret, clock::now(), &post.body))
        .body(Body::from(post.body.clone()))
        .map_err(|error| error.to_string())?;
    match outgoing::send(&target, allowed, request).await? {
        (status, _) if status.is_success() => Ok(()),
        (status, _) => Err(format!("it answered {status}")),
    }
}
