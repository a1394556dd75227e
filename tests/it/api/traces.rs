//! Traces: one follows an MO, its rule and what the rule sent, to a collector that is not always there.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpListener;

use super::client::start;
use crate::smsc::peer::eventually;
use crate::smsc::site::{DEVICE, Plan, mo};
use crate::support::server::built;

/// Takes OTLP over HTTP.
struct Collector {
    endpoint: String,
    spans: Arc<Mutex<Vec<Value>>>,
    refused: Arc<AtomicUsize>,
}

impl Collector {
    /// One that refuses the first requests.
    async fn new(refuses: usize) -> Collector {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let endpoint = format!("http://{}/v1/traces", listener.local_addr().expect("it listens"));
        let (spans, refused) = (Arc::<Mutex<Vec<Value>>>::default(), Arc::<AtomicUsize>::default());
        let (to, count) = (spans.clone(), refused.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("the listener works");
                let (to, count) = (to.clone(), count.clone());
                let service = service_fn(move |request| answer(request, to.clone(), count.clone(), refuses));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Collector { endpoint, spans, refused }
    }

    fn named(&self, name: &str) -> Option<Value> {
        self.spans.lock().iter().find(|span| span["name"] == name).cloned()
    }

    fn table(&self) -> String {
        format!("\n[traces]\nendpoint = {:?}\nheaders = {{ x-token = \"t0ken\" }}\n", self.endpoint)
    }
}

async fn answer(
    request: Request<Incoming>,
    spans: Arc<Mutex<Vec<Value>>>,
    refused: Arc<AtomicUsize>,
    refuses: usize,
) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    assert_eq!((head.method.as_str(), head.uri.path()), ("POST", "/v1/traces"));
    assert!(head.headers["content-type"] == "application/json" && head.headers["x-token"] == "t0ken", "{head:?}");
    if refused.load(Ordering::SeqCst) < refuses {
        refused.fetch_add(1, Ordering::SeqCst);
        let answer = Response::builder().status(503).header("retry-after", "0").body(Body::empty());
        return Ok(answer.expect("an answer"));
    }
    let octets = body.collect().await.expect("a whole body").to_bytes();
    let json: Value = serde_json::from_slice(&octets).expect("JSON");
    let resource = &json["resourceSpans"][0];
    assert_eq!(resource["resource"]["attributes"][0]["value"]["stringValue"], "wasmsc");
    let new = resource["scopeSpans"][0]["spans"].as_array().expect("spans").clone();
    spans.lock().extend(new);
    Ok(Response::new(Body::from("{}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_follows_an_mo_its_rule_and_the_answer_and_waits_for_a_collector() {
    let collector = Collector::new(2).await;
    let rule = format!(
        "\n[[rule]]\ncustomer = \"acme\"\nname = \"echo\"\ncomponent = {:?}\nnumbers = [\"7001\"]\ndeadline_ms = 5000\n",
        built("hostile")
    );
    let (site, operator) = start(Plan::network().more(&rule).more(&collector.table())).await;
    let mut sim = site.sim().await;
    sim.submitted(mo("ECHO swordfish")).await;
    sim.take().await;
    let mt = eventually("the answer's span", || async { collector.named("MT") }).await;
    let [of_mo, ran, sent] = ["MO", "rule acme/echo", "send sim"].map(|name| collector.named(name).expect(name));
    assert_eq!(collector.refused.load(Ordering::SeqCst), 2);
    for span in [&of_mo, &ran, &sent] {
        assert_eq!(span["traceId"], mt["traceId"]);
    }
    assert_eq!(of_mo["traceId"].as_str().map(str::len), Some(32));
    assert_eq!(of_mo["spanId"].as_str().map(str::len), Some(16));
    assert_eq!((&of_mo["parentSpanId"], &ran["parentSpanId"]), (&Value::Null, &of_mo["spanId"]));
    assert_eq!((&mt["parentSpanId"], &sent["parentSpanId"]), (&of_mo["spanId"], &mt["spanId"]));
    let text = format!("{:?}", collector.spans.lock());
    assert!(!text.contains(DEVICE) && !text.contains("swordfish") && text.contains("***"), "{text}");
    let numbers = eventually("the count", || async {
        let text = operator.get("/metrics").await.expect(200).text;
        text.contains(r#"wasmsc_spans_total{outcome="exported"} 4"#).then_some(text)
    });
    assert!(numbers.await.contains(r#"wasmsc_spans_total{outcome="dropped"} 0"#));
    // After a restart nothing is told twice.
    let site = {
        drop(sim);
        site.restart().await
    };
    let mut sim = site.sim().await;
    sim.submitted(mo("ECHO again")).await;
    sim.take().await;
    eventually("the next answer", || async { (collector.spans.lock().len() == 8).then_some(()) }).await;
    let traces: std::collections::BTreeSet<String> =
        collector.spans.lock().iter().map(|span| span["traceId"].to_string()).collect();
    assert_eq!(traces.len(), 2);
    site.end(sim).await;
}
