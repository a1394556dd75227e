//! HTTP calls of rules that wait to be made, by when that is due.

use std::io;

use serde::{Deserialize, Serialize};

use super::keys::{self, Partition};
use super::record;
use super::{Standing, Store};
use crate::message::{Address, MessageId, Timestamp};
use crate::occasion::HttpCall;

/// A call that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpCallRecord {
    pub customer: Box<str>,
    pub rule: Box<str>,
    pub device: Address,
    /// From which what follows from its reply is answered.
    pub number: Address,
    pub call: HttpCall,
    /// Attempts so far.
    pub attempts: u32,
    pub submitted_at: Timestamp,
}

/// Where it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpCallKey {
    pub partition: Partition,
    pub due: Timestamp,
    /// The same on every attempt.
    pub id: MessageId,
}

impl HttpCallKey {
    pub(super) fn encode(self) -> keys::Key {
        keys::http_call(self.partition, self.due, self.id)
    }
}

/// Calls of one partition.
#[derive(Debug, Default)]
pub struct HttpCallsDue {
    pub calls: Vec<(HttpCallKey, HttpCallRecord)>,
    /// When the next one is due, of those that were not read.
    pub next: Option<Timestamp>,
}

impl Store {
    /// Calls behind `after` that are due and durable: nobody outside may hear of them before.
    pub fn http_calls_due(
        &self,
        partition: Partition,
        after: Option<HttpCallKey>,
        now: Timestamp,
        limit: usize,
    ) -> io::Result<HttpCallsDue> {
        let (first, to) = keys::http_calls(partition);
        let from = after.map_or(first, |key| [&*key.encode(), b"\0"].concat().into());
        let rows = self.inner.lock().tables.range(&from, &to, limit + 1)?;
        let mut due = HttpCallsDue::default();
        for row in rows {
            let Some((at, id)) = keys::due_and_id(&row.key) else { continue };
            if at > now || due.calls.len() == limit {
                due.next = Some(at);
                break;
            }
            if self.standing(row.group) != Standing::Durable {
                due.next = Some(now.plus_ms(1)); // it is in a moment
                break;
            }
            let record = record::decode(&row.value).map_err(io::Error::other)?;
            due.calls.push((HttpCallKey { partition, due: at, id }, record));
        }
        Ok(due)
    }
}
