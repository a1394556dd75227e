//! What is set up: what the config file declares, and what was made over the API since. A change is checked as the
//! file is, made durable, and then shown to everybody as the next directory; no link and no message is lost by it.
//!
//! Callers: `server.rs`, `api`. An object of the file wins over one of the same name that was made before.

mod canaries;
mod folder;
mod keep;
mod plan;
mod plugins;
mod start;
mod versions;

use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::Value;
use tokio::sync::{Mutex, oneshot};

use crate::clock;
use crate::config::{Config, Kind, Settings, Webhooks};
use crate::message::Timestamp;
use crate::relay::House;
use crate::rules::rollout::{NoTurn, Rollout, Turn};
use crate::rules::{Prepared, Rules};
use crate::store::{Control, ControlChange, Store, StoreFailed};

pub use plan::{Action, Edit, Expect, Planned};
pub use plugins::{Listed, PluginRefused};
pub use start::{load_declared, load_made, try_rules};

/// A customer, account, upstream, shared number or rule as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    pub id: String,
    /// Without its secrets.
    pub settings: Settings,
    /// None: the config file declares it.
    pub made: Option<Made>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// Rises with every change of any object.
    pub revision: u64,
    pub changed_at: Timestamp,
}

/// Why nothing was changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotSetUp {
    #[error("{} {id:?} is declared in the config file or in rules_dir; change it there", kind.name())]
    Declared { kind: Kind, id: String },
    #[error("there is no {} {id:?}", kind.name())]
    NotFound { kind: Kind, id: String },
    #[error("{} {id:?} has changed since, or is not there", kind.name())]
    Changed { kind: Kind, id: String },
    #[error("{} {id:?}: {detail}", kind.name())]
    Unreadable { kind: Kind, id: String, field: String, detail: String },
    #[error("{0}")]
    Invalid(String),
    /// A plugin that cannot be loaded with these settings.
    #[error("{0}")]
    Unfit(String),
    #[error(transparent)]
    NoTurn(#[from] NoTurn),
    #[error(transparent)]
    Store(#[from] StoreFailed),
}

/// What is to be done in one step.
struct Change {
    edits: Vec<Edit>,
    /// A rule whose versions are turned, and where it is going then.
    turned: Option<(String, Rollout)>,
}

impl From<Vec<Edit>> for Change {
    fn from(edits: Vec<Edit>) -> Change {
        Change { edits, turned: None }
    }
}

pub struct Setup {
    file: ArcSwap<Config>,
    house: Arc<House>,
    rules: Arc<Rules>,
    /// Held from the look at what is there until the next directory is up.
    changing: Mutex<()>,
}

/// The file's tables with those that were made. An error says what does not fit.
pub fn with_made(file: &Config, store: &Store) -> Result<Config, NotSetUp> {
    let mut all = file.clone();
    for kind in Kind::ALL {
        for (id, control) in store.controls(kind.name(), |_| true) {
            if file.declared.get(kind, &id).is_some() {
                tracing::warn!(kind = kind.name(), id = &*id, "the config file declares it, too; what was made waits");
                continue;
            }
            plan::add(&mut all, kind, &id, &settings(&control))?;
        }
    }
    all.check().map_err(NotSetUp::Invalid)?;
    Ok(all)
}

/// Of an object that was checked when it was made.
fn settings(control: &Control) -> Settings {
    match serde_json::from_str(&control.json) {
        Ok(Value::Object(settings)) => settings,
        _ => Settings::new(),
    }
}

impl Setup {
    /// `file` without what was made.
    pub fn new(file: Config, house: Arc<House>, rules: Arc<Rules>) -> Arc<Setup> {
        Arc::new(Setup { file: ArcSwap::from_pointee(file), house, rules, changing: Mutex::new(()) })
    }

    /// What is loaded of rules.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// What the config file says.
    pub fn file(&self) -> Arc<Config> {
        self.file.load_full()
    }

    /// Where webhooks may lead.
    pub fn webhooks(&self) -> Webhooks {
        self.file.load().webhooks
    }

    pub fn get(&self, kind: Kind, id: &str) -> Option<Object> {
        if let Some(settings) = self.file.load().declared.get(kind, id) {
            return Some(Object { id: id.to_owned(), settings: plan::shown(settings), made: None });
        }
        self.house.store.control(kind.name(), id).map(|control| object(id, &control))
    }

    /// By their ids.
    pub fn list(&self, kind: Kind) -> Vec<Object> {
        let file = self.file.load();
        let declared = file.declared.of_kind(kind);
        let declared =
            declared.map(|(id, settings)| Object { id: id.into(), settings: plan::shown(settings), made: None });
        let made = self.house.store.controls(kind.name(), |_| true).into_iter();
        let made = made.filter(|(id, _)| file.declared.get(kind, id).is_none());
        let mut all: Vec<Object> = declared.chain(made.map(|(id, control)| object(&id, &control))).collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all
    }

    /// What these edits would come to.
    pub async fn plan(&self, edits: Vec<Edit>) -> Result<Vec<Planned>, NotSetUp> {
        let _changing = self.changing.lock().await;
        Ok(plan::plan(&self.file.load(), &self.house.store, edits)?.changes)
    }

    /// Makes all these edits or none. When it yields, they are durable and hold for every message from now on.
    pub async fn change(self: &Arc<Self>, who: String, edits: Vec<Edit>) -> Result<Vec<Planned>, NotSetUp> {
        self.to_its_end(who, move |_| Ok(edits.into())).await
    }

    /// Changes an object that is there. `change` yields its settings, and sees it as it is when nobody else changes it.
    pub async fn change_one(
        self: &Arc<Self>,
        who: String,
        (kind, id): (Kind, String),
        expect: Expect,
        change: impl FnOnce(&Object) -> Result<Settings, NotSetUp> + Send + 'static,
    ) -> Result<Vec<Planned>, NotSetUp> {
        let edits = move |setup: &Setup| {
            let Some(before) = setup.get(kind, &id) else { return Err(NotSetUp::NotFound { kind, id }) };
            if before.made.is_none() {
                return Err(NotSetUp::Declared { kind, id });
            }
            Ok(vec![Edit { kind, to: Some(change(&before)?), id, expect }].into())
        };
        self.to_its_end(who, edits).await
    }

    /// Turns the versions of a rule; when it yields, that is durable, and new events find it so.
    pub async fn turn_rule(
        self: &Arc<Self>,
        who: String,
        (id, expect): (String, Expect),
        turn: Turn,
    ) -> Result<(), NotSetUp> {
        let by = who.clone();
        let edits = move |setup: &Setup| {
            let kind = Kind::Rule;
            let Some(before) = setup.get(kind, &id) else { return Err(NotSetUp::NotFound { kind, id }) };
            if before.made.is_none() {
                return Err(NotSetUp::Declared { kind, id });
            }
            if !expect.fits(before.made.map(|made| made.revision)) {
                return Err(NotSetUp::Changed { kind, id });
            }
            let store = &setup.house.store;
            let active = before.settings.get("plugin").and_then(Value::as_str).unwrap_or_default();
            let rollout = Rollout::read(store, &id).unwrap_or_default();
            let (plugin, rollout) = rollout.turn(active, turn, &by, clock::now())?;
            let changed = (plugin != active).then(|| versions::with_plugin(store, &id, &plugin)).flatten();
            let edit = |to| Edit { kind, id: id.clone(), to: Some(to), expect: Expect::Something };
            let edits = changed.map(edit).into_iter().collect();
            Ok(Change { edits, turned: Some((id, rollout)) })
        };
        self.to_its_end(who, edits).await.map(drop)
    }

    /// Also when whoever asked is gone.
    async fn to_its_end(
        self: &Arc<Self>,
        who: String,
        change: impl FnOnce(&Setup) -> Result<Change, NotSetUp> + Send + 'static,
    ) -> Result<Vec<Planned>, NotSetUp> {
        let setup = self.clone();
        let changed = tokio::spawn(async move { setup.change_now(&who, change).await }).await;
        changed.unwrap_or_else(|_| Err(StoreFailed("the change did not come to an end".into()).into()))
    }

    async fn change_now(
        &self,
        who: &str,
        change: impl FnOnce(&Setup) -> Result<Change, NotSetUp>,
    ) -> Result<Vec<Planned>, NotSetUp> {
        let _changing = self.changing.lock().await;
        let Change { edits, turned } = change(self)?;
        let mut plan = plan::plan(&self.file.load(), &self.house.store, edits)?;
        let touched = versions::touched(&self.house.store, &plan, turned, (who, clock::now()));
        plan.rows.extend(touched.rows);
        if plan.rows.is_empty() {
            return Ok(plan.changes);
        }
        // Loaded before anything is changed: what cannot be loaded changes nothing.
        let prepared = self.rules.prepare_all(Some(&self.house.store), touched.wanted).await;
        let prepared: Result<Vec<_>, _> = prepared.into_values().collect();
        let mut prepared = prepared.map_err(|error| NotSetUp::Unfit(error.to_string()))?;
        prepared.extend(touched.gone.into_iter().map(Prepared::gone));
        self.write(who, plan.rows).await?;
        self.show(&plan.config, prepared).await;
        Ok(plan.changes)
    }

    /// Everybody sees it from now on. Not in the way of other tasks: what waited for a rule that is back is read.
    async fn show(&self, config: &Config, prepared: Vec<Prepared>) {
        let next = self.house.directory().next(config);
        let (house, rules) = (self.house.clone(), self.rules.clone());
        let shown = tokio::task::spawn_blocking(move || {
            let changed: Vec<String> = prepared.iter().map(|one| one.rule().to_owned()).collect();
            rules.show(&next, prepared);
            house.change_directory(next, clock::now());
            // What another version or config did says nothing of this one.
            let directory = house.directory();
            let index =
                |rule: &String| rule.split_once('/').and_then(|(customer, name)| directory.rule(customer, name));
            changed.iter().filter_map(index).for_each(|rule| house.reset_breaker(rule));
            rules.settle(&house);
        });
        if let Err(error) = shown.await {
            tracing::error!("a change of what is set up is not shown: {error}");
        }
        let house = self.house.clone();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = house.reroute(clock::now()) {
                tracing::error!("queues without a route cannot be read: {error}");
            }
        });
    }

    async fn write(&self, who: &str, rows: Vec<ControlChange>) -> Result<(), StoreFailed> {
        let (sender, receiver) = oneshot::channel();
        let decide = |_: &dyn Fn(&str, &str) -> Option<Control>| Ok::<_, StoreFailed>(rows);
        self.house.store.change_controls(who, clock::now(), decide, move |result| {
            let _ = sender.send(result); // nobody waits any more: the house closes
        })?;
        receiver.await.unwrap_or_else(|_| Err(StoreFailed("the store has stopped".into())))
    }
}

fn object(id: &str, control: &Control) -> Object {
    let made = Made { revision: control.revision, changed_at: control.changed_at };
    Object { id: id.to_owned(), settings: plan::shown(&settings(control)), made: Some(made) }
}
