//! Loading rules at the start: those of the config file have to load, those that were made over the API may fail.

use std::sync::Arc;

use super::versions;
use crate::clock;
use crate::config::{self, Config};
use crate::plugin::LoadError;
use crate::route::{Current, Directory};
use crate::rules::rollout::Rollout;
use crate::rules::{Prepared, Rules, Wanted};
use crate::store::Store;

fn wanted(rule: &config::Rule) -> Wanted {
    Wanted { settings: rule.clone(), rollout: Rollout::default() }
}

/// Rules of the config file: one that does not load keeps the server from starting.
pub async fn load_declared(config: &Config, rules: &Arc<Rules>) -> Result<Vec<Prepared>, LoadError> {
    let started = clock::instant();
    let prepared = rules.prepare_all(None, config.rule.iter().map(wanted).collect()).await;
    let prepared: Vec<Prepared> = prepared.into_values().collect::<Result<_, _>>()?;
    prepared.iter().for_each(told);
    tracing::info!(
        rules = prepared.len(),
        ms = started.elapsed().as_millis() as u64,
        "rules of the config file loaded"
    );
    Ok(prepared)
}

fn told(prepared: &Prepared) {
    tracing::info!(rule = prepared.rule(), handlers = prepared.handlers().join(" "), "rule loaded");
}

/// Rules that were made over the API: of one that does not load, the events wait.
pub async fn load_made(file: &Config, all: &Config, rules: &Arc<Rules>, store: &Arc<Store>) {
    let prepared = rules.prepare_all(Some(store), versions::made(file, all, store)).await;
    let loaded = |(rule, loaded): (String, Result<Prepared, LoadError>)| match loaded {
        Ok(prepared) => {
            told(&prepared);
            prepared
        }
        Err(error) => {
            tracing::error!(rule, "it cannot be loaded, and its events wait: {error}");
            Prepared::failed(rule, &error)
        }
    };
    rules.show_present(prepared.into_iter().map(loaded).collect());
}

/// Loads every rule of the config file and of its folder by itself, as a start would; its name, or why it does not load. For `wasmsc doctor`.
pub async fn try_rules(config: &Config) -> Vec<Result<String, String>> {
    let (mut all, mut tried) = (config.rule.clone(), Vec::new());
    if let Some(folder) = &config.rules_dir {
        match super::folder::list(folder) {
            Ok(files) => files.iter().for_each(|file| match Config::read_rule(file) {
                Ok((rule, _)) => all.push(rule),
                Err(error) => tried.push(Err(error.to_string())),
            }),
            Err(error) => tried.push(Err(format!("rules_dir: {}: {error}", folder.display()))),
        }
    }
    if all.is_empty() {
        return tried;
    }
    // Nothing is changed in the data directory, and a server may be at work there.
    let folder = std::env::temp_dir().join(format!("wasmsc-doctor-{}", std::process::id()));
    let directory = Current::new(Directory::new(config));
    match Rules::open_in(folder.clone(), config, directory, 1) {
        Ok(rules) => {
            for rule in &all {
                let loaded = rules.prepare(None, wanted(rule)).await;
                tried.push(loaded.map(|_| rule.id()).map_err(|error| error.to_string()));
            }
        }
        Err(error) => tried.push(Err(error.to_string())),
    }
    let _ = std::fs::remove_dir_all(folder); // it is in a folder for such
    tried
}
