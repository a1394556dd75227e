//! Dead letters: what a customer's rules or peers could not process or deliver. List them, look at one, and have them
//! tried again or dropped (`verbs`).

pub mod verbs;

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::{Caller, Scope};
use super::body::{PathOf, QueryOf, Reply};
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::history::ContentView;
use super::masking::Texts;
use super::paging::check_limit;
use super::rfc3339::Time;
use super::wanted::address;
use crate::message::MessageId;
use crate::occasion::Occasion;
use crate::relay::NotRevived;
use crate::store::{DeadFilter, DeadKind, DeadRecord, Done, StoreFailed};

const LIMIT_MAX: usize = 1_000;

/// What a dead letter was.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DeadLetterKind)]
pub enum KindOf {
    /// An event that a rule failed on.
    Event,
    /// A message that could not be delivered.
    Message,
    /// A part of a long message whose others never came.
    Part,
}

impl From<DeadKind> for KindOf {
    fn from(kind: DeadKind) -> KindOf {
        match kind {
            DeadKind::Event => KindOf::Event,
            DeadKind::Message => KindOf::Message,
            DeadKind::Part => KindOf::Part,
        }
    }
}

impl From<KindOf> for DeadKind {
    fn from(kind: KindOf) -> DeadKind {
        match kind {
            KindOf::Event => DeadKind::Event,
            KindOf::Message => DeadKind::Message,
            KindOf::Part => DeadKind::Part,
        }
    }
}

/// A dead letter.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadMessage)]
pub struct DeadView {
    /// The message's own id, the same when it is tried again.
    #[schema(example = "1a209002b4d00000")]
    id: String,
    customer: String,
    kind: KindOf,
    /// What the rule was called for: `mo`, `receipt`, `timer`, `http_reply` or `request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    /// The rule that failed on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    /// Digest of the component that ran last.
    #[serde(skip_serializing_if = "str::is_empty")]
    version: String,
    /// The queue that it waited in.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    device: String,
    /// The customer's own number or name.
    number: String,
    received_at: Time,
    #[serde(flatten)]
    content: ContentView,
    attempts: u32,
    died_at: Time,
    reason: String,
    /// Where in the rule's code it ended, of one letter only.
    #[serde(skip_serializing_if = "Option::is_none")]
    backtrace: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = DeadMessages)]
pub struct DeadList {
    /// Of the newest message first.
    dead_letters: Vec<DeadView>,
    /// Absent: there are no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Of {
    /// For the operator; a key's is its own.
    customer: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// For the operator; a key's is its own.
    customer: Option<String>,
    #[param(inline)]
    kind: Option<KindOf>,
    /// Of this rule.
    rule: Option<String>,
    /// From or to this device.
    #[param(example = "+46701234567")]
    device: Option<String>,
    /// Died at or after this.
    #[param(inline)]
    since: Option<Time>,
    /// Died before this.
    #[param(inline)]
    until: Option<Time>,
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: usize,
    /// `next` of the page before.
    cursor: Option<String>,
}

fn usual_limit() -> usize {
    100
}

impl From<NotRevived> for Problem {
    fn from(not: NotRevived) -> Problem {
        let detail = not.to_string();
        match not {
            NotRevived::NotFound => Problem::not_found(),
            NotRevived::NoRule(_) | NotRevived::IsPart => Problem::new(Code::DoesNotFit, detail),
            NotRevived::NoText => Problem::invalid("text", detail),
            NotRevived::TooLong => Problem::of_field(Code::TextTooLong, "text", detail),
            NotRevived::QueueFull => Problem::new(Code::QueueFull, detail),
            NotRevived::Unreadable(_) => Problem::new(Code::StoreFailed, detail),
            NotRevived::Store(failed) => Problem::store_failed(&failed),
        }
    }
}

fn view(id: MessageId, dead: &DeadRecord, is_whole: bool, texts: Texts) -> DeadView {
    let backtrace = Some(dead.failure.backtrace.to_string()).filter(|text| is_whole && !text.is_empty());
    DeadView {
        id: id.to_string(),
        customer: dead.customer().to_owned(),
        kind: dead.kind().into(),
        event: dead.occasion().map(Occasion::name),
        rule: dead.rule().map(str::to_owned),
        version: dead.failure.version.to_string(),
        queue: dead.queue().map(str::to_owned),
        device: dead.device().to_string(),
        number: dead.number().to_string(),
        received_at: dead.message().received_at.into(),
        content: ContentView::of(&dead.message().content, texts),
        attempts: dead.attempts(),
        died_at: dead.died_at.into(),
        reason: texts.reason(&dead.failure.reason),
        backtrace,
    }
}

fn number(id: &str) -> Answer<MessageId> {
    MessageId::parse(id.as_bytes()).ok_or_else(Problem::not_found)
}

/// Works on a thread that may wait for the disk, and answers when what it did, or saw, is durable.
pub(super) async fn durable<T: Send + 'static>(work: impl FnOnce(Done) -> Answer<T> + Send + 'static) -> Answer<T> {
    let (sender, receiver) = oneshot::channel::<Result<(), StoreFailed>>();
    let done: Done = Box::new(move |result| {
        let _ = sender.send(result); // a client that is gone
    });
    let worked = tokio::task::spawn_blocking(move || work(done)).await;
    let worked = worked.map_err(|error| Problem::new(Code::Internal, error.to_string()))??;
    let told = receiver.await.map_err(|_| Problem::no_answer())?;
    told.map_err(|failed| Problem::store_failed(&failed))?;
    Ok(worked)
}

/// What was read is durable when this is done.
pub(super) fn barrier(api: &Api, done: Done) -> Answer<()> {
    api.house.store.amend(Vec::new(), Some(done)).map_err(|failed| Problem::store_failed(&failed))
}

impl Api {
    fn whose(&self, caller: &Caller, customer: Option<&str>, scope: Scope) -> Answer<Arc<str>> {
        let index = caller.customer_of(self, customer, scope)?;
        Ok(self.house.directory().customer_at(index).id.clone())
    }
}

/// Lists dead letters.
#[utoipa::path(
    get, path = "/v1/dead-letters", operation_id = "listDeadLetters", tag = "dead letters",
    params(Page),
    responses(
        (status = 200, description = "A page of them", body = DeadList),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one's key",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be read",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(page): QueryOf<Page>,
) -> Answer<Reply<DeadList>> {
    let customer = api.whose(&caller, page.customer.as_deref(), Scope::Read)?;
    check_limit(page.limit, LIMIT_MAX)?;
    let malformed = || Problem::new(Code::MalformedRequest, "cursor is none of ours");
    let read = |text: &str| MessageId::parse(text.as_bytes()).ok_or_else(malformed);
    let behind = page.cursor.as_deref().map(read).transpose()?;
    let filter = DeadFilter {
        kind: page.kind.map(DeadKind::from),
        rule: page.rule.map(Into::into),
        device: address("device", &page.device)?,
        since: page.since.map(|since| since.0),
        until: page.until.map(|until| until.0),
    };
    let texts = caller.texts(&api);
    let listed = durable(move |done| {
        let (mut dead_letters, mut next) = (Vec::new(), None);
        let each = |id: MessageId, dead: DeadRecord| {
            if !filter.accepts(&dead) {
                return true;
            }
            if dead_letters.len() == page.limit {
                next = dead_letters.last().map(|last: &DeadView| last.id.clone());
                return false;
            }
            dead_letters.push(view(id, &dead, false, texts));
            true
        };
        api.house.store.dead_letters(&customer, behind, each).map_err(Problem::unreadable)?;
        barrier(&api, done)?;
        Ok(DeadList { dead_letters, next })
    });
    listed.await.map(Reply)
}

/// Shows a dead letter, with the backtrace of a rule that trapped.
#[utoipa::path(
    get, path = "/v1/dead-letters/{id}", operation_id = "getDeadLetter", tag = "dead letters",
    params(("id" = String, Path, description = "As the list names it"), Of),
    responses(
        (status = 200, description = "As it is", body = DeadView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn get(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    QueryOf(of): QueryOf<Of>,
) -> Answer<Reply<DeadView>> {
    let customer = api.whose(&caller, of.customer.as_deref(), Scope::Read)?;
    let id = number(&id)?;
    let texts = caller.texts(&api);
    let shown = durable(move |done| {
        let dead =
            api.house.store.dead_letter(&customer, id).map_err(Problem::unreadable)?.ok_or_else(Problem::not_found)?;
        barrier(&api, done)?;
        Ok(view(id, &dead, true, texts))
    });
    shown.await.map(Reply)
}
