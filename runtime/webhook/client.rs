//! One event to one webhook, over a connection of its own. The address is looked up, judged, and that very one is
//! connected to; nothing is followed anywhere else.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use axum::http::{Request, StatusCode};
use bytes::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::sign::signature;
use crate::clock;
use crate::config::{UpstreamTls, Webhooks};
use crate::feed::EventId;
use crate::target::{Target, is_public};
use crate::tls;

/// From the look for the address to the answer's head. Who needs longer should put the event into a queue of its own.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Octets of an answer's head; its body is not read.
const ANSWER_OCTETS_MAX: usize = 16 << 10;

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
    match tokio::time::timeout(ANSWER_WITHIN, send(&target, secret, allowed, post)).await {
        Ok(Ok(status)) if status.is_success() => Ok(()),
        Ok(Ok(status)) => Err(format!("it answered {status}")),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", ANSWER_WITHIN.as_secs())),
    }
}

async fn send(target: &Target, secret: &str, allowed: Webhooks, post: &Post) -> io::Result<StatusCode> {
    let request = Request::post(&target.path)
        .header(HOST, &target.authority)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("wasmsc/", env!("CARGO_PKG_VERSION")))
        .header("wasmsc-event", post.id.to_string())
        .header("wasmsc-type", &*post.kind)
        .header("wasmsc-signature", signature(secret, clock::now(), &post.body))
        .body(Body::from(post.body.clone()))
        .map_err(io::Error::other)?;
    let stream = TcpStream::connect(address(target, allowed).await?).await?;
    if !target.is_tls {
        return over(stream, request).await;
    }
    let (connector, name) = tls::connector(&target.host, &UpstreamTls::default())?;
    over(connector.connect(name, stream).await?, request).await
}

async fn address(target: &Target, allowed: Webhooks) -> io::Result<SocketAddr> {
    let found = tokio::net::lookup_host((&*target.host, target.port)).await?;
    let first = found.into_iter().find(|address| allowed.allow_private || is_public(address.ip()));
    first.ok_or_else(|| io::Error::other(format!("{} has no public address", target.host)))
}

async fn over<S>(stream: S, request: Request<Body>) -> io::Result<StatusCode>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(ANSWER_OCTETS_MAX);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let mut tasks = JoinSet::new(); // which end with this, however it ends
    tasks.spawn(connection);
    Ok(sender.send_request(request).await.map_err(io::Error::other)?.status())
}
