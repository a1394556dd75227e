//! How many messages wait in each queue: counted as rows come and go, so that asking costs no look at them.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use super::Store;
use super::keys::{self, Kind, OutboxKey, Partition};
use super::tables::Op;
use crate::message::{Class, Timestamp};

/// What waits in one queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Depth {
    pub queue: Arc<str>,
    /// Those that links have in hand and that are to go out later, too.
    pub messages: usize,
}

/// By name of the queue. A queue that is empty again stays: there are as many as the config has routes and accounts.
#[derive(Debug, Default)]
pub(super) struct Depths(HashMap<Arc<str>, usize>);

impl Depths {
    /// A row of a queue is new when it is inserted, and there when it is deleted.
    pub fn follow(&mut self, op: &Op) {
        let by = match op {
            Op::Insert(..) => 1,
            Op::Delete(..) => -1,
            Op::Put(..) | Op::Tell { .. } => return,
        };
        if let Some(queue) = keys::waits_in(op.key()) {
            self.add(queue, by);
        }
    }

    fn add(&mut self, queue: &str, by: isize) {
        match self.0.get_mut(queue) {
            Some(count) => *count = count.saturating_add_signed(by),
            None => {
                self.0.insert(queue.into(), by.max(0).unsigned_abs());
            }
        }
    }
}

impl Store {
    /// At the start: reads every row that waits.
    pub(super) fn count_depths(&self) -> io::Result<()> {
        let mut depths = Depths::default();
        for partition in Partition::all() {
            let (from, to) = keys::all(partition, Kind::Outbox);
            self.each_row(from, &to, |row| {
                keys::waits_in(&row.key).into_iter().for_each(|queue| depths.add(queue, 1));
                Ok(())
            })?;
        }
        self.inner.lock().depths = depths;
        Ok(())
    }

    /// Of every queue in which something waited since the start, in the order of their names.
    pub fn depths(&self) -> Vec<Depth> {
        let inner = self.inner.lock();
        let all = inner.depths.0.iter();
        let mut all: Vec<Depth> = all.map(|(queue, count)| Depth { queue: queue.clone(), messages: *count }).collect();
        drop(inner);
        all.sort_by(|a, b| a.queue.cmp(&b.queue));
        all
    }

    /// Since when the message of this queue that waits longest could have gone out; None: nothing is due.
    pub fn overdue_since(&self, queue: &Arc<str>, now: Timestamp) -> io::Result<Option<Timestamp>> {
        let mut earliest: Option<Timestamp> = None;
        for (partition, class) in Partition::all().flat_map(|p| Class::all().map(move |c| (p, c))) {
            let (from, to) = keys::outbox_range(partition, queue, class, now);
            let rows = self.inner.lock().tables.range(&from, &to, 1)?;
            let due = rows.first().and_then(|row| OutboxKey::decode(&row.key, queue)).map(|key| key.due);
            earliest = earliest.into_iter().chain(due).min();
        }
        Ok(earliest)
    }
}
