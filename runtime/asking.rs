//! What is known of a request beside its octets: where it came from, and, for one that this process asks itself, who is
//! behind it.
//!
//! Both travel as extensions of a request, which nobody can set over a socket. `api/serve.rs` sets the first, `console/` the
//! second; `api/auth.rs` judges a claim as it judges the token that it was made of, with every request again.

use std::net::SocketAddr;

use crate::secret::Digest;

/// How every API key begins, so that people and scanners for leaked secrets see what it is.
pub const KEY_PREFIX: &str = "wsk_";

/// The client's end of the connection.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(pub SocketAddr);

/// What a token proves, without the token: whoever reads it cannot send it.
#[derive(Clone)]
pub struct Claim {
    /// The id of an API key; None for what has not the form of one.
    pub key: Option<String>,
    pub digest: Digest,
}

impl Claim {
    pub fn of(token: &str) -> Claim {
        Claim { key: key_id(token).map(str::to_owned), digest: Digest::of(token) }
    }
}

/// `wsk_<id>_<secret>`
fn key_id(token: &str) -> Option<&str> {
    token.strip_prefix(KEY_PREFIX)?.split_once('_').map(|(id, _)| id)
}
