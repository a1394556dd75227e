//! The listener: accepts connections up to the limit and gives each a task.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::core::Shared;
use super::driver::Link;
use crate::config;
use crate::delivery::Delivery;
use crate::relay::House;

/// Pause after an accept that failed, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

pub struct Server {
    listener: TcpListener,
    shared: Arc<Shared>,
    links_max: usize,
}

impl Server {
    pub async fn bind(config: &config::Smpp, house: Arc<House>, delivery: Arc<Delivery>) -> io::Result<Server> {
        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("smpp.listen = {}: {error}", config.listen)))?;
        let response_timeout = Duration::from_secs(config.response_timeout_secs);
        let mut session = wasmsc_smpp::SessionConfig::smsc();
        session.session_init_timeout = Duration::from_secs(config.session_init_timeout_secs);
        session.enquire_link_interval = Duration::from_secs(config.enquire_link_secs);
        session.response_timeout = response_timeout;
        // A link keeps to its account's own window, which is known only after the bind.
        session.window_max = house.directory.accounts.iter().map(|a| a.window).max().unwrap_or(1);
        let system_id = config.system_id.clone();
        let shared = Arc::new(Shared { house, delivery, system_id, session, response_timeout });
        Ok(Server { listener, shared, links_max: config.max_links })
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `closing` turns true and every link has said goodbye.
    pub async fn run(self, mut closing: watch::Receiver<bool>) {
        let free = Arc::new(Semaphore::new(self.links_max));
        let mut links = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => match free.clone().try_acquire_owned() {
                        Ok(permit) => {
                            let link = Link::new(stream, peer, self.shared.clone(), closing.clone());
                            links.spawn(async move {
                                link.run().await;
                                drop(permit);
                            });
                        }
                        Err(_) => tracing::warn!(%peer, "closed: smpp.max_links connections are open already"),
                    },
                    Err(error) => {
                        tracing::warn!("a connection could not be accepted: {error}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
                Some(_) = links.join_next() => {}
                _ = closing.changed() => break,
            }
        }
        drop(self.listener);
        while links.join_next().await.is_some() {}
    }
}
