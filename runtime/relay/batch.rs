//! What was admitted of one read of a peer's, until it is stored.

use std::sync::Arc;

use super::{Also, House, Origin, Scheduled, Verdict, store_messages};
use crate::firewall::Reject;
use crate::message::{MessageId, Timestamp};
use crate::store::{NewMessage, NotAccepted};

/// What was admitted and is to be stored together.
pub struct Batch<T> {
    pub tokens: Vec<T>,
    pub list: Vec<NewMessage>,
    pub subjects: Vec<Option<Scheduled>>,
    pub repeat_keys: Vec<Option<u64>>,
    pub also: Also,
}

impl<T> Default for Batch<T> {
    fn default() -> Self {
        let (tokens, list, subjects, repeat_keys) = Default::default();
        Batch { tokens, list, subjects, repeat_keys, also: Also::default() }
    }
}

impl<T: Send + 'static> Batch<T> {
    pub fn store(
        self,
        house: &Arc<House>,
        from: Origin,
        now: Timestamp,
        answer: impl Fn(Vec<Verdict<T>>) + Send + 'static,
    ) {
        if self.list.is_empty() {
            return;
        }
        let Batch { tokens, list, subjects, repeat_keys, also } = self;
        let ids = store_messages(house, list, subjects, also, now, move |result| answer(verdicts(tokens, result)));
        house.remember_repeats(from, &repeat_keys, &ids, now);
    }
}

fn verdicts<T>(tokens: Vec<T>, result: Result<Vec<MessageId>, Reject>) -> Vec<Verdict<T>> {
    match result {
        Ok(ids) => tokens.into_iter().zip(ids.into_iter().map(Ok)).collect(),
        Err(reject) => tokens.into_iter().map(|token| (token, Err(reject.clone()))).collect(),
    }
}

impl From<NotAccepted> for Reject {
    fn from(refusal: NotAccepted) -> Reject {
        match refusal {
            NotAccepted::Busy => Reject::StoreBusy,
            NotAccepted::Failed(failed) => Reject::StoreFailed(failed.to_string()),
        }
    }
}
