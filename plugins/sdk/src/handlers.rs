//! What a rule implements, and [`export_rule`](crate::export_rule), which makes it a component.

use crate::Context;
use crate::error::{ConfigError, Failure};
use crate::event::{HttpReply, Mo, Receipt, Request, Response, Timer};

/// A rule that answers MOs.
pub trait Rule {
    /// Called for one MO of one device. Events of one device, whatever their kind, never overlap and keep their order
    /// of arrival.
    fn handle_mo(mo: &Mo, cx: &mut Context<'_>) -> Result<(), Failure>;
}

/// A rule that hears what became of the messages for which it wanted a receipt: `export_rule!(R: mo, receipts)`.
pub trait ReceiptHandler {
    fn handle_receipt(receipt: &Receipt, cx: &mut Context<'_>) -> Result<(), Failure>;
}

/// A rule with timers: `export_rule!(R: mo, timers)`.
pub trait TimerHandler {
    /// A timer is due that nobody cancelled or set again since.
    fn handle_timer(timer: &Timer, cx: &mut Context<'_>) -> Result<(), Failure>;
}

/// A rule that hears answers to its HTTP calls: `export_rule!(R: mo, http)`.
pub trait HttpHandler {
    fn handle_http_reply(reply: &HttpReply, cx: &mut Context<'_>) -> Result<(), Failure>;
}

/// A rule that applications ask over the REST API: `export_rule!(R: requests)`.
pub trait RequestHandler {
    /// The response is given once the call's effects are stored.
    fn handle_request(request: &Request, cx: &mut Context<'_>) -> Result<Response, Failure>;
}

/// A rule that checks its config before it gets any traffic: `export_rule!(R: mo, config)`.
pub trait ConfigCheck {
    /// Called when the rule is deployed or its config changes. An error keeps what served before.
    fn check_config(cx: &Context<'_>) -> Result<(), ConfigError>;
}

/// One handler of a rule, for events of type `E`.
pub type Handler<E, T = ()> = fn(&E, &mut Context<'_>) -> Result<T, Failure>;

/// The check of a rule's config.
pub type Check = fn(&Context<'_>) -> Result<(), ConfigError>;

/// The handlers that a rule exports, as [`export_rule`](crate::export_rule) lists them.
#[derive(Clone, Copy)]
pub struct Handlers {
    pub mo: Option<Handler<Mo>>,
    pub receipts: Option<Handler<Receipt>>,
    pub timers: Option<Handler<Timer>>,
    pub http: Option<Handler<HttpReply>>,
    pub requests: Option<Handler<Request, Response>>,
    pub config: Option<Check>,
}

impl Handlers {
    pub const NONE: Handlers =
        Handlers { mo: None, receipts: None, timers: None, http: None, requests: None, config: None };
}

/// What [`export_rule`](crate::export_rule) makes of a rule in a native build: whoever runs it there, such as the test
/// bench, calls those handlers only that its component would have.
pub trait Exported {
    const HANDLERS: Handlers;
}

/// Makes a type the rule of this component, with the handlers that are listed; without a list, `mo`.
///
/// | handler | trait |
/// |---|---|
/// | `mo` | [`Rule`] |
/// | `receipts` | [`ReceiptHandler`] |
/// | `timers` | [`TimerHandler`] |
/// | `http` | [`HttpHandler`] |
/// | `requests` | [`RequestHandler`] |
/// | `config` | [`ConfigCheck`] |
///
/// wasmsc calls what is listed and nothing else. A native build makes the type [`Exported`], for tests.
///
/// ```
/// # use wasmsc_plugin::*;
/// # struct Alarm;
/// # impl Rule for Alarm { fn handle_mo(_: &Mo, _: &mut Context<'_>) -> Result<(), Failure> { Ok(()) } }
/// # impl TimerHandler for Alarm { fn handle_timer(_: &Timer, _: &mut Context<'_>) -> Result<(), Failure> { Ok(()) } }
/// export_rule!(Alarm: mo, timers);
/// ```
///
/// What is listed must be there:
///
/// ```compile_fail
/// # use wasmsc_plugin::*;
/// # struct Alarm;
/// # impl Rule for Alarm { fn handle_mo(_: &Mo, _: &mut Context<'_>) -> Result<(), Failure> { Ok(()) } }
/// export_rule!(Alarm: mo, timers); // the trait `TimerHandler` is not implemented for `Alarm`
/// ```
#[macro_export]
macro_rules! export_rule {
    ($rule:ty) => {
        $crate::export_rule!($rule: mo);
    };
    ($rule:ty: $($handler:ident),+ $(,)?) => {
        #[cfg(not(target_family = "wasm"))]
        impl $crate::Exported for $rule {
            // A rule may list all of them.
            #[allow(clippy::needless_update)]
            const HANDLERS: $crate::Handlers =
                $crate::Handlers { $($handler: Some($crate::__handler!($handler $rule)),)+ ..$crate::Handlers::NONE };
        }
        $(
            #[cfg(target_family = "wasm")]
            const _: () = {
                // Says in plain words what is wrong, before the bindings do.
                let _implemented = $crate::__handler!($handler $rule);
                type Exported = $crate::wasm::Exports<$rule>;
                $crate::wasm::$handler::export!(Exported with_types_in $crate::wasm::$handler);
            };
        )+
    };
}

/// For [`export_rule`](crate::export_rule) alone.
#[doc(hidden)]
#[macro_export]
macro_rules! __handler {
    (mo $rule:ty) => {
        <$rule as $crate::Rule>::handle_mo
    };
    (receipts $rule:ty) => {
        <$rule as $crate::ReceiptHandler>::handle_receipt
    };
    (timers $rule:ty) => {
        <$rule as $crate::TimerHandler>::handle_timer
    };
    (http $rule:ty) => {
        <$rule as $crate::HttpHandler>::handle_http_reply
    };
    (requests $rule:ty) => {
        <$rule as $crate::RequestHandler>::handle_request
    };
    (config $rule:ty) => {
        <$rule as $crate::ConfigCheck>::check_config
    };
    ($other:ident $rule:ty) => {
        compile_error!(concat!(
            "export_rule! knows no handler `",
            stringify!($other),
            "`; there are mo, receipts, timers, http, requests and config"
        ))
    };
}
