//! Tries a version of a plugin: events happen to a device, and what the plugin does is shown and not done.
//!
//! In the host of production with its limits, beside the rules that run (`rules`), which never wait for it. What is there before the
//! first event is told as a case file tells it, or taken from the house as it is now. Values of secrets stay where they are: a
//! rule that is tried reads `secret-NAME`.

mod given;
mod view;

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Api;
use super::auth::{Caller, Scope};
use super::body::{Json, PathOf, QueryOf, Reply};
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::{plugin, rule};
use crate::cases::{Fields, Misread, Written, case_of_json};
use crate::clock;
use crate::config;
use crate::rules::{AsRule, NotTried};
pub use view::{DidView, StepView, TriedView, did, step, value};

/// Of one try: a conversation is as long, and its answer stays readable.
const EVENTS_MAX: usize = 32;

/// What is to happen to a rule's device.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RuleTry)]
pub struct OfRule {
    /// `name@version`, or a digest; without it, the version that the device has.
    #[schema(example = "alarm@1.3.0")]
    plugin: Option<String>,
    /// What is there before the first event, with the names of `[given]` in a case file (docs/PLUGINS.md). What is absent is as the
    /// rule has it: config, number, limits, hosts.
    #[serde(default)]
    #[schema(value_type = Object)]
    given: Fields,
    /// State, timers, tags and attributes of the device, and what the rule's devices share, are as they are now where `given` does
    /// not say them.
    #[serde(default)]
    as_is: bool,
    /// What happens, one after the other, with the names of `[[event]]` in a case file: `{ "mo": "text" }`, `{ "timer": "name" }`.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Fields>,
}

/// What is to happen to a device of nobody.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PluginTry)]
pub struct OfPlugin {
    /// What is there before the first event, with the names of `[given]` in a case file (docs/PLUGINS.md).
    #[serde(default)]
    #[schema(value_type = Object)]
    given: Fields,
    /// What happens, one after the other, with the names of `[[event]]` in a case file.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Fields>,
}

impl From<NotTried> for Problem {
    fn from(not_tried: NotTried) -> Problem {
        let detail = not_tried.to_string();
        match not_tried {
            NotTried::TooMany => Problem::new(Code::TooManyTries, detail),
            NotTried::NoPlugin(_) | NotTried::Gone(_) | NotTried::NotServed => Problem::invalid("plugin", detail),
            NotTried::Unfit(_) => Problem::new(Code::PluginUnfit, detail),
            NotTried::Broke => Problem::new(Code::Internal, detail),
        }
    }
}

impl From<Misread> for Problem {
    fn from(misread: Misread) -> Problem {
        Problem::invalid(&misread.field, misread.what.clone())
    }
}

fn written(name: &str, given: &Fields, events: &[Fields]) -> Answer<Written> {
    if events.len() > EVENTS_MAX {
        return Err(Problem::invalid("events", format!("{} events; at most {EVENTS_MAX}", events.len())));
    }
    Ok(case_of_json(name, given, events)?)
}

/// Limits of a try are those of a rule, and so are their ceilings.
fn hold_to_ceilings(api: &Api, caller: &Caller, given: &Fields) -> Answer<()> {
    match (caller, given.get("limits")) {
        (Caller::Key(_), Some(Value::Object(limits))) => rule::hold_to_ceilings(api, limits),
        _ => Ok(()),
    }
}

/// Tries a rule: events happen to one of its devices, on any version and with any config, and everything that the rule does is
/// shown, its log lines among it, and nothing of it is done. The firewall is asked and counts nothing; no HTTP call is made.
#[utoipa::path(
    post, path = "/v1/rules/{name}/try", operation_id = "tryRule", tag = "rules",
    params(("name" = String, Path, description = "The rule's name"), rule::Whose),
    request_body = OfRule,
    responses(
        (status = 200, description = "What it did, event by event; a rule that rejected or broke is an answer, too", body = TriedView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "Other calls are being tried; see Retry-After",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn rule_(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(name): PathOf<String>,
    QueryOf(whose): QueryOf<rule::Whose>,
    body: Json<OfRule>,
) -> Answer<Reply<TriedView>> {
    let customer = caller.customer_of(&api, whose.customer(), Scope::Manage)?;
    if body.value.as_is {
        caller.texts(&api).may_run()?;
    }
    let directory = api.house.directory().clone();
    let customer = directory.customer_at(customer).id.clone();
    let index = directory.rule(&customer, &name).ok_or_else(Problem::not_found)?;
    let rule = directory.rules[index.0].clone();
    let OfRule { plugin, mut given, as_is, events } = body.value;
    hold_to_ceilings(&api, &caller, &given)?;
    given::of_rule(&mut given, &rule, clock::now())?;
    let cut = match as_is {
        true => given::as_is(&api, index, &mut given).await?,
        false => Vec::new(),
    };
    let written = written(&format!("tried on {name}"), &given, &events)?;
    let rules = api.setup.rules();
    let version = match &plugin {
        Some(named) => rules.to_try(&api.house, Some(&customer), (Some(index), named)).await?,
        None => rules.to_try_for(&api.house, index, &written.case.given.device)?,
    };
    let settings = given::settings(config::Rule::clone(&rule), &written.case.given);
    let (as_rule, plugins) = (AsRule { settings, rule: index }, api.setup.file().plugins);
    let whose = (Some(customer.to_string()), Some(as_rule));
    let tried = rules.try_case(&api.house, (&version, &plugins), whose, written.case.clone()).await?;
    Ok(Reply(view::tried(&version, given, &written, tried, cut)))
}

/// Tries a plugin that need be in no rule: events happen to a device of a made-up customer, and everything that the plugin does is
/// shown and nothing of it is done.
#[utoipa::path(
    post, path = "/v1/plugins/{plugin}/try", operation_id = "tryPlugin", tag = "rules",
    params(("plugin" = String, Path, description = "`name@version`, or its digest"), plugin::Whose),
    request_body = OfPlugin,
    responses(
        (status = 200, description = "What it did, event by event; a plugin that rejected or broke is an answer, too", body = TriedView),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "Other calls are being tried; see Retry-After",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn plugin_(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(reference): PathOf<String>,
    QueryOf(whose): QueryOf<plugin::Whose>,
    body: Json<OfPlugin>,
) -> Answer<Reply<TriedView>> {
    let customer = plugin::customer(&api, &caller, whose.customer(), Scope::Manage)?;
    let (rules, plugins) = (api.setup.rules(), api.setup.file().plugins);
    let version = rules.to_try(&api.house, customer.as_deref(), (None, &reference)).await.map_err(|why| match why {
        NotTried::NoPlugin(_) => Problem::not_found(),
        other => other.into(),
    })?;
    let OfPlugin { mut given, events } = body.value;
    hold_to_ceilings(&api, &caller, &given)?;
    given::of_plugin(&mut given, &plugins, clock::now());
    let written = written(&format!("tried on {}", version.plugin), &given, &events)?;
    let tried = rules.try_case(&api.house, (&version, &plugins), (customer, None), written.case.clone()).await?;
    Ok(Reply(view::tried(&version, given, &written, tried, Vec::new())))
}
