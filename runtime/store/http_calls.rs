//! HTTP calls of rules that wait to be made, by when that is due.

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::keys::{self, Kind};
use super::record;
use super::{Standing, Store};
use crate::message::{Address, MessageId, Timestamp};
use crate::occasion::HttpCall;

/// A call that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpCallRecord {
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpCallKey {
    pub customer: Arc<str>,
    pub due: Timestamp,
    /// The same on every attempt.
    pub id: MessageId,
}

impl HttpCallKey {
    pub(super) fn encode(&self) -> keys::Key {
        keys::by_due(Kind::HttpCall, &self.customer, self.due, self.id)
    }
}

/// Calls of one customer.
#[derive(Debug, Default)]
pub struct HttpCallsDue {
    pub calls: Vec<(HttpCallKey, HttpCallRecord)>,
    /// When the next one is due, of those that were not read.
    pub next: Option<Timestamp>,
}

impl Store {
    /// A customer's calls that are due and durable: nobody outside may hear of them before.
    pub fn http_calls_due(&self, customer: &Arc<str>, now: Timestamp, limit: usize) -> io::Result<HttpCallsDue> {
        let (from, to) = keys::all_by_due(Kind::HttpCall, customer);
        let rows = self.inner.lock().tables.range(&from, &to, limit + 1)?;
        let mut found = HttpCallsDue::default();
        for row in rows {
            let Some((due, id)) = keys::due_and_id(&row.key) else { continue };
            if due > now || found.calls.len() == limit {
                found.next = Some(due);
                break;
            }
            if self.standing(row.group) != Standing::Durable {
                found.next = Some(now.plus_ms(1)); // it is in a moment
                break;
            }
            let record = record::decode(&row.value).map_err(io::Error::other)?;
            found.calls.push((HttpCallKey { customer: customer.clone(), due, id }, record));
        }
        Ok(found)
    }
}
