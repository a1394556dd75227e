//! Queues of messages that wait for links, for the operator.

use std::io;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::auth::Caller;
use super::body::Reply;
use super::error::{Answer, Code, Problem, ProblemDetails};
use crate::binds::Bind;
use crate::clock;
use crate::message::Timestamp;
use crate::relay::House;

#[derive(Serialize, ToSchema)]
pub struct QueueList {
    queues: Vec<QueueView>,
}

#[derive(Serialize, ToSchema)]
pub struct QueueView {
    /// The prefix of a route, or the name of an account: its receipts and its MOs.
    #[schema(example = "+46")]
    pub name: String,
    /// Accounts and upstreams that take from it. None: its messages wait until somebody does, or their time is over.
    peers: Vec<String>,
    /// Binds of those that are up and receive.
    links: usize,
    /// Messages that wait, those that links have in hand and those that are to go out later among them.
    pub messages: usize,
    /// For how many milliseconds the message that waits longest could have gone out; 0: none is due.
    pub overdue_ms: u64,
}

/// Lists the queues in which messages wait for links, by name.
#[utoipa::path(
    get, path = "/v1/queues", operation_id = "listQueues", tag = "operation",
    responses(
        (status = 200, description = "Of all routes and accounts", body = QueueList),
        (status = 404, description = "For a key: only the operator has this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn list(State(api): State<Arc<Api>>, caller: Caller) -> Answer<Reply<QueueList>> {
    caller.must_be_operator()?;
    let queues = all(&api.house, clock::now())
        .map_err(|error| Problem::new(Code::Internal, format!("the queues cannot be read: {error}")))?;
    Ok(Reply(QueueList { queues }))
}

/// Every queue that somebody takes from, or in which something waits.
pub(super) fn all(house: &House, now: Timestamp) -> io::Result<Vec<QueueView>> {
    let (directory, binds, depths) = (house.directory(), house.metrics.binds().all(), house.store.depths());
    let mut queues = Vec::new();
    for queue in &directory.queues {
        let depth = depths.binary_search_by(|depth| depth.queue.cmp(&queue.name));
        let messages = depth.map_or(0, |at| depths[at].messages);
        let peers: Vec<String> = queue.peers.iter().map(|peer| directory.peer(*peer).name.to_string()).collect();
        if peers.is_empty() && messages == 0 {
            continue;
        }
        let overdue_since = if messages > 0 { house.store.overdue_since(&queue.name, now)? } else { None };
        let takes = |bind: &&Arc<Bind>| bind.receives && peers.iter().any(|peer| **peer == *bind.peer);
        queues.push(QueueView {
            name: queue.name.to_string(),
            links: binds.iter().filter(takes).count(),
            peers,
            messages,
            overdue_ms: overdue_since.map_or(0, |since| now.0.saturating_sub(since.0)),
        });
    }
    queues.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(queues)
}
