//! Versions of a rule: activate one, go back.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::Api;
use super::super::auth::{Caller, Scope};
use super::super::body::{Json, PathOf, QueryOf};
use super::super::error::{Answer, ProblemDetails};
use super::super::object::expectation;
use super::view::RuleView;
use super::{Whose, id, shown};
use crate::rules::rollout::Turn;

/// Which version.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    /// `name@version`, or a digest.
    #[schema(example = "alarm@1.2.0")]
    pub(super) plugin: String,
}

pub(super) async fn take(
    api: &Arc<Api>,
    caller: &Caller,
    (name, whose): (&str, &Whose),
    headers: &HeaderMap,
    turn: Turn,
) -> Answer<Response> {
    let id = id(api, caller, (name, whose), Scope::Manage)?;
    api.setup.turn_rule(caller.name(), (id.clone(), expectation(headers)?), turn).await?;
    shown(api, caller, StatusCode::OK, &id)
}

/// Lets every new event run this version; what runs at the moment ends on the one it began with. A version that cannot be
/// loaded changes nothing. The one before stays loaded.
#[utoipa::path(
    post, path = "/v1/rules/{name}/activate", operation_id = "activateRule", tag = "rules",
    params(("name" = String, Path, description = "The rule's name"), Whose),
    request_body = Activation,
    responses(
        (status = 200, description = "It is so, durably, for every new event", body = RuleView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The config file declares the rule, or the version serves already",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 412, description = "The rule is not what If-Match expects",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn activate(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(name): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
    headers: HeaderMap,
    body: Json<Activation>,
) -> Answer<Response> {
    take(&api, &caller, (&name, &whose), &headers, Turn::Activate(body.value.plugin)).await
}

/// Back to the version before, at once: it is still loaded. A canary is ended instead, where there is one.
#[utoipa::path(
    post, path = "/v1/rules/{name}/rollback", operation_id = "rollBackRule", tag = "rules",
    params(("name" = String, Path, description = "The rule's name"), Whose),
    responses(
        (status = 200, description = "It is so, durably, for every new event", body = RuleView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The config file declares the rule, or there is nothing to go back to",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 412, description = "The rule is not what If-Match expects",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 422, description = "The version that would serve cannot be loaded",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn rollback(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(name): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
    headers: HeaderMap,
) -> Answer<Response> {
    take(&api, &caller, (&name, &whose), &headers, Turn::Rollback).await
}
