//! What the firewall remembers over a restart: who opted out of which number, and how much of the day's quotas is used.

use std::io;

use serde::{Deserialize, Serialize};

use super::keys::{self, Key, Kind, Partition};
use super::{Store, record};
use crate::firewall::rates::QuotaRow;
use crate::message::{Address, Timestamp};

/// A device that wants no more messages of a customer's number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptOutRecord {
    pub customer: Box<str>,
    pub number: Address,
    pub device: Address,
    pub at: Timestamp,
}

impl OptOutRecord {
    pub(super) fn key(&self) -> Key {
        let (number, device) = (self.number.to_string(), self.device.to_string());
        keys::opt_out(Partition::of(&self.customer), &self.customer, &number, &device)
    }
}

pub(super) fn quota_key(row: &QuotaRow) -> Key {
    let device = row.device.as_ref().map(ToString::to_string).unwrap_or_default();
    keys::quota(Partition::of(&row.customer), &row.customer, &device)
}

impl Store {
    /// Opt-outs of a customer's numbers, or of one of them, by number and device, behind the given pair.
    pub fn opt_outs(
        &self,
        customer: &str,
        number: Option<&Address>,
        after: Option<(&Address, &Address)>,
        limit: usize,
    ) -> io::Result<Vec<OptOutRecord>> {
        let partition = Partition::of(customer);
        let all = match number {
            Some(number) => keys::opt_out(partition, customer, &number.to_string(), ""),
            None => keys::prefixed(partition, Kind::OptOut, customer, 0).into(),
        };
        let behind = |(number, device): (&Address, &Address)| -> Key {
            let last = keys::opt_out(partition, customer, &number.to_string(), &device.to_string());
            [&*last, b"\0"].concat().into()
        };
        let from = after.map(behind).filter(|from| *from > all).unwrap_or_else(|| all.clone());
        let rows = self.inner.lock().tables.range(&from, &keys::after(&all), limit)?;
        rows.iter().map(|row| record::decode(&row.value).map_err(io::Error::other)).collect()
    }

    pub fn opt_out(&self, customer: &str, number: &Address, device: &Address) -> io::Result<Option<OptOutRecord>> {
        let key = keys::opt_out(Partition::of(customer), customer, &number.to_string(), &device.to_string());
        self.read(&key)
    }

    pub fn each_opt_out(&self, mut each: impl FnMut(OptOutRecord)) -> io::Result<()> {
        Partition::all().try_for_each(|partition| {
            let (from, to) = keys::all(partition, Kind::OptOut);
            self.each_row(from, &to, |row| {
                each(record::decode(&row.value).map_err(io::Error::other)?);
                Ok(())
            })
        })
    }

    /// Those of days that are over, too.
    pub fn each_quota(&self, mut each: impl FnMut(QuotaRow)) -> io::Result<()> {
        Partition::all().try_for_each(|partition| {
            let (from, to) = keys::all(partition, Kind::Quota);
            self.each_row(from, &to, |row| {
                each(record::decode(&row.value).map_err(io::Error::other)?);
                Ok(())
            })
        })
    }
}
