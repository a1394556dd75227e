//! `GET /v1/caller`: whom the server takes the sender of a request for.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::auth::Caller;
use super::body::Reply;
use super::error::{Answer, Problem, ProblemDetails};
use super::key::{Key, Scope};
use super::masking::Texts;
use super::rfc3339::Time;

/// Whoever sent the request.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = Caller)]
pub enum CallerView {
    Operator {
        /// Always true.
        operator: bool,
        texts: Texts,
    },
    Key {
        /// The key's.
        id: String,
        name: String,
        /// Whose key it is.
        customer: String,
        scopes: Vec<Scope>,
        /// Whether it sees what messages say.
        texts: Texts,
        #[serde(skip_serializing_if = "Option::is_none")]
        expires_at: Option<Time>,
    },
}

/// Tells who the token of the request belongs to, and what it may do.
#[utoipa::path(
    get, path = "/v1/caller", operation_id = "getCaller", tag = "keys",
    responses(
        (status = 200, description = "The operator, or a key with its customer and scopes", body = CallerView),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn get(State(api): State<Arc<Api>>, caller: Caller) -> Answer<Reply<CallerView>> {
    let texts = caller.texts(&api);
    let Caller::Key(caller) = caller else { return Ok(Reply(CallerView::Operator { operator: true, texts })) };
    // It was there when the request was let in.
    let key = Key::read(&api.house.store, &caller.id).ok_or_else(Problem::not_found)?;
    Ok(Reply(CallerView::Key {
        id: caller.id,
        name: key.name,
        customer: key.customer,
        scopes: key.scopes,
        texts,
        expires_at: key.expires_at.map(Time),
    }))
}
