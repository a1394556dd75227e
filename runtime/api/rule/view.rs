//! A rule as the API shows it.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::super::Api;
use super::super::auth::Caller;
use super::super::masking::Texts;
use super::super::rfc3339::Time;
use crate::clock;
use crate::config::Settings;
use crate::rules::rollout::{Rollout, Step};
use crate::rules::{Compared, Latest, Runs, Serving, Shadow, Version};
use crate::setup::Object;

/// A rule, and how it fares.
#[derive(Serialize, ToSchema)]
#[schema(as = Rule)]
pub struct RuleView {
    #[schema(example = "acme")]
    customer: String,
    #[schema(example = "alarm")]
    name: String,
    /// In the config file: to be changed there only.
    declared: bool,
    /// When its settings were changed here last.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<Time>,
    /// As they are written; what is absent has its default. Secrets are not shown.
    #[schema(value_type = Object)]
    settings: Settings,
    /// `running`, or `failed`: no version of it is loaded, and its events wait.
    state: &'static str,
    /// What is wrong with a version that should be loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// How it was called in the last five to ten minutes, on whatever version of it answers.
    lately: LatelyView,
    /// What new events run.
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<VersionView>,
    /// What a rollback leads to, at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<VersionView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<CanaryView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shadow: Option<ShadowView>,
    /// What was done to its versions; the newest is last, and 50 are kept. The audit has all.
    history: Vec<StepView>,
}

/// A loaded version, and how its runs ended since it was loaded.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleVersion)]
pub struct VersionView {
    /// As the rule names it.
    plugin: String,
    digest: String,
    runs: u64,
    /// Runs that asked for another attempt.
    retried: u64,
    rejected: u64,
    /// Runs that trapped, or went over a limit.
    broken: u64,
    mean_micros: u64,
    /// Of the last five to ten minutes.
    lately: LatelyView,
}

/// How often something was called in the last five to ten minutes, and how long that took.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleLately)]
pub struct LatelyView {
    calls: u64,
    calls_per_sec: f64,
    /// Half of the calls took no longer, told to an eighth. Absent: there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_micros: Option<u64>,
    /// 99 of 100 calls took no longer, told to an eighth.
    #[serde(skip_serializing_if = "Option::is_none")]
    p99_micros: Option<u64>,
}

impl From<Option<Latest>> for LatelyView {
    fn from(latest: Option<Latest>) -> LatelyView {
        let percentile = |percent| latest.as_ref().and_then(|latest| latest.percentile(percent));
        LatelyView {
            calls: latest.as_ref().map_or(0, Latest::calls),
            // Three places are enough.
            calls_per_sec: latest.as_ref().map_or(0.0, |latest| (latest.calls_per_sec() * 1_000.0).round() / 1_000.0),
            p50_micros: percentile(50),
            p99_micros: percentile(99),
        }
    }
}

/// A version that some devices have.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleCanary)]
pub struct CanaryView {
    version: VersionView,
    /// Of the devices; always the same ones.
    percent: u8,
    /// Percentages that follow by themselves; 100 makes it the version of all.
    steps: Vec<u8>,
    every_secs: u64,
    /// When the percentage became what it is.
    since: Time,
    /// How runs of the active version ended since the canary began: what it is measured by.
    active_mean_micros: u64,
    active_runs: u64,
    active_failed: u64,
}

/// A version that runs on the same events, and what it did otherwise. Nothing of it is performed.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleShadow)]
pub struct ShadowView {
    version: VersionView,
    /// Runs that came to the same.
    same: u64,
    differed: u64,
    /// Runs that read what the active version had not, and that cannot be compared therefore.
    unsure: u64,
    /// Events for which there was no time.
    skipped: u64,
    /// What the last ones did otherwise; the newest is last.
    differences: Vec<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RuleStep)]
pub struct StepView {
    at: Time,
    /// `operator`, `key` and its id, or `wasmsc` itself.
    who: String,
    /// `set`, `activated`, `rolled_back`, `canary_set`, `canary_ended`, `canary_rolled_back`, `shadow_set` or `shadow_ended`.
    what: Value,
    plugin: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Files of the server are shown to the operator only.
pub fn rule(api: &Api, object: Object, caller: &Caller) -> RuleView {
    let (is_operator, texts) = (matches!(caller, Caller::Operator), caller.texts(api));
    let Object { id, mut settings, made } = object;
    let (customer, name) = id.split_once('/').unwrap_or_default();
    if !is_operator {
        settings.remove("component");
    }
    let rules = api.setup.rules();
    let index = api.house.directory().rule(customer, name);
    let serving = index.and_then(|index| rules.serving(index));
    let rollout = Rollout::read(&api.house.store, &id).unwrap_or_default();
    let shown = |version: &Version| self::version(version, is_operator);
    RuleView {
        customer: customer.to_owned(),
        name: name.to_owned(),
        declared: made.is_none(),
        changed_at: made.map(|made| Time(made.changed_at)),
        settings,
        state: if serving.is_some() { "running" } else { "failed" },
        why: index.and_then(|index| rules.fault(index)),
        lately: serving.as_deref().map(lately).into(),
        active: serving.as_ref().map(|serving| shown(&serving.active)),
        previous: serving.as_ref().and_then(|serving| serving.previous.as_deref().map(shown)),
        canary: serving.as_ref().and_then(|serving| canary(serving, &rollout, is_operator)),
        shadow: serving.as_ref().and_then(|serving| serving.shadow.as_deref().map(|s| shadow(s, is_operator, texts))),
        history: rollout.history.into_iter().map(step).collect(),
    }
}

fn version(version: &Version, is_operator: bool) -> VersionView {
    let Runs { runs, retried, rejected, broken, .. } = version.tally.read();
    let is_file = version.settings.component.is_some();
    let plugin = if is_file && !is_operator { version.digest.to_string() } else { version.plugin.clone() };
    let mean_micros = version.tally.read().mean_micros();
    let (digest, lately) = (version.digest.to_string(), Some(version.tally.lately.read(clock::instant())).into());
    VersionView { plugin, digest, runs, retried, rejected, broken, mean_micros, lately }
}

/// Of the versions that answer, or did a moment ago.
fn lately(serving: &Serving) -> Latest {
    let now = clock::instant();
    let mut all = serving.active.tally.lately.read(now);
    let others = [serving.previous.as_ref(), serving.canary.as_ref().map(|canary| &canary.version)];
    others.into_iter().flatten().for_each(|version| all.add(&version.tally.lately.read(now)));
    all
}

fn canary(serving: &Serving, rollout: &Rollout, is_operator: bool) -> Option<CanaryView> {
    let (canary, plan) = (serving.canary.as_ref()?, rollout.canary.clone()?);
    let (active, _) = canary.since_it_began(&serving.active);
    Some(CanaryView {
        version: version(&canary.version, is_operator),
        percent: canary.percent,
        steps: plan.steps,
        every_secs: plan.every_secs,
        since: Time(plan.since),
        active_mean_micros: active.mean_micros(),
        active_runs: active.runs,
        active_failed: active.failed(),
    })
}

fn shadow(shadow: &Shadow, is_operator: bool, texts: Texts) -> ShadowView {
    let Compared { same, differed, unsure, skipped, differences } = shadow.report.read();
    let differences = differences.iter().map(|difference| texts.words(difference)).collect();
    ShadowView { version: version(&shadow.version, is_operator), same, differed, unsure, skipped, differences }
}

fn step(step: Step) -> StepView {
    let Step { at, who, what, plugin, percent, why } = step;
    StepView { at: Time(at), who, what: serde_json::to_value(what).unwrap_or_default(), plugin, percent, why }
}
