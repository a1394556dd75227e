//! Submissions with an idempotency key: the same one again gets the answer of the first and makes no message.
//!
//! What is remembered is a row in the batch of the message, so that no crash can come between.

use std::sync::Arc;

use super::{House, Origin, Submission, accept};
use crate::firewall::Reject;
use crate::message::{MessageId, Timestamp};
use crate::route::CustomerIndex;
use crate::store::{Done, OnceRecord};

/// Why a submission with a key made no message.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotOnce {
    #[error("this key was used for another request")]
    OtherRequest,
    #[error(transparent)]
    Refused(#[from] Reject),
}

/// What became of a submission with a key.
pub enum Once {
    New(MessageId),
    /// It came before, and this was the answer.
    Again(OnceRecord),
}

/// Takes a message of a customer that has no account. Where the submission has a key, it counts once.
/// `answer` is called when the message is durable or refused.
pub fn accept_once(
    house: &Arc<House>,
    from: CustomerIndex,
    submission: Submission,
    now: Timestamp,
    answer: impl FnOnce(Result<Once, NotOnce>) + Send + 'static,
) {
    // From the look for an earlier one until this one can be found.
    let _lock = house.once.lock();
    match earlier(house, from, &submission, now) {
        Ok(None) => {}
        Ok(Some(record)) => return again(house, record, answer),
        Err(not_once) => return answer(Err(not_once)),
    }
    accept(house, Origin::Customer(from), vec![(answer, submission)], now, |verdicts| {
        for (answer, result) in verdicts {
            answer(result.map(Once::New).map_err(NotOnce::Refused));
        }
    });
}

fn earlier(
    house: &House,
    from: CustomerIndex,
    submission: &Submission,
    now: Timestamp,
) -> Result<Option<OnceRecord>, NotOnce> {
    let Some(once) = &submission.once else { return Ok(None) };
    let customer = house.directory().customer_at(from).id.clone();
    let found = house.store.once(&customer, &once.key, now);
    match found.map_err(|error| Reject::Unreadable(error.to_string()))? {
        Some(record) if record.fingerprint != once.fingerprint => Err(NotOnce::OtherRequest),
        found => Ok(found),
    }
}

/// The first one may not be durable yet: what is behind it in the log is so no sooner.
fn again(house: &House, record: OnceRecord, answer: impl FnOnce(Result<Once, NotOnce>) + Send + 'static) {
    let durable: Done = Box::new(move |result| {
        let failed = |failed: crate::store::StoreFailed| NotOnce::Refused(Reject::StoreFailed(failed.to_string()));
        answer(result.map(|()| Once::Again(record)).map_err(failed));
    });
    if let Err(failed) = house.store.amend(Vec::new(), Some(durable)) {
        tracing::error!("a request stays without an answer: {failed}");
    }
}
