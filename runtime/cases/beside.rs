//! A component twice: as the host calls it, and with the bare engine (feature `bench`).

use std::path::Path;
use std::sync::Arc;

use super::run::{Trial, TrialError};
use crate::config::Webhooks;
use crate::plugin::PluginHost;
pub use crate::plugin::bare::BareRule;
use crate::plugin::bare::{BareError, BareHost};

pub struct Beside {
    bare: BareHost,
    host: Arc<PluginHost>,
}

/// Why there are not both.
#[derive(Debug, thiserror::Error)]
pub enum BesideError {
    #[error(transparent)]
    Bare(#[from] BareError),
    #[error(transparent)]
    Host(#[from] TrialError),
    #[error(transparent)]
    Open(#[from] crate::plugin::NotOpened),
}

impl Beside {
    /// For components with as much data as this one. `text` is that of the MO.
    pub fn new(wasm: &[u8], text: &str) -> Result<Beside, BesideError> {
        let host = PluginHost::new(1, Webhooks::default()).map_err(TrialError::Engine)?;
        Ok(Beside { bare: BareHost::new(wasm, text)?, host: Arc::new(host) })
    }

    /// The form that both open.
    pub fn compile(&self, wasm: &[u8]) -> Result<Vec<u8>, BesideError> {
        Ok(self.bare.compile(wasm)?)
    }

    pub async fn open(&self, file: &Path) -> Result<Trial, BesideError> {
        let compiled = self.host.open(file)?;
        Ok(Trial::of_compiled(self.host.clone(), &compiled, &file.display().to_string()).await?)
    }

    pub fn open_bare(&self, file: &Path) -> Result<BareRule, BesideError> {
        Ok(self.bare.open(file)?)
    }

    /// Yields how many messages it sent.
    pub fn call_bare(&self, rule: &BareRule) -> Result<usize, BesideError> {
        Ok(self.bare.call(rule)?)
    }
}
