//! The commands of `wasmsc` beside `serve`: tools that talk to a server from outside, over SMPP or its API.
//!
//! They never reach into the relay or the plugin host, and only `messages`, `restore` and `doctor` into the store, of a
//! server that does not run. `main.rs` calls them.

pub mod apply;
pub mod backup;
#[cfg(feature = "bench")]
pub mod bench;
mod calls;
pub mod campaign;
pub mod chat;
pub mod completions;
pub mod dead;
pub mod devices;
pub mod doctor;
mod event_stream;
pub mod events;
pub mod failure;
pub mod keys;
pub mod links;
pub mod message;
pub mod messages;
pub mod numbers;
pub mod objects;
pub mod plugin;
pub mod plugin_store;
pub mod policy;
mod progress;
mod remote;
pub mod restore;
pub mod rule;
pub mod rule_logs;
mod rule_replay;
pub mod send;
pub mod simulate;
pub mod status;
mod table;
pub mod usage;
pub mod webhooks;
