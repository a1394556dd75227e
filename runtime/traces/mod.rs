//! Traces of messages, as OpenTelemetry wants them: OTLP over HTTP, in JSON.
//!
//! An edge beside webhooks, and a reader of all customers' feeds like them. It holds a place in each feed and one batch of
//! spans, so that a collector that is away costs no memory: the feeds keep what it misses, up to [`BEHIND_MAX_MS`].
//! A trace is told about from where the server started; none waits for a collector.

mod spans;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use axum::http::{HeaderMap, Request};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::clock;
use crate::config::Traces;
use crate::feed::EventId;
use crate::metrics::SpanOutcome;
use crate::outgoing;
use crate::relay::House;
use crate::target::{ANYWHERE, Target};
use spans::Spans;

/// How often feeds are looked at.
const EVERY: Duration = Duration::from_secs(1);
/// Events that are read at once, and spans that one request has at most.
const PAGE: usize = 500;
/// First pause after a collector that could not; it doubles.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// A collector that stays away for longer than this misses what is older.
const BEHIND_MAX_MS: u64 = 3_600_000;

struct Exporter {
    house: Arc<House>,
    config: Traces,
    target: Target,
    spans: Spans,
    /// How far each customer's feed was read.
    places: HashMap<Arc<str>, EventId>,
    closing: watch::Receiver<bool>,
    /// Said once until it works again.
    is_away: bool,
}

/// Sends what happens to messages from now on, until `closing` turns true.
pub async fn run(house: Arc<House>, config: Traces, closing: watch::Receiver<bool>) {
    let target = match Target::parse(&config.endpoint, ANYWHERE) {
        Ok(target) => target,
        Err(error) => return tracing::error!("traces: {error}"), // the config was checked
    };
    let spans = Spans::new(*house.store.secret(), config.sample);
    let mut exporter = Exporter { house, config, target, spans, places: HashMap::new(), closing, is_away: false };
    let start = exporter.house.store.last_told();
    let mut closing = exporter.closing.clone();
    loop {
        exporter.read(start).await;
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = closing.wait_for(|closing| *closing) => break,
        }
    }
    if !exporter.is_away {
        exporter.read(start).await;
    }
}

impl Exporter {
    /// All that is new.
    async fn read(&mut self, start: EventId) {
        let customers: Vec<Arc<str>> =
            self.house.directory().customers().map(|(_, customer)| customer.id.clone()).collect();
        let mut batch = Vec::new();
        for customer in customers {
            loop {
                let after = self.places.get(&customer).copied().unwrap_or(start);
                let oldest = EventId::first_of(clock::now().0.saturating_sub(BEHIND_MAX_MS));
                let after = after.max(oldest);
                let page = match self.house.store.feed(&customer, after, PAGE) {
                    Ok(page) => page,
                    Err(error) => {
                        tracing::error!(customer = &*customer, "its events cannot be read for traces: {error}");
                        break;
                    }
                };
                for (id, told) in &page.events {
                    batch.extend(self.spans.of(&customer, *id, told));
                }
                self.places.insert(customer.clone(), page.next);
                if batch.len() >= PAGE {
                    self.send(std::mem::take(&mut batch)).await;
                }
                if !page.has_more {
                    break;
                }
            }
        }
        if !batch.is_empty() {
            self.send(batch).await;
        }
    }

    /// Until the collector has them, does not want them, or the house closes.
    async fn send(&mut self, batch: Vec<Value>) {
        let (count, body) = (batch.len() as u64, self.body(batch));
        let mut pause = PAUSE;
        loop {
            match self.try_send(&body).await {
                Ok(()) => {
                    if std::mem::take(&mut self.is_away) {
                        tracing::info!("traces are taken again");
                    }
                    return self.house.metrics.count_spans(SpanOutcome::Exported, count);
                }
                Err(Trouble::Refused(why)) => {
                    tracing::warn!(spans = count, "a collector refused traces for good: {why}");
                    return self.house.metrics.count_spans(SpanOutcome::Dropped, count);
                }
                Err(Trouble::Later(why, after)) => {
                    if !std::mem::replace(&mut self.is_away, true) {
                        tracing::warn!("traces cannot be sent, and wait: {why}");
                    }
                    let wait = after.unwrap_or(pause).min(PAUSE_MAX);
                    pause = (pause * 2).min(PAUSE_MAX);
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        _ = self.closing.wait_for(|closing| *closing) => {
                            return self.house.metrics.count_spans(SpanOutcome::Dropped, count);
                        }
                    }
                }
            }
        }
    }

    fn body(&self, spans: Vec<Value>) -> String {
        let service = json!({ "key": "service.name", "value": { "stringValue": self.config.service_name } });
        let version = json!({ "key": "service.version", "value": { "stringValue": env!("CARGO_PKG_VERSION") } });
        json!({ "resourceSpans": [{
            "resource": { "attributes": [service, version] },
            "scopeSpans": [{ "scope": { "name": "wasmsc", "version": env!("CARGO_PKG_VERSION") }, "spans": spans }],
        }] })
        .to_string()
    }

    async fn try_send(&self, body: &str) -> Result<(), Trouble> {
        let mut request = Request::post(&self.target.path)
            .header(HOST, &self.target.authority)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("wasmsc/", env!("CARGO_PKG_VERSION")));
        for (name, value) in &self.config.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body.to_owned())).map_err(|error| Trouble::Refused(error.to_string()))?;
        let (status, headers) =
            outgoing::send(&self.target, ANYWHERE, request).await.map_err(|why| Trouble::Later(why, None))?;
        match status.as_u16() {
            200..=299 => Ok(()),
            // Those that OTLP/HTTP calls worth another try.
            429 | 502 | 503 | 504 => Err(Trouble::Later(format!("it answered {status}"), retry_after(&headers))),
            _ => Err(Trouble::Refused(format!("it answered {status}"))),
        }
    }
}

enum Trouble {
    /// After so long, where the collector says so.
    Later(String, Option<Duration>),
    Refused(String),
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok().map(Duration::from_secs)
}
