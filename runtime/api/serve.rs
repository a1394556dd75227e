//! The listener: accepts connections up to the limit, gives each a task, and ends in order.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::operator::OperatorToken;
use super::{Api, router};
use crate::asking::ClientAddress;
use crate::config;
use crate::relay::House;
use crate::setup::Setup;
use crate::tls::{Acceptors, ServerFiles};

/// A client that has not sent its request's head after this long is gone or means harm; idle connections end
/// after it, too.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// How long the end of the house waits for requests that are under way. They wait for a sync at most, those at an inbox no more, so that
/// only a client that does not read its answer takes as long.
const FINISH_WITHIN: Duration = Duration::from_secs(5);
/// Pause after an accept that failed, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

pub struct Server {
    listener: TcpListener,
    acceptors: Option<Arc<Acceptors>>,
    api: Arc<Api>,
    router: Router,
    connections_max: usize,
    /// It was made at this start; to be shown once.
    pub new_operator_token: Option<String>,
}

impl Server {
    /// `data_dir` is where the operator's token is.
    pub async fn bind(
        config: &config::Api,
        data_dir: &Path,
        house: Arc<House>,
        setup: Arc<Setup>,
    ) -> io::Result<Server> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("api.listen = {}: {error}", config.listen));
        let acceptors = match config.tls.clone() {
            Some(config::ApiTls { certificate, key }) => {
                let files = ServerFiles { table: "api.tls", certificate, key, client_ca: None };
                Some(Arc::new(Acceptors::new(files)?))
            }
            None => {
                if !config.listen.ip().is_loopback() {
                    tracing::warn!(listen = %config.listen, "the API is served without TLS: keys can be overheard");
                }
                None
            }
        };
        let mut operator = OperatorToken::load(data_dir)?;
        let new_operator_token = operator.new.take();
        let listener = TcpListener::bind(config.listen).await.map_err(named)?;
        let api = Arc::new(Api::new(config, house, setup, operator));
        let router = router::router(api.clone());
        Ok(Server { listener, acceptors, api, router, connections_max: config.connections_max, new_operator_token })
    }

    /// The API, for whoever asks it from inside this process.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Serves these paths, too.
    pub fn also(&mut self, more: Router) {
        self.router = std::mem::take(&mut self.router).merge(more);
    }

    pub fn is_tls(&self) -> bool {
        self.acceptors.is_some()
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `closing` turns true; requests that are under way then are answered.
    pub async fn run(self, mut closing: watch::Receiver<bool>) {
        let free = Arc::new(Semaphore::new(self.connections_max));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                _ = closing.wait_for(|closing| *closing) => break,
            };
            match accepted {
                Ok((stream, address)) => match free.clone().try_acquire_owned() {
                    Ok(permit) => {
                        let connection = self.connection(stream, address, closing.clone());
                        connections.spawn(async move {
                            connection.await;
                            drop(permit);
                        });
                    }
                    Err(_) => tracing::warn!(client = %address, "closed: api.connections_max are open already"),
                },
                Err(error) => {
                    tracing::warn!("a connection to the API could not be accepted: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        self.api.waiting.ending.send_replace(true);
        self.api.streams.close();
        while connections.join_next().await.is_some() {}
    }

    fn connection(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        closing: watch::Receiver<bool>,
    ) -> impl Future<Output = ()> + use<> {
        let (router, acceptors) = (self.router.clone(), self.acceptors.clone());
        async move {
            let _ = stream.set_nodelay(true); // an answer that waits for more octets is late, not wrong
            let Some(acceptors) = acceptors else { return serve(stream, address, router, closing).await };
            match tokio::time::timeout(HANDSHAKE_WITHIN, acceptors.current().accept(stream)).await {
                Ok(Ok(stream)) => serve(stream, address, router, closing).await,
                Ok(Err(error)) => tracing::info!(client = %address, "TLS handshake failed: {error}"),
                Err(_) => tracing::info!(client = %address, "TLS handshake took too long"),
            }
        }
    }
}

async fn serve<S>(stream: S, address: SocketAddr, router: Router, mut closing: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
    let inner = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ClientAddress(address));
        inner.call(request)
    });
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let closes = async { closing.wait_for(|closing| *closing).await.is_ok() };
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = closes => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(FINISH_WITHIN, connection).await {
                Ok(ended) => ended,
                Err(_) => return tracing::warn!(client = %address, "closed: it did not read its answer"),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(client = %address, "connection ended: {error}");
    }
}
