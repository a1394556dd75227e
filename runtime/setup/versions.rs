//! What a change means for the versions of rules: the rows of their rollouts, and what is to be loaded before it is made.

use std::collections::HashSet;

use super::plan::{Action, Plan};
use super::settings;
use crate::config::{Config, Kind, Settings};
use crate::message::Timestamp;
use crate::rules::Wanted;
use crate::rules::rollout::{self, Rollout};
use crate::store::{ControlChange, Store};

/// Rules that a change touches.
#[derive(Default)]
pub struct Touched {
    pub rows: Vec<ControlChange>,
    pub wanted: Vec<Wanted>,
    /// As `customer/name`.
    pub gone: Vec<String>,
}

/// `turned` is a rule whose versions are turned by this change.
pub fn touched(
    store: &Store,
    plan: &Plan,
    turned: Option<(String, Rollout)>,
    (who, now): (&str, Timestamp),
) -> Touched {
    let mut touched = Touched::default();
    let is_turned = |id: &str| turned.as_ref().is_some_and(|(turned, _)| turned == id);
    let changes = plan.changes.iter().filter(|change| change.kind == Kind::Rule && !is_turned(&change.id));
    for change in changes {
        let before = Rollout::read(store, &change.id);
        match change.action {
            Action::Keep => {}
            Action::Delete => {
                let is_known = plan.rows.iter().any(|row| *row.kind == *rollout::KIND && *row.id == *change.id);
                if before.is_some() && !is_known {
                    touched.rows.push(Rollout::row(&change.id, None));
                }
                touched.gone.push(change.id.clone());
            }
            Action::Create | Action::Update => {
                let (old, new) = (plugin(change.before.as_ref()), plugin(change.after.as_ref()));
                let mut rollout = before.unwrap_or_default();
                if old != new {
                    rollout = rollout.follow(old, &new.unwrap_or_default(), who, now);
                    touched.add_row(&change.id, &mut rollout);
                }
                touched.add(&plan.config, &change.id, rollout);
            }
        }
    }
    if let Some((id, mut rollout)) = turned {
        touched.add_row(&id, &mut rollout);
        touched.add(&plan.config, &id, rollout);
    }
    touched
}

impl Touched {
    fn add_row(&mut self, id: &str, rollout: &mut Rollout) {
        rollout.customer = id.split('/').next().unwrap_or_default().to_owned();
        self.rows.push(Rollout::row(id, Some(rollout)));
    }

    fn add(&mut self, config: &Config, id: &str, rollout: Rollout) {
        let settings = config.rule.iter().find(|rule| rule.id() == id);
        self.wanted.extend(settings.map(|settings| Wanted { settings: settings.clone(), rollout }));
    }
}

fn plugin(settings: Option<&Settings>) -> Option<String> {
    settings?.get("plugin")?.as_str().map(str::to_owned)
}

/// Rules that were made over the API, with their rollouts.
pub fn made(file: &Config, all: &Config, store: &Store) -> Vec<Wanted> {
    let declared: HashSet<(&str, &str)> = file.rule.iter().map(|rule| (&*rule.customer, &*rule.name)).collect();
    let made = all.rule.iter().filter(|rule| !declared.contains(&(&*rule.customer, &*rule.name)));
    let wanted = |settings: &crate::config::Rule| {
        let rollout = Rollout::read(store, &settings.id()).unwrap_or_default();
        Wanted { settings: settings.clone(), rollout }
    };
    made.map(wanted).collect()
}

/// The settings of a rule with another plugin.
pub fn with_plugin(store: &Store, id: &str, plugin: &str) -> Option<Settings> {
    let mut settings = settings(&store.control(Kind::Rule.name(), id)?);
    settings.insert("plugin".to_owned(), plugin.into());
    Some(settings)
}
