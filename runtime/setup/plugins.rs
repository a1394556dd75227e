//! Plugins that are uploaded and removed: rows, under the same lock as the rules that name them.

use std::collections::HashSet;
use std::sync::Arc;

use super::{NotSetUp, Setup};
use crate::rules::Digest;
use crate::rules::stock::{self, Plugin, VERSIONS_MAX};
use crate::store::{ControlChange, StoreFailed};

/// Why a plugin is not listed, or not removed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PluginRefused {
    #[error("{label} is there already, with the digest {digest}; give this one another version")]
    VersionExists { label: String, digest: String },
    #[error("{0} is a plugin of the operator's; give yours another name")]
    NameTaken(String),
    #[error("there are {VERSIONS_MAX} versions already; delete some that no rule uses")]
    TooMany,
    #[error("{label} is used by {}; let {} use another version first", rules.join(", "), if rules.len() == 1 { "it" } else { "them" })]
    Used { label: String, rules: Vec<String> },
    #[error("there is no such plugin")]
    NotFound,
    #[error(transparent)]
    Store(#[from] StoreFailed),
}

/// What came of listing a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    New,
    /// The same one was there.
    Before,
}

impl Setup {
    /// What would keep a plugin of this label from being listed, whatever it contains.
    pub fn plugin_listed(&self, plugin: &Plugin) -> Result<Option<Plugin>, PluginRefused> {
        let (store, label) = (&self.house.store, plugin.label());
        let own = |one: &&Plugin| one.customer == plugin.customer;
        let all = stock::list(store, None);
        if let Some(same) = all.iter().filter(own).find(|one| one.label() == label) {
            if same.component == plugin.component {
                return Ok(Some(same.clone()));
            }
            return Err(PluginRefused::VersionExists { label, digest: same.component.clone() });
        }
        if all.iter().any(|one| one.customer.is_none() && one.name == plugin.name) && plugin.customer.is_some() {
            return Err(PluginRefused::NameTaken(plugin.name.clone()));
        }
        if all.iter().filter(own).count() >= VERSIONS_MAX {
            return Err(PluginRefused::TooMany);
        }
        Ok(None)
    }

    /// Lists a plugin whose component is on disk; durable when it yields.
    pub async fn add_plugin(self: &Arc<Self>, plugin: Plugin) -> Result<(Listed, Plugin), PluginRefused> {
        let setup = self.clone();
        let added = tokio::spawn(async move {
            let _changing = setup.changing.lock().await;
            if let Some(before) = setup.plugin_listed(&plugin)? {
                return Ok((Listed::Before, before));
            }
            setup.write(&plugin.by, vec![plugin.row()]).await?;
            let listed = stock::find(&setup.house.store, plugin.customer.as_deref(), &plugin.label());
            Ok((Listed::New, listed.unwrap_or(plugin)))
        });
        added.await.unwrap_or_else(|_| Err(unfinished().into()))
    }

    /// Removes a plugin that no rule needs. Its files go with the next sweep.
    pub async fn remove_plugin(self: &Arc<Self>, who: String, plugin: Plugin) -> Result<(), PluginRefused> {
        let setup = self.clone();
        let removed = tokio::spawn(async move {
            let _changing = setup.changing.lock().await;
            let store = &setup.house.store;
            if store.control(stock::KIND, &plugin.id()).is_none() {
                return Err(PluginRefused::NotFound);
            }
            let rules = stock::needed_by(store, &plugin);
            if !rules.is_empty() {
                return Err(PluginRefused::Used { label: plugin.label(), rules });
            }
            Ok(setup.write(&who, vec![gone(&plugin)]).await?)
        });
        removed.await.unwrap_or_else(|_| Err(unfinished().into()))
    }

    /// Removes versions that no rule needs and that are older than the config keeps them, and files that nobody needs.
    pub async fn sweep_plugins(&self) -> Result<usize, NotSetUp> {
        let keep_days = self.file().plugins.keep_days;
        if keep_days == 0 {
            return Ok(0);
        }
        let age_ms = u64::from(keep_days) * 86_400_000;
        let before_ms = crate::clock::now().0.saturating_sub(age_ms);
        let _changing = self.changing.lock().await;
        let store = &self.house.store;
        let all = stock::list(store, None);
        let is_over = |plugin: &&Plugin| plugin.uploaded_at.0 < before_ms && stock::needed_by(store, plugin).is_empty();
        let over: Vec<&Plugin> = all.iter().filter(is_over).collect();
        if !over.is_empty() {
            self.write("wasmsc", over.iter().map(|plugin| gone(plugin)).collect()).await?;
        }
        let mut wanted: HashSet<Digest> = stock::digests(store);
        wanted.extend(self.rules.digests());
        let before = std::time::UNIX_EPOCH + std::time::Duration::from_millis(before_ms);
        let files = self.rules.files.sweep(&wanted, before);
        let files = files.map_err(|error| StoreFailed(format!("plugins: {error}").into()))?;
        Ok(over.len() + files)
    }
}

fn gone(plugin: &Plugin) -> ControlChange {
    ControlChange { kind: stock::KIND.into(), id: plugin.id().into(), json: None }
}

fn unfinished() -> StoreFailed {
    StoreFailed("the change did not come to an end".into())
}
