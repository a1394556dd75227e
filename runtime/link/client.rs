//! Links that we open: to upstreams, which it keeps up and waits longer each time when that fails, and by outbind.

use std::collections::HashMap;
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
use crate::binds::{BindEvent, What, Whose};
use crate::clock;
use crate::config::Upstream;
use crate::route::{Peer, PeerIndex};
use crate::tls;

/// Longest wait for a connection and its TLS handshake.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// First pause after a failure; doubles up to the longest.
const BACK_OFF_FIRST_MS: u64 = 500;
const BACK_OFF_LONGEST_MS: u64 = 60_000;

/// Keeps every upstream's links up, and asks accounts to bind, until `closing` turns true and they have said goodbye.
/// What is set up anew is begun, and what is set up otherwise ends and begins again, as it is then.
pub async fn run(shared: Arc<Shared>, mut closing: watch::Receiver<bool>) {
    let mut changes = shared.house.directory_changes();
    let mut links = JoinSet::new();
    let mut running: HashMap<PeerIndex, Running> = HashMap::new();
    loop {
        begin_and_end(&shared, &mut running, &mut links);
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { break },
            _ = links.join_next(), if !links.is_empty() => {}
            _ = closing.wait_for(|closing| *closing) => break,
        }
    }
    for running in running.values() {
        running.ends.send_replace(true);
    }
    while links.join_next().await.is_some() {}
}

/// The links of one peer, and what they were begun with.
struct Running {
    config: Arc<Peer>,
    ends: watch::Sender<bool>,
}

fn begin_and_end(shared: &Arc<Shared>, running: &mut HashMap<PeerIndex, Running>, links: &mut JoinSet<()>) {
    let directory = shared.house.directory();
    for (index, peer) in directory.peers.iter().enumerate() {
        let index = PeerIndex(index);
        if running.get(&index).is_some_and(|running| connects_alike(&running.config, peer)) {
            continue;
        }
        if let Some(old) = running.remove(&index) {
            old.ends.send_replace(true);
        }
        let (ends, closing) = watch::channel(false);
        if let Some(outbind) = peer.outbind.clone() {
            links.spawn(outbind::keep_knocking(shared.clone(), index, outbind, closing.clone()));
        }
        let binds = peer.upstream.as_ref().map_or(0, |upstream| upstream.binds);
        for _ in 0..binds {
            links.spawn(keep_up(shared.clone(), index, peer.clone(), closing.clone()));
        }
        if peer.outbind.is_some() || binds > 0 {
            running.insert(index, Running { config: peer.clone(), ends });
        }
    }
}

/// Routes and shares change without a new link.
fn connects_alike(a: &Peer, b: &Peer) -> bool {
    let connection = |peer: &Peer| {
        let (routes, priority, weight) = (Vec::new(), 0, 0);
        peer.upstream.as_ref().map(|upstream| Upstream { routes, priority, weight, ..upstream.clone() })
    };
    a.outbind == b.outbind && connection(a) == connection(b)
}

async fn keep_up(shared: Arc<Shared>, index: PeerIndex, peer: Arc<Peer>, mut closing: watch::Receiver<bool>) {
    let mut failures = 0;
    while !*closing.borrow() {
        let was_bound = match connect(&shared, (index, &peer), &closing).await {
            Ok(link) => link.run().await,
            Err(error) => {
                tracing::warn!(account = &*peer.name, failures, "upstream cannot be reached: {error}");
                note_unreachable(&shared, &peer, &error);
                false
            }
        };
        failures = if was_bound { 0 } else { failures + 1 };
        pause(failures, &mut closing).await;
    }
}

fn note_unreachable(shared: &Shared, peer: &Peer, error: &io::Error) {
    let (account, why) = (peer.name.clone(), error.to_string().into());
    let what = What::Unreachable;
    let event = BindEvent { at: clock::now(), account, what, mode: None, address: None, why };
    shared.house.metrics.binds().note(event, Whose::Known);
}

/// Until the next attempt, or the end.
pub async fn pause(failures: u32, closing: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = tokio::time::sleep(back_off(failures)) => {}
        _ = closing.wait_for(|closing| *closing) => {}
    }
}

async fn connect(
    shared: &Arc<Shared>,
    (index, peer): (PeerIndex, &Peer),
    closing: &watch::Receiver<bool>,
) -> io::Result<Link> {
    let upstream = peer.upstream.as_ref().ok_or_else(|| io::Error::other("not an upstream"))?;
    let (transport, address) = unless_closing(closing, open(upstream)).await?;
    let core = LinkCore::upstream(address, shared.clone(), index, clock::instant());
    Ok(Link::new(transport, address, core, shared.response_timeout, closing.clone()))
}

/// A connection, for as long as we wait for one.
pub async fn unless_closing<T>(
    closing: &watch::Receiver<bool>,
    connecting: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let mut closing = closing.clone();
    tokio::select! {
        connected = tokio::time::timeout(CONNECT_TIMEOUT, connecting) => connected?,
        _ = closing.wait_for(|closing| *closing) => Err(io::Error::other("the house closes")),
    }
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
fn back_off(failures: u32) -> Duration {
    let pause = BACK_OFF_FIRST_MS.saturating_mul(1 << failures.min(20)).min(BACK_OFF_LONGEST_MS);
    let mut octets = [0; 2];
    let _ = getrandom::fill(&mut octets);
    let jitter = pause * u64::from(u16::from_be_bytes(octets)) / u64::from(u16::MAX) / 2;
    Duration::from_millis(pause / 2 + jitter)
}
