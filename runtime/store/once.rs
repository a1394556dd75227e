//! Idempotency keys: which message a request made, and what it was told, for a day.

use std::io;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::keys::{self, Partition};
use super::tables::Op;
use super::{Store, record};
use crate::message::{MessageId, Timestamp};

/// How long a request may be repeated.
const ONCE_MS: u64 = 86_400_000;
/// Keys that are forgotten in one batch.
const FORGET_MAX: usize = 1_000;

/// A request that counts once; goes into the batch of its message.
#[derive(Clone, Debug)]
pub struct NewOnce {
    /// Hash of the customer's key.
    pub key: [u8; 32],
    /// Hash of the request, to know another one with the same key.
    pub fingerprint: [u8; 32],
    /// What it was told beside the message's id.
    pub answer: Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnceRecord {
    pub fingerprint: [u8; 32],
    pub id: MessageId,
    pub answer: Bytes,
    until: Timestamp,
}

/// Its rows: one to find it by its key, one to find it when its time is over.
pub(super) fn rows(customer: &str, new: NewOnce, id: MessageId, now: Timestamp) -> [Op; 2] {
    let partition = Partition::of(customer);
    let key = keys::once(partition, customer, &new.key);
    let age = Op::Insert(keys::once_age(partition, id), Bytes::copy_from_slice(&key));
    let NewOnce { fingerprint, answer, .. } = new;
    let until = now.plus_ms(ONCE_MS);
    // One that is over may still be there.
    [Op::Put(key, record::encode(&OnceRecord { fingerprint, id, answer, until })), age]
}

impl Store {
    pub fn once(&self, customer: &str, key: &[u8; 32], now: Timestamp) -> io::Result<Option<OnceRecord>> {
        let found: Option<OnceRecord> = self.read(&keys::once(Partition::of(customer), customer, key))?;
        Ok(found.filter(|record| now < record.until))
    }

    /// Forgets what is over, a bounded number in each partition; yields how many there were.
    pub fn forget_once(&self, now: Timestamp) -> io::Result<usize> {
        let mut forgotten = 0;
        for partition in Partition::all() {
            let (from, to) = keys::once_age_all(partition);
            let rows = self.inner.lock().tables.range(&from, &to, FORGET_MAX)?;
            let mut batch = Vec::new();
            for row in rows {
                let found: Option<OnceRecord> = self.read(&row.value)?;
                // Its key may be another one's by now.
                let own = found.filter(|record| Some(record.id) == keys::last_id(&row.key));
                if own.as_ref().is_some_and(|record| now < record.until) {
                    break; // and those behind it are younger
                }
                batch.extend(own.map(|_| Op::Delete(row.value.as_ref().into())));
                batch.push(Op::Delete(row.key));
                forgotten += 1;
            }
            if !batch.is_empty() {
                self.submit(batch, None).map_err(io::Error::other)?;
            }
        }
        Ok(forgotten)
    }
}
