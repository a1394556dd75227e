//! Control objects: what operators and customers set up while the house runs, such as API keys.
//!
//! A row per object, named by its kind and its id, holds JSON, so that a later wasmsc may add fields. Each change
//! is one batch with a row of the audit: who changed what, from what, to what, when. All of them are in memory as
//! well, and read from there; there are thousands of them, not millions.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::{Deserialize, Serialize};

use super::change::Change;
use super::seal::Seal;
use super::tables::{Op, Tables};
use super::{Done, Store, StoreFailed, keys, record};
use crate::message::Timestamp;

/// When an object was used is written again after this long: a crash forgets less than that, and a busy key costs
/// a row a minute.
const USED_PAUSE_MS: u64 = 60_000;
/// Rows that are read at once.
const PAGE_ROWS: usize = 1_000;

/// A control object as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Number of its last change in the audit.
    pub revision: u64,
    pub changed_at: Timestamp,
    pub json: Box<str>,
}

/// A change of a control object, kept for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    pub who: Box<str>,
    pub at: Timestamp,
    pub kind: Box<str>,
    pub id: Box<str>,
    /// None: it was not there.
    pub before: Option<Box<str>>,
    /// None: it is gone.
    pub after: Option<Box<str>>,
}

/// Which object is to change, and who says so.
#[derive(Clone, Copy, Debug)]
pub struct Edit<'e> {
    pub kind: &'e str,
    pub id: &'e str,
    pub who: &'e str,
    pub now: Timestamp,
}

/// What an object is to be; None: gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlChange {
    pub kind: Box<str>,
    pub id: Box<str>,
    pub json: Option<String>,
}

/// Fields whose values nobody reads again, also not in the audit.
pub const SECRETS: [&str; 6] = ["password", "password_hash", "outbind_password", "digest", "secret", "secrets"];

/// Shows that they were there, and not what they were.
fn without_secrets(json: &str) -> Box<str> {
    match serde_json::from_str(json) {
        Ok(serde_json::Value::Object(mut object)) => {
            for (_, value) in object.iter_mut().filter(|(name, _)| SECRETS.contains(&name.as_str())) {
                *value = "…".into();
            }
            serde_json::Value::Object(object).to_string().into()
        }
        _ => json.into(),
    }
}

/// Whether it has any of them.
fn has_secrets(json: &str) -> bool {
    let object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(json);
    object.is_ok_and(|object| SECRETS.iter().any(|secret| object.contains_key(*secret)))
}

/// As it is on disk.
fn sealed(seal: &Seal, (kind, id): (&str, &str), control: &Control) -> io::Result<Control> {
    if !has_secrets(&control.json) {
        return Ok(control.clone());
    }
    let json = seal.seal(&label(kind, id), &control.json)?.into();
    Ok(Control { json, ..control.clone() })
}

fn opened(seal: &Seal, (kind, id): (&str, &str), control: Control) -> io::Result<Control> {
    let json = seal.open(&label(kind, id), &control.json)?.into();
    Ok(Control { json, ..control })
}

/// What a row is sealed under.
fn label(kind: &str, id: &str) -> Vec<u8> {
    [kind.as_bytes(), b"\0", id.as_bytes()].concat()
}

type Name = (Box<str>, Box<str>);

/// All control objects, in memory.
#[derive(Default)]
pub(super) struct Controls {
    rows: BTreeMap<Name, Control>,
    used: BTreeMap<Name, Used>,
    /// Number of the newest row of the audit.
    pub(super) sequence: u64,
}

#[derive(Clone, Copy, Default)]
struct Used {
    at: Timestamp,
    written: Timestamp,
}

impl Controls {
    pub(super) fn recover(tables: &Tables, seal: &Seal) -> io::Result<Controls> {
        let mut controls = Controls::default();
        each(tables, keys::CONTROL, |name, value| {
            let control = record::decode(value).map_err(io::Error::other)?;
            let control = opened(seal, (&name.0, &name.1), control)?;
            controls.rows.insert(name, control);
            Ok(())
        })?;
        each(tables, keys::USED, |name, value| {
            let at = record::decode(value).map_err(io::Error::other)?;
            controls.used.insert(name, Used { at, written: at });
            Ok(())
        })?;
        if let Some(sequence) = tables.get(&keys::audit_sequence())? {
            controls.sequence = record::decode(&sequence).map_err(io::Error::other)?;
        }
        Ok(controls)
    }
}

fn each(tables: &Tables, of: u8, mut each: impl FnMut(Name, &[u8]) -> io::Result<()>) -> io::Result<()> {
    let (mut from, to) = keys::control_all(of);
    loop {
        let rows = tables.range(&from, &to, PAGE_ROWS)?;
        let Some(last) = rows.last() else { return Ok(()) };
        from = [&*last.key, b"\0"].concat().into();
        for row in &rows {
            let name = keys::control_name(&row.key).ok_or_else(|| io::Error::other("control key is malformed"))?;
            each((name.0.into(), name.1.into()), &row.value)?;
        }
    }
}

fn name(kind: &str, id: &str) -> Name {
    (kind.into(), id.into())
}

impl Store {
    pub fn control(&self, kind: &str, id: &str) -> Option<Control> {
        self.controls.read().rows.get(&name(kind, id)).cloned()
    }

    /// Id and object of all of a kind that `wanted` says yes to, by their ids.
    pub fn controls(&self, kind: &str, mut wanted: impl FnMut(&Control) -> bool) -> Vec<(Box<str>, Control)> {
        let controls = self.controls.read();
        let of_kind = controls.rows.range(name(kind, "")..).take_while(|((of, _), _)| **of == *kind);
        let found = of_kind.filter(|(_, control)| wanted(control));
        found.map(|((_, id), control)| (id.clone(), control.clone())).collect()
    }

    /// Kind and id of all of any kind that `wanted` says yes to.
    pub fn all_controls(&self, wanted: impl Fn(&str, &Control) -> bool) -> Vec<(Box<str>, Box<str>)> {
        let controls = self.controls.read();
        let found = controls.rows.iter().filter(|((kind, _), control)| wanted(kind, control));
        found.map(|(name, _)| name.clone()).collect()
    }

    /// Changes an object to what `decide` makes of it; None deletes it. An error of `decide` changes nothing.
    /// Nobody else changes any object meanwhile. `done` is called when the change is durable.
    pub fn change_control<E>(
        &self,
        edit: Edit<'_>,
        decide: impl FnOnce(Option<&Control>) -> Result<Option<String>, E>,
        done: impl FnOnce(Result<(), StoreFailed>) + Send + 'static,
    ) -> Result<(), E> {
        let Edit { kind, id, who, now } = edit;
        let decide = |before: &dyn Fn(&str, &str) -> Option<Control>| {
            let json = decide(before(kind, id).as_ref())?;
            Ok(vec![ControlChange { kind: kind.into(), id: id.into(), json }])
        };
        self.change_controls(who, now, decide, done)
    }

    /// As [`change_control`](Self::change_control), for several objects at once: all of them change, or none.
    /// `decide` is given what looks an object up.
    pub fn change_controls<E>(
        &self,
        who: &str,
        now: Timestamp,
        decide: impl FnOnce(&dyn Fn(&str, &str) -> Option<Control>) -> Result<Vec<ControlChange>, E>,
        done: impl FnOnce(Result<(), StoreFailed>) + Send + 'static,
    ) -> Result<(), E> {
        let mut controls = self.controls.write();
        let changes = decide(&|kind, id| controls.rows.get(&name(kind, id)).cloned())?;
        let mut sequence = controls.sequence;
        let mut batch = Vec::with_capacity(changes.len() * 2 + 1);
        let mut after = Vec::with_capacity(changes.len());
        for ControlChange { kind, id, json } in changes {
            sequence += 1;
            let name = (kind, id);
            let audit = Audit {
                who: who.into(),
                at: now,
                kind: name.0.clone(),
                id: name.1.clone(),
                before: controls.rows.get(&name).map(|control| without_secrets(&control.json)),
                after: json.as_deref().map(without_secrets),
            };
            batch.push(Op::Insert(keys::audit(sequence), record::encode(&audit)));
            let control = json.map(|json| Control { revision: sequence, changed_at: now, json: json.into_boxed_str() });
            let key = keys::control(keys::CONTROL, &name.0, &name.1);
            match &control {
                Some(control) => match sealed(&self.seal, (&name.0, &name.1), control) {
                    Ok(sealed) => batch.push(Op::Put(key, record::encode(&sealed))),
                    Err(error) => {
                        drop(controls);
                        done(Err(StoreFailed(format!("a secret cannot be sealed: {error}").into())));
                        return Ok(());
                    }
                },
                None => batch.extend([Op::Delete(key), Op::Delete(keys::control(keys::USED, &name.0, &name.1))]),
            }
            after.push((name, control));
        }
        batch.push(Op::Put(keys::audit_sequence(), record::encode(&sequence)));
        if let Some(failed) = self.failure() {
            drop(controls);
            done(Err(failed));
            return Ok(());
        }
        let done: Done = Box::new(done);
        if let Err(failed) = self.submit(batch, Some(done)) {
            // It failed just now; whoever waits sees `done` go.
            tracing::error!("a change of what is set up is lost: {failed}");
            return Ok(());
        }
        controls.sequence = sequence;
        let mut kinds: BTreeSet<Box<str>> = BTreeSet::new();
        for (name, control) in after {
            kinds.insert(name.0.clone());
            match control {
                Some(control) => drop(controls.rows.insert(name, control)),
                None => {
                    controls.rows.remove(&name);
                    controls.used.remove(&name);
                }
            }
        }
        drop(controls);
        if let Some(call) = self.on_changed.get() {
            kinds.iter().for_each(|kind| call(kind));
        }
        Ok(())
    }

    /// Changes that somebody made to what is no control object, maybe none, with their row of the audit. That is no customer's
    /// partition, so that the two are batches, of one group. Its number is the change's revision.
    pub fn change_audited(
        &self,
        changes: Vec<Change>,
        audit: &Audit,
        done: impl FnOnce(Result<(), StoreFailed>) + Send + 'static,
    ) -> Result<u64, StoreFailed> {
        let batch: Vec<Op> = changes.into_iter().flat_map(|change| self.ops(change)).collect();
        let mut controls = self.controls.write();
        let revision = controls.sequence + 1;
        let row = Op::Insert(keys::audit(revision), record::encode(audit));
        let sequence = Op::Put(keys::audit_sequence(), record::encode(&revision));
        let mut inner = self.inner.lock();
        inner.submit(batch, None)?;
        inner.submit(vec![row, sequence], Some(Box::new(done)))?;
        controls.sequence = revision;
        drop((controls, inner));
        self.work.notify_one();
        Ok(revision)
    }

    /// When an object was used last, to within a minute after a crash.
    pub fn control_used_at(&self, kind: &str, id: &str) -> Option<Timestamp> {
        self.controls.read().used.get(&name(kind, id)).map(|used| used.at)
    }

    /// An object is used. Nobody waits for that to be durable, and it is in no audit.
    pub fn use_control(&self, kind: &str, id: &str, now: Timestamp) {
        let mut controls = self.controls.write();
        let name = name(kind, id);
        if !controls.rows.contains_key(&name) {
            return; // it was deleted just now
        }
        let used = controls.used.entry(name).or_default();
        used.at = used.at.max(now);
        if used.written.plus_ms(USED_PAUSE_MS) <= now {
            used.written = now;
            let put = Op::Put(keys::control(keys::USED, kind, id), record::encode(&now));
            if let Err(failed) = self.submit(vec![put], None) {
                tracing::debug!(kind, id, "its use is not written: {failed}");
            }
        }
    }

    /// Changes behind number `after`, oldest first.
    pub fn audit(&self, after: u64, limit: usize) -> io::Result<Vec<(u64, Audit)>> {
        let (from, to) = keys::audit_after(after);
        let rows = self.inner.lock().tables.range(&from, &to, limit)?;
        rows.iter()
            .map(|row| {
                let sequence = keys::audit_number(&row.key).ok_or_else(|| io::Error::other("audit key too short"))?;
                Ok((sequence, record::decode(&row.value).map_err(io::Error::other)?))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests;
