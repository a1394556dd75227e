//! `POST /v1/rules/{name}/replay`: a call that is kept, run again on the version that ran or another, and what is other than it was.
//! Nothing of it is done.

use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Api;
use super::auth::{Caller, Scope};
use super::body::{Json, PathOf, QueryOf, Reply};
use super::calls::{self, CallView};
use super::dead::{barrier, durable};
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::rfc3339::Time;
use super::rule::Whose;
use super::tryout::{StepView, step};
use crate::cases::{Case, Difference, Octets, Replayed, read_case, recording};
use crate::config;
use crate::message::MessageId;
use crate::recorded::Recorded;
use crate::route::RuleIndex;
use crate::rules::{NotTried, ToTry};

/// Which call.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Replay)]
pub struct Wish {
    /// The event's: that of the MO, where it was one.
    #[schema(example = "1a209002b4d00000")]
    message: String,
    /// Without it, the last one that is kept.
    attempt: Option<u32>,
    /// On which version: `name@version`, or a digest. Without it, the one that ran.
    #[schema(example = "alarm@1.3.0")]
    plugin: Option<String>,
    /// The call ended at or after this; without it, after the event came.
    since: Option<Time>,
}

/// A call that was run again.
#[derive(Serialize, ToSchema)]
#[schema(as = Replayed)]
pub struct ReplayedView {
    recorded: CallView,
    /// What ran now.
    plugin: String,
    digest: String,
    /// `same`, `changed`, `failed` (it broke, which the call had not) or `not_comparable` (it asked for what was not kept).
    verdict: &'static str,
    /// What is other than it was.
    differences: Vec<DifferenceView>,
    /// What it asked for that was not kept.
    unknown: Vec<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// What it did now. Absent: it could not be called.
    #[serde(skip_serializing_if = "Option::is_none")]
    now: Option<StepView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ReplayDifference)]
pub struct DifferenceView {
    what: String,
    recorded: String,
    now: String,
}

impl From<Difference> for DifferenceView {
    fn from(Difference { what, expected, got, .. }: Difference) -> DifferenceView {
        DifferenceView { what, recorded: expected, now: got }
    }
}

/// Runs a call that is kept (`replay_hours` of the rule) again, with all that it saw, and shows what it does otherwise. Nothing of it
/// is done, and nothing is sent.
#[utoipa::path(
    post, path = "/v1/rules/{name}/replay", operation_id = "replayRule", tag = "rules",
    params(("name" = String, Path, description = "The rule's name"), Whose),
    request_body = Wish,
    responses(
        (status = 200, description = "What it does now, and what is other than it was", body = ReplayedView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such rule, or (`not_kept`) no such call is kept: `detail` tells what to set",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "Other calls are being tried; see Retry-After",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn replay(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(name): PathOf<String>,
    QueryOf(whose): QueryOf<Whose>,
    body: Json<Wish>,
) -> Answer<Reply<ReplayedView>> {
    let customer = caller.customer_of(&api, whose.customer(), Scope::Manage)?;
    let texts = caller.texts(&api);
    texts.may_run()?;
    let directory = api.house.directory().clone();
    let customer = directory.customer_at(customer).id.clone();
    let rule = directory.rule(&customer, &name).ok_or_else(Problem::not_found)?;
    let Wish { message, attempt, plugin, since } = body.value;
    let no_id = || Problem::invalid("message", "message is an id as lists have it, such as 1a209002b4d00000");
    let id = MessageId::parse(message.as_bytes()).ok_or_else(no_id)?;
    let full = format!("{customer}/{name}");
    let find = move |store: &_| calls::find(store, &full, (id, attempt), since.map(|since| since.0));
    let found = api.readers.read(&api.house.store, find).await;
    let found = found.map_err(Problem::unreadable)?;
    let call = found.ok_or_else(|| not_kept(&directory.rules[rule.0]))?;
    let seen = api.clone();
    durable(move |done| barrier(&seen, done)).await?;
    let version = version(&api, (&customer, rule), &call, plugin.as_deref()).await?;
    let recorded = recording(&call);
    let unreadable = |error| Problem::new(Code::Internal, format!("the call cannot be read: {error}"));
    let case = read_case(&recorded.case, FilePath::new(&message)).map_err(unreadable)?;
    let (rules, plugins) = (api.setup.rules(), api.setup.file().plugins);
    let before = before(&case);
    let again = (case, recorded.known, call.ended.name());
    let rerun = rules.replay((&version, &plugins), Some(customer.to_string()), again).await?;
    let Replayed { verdict, differences, guessed, why } = rerun.replayed;
    Ok(Reply(ReplayedView {
        recorded: calls::view(&call, texts),
        plugin: version.plugin,
        digest: version.digest.to_string(),
        verdict: verdict.name(),
        differences: differences.into_iter().map(Into::into).collect(),
        unknown: guessed,
        why,
        now: rerun.now.map(|(handler, got)| step(handler, &got, (&before.0, &before.1))),
    }))
}

type Rows = BTreeMap<String, Vec<u8>>;

/// State of the device and what was shared, as far as it is kept.
fn before(case: &Case) -> (Rows, Rows) {
    let octets =
        |values: &BTreeMap<String, Octets>| values.iter().map(|(name, value)| (name.clone(), value.to_vec())).collect();
    (octets(&case.given.state), octets(&case.given.shared))
}

async fn version(
    api: &Api,
    (customer, rule): (&str, RuleIndex),
    call: &Recorded,
    plugin: Option<&str>,
) -> Result<ToTry, NotTried> {
    let named = plugin.unwrap_or(&call.version);
    let found = api.setup.rules().to_try(&api.house, Some(customer), (Some(rule), named)).await;
    found.map_err(|not_tried| match not_tried {
        NotTried::NoPlugin(named) if plugin.is_none() => NotTried::Gone(named),
        other => other,
    })
}

fn not_kept(rule: &config::Rule) -> Problem {
    let name = &rule.name;
    let detail = match rule.replay_hours {
        0 => format!(
            "rule {name} keeps no calls: set replay_hours in its settings, to 24, say, and those from then on are kept"
        ),
        hours => format!(
            "rule {name} keeps its calls for {hours} h (replay_hours), the newest 64 MiB of them; this one is not among them"
        ),
    };
    Problem::new(Code::NotKept, detail)
}
