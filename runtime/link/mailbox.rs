//! What other threads tell a link: which of its requests are durable, and that something waits for it.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use wasmsc_smpp::{CommandId, CommandStatus};

use crate::message::MessageId;

/// A request of the peer, by what its response needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    pub sequence_number: u32,
    pub command_id: CommandId,
    /// Length of the PDU: what the request counts for while it is pending.
    pub octets: usize,
    /// For one destination of a submit_multi: which, of which.
    pub multi: Option<(u64, u8)>,
    /// It asked to be told when its device is back; the response says that it will.
    pub sets_dpf: bool,
}

/// How it went: the id of the message it made, or why not. Ok(None): done, and there is no new message.
pub type Outcome = Result<Option<MessageId>, CommandStatus>;

#[derive(Default)]
pub struct Mailbox {
    outcomes: Mutex<Vec<(Request, Outcome)>>,
    pub bell: Arc<Notify>,
}

impl Mailbox {
    /// Bounded by what the link may have pending at the store.
    pub fn put(&self, mut outcomes: Vec<(Request, Outcome)>) {
        let mut waiting = self.outcomes.lock();
        if waiting.is_empty() {
            *waiting = outcomes;
        } else {
            waiting.append(&mut outcomes);
        }
        drop(waiting);
        self.bell.notify_one();
    }

    pub fn empty(&self) -> Vec<(Request, Outcome)> {
        std::mem::take(&mut self.outcomes.lock())
    }
}
