//! Loads rules and runs one event of one rule.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Store, Trap, UpdateDeadline, WasmBacktrace};

use super::compile::NotCompiled;
use super::component::Compiled;
use super::engine::{AtTicks, EngineError, Engines, TICK};
use super::event::Event;
use super::filling::Filling;
use super::fit::{self, Misfit};
use super::handlers::{Handled, Handlers};
use super::interfaces::{self, Call};
use super::invocation::{Broken, Invocation, Limits, Outcome, Ran};
use crate::clock;
use crate::config::{self, Webhooks};
use crate::grant::HttpGrant;
use crate::route::Current;

/// Why a rule cannot be loaded. Names the rule, where its component is from, and what to do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoadError {
    #[error("rule {rule}: {from}: cannot be read: {why}")]
    Read { rule: String, from: String, why: String },
    #[error("rule {rule}: {from}: {why}")]
    NotCompiled { rule: String, from: String, why: NotCompiled },
    #[error("rule {rule}: {from}: {misfit}")]
    Misfit { rule: String, from: String, misfit: Misfit },
    #[error("rule {rule}: its config does not suit it: {why}")]
    Config { rule: String, why: String },
}

/// What a rule's calls share.
pub(super) struct RuleFacts {
    /// `customer/name`.
    pub name: Arc<str>,
    pub config: BTreeMap<String, String>,
    pub secrets: BTreeMap<String, String>,
    /// Where its HTTP calls may lead.
    pub http: HttpGrant,
    pub limits: Limits,
    pub directory: Arc<Current>,
}

/// A rule that fits the contract, ready to run.
pub struct LoadedRule {
    facts: Arc<RuleFacts>,
    component: InstancePre<Call>,
    handlers: Handlers,
    about: Arc<About>,
}

const WASM_PAGE_OCTETS: u64 = 64 << 10;

/// What shows of a component before it runs.
#[derive(Debug)]
pub struct About {
    /// Names of the interfaces that it asks for.
    pub imports: Vec<String>,
    /// The largest memory that it begins with.
    pub memory_octets: u64,
}

impl About {
    fn of(component: &Component) -> About {
        let imports = component.component_type().imports(component.engine()).map(|(name, _)| name.to_owned()).collect();
        let required = component.resources_required();
        let pages = required.and_then(|required| required.max_initial_memory_size).unwrap_or_default();
        About { imports, memory_octets: pages * WASM_PAGE_OCTETS }
    }
}

impl LoadedRule {
    /// Names of the handlers that its component has.
    pub fn handlers(&self) -> Vec<&'static str> {
        self.handlers.names()
    }

    pub fn about(&self) -> &About {
        &self.about
    }
}

pub struct PluginHost {
    pub(super) engines: Engines,
    linker_of_mapped: Linker<Call>,
    linker_of_copied: Linker<Call>,
    allowed: Webhooks,
    at_ticks: Arc<AtTicks>,
}

/// A call that gets hardly any CPU time ends when so many times its deadline have passed.
const PATIENCE: u32 = 10;
/// Time that a rule has to say what it thinks of its config, at least: nobody's message waits for it.
const CHECK_MS: u32 = 2_000;

impl PluginHost {
    /// `threads`: calls that may run at once. `allowed`: where HTTP calls of rules may lead at all.
    pub fn new(threads: u32, allowed: Webhooks) -> Result<PluginHost, EngineError> {
        let at_ticks = Arc::new(AtTicks::new());
        let engines = Engines::new(threads, at_ticks.clone())?;
        let linker = |filling| interfaces::linker(engines.of(filling)).map_err(EngineError::Engine);
        let (linker_of_mapped, linker_of_copied) = (linker(Filling::Mapped)?, linker(Filling::Copied)?);
        Ok(PluginHost { engines, linker_of_mapped, linker_of_copied, allowed, at_ticks })
    }

    fn linker(&self, component: &Component) -> &Linker<Call> {
        match self.engines.filling(component) {
            Filling::Mapped => &self.linker_of_mapped,
            Filling::Copied => &self.linker_of_copied,
        }
    }

    /// Does this at each tick of the clock that deadlines are counted by, about once in a millisecond. Only the first
    /// who says so is heard.
    pub fn at_ticks(&self, at_tick: Box<dyn Fn() + Send + Sync>) {
        let _ = self.at_ticks.set(at_tick);
    }

    /// Checks a rule's component, makes one instance of it to see that it fits, and asks it about its config.
    pub async fn load(
        &self,
        rule: &config::Rule,
        component: &Compiled,
        directory: Arc<Current>,
    ) -> Result<LoadedRule, LoadError> {
        let loaded = self.fit(rule, component, directory).await?;
        self.check_config(&loaded).await.map_err(|why| LoadError::Config { rule: rule.id(), why })?;
        Ok(loaded)
    }

    /// As [`load`](Self::load), whatever the rule thinks of its config.
    pub async fn fit(
        &self,
        rule: &config::Rule,
        component: &Compiled,
        directory: Arc<Current>,
    ) -> Result<LoadedRule, LoadError> {
        let component = &component.0;
        let misfit = |misfit| LoadError::Misfit { rule: rule.id(), from: rule.source(), misfit };
        fit::check(component).map_err(misfit)?;
        let about = Arc::new(About::of(component));
        let wrong_type = |error: wasmtime::Error| misfit(Misfit::WrongType(format!("{error:#}")));
        let component = self.linker(component).instantiate_pre(component).map_err(wrong_type)?;
        let handlers = Handlers::of(&component);
        if !handlers.has_any() || !handlers.takes_mos() && !rule.numbers.is_empty() {
            return Err(misfit(Misfit::NoHandler));
        }
        let facts = Arc::new(self.facts(rule, directory));
        let loaded = LoadedRule { facts, component, handlers, about };
        self.try_instance(&loaded).await.map_err(misfit)?;
        Ok(loaded)
    }

    /// The component of a loaded rule as another rule: with its config, its limits and its customer.
    pub fn as_rule(&self, loaded: &LoadedRule, rule: &config::Rule, directory: Arc<Current>) -> LoadedRule {
        let facts = Arc::new(self.facts(rule, directory));
        LoadedRule {
            facts,
            about: loaded.about.clone(),
            component: loaded.component.clone(),
            handlers: loaded.handlers.clone(),
        }
    }

    fn facts(&self, rule: &config::Rule, directory: Arc<Current>) -> RuleFacts {
        let limits = Limits {
            deadline_ms: rule.deadline_ms,
            memory_octets: (rule.memory_mib as usize) << 20,
            messages: rule.messages_max,
            state_octets: (rule.state_kib as usize) << 10,
            timers: rule.timers_max as usize,
            http_calls: rule.http_calls_max as usize,
        };
        RuleFacts {
            name: rule.id().into(),
            config: rule.config.clone(),
            secrets: rule.secrets.clone(),
            http: HttpGrant { hosts: rule.http_hosts.clone(), allowed: self.allowed },
            limits,
            directory,
        }
    }

    /// The types of exports show only in an instance; so does a start that traps or wants too much memory.
    async fn try_instance(&self, rule: &LoadedRule) -> Result<(), Misfit> {
        let limits = rule.facts.limits;
        let call = Call::new(rule.facts.clone(), Invocation::trial(clock::now()), clock::instant());
        let mut store = store(rule, call, limits.deadline_ms);
        let deadline = Duration::from_millis(limits.deadline_ms.into());
        let tried = async {
            let instance = rule.component.instantiate_async(&mut store).await?;
            rule.handlers.check_types(&mut store, &instance)
        };
        match tokio::time::timeout(deadline, tried).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                let why = format!("{error:#}");
                Err(if why.contains("type mismatch") { Misfit::WrongType(why) } else { Misfit::NoInstance(why) })
            }
            Err(_) => Err(Misfit::NoInstance(format!("waited past its deadline of {} ms", limits.deadline_ms))),
        }
    }

    /// Asks the rule, where it checks its config at all. What it does besides is dropped.
    pub async fn check_config(&self, rule: &LoadedRule) -> Result<(), String> {
        if !rule.handlers.checks_config() {
            return Ok(());
        }
        let deadline_ms = rule.facts.limits.deadline_ms.max(CHECK_MS);
        let call = Call::new(rule.facts.clone(), Invocation::trial(clock::now()), clock::instant());
        let mut store = store(rule, call, deadline_ms);
        let checked = async {
            let instance = rule.component.instantiate_async(&mut store).await?;
            rule.handlers.check_config(&mut store, &instance).await
        };
        match tokio::time::timeout(Duration::from_millis(deadline_ms.into()), checked).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(error)) => Err(format!("its config-check failed: {error:?}")),
            Err(_) => Err(format!("its config-check took longer than {deadline_ms} ms")),
        }
    }

    /// As [`run`](Self::run), for who does not ask what it used.
    pub async fn call(&self, rule: &LoadedRule, invocation: Invocation) -> Outcome {
        self.run(rule, invocation).await.outcome
    }

    /// Runs one event in a fresh instance. Returns within the rule's deadline, whatever the rule does.
    pub async fn run(&self, rule: &LoadedRule, invocation: Invocation) -> Ran {
        #[cfg(feature = "bench")]
        if crate::bench_switch::rule_is_native() {
            let outcome = super::native::call(&rule.facts, invocation);
            return outcome.into();
        }
        let limits = rule.facts.limits;
        let event = Event::of(&invocation);
        let started = clock::instant();
        let mut store = store(rule, Call::new(rule.facts.clone(), invocation, started), limits.deadline_ms);
        by_cpu_time(&mut store, started, limits.deadline_ms);
        let run = async {
            let instance = rule.component.instantiate_async(&mut store).await?;
            rule.handlers.call(&mut store, &instance, event).await
        };
        // Epochs stop a guest that computes; one that waits inside WASI is stopped by the timer.
        let deadline = Duration::from_millis(limits.deadline_ms.into());
        let result = tokio::time::timeout(deadline, run).await;
        store.data().log_printed();
        let used = store.data().used();
        let outcome = match result {
            Ok(Ok(Handled::Done(response))) => Outcome::Done(store.into_data().into_effects(response)),
            Ok(Ok(Handled::Retry(after))) => Outcome::Retry(after),
            Ok(Ok(Handled::Reject(reason))) => Outcome::Reject(reason),
            Ok(Err(error)) => Outcome::Broken(explain(&error, &limits)),
            Err(_) => Outcome::Broken(format!("waited past its deadline of {} ms", limits.deadline_ms).as_str().into()),
        };
        Ran { used, ..outcome.into() }
    }
}

fn store(rule: &LoadedRule, call: Call, deadline_ms: u32) -> Store<Call> {
    let mut store = Store::new(rule.component.engine(), call);
    store.limiter(|call| &mut call.limits);
    store.set_epoch_deadline(u64::from(deadline_ms) / TICK.as_millis() as u64 + 1);
    store
}

/// A thread that gives way to others gets its core back when they are done with it: the deadline of a call counts the
/// CPU time that it had, and the time that passed only where that is far more. Asking for CPU time is a system
/// call, so it is asked at ticks only, of which few calls live to see one.
fn by_cpu_time(store: &mut Store<Call>, started: Instant, deadline_ms: u32) {
    let deadline = Duration::from_millis(deadline_ms.into());
    let mut before = None;
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |_| {
        let (cpu, passed) = (clock::thread_cpu(), clock::instant().saturating_duration_since(started));
        // Until the first tick a call had a tick's time at most, which counts as its own.
        let before = *before.get_or_insert_with(|| cpu.saturating_sub(passed.min(TICK)));
        let left = deadline.saturating_sub(cpu.saturating_sub(before));
        if left.is_zero() || passed > deadline * PATIENCE {
            return Err(Trap::Interrupt.into());
        }
        Ok(UpdateDeadline::Continue((left.as_millis() as u64).max(1)))
    });
}

fn explain(error: &wasmtime::Error, limits: &Limits) -> Broken {
    let why = match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt) => format!("ran longer than its deadline of {} ms", limits.deadline_ms),
        _ => error.root_cause().to_string(),
    };
    let backtrace = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::to_string).unwrap_or_default();
    Broken { why, backtrace }
}
