//! Runs rules: one fresh sandboxed instance per event, effects staged, nothing performed here.
//!
//! [`PluginHost::load`] refuses a component that does not fit the contract, in words for its author.
//! [`PluginHost::call`] runs one event and answers with an [`Outcome`]; `relay` commits the effects or
//! drops them. The only room that knows wasmtime. It never writes to the store and opens no socket. Components are compiled in a
//! process of their own (`compile`) and kept as files (`files`).

#[cfg(feature = "bench")]
pub mod bare;
mod bindings;
#[cfg(test)]
mod committed;
pub mod compile;
mod component;
mod digest;
#[cfg(test)]
mod doc_tests;
mod engine;
mod event;
mod files;
mod filling;
mod fit;
mod handlers;
mod host;
mod interfaces;
mod invocation;
mod memory;
#[cfg(feature = "bench")]
mod native;
mod outbox;
mod shims;
mod staged_calls;
mod staged_shared;
mod staged_state;
mod staged_timers;
mod tape;
mod wasi;

pub use compile::{CompileLimits, NotCompiled};
pub use component::{Compiled, Faces, NotOpened};
pub use digest::Digest;
pub use engine::EngineError;
pub use files::{Incoming, PluginFiles};
pub use fit::Misfit;
pub use host::{About, LoadError, LoadedRule, PluginHost};
pub use invocation::{
    Broken, Effects, Gate, Invocation, Outcome, Passed, Ran, RuleLog, Seed, StateView, UsedByCall, Witness, Witnessed,
};
pub use outbox::{PARTS_MAX, answered_with};
pub use tape::{Listening, Question, Recording, Replay, Tape, Told};
