//! Canaries: another version for some of a rule's devices.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::Api;
use super::super::auth::Caller;
use super::super::body::{Json, PathOf, QueryOf};
use super::super::error::{Answer, ProblemDetails};
use super::Whose;
use super::turn::take;
use super::view::RuleView;
use crate::rules::rollout::Turn;

/// Which version some devices are to have, and how many of them.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CanaryWish {
    /// `name@version`, or a digest.
    #[schema(example = "alarm@1.3.0")]
    plugin: String,
    /// Of the devices, always the same ones; 1 to 99.
    #[schema(example = 10, minimum = 1, maximum = 99)]
    percent: u8,
    /// Percentages that follow by themselves, rising; 100 makes it the version of all.
    #[serde(default)]
    steps: Vec<u8>,
    /// Between the steps. The next one waits for a run of the version, too.
    #[serde(default)]
    every_secs: u64,
}

/// Gives a version to some devices; sent again with the same version it raises or lowers the percentage. It is rolled back by itself
/// when it fails more often than the version of the others, or takes twice as long (docs/OPERATIONS.md has the numbers).
#[utoipa::path(
    post, path = "/v1/rules/{name}/canary", operation_id = "setCanary", tag = "rules",
    params(("name" = String, Path, description = "The rule's name"), Whose),
    request_body = CanaryWish,
    responses(
        (status = 200, description = "It is so, durably, for every new event", body = RuleView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The config file declares the rule, the version serves all, or the percentages make no sense",
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
    body: Json<CanaryWish>,
) -> Answer<Response> {
    let CanaryWish { plugin, percent, steps, every_secs } = body.value;
    take(&api, &caller, (&name, &whose), &headers, Turn::Canary { plugin, percent, steps, every_secs }).await
}

/// Ends the canary: all devices have the active version again.
#[utoipa::path(
    delete, path = "/v1/rules/{name}/canary", operation_id = "endCanary", tag = "rules",
    params(("name" = String, Path, description = "The rule's name"), Whose),
    responses(
        (status = 200, description = "It is so, durably, for every new event", body = RuleView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "There is no canary",
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
    take(&api, &caller, (&name, &whose), &headers, Turn::EndCanary(None)).await
}
