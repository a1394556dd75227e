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
