//! Puts the house together, runs it, and takes it down in order.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

use crate::api;
use crate::campaign_thread::CampaignThread;
use crate::clock;
use crate::config::Config;
use crate::console;
use crate::delivery::Delivery;
use crate::link;
use crate::plugin::LoadError;
use crate::relay::{self, House};
use crate::route::{Current, Directory};
use crate::rule_http;
use crate::rule_threads::RuleThreads;
use crate::rules::{self, Rules};
use crate::setup::{self, NotSetUp, Setup};
use crate::store::{self, OpenError, Store, StoreFailed};
use crate::timer_thread::TimerThread;
use crate::traces;
use crate::webhook;

/// Messages expire and long ones time out to within this.
const HOUSEKEEPING_PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

/// Why the server did not start, or ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    #[error("data_dir: {0}")]
    DataDir(std::io::Error),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("what was set up over the API does not fit the config file: {0}; change the file")]
    Setup(#[from] NotSetUp),
    #[error(transparent)]
    Rules(#[from] rules::OpenError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("stopped, since {0}; nothing acknowledged is lost: make room or replace the disk, then start again")]
    Store(#[from] StoreFailed),
}

/// A server that is up.
pub struct Server {
    /// Where SMPP is served; the port, if the config says 0.
    pub smpp: SocketAddr,
    /// Where SMPP inside TLS is served, if the config has it.
    pub smpp_tls: Option<SocketAddr>,
    /// Where the REST API is served, if the config has it.
    pub api: Option<SocketAddr>,
    /// The operator's token, when this start made it.
    pub operator_token: Option<String>,
    closing: watch::Sender<bool>,
    requests: Option<tokio::task::JoinHandle<()>>,
    links: tokio::task::JoinHandle<()>,
    alarms: tokio::task::JoinHandle<()>,
    housekeeping: tokio::task::JoinHandle<()>,
    webhooks: tokio::task::JoinHandle<()>,
    rule_http: tokio::task::JoinHandle<()>,
    keeper: tokio::task::JoinHandle<()>,
    traces: Option<tokio::task::JoinHandle<()>>,
    rules: RuleThreads,
    campaigns: CampaignThread,
    timers: TimerThread,
    house: Arc<House>,
    writer: WriterThread,
    failed: watch::Receiver<bool>,
}

/// Runs a server until `shutdown` is ready or its store fails; `ready` is told when it serves.
pub async fn run(
    config: Config,
    ready: impl FnOnce(&Server),
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServerError> {
    let mut server = Server::start(config).await?;
    ready(&server);
    tokio::select! {
        () = shutdown => tracing::info!("closing: no new messages, waiting for what is under way"),
        _ = server.failed.wait_for(|failed| *failed) => {}
    }
    server.stop().await
}

impl Server {
    pub async fn start(config: Config) -> Result<Server, ServerError> {
        let directory = Current::new(Directory::new(&config));
        let threads = config.rule_threads.unwrap_or_else(default_rule_threads).max(1);
        // Rules first: one that does not fit is told before anything is touched.
        let rules = Arc::new(Rules::open(&config, directory.clone(), RuleThreads::calls_max(threads))?);
        let declared = setup::load_declared(&config, &rules).await?;
        let opened = store::disk::open(&config.data_dir, config.keeps()).map_err(ServerError::DataDir)?;
        let (store, writer) = Store::open(opened)?;
        let made = setup::with_made(&config, &store)?;
        let next = directory.load().next(&made);
        directory.replace(next);
        rules.show_present(declared);
        setup::load_made(&config, &made, &rules, &store).await;
        let (writer, failed) = start_writer(writer)?;
        let now = clock::now();
        let delivery = Delivery::new(&directory);
        let house = House::new(directory, store, delivery.clone(), now)?;
        rules.settle(&house);
        delivery.open(&house, now)?;
        let waiting = house.mos_waiting();
        if waiting > 0 {
            tracing::info!(waiting, "MOs from before the start are run now");
        }
        let server = link::server::Server::bind(&config.smpp, house.clone(), delivery.clone()).await?;
        let (smpp, smpp_tls) = (server.local_addr()?, server.local_tls_addr());
        let setup = Setup::new(config.clone(), house.clone(), rules.clone());
        let folder = setup.open_folder(&config).await;
        let mut requests = bind_api(&config, house.clone(), setup.clone()).await?;
        let operator_token = requests.as_mut().and_then(|server| server.new_operator_token.take());
        let api = requests.as_ref().map(api::Server::local_addr).transpose()?;
        let rules = RuleThreads::start(house.clone(), rules, threads)?;
        let campaigns = CampaignThread::start(house.clone())?;
        let timers = TimerThread::start(house.clone())?;
        let (closing, closing_receiver) = watch::channel(false);
        let requests = requests.map(|server| tokio::spawn(server.run(closing.subscribe())));
        let links = tokio::spawn(server.run(closing_receiver));
        let form = webhook::Form { event: api::event_json, gap: api::gap_json };
        let webhooks = tokio::spawn(webhook::run(house.clone(), config.webhooks, form, closing.subscribe()));
        let keeper = tokio::spawn(setup.keep(folder, closing.subscribe()));
        let rule_http = tokio::spawn(rule_http::run(house.clone(), config.webhooks, closing.subscribe()));
        let traces = config.traces.clone();
        let traces = traces.map(|config| tokio::spawn(traces::run(house.clone(), config, closing.subscribe())));
        let housekeeping =
            tokio::spawn(keep_house(house.clone(), delivery.clone(), Arc::new(config), closing.subscribe()));
        let alarms = tokio::spawn(async move { delivery.run_alarms().await });
        Ok(Server {
            smpp,
            smpp_tls,
            api,
            operator_token,
            closing,
            requests,
            links,
            alarms,
            housekeeping,
            webhooks,
            rule_http,
            keeper,
            traces,
            rules,
            campaigns,
            timers,
            house,
            writer,
            failed,
        })
    }

    /// In order: no more connections and messages, requests are answered, links say goodbye, rules end, the
    /// store closes.
    pub async fn stop(self) -> Result<(), ServerError> {
        let _ = self.closing.send(true);
        if let Some(requests) = self.requests
            && let Err(error) = requests.await
        {
            tracing::error!("the API server ended badly: {error}");
        }
        if let Err(error) = self.links.await {
            tracing::error!("the link server ended badly: {error}");
        }
        self.alarms.abort();
        let _ = self.alarms.await; // aborted
        if let Err(error) = self.housekeeping.await {
            tracing::error!("housekeeping ended badly: {error}");
        }
        if let Err(error) = self.webhooks.await {
            tracing::error!("webhooks ended badly: {error}");
        }
        if let Err(error) = self.keeper.await {
            tracing::error!("the keeper of rules ended badly: {error}");
        }
        if let Err(error) = self.rule_http.await {
            tracing::error!("HTTP calls of rules ended badly: {error}");
        }
        if let Some(traces) = self.traces
            && let Err(error) = traces.await
        {
            tracing::error!("traces ended badly: {error}");
        }
        let (rules, campaigns, house, writer) = (self.rules, self.campaigns, self.house, self.writer);
        let timers = self.timers;
        let closed = tokio::task::spawn_blocking(move || {
            timers.stop();
            campaigns.stop();
            rules.stop();
            // A store that failed says so when the writer ends.
            while relay::keep_quotas(&house, clock::now()).is_ok_and(|written| written > 0) {}
            while relay::keep_usage(&house).is_ok_and(|written| written > 0) {}
            let _ = relay::end_series(&house, clock::now());
            house.store.close();
            writer.join()
        });
        match closed.await {
            Ok(Ok(result)) => Ok(result?),
            _ => Err(StoreFailed("the store's thread panicked".into()).into()),
        }
    }
}

/// The API, if the config has it, with the console beside it.
async fn bind_api(config: &Config, house: Arc<House>, setup: Arc<Setup>) -> std::io::Result<Option<api::Server>> {
    let Some(http) = &config.api else { return Ok(None) };
    let mut server = api::Server::bind(http, &config.data_dir, house, setup).await?;
    if http.console {
        server.also(console::router(server.router(), console::Transport::of(server.is_tls())));
    }
    Ok(Some(server))
}

type WriterThread = std::thread::JoinHandle<Result<(), StoreFailed>>;

/// And what turns true when the store has failed.
fn start_writer(writer: store::writer::Writer) -> std::io::Result<(WriterThread, watch::Receiver<bool>)> {
    let (failed_sender, failed) = watch::channel(false);
    let writer = std::thread::Builder::new().name("store".into()).spawn(move || {
        let result = writer.run();
        if let Err(failed) = &result {
            tracing::error!("{failed}; no message is accepted any more");
            let _ = failed_sender.send(true);
        }
        result
    })?;
    Ok((writer, failed))
}

/// Ends what is over, every second, on a thread that may take long.
async fn keep_house(
    house: Arc<House>,
    delivery: Arc<Delivery>,
    config: Arc<Config>,
    mut closing: watch::Receiver<bool>,
) {
    while !*closing.borrow() {
        tokio::select! {
            () = tokio::time::sleep(HOUSEKEEPING_PAUSE) => {}
            _ = closing.wait_for(|closing| *closing) => return,
        }
        let (house, delivery, config) = (house.clone(), delivery.clone(), config.clone());
        let turn = tokio::task::spawn_blocking(move || {
            let now = clock::now();
            if let Err(error) = relay::keep_series(&house, now) {
                tracing::error!("what charts show is not written: {error}");
            }
            match store::disk::is_nearly_full(&config.data_dir) {
                Ok(full) => house.store.set_full(full),
                Err(error) => tracing::error!("the free space of {} is unknown: {error}", config.data_dir.display()),
            }
            let before = now.0.saturating_sub(house.directory().retention_max_ms());
            if let Err(error) = house.store.prune(before, config.history.octets_max) {
                tracing::error!("old history cannot be removed: {error}");
            }
            let before = now.0.saturating_sub(config.events_ms());
            if let Err(error) = house.store.prune_feeds(before, config.events.octets_max) {
                tracing::error!("old events cannot be removed: {error}");
            }
            delivery.sweep(now);
            relay::keep_house(&house, now)
        });
        match turn.await {
            Ok(Ok(())) => {}
            Ok(Err(failed)) => return tracing::error!("no housekeeping any more: {failed}"),
            Err(error) => tracing::error!("housekeeping ended badly: {error}"),
        }
    }
}

/// One per core, and two at least.
fn default_rule_threads() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from).max(2)
}
