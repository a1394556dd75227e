//! What other threads tell a link: which of its messages are durable, and that something waits for it.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use wasmsc_smpp::CommandId;

use crate::firewall::Reject;
use crate::message::MessageId;

/// A message that a peer sent, by what its response needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    pub sequence_number: u32,
    pub command_id: CommandId,
    /// Length of the PDU: what the message counts for while it is pending.
    pub octets: usize,
}

pub type Acknowledgement = (Request, Result<MessageId, Reject>);

#[derive(Default)]
pub struct Mailbox {
    acknowledgements: Mutex<Vec<Acknowledgement>>,
    pub bell: Arc<Notify>,
}

impl Mailbox {
    /// Bounded by what the link may have pending at the store.
    pub fn put(&self, mut acknowledgements: Vec<Acknowledgement>) {
        let mut waiting = self.acknowledgements.lock();
        if waiting.is_empty() {
            *waiting = acknowledgements;
        } else {
            waiting.append(&mut acknowledgements);
        }
        drop(waiting);
        self.bell.notify_one();
    }

    pub fn empty(&self) -> Vec<Acknowledgement> {
        std::mem::take(&mut self.acknowledgements.lock())
    }
}
