//! The listeners: accept connections up to the limits and give each a task.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::client;
use super::core::{LinkCore, Shared};
use super::driver::{Link, set_nodelay};
use super::limits::Limits;
use super::transport::Transport;
use crate::clock;
use crate::config;
use crate::delivery::Delivery;
use crate::relay::House;
use crate::tls::{Acceptors, ServerFiles};

/// Pause after an accept that failed, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

pub struct Server {
    plain: TcpListener,
    tls: Option<(TcpListener, Arc<Acceptors>)>,
    shared: Arc<Shared>,
    handshake_timeout: Duration,
    links_max: usize,
}

impl Server {
    pub async fn bind(config: &config::Smpp, house: Arc<House>, delivery: Arc<Delivery>) -> io::Result<Server> {
        let plain = listen("smpp.listen", config.listen).await?;
        let tls = match &config.tls {
            Some(tls) => {
                let config::Tls { certificate, key, client_ca, .. } = tls.clone();
                let files = ServerFiles { table: "smpp.tls", certificate, key, client_ca };
                Some((listen("smpp.tls.listen", tls.listen).await?, Arc::new(Acceptors::new(files)?)))
            }
            None => None,
        };
        let handshake_timeout = Duration::from_secs(config.session_init_timeout_secs);
        let shared = Arc::new(Shared::new(config, house, delivery));
        Ok(Server { plain, tls, shared, handshake_timeout, links_max: config.max_links })
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.plain.local_addr()
    }

    pub fn local_tls_addr(&self) -> Option<SocketAddr> {
        self.tls.as_ref().and_then(|(listener, _)| listener.local_addr().ok())
    }

    /// Serves until `closing` turns true and every link has said goodbye.
    pub async fn run(self, mut closing: watch::Receiver<bool>) {
        let free = Arc::new(Semaphore::new(self.links_max));
        let upstreams = tokio::spawn(client::run(self.shared.clone(), closing.clone()));
        let mut links = JoinSet::new();
        loop {
            let (accepted, acceptors) = tokio::select! {
                accepted = self.plain.accept() => (accepted, None),
                (accepted, acceptors) = accept_tls(self.tls.as_ref()) => (accepted, Some(acceptors)),
                Some(_) = links.join_next() => continue,
                _ = closing.changed() => break,
            };
            match accepted {
                Ok((stream, address)) => match self.admit(&free, address) {
                    Ok(permit) => {
                        let link = self.link(stream, address, acceptors, closing.clone());
                        let shared = self.shared.clone();
                        links.spawn(async move {
                            link.await;
                            shared.limits.disconnected(address.ip());
                            drop(permit);
                        });
                    }
                    Err(why) => tracing::warn!(peer = %address, "closed: {why}"),
                },
                Err(error) => {
                    tracing::warn!("a connection could not be accepted: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop((self.plain, self.tls));
        while links.join_next().await.is_some() {}
        if let Err(error) = upstreams.await {
            tracing::error!("the upstream links ended badly: {error}");
        }
    }

    fn admit(&self, free: &Arc<Semaphore>, address: SocketAddr) -> Result<OwnedSemaphorePermit, &'static str> {
        let full = "smpp.max_links connections are open already";
        let permit = free.clone().try_acquire_owned().map_err(|_| full)?;
        self.shared.limits.connected(address.ip(), clock::instant())?;
        Ok(permit)
    }

    fn link(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        acceptors: Option<Arc<Acceptors>>,
        closing: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + use<> {
        set_nodelay(&stream, address);
        let (shared, timeout) = (self.shared.clone(), self.handshake_timeout);
        async move {
            let transport = match acceptors {
                None => Transport::Plain(stream),
                Some(acceptors) => match tokio::time::timeout(timeout, acceptors.current().accept(stream)).await {
                    Ok(Ok(stream)) => Transport::Tls(Box::new(stream.into())),
                    Ok(Err(error)) => return tracing::info!(peer = %address, "TLS handshake failed: {error}"),
                    Err(_) => return tracing::info!(peer = %address, "TLS handshake took too long"),
                },
            };
            let response_timeout = shared.response_timeout;
            let core = LinkCore::new(address, shared, clock::instant());
            Link::new(transport, address, core, response_timeout, closing).run().await;
        }
    }
}

async fn listen(key: &str, address: SocketAddr) -> io::Result<TcpListener> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{key} = {address}: {error}"));
    TcpListener::bind(address).await.map_err(named)
}

async fn accept_tls(
    tls: Option<&(TcpListener, Arc<Acceptors>)>,
) -> (io::Result<(TcpStream, SocketAddr)>, Arc<Acceptors>) {
    match tls {
        Some((listener, acceptors)) => (listener.accept().await, acceptors.clone()),
        None => std::future::pending().await,
    }
}

impl Shared {
    pub fn new(config: &config::Smpp, house: Arc<House>, delivery: Arc<Delivery>) -> Shared {
        let response_timeout = Duration::from_secs(config.response_timeout_secs);
        let mut session = wasmsc_smpp::SessionConfig::smsc();
        session.session_init_timeout = Duration::from_secs(config.session_init_timeout_secs);
        session.enquire_link_interval = Duration::from_secs(config.enquire_link_secs);
        session.response_timeout = response_timeout;
        // A link keeps to its account's own window, which is known only after the bind.
        session.window_max = house.directory().peers.iter().map(|peer| peer.window).max().unwrap_or(1);
        let limits = Limits::new(config.ban, config.max_links_per_ip);
        let inactivity_timeout = config.inactivity_timeout_secs.map(Duration::from_secs);
        let system_id = config.system_id.clone();
        Shared { house, delivery, system_id, session, response_timeout, inactivity_timeout, limits }
    }
}
