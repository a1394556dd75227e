//! Links that we open: to upstreams, which it keeps up and waits longer each time when that fails, and by outbind.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::core::{LinkCore, Shared};
use super::driver::{Link, set_nodelay};
use super::outbind;
use super::transport::Transport;
use crate::clock;
use crate::config::Upstream;
use crate::route::PeerIndex;
use crate::tls;

/// Longest wait for a connection and its TLS handshake.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// First pause after a failure; doubles up to the longest.
const BACK_OFF_FIRST_MS: u64 = 500;
const BACK_OFF_LONGEST_MS: u64 = 60_000;

/// Keeps every upstream's links up, and asks accounts to bind, until `closing` turns true and they have said goodbye.
pub async fn run(shared: Arc<Shared>, closing: watch::Receiver<bool>) {
    let mut links = JoinSet::new();
    for (index, peer) in shared.house.directory.peers.iter().enumerate() {
        if peer.outbind.is_some() {
            links.spawn(outbind::keep_knocking(shared.clone(), PeerIndex(index), closing.clone()));
        }
        let Some(upstream) = &peer.upstream else { continue };
        for _ in 0..upstream.binds {
            links.spawn(keep_up(shared.clone(), PeerIndex(index), closing.clone()));
        }
    }
    while links.join_next().await.is_some() {}
}

async fn keep_up(shared: Arc<Shared>, peer: PeerIndex, mut closing: watch::Receiver<bool>) {
    let mut failures = 0;
    while !*closing.borrow() {
        let was_bound = match connect(&shared, peer, &closing).await {
            Ok(link) => link.run().await,
            Err(error) => {
                let name = &*shared.house.directory.peer(peer).name;
                tracing::warn!(account = name, failures, "upstream cannot be reached: {error}");
                false
            }
        };
        failures = if was_bound { 0 } else { failures + 1 };
        tokio::select! {
            () = tokio::time::sleep(back_off(failures)) => {}
            _ = closing.wait_for(|closing| *closing) => {}
        }
    }
}

async fn connect(shared: &Arc<Shared>, peer: PeerIndex, closing: &watch::Receiver<bool>) -> io::Result<Link> {
    let config = shared.house.directory.peer(peer).upstream.as_ref();
    let upstream = config.ok_or_else(|| io::Error::other("not an upstream"))?;
    let mut ended = closing.clone();
    let stream = tokio::select! {
        stream = tokio::time::timeout(CONNECT_TIMEOUT, open(upstream)) => stream??,
        _ = ended.wait_for(|closing| *closing) => return Err(io::Error::other("the house closes")),
    };
    let (transport, address) = stream;
    let core = LinkCore::upstream(address, shared.clone(), peer, clock::instant());
    Ok(Link::new(transport, address, core, shared.response_timeout, closing.clone()))
}

async fn open(upstream: &Upstream) -> io::Result<(Transport, std::net::SocketAddr)> {
    let stream = TcpStream::connect((upstream.host.as_str(), upstream.port)).await?;
    let address = stream.peer_addr()?;
    set_nodelay(&stream, address);
    let Some(tls) = &upstream.tls else {
        return Ok((Transport::Plain(stream), address));
    };
    let (connector, name) = tls::connector(&upstream.host, tls)?;
    let stream = connector.connect(name, stream).await?;
    Ok((Transport::Tls(Box::new(stream.into())), address))
}

/// With jitter, so that many links that broke together do not come back together.
pub fn back_off(failures: u32) -> Duration {
    let pause = BACK_OFF_FIRST_MS.saturating_mul(1 << failures.min(20)).min(BACK_OFF_LONGEST_MS);
    let mut octets = [0; 2];
    let _ = getrandom::fill(&mut octets);
    let jitter = pause * u64::from(u16::from_be_bytes(octets)) / u64::from(u16::MAX) / 2;
    Duration::from_millis(pause / 2 + jitter)
}
