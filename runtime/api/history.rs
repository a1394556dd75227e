//! What happened to messages: lists of them, and all that happened to one. There is nothing where `[history]` is off.

use std::io;
use std::sync::Arc;

use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};
use wasmsc_smpp::text::Payload;

use super::Api;
use super::auth::Caller;
use super::body::{PathOf, QueryOf, Reply};
use super::compose::Octets;
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::fields::FieldsView;
use super::key::Scope;
use super::masking::Texts;
use super::message::LifeState;
use super::paging::{check_limit, no_cursor};
use super::rfc3339::Time;
use super::wanted::{Way, query};
use crate::clock;
use crate::message::{Content, MessageId, Timestamp};
use crate::store::{Bounds, Found, Store};
use crate::timeline::{Event, Filter, Happened, Listed};

const LIMIT_MAX: usize = 1_000;
/// Messages that one request looks at: some tens of milliseconds.
pub const SCAN_MAX: usize = 10_000;
/// Requests that read the history at once. The others wait for them, and the house for none of them.
const READERS_MAX: usize = 4;

query! {
    Page {
        /// So many messages at most.
        #[serde(default = "usual_limit")]
        #[param(minimum = 1, maximum = 1000, default = 100)]
        limit: usize,
        /// `next` of the page before.
        cursor: Option<String>,
    }
}

fn usual_limit() -> usize {
    100
}

/// Lets few read at once.
pub struct Readers(Arc<Semaphore>);

impl Default for Readers {
    fn default() -> Readers {
        Readers(Arc::new(Semaphore::new(READERS_MAX)))
    }
}

impl Readers {
    /// Reads beside the requests, on a thread that may take long.
    pub async fn read<T: Send + 'static>(
        &self,
        store: &Arc<Store>,
        question: impl FnOnce(&Store) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let permit = self.0.clone().acquire_owned().await.map_err(io::Error::other)?;
        let store = store.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let answer = question(&store);
            drop((store, permit));
            answer
        });
        answer.await.map_err(io::Error::other)?
    }
}

pub fn unreadable(error: io::Error) -> Problem {
    Problem::new(Code::Internal, format!("the history cannot be read: {error}"))
}

impl Api {
    /// Whose history a request may read, and since when it does; a problem where there is none.
    pub fn history_of(&self, caller: &Caller, customer: Option<&str>) -> Answer<(Arc<str>, Option<Timestamp>)> {
        self.history_for(caller, customer, Scope::Read)
    }

    /// The same for something else than reading lists.
    pub fn history_for(
        &self,
        caller: &Caller,
        customer: Option<&str>,
        scope: Scope,
    ) -> Answer<(Arc<str>, Option<Timestamp>)> {
        let customer = caller.customer_of(self, customer, scope)?;
        if !self.house.store.keeps_history() {
            let how = "the server keeps no history; it does with [history] and days = 7, or so, in its config file";
            return Err(Problem::new(Code::HistoryOff, how));
        }
        let directory = self.house.directory();
        let customer = directory.customer_at(customer);
        // On disk it is over some time later.
        let keep_ms = customer.retention_ms.unwrap_or(directory.retention_ms);
        Ok((customer.id.clone(), Some(Timestamp(clock::now().0.saturating_sub(keep_ms)))))
    }
}

/// Messages, the newest first.
#[derive(Serialize, ToSchema)]
pub struct MessageList {
    messages: Vec<MessageEntry>,
    /// The `cursor` of the next page. It may be there though this page is short, or empty: one request looks at so many
    /// messages only. Absent: that was all.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A message as the history has it.
#[derive(Serialize, ToSchema)]
pub struct MessageEntry {
    #[schema(example = "1a209002b4d00000")]
    pub id: String,
    pub direction: Way,
    /// The account, the upstream or the rule that sent it; `api` for one of the API.
    pub by: String,
    pub from: String,
    pub to: String,
    pub state: LifeState,
    /// Of the network, or of the peer that refused it; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<u16>,
    pub received_at: Time,
    /// Not before this, while it is scheduled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// Calls of its rule, or peers that were asked to take it.
    pub attempts: u32,
    /// The MO that a rule answered with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub tag: String,
    #[serde(flatten)]
    pub content: ContentView,
}

/// What a message says: a text, or octets.
#[derive(Serialize, ToSchema)]
pub struct ContentView {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "WM1 CLOSE")]
    pub text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary: Option<Octets>,
    /// True where it says something that is not shown to whoever asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masked: Option<bool>,
}

impl ContentView {
    pub fn of(content: &Content, texts: Texts) -> ContentView {
        if texts.are_masked() {
            return ContentView { text: None, binary: None, masked: Some(true) };
        }
        match content.payload() {
            Payload::Text(text) => ContentView { text: Some(text), binary: None, masked: None },
            Payload::Binary(octets) => ContentView { text: None, binary: Some(Octets::of(&octets)), masked: None },
        }
    }
}

impl MessageEntry {
    pub fn of(listed: &Listed, now: Timestamp, texts: Texts) -> MessageEntry {
        let received = &listed.received;
        let state = LifeState::from(listed.state_at(now));
        MessageEntry {
            id: listed.id.to_string(),
            direction: received.direction.into(),
            by: received.by.to_string(),
            from: received.message.source.to_string(),
            to: received.message.destination.to_string(),
            due_at: (state == LifeState::Scheduled).then_some(Time(received.due)),
            state,
            error: Some(listed.error).filter(|error| *error != 0),
            received_at: received.message.received_at.into(),
            ended_at: listed.ended_at.map(Time),
            attempts: listed.attempts,
            cause: received.cause.map(|cause| cause.to_string()),
            tag: received.tag.to_string(),
            content: ContentView::of(&received.message.content, texts),
        }
    }
}

/// A page behind a message.
pub async fn page(
    api: &Api,
    customer: &Arc<str>,
    filter: &Arc<Filter>,
    (after, bounds): (Option<MessageId>, Bounds),
) -> io::Result<Found> {
    let (customer, filter) = (customer.clone(), filter.clone());
    api.readers.read(&api.house.store, move |store| store.messages(&customer, &filter, after, bounds)).await
}

/// Stable: it names the last message that was looked at.
pub fn cursor(of: MessageId) -> String {
    URL_SAFE_NO_PAD.encode(of.to_key())
}

pub fn behind(cursor: &str) -> Result<MessageId, Problem> {
    let key = URL_SAFE_NO_PAD.decode(cursor).ok().filter(|key| key.len() == MessageId::KEY_OCTETS);
    let id = key.and_then(|key| MessageId::from_key(&key));
    id.ok_or_else(no_cursor)
}

/// Lists messages that the history has, MOs and MTs, the newest first.
#[utoipa::path(
    get, path = "/v1/messages", operation_id = "listMessages", tag = "messages",
    params(Page),
    responses(
        (status = 200, description = "Those that are wanted", body = MessageList),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one than the key's",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The server keeps no history",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 500, description = "The history cannot be read",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(wanted): QueryOf<Page>,
) -> Answer<Reply<MessageList>> {
    let (customer, since) = api.history_of(&caller, wanted.customer.as_deref())?;
    check_limit(wanted.limit, LIMIT_MAX)?;
    let now = clock::now();
    let texts = caller.texts(&api);
    let filter = Arc::new(wanted.filter(&customer, texts, now)?.not_before(since));
    let after = wanted.cursor.as_deref().map(behind).transpose()?;
    let bounds = Bounds { limit: wanted.limit, scan_max: SCAN_MAX };
    let found = page(&api, &customer, &filter, (after, bounds)).await.map_err(unreadable)?;
    let messages = found.messages.iter().map(|listed| MessageEntry::of(listed, now, texts)).collect();
    Ok(Reply(MessageList { messages, next: found.next.map(cursor) }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Of {
    /// Whose message; a customer's key may leave it out.
    #[param(example = "acme")]
    customer: Option<String>,
}

impl Of {
    pub fn customer(&self) -> Option<&str> {
        self.customer.as_deref()
    }
}

/// All that happened to a message, in order.
#[derive(Serialize, ToSchema)]
pub struct Timeline {
    id: String,
    events: Vec<EventView>,
}

/// One event of a message's life.
#[derive(Serialize, ToSchema)]
pub struct EventView {
    at: Time,
    #[serde(flatten)]
    what: What,
}

#[derive(Serialize, ToSchema)]
#[serde(tag = "event", rename_all = "lowercase")]
#[schema(as = Happening)]
enum What {
    /// It came into the house, so written.
    Received { message: Box<MessageEntry>, fields: Box<FieldsView> },
    /// Its rule ran, and sent so many messages.
    Ran { rule: String, sent: u16 },
    /// A rule or a peer could not; without `again_at` it is not asked again.
    Failed {
        by: String,
        attempt: u32,
        error: u16,
        why: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        again_at: Option<Time>,
    },
    /// A peer took it, under these ids of its own: one for each SMS.
    Sent { peer: String, ids: Vec<String> },
    /// A receipt of the network for one of its SMS, from 1.
    Receipt { peer: String, sms: u16, state: LifeState, error: u16 },
    /// Another text or time took the place of the old one.
    Replaced {
        due_at: Time,
        #[serde(flatten)]
        content: ContentView,
        fields: Box<FieldsView>,
    },
    /// The firewall did not let it in; `reason` is a code of docs/FIREWALL.md.
    Refused { reason: String },
    /// It is a dead letter, see `/v1/dead-letters`: a rule or a queue could not, after so many attempts.
    Dead { by: String, attempts: u32, why: String },
    /// The dead letter is tried again, as if it came now; `edited`: with another text.
    Retried { by: String, edited: bool },
    /// The dead letter was dropped.
    Dropped { by: String },
    /// Nothing more will happen, unless its owner has a dead letter tried again.
    Ended { state: LifeState, error: u16 },
}

fn what(id: MessageId, happened: &Happened, texts: Texts) -> What {
    match &happened.event {
        Event::Received(received) => {
            let listed = Listed::new(id, (**received).clone());
            let fields = Box::new(FieldsView::of(&received.message.content, texts));
            What::Received { message: Box::new(MessageEntry::of(&listed, happened.at, texts)), fields }
        }
        Event::Ran { rule, sent } => What::Ran { rule: rule.to_string(), sent: *sent },
        Event::Failed { by, attempt, error, why, again } => What::Failed {
            by: by.to_string(),
            attempt: *attempt,
            error: *error,
            why: texts.reason(why),
            again_at: again.map(Time),
        },
        Event::Sent { peer, ids } => {
            let ids = ids.iter().map(|id| String::from_utf8_lossy(id).into_owned()).collect();
            What::Sent { peer: peer.to_string(), ids }
        }
        Event::Receipt { peer, part, state, error } => What::Receipt {
            peer: peer.to_string(),
            sms: u16::from(*part) + 1,
            state: LifeState::of_octet(*state),
            error: *error,
        },
        Event::Replaced { content, due } => {
            let fields = Box::new(FieldsView::of(content, texts));
            What::Replaced { due_at: Time(*due), content: ContentView::of(content, texts), fields }
        }
        Event::Refused { reason } => What::Refused { reason: reason.to_string() },
        Event::Ended { state, error } => What::Ended { state: LifeState::of_octet(*state), error: *error },
        Event::Buried { by, attempts, why } => {
            What::Dead { by: by.to_string(), attempts: *attempts, why: texts.reason(why) }
        }
        Event::Revived { by, is_edited } => What::Retried { by: by.to_string(), edited: *is_edited },
        Event::Dropped { by } => What::Dropped { by: by.to_string() },
    }
}

/// Tells all that happened to a message, MO or MT.
#[utoipa::path(
    get, path = "/v1/messages/{id}/timeline", operation_id = "tellMessage", tag = "messages",
    params(("id" = String, Path, description = "As the list names it, or the answer that accepted it"), Of),
    responses(
        (status = 200, description = "In order", body = Timeline),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The server keeps no history",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 500, description = "The history cannot be read",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn timeline(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    QueryOf(of): QueryOf<Of>,
) -> Answer<Reply<Timeline>> {
    let (customer, since) = api.history_of(&caller, of.customer.as_deref())?;
    let id = MessageId::parse(id.as_bytes()).ok_or_else(Problem::not_found)?;
    let read = api.readers.read(&api.house.store, move |store| store.timeline(&customer, id)).await;
    let happened = read.map_err(unreadable)?;
    // Without its beginning it is over, though an event may be left of it.
    let is_there = |first: &&Happened| matches!(first.event, Event::Received(_)) && since <= Some(first.at);
    if happened.first().filter(is_there).is_none() {
        return Err(Problem::not_found());
    }
    let texts = caller.texts(&api);
    let events = happened.iter().map(|one| EventView { at: one.at.into(), what: what(id, one, texts) }).collect();
    Ok(Reply(Timeline { id: id.to_string(), events }))
}
