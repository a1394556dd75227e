//! Webhooks: what happens is sent, signed and in order for each device, until it is taken.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use super::client::{Client, key, start};
use crate::smsc::peer::eventually;
use crate::smsc::site::{DEVICE, Plan};

const HOOKS: &str = "/v1/webhooks";
const LAX: &str = "\n[webhooks]\nallow_http = true\nallow_private = true\n";
const OTHER: &str = "46700000002";

/// Somebody's software, which takes events.
pub struct Receiver {
    address: SocketAddr,
    taken: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    /// Requests about the usual device that it still refuses.
    refuses: Arc<AtomicUsize>,
}

impl Receiver {
    pub async fn new(refuses: usize) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it listens");
        let (taken, refuses) = (Arc::<Mutex<Vec<_>>>::default(), Arc::new(AtomicUsize::new(refuses)));
        let (to, left) = (taken.clone(), refuses.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("the listener works");
                let (to, left) = (to.clone(), left.clone());
                let service = service_fn(move |request| answer(request, to.clone(), left.clone()));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Receiver { address, taken, refuses }
    }

    pub fn url(&self) -> String {
        format!("http://{}/in?of=acme", self.address)
    }

    /// What it took so far.
    pub fn taken(&self) -> Vec<(HeaderMap, String)> {
        self.taken.lock().clone()
    }

    /// The texts that it took, of the messages of a device.
    fn texts(&self, device: &str) -> Vec<String> {
        let taken = self.taken.lock();
        let events = taken.iter().map(|(_, body)| serde_json::from_str::<Value>(body).expect("JSON"));
        let of_device = events.filter(|event| event["device"] == format!("+{device}"));
        of_device.map(|event| event["message"]["text"].as_str().expect("a text").to_owned()).collect()
    }
}

async fn answer(
    request: Request<Incoming>,
    taken: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    refuses: Arc<AtomicUsize>,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let octets = body.collect().await.expect("a whole body").to_bytes();
    let body = String::from_utf8(octets.to_vec()).expect("text");
    assert_eq!((head.method.as_str(), head.uri.to_string().as_str()), ("POST", "/in?of=acme"));
    let less = |left: usize| left.checked_sub(1);
    if body.contains(DEVICE) && refuses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
        return Ok(Response::builder().status(500).body(Body::empty()).expect("an answer"));
    }
    taken.lock().push((head.headers, body));
    Ok(Response::new(Body::empty()))
}

/// As docs/API.md says that receivers should.
pub fn is_signed(secret: &str, headers: &HeaderMap, body: &str) -> bool {
    let header = headers["wasmsc-signature"].to_str().expect("ASCII");
    let (time, digits) = header.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")).expect("two parts");
    let mut key = [0; 64];
    key[..secret.len()].copy_from_slice(secret.as_bytes());
    let hash =
        |pad: u8, rest: &[u8]| Sha256::new().chain_update(key.map(|octet| octet ^ pad)).chain_update(rest).finalize();
    let expected = hash(0x5c, &hash(0x36, format!("{time}.{body}").as_bytes()));
    digits == expected.iter().map(|octet| format!("{octet:02x}")).collect::<String>()
}

/// Runs the Python of docs/API.md.
fn says_the_documented_check(secret: &str, header: &str, body: &str) -> bool {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/API.md");
    let page = std::fs::read_to_string(page).expect("readable");
    let code = page.split("```python\n").nth(1).and_then(|rest| rest.split("```").next()).expect("it has an example");
    let code = format!("{code}\nimport sys\nprint(is_ours(sys.argv[1], sys.argv[2], sys.argv[3].encode()))");
    let run = std::process::Command::new("python3").args(["-c", &code, secret, header, body]).output();
    let run = run.expect("python3 is there");
    match String::from_utf8_lossy(&run.stdout).trim() {
        "True" => true,
        "False" => false,
        other => panic!("{other}: {}", String::from_utf8_lossy(&run.stderr)),
    }
}

async fn send(acme: &Client, device: &str, text: &str) {
    let body = json!({ "to": format!("+{device}"), "text": text });
    acme.post("/v1/messages", body).await.expect(202);
}

async fn until(receiver: &Receiver, device: &str, texts: &[&str]) {
    eventually(&format!("{device}: {texts:?}"), || async { (receiver.texts(device) == texts).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_comes_again_in_order_and_holds_up_no_other_device_also_over_a_restart() {
    let receiver = Receiver::new(usize::MAX).await;
    let (site, operator) = start(Plan::network().more(LAX)).await;
    let acme = key(&operator, "acme", &["send", "read", "manage"]).await;
    let hook = json!({ "url": receiver.url(), "types": ["message.accepted"] });
    let made = acme.post(HOOKS, hook).await.expect(201);
    for (device, text) in [(DEVICE, "a1"), (OTHER, "b1"), (DEVICE, "a2"), (OTHER, "b2")] {
        send(&acme, device, text).await;
    }
    until(&receiver, OTHER, &["b1", "b2"]).await;
    assert_eq!(receiver.texts(DEVICE), [""; 0]);
    let site = site.restart().await;
    let acme = Client::new(site.api(), Some(acme.token()));
    send(&acme, DEVICE, "a3").await;
    receiver.refuses.store(2, Ordering::SeqCst);
    until(&receiver, DEVICE, &["a1", "a2", "a3"]).await;
    let secret = made.field("secret");
    for (headers, body) in receiver.taken.lock().iter() {
        assert!(is_signed(&secret, headers, body) && !is_signed("another", headers, body));
        let event: Value = serde_json::from_str(body).expect("JSON");
        assert!(headers["wasmsc-event"] == *event["id"].as_str().expect("an id"));
        assert_eq!(headers["wasmsc-type"], "message.accepted");
    }
    let (headers, body) = receiver.taken().remove(0);
    let header = headers["wasmsc-signature"].to_str().expect("ASCII");
    assert_eq!(
        [secret.as_str(), "another"].map(|secret| says_the_documented_check(secret, header, &body)),
        [true, false]
    );
    // What was told once is not told again after another restart.
    let count = receiver.taken.lock().len();
    let site = site.restart().await;
    let acme = Client::new(site.api(), Some(acme.token()));
    send(&acme, OTHER, "b3").await;
    until(&receiver, OTHER, &["b1", "b2", "b3"]).await;
    assert_eq!(receiver.taken.lock().len(), count + 1);
    // A deleted webhook hears nothing more.
    acme.delete(&format!("{HOOKS}/{}", made.field("id"))).await.expect(204);
    assert_eq!(acme.get(HOOKS).await.expect(200).json(), json!({ "webhooks": [] }));
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_a_customers_own_and_their_secret_is_shown_once() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let beta = key(&operator, "beta", &["read", "manage"]).await;
    let hook = json!({ "url": "https://hooks.example.net/in", "types": ["message.*", "link.bound"] });
    let made = acme.post(HOOKS, hook.clone()).await.expect(201);
    let (id, secret) = (made.field("id"), made.field("secret"));
    assert!(secret.starts_with("whs_") && secret.len() > 40, "{secret}");
    let path = format!("{HOOKS}/{id}");
    for shown in [acme.get(&path).await, acme.get(HOOKS).await, operator.get("/v1/audit").await] {
        let text = shown.expect(200).text;
        assert!(text.contains("https://hooks.example.net/in") && !text.contains(&secret), "{text}");
    }
    let changed = json!({ "url": "https://hooks.example.net/new" });
    assert_eq!(
        acme.request("PUT", &path, &[], Some(&changed.to_string())).await.expect(200).json()["types"],
        json!([])
    );
    assert_eq!(acme.get(&format!("{path}/dead")).await.expect(200).json(), json!({ "dead": [] }));
    assert_eq!(acme.post(&format!("{path}/dead:replay"), json!({})).await.expect(200).json(), json!({ "events": 0 }));
    for of in ["", "?customer=acme"] {
        assert_eq!(beta.get(&format!("{path}{of}")).await.problem(404), "not_found");
        assert_eq!(beta.delete(&format!("{path}{of}")).await.problem(404), "not_found");
        assert_eq!(beta.get(&format!("{path}/dead{of}")).await.problem(404), "not_found");
    }
    assert_eq!(beta.get(HOOKS).await.expect(200).json(), json!({ "webhooks": [] }));
    operator.get(&format!("{path}?customer=acme")).await.expect(200);
    for url in
        ["http://hooks.example.net/", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/", "nonsense"]
    {
        let wrong = acme.post(HOOKS, json!({ "url": url })).await;
        assert_eq!((wrong.field("field").as_str(), wrong.problem(422).as_str()), ("url", "invalid_field"), "{url}");
    }
    let wrong = acme.post(HOOKS, json!({ "url": "https://hooks.example.net/", "types": ["message.flew"] })).await;
    assert_eq!((wrong.field("field").as_str(), wrong.problem(422).as_str()), ("types", "invalid_field"));
    let reader = key(&operator, "acme", &["read"]).await;
    assert_eq!(reader.post(HOOKS, hook).await.problem(403), "forbidden");
    assert_eq!(reader.delete(&path).await.problem(403), "forbidden");
    acme.delete(&path).await.expect(204);
    assert_eq!(acme.get(&path).await.problem(404), "not_found");
    site.end(()).await;
}
