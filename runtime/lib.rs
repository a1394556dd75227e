//! wasmsc: an SMSC whose message logic is WebAssembly.
//!
//! The map. Arrows point down only:
//!
//! ```text
//! EDGES      link/ (SMPP)  api/ (HTTP)  console/ (HTML)  delivery  rule_threads  rules  timer_thread  rule_http  campaign_thread  cli/  tokio, threads, sockets
//! MAIN PATH  relay                                                  plain functions: read this first
//!            cases/                                                 beside it: rules in a house of memory
//! ENGINES    store/ (log files, sled)      plugin/ (wasmtime)       only here are those named
//! HEART      firewall  route  schedule  breaker  retry  tracking  timeline  message  occasion  recorded  device  campaign  meter  metrics  binds  tally  tap  bucket  pure, take `now`
//! PROTOCOL   crate wasmsc-smpp                                      pure
//! ```
//! `docs/ARCHITECTURE.md` tells why. `tests/it/tidy.rs` holds the code to it.

pub mod api;
mod asking;
mod bells;
pub mod binds;
mod breaker;
mod bucket;
pub mod campaign;
mod campaign_thread;
pub mod cases;
pub mod cli;
pub mod clock;
pub mod config;
pub mod console;
pub mod delivery;
pub mod device;
pub mod feed;
pub mod firewall;
mod grant;
pub mod link;
pub mod message;
pub mod meter;
pub mod metrics;
pub mod occasion;
mod outgoing;
pub mod plugin;
mod recorded;
pub mod relay;
pub mod retry;
pub mod route;
mod rule_http;
mod rule_threads;
pub mod rules;
pub mod schedule;
mod secret;
pub mod server;
pub mod setup;
mod slots;
pub mod store;
mod stream;
mod tally;
pub mod tap;
mod target;
pub mod timeline;
mod timer_thread;
mod tls;
mod traces;
pub mod tracking;
mod webhook;

#[cfg(feature = "bench")]
mod bench_switch;

pub use server::{Server, run};
