//! What waits for rules goes into the schedule: when it was accepted, and after a restart.

use std::collections::BTreeMap;
use std::io;

use super::{House, Scheduled};
use crate::message::{MessageId, Timestamp};
use crate::schedule::Event;
use crate::store::InboxRecord;
use crate::store::keys::Partition;

/// Rows that recovery reads at once.
const RECOVERY_PAGE: usize = 1_000;

impl House {
    /// Puts every event that the store still holds back into the schedule.
    pub(super) fn recover(&self, partition: Partition, now: Timestamp) -> io::Result<()> {
        let (mut after, mut behind) = (0, BTreeMap::<(u64, u64), InboxRecord>::new());
        loop {
            let page = self.store.waiting(partition, after, RECOVERY_PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after = *last;
            let mut found = Vec::with_capacity(page.len());
            for (number, record) in page {
                // Those that were dead have their places behind what came before they were tried again.
                while let Some(first) = behind.first_entry().filter(|first| first.key().0 < number) {
                    let ((_, number), record) = first.remove_entry();
                    found.extend(self.found(partition, number, &record));
                }
                match record.place > number {
                    true => drop(behind.insert((record.place, number), record)),
                    false => found.extend(self.found(partition, number, &record)),
                }
            }
            self.run_arrived(found, now);
        }
        let found = behind.iter().filter_map(|((_, number), record)| self.found(partition, *number, record));
        self.run_arrived(found.collect(), now);
        Ok(())
    }

    pub(super) fn schedule_accepted(
        &self,
        ids: &[(MessageId, Partition)],
        subjects: Vec<Option<Scheduled>>,
        now: Timestamp,
    ) {
        let mut pushed = 0;
        {
            let mut schedule = self.schedule.lock();
            for ((id, partition), subject) in ids.iter().zip(subjects) {
                if let Some(Scheduled { key, is_tracked }) = subject {
                    let event = Event { partition: *partition, number: id.event, is_mo: true, is_tracked, due: now };
                    schedule.push(key, event, now);
                    pushed += 1;
                }
            }
        }
        self.notify(pushed);
    }

    /// So many events are new in the schedule.
    fn notify(&self, pushed: usize) {
        match pushed {
            0 => {}
            1 => drop(self.runnable.notify_one()),
            _ => drop(self.runnable.notify_all()),
        }
    }
}
