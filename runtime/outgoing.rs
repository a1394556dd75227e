//! One request to somebody else's HTTP server, over a connection of its own: webhooks, traces, calls of rules.
//!
//! The address is looked up, judged, and that very one is connected to; nothing is followed anywhere else. Time and octets
//! are bounded; the body of an answer is read only for who wants it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::config::{UpstreamTls, Webhooks};
use crate::target::{Target, is_public};
use crate::tls;

/// From the look for the address to the answer's head. Who needs longer should put the request into a queue of its own.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Octets of an answer's head.
const ANSWER_OCTETS_MAX: usize = 16 << 10;

/// What was answered.
pub struct Answered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// As much of it as was wanted.
    pub body: Bytes,
}

/// What was answered, but for the body. An error says why nothing was.
pub async fn send(
    target: &Target,
    allowed: Webhooks,
    request: Request<Body>,
) -> Result<(StatusCode, HeaderMap), String> {
    let answered = send_and_read(target, allowed, request, 0).await?;
    Ok((answered.status, answered.headers))
}

/// The same with so many octets of the body; what is longer is cut.
pub async fn send_and_read(
    target: &Target,
    allowed: Webhooks,
    request: Request<Body>,
    octets_max: usize,
) -> Result<Answered, String> {
    match tokio::time::timeout(ANSWER_WITHIN, exchange(target, allowed, request, octets_max)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", ANSWER_WITHIN.as_secs())),
    }
}

async fn exchange(
    target: &Target,
    allowed: Webhooks,
    request: Request<Body>,
    octets_max: usize,
) -> io::Result<Answered> {
    let stream = TcpStream::connect(address(target, allowed).await?).await?;
    if !target.is_tls {
        return over(stream, request, octets_max).await;
    }
    let (connector, name) = tls::connector(&target.host, &UpstreamTls::default())?;
    over(connector.connect(name, stream).await?, request, octets_max).await
}

async fn address(target: &Target, allowed: Webhooks) -> io::Result<SocketAddr> {
    let found = tokio::net::lookup_host((&*target.host, target.port)).await?;
    let first = found.into_iter().find(|address| allowed.allow_private || is_public(address.ip()));
    first.ok_or_else(|| io::Error::other(format!("{} has no public address", target.host)))
}

async fn over<S>(stream: S, request: Request<Body>, octets_max: usize) -> io::Result<Answered>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(ANSWER_OCTETS_MAX);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let mut tasks = JoinSet::new(); // which end with this, however it ends
    tasks.spawn(connection);
    let (head, mut rest) = sender.send_request(request).await.map_err(io::Error::other)?.into_parts();
    let mut body = BytesMut::new();
    while body.len() < octets_max
        && let Some(frame) = rest.frame().await
    {
        if let Ok(more) = frame.map_err(io::Error::other)?.into_data() {
            body.extend_from_slice(&more[..more.len().min(octets_max - body.len())]);
        }
    }
    Ok(Answered { status: head.status, headers: head.headers, body: body.freeze() })
}
