//! Brings what is set up to a state that a client has written down, in one step.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::Caller;
use super::body::{Json, QueryOf, Reply};
use super::error::{Answer, Problem, ProblemDetails};
use crate::config::{Kind, Settings};
use crate::setup::{Action, Edit, Expect, Planned};

/// What is to be there. The fields of each object are those of the config file's tables.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    customers: Vec<Settings>,
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    accounts: Vec<Settings>,
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    upstreams: Vec<Settings>,
    /// Each names its customer.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    rules: Vec<Settings>,
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    shared_numbers: Vec<Settings>,
    /// Delete what was made before and is not among them.
    #[serde(default)]
    prune: bool,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Options {
    /// Only say what would change.
    #[serde(default)]
    dry_run: bool,
}

/// What changed, or would.
#[derive(Serialize, ToSchema)]
pub struct Difference {
    dry_run: bool,
    changes: Vec<ChangeView>,
    /// How many are so already.
    unchanged: usize,
}

#[derive(Serialize, ToSchema)]
pub struct ChangeView {
    /// `customer`, `account`, `upstream`, `shared_number` or `rule`.
    kind: &'static str,
    id: String,
    /// `create`, `update` or `delete`.
    action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    before: Option<Settings>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    after: Option<Settings>,
}

fn view(planned: Planned) -> Option<ChangeView> {
    let Planned { kind, id, action, before, after } = planned;
    let action = match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Delete => "delete",
        Action::Keep => return None,
    };
    Some(ChangeView { kind: kind.name(), id, action, before, after })
}

fn edits(api: &Api, wanted: Wanted) -> Answer<Vec<Edit>> {
    let Wanted { customers, accounts, upstreams, rules, shared_numbers, prune } = wanted;
    let wanted = [
        (Kind::Customer, customers),
        (Kind::Account, accounts),
        (Kind::Upstream, upstreams),
        (Kind::SharedNumber, shared_numbers),
        (Kind::Rule, rules),
    ];
    let mut edits = Vec::new();
    let mut named = BTreeSet::new();
    for (kind, all) in wanted {
        for (index, settings) in all.into_iter().enumerate() {
            let field = format!("{}s[{index}].{}", kind.name(), kind.id_field());
            let id = kind.id_of(&settings).ok_or_else(|| Problem::invalid(&field, needs(kind)))?;
            if !named.insert((kind, id.clone())) {
                return Err(Problem::invalid(&field, format!("{id:?} is there twice")));
            }
            edits.push(Edit { kind, id, to: Some(settings), expect: Expect::Anything });
        }
    }
    if prune {
        for kind in Kind::ALL {
            let made = api.setup.list(kind).into_iter().filter(|object| object.made.is_some());
            let gone = made.filter(|object| !named.contains(&(kind, object.id.clone())));
            edits.extend(gone.map(|object| Edit { kind, id: object.id, to: None, expect: Expect::Anything }));
        }
    }
    Ok(edits)
}

fn needs(kind: Kind) -> &'static str {
    match kind {
        Kind::Rule => "it needs a name, and a customer",
        _ => "it needs a name",
    }
}

/// Makes all of these changes, or none.
#[utoipa::path(
    post, path = "/v1/apply", operation_id = "apply", tag = "operation",
    params(Options),
    request_body = Wanted,
    responses(
        (status = 200, description = "What changed, durably so, or would change", body = Difference),
        (status = 404, description = "For a key: only the operator has this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The config file declares one of them, or they do not fit together",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why nothing did", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn apply(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(options): QueryOf<Options>,
    body: Json<Wanted>,
) -> Answer<Reply<Difference>> {
    caller.must_be_operator()?;
    let edits = edits(&api, body.value)?;
    let planned = match options.dry_run {
        true => api.setup.plan(edits).await?,
        false => api.setup.change(caller.name(), edits).await?,
    };
    let all = planned.len();
    let changes: Vec<ChangeView> = planned.into_iter().filter_map(view).collect();
    Ok(Reply(Difference { dry_run: options.dry_run, unchanged: all - changes.len(), changes }))
}
