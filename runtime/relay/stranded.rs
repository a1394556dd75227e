//! Messages in queues that the directory does not know: their route or their account went while the house was down.
//!
//! Delivery sweeps the queues that it knows, those that were there since the start among them. For these, only the end of
//! their time is left to tell, unless a route comes back first (`House::reroute`).

use std::io;

use super::House;
use super::settle::{Answer, settle_locked};
use crate::message::Timestamp;

/// Messages that end in one batch.
const BATCH_MAX: usize = 1_000;

/// Ends those whose time is over.
pub fn expire(house: &House, now: Timestamp) -> io::Result<()> {
    for (partition, name) in house.store.queues()? {
        if house.directory().queue_named(&name).is_some() {
            continue;
        }
        let mut over = Vec::new();
        house.store.each_queued(partition, &name, |queued| {
            if queued.record.expires <= now {
                over.push(queued.key);
            }
        })?;
        for keys in over.chunks(BATCH_MAX) {
            // Nobody changes or moves them meanwhile.
            let _lock = house.tracking.lock();
            let mut answers = Vec::with_capacity(keys.len());
            for key in keys {
                let there = house.store.queued(key.clone())?.filter(|queued| queued.record.expires <= now);
                answers.extend(there.map(|queued| (queued, Answer::Expired)));
            }
            tracing::warn!(queue = &*name, messages = answers.len(), "their time is over, and there is no such queue");
            settle_locked(house, None, answers, now).map_err(io::Error::other)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
