//! Which versions of which rules run: loads them, and switches them while events run, each on one whole version.
//!
//! An edge: it reads files and starts the compiler. [`Rules::prepare`] loads what a change needs and changes nothing;
//! [`Rules::show`] makes it what events find, in one atomic step per rule. `setup` calls both, with the rows in between;
//! `rule_threads` calls [`Rules::call`]. A rule without a version that runs is held: its events wait.

mod lately;
pub mod rollout;
mod room;
mod shadow;
pub mod stock;
mod tries;
mod verdict;
mod version;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::clock;
use crate::config::{self, Config};
use crate::plugin::{
    CompileLimits, Compiled, EngineError, Invocation, LoadError, Misfit, NotOpened, PluginFiles, PluginHost, Ran,
    Witnessed,
};
pub use crate::plugin::{Digest, Faces, Incoming, NotCompiled};
use crate::relay::House;
use crate::route::{Current, Directory, RuleIndex};
use crate::schedule::SubjectKey;
use crate::slots::Slots;
use crate::store::Store;
pub use lately::Latest;
use rollout::Rollout;
use room::Room;
use shadow::Shadows;
pub use shadow::{Compared, Shadow};
use tries::Tries;
pub use tries::{AsRule, NotTried, Rerun, ToTry, Tried};
pub use verdict::is_worse;
use version::Tally;
pub use version::{Canary, Runs, Serving, Version};

/// In the data directory.
const FOLDER: &str = "plugins";
/// Rules that are tried at once when they are loaded, beside those that run.
const TRIALS: usize = 2;
/// And one of a version that runs beside.
const SHADOWS: usize = 1;
/// And one that somebody tries.
const TRIED: usize = 1;
/// Rules that are on their way at once: each has a component's file in memory meanwhile, on a thread of its own.
const LOADED_AT_ONCE: usize = 16;

/// The rules and the host that runs them.
pub struct Rules {
    pub host: Arc<PluginHost>,
    pub files: Arc<PluginFiles>,
    directory: Arc<Current>,
    /// By [`RuleIndex`].
    places: Slots<Place>,
    /// Components that some version has.
    components: Mutex<HashMap<Digest, Weak<Compiled>>>,
    trials: Semaphore,
    shadows: Shadows,
    tries: Tries,
    /// That may be open at once, beside what rules need.
    links_max: usize,
}

#[derive(Default)]
struct Place {
    serving: ArcSwapOption<Serving>,
    /// Why there is none, or why a version beside the active one is not loaded.
    fault: Mutex<Option<String>>,
}

/// What a rule is to be served by, loaded.
pub struct Prepared {
    rule: String,
    /// None: it is gone.
    serving: Option<Arc<Serving>>,
    fault: Option<String>,
}

/// A rule and where it is going, to be loaded.
pub struct Wanted {
    pub settings: config::Rule,
    pub rollout: Rollout,
}

impl Rules {
    /// `threads`: events that may run at once.
    pub fn open(config: &Config, directory: Arc<Current>, threads: usize) -> Result<Rules, OpenError> {
        let folder = config.data_dir.join(FOLDER);
        Rules::open_in(folder, config, directory, threads)
    }

    /// With components and their compiled forms in `folder`.
    pub fn open_in(
        folder: PathBuf,
        config: &Config,
        directory: Arc<Current>,
        threads: usize,
    ) -> Result<Rules, OpenError> {
        let host = Arc::new(PluginHost::new((threads + TRIALS + SHADOWS + TRIED) as u32, config.webhooks)?);
        let (shadows, tries) = (Shadows::start(host.clone())?, Tries::start()?);
        let plugins = &config.plugins;
        let limits = CompileLimits { memory_mib: plugins.compile_memory_mib, cpu_secs: plugins.compile_cpu_secs };
        let files = PluginFiles::open(folder, host.compatibility(), limits, plugins.compile_at_once)?;
        let (places, components, trials) = (Slots::default(), Mutex::default(), Semaphore::new(TRIALS));
        let (files, links_max) = (Arc::new(files), config.smpp.max_links);
        Ok(Rules { host, files, directory, places, components, trials, shadows, tries, links_max })
    }

    /// Does this about once in a millisecond.
    pub fn at_ticks(&self, at_tick: Box<dyn Fn() + Send + Sync>) {
        self.host.at_ticks(at_tick);
    }

    /// Runs one event on the version that its device has. None: there is none at present, and the rule is held.
    pub async fn call(&self, house: &House, key: &SubjectKey, invocation: Invocation) -> Option<Ran> {
        let serving = self.serving(key.rule).or_else(|| {
            house.hold_rule(key.rule);
            let serving = self.serving(key.rule)?;
            house.release_rule(key.rule); // it came just now
            Some(serving)
        })?;
        let version = serving.version_for(house.directory().rule_name(key.rule), &key.device);
        let witness = invocation.witness.clone();
        let (invocation, watched) = match &serving.shadow {
            Some(shadow) => {
                let (invocation, watched) = Shadows::watch(shadow, invocation);
                (invocation, Some(watched))
            }
            None => (invocation, None),
        };
        let started = clock::instant();
        let ran = self.host.run(&version.loaded, invocation).await;
        version.tally.record(&ran.outcome, (started, clock::instant()));
        if let Some(watched) = watched {
            self.shadows.compare(watched, &ran.outcome);
        }
        let settings = || version.settings.clone();
        let witnessed = witness.map(|witness| Box::new(Witnessed { witness, settings: settings() }));
        Some(Ran { version: version.digest_text.clone(), witnessed, ..ran })
    }

    pub fn serving(&self, rule: RuleIndex) -> Option<Arc<Serving>> {
        self.places.at(rule.0).serving.load_full()
    }

    /// What is wrong with a rule's versions at present.
    pub fn fault(&self, rule: RuleIndex) -> Option<String> {
        self.places.at(rule.0).fault.lock().clone()
    }

    /// Loads what rules need. Versions that are loaded are used as they are. `store` knows uploaded plugins.
    ///
    /// An error says that the active version or a canary or shadow cannot be loaded; a version that only a rollback would need is
    /// missed with a line in the log.
    pub async fn prepare(&self, store: Option<&Store>, wanted: Wanted) -> Result<Prepared, LoadError> {
        let Wanted { settings, rollout } = wanted;
        let before = self.directory.load().rule(&settings.customer, &settings.name).and_then(|rule| self.serving(rule));
        let of = async |plugin: &str| {
            let settings = config::Rule { plugin: Some(plugin.to_owned()), component: None, ..settings.clone() };
            self.version(store, settings, before.as_deref()).await
        };
        let active = self.version(store, settings.clone(), before.as_deref()).await?;
        let canary = match &rollout.canary {
            Some(canary) => {
                let version = of(&canary.plugin).await?;
                let before = before.as_ref().and_then(|before| before.canary.as_ref());
                let same = before.filter(|before| Arc::ptr_eq(&before.version, &version));
                let began = same.map_or_else(|| (active.tally.read(), version.tally.read()), |before| before.began);
                Some(Canary { version, percent: canary.percent, began })
            }
            None => None,
        };
        let shadow = match &rollout.shadow {
            Some(shadow) => Some(self.shadow(store, &settings, &shadow.plugin, before.as_deref()).await?),
            None => None,
        };
        let (previous, fault) = match &rollout.previous {
            Some(plugin) => match of(plugin).await {
                Ok(version) => (Some(version), None),
                Err(error) => (None, Some(format!("no rollback is possible: {error}"))),
            },
            None => (None, None),
        };
        let serving = Serving { active, previous, canary, shadow };
        Ok(Prepared { rule: settings.id(), serving: Some(Arc::new(serving)), fault })
    }

    /// Loaded apart, under a name that its lines in the log tell.
    async fn shadow(
        &self,
        store: Option<&Store>,
        settings: &config::Rule,
        plugin: &str,
        before: Option<&Serving>,
    ) -> Result<Arc<Shadow>, LoadError> {
        let name = format!("{} (shadow)", settings.name);
        let settings = config::Rule { plugin: Some(plugin.to_owned()), name, ..settings.clone() };
        let (digest, _) = self.source(store, &settings).await?;
        let before = before.and_then(|before| before.shadow.as_ref());
        if let Some(same) = before.filter(|before| before.version.is_of(&settings, digest)) {
            return Ok(same.clone());
        }
        let version = self.version(store, settings, None).await?;
        Ok(Arc::new(Shadow { version, report: Default::default() }))
    }

    async fn version(
        &self,
        store: Option<&Store>,
        settings: config::Rule,
        before: Option<&Serving>,
    ) -> Result<Arc<Version>, LoadError> {
        let (digest, source) = self.source(store, &settings).await?;
        if let Some(version) = before.and_then(|before| before.loaded().find(|v| v.is_of(&settings, digest))) {
            return Ok(version.clone());
        }
        let not_compiled =
            |why: NotCompiled| LoadError::NotCompiled { rule: settings.id(), from: settings.source(), why };
        let component = self.compiled(digest, source).await.map_err(not_compiled)?;
        let loaded = self.loaded(&settings, &component).await?;
        let plugin = settings.plugin.clone().unwrap_or_else(|| settings.source());
        let (digest_text, tally) = (digest.to_string().into(), Tally::new(clock::instant()));
        Ok(Arc::new(Version { plugin, digest, digest_text, settings, loaded, tally, component }))
    }

    async fn loaded(
        &self,
        settings: &config::Rule,
        component: &Compiled,
    ) -> Result<crate::plugin::LoadedRule, LoadError> {
        let _trial = self.trials.acquire().await.ok(); // it is never closed
        self.host.load(settings, component, self.directory.clone()).await
    }

    /// The digest of a rule's component, and a file that has it.
    async fn source(&self, store: Option<&Store>, settings: &config::Rule) -> Result<(Digest, PathBuf), LoadError> {
        let unreadable = |why: String| LoadError::Read { rule: settings.id(), from: settings.source(), why };
        if let Some(file) = settings.component.clone() {
            let path = file.clone();
            let read = tokio::task::spawn_blocking(move || std::fs::read(&path).map(|wasm| Digest::of(&wasm))).await;
            let digest = read.map_err(|error| unreadable(error.to_string()))?;
            return Ok((digest.map_err(|error| unreadable(error.to_string()))?, file));
        }
        let plugin = settings.plugin.as_deref().unwrap_or_default();
        let row = store.and_then(|store| stock::find(store, Some(&settings.customer), plugin));
        let digest = row.and_then(|row| row.digest());
        let digest = digest.ok_or_else(|| unreadable("there is no such plugin; upload it first".to_owned()))?;
        Ok((digest, self.files.component(&digest)))
    }

    /// A component's compiled form, whoever loaded it first. A file of it that does not load is made once more.
    pub async fn compiled(&self, digest: Digest, source: PathBuf) -> Result<Arc<Compiled>, NotCompiled> {
        let found = || self.components.lock().get(&digest).and_then(Weak::upgrade);
        if let Some(component) = found() {
            return Ok(component);
        }
        let file = self.files.compile(digest, &source).await?;
        let compiled = match self.host.open(&file) {
            Ok(compiled) => compiled,
            // Nothing is wrong with the file, and the others need theirs.
            Err(NotOpened::NoRoom(why)) => {
                return Err(NotCompiled::Failed(format!("{why}; raise LimitNOFILE or vm.max_map_count")));
            }
            Err(NotOpened::Unusable(why)) => {
                tracing::warn!(%digest, "its compiled form does not load and is made again: {why}");
                self.files.forget_compiled(&digest);
                let file = self.files.compile(digest, &source).await?;
                self.host.open(&file).map_err(|error| NotCompiled::Failed(error.to_string()))?
            }
        };
        let compiled = Arc::new(compiled);
        let mut components = self.components.lock();
        // Before it grows, not each time: ten thousand are loaded one by one.
        if components.len() == components.capacity() {
            components.retain(|_, component| component.strong_count() > 0);
        }
        components.insert(digest, Arc::downgrade(&compiled));
        Ok(compiled)
    }

    fn warn_of_lacks(&self, wanted: &[Wanted]) {
        let loaded = self.components.lock().values().filter(|component| component.strong_count() > 0).count();
        let components = loaded + room::distinct(wanted.iter().map(|wanted| &wanted.settings));
        Room::now().lacks(components, self.links_max).iter().for_each(|lack| tracing::warn!("{lack}"));
    }

    /// Several at once. Rules by their names: what serves them, or why nothing does.
    pub async fn prepare_all(
        self: &Arc<Self>,
        store: Option<&Arc<Store>>,
        all: Vec<Wanted>,
    ) -> BTreeMap<String, Result<Prepared, LoadError>> {
        self.warn_of_lacks(&all);
        let (mut running, mut done) = (JoinSet::new(), BTreeMap::new());
        for wanted in all {
            let (rules, store) = (self.clone(), store.cloned());
            if running.len() == LOADED_AT_ONCE
                && let Some(ended) = running.join_next().await
            {
                done.extend([ended.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))]);
            }
            running.spawn(async move {
                let rule = wanted.settings.id();
                (rule, rules.prepare(store.as_deref(), wanted).await)
            });
        }
        done.extend(running.join_all().await);
        done
    }

    /// Events of these rules find this from now on. Indices are those of `next`, which may be shown before or after.
    pub fn show(&self, next: &Directory, all: Vec<Prepared>) {
        for Prepared { rule, serving, fault } in all {
            let Some((customer, name)) = rule.split_once('/') else { continue };
            let index = next.rule(customer, name).or_else(|| self.directory.load().rule(customer, name));
            let Some(index) = index else { continue };
            let place = self.places.at(index.0);
            *place.fault.lock() = fault;
            place.serving.store(serving);
        }
    }

    /// As [`show`](Self::show), of rules of the present directory.
    pub fn show_present(&self, all: Vec<Prepared>) {
        self.show(&self.directory.load(), all);
    }

    /// Holds rules of which no version runs, and lets the others go on. After the directory is the present one.
    pub fn settle(&self, house: &House) {
        let directory = house.directory();
        house.settle_rules(|index| directory.has_rule(index) && self.serving(index).is_some());
    }

    /// Whether a component on disk fits the contract; what it shows of itself.
    pub async fn try_component(&self, digest: Digest, plugins: &config::Plugins) -> Result<Faces, Unfit> {
        let component = self.compiled(digest, self.files.component(&digest)).await?;
        let trial = config::Rule::trial(plugins.deadline_max_ms, plugins.memory_max_mib);
        match self.loaded(&trial, &component).await {
            // Without the config of a rule it may well say so.
            Ok(_) | Err(LoadError::Config { .. }) => Ok(self.host.faces(&component)),
            Err(LoadError::Misfit { misfit, .. }) => Err(Unfit::Misfit(misfit)),
            Err(other) => Err(NotCompiled::Failed(other.to_string()).into()),
        }
    }

    /// Components that rules have loaded.
    pub fn digests(&self) -> HashSet<Digest> {
        let count = self.directory.load().rules.len();
        let serving = (0..count).filter_map(|index| self.serving(RuleIndex(index)));
        serving.flat_map(|serving| serving.loaded().map(|version| version.digest).collect::<Vec<_>>()).collect()
    }
}

impl Prepared {
    /// As `customer/name`.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// What the active version can be called with.
    pub fn handlers(&self) -> Vec<&'static str> {
        self.serving.as_ref().map(|serving| serving.active.loaded.handlers()).unwrap_or_default()
    }

    pub fn gone(rule: String) -> Prepared {
        Prepared { rule, serving: None, fault: None }
    }

    /// Nothing serves it, for this reason.
    pub fn failed(rule: String, error: &LoadError) -> Prepared {
        Prepared { rule, serving: None, fault: Some(error.to_string()) }
    }
}

/// Why a component is not taken: a sentence for its author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("the component {0}")]
    NotCompiled(#[from] NotCompiled),
    #[error("the component {0}")]
    Misfit(Misfit),
}

/// Why no rule can be loaded at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("plugins: {0}")]
    Files(#[from] std::io::Error),
}
