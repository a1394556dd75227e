//! For whoever keeps the process alive and sends traffic to it: needs no token and tells nothing else.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::body::Reply;
use super::error::{Answer, Code, Problem, ProblemDetails};

#[derive(Serialize, ToSchema)]
pub struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Says that the process answers.
#[utoipa::path(
    get, path = "/healthz", operation_id = "alive", tag = "operation", security(()),
    responses((status = 200, description = "It does", body = Health)),
)]
pub async fn alive() -> Reply<Health> {
    Reply(Health { status: "ok" })
}

/// Says whether messages are taken: the SMPP ports are bound before this one, so that it is the store that counts.
#[utoipa::path(
    get, path = "/readyz", operation_id = "ready", tag = "operation", security(()),
    responses(
        (status = 200, description = "They are", body = Health),
        (status = 503, description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn ready(State(api): State<Arc<Api>>) -> Answer<Reply<Health>> {
    match api.house.store.failure() {
        Some(failed) => Err(Problem::new(Code::NotReady, failed.to_string())),
        None => Ok(Reply(Health { status: "ok" })),
    }
}
