//! Where messages leave the main path: what it needs of whoever hands them to links.

use super::{Alert, House};
use crate::message::Timestamp;
use crate::route::PeerIndex;
use crate::store::Queued;
use crate::store::keys::OutboxKey;

/// Kind of the control objects that hold an account or upstream, named as it is: while there is one, nothing new is sent to it.
pub const PAUSE: &str = "pause";

impl House {
    /// To be called when a [`PAUSE`] was made or is gone.
    pub fn pauses_changed(&self) {
        self.outlet.pauses_changed();
    }
}

/// Takes messages that are durable and ready to leave. Delivery, in production.
pub trait Outlet: Send + Sync {
    fn offer(&self, queued: Vec<Queued>);
    /// A message is durable that is not due yet.
    fn later(&self, key: &OutboxKey);
    /// A message's time is over then.
    fn expires(&self, key: &OutboxKey, at: Timestamp);
    /// Keeps a message from every link, until it is released; false when one has it in hand already.
    fn withdraw(&self, key: &OutboxKey) -> bool;
    /// What was withdrawn is not its row any more.
    fn release(&self, key: &OutboxKey);
    /// What was withdrawn waits as before.
    fn give_back(&self, key: &OutboxKey, now: Timestamp);
    /// Links take from the queues that their peers have now.
    fn directory_changed(&self, now: Timestamp) -> std::io::Result<()>;
    /// There is another pause than before, or one is over.
    fn pauses_changed(&self) {}
    /// For an account that is bound, or soon; nothing of it is on disk.
    fn alert(&self, peer: PeerIndex, alert: Alert);
}
