//! What rules used on each day: a row for each rule and day, in the order of days; and how much state they have.

use std::io;

use bytes::Bytes;

use super::keys::{self, Key, Kind, Partition};
use super::tables::Op;
use super::{Store, record};
use crate::meter::{UsageRow, Used};

fn prefix(customer: &str, day: u32, more: usize) -> Vec<u8> {
    let mut key = keys::prefixed(Partition::of(customer), Kind::Usage, customer, 4 + more);
    key.extend_from_slice(&day.to_be_bytes());
    key
}

fn key(row: &UsageRow) -> Key {
    let mut key = prefix(&row.customer, row.day, row.rule.len());
    key.extend_from_slice(row.rule.as_bytes());
    key.into()
}

fn row(key: &[u8], value: &Bytes) -> io::Result<UsageRow> {
    let malformed = || io::Error::other("a usage row's key is malformed");
    let customer = keys::name(key).ok_or_else(malformed)?;
    let rest = key.get(3 + customer.len()..).ok_or_else(malformed)?;
    let (day, rule) = rest.split_at_checked(4).ok_or_else(malformed)?;
    let day = u32::from_be_bytes(day.try_into().map_err(io::Error::other)?);
    let rule = std::str::from_utf8(rule).map_err(io::Error::other)?.into();
    Ok(UsageRow {
        customer: customer.into(),
        rule,
        day,
        used: record::decode::<Used>(value).map_err(io::Error::other)?,
    })
}

pub(super) fn put(row: &UsageRow) -> Op {
    Op::Put(key(row), record::encode(&row.used))
}

pub(super) fn forget(row: &UsageRow) -> Op {
    Op::Delete(key(row))
}

impl Store {
    /// Octets of all state of a rule, `customer/name`: names and values, of its devices and what they share.
    pub fn state_octets(&self, customer: &str, rule: &str) -> io::Result<u64> {
        let partition = Partition::of(customer);
        let mut octets = 0;
        for kind in [Kind::State, Kind::Shared] {
            let prefix = keys::prefixed(partition, kind, rule, 0);
            self.each_row(prefix.clone().into(), &keys::after(&prefix), |row| {
                // Behind the rule a device has its length and its name.
                let device = match kind {
                    Kind::State => row.key.get(prefix.len()).map_or(0, |length| 1 + usize::from(*length)),
                    _ => 0,
                };
                octets += (row.key.len().saturating_sub(prefix.len() + device) + row.value.len()) as u64;
                Ok(())
            })?;
        }
        Ok(octets)
    }

    /// A customer's rows of these days, the first day first, until `each` says false.
    pub fn usage(
        &self,
        customer: &str,
        (from, to): (u32, u32),
        mut each: impl FnMut(UsageRow) -> bool,
    ) -> io::Result<()> {
        let (from, to) = (prefix(customer, from, 0), keys::after(&prefix(customer, to, 0)));
        self.each_row_while(from.into(), &to, |found| Ok(each(row(&found.key, &found.value)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Change;
    use crate::store::memory::MemoryDisk;

    #[test]
    fn rows_are_found_by_customer_and_day() {
        let (store, _writer) = Store::open(MemoryDisk::new().open()).expect("opens");
        let row = |customer: &str, rule: &str, day| UsageRow {
            customer: customer.into(),
            rule: rule.into(),
            day,
            used: Used { calls: u64::from(day), ..Used::default() },
        };
        let all = [row("acme", "b", 300), row("acme", "a", 301), row("acme", "b", 301), row("acm", "e", 301)];
        store.amend(all.iter().cloned().map(Change::Usage).collect(), None).expect("works");
        let found = |customer, days| {
            let mut found = Vec::new();
            let each = |row| {
                found.push(row);
                true
            };
            store.usage(customer, days, each).expect("readable");
            found
        };
        assert_eq!(found("acme", (0, 400)), all[..3]);
        assert_eq!(found("acme", (301, 301)), all[1..3]);
        store.amend(vec![Change::Unusage(all[0].clone())], None).expect("works");
        assert_eq!((found("acme", (0, 300)), found("acm", (0, u32::MAX))), (vec![], all[3..].to_vec()));
    }
}
