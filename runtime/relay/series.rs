//! How many messages each customer had, step by step, over restarts: what charts show.
//!
//! Written down once a minute where something changed, and at the end; a crash forgets what its last minute counted.

use std::io;

use parking_lot::Mutex;

use super::{House, Stored};
use crate::message::Timestamp;
use crate::metrics::Metrics;
use crate::route::Directory;
use crate::store::{Change, Store};

/// A row has a few kilobytes where a customer is always busy: a thousand of those cost some 100 kB a second.
const PAUSE_MS: u64 = 60_000;
/// Customers in one batch, so that none is large.
const AT_ONCE: usize = 100;

/// When it is time again.
#[derive(Default)]
pub struct NextSeries(Mutex<Timestamp>);

/// Goes on from what is written down, and forgets customers that are none any more.
pub fn recover(directory: &Directory, store: &Store, metrics: &Metrics) -> io::Result<()> {
    let mut gone = Vec::new();
    for name in store.with_series()? {
        match (directory.customer_named(&name), store.series(&name)?) {
            (Some(customer), Some(kept)) => metrics.restore_series(customer, &kept),
            (None, _) => gone.push(Change::Unseries(name)),
            (Some(_), None) => {}
        }
    }
    if gone.is_empty() { Ok(()) } else { store.amend(gone, None).map_err(io::Error::other) }
}

/// Counts what came since the last time, and writes it down where it is time. To be called every second or so.
pub fn keep_series(house: &House, now: Timestamp) -> Stored<()> {
    for (customer, _) in house.directory().customers() {
        house.metrics.tally(customer, now);
    }
    let mut next = house.next_series.0.lock();
    if now < *next {
        return Ok(());
    }
    *next = now.plus_ms(PAUSE_MS);
    drop(next);
    write(house)
}

/// Counts and writes all of it, before the store closes.
pub fn end_series(house: &House, now: Timestamp) -> Stored<()> {
    *house.next_series.0.lock() = Timestamp::default();
    keep_series(house, now)
}

fn write(house: &House) -> Stored<()> {
    let directory = house.directory();
    let changed = directory.customers().filter_map(|(index, customer)| {
        let kept = house.metrics.changed_series(index)?;
        Some(Change::Series((&*customer.id).into(), Box::new(kept)))
    });
    let mut changed: Vec<Change> = changed.collect();
    while !changed.is_empty() {
        let rest = changed.split_off(changed.len().min(AT_ONCE));
        house.store.amend(changed, None)?;
        changed = rest;
    }
    Ok(())
}
