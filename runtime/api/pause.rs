//! Pauses: accounts and upstreams to which nothing new is sent until the operator says so.
//!
//! A pause is an object of its own, named as the account is: so one of the config file can be paused as well, and a restart changes nothing.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::auth::Caller;
use super::body::{Json, PathOf, Reply};
use super::error::{Answer, Problem, ProblemDetails};
use super::key::durable;
use super::rfc3339::Time;
use crate::clock;
use crate::relay::PAUSE;
use crate::store::{Control, Edit};

const REASON_MAX_CHARS: usize = 200;

#[derive(Serialize, ToSchema)]
pub struct PauseList {
    pauses: Vec<PauseView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Pause)]
pub struct PauseView {
    /// `system_id` of the account, or `name` of the upstream.
    #[schema(example = "sim")]
    account: String,
    /// Since when, or since when for this reason.
    since: Time,
    reason: String,
}

/// Why.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPause {
    /// For whoever finds it paused; 200 characters at most.
    #[serde(default)]
    #[schema(example = "the network does maintenance until 06:00")]
    reason: String,
}

fn view((account, control): (Box<str>, Control)) -> PauseView {
    let pause: NewPause = serde_json::from_str(&control.json).unwrap_or_default();
    PauseView { account: account.into(), since: control.changed_at.into(), reason: pause.reason }
}

/// Lists the accounts and upstreams that are paused, by name.
#[utoipa::path(
    get, path = "/v1/pauses", operation_id = "listPauses", tag = "operation",
    responses(
        (status = 200, description = "All of them", body = PauseList),
        (status = 404, description = "For a key: only the operator has this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn list(State(api): State<Arc<Api>>, caller: Caller) -> Answer<Reply<PauseList>> {
    caller.must_be_operator()?;
    let pauses = api.house.store.controls(PAUSE, |_| true).into_iter().map(view).collect();
    Ok(Reply(PauseList { pauses }))
}

/// Pauses an account or upstream: nothing new is sent to it, neither messages nor receipts, until the pause is deleted, over restarts, too. Its
/// binds stay and it may bind; what it submits is taken, and what it has in hand gets its answer. Its queues wait, unless another account or
/// upstream takes from them.
#[utoipa::path(
    put, path = "/v1/pauses/{account}", operation_id = "putPause", tag = "operation",
    params(("account" = String, Path, description = "`system_id` of the account, or `name` of the upstream", example = "sim")),
    request_body = NewPause,
    responses(
        (status = 200, description = "It was paused already, and has this reason now", body = PauseView),
        (status = 201, description = "It is paused, durably so", body = PauseView),
        (status = 404, description = "There is no such account or upstream; for a key: only the operator has this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn put(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(account): PathOf<String>,
    body: Json<NewPause>,
) -> Answer<Response> {
    caller.must_be_operator()?;
    let pause = body.value;
    if pause.reason.chars().count() > REASON_MAX_CHARS || pause.reason.chars().any(char::is_control) {
        let detail = format!("a reason has {REASON_MAX_CHARS} characters at most, none to control");
        return Err(Problem::invalid("reason", detail));
    }
    let is_there = |peer: &Arc<crate::route::Peer>| *peer.name == *account && !peer.is_gone();
    if !api.house.directory().peers.iter().any(is_there) {
        return Err(Problem::not_found());
    }
    let json = serde_json::to_string(&pause).expect("a string is JSON");
    let is_new = change(&api, &caller, &account, Some(json)).await?;
    let control = api.house.store.control(PAUSE, &account).ok_or_else(Problem::not_found)?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Reply(view((account.into(), control)))).into_response())
}

/// Ends a pause: what waits goes out.
#[utoipa::path(
    delete, path = "/v1/pauses/{account}", operation_id = "deletePause", tag = "operation",
    params(("account" = String, Path, description = "`system_id` of the account, or `name` of the upstream", example = "sim")),
    responses(
        (status = 204, description = "It goes on, and durably so"),
        (status = 404, description = "It is not paused; for a key: only the operator has this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(account): PathOf<String>,
) -> Answer<StatusCode> {
    caller.must_be_operator()?;
    change(&api, &caller, &account, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether there was none before.
async fn change(api: &Api, caller: &Caller, account: &str, to: Option<String>) -> Answer<bool> {
    let mut is_new = false;
    let edit = Edit { kind: PAUSE, id: account, who: &caller.name(), now: clock::now() };
    durable(|done| {
        let decide = |before: Option<&Control>| {
            is_new = before.is_none();
            if is_new && to.is_none() { Err(Problem::not_found()) } else { Ok(to) }
        };
        api.house.store.change_control(edit, decide, done)
    })
    .await?;
    api.house.pauses_changed();
    Ok(is_new)
}
