//! What must hold for any octets whatsoever, one function per fuzz target.
//!
//! `cargo xtask fuzz` searches for octets that break one of them; `runtime/smpp/tests/replay` runs them on the
//! seed corpus with every `cargo test`, without a nightly compiler. Each panics when its promise is broken.

mod decode;
mod receipt;
mod session;
mod text;
mod udh;

pub use decode::decode;
pub use receipt::receipt;
pub use session::session;
pub use text::text;
pub use udh::udh;

/// One target.
pub type Check = fn(&[u8]);

/// Every target, named as its seed corpus.
pub const TARGETS: [(&str, Check); 5] =
    [("decode", decode), ("session", session), ("text", text), ("udh", udh), ("receipt", receipt)];
