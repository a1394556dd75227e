//! What rules answered to requests over the API, kept for whoever asks again.

use std::io;

use serde::{Deserialize, Serialize};

use super::Store;
use super::keys::{self, Kind, Partition};
use super::record;
use crate::message::{MessageId, Timestamp};
use crate::occasion::Response;

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    Response(Response),
    /// The rule gave it up, or failed too often, for this reason.
    Refused(Box<str>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnswerRecord {
    pub rule: Box<str>,
    pub at: Timestamp,
    pub answer: Answer,
}

impl Store {
    /// None: it is not answered yet, or so long ago that nobody keeps it.
    pub fn answer(&self, customer: &str, id: MessageId) -> io::Result<Option<AnswerRecord>> {
        let row = self.inner.lock().tables.get(&keys::answer(Partition::of(customer), customer, id.event))?;
        row.map(|row| record::decode(&row)).transpose().map_err(io::Error::other)
    }

    /// Answers of a partition that were given before this: whose they are, and to what.
    pub fn answers_before(
        &self,
        partition: Partition,
        before: Timestamp,
        limit: usize,
    ) -> io::Result<Vec<(Box<str>, MessageId)>> {
        let (from, to) = keys::all(partition, Kind::Answer);
        let mut over = Vec::new();
        self.each_row_while(from, &to, |row| {
            let record: AnswerRecord = record::decode(&row.value).map_err(io::Error::other)?;
            if record.at < before {
                let event = row.key.get(row.key.len().saturating_sub(8)..).and_then(|tail| tail.try_into().ok());
                let id = MessageId::accepted(event.map_or(0, u64::from_be_bytes));
                over.extend(keys::name(&row.key).map(|customer| (customer.into(), id)));
            }
            Ok(over.len() < limit)
        })?;
        Ok(over)
    }
}
