//! `rules_dir`: rules that are files of a folder, read again when they change.
//!
//! The folder is looked at once a second: times and lengths of a few files cost nothing, and that works on every file
//! system, through symbolic links that are swapped, and over the network, where notices of changes get lost. A file that is
//! wrong, or whose component does not load, is told in the log with its line, and the rule stays as it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::{NotSetUp, Setup, plan};
use crate::config::{Config, Rule, Settings};
use crate::rules::rollout::Rollout;
use crate::rules::{Prepared, Wanted};

/// What shows that a file has changed: its time and its length; of a file that is not there, nothing.
type Stamp = Option<(SystemTime, u64)>;

/// The folder as it was seen last.
pub struct Folder {
    path: PathBuf,
    /// By file: the stamps of the file and of its component, and the rule, if it could be read.
    files: BTreeMap<PathBuf, Seen>,
    /// Rules of files that hold at present, by file.
    rules: BTreeMap<PathBuf, (Rule, Settings)>,
    /// The config file without them.
    base: Arc<Config>,
}

#[derive(PartialEq)]
struct Seen {
    file: Stamp,
    component: Option<PathBuf>,
    component_stamp: Stamp,
}

fn stamp(file: &Path) -> Stamp {
    let metadata = fs::metadata(file).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Files of rules in a folder.
pub(super) fn list(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "toml") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

impl Seen {
    fn now(file: &Path, component: Option<PathBuf>) -> Seen {
        Seen { file: stamp(file), component_stamp: component.as_deref().and_then(stamp), component }
    }

    fn is_so_still(&self, file: &Path) -> bool {
        *self == Seen::now(file, self.component.clone())
    }
}

impl Folder {
    fn new(path: PathBuf, base: Arc<Config>) -> Folder {
        Folder { path, files: BTreeMap::new(), rules: BTreeMap::new(), base }
    }

    /// Takes over what has changed since the last look.
    pub(super) async fn look(&mut self, setup: &Arc<Setup>) {
        let files = match list(&self.path) {
            Ok(files) => files,
            Err(error) => return tracing::error!("rules_dir: {}: {error}", self.path.display()),
        };
        let gone: Vec<PathBuf> = self.files.keys().filter(|file| !files.contains(file)).cloned().collect();
        for file in gone {
            self.files.remove(&file);
            self.change(setup, file, None).await;
        }
        for file in files {
            if self.files.get(&file).is_some_and(|seen| seen.is_so_still(&file)) {
                continue;
            }
            let read = Config::read_rule(&file);
            let component = read.as_ref().ok().and_then(|(rule, _)| rule.component.clone());
            self.files.insert(file.clone(), Seen::now(&file, component));
            match read {
                Ok(rule) => self.change(setup, file, Some(rule)).await,
                Err(error) => tracing::error!("rules_dir: {error}; the rule stays as it was"),
            }
        }
    }

    async fn change(&mut self, setup: &Arc<Setup>, file: PathBuf, rule: Option<(Rule, Settings)>) {
        let before = self.rules.get(&file).map(|(rule, _)| rule.id());
        let mut next = self.rules.clone();
        let id = rule.as_ref().map(|(rule, _)| rule.id());
        match rule {
            Some(rule) => drop(next.insert(file.clone(), rule)),
            None => drop(next.remove(&file)),
        }
        let all = self.base.with_rules(next.values());
        let gone = before.filter(|before| Some(before) != id.as_ref());
        match setup.declare(all, id.as_deref(), gone).await {
            Ok(()) => {
                tracing::info!(file = %file.display(), rule = id, "rules_dir: taken over");
                self.rules = next;
            }
            Err(error) => tracing::error!("rules_dir: {}: {error}; the rule stays as it was", file.display()),
        }
    }
}

impl Setup {
    /// The folder that the config names, with its rules taken over.
    pub async fn open_folder(self: &Arc<Self>, config: &Config) -> Option<Folder> {
        let mut folder = Folder::new(config.rules_dir.clone()?, self.file());
        folder.look(self).await;
        Some(folder)
    }

    /// The files declare this now: one rule is new or other than before, and one may be gone.
    async fn declare(
        self: &Arc<Self>,
        file: Config,
        changed: Option<&str>,
        gone: Option<String>,
    ) -> Result<(), NotSetUp> {
        let _changing = self.changing.lock().await;
        file.check().map_err(NotSetUp::Invalid)?;
        let config = plan::plan(&file, &self.house.store, Vec::new())?.config;
        let find = |id: &str| config.rule.iter().find(|rule| rule.id() == id).cloned();
        let mut wanted: Vec<Wanted> = changed
            .and_then(find)
            .map(|settings| Wanted { settings, rollout: Rollout::default() })
            .into_iter()
            .collect();
        // One of the same name that was made over the API is back.
        let made = gone.as_deref().and_then(find);
        let gone = gone.filter(|_| made.is_none());
        wanted.extend(made.map(|settings| {
            let rollout = Rollout::read(&self.house.store, &settings.id()).unwrap_or_default();
            Wanted { settings, rollout }
        }));
        let prepared = self.rules.prepare_all(Some(&self.house.store), wanted).await;
        let prepared: Result<Vec<_>, _> = prepared.into_values().collect();
        let mut prepared = prepared.map_err(|error| NotSetUp::Unfit(error.to_string()))?;
        prepared.extend(gone.map(Prepared::gone));
        self.show(&config, prepared).await;
        self.file.store(Arc::new(file));
        Ok(())
    }
}
