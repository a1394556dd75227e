//! The contract's bindings and the host behind them. For the [`export_rule`](crate::export_rule) macro.
//!
//! What the host gives is generated once, in `imports`. Each handler is a world of its own with one export: the macro
//! puts those into a component that its rule has, and wasmsc looks at each export by itself.

mod contract;
mod events;

use std::marker::PhantomData;

pub use contract::Contract;

pub mod imports {
    wit_bindgen::generate!({ path: "wit", world: "wasmsc:plugin/imports" });
}

/// Generates a world with one export as a module with its macro `export`.
macro_rules! handler {
    ($module:ident, $world:literal, $inline:literal $(, $types:literal)?) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "wit",
                inline: $inline,
                world: $world,
                with: { $($types: crate::wasm::imports::wasmsc::plugin::types)? },
                pub_export_macro: true,
                export_macro_name: "export",
            });
        }
    };
}

handler!(
    mo,
    "wasmsc:sdk/mo",
    "package wasmsc:sdk; world mo { export wasmsc:plugin/mo-handler@0.1.0; }",
    "wasmsc:plugin/types@0.1.0"
);
handler!(
    receipts,
    "wasmsc:sdk/receipts",
    "package wasmsc:sdk; world receipts { export wasmsc:plugin/receipt-handler@0.1.0; }",
    "wasmsc:plugin/types@0.1.0"
);
handler!(
    timers,
    "wasmsc:sdk/timers",
    "package wasmsc:sdk; world timers { export wasmsc:plugin/timer-handler@0.1.0; }",
    "wasmsc:plugin/types@0.1.0"
);
handler!(
    http,
    "wasmsc:sdk/http",
    "package wasmsc:sdk; world http { export wasmsc:plugin/http-handler@0.1.0; }",
    "wasmsc:plugin/types@0.1.0"
);
handler!(
    requests,
    "wasmsc:sdk/requests",
    "package wasmsc:sdk; world requests { export wasmsc:plugin/request-handler@0.1.0; }",
    "wasmsc:plugin/types@0.1.0"
);
// A check needs none of the types.
handler!(config, "wasmsc:sdk/config", "package wasmsc:sdk; world config { export wasmsc:plugin/config-check@0.1.0; }");

/// What the component of a rule exports.
pub struct Exports<R>(PhantomData<R>);
