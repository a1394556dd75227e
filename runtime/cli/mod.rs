//! The commands of `wasmsc` beside `serve`: tools that talk to a server from outside, over SMPP.
//!
//! They never reach into the relay, the store or the plugin host. `main.rs` calls them.

#[cfg(feature = "bench")]
pub mod bench;
pub mod simulate;
