//! The commands of `wasmsc` beside `serve`: tools that talk to a server from outside, over SMPP.
//!
//! They never reach into the relay or the plugin host, and only `messages` into the store, of a server that does not
//! run. `main.rs` calls them.

#[cfg(feature = "bench")]
pub mod bench;
pub mod messages;
pub mod simulate;
