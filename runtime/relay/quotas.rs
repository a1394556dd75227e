//! Counts of the day survive a restart: those that changed are written down each second, and at the end.
//!
//! A crash forgets what passed in its last second or two; that much may pass again on the same day.

use std::io;
use std::sync::Arc;

use super::{House, Stored};
use crate::firewall::State;
use crate::firewall::rates::{QuotaRow, day};
use crate::message::Timestamp;
use crate::store::{Change, Store};

/// Counts that are written at once; the others wait for the next second.
const WRITE_MAX: usize = 20_000;
/// Rows of days that are over that go at once.
const FORGET_MAX: usize = 20_000;

/// Counts on from what is written down.
pub fn recover(store: &Store, now: Timestamp) -> io::Result<State> {
    let (mut state, mut rows) = (State::default(), Vec::new());
    store.each_quota(|row| {
        if row.day == day(now) {
            rows.push(row);
        }
    })?;
    state.usage.restore(rows, now);
    Ok(state)
}

/// Writes down what changed; yields how many counts that were. To be called every second or so, and before the store
/// closes until none is left.
pub fn keep_quotas(house: &House, now: Timestamp) -> Stored<usize> {
    let rows = house.firewall.lock().usage.changed_rows(WRITE_MAX, now);
    let written = rows.len();
    if written > 0 {
        house.store.amend(rows.into_iter().map(Change::Quota).collect(), None)?;
    }
    Ok(written)
}

/// Removes what says nothing any more. Reads all of it.
pub fn forget(house: &Arc<House>, now: Timestamp) -> io::Result<()> {
    let mut over: Vec<QuotaRow> = Vec::new();
    house.store.each_quota(|row| {
        if row.day < day(now) && over.len() < FORGET_MAX {
            over.push(row);
        }
    })?;
    if over.is_empty() {
        return Ok(());
    }
    house.store.amend(over.into_iter().map(Change::Unquota).collect(), None).map_err(io::Error::other)
}

#[cfg(test)]
mod tests;
