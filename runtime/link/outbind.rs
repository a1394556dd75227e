//! Outbind: connects to accounts for which messages wait while no bind of theirs takes any, and asks them to bind
//! on that connection (SMPP 3.4 §2.2.1, §4.1.7). Only accounts that say where they listen.

use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::watch;

use super::client::{pause, unless_closing};
use super::core::{LinkCore, Shared};
use super::driver::{Link, set_nodelay};
use super::transport::Transport;
use crate::clock;
use crate::delivery::Bell;
use crate::route::{Outbind, PeerIndex};

/// Knocks whenever something waits for this account, until `closing` turns true.
pub async fn keep_knocking(shared: Arc<Shared>, peer: PeerIndex, outbind: Outbind, mut closing: watch::Receiver<bool>) {
    let name = shared.house.directory().peer(peer).name.clone();
    let knock = Bell::default();
    shared.delivery.ring_when_unheard(peer, &knock);
    let mut failures = 0;
    while !*closing.borrow() {
        if !shared.delivery.is_unheard(peer, clock::now()) {
            tokio::select! {
                () = knock.notified() => {}
                _ = closing.wait_for(|closing| *closing) => {}
            }
            continue;
        }
        let was_bound = match connect(&shared, &outbind, &closing).await {
            Ok(link) => link.run().await,
            Err(error) => {
                tracing::warn!(account = &*name, failures, "outbind: it cannot be reached: {error}");
                false
            }
        };
        failures = if was_bound { 0 } else { failures + 1 };
        pause(failures, &mut closing).await;
    }
}

async fn connect(shared: &Arc<Shared>, outbind: &Outbind, closing: &watch::Receiver<bool>) -> io::Result<Link> {
    let stream = unless_closing(closing, TcpStream::connect(&*outbind.address)).await?;
    let address = stream.peer_addr()?;
    set_nodelay(&stream, address);
    let mut core = LinkCore::new(address, shared.clone(), clock::instant());
    core.ask_to_bind(&outbind.password);
    Ok(Link::new(Transport::Plain(stream), address, core, shared.response_timeout, closing.clone()))
}
