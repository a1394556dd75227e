//! Loads rules and runs one event of one rule.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Store, Trap, WasmBacktrace};

use super::bindings::wasmsc::plugin::types::{Body, Message};
use super::bindings::{MoRulePre, exports::wasmsc::plugin::mo_handler::HandlerError};
use super::engine::{self, EngineError, TICK};
use super::fit::{self, Misfit};
use super::interfaces::{self, Call};
use super::invocation::{Broken, Effects, Invocation, Limits, Outcome};
use crate::clock;
use crate::config;
use crate::route::Current;
use wasmsc_smpp::text::Payload;

/// Why a rule was refused at start. Names the rule, the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("rule {rule}: {}: cannot be read: {source}", file.display())]
    Read { rule: String, file: PathBuf, source: std::io::Error },
    #[error("rule {rule}: {}: is no WebAssembly component: {why}", file.display())]
    NotAComponent { rule: String, file: PathBuf, why: String },
    #[error("rule {rule}: {}: {misfit}", file.display())]
    Misfit { rule: String, file: PathBuf, misfit: Misfit },
}

/// What a rule's calls share.
pub(super) struct RuleFacts {
    /// `customer/name`.
    pub name: Arc<str>,
    pub config: BTreeMap<String, String>,
    pub limits: Limits,
    pub directory: Arc<Current>,
}

/// A rule that fits the contract, ready to run.
pub struct LoadedRule {
    facts: Arc<RuleFacts>,
    component: MoRulePre<Call>,
    /// `sha256:` and the digest of the component.
    version: Arc<str>,
}

impl LoadedRule {
    pub fn version(&self) -> &Arc<str> {
        &self.version
    }
}

pub struct PluginHost {
    engine: Engine,
    linker: Linker<Call>,
}

impl PluginHost {
    /// `threads`: calls that may run at once.
    pub fn new(threads: u32) -> Result<PluginHost, EngineError> {
        let engine = engine::new(threads)?;
        let linker = interfaces::linker(&engine).map_err(EngineError::Engine)?;
        Ok(PluginHost { engine, linker })
    }

    /// Reads, checks and compiles a rule, and makes one instance of it to see that it fits.
    pub async fn load(&self, rule: &config::Rule, directory: Arc<Current>) -> Result<LoadedRule, LoadError> {
        let name = format!("{}/{}", rule.customer, rule.name);
        let file = rule.component.clone();
        let wasm = std::fs::read(&file).map_err(|source| LoadError::Read {
            rule: name.clone(),
            file: file.clone(),
            source,
        })?;
        let component = self.compile(&wasm, &name, &file)?;
        let misfit = |misfit| LoadError::Misfit { rule: name.clone(), file: file.clone(), misfit };
        fit::check(&component, &self.engine).map_err(misfit)?;
        let limits = Limits {
            deadline_ms: rule.deadline_ms,
            memory_octets: (rule.memory_mib as usize) << 20,
            messages: rule.messages_max,
            state_octets: (rule.state_kib as usize) << 10,
        };
        let facts = RuleFacts { name: name.as_str().into(), config: rule.config.clone(), limits, directory };
        let wrong_type = |error: wasmtime::Error| misfit(Misfit::WrongType(format!("{error:#}")));
        let component = self.linker.instantiate_pre(&component).map_err(wrong_type)?;
        let component = MoRulePre::new(component).map_err(wrong_type)?;
        let digest: String = Sha256::digest(&wasm).iter().map(|octet| format!("{octet:02x}")).collect();
        let loaded = LoadedRule { facts: Arc::new(facts), component, version: format!("sha256:{digest}").into() };
        self.try_instance(&loaded).await.map_err(misfit)?;
        Ok(loaded)
    }

    fn compile(&self, wasm: &[u8], rule: &str, file: &Path) -> Result<Component, LoadError> {
        Component::new(&self.engine, wasm).map_err(|error| LoadError::NotAComponent {
            rule: rule.to_owned(),
            file: file.into(),
            why: format!("{error:#}"),
        })
    }

    /// The types of exports show only in an instance; so does a start that traps or wants too much memory.
    async fn try_instance(&self, rule: &LoadedRule) -> Result<(), Misfit> {
        let limits = rule.facts.limits;
        let call = Call::new(rule.facts.clone(), Invocation::trial(), clock::instant());
        let mut store = self.store(call, limits);
        let deadline = Duration::from_millis(limits.deadline_ms.into());
        match tokio::time::timeout(deadline, rule.component.instantiate_async(&mut store)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                let why = format!("{error:#}");
                Err(if why.contains("type mismatch") { Misfit::WrongType(why) } else { Misfit::NoInstance(why) })
            }
            Err(_) => Err(Misfit::NoInstance(format!("waited past its deadline of {} ms", limits.deadline_ms))),
        }
    }

    fn store(&self, call: Call, limits: Limits) -> Store<Call> {
        let mut store = Store::new(&self.engine, call);
        store.limiter(|call| &mut call.limits);
        store.set_epoch_deadline(u64::from(limits.deadline_ms) / TICK.as_millis() as u64 + 1);
        store
    }

    /// Runs one event in a fresh instance. Returns within the rule's deadline, whatever the rule does.
    pub async fn call(&self, rule: &LoadedRule, invocation: Invocation) -> Outcome {
        #[cfg(feature = "bench")]
        if crate::bench_switch::rule_is_native() {
            return super::native::call(&rule.facts, invocation);
        }
        let limits = rule.facts.limits;
        let mo = message(&invocation);
        let call = Call::new(rule.facts.clone(), invocation, clock::instant());
        let mut store = self.store(call, limits);
        let run = async {
            let instance = rule.component.instantiate_async(&mut store).await?;
            instance.wasmsc_plugin_mo_handler().call_handle_mo(&mut store, &mo).await
        };
        // Epochs stop a guest that computes; one that waits inside WASI is stopped by the timer.
        let deadline = Duration::from_millis(limits.deadline_ms.into());
        let result = tokio::time::timeout(deadline, run).await;
        store.data().log_printed();
        match result {
            Ok(Ok(Ok(()))) => {
                let call = store.into_data();
                Outcome::Done(Effects { state: call.state.into_writes(), messages: call.outbox.into_messages() })
            }
            Ok(Ok(Err(HandlerError::Retry(after)))) => Outcome::Retry(after),
            Ok(Ok(Err(HandlerError::Reject(reason)))) => Outcome::Reject(reason),
            Ok(Err(error)) => Outcome::Broken(explain(&error, &limits)),
            Err(_) => Outcome::Broken(format!("waited past its deadline of {} ms", limits.deadline_ms).as_str().into()),
        }
    }
}

fn message(invocation: &Invocation) -> Message {
    let mo = &invocation.mo;
    Message {
        id: invocation.id.to_string(),
        source: mo.source.to_string(),
        destination: mo.destination.to_string(),
        body: match mo.content.payload() {
            Payload::Text(text) => Body::Text(text),
            Payload::Binary(octets) => Body::Binary(octets.to_vec()),
        },
        received_at: mo.received_at.0,
    }
}

fn explain(error: &wasmtime::Error, limits: &Limits) -> Broken {
    let why = match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => format!("ran longer than its deadline of {} ms", limits.deadline_ms),
        _ => error.root_cause().to_string(),
    };
    let backtrace = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::to_string).unwrap_or_default();
    Broken { why, backtrace }
}
