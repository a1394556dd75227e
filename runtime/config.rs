//! The config file: what it may say, and clear words for what it may not.
//!
//! Reading is done before any port is bound. Every error names file, line and what to do. Paths are
//! relative to the file. Callers: `main.rs` and tests.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::store::Keeps;

mod account;
mod api;
mod check;
mod customer;
mod dead_letters;
mod events;
mod explain;
mod history;
mod numbering;
mod object;
mod plugins;
mod retry;
mod rule;
mod rules_dir;
mod shared;
mod smpp;
mod traces;
mod webhooks;

pub use account::{
    Account, DefaultAlphabet, IdFormat, InterfaceVersion, LongMessages, Mode, RelayTlvs, Role, Upstream, UpstreamTls,
};
pub use api::{Api, ApiTls, OperatorTexts};
pub use customer::{Customer, Incomplete};
pub use dead_letters::DeadLetters;
pub use events::Events;
pub(crate) use explain::nearest;
pub use history::History;
pub use numbering::{NumberFormat, Numbering};
pub use object::{Declared, Kind, Settings, Unreadable};
pub use plugins::Plugins;
pub use retry::Retry;
pub use rule::Rule;
pub use shared::{Claim, SharedNumber};
pub use smpp::{Ban, Smpp, Tls};
pub use traces::Traces;
pub use webhooks::Webhooks;

/// `wasmsc.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the store lives; one process per directory.
    pub data_dir: PathBuf,
    pub smpp: Smpp,
    /// Absent: no REST API.
    #[serde(default)]
    pub api: Option<Api>,
    #[serde(default)]
    pub customer: Vec<Customer>,
    /// Numbers that several customers have keywords of.
    #[serde(default)]
    pub shared_number: Vec<SharedNumber>,
    #[serde(default)]
    pub account: Vec<Account>,
    #[serde(default)]
    pub upstream: Vec<Upstream>,
    #[serde(default)]
    pub rule: Vec<Rule>,
    /// A folder with a *.toml file per rule, read again when one changes. Absent: rules are those of this file and of the API.
    #[serde(default)]
    pub rules_dir: Option<PathBuf>,
    #[serde(default)]
    pub plugins: Plugins,
    #[serde(default)]
    pub retry: Retry,
    #[serde(default)]
    pub history: History,
    #[serde(default)]
    pub dead_letters: DeadLetters,
    #[serde(default)]
    pub events: Events,
    #[serde(default)]
    pub webhooks: Webhooks,
    /// Absent: traces go nowhere.
    #[serde(default)]
    pub traces: Option<Traces>,
    /// How long the fate of an application's message can be asked for with query_sm after its end.
    #[serde(default = "default_history_secs")]
    pub history_secs: u64,
    /// OS threads that run quick rules, and as many that run slow ones at a lower priority; default: one per core, at least 2.
    #[serde(default)]
    pub rule_threads: Option<usize>,
    /// Customers, accounts, upstreams, shared numbers and rules as they are written.
    #[serde(skip)]
    pub declared: Declared,
}

fn default_history_secs() -> u64 {
    86_400
}

/// What is wrong with a config file. `Display` is meant for the operator's eyes.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{}: cannot be read: {source}", file.display())]
    Read { file: PathBuf, source: std::io::Error },
    #[error("{}:{line}: {what}", file.display())]
    Syntax { file: PathBuf, line: usize, what: String },
    #[error("{}: {what}", file.display())]
    Meaning { file: PathBuf, what: String },
}

impl Config {
    /// Reads and checks `file`; afterwards every reference resolves and every address parses.
    pub fn load(file: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|source| ConfigError::Read { file: file.into(), source })?;
        let mut config = Self::parse(&text, file)?;
        let base = file.parent().unwrap_or(Path::new("."));
        for path in config.paths() {
            *path = base.join(&*path);
        }
        Ok(config)
    }

    /// As [`load`](Self::load), from text; `file` is for messages only and paths stay as written.
    pub fn parse(text: &str, file: &Path) -> Result<Config, ConfigError> {
        let mut config: Config = toml::from_str(text).map_err(|error| explain::syntax(&error, text, file))?;
        if let Some((start, what)) = shared::claimed_twice(text) {
            return Err(explain::at(start, text, file, what));
        }
        config.check().map_err(|what| ConfigError::Meaning { file: file.into(), what })?;
        config.declared = Declared::of(text);
        Ok(config)
    }

    /// Events are kept at least so long; 0: not at all.
    pub fn events_ms(&self) -> u64 {
        self.events.keep_ms(self.api.is_some())
    }

    /// What the store is to keep beside what it needs.
    pub fn keeps(&self) -> Keeps {
        Keeps { history: self.history.is_kept(), events: self.events_ms() > 0 }
    }

    /// Every path in the file.
    fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let rules = self.rule.iter_mut().filter_map(|rule| rule.component.as_mut());
        let server = self.smpp.tls.iter_mut().flat_map(|tls| {
            [Some(&mut tls.certificate), Some(&mut tls.key), tls.client_ca.as_mut()].into_iter().flatten()
        });
        let api = self.api.iter_mut().flat_map(|api| {
            let tls = api.tls.iter_mut().flat_map(|tls| [&mut tls.certificate, &mut tls.key]);
            tls.chain(&mut api.backup_dir)
        });
        let upstreams = self
            .upstream
            .iter_mut()
            .filter_map(|upstream| upstream.tls.as_mut())
            .flat_map(|tls| [tls.ca.as_mut(), tls.certificate.as_mut(), tls.key.as_mut()].into_iter().flatten());
        std::iter::once(&mut self.data_dir)
            .chain(self.rules_dir.as_mut())
            .chain(rules)
            .chain(server)
            .chain(api)
            .chain(upstreams)
    }
}

#[cfg(test)]
mod tests;
