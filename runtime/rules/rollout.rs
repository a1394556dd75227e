//! How a rule came to its version, and where it is going: a row beside the rule's own. Pure: takes `now`.

use serde::{Deserialize, Serialize};

use crate::message::Timestamp;
use crate::store::{ControlChange, Store};

/// Of control objects; the id is the rule's.
pub const KIND: &str = "rollout";
/// Steps of the history that are kept; the audit has all of them.
const HISTORY: usize = 50;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// It goes with its customer.
    pub customer: String,
    /// The plugin that a rollback leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Shadow>,
    /// The newest is last.
    #[serde(default)]
    pub history: Vec<Step>,
}

/// Some devices have another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    pub plugin: String,
    pub percent: u8,
    /// Percentages that follow by themselves; 100 makes it the version of all.
    #[serde(default)]
    pub steps: Vec<u8>,
    /// Between them.
    #[serde(default)]
    pub every_secs: u64,
    /// When the percentage became what it is.
    pub since: Timestamp,
}

/// Another version runs beside the one that answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shadow {
    pub plugin: String,
    pub since: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The rule was made, or its settings name another plugin.
    Set,
    Activated,
    RolledBack,
    CanarySet,
    /// By request.
    CanaryEnded,
    /// By itself, since it was worse.
    CanaryRolledBack,
    ShadowSet,
    ShadowEnded,
}

/// What was done to a rule's versions, when and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub at: Timestamp,
    pub who: String,
    pub what: What,
    pub plugin: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What is wanted of a rule's versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    Activate(String),
    Rollback,
    Canary {
        plugin: String,
        percent: u8,
        steps: Vec<u8>,
        every_secs: u64,
    },
    /// The next of a canary's steps is due.
    NextStep,
    /// Why, where it ends by itself.
    EndCanary(Option<String>),
    Shadow(String),
    EndShadow,
}

/// Why a turn cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTurn {
    #[error("there is no version to go back to")]
    NothingBefore,
    #[error("{0} serves all devices already")]
    ServesAll(String),
    #[error("there is no canary")]
    NoCanary,
    #[error("there is no shadow")]
    NoShadow,
    #[error("percent is 1 to 99; activate a version for all devices")]
    Percent,
    #[error("steps are percentages that rise, above percent and up to 100, with every_secs of 1 or more between them")]
    Steps,
}

impl Rollout {
    pub fn read(store: &Store, rule: &str) -> Option<Rollout> {
        serde_json::from_str(&store.control(KIND, rule)?.json).ok()
    }

    pub fn row(rule: &str, rollout: Option<&Rollout>) -> ControlChange {
        let json = rollout.map(|rollout| serde_json::to_string(rollout).expect("it has text and numbers only"));
        ControlChange { kind: KIND.into(), id: rule.into(), json }
    }

    fn note(&mut self, step: Step) {
        self.history.push(step);
        let surplus = self.history.len().saturating_sub(HISTORY);
        self.history.drain(..surplus);
    }

    /// The rule's own settings name `plugin` now, after `before`.
    pub fn follow(mut self, before: Option<String>, plugin: &str, who: &str, now: Timestamp) -> Rollout {
        self.switch(before, plugin);
        self.note(Step { at: now, who: who.into(), what: What::Set, plugin: plugin.into(), percent: None, why: None });
        self
    }

    fn switch(&mut self, before: Option<String>, plugin: &str) {
        self.previous = before.or(self.previous.take());
        self.canary = None;
        if self.shadow.as_ref().is_some_and(|shadow| shadow.plugin == plugin) {
            self.shadow = None;
        }
    }

    /// The plugin that serves from now on, and the row. `active` serves at present.
    pub fn turn(mut self, active: &str, turn: Turn, who: &str, now: Timestamp) -> Result<(String, Rollout), NoTurn> {
        let step = |what, plugin: &str| Step {
            at: now,
            who: who.to_owned(),
            what,
            plugin: plugin.to_owned(),
            percent: None,
            why: None,
        };
        match turn {
            Turn::Activate(plugin) if plugin == active && self.canary.is_none() => Err(NoTurn::ServesAll(plugin)),
            Turn::Activate(plugin) => {
                self.switch((plugin != active).then(|| active.to_owned()), &plugin);
                self.note(step(What::Activated, &plugin));
                Ok((plugin, self))
            }
            Turn::Rollback if self.canary.is_some() => self.turn(active, Turn::EndCanary(None), who, now),
            Turn::Rollback => {
                let plugin = self.previous.take().ok_or(NoTurn::NothingBefore)?;
                self.switch(Some(active.to_owned()), &plugin);
                self.note(step(What::RolledBack, &plugin));
                Ok((plugin, self))
            }
            Turn::Canary { plugin, percent, steps, every_secs } => {
                if plugin == active {
                    return Err(NoTurn::ServesAll(plugin));
                }
                self.set_canary(Canary { plugin, percent, steps, every_secs, since: now }, step)?;
                Ok((active.to_owned(), self))
            }
            Turn::NextStep => {
                let mut canary = self.canary.clone().ok_or(NoTurn::NoCanary)?;
                if canary.steps.is_empty() {
                    return Err(NoTurn::Steps);
                }
                match canary.steps.remove(0) {
                    100.. => self.turn(active, Turn::Activate(canary.plugin), who, now),
                    percent => {
                        self.set_canary(Canary { percent, since: now, ..canary }, step)?;
                        Ok((active.to_owned(), self))
                    }
                }
            }
            Turn::EndCanary(why) => {
                let canary = self.canary.take().ok_or(NoTurn::NoCanary)?;
                let what = if why.is_some() { What::CanaryRolledBack } else { What::CanaryEnded };
                self.note(Step { why, percent: Some(canary.percent), ..step(what, &canary.plugin) });
                Ok((active.to_owned(), self))
            }
            Turn::Shadow(plugin) => {
                self.note(step(What::ShadowSet, &plugin));
                self.shadow = Some(Shadow { plugin, since: now });
                Ok((active.to_owned(), self))
            }
            Turn::EndShadow => {
                let shadow = self.shadow.take().ok_or(NoTurn::NoShadow)?;
                self.note(step(What::ShadowEnded, &shadow.plugin));
                Ok((active.to_owned(), self))
            }
        }
    }

    fn set_canary(&mut self, canary: Canary, step: impl Fn(What, &str) -> Step) -> Result<(), NoTurn> {
        if !(1..=99).contains(&canary.percent) {
            return Err(NoTurn::Percent);
        }
        let rise = std::iter::once(canary.percent).chain(canary.steps.iter().copied());
        let rises = rise.clone().zip(rise.skip(1)).all(|(low, high)| low < high && high <= 100);
        if !rises || (!canary.steps.is_empty() && canary.every_secs == 0) {
            return Err(NoTurn::Steps);
        }
        self.note(Step { percent: Some(canary.percent), ..step(What::CanarySet, &canary.plugin) });
        self.canary = Some(canary);
        Ok(())
    }

    /// Versions beside the active one that are to be loaded.
    pub fn others(&self) -> impl Iterator<Item = &String> {
        let canary = self.canary.as_ref().map(|canary| &canary.plugin);
        [self.previous.as_ref(), canary, self.shadow.as_ref().map(|shadow| &shadow.plugin)].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(5);

    fn turn(rollout: Rollout, active: &str, turn: Turn) -> (String, Rollout) {
        rollout.turn(active, turn, "operator", NOW).expect("it can be taken")
    }

    fn canary(percent: u8, steps: &[u8]) -> Turn {
        Turn::Canary { plugin: "b".into(), percent, steps: steps.into(), every_secs: 60 }
    }

    #[test]
    fn a_rollback_leads_back_and_a_second_one_forth() {
        let (active, rollout) = turn(Rollout::default(), "a", Turn::Activate("b".into()));
        assert_eq!((active.as_str(), rollout.previous.as_deref()), ("b", Some("a")));
        let (active, rollout) = turn(rollout, "b", Turn::Rollback);
        assert_eq!((active.as_str(), rollout.previous.as_deref()), ("a", Some("b")));
        let (active, rollout) = turn(rollout, "a", Turn::Rollback);
        assert_eq!((active.as_str(), rollout.history.len()), ("b", 3));
        assert_eq!(Rollout::default().turn("a", Turn::Rollback, "o", NOW), Err(NoTurn::NothingBefore));
        assert_eq!(
            Rollout::default().turn("a", Turn::Activate("a".into()), "o", NOW),
            Err(NoTurn::ServesAll("a".into()))
        );
    }

    #[test]
    fn a_canary_rises_by_its_steps_and_ends_as_the_version_of_all() {
        let (active, rollout) = turn(Rollout::default(), "a", canary(10, &[50, 100]));
        assert_eq!((active.as_str(), rollout.canary.as_ref().map(|c| c.percent)), ("a", Some(10)));
        let (active, rollout) = turn(rollout, "a", Turn::NextStep);
        assert_eq!((active.as_str(), rollout.canary.as_ref().map(|c| c.percent)), ("a", Some(50)));
        let (active, rollout) = turn(rollout, "a", Turn::NextStep);
        assert_eq!((active.as_str(), &rollout.canary, rollout.previous.as_deref()), ("b", &None, Some("a")));
    }

    #[test]
    fn percentages_that_make_no_sense_are_refused() {
        let refused = |turn| Rollout::default().turn("a", turn, "o", NOW).expect_err("it makes no sense");
        assert_eq!(refused(canary(0, &[])), NoTurn::Percent);
        assert_eq!(refused(canary(100, &[])), NoTurn::Percent);
        assert_eq!(refused(canary(50, &[10])), NoTurn::Steps);
        assert_eq!(refused(canary(50, &[60, 101])), NoTurn::Steps);
        assert_eq!(refused(Turn::EndCanary(None)), NoTurn::NoCanary);
    }

    #[test]
    fn another_plugin_in_the_settings_ends_the_canary_and_can_be_rolled_back() {
        let (_, rollout) = turn(Rollout::default(), "a", canary(10, &[]));
        let rollout = rollout.follow(Some("a".into()), "c", "operator", NOW);
        assert_eq!((rollout.canary, rollout.previous.as_deref()), (None, Some("a")));
    }
}
