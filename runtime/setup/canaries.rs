//! Canaries that are under way: raised when their next step is due, rolled back when they are worse.

use std::sync::Arc;

use super::{Expect, Setup};
use crate::message::Timestamp;
use crate::route::RuleIndex;
use crate::rules::rollout::{self, Rollout, Turn};
use crate::rules::{Serving, is_worse};

/// As the audit names who does it.
const WHO: &str = "wasmsc";

impl Setup {
    pub(super) async fn look_at_canaries(self: &Arc<Self>, now: Timestamp) {
        let is_canary = |control: &crate::store::Control| control.json.contains("\"canary\"");
        for (id, _) in self.house.store.controls(rollout::KIND, is_canary) {
            let Some((index, serving)) = self.serving(&id) else { continue };
            let Some(turn) = next_turn(&serving, Rollout::read(&self.house.store, &id), now) else { continue };
            match &turn {
                Turn::EndCanary(Some(why)) => tracing::warn!(rule = &*id, "the canary is rolled back: {why}"),
                _ => tracing::info!(rule = &*id, "the canary takes its next step"),
            }
            if let Err(error) = self.turn_rule(WHO.to_owned(), (id.to_string(), Expect::Something), turn).await {
                tracing::error!(rule = &*id, index = index.0, "its canary cannot be turned: {error}");
            }
        }
    }

    fn serving(&self, id: &str) -> Option<(RuleIndex, Arc<Serving>)> {
        let (customer, name) = id.split_once('/')?;
        let index = self.house.directory().rule(customer, name)?;
        Some((index, self.rules.serving(index)?))
    }
}

fn next_turn(serving: &Serving, rollout: Option<Rollout>, now: Timestamp) -> Option<Turn> {
    let (canary, plan) = (serving.canary.as_ref()?, rollout?.canary?);
    let (active, runs) = canary.since_it_began(&serving.active);
    if let Some(why) = is_worse(active, runs) {
        return Some(Turn::EndCanary(Some(why)));
    }
    // What nobody has tried is not given to more devices.
    let is_due = !plan.steps.is_empty() && plan.since.plus_ms(plan.every_secs.saturating_mul(1_000)) <= now;
    (is_due && runs.runs > 0).then_some(Turn::NextStep)
}
