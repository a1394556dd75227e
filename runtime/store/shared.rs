//! State that all devices of a rule share: read without a lock, and checked when it is written.

use std::io;

use bytes::Bytes;

use super::keys::Subject;
use super::tables::{Op, Tables};
use super::{Inner, Store};
use crate::occasion::{SharedRead, SharedWrite, sum};

impl Store {
    /// One value, as the last committed call of any device left it.
    pub fn shared(&self, subject: &Subject, name: &str) -> io::Result<Option<Bytes>> {
        self.inner.lock().tables.get(&subject.shared(name))
    }

    pub fn shared_names(
        &self,
        subject: &Subject,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> io::Result<Vec<String>> {
        names(&self.inner.lock().tables, subject, prefix, after, limit)
    }
}

fn names(
    tables: &Tables,
    subject: &Subject,
    prefix: &str,
    after: Option<&str>,
    limit: usize,
) -> io::Result<Vec<String>> {
    let (from, to) = subject.shared_range(prefix, after);
    let rows = tables.range(&from, &to, limit)?;
    Ok(rows.iter().filter_map(|row| subject.shared_name(&row.key)).map(str::to_owned).collect())
}

impl Inner {
    /// Whether what a call read is still so.
    pub(super) fn still_reads(&self, subject: &Subject, reads: &[SharedRead]) -> io::Result<bool> {
        for read in reads {
            let is_same = match read {
                SharedRead::Value(name, value) => self.tables.get(&subject.shared(name))? == *value,
                SharedRead::Names { prefix, after, limit, found } => {
                    names(&self.tables, subject, prefix, after.as_deref(), *limit)? == *found
                }
            };
            if !is_same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn shared_op(&self, subject: &Subject, (name, write): (String, SharedWrite)) -> io::Result<Op> {
        let key = subject.shared(&name);
        Ok(match write {
            SharedWrite::Put(value) => Op::Put(key, value),
            SharedWrite::Delete => Op::Delete(key),
            SharedWrite::Add(delta) => {
                let before = self.tables.get(&key)?;
                Op::Put(key, Bytes::copy_from_slice(&sum(before.as_deref(), delta)))
            }
        })
    }
}
