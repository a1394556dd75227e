//! Promise 1 over HTTP: no 2xx before the sync, and a failed sync is told. The store's writer is stepped by hand.

mod devices;

use std::sync::Arc;

use axum::body::Body;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};

use super::{Api, OperatorToken, router};
use crate::clock;
use crate::config::Config;
use crate::relay::{Alert, House, Outlet};
use crate::route::{Current, Directory, PeerIndex};
use crate::rules::Rules;
use crate::secret::Digest;
use crate::setup::Setup;
use crate::store::keys::{OutboxKey, Partition};
use crate::store::memory::{Fault, MemoryDisk};
use crate::store::writer::{Turn, Writer};
use crate::store::{Queued, Store};

const CONFIG: &str = r#"
data_dir = "d"
smpp = { listen = "127.0.0.1:0", system_id = "x" }
customer = [{ id = "acme", numbers = ["7001"], devices = ["+4670*"] }]
account = [{ system_id = "sim", password = "", role = "network", routes = ["+46"] }]
"#;
const OPERATOR: &str = "wso_of_this_test_and_no_other";

/// Nobody takes messages here.
struct Nobody;

impl Outlet for Nobody {
    fn offer(&self, _: Vec<Queued>) {}
    fn later(&self, _: &OutboxKey) {}
    fn expires(&self, _: &OutboxKey, _: crate::message::Timestamp) {}
    fn withdraw(&self, _: &OutboxKey) -> bool {
        true
    }
    fn release(&self, _: &OutboxKey) {}
    fn give_back(&self, _: &OutboxKey, _: crate::message::Timestamp) {}
    fn directory_changed(&self, _: crate::message::Timestamp) -> std::io::Result<()> {
        Ok(())
    }
    fn alert(&self, _: PeerIndex, _: Alert) {}
}

struct Home {
    disk: MemoryDisk,
    store: Arc<Store>,
    house: Arc<House>,
    writer: Writer,
    router: axum::Router,
    _folder: tempfile::TempDir,
}

type Told = (u16, Value);

impl Home {
    fn on(disk: MemoryDisk) -> Home {
        let (store, writer) = Store::open(disk.open()).expect("opens");
        let config = Config::parse(CONFIG, std::path::Path::new("t")).expect("valid");
        let directory = Current::new(Directory::new(&config));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let rules = Rules::open_in(folder.path().to_owned(), &config, directory.clone(), 1).expect("opens");
        let house = House::new(directory, store.clone(), Arc::new(Nobody), clock::now()).expect("stands");
        let setup = Setup::new(config, house.clone(), Arc::new(rules));
        let operator = OperatorToken { digest: Digest::of(OPERATOR), new: None };
        let config = "listen = '127.0.0.1:0'\nbody_max_octets = 100000\nrequests_per_sec = 1000000";
        let api = Api::new(&toml::from_str(config).expect("a table"), house.clone(), setup, operator);
        let router = router::router(Arc::new(api));
        Home { disk, store, house, writer, router, _folder: folder }
    }

    fn crash(self) -> Home {
        Home::on(self.disk)
    }

    fn request(&self, path: &str, token: &str, once: &str, body: &Value) -> impl Future<Output = Told> + use<> {
        let request = Request::post(path).header("authorization", format!("Bearer {token}"));
        let request = request.header("content-type", "application/json").header("idempotency-key", once);
        self.send(request.body(Body::from(body.to_string())).expect("a request"))
    }

    fn request_as(&self, path: &str, token: &str, kind: &str, body: String) -> impl Future<Output = Told> + use<> {
        let request = Request::post(path).header("authorization", format!("Bearer {token}"));
        self.send(request.header("content-type", kind).body(Body::from(body)).expect("a request"))
    }

    fn send(&self, request: Request<Body>) -> impl Future<Output = Told> + use<> {
        let service = TowerToHyperService::new(self.router.clone());
        async move {
            let response = service.call(request).await.expect("infallible");
            let status = response.status().as_u16();
            let octets = response.into_body().collect().await.expect("whole").to_bytes();
            (status, serde_json::from_slice(&octets).expect("JSON"))
        }
    }

    /// Holds that nothing is told before the store's writer has made a step.
    async fn told_by_the_sync(&mut self, request: impl Future<Output = Told>) -> Told {
        let mut request = std::pin::pin!(request);
        tokio::select! {
            biased;
            told = &mut request => panic!("told before the sync: {told:?}"),
            () = std::future::ready(()) => {}
        }
        while self.writer.step() == Turn::Wrote {}
        request.await
    }

    async fn key(&mut self) -> String {
        let body = json!({ "name": "t", "scopes": ["send"] });
        let request = self.request("/v1/customers/acme/keys", OPERATOR, "-", &body);
        let (status, made) = self.told_by_the_sync(request).await;
        assert_eq!(status, 201, "{made}");
        made["key"].as_str().expect("a key").to_owned()
    }

    fn messages(&self) -> usize {
        let mut count = 0;
        self.store.each_queued(Partition::of("acme"), &"+46".into(), |_| count += 1).expect("readable");
        count
    }
}

fn message() -> Value {
    json!({ "to": "+46700000001", "text": "hi" })
}

#[tokio::test]
async fn nothing_is_told_before_it_is_synced() {
    let mut home = Home::on(MemoryDisk::new());
    let key = home.key().await;
    let request = home.request("/v1/messages", &key, "k", &message());
    let first = home.told_by_the_sync(request).await;
    assert_eq!(first.0, 202, "{first:?}");
    let mut home = home.crash();
    assert_eq!(home.messages(), 1);
    let request = home.request("/v1/messages", &key, "k", &message());
    assert_eq!(home.told_by_the_sync(request).await, first);
    assert_eq!(home.messages(), 1);
}

#[tokio::test]
async fn a_repeat_that_comes_before_the_sync_of_the_first_waits_for_it_too() {
    let mut home = Home::on(MemoryDisk::new());
    let key = home.key().await;
    let first = home.request("/v1/messages", &key, "k", &message());
    let again = home.request("/v1/messages", &key, "k", &message());
    let both = async { tokio::join!(first, again) };
    let mut both = std::pin::pin!(both);
    tokio::select! {
        biased;
        told = &mut both => panic!("told before the sync: {told:?}"),
        () = std::future::ready(()) => {}
    }
    while home.writer.step() == Turn::Wrote {}
    let (first, again) = both.await;
    assert_eq!((first.0, &first), (202, &again));
    assert_eq!(home.messages(), 1);
}

#[tokio::test]
async fn a_sync_that_fails_is_told_and_a_repeat_makes_one_message_whatever_the_disk_kept() {
    for (fault, kept) in [(Fault::LostAtSync(1), 0), (Fault::KeptAtSync(1), 1)] {
        let mut home = Home::on(MemoryDisk::new());
        let key = home.key().await;
        home.disk.inject(fault);
        let request = home.request("/v1/messages", &key, "k", &message());
        let (status, problem) = home.told_by_the_sync(request).await;
        assert_eq!((status, problem["code"].as_str()), (503, Some("store_failed")), "{problem}");
        let mut home = home.crash();
        assert_eq!(home.messages(), kept, "{fault:?}");
        let request = home.request("/v1/messages", &key, "k", &message());
        assert_eq!(home.told_by_the_sync(request).await.0, 202);
        assert_eq!(home.messages(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn an_idempotency_key_is_forgotten_after_a_day() {
    let mut home = Home::on(MemoryDisk::new());
    let key = home.key().await;
    for _ in 0..2 {
        let request = home.request("/v1/messages", &key, "k", &message());
        home.told_by_the_sync(request).await;
    }
    let tomorrow = clock::now().plus_ms(86_400_000);
    assert_eq!(home.store.forget_once(clock::now()).expect("readable"), 0);
    assert_eq!(home.store.forget_once(tomorrow).expect("readable"), 1);
    assert_eq!(home.store.forget_once(tomorrow).expect("readable"), 0);
    let request = home.request("/v1/messages", &key, "k", &message());
    home.told_by_the_sync(request).await;
    assert_eq!(home.messages(), 2);
}
