//! Runs rules: one fresh sandboxed instance per event, effects staged, nothing performed here.
//!
//! [`PluginHost::load`] refuses a component that does not fit the contract, in words for its author.
//! [`PluginHost::call`] runs one event and answers with an [`Outcome`]; `relay` commits the effects or
//! drops them. The only room that knows wasmtime. It never writes to the store and opens no socket.

mod bindings;
mod engine;
mod fit;
mod handlers;
mod host;
mod interfaces;
mod invocation;
mod memory;
#[cfg(feature = "bench")]
mod native;
mod outbox;
mod staged_calls;
mod staged_shared;
mod staged_state;
mod staged_timers;
mod wasi;

pub use engine::EngineError;
pub use fit::Misfit;
pub use host::{LoadError, LoadedRule, PluginHost};
pub use invocation::{Broken, Effects, Gate, Invocation, Outcome, Passed, Ran, RuleLog, StateView, UsedByCall};
pub use outbox::{PARTS_MAX, answered_with};
