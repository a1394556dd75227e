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
//! Build with `cargo build --release --target wasm32-wasip2`. A call's messages and state writes happen
//! together when `handle_mo` returns `Ok`, or not at all. Each MO runs in a fresh instance: what should
//! outlive a call goes into state.

mod context;
pub mod host;
mod message;
pub mod testing;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod wasm;

pub use context::Context;
pub use message::{Body, Failure, Level, Mo, SendError, StateError, Timestamp};

/// A rule: what runs for each MO.
pub trait Rule {
    /// Called for one MO of one device. Calls for one device never overlap and keep the order of arrival.
    fn handle_mo(mo: &Mo, cx: &mut Context<'_>) -> Result<(), Failure>;
}

/// For [`export_rule`] alone.
#[doc(hidden)]
pub const fn is_a_rule<R: Rule>() {}

/// Makes a [`Rule`] the rule of this component. A native build only checks that it is one.
#[macro_export]
macro_rules! export_rule {
    ($rule:ty) => {
        #[cfg(not(target_family = "wasm"))]
        const _: () = $crate::is_a_rule::<$rule>();
        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Exported;
            impl $crate::wasm::Guest for Exported {
                fn handle_mo(mo: $crate::wasm::Message) -> Result<(), $crate::wasm::HandlerError> {
                    $crate::wasm::run::<$rule>(mo)
                }
            }
    $crate::wasm::export!(Exported with_types_in $crate::wasm::bindings);
        };
    };
}
