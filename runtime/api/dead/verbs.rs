//! Dead letters: try one again or drop it, or all that a filter wants.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::Api;
use super::super::auth::{Caller, Scope};
use super::super::body::{Json, PathOf, QueryOf, Reply};
use super::super::error::{Answer, ProblemDetails};
use super::super::rfc3339::Time;
use super::super::wanted::address;
use super::{KindOf, Of, durable, number};
use crate::clock;
use crate::relay::{DeadVerb, change_all_dead, change_dead};
use crate::store::{DeadFilter, DeadKind};

/// How a dead letter is tried again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeadLetterRetry)]
pub struct Retry {
    /// In the place of what was said; without it, as it was.
    text: Option<String>,
}

/// Which dead letters; `{}` for all.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeadLetterFilter)]
pub struct Wanted {
    kind: Option<KindOf>,
    /// Of this rule.
    rule: Option<String>,
    /// From or to this device.
    #[schema(example = "+46701234567")]
    device: Option<String>,
    /// Died at or after this.
    since: Option<Time>,
    /// Died before this.
    until: Option<Time>,
}

/// What became of them.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadLettersChanged)]
pub struct Changed {
    /// Those that are dead letters no more.
    changed: usize,
    /// Those that cannot be tried again now, and stay: parts, those of rules that are gone, and those for which there is
    /// no room.
    left: usize,
}

async fn one(
    api: Arc<Api>,
    caller: Caller,
    (id, of): (String, Of),
    (verb, text): (DeadVerb, Option<String>),
) -> Answer<Reply<Changed>> {
    let customer = api.whose(&caller, of.customer.as_deref(), Scope::Manage)?;
    let (id, by) = (number(&id)?, caller.name());
    let change =
        move |done| Ok(change_dead(&api.house, &customer, (id, verb, text.as_deref()), &by, clock::now(), done)?);
    durable(change).await?;
    Ok(Reply(Changed { changed: 1, left: 0 }))
}

async fn all(api: Arc<Api>, caller: Caller, (of, wanted): (Of, Wanted), verb: DeadVerb) -> Answer<Reply<Changed>> {
    let customer = api.whose(&caller, of.customer.as_deref(), Scope::Manage)?;
    let filter = DeadFilter {
        kind: wanted.kind.map(DeadKind::from),
        rule: wanted.rule.map(Into::into),
        device: address("device", &wanted.device)?,
        since: wanted.since.map(|since| since.0),
        until: wanted.until.map(|until| until.0),
    };
    let by = caller.name();
    let change = move |done| Ok(change_all_dead(&api.house, &customer, (&filter, verb), &by, clock::now(), done)?);
    let done = durable(change).await?;
    Ok(Reply(Changed { changed: done.done, left: done.left }))
}

/// Tries a dead letter again, with all its attempts. An event runs behind whatever waits for its device and rule, under
/// the same id; a message goes where its device is reached now. What its sender was told of it stays as it is.
#[utoipa::path(
    post, path = "/v1/dead-letters/{id}/retry", operation_id = "retryDeadLetter", tag = "dead letters",
    params(("id" = String, Path, description = "As the list names it"), Of),
    request_body = Retry,
    responses(
        (status = 200, description = "It waits again, durably so", body = Changed),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "It is a part of a message, or its rule is gone",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "There is no room now; see Retry-After",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn retry(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    QueryOf(of): QueryOf<Of>,
    body: Json<Retry>,
) -> Answer<Reply<Changed>> {
    one(api, caller, (id, of), (DeadVerb::Retry, body.value.text)).await
}

/// Drops a dead letter for good.
#[utoipa::path(
    post, path = "/v1/dead-letters/{id}/drop", operation_id = "dropDeadLetter", tag = "dead letters",
    params(("id" = String, Path, description = "As the list names it"), Of),
    responses(
        (status = 200, description = "It is gone, durably so", body = Changed),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn drop(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    QueryOf(of): QueryOf<Of>,
) -> Answer<Reply<Changed>> {
    one(api, caller, (id, of), (DeadVerb::Drop, None)).await
}

/// Tries all again that a filter wants, the oldest first.
#[utoipa::path(
    post, path = "/v1/dead-letters:retry", operation_id = "retryDeadLetters", tag = "dead letters",
    params(Of), request_body = Wanted,
    responses(
        (status = 200, description = "They wait again, durably so", body = Changed),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one's key",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "There is no room now; see Retry-After",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn retry_all(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(of): QueryOf<Of>,
    body: Json<Wanted>,
) -> Answer<Reply<Changed>> {
    all(api, caller, (of, body.value), DeadVerb::Retry).await
}

/// Drops all for good that a filter wants.
#[utoipa::path(
    post, path = "/v1/dead-letters:drop", operation_id = "dropDeadLetters", tag = "dead letters",
    params(Of), request_body = Wanted,
    responses(
        (status = 200, description = "They are gone, durably so", body = Changed),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one's key",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn drop_all(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(of): QueryOf<Of>,
    body: Json<Wanted>,
) -> Answer<Reply<Changed>> {
    all(api, caller, (of, body.value), DeadVerb::Drop).await
}
