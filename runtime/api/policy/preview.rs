//! `POST /v1/customers/{id}/policy:preview`: what an edit of a policy would change, shown on what came lately.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::Api;
use super::super::auth::{Caller, Scope};
use super::super::body::{Json, PathOf, Reply};
use super::super::error::{Answer, Code, Problem, ProblemDetails};
use super::super::explain::RefusalView;
use super::super::history::{self, unreadable};
use super::super::object::find;
use super::super::rfc3339::Time;
use super::super::wanted::Way;
use super::{PolicySchema, keep_limits, policy_of, told};
use crate::clock;
use crate::config::{Kind, Settings};
use crate::firewall::{CompiledPolicy, Policy, Refusal, Refused};
use crate::message::Timestamp;
use crate::relay::{self, Verdicts};
use crate::store::Bounds;
use crate::timeline::{Filter, Listed};

/// What came in this time is judged.
const LATELY_MS: u64 = 3_600_000;
/// Messages that are judged at most: the newest of them. Each takes a kilobyte or so, and some microseconds.
const JUDGED_MAX: usize = 10_000;
/// Messages that are listed.
const SHOWN_MAX: usize = 200;
/// Messages that are read at once.
const PAGE: usize = 1_000;

/// What an edit of a policy would change.
#[derive(Serialize, ToSchema)]
pub struct PolicyPreview {
    /// Messages that were judged: those of the last hour.
    judged: usize,
    /// The first of them came then.
    since: Time,
    /// There were more than are judged: these are the newest.
    sampled: bool,
    /// Messages that pass now, and would be refused.
    refused: usize,
    /// Messages that are refused now, and would pass.
    passed: usize,
    /// Messages that would be refused for another reason.
    otherwise: usize,
    /// All of these, the newest first; 200 at most.
    changes: Vec<ChangeView>,
}

/// A message whose verdict would be another. Limits are counted from the first message that is judged.
#[derive(Serialize, ToSchema)]
#[schema(as = PolicyChange)]
pub struct ChangeView {
    #[schema(example = "1a209002b4d00000")]
    id: String,
    direction: Way,
    by: String,
    from: String,
    to: String,
    received_at: Time,
    /// Why the present policy refuses it; absent: it passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<RefusalView>,
    /// Why the proposed policy refuses it; absent: it passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    proposed: Option<RefusalView>,
}

fn compiled(policy: Settings) -> Answer<CompiledPolicy> {
    let read: Result<Policy, _> = serde_path_to_error::deserialize(serde_json::Value::Object(policy));
    let wrong =
        |field: &str, what: &str| Problem::invalid(field, format!("{field}: {what}; docs/FIREWALL.md has all fields"));
    let policy = read.map_err(|error| wrong(&error.path().to_string(), &error.inner().to_string()))?;
    policy.compile().map_err(|error| wrong(&error.field, &error.what))
}

/// The oldest first, and whether there were more.
async fn lately(api: &Api, customer: &Arc<str>, since: Timestamp) -> Answer<(Vec<Listed>, bool)> {
    let filter = Arc::new(Filter { since: Some(since), ..Filter::default() });
    let (mut messages, mut after) = (Vec::new(), None);
    loop {
        let bounds = Bounds { limit: PAGE.min(JUDGED_MAX - messages.len()), scan_max: history::SCAN_MAX };
        let found = history::page(api, customer, &filter, (after, bounds)).await.map_err(unreadable)?;
        messages.extend(found.messages);
        after = found.next;
        if after.is_none() || messages.len() >= JUDGED_MAX {
            messages.reverse();
            return Ok((messages, after.is_some()));
        }
    }
}

/// Shows what a policy would change, without putting it in place: the messages of the last hour are judged by the present policy and by
/// this one, and those whose verdict differs are listed with the reason.
#[utoipa::path(
    post, path = "/v1/customers/{id}/policy:preview", operation_id = "previewPolicy", tag = "firewall",
    params(("id" = String, Path, description = "The customer")),
    request_body = PolicySchema,
    responses(
        (status = 200, description = "What would change", body = PolicyPreview),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The server keeps no history",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn preview(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(id): PathOf<String>,
    body: Json<Settings>,
) -> Answer<Reply<PolicyPreview>> {
    caller.customer(&api, &id, Scope::Manage)?;
    // Patterns of content would tell what messages say.
    caller.texts(&api).may_run()?;
    let mut policy = body.value;
    if !matches!(caller, Caller::Operator) {
        keep_limits(&mut policy, &policy_of(&find(&api, Kind::Customer, &id)?)).map_err(told)?;
    }
    let proposed = compiled(policy)?;
    if !api.house.store.keeps_history() {
        let how =
            "the server keeps no history to judge; it does with [history] and days = 7, or so, in its config file";
        return Err(Problem::new(Code::HistoryOff, how));
    }
    let since = Timestamp(clock::now().0.saturating_sub(LATELY_MS));
    let customer: Arc<str> = id.as_str().into();
    let (messages, sampled) = lately(&api, &customer, since).await?;
    let house = api.house.clone();
    let judge = move |_: &_| {
        let verdicts = relay::judge_again(&house, &id, &proposed, &messages);
        Ok(answer(&messages, verdicts, (since, sampled)))
    };
    let judged = api.readers.read(&api.house.store, judge).await.map_err(unreadable)?;
    Ok(Reply(judged))
}

fn answer(messages: &[Listed], verdicts: Vec<Verdicts>, (since, sampled): (Timestamp, bool)) -> PolicyPreview {
    let code = |refusal: &Option<Refusal>| refusal.as_ref().map(|refusal| refusal.reason.code());
    let changed = messages.iter().zip(verdicts).filter(|(_, (now, proposed))| code(now) != code(proposed));
    let (mut refused, mut passed, mut otherwise, mut changes) = (0, 0, 0, Vec::new());
    for (listed, (now, proposed)) in changed {
        match (&now, &proposed) {
            (None, _) => refused += 1,
            (_, None) => passed += 1,
            _ => otherwise += 1,
        }
        changes.push((listed, now, proposed));
    }
    let first = if sampled { messages.first().map(|first| first.received.message.received_at) } else { None };
    PolicyPreview {
        judged: messages.len(),
        since: Time(first.unwrap_or(since)),
        sampled,
        refused,
        passed,
        otherwise,
        changes: changes.into_iter().rev().take(SHOWN_MAX).map(change).collect(),
    }
}

fn change((listed, now, proposed): (&Listed, Option<Refusal>, Option<Refusal>)) -> ChangeView {
    let (received, view) = (&listed.received, |refusal: Refusal| RefusalView::from(&Refused::from(&refusal)));
    ChangeView {
        id: listed.id.to_string(),
        direction: received.direction.into(),
        by: received.by.to_string(),
        from: received.message.source.to_string(),
        to: received.message.destination.to_string(),
        received_at: Time(received.message.received_at),
        now: now.map(view),
        proposed: proposed.map(view),
    }
}
