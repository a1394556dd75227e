//! Tells an account's customer that a bind of it came up, and when it went, whatever ended it.

use std::sync::Arc;

use super::core::Shared;
use crate::clock;
use crate::feed::LinkChange;
use crate::route::Peer;

/// A bind that its customer knows of, until this is dropped.
pub struct ToldBind {
    shared: Arc<Shared>,
    peer: Arc<Peer>,
    mode: &'static str,
}

impl ToldBind {
    pub fn new(shared: Arc<Shared>, peer: Arc<Peer>, mode: &'static str) -> ToldBind {
        shared.house.link_changed(&peer, mode, LinkChange::Bound, clock::now());
        ToldBind { shared, peer, mode }
    }
}

impl Drop for ToldBind {
    fn drop(&mut self) {
        self.shared.house.link_changed(&self.peer, self.mode, LinkChange::Unbound, clock::now());
    }
}
