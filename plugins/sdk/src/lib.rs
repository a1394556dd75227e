//! Write wasmsc rules in Rust: one trait method and one macro line.
//!
//! ```
//! use wasmsc_plugin::{Context, Failure, Mo, Rule, export_rule};
//!
//! struct Hello;
//!
//! impl Rule for Hello {
//!     fn handle_mo(mo: &Mo, cx: &mut Context<'_>) -> Result<(), Failure> {
//!         let visits = cx.increment("visits", 1)?;
//!         cx.reply(format!("visit {visits}: you said {}", mo.text().unwrap_or_default()))?;
//!         Ok(())
//!     }
//! }
//!
//! export_rule!(Hello);
//!
//! // Natively, without WebAssembly:
//! let mut bench = wasmsc_plugin::testing::Bench::new();
//! bench.receive::<Hello>("+46701234567", "7001", "hi").expect("accepted");
//! assert_eq!(bench.sent_texts(), ["visit 1: you said hi"]);
//! ```
//!
//! Build with `cargo build --release --target wasm32-wasip2`. A call's messages, state writes, timers and HTTP calls
//! happen together when the handler returns `Ok`, or not at all. Each event runs in a fresh instance: what should
//! outlive a call goes into state.
//!
//! A rule may handle more than MOs: [`TimerHandler`], [`ReceiptHandler`], [`HttpHandler`], [`RequestHandler`] and
//! [`ConfigCheck`] are traits of their own, and [`export_rule!`] lists those that the component is to have.

mod context;
mod draft;
mod error;
mod event;
mod handlers;
pub mod host;
mod http;
mod message;
mod template;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod wasm;

pub use context::Context;
pub use draft::Draft;
pub use error::{ConfigError, Failure, JsonError, SendError, StateError, SubmitError, TimerError};
pub use event::{HttpReply, Mo, Receipt, Request, Response, Timer};
pub use handlers::{ConfigCheck, Exported, Handlers, HttpHandler, ReceiptHandler, RequestHandler, Rule, TimerHandler};
pub use http::HttpRequest;
pub use message::{Body, Level, MessageState, Secret, Timestamp};
pub use serde_json::json;
pub use template::{Template, TemplateError};
