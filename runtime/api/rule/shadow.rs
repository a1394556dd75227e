//! Shadows: another version beside the one that answers.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::super::Api;
use super::super::auth::Caller;
use super::super::body::{Json, PathOf, QueryOf};
use super::super::error::{Answer, ProblemDetails};
use super::Whose;
use super::turn::{Activation, take};
use super::view::RuleView;
use crate::rules::rollout::Turn;

/// Runs a version on the same events as the one that answers, beside it and on what processor time is left; what it would have
/// done is compared and never performed.
#[utoipa::path(
    post, path = "/v1/rules/{name}/shadow", operation_id = "setShadow", tag = "rules",
    params(("name" = String, Path, description = "The rule's name"), Whose),
    request_body = Activation,
    responses(
        (status = 200, description = "It is so, durably, for every new event", body = RuleView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The config file declares the rule",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 412, description = "The rule is not what If-Match expects",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn set(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(name): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
    headers: HeaderMap,
    body: Json<Activation>,
) -> Answer<Response> {
    take(&api, &caller, (&name, &whose), &headers, Turn::Shadow(body.value.plugin)).await
}

/// Ends the shadow, with its report.
#[utoipa::path(
    delete, path = "/v1/rules/{name}/shadow", operation_id = "endShadow", tag = "rules",
    params(("name" = String, Path, description = "The rule's name"), Whose),
    responses(
        (status = 200, description = "It is so, durably, for every new event", body = RuleView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "There is no shadow",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 412, description = "The rule is not what If-Match expects",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 422, description = "The version that would serve cannot be loaded",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn end(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(name): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
    headers: HeaderMap,
) -> Answer<Response> {
    take(&api, &caller, (&name, &whose), &headers, Turn::EndShadow).await
}
