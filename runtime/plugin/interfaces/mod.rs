//! What the host gives to a rule: one file per WIT interface, each a thin turn from the contract's types
//! into the host's own. All of them are fast, wait for nothing and change nothing outside the call.

mod config;
mod device;
mod http;
mod invocation;
mod log;
mod outbox;
mod shared_state;
mod state;
mod timers;

use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime_wasi::{WasiCtxView, WasiView};

use super::bindings;
use super::host::RuleFacts;
use super::invocation::{DRAFTS, Effects, Invocation, RuleLog, UsedByCall};
use super::memory::Memory;
use super::outbox::Outbox;
use super::shims;
use super::staged_calls::StagedCalls;
use super::staged_shared::StagedShared;
use super::staged_state::StagedState;
use super::staged_timers::StagedTimers;
use super::wasi::{EventRandom, LazyWasi};
use crate::device::Device;
use crate::message::{Address, Content, MessageId, Timestamp};
use crate::occasion::Response;

/// The host's side of one call: what a store holds.
pub struct Call {
    pub(super) rule: Arc<RuleFacts>,
    pub(super) id: MessageId,
    pub(super) attempt: u32,
    pub(super) now: Timestamp,
    pub(super) device: Address,
    /// That the device wrote to.
    number: Address,
    pub(super) registered: std::cell::OnceCell<Device>,
    /// Of the MO; None where there is none.
    pub(super) content: Option<Content>,
    pub(super) state: StagedState,
    pub(super) shared: StagedShared,
    pub(super) timers: StagedTimers,
    pub(super) outbox: Outbox,
    pub(super) drafts: ResourceTable,
    pub(super) calls: StagedCalls,
    pub(super) random: EventRandom,
    pub(super) deadline: std::time::Instant,
    pub(super) log: log::LogBudget,
    pub(super) heard_by: Option<Arc<dyn RuleLog>>,
    pub(super) limits: Memory,
    pub(super) wasi: LazyWasi,
}

impl Call {
    pub(super) fn new(rule: Arc<RuleFacts>, invocation: Invocation, started: std::time::Instant) -> Call {
        let Invocation { id, attempt, occasion, mo, state, gate, log: heard_by, seed, .. } = invocation;
        let limits = rule.limits;
        let now = mo.received_at;
        let mut drafts = ResourceTable::new();
        drafts.set_max_capacity(DRAFTS);
        Call {
            timers: StagedTimers::new(state.clone(), (id, now), (&occasion, &mo.destination), limits.timers),
            shared: StagedShared::new(state.clone(), limits.state_octets),
            state: StagedState::new(state, limits.state_octets),
            outbox: Outbox::new(Arc::clone(&rule.directory.load()), gate, id, &mo, limits.messages),
            drafts,
            calls: StagedCalls::new(rule.clone()),
            rule,
            id,
            attempt,
            now,
            device: mo.source,
            number: mo.destination,
            registered: std::cell::OnceCell::new(),
            content: occasion.is_mo().then_some(mo.content),
            random: EventRandom::new(seed, id, 0),
            deadline: started + std::time::Duration::from_millis(limits.deadline_ms.into()),
            log: log::LogBudget::default(),
            heard_by,
            limits: Memory::new(limits.memory_octets),
            wasi: LazyWasi::new(seed, id, now),
        }
    }
}

impl Call {
    /// So far.
    pub(super) fn used(&self) -> UsedByCall {
        UsedByCall { memory_octets: self.limits.octets(), log_lines: self.log.lines_taken() }
    }

    /// What the call wants done.
    pub(super) fn into_effects(self, response: Option<Response>) -> Effects {
        let (messages, passed) = self.outbox.into_messages();
        let (reads, shared) = self.shared.into_effects();
        let (timers, calls) = (self.timers.into_changes(), self.calls.into_calls());
        let (state_growth, number) = (self.state.growth(), Some(self.number));
        let state = self.state.into_writes();
        Effects { state, state_growth, messages, timers, reads, shared, calls, response, number, passed }
    }
}

impl WasiView for Call {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.view()
    }
}

/// Everything a rule can import.
pub fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<Call>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    bindings::FullRule::add_to_linker::<Call, HasSelf<Call>>(&mut linker, |call| call)?;
    shims::add_to_linker(&mut linker)?;
    Ok(linker)
}

impl bindings::wasmsc::plugin::types::Host for Call {}
