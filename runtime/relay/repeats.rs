//! Submissions that come twice: an application whose submit_sm_resp got lost sends the message again.
//!
//! For accounts with `duplicate_window_secs` the second one gets the id of the first and makes no message.
//! What is remembered is in memory: after a restart a repeat is a new message, as it is without the window.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use wasmsc_smpp::tlv::tag;

use super::{House, Origin, Submission};
use crate::message::{MessageId, Timestamp};
use crate::store::keys::Partition;

/// Submissions that are remembered at most, of all accounts: 64 octets each.
const REPEATS_MAX: usize = 200_000;

#[derive(Default)]
pub struct Repeats {
    seen: HashMap<u64, (MessageId, Timestamp)>,
    /// In the order in which they came, which is nearly that in which they end.
    order: VecDeque<(u64, Timestamp)>,
}

impl Repeats {
    /// The message that this submission made before.
    pub fn find(&self, key: u64, now: Timestamp) -> Option<MessageId> {
        self.seen.get(&key).filter(|(_, until)| now < *until).map(|(id, _)| *id)
    }

    fn add(&mut self, key: u64, id: MessageId, until: Timestamp, now: Timestamp) {
        // The oldest goes when there are too many.
        while self.order.front().is_some_and(|(_, until)| *until <= now) || self.order.len() >= REPEATS_MAX {
            let Some((oldest, until)) = self.order.pop_front() else { break };
            if self.seen.get(&oldest).is_some_and(|(_, of)| *of == until) {
                self.seen.remove(&oldest);
            }
        }
        self.seen.insert(key, (id, until));
        self.order.push_back((key, until));
    }
}

/// What two submissions of one message have in common: all of it, or the reference that the application
/// gave it. None for accounts without a window.
pub fn key(house: &House, from: Origin, submission: &Submission) -> Option<u64> {
    from.peer(&house.directory())?.duplicate_window_ms?;
    let message = &submission.message;
    let mut hasher = DefaultHasher::new();
    // Parts of one long message may share its reference.
    let part = message.content.part().map(|part| (part.reference, part.number));
    (from, &message.source, &message.destination, part).hash(&mut hasher);
    match message.content.tlv(tag::USER_MESSAGE_REFERENCE) {
        Some(reference) => reference.hash(&mut hasher),
        None => {
            let content = &message.content;
            (content.data_coding, content.esm_class, &content.octets, &content.tlvs).hash(&mut hasher);
        }
    }
    Some(hasher.finish())
}

impl House {
    pub(super) fn remember_repeats(
        &self,
        from: Origin,
        keys: &[Option<u64>],
        ids: &[(MessageId, Partition)],
        now: Timestamp,
    ) {
        let Some(window_ms) = from.peer(&self.directory()).and_then(|peer| peer.duplicate_window_ms) else { return };
        let mut repeats = self.repeats.lock();
        for (key, (id, _)) in keys.iter().zip(ids) {
            if let Some(key) = key {
                repeats.add(*key, *id, now.plus_ms(window_ms), now);
            }
        }
    }
}
