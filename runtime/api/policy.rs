//! `/v1/customers/{id}/policy`: what a customer's firewall allows, read and changed by itself.
//!
//! It is a part of the customer, whose ETag it has. What bounds the customer as a whole is the operator's to set.

pub mod preview;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Api;
use super::auth::{Caller, Scope};
use super::body::{Json, PathOf};
use super::error::{Answer, Problem, ProblemDetails};
use super::object::{expectation, find, tagged};
use super::rfc3339::Time;
use crate::config::{Kind, Settings};
use crate::setup::{NotSetUp, Object};

/// The field of a customer that has it.
const FIELD: &str = "policy";
/// Limits of the customer as a whole, by the fields in which they are. Overrides of tags and devices have no such.
const OF_THE_OPERATOR: [(&str, &str); 2] = [("rates", "customer"), ("quotas", "customer")];

/// What a customer's policy says.
#[derive(Serialize, ToSchema)]
#[schema(as = Policy)]
pub struct PolicyView {
    #[schema(example = "acme")]
    customer: String,
    /// In the config file: to be changed there only.
    declared: bool,
    /// When the customer was changed here last.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<Time>,
    /// As it is written; what is absent has its default, see docs/FIREWALL.md.
    #[schema(value_type = Object)]
    policy: Value,
}

/// A policy as docs/FIREWALL.md has it.
#[derive(ToSchema)]
#[schema(as = PolicySettings, value_type = Object)]
#[allow(dead_code)] // shows in the description only
pub struct PolicySchema(Map<String, Value>);

fn view(object: Object) -> PolicyView {
    let policy = policy_of(&object);
    let Object { id: customer, made, .. } = object;
    PolicyView { customer, declared: made.is_none(), changed_at: made.map(|made| Time(made.changed_at)), policy }
}

/// A file may have it as a text of JSON.
fn policy_of(object: &Object) -> Value {
    match object.settings.get(FIELD) {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        Some(policy) => policy.clone(),
        None => Value::Object(Map::new()),
    }
}

/// Shows a customer's policy.
#[utoipa::path(
    get, path = "/v1/customers/{id}/policy", operation_id = "getPolicy", tag = "firewall",
    params(("id" = String, Path, description = "The customer")),
    responses(
        (status = 200, description = "As it is", body = PolicyView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn get(State(api): State<Arc<Api>>, caller: Caller, PathOf(id): PathOf<String>) -> Answer<Response> {
    caller.customer(&api, &id, Scope::Read).or_else(|problem| {
        // Who may change it may look at it first.
        caller.customer(&api, &id, Scope::Manage).map_err(|_| problem)
    })?;
    Ok(tagged(StatusCode::OK, find(&api, Kind::Customer, &id)?, view))
}

/// Changes a customer's policy: the body is all of it, what is absent has its default. `rates.customer` and `quotas.customer`
/// are set by the operator, and stay when a key's request leaves them out.
#[utoipa::path(
    put, path = "/v1/customers/{id}/policy", operation_id = "putPolicy", tag = "firewall",
    params(("id" = String, Path, description = "The customer")),
    request_body = PolicySchema,
    responses(
        (status = 200, description = "Changed, durably so; it holds for every message from now on", body = PolicyView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The config file declares the customer",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 412, description = "The customer is not what If-Match expects",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn put(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    headers: HeaderMap,
    body: Json<Settings>,
) -> Answer<Response> {
    caller.customer(&api, &id, Scope::Manage)?;
    let (expect, is_operator) = (expectation(&headers)?, matches!(caller, Caller::Operator));
    let change = move |before: &Object| {
        let mut policy = body.value;
        if !is_operator {
            keep_limits(&mut policy, &policy_of(before))?;
        }
        let mut settings = before.settings.clone();
        settings.insert(FIELD.to_owned(), Value::Object(policy));
        Ok(settings)
    };
    let changed = api.setup.change_one(caller.name(), (Kind::Customer, id.clone()), expect, change).await;
    changed.map_err(told)?;
    Ok(tagged(StatusCode::OK, find(&api, Kind::Customer, &id)?, view))
}

/// Fields are named as the body has them.
fn told(not_set_up: NotSetUp) -> Problem {
    match not_set_up {
        NotSetUp::Unreadable { field, detail, .. } => {
            let own = field.strip_prefix("policy.").unwrap_or(&field).to_owned();
            Problem::invalid(&own, format!("{own}: {detail}; docs/FIREWALL.md has all fields"))
        }
        other => other.into(),
    }
}

/// What the operator set stays; a key that wants something else is told.
fn keep_limits(policy: &mut Settings, before: &Value) -> Result<(), NotSetUp> {
    for (group, limit) in OF_THE_OPERATOR {
        let set = before[group][limit].clone();
        let wanted = policy.get(group).and_then(|group| group.get(limit));
        if wanted.is_some_and(|wanted| *wanted != set) {
            let field = format!("policy.{group}.{limit}");
            let detail = "it is the operator's to set; leave it out, and it stays as it is".to_owned();
            return Err(NotSetUp::Unreadable { kind: Kind::Customer, id: String::new(), field, detail });
        }
        if !set.is_null()
            && let Value::Object(fields) = policy.entry(group).or_insert_with(|| Value::Object(Map::new()))
        {
            fields.insert(limit.to_owned(), set);
        }
    }
    Ok(())
}
