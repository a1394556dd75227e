//! MOs that a customer picks up over the API: a row each, in the batch that accepts the MO, until it is acknowledged.

use std::io;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::keys::{self, Key, Kind, Partition};
use super::tables::Op;
use super::{Standing, Store, record};
use crate::message::{Message, MessageId};

/// An MO that waits to be picked up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PickupRecord {
    pub message: Message,
    /// No rule and no application takes it: with the pick-up it has come to its end.
    pub is_all: bool,
    /// There is a tracked row, whose end is the pick-up.
    pub tracked: bool,
}

/// Which of a customer's MOs are picked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picked {
    These(Vec<MessageId>),
    /// Up to and including this one.
    UpTo(MessageId),
}

fn prefix(partition: Partition, customer: &str) -> Vec<u8> {
    keys::prefixed(partition, Kind::Pickup, customer, MessageId::KEY_OCTETS)
}

pub(super) fn key(partition: Partition, customer: &str, id: MessageId) -> Key {
    [&*prefix(partition, customer), &id.to_key()].concat().into()
}

pub(super) fn row(partition: Partition, customer: &str, id: MessageId, record: Bytes) -> Op {
    Op::Insert(key(partition, customer, id), record)
}

impl Store {
    /// What waits for a customer behind `after`, the oldest first. Nobody sees one before its sync.
    pub fn pickups(
        &self,
        customer: &str,
        after: Option<MessageId>,
        limit: usize,
    ) -> io::Result<Vec<(MessageId, PickupRecord)>> {
        let partition = Partition::of(customer);
        let prefix = prefix(partition, customer);
        let from = after.map_or_else(|| prefix.clone(), |id| [&*key(partition, customer, id), b"\0"].concat());
        let mut found = Vec::new();
        self.each_row_while(from.into(), &keys::after(&prefix), |row| {
            // What is durable later has a higher id.
            if found.len() == limit || self.standing(row.group) == Standing::Pending {
                return Ok(false);
            }
            let record = record::decode(&row.value).map_err(io::Error::other)?;
            found.extend(keys::last_id(&row.key).map(|id| (id, record)));
            Ok(true)
        })?;
        Ok(found)
    }

    /// One of them, if it still waits.
    pub fn pickup(&self, customer: &str, id: MessageId) -> io::Result<Option<PickupRecord>> {
        self.read(&key(Partition::of(customer), customer, id))
    }

    /// For which customers something waits.
    pub fn pickup_customers(&self) -> io::Result<Vec<Box<str>>> {
        let mut found = Vec::new();
        for partition in Partition::all() {
            let (mut from, to) = keys::all(partition, Kind::Pickup);
            loop {
                let rows = self.inner.lock().tables.range(&from, &to, 1)?;
                let Some(customer) = rows.first().and_then(|row| keys::name(&row.key)) else { break };
                found.push(customer.into());
                from = keys::after(&keys::prefixed(partition, Kind::Pickup, customer, 0));
            }
        }
        Ok(found)
    }

    /// How many wait for a customer, durable or not.
    pub fn count_pickups(&self, customer: &str) -> io::Result<usize> {
        let prefix = prefix(Partition::of(customer), customer);
        let mut count = 0;
        self.each_row(prefix.clone().into(), &keys::after(&prefix), |_| {
            count += 1;
            Ok(())
        })?;
        Ok(count)
    }
}
