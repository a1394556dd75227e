//! Who changed what, for the operator.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::Caller;
use super::body::{QueryOf, Reply};
use super::error::{Answer, Problem, ProblemDetails};
use super::paging::check_limit;
use super::rfc3339::Time;
use crate::store::Audit;

const LIMIT_MAX: usize = 1_000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// Changes behind this number; 0 for the first ones.
    #[serde(default)]
    after: u64,
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: usize,
}

fn usual_limit() -> usize {
    100
}

#[derive(Serialize, ToSchema)]
pub struct AuditList {
    changes: Vec<AuditView>,
}

/// A change of an object, kept for ever.
#[derive(Serialize, ToSchema)]
pub struct AuditView {
    /// Rises by one with each change; the revision of the object from then on.
    number: u64,
    at: Time,
    /// `operator`, or `key` and the key's id.
    who: String,
    /// `customer`, `account`, `upstream`, `key` and so on.
    kind: String,
    id: String,
    /// Absent: it was not there. Secrets are not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    before: Option<Value>,
    /// Absent: it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
}

fn view((number, audit): (u64, Audit)) -> AuditView {
    let value = |json: Option<Box<str>>| json.and_then(|json| serde_json::from_str(&json).ok());
    let Audit { who, at, kind, id, before, after } = audit;
    AuditView {
        number,
        at: at.into(),
        who: who.into(),
        kind: kind.into(),
        id: id.into(),
        before: value(before),
        after: value(after),
    }
}

/// Lists changes of what is set up, the oldest first.
#[utoipa::path(
    get, path = "/v1/audit", operation_id = "listAudit", tag = "operation",
    params(Page),
    responses(
        (status = 200, description = "Those behind `after`; the next page is behind the last number", body = AuditList),
        (status = 404, description = "For a key: only the operator has this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(page): QueryOf<Page>,
) -> Answer<Reply<AuditList>> {
    caller.must_be_operator()?;
    check_limit(page.limit, LIMIT_MAX)?;
    let rows = api.house.store.audit(page.after, page.limit).map_err(Problem::unreadable)?;
    Ok(Reply(AuditList { changes: rows.into_iter().map(view).collect() }))
}
