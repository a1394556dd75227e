//! What edits come to, before anything is changed: which rows are written, and whether all of it still fits.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{NotSetUp, settings};
use crate::config::{Config, Kind, Settings, Unreadable};
use crate::route::{hash_password, knows_password};
use crate::store::{Control, ControlChange, SECRETS, Store, StoreFailed};

/// What an object is to be.
#[derive(Clone, Debug)]
pub struct Edit {
    pub kind: Kind,
    pub id: String,
    /// None: gone.
    pub to: Option<Settings>,
    pub expect: Expect,
}

/// What has to be there, for the edit to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    Anything,
    Nothing,
    Something,
    Revision(u64),
}

impl Expect {
    /// `revision` of what is there.
    pub fn fits(self, revision: Option<u64>) -> bool {
        match self {
            Expect::Anything => true,
            Expect::Nothing => revision.is_none(),
            Expect::Something => revision.is_some(),
            Expect::Revision(wanted) => revision == Some(wanted),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Create,
    Update,
    Delete,
    /// It is so already.
    Keep,
}

/// What an edit comes to, without secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub kind: Kind,
    pub id: String,
    pub action: Action,
    pub before: Option<Settings>,
    pub after: Option<Settings>,
}

pub struct Plan {
    pub changes: Vec<Planned>,
    pub rows: Vec<ControlChange>,
    /// All that is set up then.
    pub config: Config,
}

type Objects = BTreeMap<(Kind, String), Settings>;

pub fn plan(file: &Config, store: &Store, edits: Vec<Edit>) -> Result<Plan, NotSetUp> {
    let mut objects = made(file, store);
    let (mut changes, mut rows) = (Vec::new(), Vec::new());
    for edit in edits {
        let Edit { kind, id, to, expect } = edit;
        let before = store.control(kind.name(), &id);
        if file.declared.get(kind, &id).is_some() {
            return Err(NotSetUp::Declared { kind, id });
        }
        if !expect.fits(before.as_ref().map(|before| before.revision)) {
            return Err(NotSetUp::Changed { kind, id });
        }
        let before = before.as_ref().map(settings);
        let after = to.map(|to| complete(kind, &id, to, before.as_ref())).transpose()?;
        let action = match (&before, &after) {
            (None, None) => return Err(NotSetUp::NotFound { kind, id }),
            (None, Some(_)) => Action::Create,
            (Some(_), None) => Action::Delete,
            (Some(before), Some(after)) if before == after => Action::Keep,
            (Some(_), Some(_)) => Action::Update,
        };
        match &after {
            Some(after) => drop(objects.insert((kind, id.clone()), after.clone())),
            None => drop(objects.remove(&(kind, id.clone()))),
        }
        if action != Action::Keep {
            let json = after.clone().map(|after| Value::Object(after).to_string());
            rows.push(ControlChange { kind: kind.name().into(), id: id.as_str().into(), json });
        }
        if kind == Kind::Customer && action == Action::Delete {
            keeps_nothing_registered(store, &id)?;
            rows.extend(belongings(store, &id));
        }
        let (before, after) = (before.as_ref().map(shown), after.as_ref().map(shown));
        changes.push(Planned { kind, id, action, before, after });
    }
    let mut config = file.clone();
    for ((kind, id), settings) in &objects {
        add(&mut config, *kind, id, settings)?;
    }
    let gone = changes.iter().filter(|change| change.action == Action::Delete && change.kind == Kind::SharedNumber);
    gone.map(|change| change.id.as_str()).try_for_each(|number| is_nobodys(&config, number))?;
    config.check().map_err(NotSetUp::Invalid)?;
    Ok(Plan { changes, rows, config })
}

fn made(file: &Config, store: &Store) -> Objects {
    let of_kind = |kind: Kind| {
        let all = store.controls(kind.name(), |_| true).into_iter();
        let made = all.filter(move |(id, _)| file.declared.get(kind, id).is_none());
        made.map(move |(id, control)| ((kind, id.into_string()), settings(&control)))
    };
    Kind::ALL.into_iter().flat_map(of_kind).collect()
}

/// An MO with a word of somebody would be nobody's.
fn is_nobodys(config: &Config, number: &str) -> Result<(), NotSetUp> {
    let claimants: Vec<&str> = config.claimants(number).collect();
    if claimants.is_empty() {
        return Ok(());
    }
    let who = claimants.join(", ");
    Err(NotSetUp::Invalid(format!(
        "shared_number {number:?} has keywords of customer {who}; take it out of keywords there first"
    )))
}

/// Nobody could say any more whose its devices are.
fn keeps_nothing_registered(store: &Store, customer: &str) -> Result<(), NotSetUp> {
    let mut is_any = false;
    let each = |_: &str, _| {
        is_any = true;
        false
    };
    let unreadable = |error: std::io::Error| NotSetUp::Store(StoreFailed(error.to_string().into()));
    store.devices(customer, (None, "", None), each).map_err(unreadable)?;
    if is_any {
        let what = format!("customer {customer:?} has registered devices; remove them first");
        return Err(NotSetUp::Invalid(what));
    }
    Ok(())
}

/// What goes with a customer that goes: its keys and all else that names it. Its accounts keep it from going.
fn belongings(store: &Store, customer: &str) -> Vec<ControlChange> {
    let is_own = |control: &Control| settings(control).get("customer").and_then(Value::as_str) == Some(customer);
    let own = store.all_controls(|kind, control| Kind::ALL.iter().all(|of| of.name() != kind) && is_own(control));
    own.into_iter().map(|(kind, id)| ControlChange { kind, id, json: None }).collect()
}

pub fn add(config: &mut Config, kind: Kind, id: &str, settings: &Settings) -> Result<(), NotSetUp> {
    let unreadable = |Unreadable { field, detail }| NotSetUp::Unreadable { kind, id: id.to_owned(), field, detail };
    config.add(kind, settings).map_err(unreadable)
}

/// As it is stored: with its name, its password hashed, and the secrets that it had where none came.
fn complete(kind: Kind, id: &str, mut to: Settings, before: Option<&Settings>) -> Result<Settings, NotSetUp> {
    let wrong = |field: &str, detail: String| NotSetUp::Unreadable { kind, id: id.into(), field: field.into(), detail };
    for (field, name) in kind.naming(id) {
        match to.insert(field.to_owned(), name.as_str().into()) {
            Some(other) if other != *name => return Err(wrong(field, format!("it is {name:?} in the path"))),
            _ => {}
        }
    }
    let had = |field: &str| before.and_then(|before| before.get(field)).cloned();
    let has_password = ["password", "password_hash"].iter().any(|field| to.contains_key(*field));
    for field in SECRETS.iter().filter(|field| !has_password || !field.starts_with("password")) {
        if let (false, Some(value)) = (to.contains_key(*field), had(field)) {
            to.insert((*field).to_owned(), value);
        }
    }
    if kind == Kind::Account
        && let Some(Value::String(password)) = to.get("password").cloned()
    {
        let kept = had("password_hash").filter(|hash| knows_password(hash.as_str().unwrap_or_default(), &password));
        let hash = match kept {
            Some(hash) => hash,
            None => hash_password(&password).map_err(|error| wrong("password", error))?.into(),
        };
        to.remove("password");
        to.insert("password_hash".to_owned(), hash);
    }
    Ok(to)
}

/// Without what only its owner knows.
pub fn shown(settings: &Settings) -> Settings {
    let shown = settings.iter().filter(|(field, _)| !SECRETS.contains(&field.as_str()));
    shown.map(|(field, value)| (field.clone(), value.clone())).collect()
}
