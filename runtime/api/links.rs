//! Binds that are up, for the operator.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::auth::Caller;
use super::body::Reply;
use super::error::{Answer, ProblemDetails};

#[derive(Serialize, ToSchema)]
pub struct LinkList {
    links: Vec<LinkView>,
}

#[derive(Serialize, ToSchema)]
pub struct LinkView {
    /// `system_id` of the account, or `name` of the upstream.
    #[schema(example = "sim")]
    account: String,
    /// `transmitter`, `receiver` or `transceiver`.
    #[schema(example = "transceiver")]
    mode: &'static str,
    /// The peer's end of the connection.
    #[schema(example = "192.0.2.7:40312")]
    address: String,
    /// Requests of ours that may be outstanding.
    window: usize,
    /// Those that are.
    window_in_use: usize,
}

/// Lists the binds that are up, the oldest first.
#[utoipa::path(
    get, path = "/v1/links", operation_id = "listLinks", tag = "operation",
    responses(
        (status = 200, description = "Of all accounts and upstreams", body = LinkList),
        (status = 404, description = "For a key: only the operator has this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn list(State(api): State<Arc<Api>>, caller: Caller) -> Answer<Reply<LinkList>> {
    caller.must_be_operator()?;
    let binds = api.house.metrics.binds().all().into_iter();
    let links = binds.map(|bind| LinkView {
        account: bind.peer.to_string(),
        mode: bind.mode,
        address: bind.address.to_string(),
        window: bind.window,
        window_in_use: bind.in_use(),
    });
    Ok(Reply(LinkList { links: links.collect() }))
}
