//! HTTP calls of rules: when they are tried again, and the event that tells the rule of the answer.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::{House, Stored};
use crate::message::Timestamp;
use crate::occasion::{HttpReply, Occasion};
use crate::store::{Change, HttpCallKey, HttpCallRecord};

/// What came of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempted {
    Answered {
        status: u16,
        body: Bytes,
    },
    /// Nobody answered, for this reason.
    Failed(String),
    /// It will never be: the rule is not allowed to, any more.
    Refused(String),
}

/// Pauses before each further attempt: about a quarter of an hour in all.
const PAUSES_MS: [u64; 6] = [1_000, 5_000, 30_000, 120_000, 300_000, 480_000];
/// Statuses by which a server says that the same call may succeed later (RFC 9110 §15.6, RFC 6585 §4).
const LATER: [u16; 5] = [408, 429, 502, 503, 504];

/// Wakes whoever makes calls.
pub struct HttpCalls(watch::Sender<()>);

impl Default for HttpCalls {
    fn default() -> Self {
        HttpCalls(watch::Sender::new(()))
    }
}

impl HttpCalls {
    pub fn submitted(&self) {
        self.0.send_replace(());
    }
}

impl House {
    /// Hears when a call may be due that was not before.
    pub fn http_calls_submitted(&self) -> watch::Receiver<()> {
        self.http_calls.0.subscribe()
    }
}

/// Records an attempt. Yields when the next one is due; None: the rule is told of the end.
pub fn http_called(
    house: &Arc<House>,
    key: HttpCallKey,
    mut record: HttpCallRecord,
    attempted: Attempted,
    now: Timestamp,
) -> Stored<Option<Timestamp>> {
    let rule = format!("{}/{}", record.customer, record.rule);
    record.attempts += 1;
    let pause = PAUSES_MS.get(record.attempts as usize - 1);
    let is_later = match &attempted {
        Attempted::Answered { status, .. } => LATER.contains(status),
        Attempted::Failed(_) => true,
        Attempted::Refused(_) => false,
    };
    if let (true, Some(pause)) = (is_later, pause) {
        let (attempt, due) = (record.attempts, now.plus_ms(*pause));
        tracing::warn!(rule, call = %key.id, attempt, "an HTTP call is tried again: {attempted:?}");
        let again = HttpCallKey { due, ..key };
        house.store.amend(vec![Change::HttpCalled(key), Change::HttpCall(again, Box::new(record))], None)?;
        return Ok(Some(due));
    }
    let (status, body) = match attempted {
        Attempted::Answered { status, body } => (Some(status), body),
        Attempted::Failed(why) | Attempted::Refused(why) => {
            tracing::warn!(rule, call = %key.id, attempt = record.attempts, "an HTTP call is given up: {why}");
            (None, Bytes::new())
        }
    };
    let HttpCallRecord { customer, rule, device, number, call, .. } = record;
    let occasion = Occasion::HttpReply(Box::new(HttpReply { tag: call.tag, status, body }));
    let (_, arrival) = house.arrival((&customer, &rule), (device, number), occasion, now);
    house.amend(vec![Change::HttpCalled(key), arrival], None, now)?;
    Ok(None)
}
