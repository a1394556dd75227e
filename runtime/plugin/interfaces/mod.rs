//! What the host gives to a rule: one file per WIT interface, each a thin turn from the contract's types
//! into the host's own. All of them are fast, wait for nothing and change nothing outside the call.

mod config;
mod device;
mod invocation;
mod log;
mod outbox;
mod state;

use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker};
use wasmtime_wasi::{WasiCtxView, WasiView};

use super::bindings;
use super::host::RuleFacts;
use super::invocation::{Invocation, RuleLog};
use super::outbox::Outbox;
use super::staged_state::StagedState;
use super::wasi::{EventRandom, LazyWasi};
use crate::device::Device;
use crate::message::{Address, Content, MessageId, Timestamp};

/// The host's side of one call: what a store holds.
pub struct Call {
    pub(super) rule: Arc<RuleFacts>,
    pub(super) id: MessageId,
    pub(super) attempt: u32,
    pub(super) now: Timestamp,
    pub(super) device: Address,
    pub(super) registered: std::cell::OnceCell<Device>,
    pub(super) content: Content,
    pub(super) state: StagedState,
    pub(super) outbox: Outbox,
    pub(super) random: EventRandom,
    pub(super) deadline: std::time::Instant,
    pub(super) log: log::LogBudget,
    pub(super) heard_by: Option<Arc<dyn RuleLog>>,
    pub(super) limits: wasmtime::StoreLimits,
    pub(super) wasi: LazyWasi,
}

impl Call {
    pub(super) fn new(rule: Arc<RuleFacts>, invocation: Invocation, started: std::time::Instant) -> Call {
        let Invocation { id, attempt, mo, state, log: heard_by, gate, secret, .. } = invocation;
        let limits = rule.limits;
        let memory =
            wasmtime::StoreLimitsBuilder::new().memory_size(limits.memory_octets).trap_on_grow_failure(true).build();
        Call {
            state: StagedState::new(state, limits.state_octets),
            outbox: Outbox::new(Arc::clone(&rule.directory.load()), gate, id, &mo, limits.messages),
            rule,
            id,
            attempt,
            now: mo.received_at,
            device: mo.source,
            registered: std::cell::OnceCell::new(),
            content: mo.content,
            random: EventRandom::new(&secret, id, 0),
            deadline: started + std::time::Duration::from_millis(limits.deadline_ms.into()),
            log: log::LogBudget::default(),
            heard_by,
            limits: memory,
            wasi: LazyWasi::new(secret, id, mo.received_at),
        }
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
    bindings::MoRule::add_to_linker::<Call, HasSelf<Call>>(&mut linker, |call| call)?;
    Ok(linker)
}

impl bindings::wasmsc::plugin::types::Host for Call {}
