//! `/v1/rules`: which plugin answers which MOs of a customer, declared in the config file or made here, and how it fares.
//!
//! A rule belongs to a customer, who may change it; what one call may use up is held to ceilings of the operator's.

pub mod canary;
pub mod shadow;
pub mod turn;
mod view;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::{Caller, Scope};
use super::body::{Json, PathOf, QueryOf, Reply};
use super::error::{Answer, Problem, ProblemDetails};
use super::object::{SettingsSchema, expectation, find, tagged};
use crate::config::{Kind, Settings};
use crate::setup::{Action, Edit};
use view::RuleView;

/// Ceilings of a customer's own rules, beside those of `[plugins]`.
const OF_CUSTOMERS: [(&str, u64); 5] =
    [("messages_max", 100), ("state_kib", 1_024), ("attempts_max", 20), ("timers_max", 200), ("http_calls_max", 20)];

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Whose {
    /// For the operator; a key's is its own.
    #[param(example = "acme")]
    customer: Option<String>,
}

impl Whose {
    pub fn customer(&self) -> Option<&str> {
        self.customer.as_deref()
    }
}

#[derive(Serialize, ToSchema)]
pub struct RuleList {
    rules: Vec<RuleView>,
}

/// As it is called among all rules.
fn id(api: &Api, caller: &Caller, (name, whose): (&str, &Whose), scope: Scope) -> Answer<String> {
    let customer = caller.customer_of(api, whose.customer.as_deref(), scope)?;
    Ok(format!("{}/{name}", api.house.directory().customer_at(customer).id))
}

fn shown(api: &Api, caller: &Caller, status: StatusCode, id: &str) -> Answer<Response> {
    Ok(tagged(status, find(api, Kind::Rule, id)?, |object| view::rule(api, object, caller)))
}

/// Lists rules, declared or made, with what became of their runs. The operator may leave the customer out.
#[utoipa::path(
    get, path = "/v1/rules", operation_id = "listRules", tag = "rules",
    params(Whose),
    responses(
        (status = 200, description = "By customer and name", body = RuleList),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one's key",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(whose): QueryOf<Whose>,
) -> Answer<Reply<RuleList>> {
    let prefix = match matches!(caller, Caller::Operator) && whose.customer.is_none() {
        true => String::new(),
        false => id(&api, &caller, ("", &whose), Scope::Read)?,
    };
    let all = api.setup.list(Kind::Rule).into_iter().filter(|object| object.id.starts_with(&prefix));
    Ok(Reply(RuleList { rules: all.map(|object| view::rule(&api, object, &caller)).collect() }))
}

/// Shows a rule: its settings, the versions that are loaded and how their runs ended, and how it came to them.
#[utoipa::path(
    get, path = "/v1/rules/{name}", operation_id = "getRule", tag = "rules",
    params(("name" = String, Path, description = "The rule's name"), Whose),
    responses(
        (status = 200, description = "As it is", body = RuleView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn get(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(name): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
) -> Answer<Response> {
    let id = id(&api, &caller, (&name, &whose), Scope::Read)?;
    shown(&api, &caller, StatusCode::OK, &id)
}

/// Makes a rule or changes it: the body has all its settings, with the names of the config file's `[[rule]]`, and `plugin`
/// (`name@version` or a digest) in place of `component`. What cannot be loaded changes nothing. Events that wait for the rule run.
#[utoipa::path(
    put, path = "/v1/rules/{name}", operation_id = "putRule", tag = "rules",
    params(("name" = String, Path, description = "The rule's name"), Whose),
    request_body = SettingsSchema,
    responses(
        (status = 200, description = "Changed, durably so; new events run on it", body = RuleView),
        (status = 201, description = "Made, durably so", body = RuleView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The config file declares it, or it would not fit the others",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 412, description = "It is not what If-Match or If-None-Match expects",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn put(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(name): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
    headers: HeaderMap,
    body: Json<Settings>,
) -> Answer<Response> {
    let id = id(&api, &caller, (&name, &whose), Scope::Manage)?;
    if !matches!(caller, Caller::Operator) {
        hold_to_ceilings(&api, &body.value)?;
    }
    let edit = Edit { kind: Kind::Rule, id: id.clone(), to: Some(body.value), expect: expectation(&headers)? };
    let planned = api.setup.change(caller.name(), vec![edit]).await?;
    let is_new = planned.iter().any(|change| change.action == Action::Create);
    shown(&api, &caller, if is_new { StatusCode::CREATED } else { StatusCode::OK }, &id)
}

/// One customer's rules are not to take what others need.
pub(super) fn hold_to_ceilings(api: &Api, settings: &Settings) -> Answer<()> {
    let plugins = api.setup.file().plugins;
    let of_config =
        [("deadline_ms", plugins.deadline_max_ms.into()), ("memory_mib", u64::from(plugins.memory_max_mib))];
    let above = |(field, ceiling): &(&str, u64)| settings.get(*field).and_then(Value::as_u64) > Some(*ceiling);
    match of_config.into_iter().chain(OF_CUSTOMERS).find(above) {
        Some((field, ceiling)) => {
            Err(Problem::invalid(field, format!("{field}: at most {ceiling}; only the operator may allow more")))
        }
        None => Ok(()),
    }
}

/// Deletes a rule. What waits for it waits, in order, and runs when a rule of this name is back.
#[utoipa::path(
    delete, path = "/v1/rules/{name}", operation_id = "deleteRule", tag = "rules",
    params(("name" = String, Path, description = "The rule's name"), Whose),
    responses(
        (status = 204, description = "Gone, and durably so"),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The config file declares it",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 412, description = "It is not what If-Match expects",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(name): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
    headers: HeaderMap,
) -> Answer<StatusCode> {
    let id = id(&api, &caller, (&name, &whose), Scope::Manage)?;
    let edit = Edit { kind: Kind::Rule, id, to: None, expect: expectation(&headers)? };
    api.setup.change(caller.name(), vec![edit]).await?;
    Ok(StatusCode::NO_CONTENT)
}
