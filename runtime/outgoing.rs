//! One request to somebody else's HTTP server, over a connection of its own: webhooks, traces.
//!
//! The address is looked up, judged, and that very one is connected to; nothing is followed anywhere else. Time and octets
//! are bounded; the body of an answer is not read.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
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

/// What was answered. An error says why nothing was.
pub async fn send(
    target: &Target,
    allowed: Webhooks,
    request: Request<Body>,
) -> Result<(StatusCode, HeaderMap), String> {
    match tokio::time::timeout(ANSWER_WITHIN, exchange(target, allowed, request)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {} s", ANSWER_WITHIN.as_secs())),
    }
}

async fn exchange(target: &Target, allowed: Webhooks, request: Request<Body>) -> io::Result<(StatusCode, HeaderMap)> {
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

async fn over<S>(stream: S, request: Request<Body>) -> io::Result<(StatusCode, HeaderMap)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.max_buf_size(ANSWER_OCTETS_MAX);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let mut tasks = JoinSet::new(); // which end with this, however it ends
    tasks.spawn(connection);
    let (head, _) = sender.send_request(request).await.map_err(io::Error::other)?.into_parts();
    Ok((head.status, head.headers))
}
