//! Webhooks of customers: where they lead, what they want to hear, and what nobody took.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::Caller;
use super::body::{Json, PathOf, QueryOf, Reply};
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::key::{Scope, durable, new_id};
use super::rfc3339::Time;
use crate::clock;
use crate::feed::{EventId, Types};
use crate::secret::Secret;
use crate::store::{Edit, HOOK, Hook, HookChange, HookDead, HookWaiting, StoreFailed};
use crate::target::Target;

const PREFIX: &str = "whs_";
const HOOKS_MAX: usize = 20;
const URL_MAX_OCTETS: usize = 2_000;
const TYPES_MAX: usize = 20;
/// Dead letters that one request lists, or replays.
const DEAD_MAX: usize = 1_000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Of {
    /// Whose; a customer's key may leave it out.
    #[param(example = "acme")]
    customer: Option<String>,
}

/// Where events are to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    #[schema(example = "https://hooks.example.net/sms", max_length = 2000)]
    url: String,
    /// Types of events, or `message.*` for all that begin so; without any, all.
    #[serde(default)]
    #[schema(max_items = 20)]
    types: Vec<String>,
}

/// A webhook without its secret.
#[derive(Serialize, ToSchema)]
pub struct WebhookView {
    #[schema(example = "5f2b8c1d9e3a7046")]
    id: String,
    url: String,
    types: Vec<String>,
    created_at: Time,
}

/// A webhook that was made. This is the only time that its secret is shown.
#[derive(Serialize, ToSchema)]
pub struct MadeWebhook {
    #[serde(flatten)]
    view: WebhookView,
    /// What its events are signed with.
    #[schema(example = "whs_…")]
    secret: String,
}

#[derive(Serialize, ToSchema)]
pub struct WebhookList {
    webhooks: Vec<WebhookView>,
}

/// An event that was given up.
#[derive(Serialize, ToSchema)]
pub struct DeadLetter {
    event: String,
    #[serde(rename = "type")]
    kind: String,
    attempts: u32,
    died_at: Time,
    /// What the last attempt came to.
    why: String,
}

#[derive(Serialize, ToSchema)]
pub struct DeadLetters {
    dead: Vec<DeadLetter>,
}

/// What is sent once more.
#[derive(Serialize, ToSchema)]
pub struct Replayed {
    events: usize,
}

fn view(id: &str, hook: Hook) -> WebhookView {
    WebhookView { id: id.to_owned(), url: hook.url, types: hook.types, created_at: hook.created_at.into() }
}

impl Api {
    fn customer_id(&self, caller: &Caller, of: &Of, scope: Scope) -> Answer<String> {
        let customer = caller.customer_of(self, of.customer.as_deref(), scope)?;
        Ok(self.house.directory().customer_at(customer).id.to_string())
    }

    fn hook(&self, caller: &Caller, of: &Of, scope: Scope, id: &str) -> Answer<Hook> {
        let customer = self.customer_id(caller, of, scope)?;
        Hook::read(&self.house.store, id).filter(|hook| hook.customer == customer).ok_or_else(Problem::not_found)
    }

    fn check(&self, caller: &Caller, new: &NewWebhook) -> Answer<()> {
        if let Caller::Key(key) = caller
            && key.texts.are_masked()
        {
            return Err(Problem::new(Code::Forbidden, "texts are masked for this key, and a webhook is told them"));
        }
        if new.url.len() > URL_MAX_OCTETS {
            return Err(Problem::invalid("url", format!("a URL has {URL_MAX_OCTETS} octets at most")));
        }
        Target::parse(&new.url, self.setup.webhooks()).map_err(|why| Problem::invalid("url", why))?;
        let types = Types::parse(new.types.iter().map(String::as_str));
        types.map_err(|word| Problem::invalid("types", format!("there is no type {word:?}")))?;
        if new.types.len() > TYPES_MAX {
            return Err(Problem::invalid("types", format!("{TYPES_MAX} at most; without any, all are sent")));
        }
        Ok(())
    }
}

/// Makes a webhook: what happens from now on is sent to it.
#[utoipa::path(
    post, path = "/v1/webhooks", operation_id = "makeWebhook", tag = "events", params(Of),
    request_body = NewWebhook,
    responses(
        (status = 201, description = "Made, and durable", body = MadeWebhook),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one than the key's",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The customer has as many as it may, or the server keeps no events",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn make(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(of): QueryOf<Of>,
    body: Json<NewWebhook>,
) -> Answer<impl IntoResponse> {
    let customer = api.customer_id(&caller, &of, Scope::Manage)?;
    let (store, new) = (&api.house.store, body.value);
    if !store.keeps().events {
        return Err(Problem::new(Code::EventsOff, "the server keeps no events; see [events] of its config file"));
    }
    api.check(&caller, &new)?;
    if hooks_of(&api, &customer).len() >= HOOKS_MAX {
        return Err(Problem::new(Code::TooMany, format!("this customer has {HOOKS_MAX} webhooks already")));
    }
    let id = new_id().map_err(Problem::no_chance)?;
    let secret = Secret::new().map_err(Problem::no_chance)?.with_prefix(PREFIX);
    let hook = Hook { customer, url: new.url, types: new.types, secret: secret.clone(), created_at: clock::now() };
    // Before the webhook itself in the log: what is told behind it is sent.
    let cursor = vec![HookChange::Cursor(store.last_told())];
    store.change_hook(&hook.customer, &id, cursor, None).map_err(|failed| Problem::store_failed(&failed))?;
    write(&api, &caller, &id, Some(&hook)).await?;
    Ok((StatusCode::CREATED, Reply(MadeWebhook { view: view(&id, hook), secret })))
}

async fn write(api: &Api, caller: &Caller, id: &str, hook: Option<&Hook>) -> Answer<()> {
    let edit = Edit { kind: HOOK, id, who: &caller.name(), now: clock::now() };
    let json = hook.map(|hook| serde_json::to_string(hook).expect("strings and numbers are JSON"));
    durable(|done| api.house.store.change_control(edit, |_| Ok(json), done)).await?;
    api.house.hooks_changed();
    Ok(())
}

fn hooks_of(api: &Api, customer: &str) -> Vec<WebhookView> {
    let all = api.house.store.controls(HOOK, |_| true).into_iter();
    let read = all.filter_map(|(id, control)| Some((id, serde_json::from_str::<Hook>(&control.json).ok()?)));
    read.filter(|(_, hook)| hook.customer == customer).map(|(id, hook)| view(&id, hook)).collect()
}

/// Lists a customer's webhooks.
#[utoipa::path(
    get, path = "/v1/webhooks", operation_id = "listWebhooks", tag = "events", params(Of),
    responses(
        (status = 200, description = "Without their secrets", body = WebhookList),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one than the key's",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn list(State(api): State<Arc<Api>>, caller: Caller, QueryOf(of): QueryOf<Of>) -> Answer<Reply<WebhookList>> {
    let customer = api.customer_id(&caller, &of, Scope::Read)?;
    Ok(Reply(WebhookList { webhooks: hooks_of(&api, &customer) }))
}

/// Shows one.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}", operation_id = "getWebhook", tag = "events",
    params(("id" = String, Path, description = "As it was told when it was made"), Of),
    responses(
        (status = 200, description = "Without its secret", body = WebhookView),
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
) -> Answer<Reply<WebhookView>> {
    Ok(Reply(view(&id, api.hook(&caller, &of, Scope::Read, &id)?)))
}

/// Changes where it leads and what it wants. Its secret stays, and so does what waits for it.
#[utoipa::path(
    put, path = "/v1/webhooks/{id}", operation_id = "putWebhook", tag = "events",
    params(("id" = String, Path, description = "As it was told when it was made"), Of),
    request_body = NewWebhook,
    responses(
        (status = 200, description = "Changed, durably so", body = WebhookView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn put(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    QueryOf(of): QueryOf<Of>,
    body: Json<NewWebhook>,
) -> Answer<Reply<WebhookView>> {
    let hook = api.hook(&caller, &of, Scope::Manage, &id)?;
    api.check(&caller, &body.value)?;
    let hook = Hook { url: body.value.url, types: body.value.types, ..hook };
    write(&api, &caller, &id, Some(&hook)).await?;
    Ok(Reply(view(&id, hook)))
}

/// Deletes it, and what waits for it.
#[utoipa::path(
    delete, path = "/v1/webhooks/{id}", operation_id = "deleteWebhook", tag = "events",
    params(("id" = String, Path, description = "As it was told when it was made"), Of),
    responses(
        (status = 204, description = "Gone, and durably so"),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    QueryOf(of): QueryOf<Of>,
) -> Answer<StatusCode> {
    api.hook(&caller, &of, Scope::Manage, &id)?;
    write(&api, &caller, &id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn dead_of(api: &Api, hook: &Hook, id: &str) -> Answer<Vec<(EventId, HookDead)>> {
    let found = api.house.store.hook_dead(&hook.customer, id, EventId::default(), DEAD_MAX);
    found.map_err(|error| Problem::new(Code::Internal, format!("the dead letters cannot be read: {error}")))
}

/// Lists events that were given up after a day of attempts, the oldest first, 1,000 at most.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}/dead", operation_id = "listDeadEvents", tag = "events",
    params(("id" = String, Path, description = "As it was told when it was made"), Of),
    responses(
        (status = 200, description = "Without their bodies", body = DeadLetters),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn dead(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    QueryOf(of): QueryOf<Of>,
) -> Answer<Reply<DeadLetters>> {
    let hook = api.hook(&caller, &of, Scope::Read, &id)?;
    let letter = |(event, dead): (EventId, HookDead)| DeadLetter {
        event: event.to_string(),
        kind: dead.waiting.kind.to_string(),
        attempts: dead.waiting.attempts,
        died_at: dead.died_at.into(),
        why: dead.why.to_string(),
    };
    Ok(Reply(DeadLetters { dead: dead_of(&api, &hook, &id)?.into_iter().map(letter).collect() }))
}

/// Sends events that were given up once more, 1,000 at most, for another day. It is durable when this answers.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/dead:replay", operation_id = "replayDeadEvents", tag = "events",
    params(("id" = String, Path, description = "As it was told when it was made"), Of),
    responses(
        (status = 200, description = "They wait again", body = Replayed),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn replay(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    QueryOf(of): QueryOf<Of>,
) -> Answer<Reply<Replayed>> {
    let hook = api.hook(&caller, &of, Scope::Manage, &id)?;
    let now = clock::now();
    let again = |(event, dead): (EventId, HookDead)| {
        HookChange::Replay(event, HookWaiting { attempts: 0, due: now, since: now, ..dead.waiting })
    };
    let changes: Vec<HookChange> = dead_of(&api, &hook, &id)?.into_iter().map(again).collect();
    let events = changes.len();
    let (sender, receiver) = oneshot::channel();
    let done = Box::new(move |result: Result<(), StoreFailed>| {
        let _ = sender.send(result); // a client that is gone
    });
    let written = api.house.store.change_hook(&hook.customer, &id, changes, Some(done));
    written.map_err(|failed| Problem::store_failed(&failed))?;
    receiver.await.map_err(|_| Problem::no_answer())?.map_err(|failed| Problem::store_failed(&failed))?;
    api.house.hooks_changed();
    Ok(Reply(Replayed { events }))
}
