//! Binds that are up, what became of others, and the end of one, for the operator.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::Caller;
use super::body::{PathOf, QueryOf, Reply};
use super::error::{Answer, Problem, ProblemDetails};
use super::key::durable;
use super::paging::check_limit;
use super::rfc3339::Time;
use crate::binds::{Bind, BindEvent};
use crate::clock;
use crate::relay::PAUSE;
use crate::store::Audit;

/// As the audit calls a bind that somebody dropped.
const KIND: &str = "link";
const LIMIT_MAX: usize = 1_000;

#[derive(Serialize, ToSchema)]
pub struct LinkList {
    links: Vec<LinkView>,
}

#[derive(Serialize, ToSchema)]
pub struct LinkView {
    /// Of this bind alone; another bind of the account has another one.
    #[schema(example = "19acf2b8c40-3")]
    id: String,
    /// `system_id` of the account, or `name` of the upstream.
    #[schema(example = "sim")]
    account: String,
    /// `transmitter`, `receiver` or `transceiver`.
    #[schema(example = "transceiver")]
    mode: &'static str,
    /// The peer's end of the connection.
    #[schema(example = "192.0.2.7:40312")]
    address: String,
    /// When it was bound.
    since: Time,
    /// Requests of ours that may be outstanding.
    window: usize,
    /// Those that are.
    window_in_use: usize,
    /// Its account or upstream is paused.
    paused: bool,
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
    let binds = api.house.metrics.binds().named().into_iter();
    let links = binds.map(|(id, bind)| LinkView {
        id,
        account: bind.peer.to_string(),
        mode: bind.mode,
        address: bind.address.to_string(),
        since: bind.since.into(),
        window: bind.window,
        window_in_use: bind.in_use(),
        paused: api.house.store.control(PAUSE, &bind.peer).is_some(),
    });
    Ok(Reply(LinkList { links: links.collect() }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// `system_id` of an account, or `name` of an upstream; without it, of all.
    #[param(example = "sim")]
    account: Option<String>,
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: usize,
}

fn usual_limit() -> usize {
    100
}

#[derive(Serialize, ToSchema)]
pub struct LinkHistory {
    events: Vec<LinkEventView>,
}

#[derive(Serialize, ToSchema)]
pub struct LinkEventView {
    at: Time,
    /// Of an account or upstream; of a bind that was refused, what it gave as `system_id`.
    #[schema(example = "sim")]
    account: String,
    /// `bound`, `unbound`, `refused`: a bind, or `unreachable`: an upstream that we could not connect to.
    #[schema(example = "unbound")]
    what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    /// The peer's end of the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Why it ended, or was refused.
    #[serde(skip_serializing_if = "str::is_empty")]
    #[schema(value_type = Option<String>, example = "the peer closed the connection without unbind")]
    why: Box<str>,
}

impl From<BindEvent> for LinkEventView {
    fn from(event: BindEvent) -> LinkEventView {
        let BindEvent { at, account, what, mode, address, why } = event;
        let address = address.map(|address| address.to_string());
        LinkEventView { at: at.into(), account: account.to_string(), what: what.name(), mode, address, why }
    }
}

/// Tells which binds came up, ended and were refused since the start of the server, the newest first: the last hundred of each account and
/// upstream, and the last hundred of those who have no account.
#[utoipa::path(
    get, path = "/v1/links/history", operation_id = "listLinkHistory", tag = "operation",
    params(Wanted),
    responses(
        (status = 200, description = "What happened, and why", body = LinkHistory),
        (status = 404, description = "For a key: only the operator has this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn history(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Answer<Reply<LinkHistory>> {
    caller.must_be_operator()?;
    check_limit(wanted.limit, LIMIT_MAX)?;
    let events = api.house.metrics.binds().history(wanted.account.as_deref(), wanted.limit);
    Ok(Reply(LinkHistory { events: events.into_iter().map(LinkEventView::from).collect() }))
}

pub fn find(api: &Api, id: &str) -> Answer<Arc<Bind>> {
    api.house.metrics.binds().find(id).ok_or_else(Problem::not_found)
}

/// Ends a bind: nothing new is sent on it, what is under way gets its answer, for five seconds at most, and then it is sent unbind. What
/// was not answered goes out on another bind. Its account may bind again at once, and to an upstream the server does; a pause keeps messages
/// from both.
#[utoipa::path(
    delete, path = "/v1/links/{id}", operation_id = "dropLink", tag = "operation",
    params(("id" = String, Path, description = "As the list of links has it")),
    responses(
        (status = 202, description = "It ends; that is in the audit"),
        (status = 404, description = "There is no such bind any more; for a key: only the operator has this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn drop_it(State(api): State<Arc<Api>>, caller: Caller, PathOf(id): PathOf<String>) -> Answer<StatusCode> {
    caller.must_be_operator()?;
    let bind = find(&api, &id)?;
    let before = serde_json::json!({ "account": &*bind.peer, "mode": bind.mode, "address": bind.address.to_string() });
    let audit = Audit {
        who: caller.name().into(),
        at: clock::now(),
        kind: KIND.into(),
        id: id.into(),
        before: Some(before.to_string().into()),
        after: None,
    };
    durable(|done| {
        let noted = api.house.store.change_audited(Vec::new(), &audit, done);
        noted.map(drop).map_err(|failed| Problem::store_failed(&failed))
    })
    .await?;
    bind.drop_it();
    Ok(StatusCode::ACCEPTED)
}
