//! `GET /v1/events`: a customer's feed as server-sent events, from where the reader left it.
//!
//! A reader is a place in the feed. The next page is read from the store when the client has taken the one before, so that
//! a slow client holds one page, and none who is gone is waited for.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;
use utoipa::IntoParams;

use super::Api;
use super::auth::{Caller, Validity};
use super::body::QueryOf;
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::event::EventView;
use super::key::Scope;
use super::masking::Texts;
use crate::bells::Bell;
use crate::clock;
use crate::feed::{EventId, Types};
use crate::route::CustomerIndex;
use crate::store::FeedPage;
use crate::stream;

const LAST_EVENT_ID: &str = "last-event-id";
/// Of the oldest event that is still there.
const OLDEST: &str = "oldest";
/// Something is sent so often at least, so that proxies keep the connection and both ends see when it is gone.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Events that are read at once.
const PAGE: usize = 100;

/// Streams that are open, so many of each customer at most.
pub struct Streams {
    max: usize,
    open: Mutex<HashMap<usize, usize>>,
    closing: watch::Sender<bool>,
}

impl Streams {
    pub fn new(max: usize) -> Arc<Streams> {
        Arc::new(Streams { max, open: Mutex::default(), closing: watch::Sender::new(false) })
    }

    /// Ends all of them: each tells its client where to go on.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }

    fn open(self: &Arc<Self>, customer: CustomerIndex) -> Result<Open, Problem> {
        let mut open = self.open.lock();
        let count = open.entry(customer.0).or_default();
        if *count >= self.max {
            let detail = format!("{} streams of this customer are open already; close one", self.max);
            return Err(Problem::new(Code::TooManyStreams, detail));
        }
        *count += 1;
        Ok(Open { streams: self.clone(), customer })
    }
}

/// One stream, until it is dropped.
struct Open {
    streams: Arc<Streams>,
    customer: CustomerIndex,
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock();
        if let Some(count) = open.get_mut(&self.customer.0) {
            *count -= 1;
        }
        open.retain(|_, count| *count > 0);
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// Whose events; a customer's key may leave it out.
    #[param(example = "acme")]
    customer: Option<String>,
    /// Events behind the one with this id, or `oldest` for all that are kept. Without it, and without the header
    /// Last-Event-ID, which comes first: what happens from now on.
    after: Option<String>,
    /// Types with commas between them; `message.*` for all that begin so. Without it, all.
    #[param(example = "message.received,message.ended")]
    types: Option<String>,
}

impl Wanted {
    fn types(&self) -> Result<Types, Problem> {
        let unknown = |word| Problem::new(Code::MalformedRequest, format!("types: there is no type {word:?}"));
        let words = self.types.iter().flat_map(|types| types.split(','));
        Types::parse(words.map(str::trim)).map_err(unknown)
    }

    fn after(&self, headers: &HeaderMap) -> Result<Option<EventId>, Problem> {
        let header = headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or_default());
        match header.filter(|id| !id.is_empty()).or(self.after.as_deref()) {
            None => Ok(None),
            Some(OLDEST) => Ok(Some(EventId::default())),
            Some(id) => EventId::parse(id).map(Some).ok_or_else(|| {
                Problem::new(Code::MalformedRequest, "after, or Last-Event-ID, is the id of an event, or \"oldest\"")
            }),
        }
    }
}

/// Tells what happens to a customer's messages, links and rules, as it happens: server-sent events whose `data` is the
/// event as JSON. Each is told when it is durable, in order, and none is left out: send the last `id` back as
/// Last-Event-ID, and the stream goes on behind it. Where that is too old, it begins with an event `gap`.
#[utoipa::path(
    get, path = "/v1/events", operation_id = "streamEvents", tag = "events",
    params(Wanted, ("Last-Event-ID" = Option<String>, Header, description = "As `after`, and before it: how clients resume by themselves")),
    responses(
        (status = 200, description = "Events without end; this is the `data` of each", body = EventView, content_type = "text/event-stream"),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one than the key's",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The server keeps no events",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "The customer has as many streams open as it may",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn stream(
    State(api): State<Arc<Api>>,
    caller: Caller,
    headers: HeaderMap,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Answer<impl IntoResponse> {
    let customer = caller.customer_of(&api, wanted.customer.as_deref(), Scope::Read)?;
    let store = &api.house.store;
    if !store.keeps().events {
        let how = "the server keeps no events; it does with [events] and hours = 24, or so, in its config file";
        return Err(Problem::new(Code::EventsOff, how));
    }
    let (types, after) = (wanted.types()?, wanted.after(&headers)?);
    let open = api.streams.open(customer)?;
    let id = api.house.directory().customer_at(customer).id.clone();
    // All that is kept has no gap, wherever it begins.
    let after = after.map_or_else(|| store.last_told(), |after| if after.0 == 0 { store.told_floor() } else { after });
    let reader = Reader {
        bell: api.house.bell(&id),
        closing: api.streams.closing.subscribe(),
        customer: id,
        types,
        texts: caller.texts(&api),
        after,
        validity: caller.validity(&api),
        api,
        is_new: true,
        _open: open,
    };
    let head = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((head, stream::body(reader, Reader::next)))
}

/// A client that reads on, and where it is.
struct Reader {
    api: Arc<Api>,
    validity: Validity,
    customer: Arc<str>,
    types: Types,
    texts: Texts,
    /// It has all up to this one.
    after: EventId,
    bell: Bell,
    closing: watch::Receiver<bool>,
    is_new: bool,
    _open: Open,
}

impl Reader {
    /// The next octets, and what comes then.
    async fn next(mut self) -> stream::Piece<Reader> {
        if std::mem::take(&mut self.is_new) {
            // So that a client that is cut off before the first event knows where it was.
            return Some((Ok(self.place("here")), self));
        }
        let heartbeat = Instant::from_std(clock::instant() + HEARTBEAT);
        loop {
            if *self.closing.borrow() {
                return None;
            }
            self.bell.mark_unchanged();
            let page = match self.page().await {
                Ok(page) => page,
                Err(error) => {
                    tracing::error!(customer = &*self.customer, "its events cannot be read: {error}");
                    return Some((Err(error), self));
                }
            };
            // After reading, so that nothing is told to a key that was deleted before.
            if !self.validity.holds(&self.api) {
                return None;
            }
            self.after = page.next;
            let text = self.text(&page);
            if !text.is_empty() {
                return Some((Ok(text), self));
            }
            if page.has_more {
                continue;
            }
            if self.rests_until(heartbeat).await {
                return Some((Ok(self.place("heartbeat")), self));
            }
        }
    }

    /// True when nothing happened until then.
    async fn rests_until(&mut self, heartbeat: Instant) -> bool {
        tokio::select! {
            _ = self.bell.changed() => false,
            _ = self.closing.wait_for(|closing| *closing) => false,
            () = self.validity.ends(&self.api) => false,
            () = tokio::time::sleep_until(heartbeat) => true,
        }
    }

    async fn page(&self) -> io::Result<FeedPage> {
        let (store, customer, after) = (self.api.house.store.clone(), self.customer.clone(), self.after);
        let read = tokio::task::spawn_blocking(move || store.feed(&customer, after, PAGE));
        read.await.map_err(io::Error::other)?
    }

    fn text(&self, page: &FeedPage) -> Bytes {
        let mut text = String::new();
        if let Some(before) = page.gap {
            let gap = EventView::gap(before, clock::now()).json();
            text.push_str(&format!("event: gap\nid: {before}\ndata: {gap}\n\n"));
        }
        for (id, told) in page.events.iter().filter(|(_, told)| self.types.wants(told)) {
            let json = EventView::of(*id, told, self.texts).json();
            text.push_str(&format!("event: {}\nid: {id}\ndata: {json}\n\n", told.kind().name()));
        }
        text.into()
    }

    /// A comment for people, and an id without an event: it counts when the client comes again.
    fn place(&self, comment: &str) -> Bytes {
        format!(": {comment}\nid: {}\n\n", self.after).into()
    }
}
