//! What happens to a rule beside MOs: receipts, timers, HTTP replies and requests over REST, with the conformance rule as
//! a component, over real sockets and over a restart.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::json;
use tokio::net::TcpListener;
use wasmsc_smpp::{CommandStatus, Sm};

use super::client::{Client, key, start};
use crate::smsc::peer::{Peer, octets};
use crate::smsc::site::{DEVICE, NUMBER, Plan, Site, mo, read, tlv};
use crate::support::server::built;

/// Somebody's HTTP server: refuses so many requests with 503, then takes all.
struct Office {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    refused: Arc<Mutex<Vec<HeaderMap>>>,
}

impl Office {
    async fn new(refuses: usize) -> Office {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        let office = Office { address, taken: Arc::default(), refused: Arc::default() };
        let left = Arc::new(AtomicUsize::new(refuses));
        let (taken, refused) = (office.taken.clone(), office.refused.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("the listener works");
                let (taken, refused, left) = (taken.clone(), refused.clone(), left.clone());
                let service = service_fn(move |request: Request<Incoming>| {
                    let (taken, refused, left) = (taken.clone(), refused.clone(), left.clone());
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await.expect("a whole body").to_bytes();
                        let less = |left: usize| left.checked_sub(1);
                        let is_refused = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok();
                        let status = if is_refused {
                            refused.lock().push(head.headers);
                            503
                        } else {
                            taken.lock().push((head.headers, body));
                            200
                        };
                        let answer = Response::builder().status(status).body(Body::from("{}")).expect("an answer");
                        Ok::<_, Infallible>(answer)
                    }
                });
                let server = hyper::server::conn::http1::Builder::new();
                tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
            }
        });
        office
    }

    fn url(&self) -> String {
        format!("http://{}/in", self.address)
    }

    /// Lines of the rule's table that let it call here.
    fn grant(&self) -> String {
        format!("http_hosts = [\"{}\"]\nsecrets = {{ token = \"Bearer s3cret\" }}", self.address)
    }
}

fn from(device: &str, text: &str) -> Sm {
    Sm { source_addr: octets(device), ..mo(text) }
}

/// The conformance rule at `acme`'s number; `lines` are added to its table.
fn plan(lines: &str) -> Plan {
    let component = built("conformance").display().to_string();
    Plan::network().more(&format!(
        "\n[webhooks]\nallow_http = true\nallow_private = true\n\
         [[rule]]\ncustomer = \"acme\"\nname = \"conformance\"\ncomponent = {component:?}\nnumbers = [{NUMBER:?}]\n\
         deadline_ms = 5000\n{lines}\n"
    ))
}

/// A network that carries one device.
struct Phone {
    sim: Peer,
}

impl Phone {
    async fn on(site: &Site) -> Phone {
        Phone { sim: site.sim().await }
    }

    async fn writes(&mut self, text: &str) {
        let (status, _) = self.sim.submit(from(DEVICE, text)).await;
        assert_eq!(status, CommandStatus::ESME_ROK, "{text}");
    }

    /// The next MT, which it takes.
    async fn reads(&mut self) -> String {
        read(&self.sim.take().await)
    }

    async fn hears(&mut self, text: &str) -> String {
        self.writes(text).await;
        self.reads().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_fires_with_its_payload_and_survives_a_restart() {
    let (site, _) = start(plan("")).await;
    let mut phone = Phone::on(&site).await;
    assert_eq!(phone.hears("TIMER soon 50 one").await, "ok");
    assert_eq!(phone.reads().await, "timer soon one");
    assert_eq!(phone.hears("TIMER later 1500 two").await, "ok");
    assert_eq!(phone.hears("TIMER never 1500 three").await, "ok");
    assert_eq!(phone.hears("CANCEL never").await, "true");
    drop(phone);
    let site = site.restart().await;
    let mut phone = Phone::on(&site).await;
    assert_eq!(phone.reads().await, "timer later two");
    assert_eq!(phone.hears("CANCEL later").await, "false", "it is over");
    assert_eq!(phone.hears("CANCEL never").await, "false");
    site.end(phone.sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_leaves_as_it_was_wished_and_its_rule_hears_of_its_end() {
    let (site, operator) = start(plan("")).await;
    let mut phone = Phone::on(&site).await;
    phone.writes("DRAFT").await;
    let draft = phone.sim.take().await;
    assert_eq!(read(&draft), "draft");
    assert_eq!(tlv(&draft, 0x1400).as_deref(), Some(&[1, 2, 3][..]));
    assert_eq!(phone.reads().await, "receipt t1 delivered");
    drop(operator);
    site.end(phone.sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http_call_is_made_after_the_commit_and_its_answer_comes_back_as_an_event() {
    let office = Office::new(0).await;
    let (site, _) = start(plan(&office.grant())).await;
    let mut phone = Phone::on(&site).await;
    assert_eq!(phone.hears(&format!("HTTP {}", office.url())).await, "ok");
    assert_eq!(phone.reads().await, "http h1 200");
    let taken = office.taken.lock().clone();
    assert_eq!(taken.len(), 1);
    let (headers, body) = &taken[0];
    let header = |name: &str| headers[name].to_str().expect("ASCII").to_owned();
    assert_eq!((header("authorization").as_str(), header("x-test").as_str()), ("Bearer s3cret", "1"));
    assert!(header("idempotency-key").ends_with("-http"));
    assert_eq!(&body[..], b"hello");
    assert_eq!(phone.hears("HTTP http://127.0.0.1:9/").await, "not-permitted", "another port is another grant");
    site.end(phone.sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_answered_once_and_for_its_own_customer_alone() {
    let (site, operator) = start(plan("")).await;
    let phone = Phone::on(&site).await;
    let acme = key(&operator, "acme", &["send"]).await;
    let beta = key(&operator, "beta", &["send"]).await;
    let path = |rule: &str, device: &str, name: &str| format!("/v1/rules/{rule}/devices/%2B{device}/requests/{name}");
    let ping = path("conformance", DEVICE, "ping");
    let answered = acme.post_once(&ping, "r1", &json!({ "a": 1 })).await.expect(200);
    assert_eq!(answered.json()["body"], json!({ "pong": true }));
    assert_eq!((&answered.json()["status"], &answered.json()["answered"]), (&json!(200), &json!(true)));
    let again = acme.post_once(&ping, "r1", &json!({ "a": 1 })).await.expect(200);
    assert_eq!(again.json(), answered.json());
    assert_eq!(acme.post_once(&ping, "r1", &json!({ "a": 2 })).await.problem(422), "idempotency_mismatch");
    let other = acme.post(&path("conformance", DEVICE, "other"), json!({})).await.expect(200);
    assert_eq!((&other.json()["status"], &other.json()["body"]), (&json!(404), &json!({})));
    let refused = acme.post(&path("conformance", DEVICE, "fail"), json!({})).await.expect(200);
    assert_eq!(refused.json()["refused"], json!("rejected by the rule: no"));
    let id = answered.field("id");
    let stored = acme.get(&format!("/v1/rule-requests/{id}")).await.expect(200);
    assert_eq!(stored.json(), answered.json());
    assert_eq!(beta.get(&format!("/v1/rule-requests/{id}")).await.problem(404), "not_found");
    assert_eq!(beta.post(&ping, json!({})).await.problem(404), "not_found");
    assert_eq!(acme.post(&path("conformance", "46730000001", "ping"), json!({})).await.problem(404), "not_found");
    assert_eq!(acme.post(&path("nothing", DEVICE, "ping"), json!({})).await.problem(404), "not_found");
    let site = site.restart().await;
    let acme = Client::new(site.api(), Some(acme.token()));
    let again = acme.post_once(&ping, "r1", &json!({ "a": 1 })).await.expect(200);
    assert_eq!(again.json(), answered.json(), "asked once, over a restart");
    site.end(phone.sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_counters_of_many_devices_lose_no_addition() {
    let (site, _) = start(plan("")).await;
    let mut sim = site.sim().await;
    let devices: Vec<String> = (0..20).map(|n| format!("4670000{n:04}")).collect();
    for device in &devices {
        let (status, _) = sim.submit(from(device, "SADD total 3")).await;
        assert_eq!(status, CommandStatus::ESME_ROK);
    }
    for _ in &devices {
        assert_eq!(read(&sim.take().await), "ok");
    }
    let (status, _) = sim.submit(from(DEVICE, "SGET total")).await;
    assert_eq!(status, CommandStatus::ESME_ROK);
    assert_eq!(read(&sim.take().await), "60");
    site.end(sim).await;
}

#[tokio::test]
async fn a_config_that_its_rule_does_not_like_is_refused_at_the_start() {
    let premises = plan("[rule.config]\nbad = \"1\"").premises();
    let refused = premises.start().await.err().expect("its config-check says no").to_string();
    assert!(refused.contains("rule acme/conformance") && refused.contains("bad is set"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_is_asked_again_until_it_answers() {
    let office = Office::new(1).await;
    let (site, _) = start(plan(&office.grant())).await;
    let mut phone = Phone::on(&site).await;
    assert_eq!(phone.hears(&format!("HTTP {}", office.url())).await, "ok");
    assert_eq!(phone.reads().await, "http h1 200");
    let (refused, taken) = (office.refused.lock().clone(), office.taken.lock().clone());
    assert_eq!((refused.len(), taken.len()), (1, 1));
    assert_eq!(refused[0]["idempotency-key"], taken[0].0["idempotency-key"], "another call for the server");
    site.end(phone.sim).await;
}
