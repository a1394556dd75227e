//! What waits for rules goes into the schedule: when it was accepted, when it is tried again, and after a restart.

use std::collections::BTreeMap;
use std::io;

use super::{House, Scheduled};
use crate::message::{MessageId, Timestamp};
use crate::schedule::{Event, SubjectKey};
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
            for (number, record) in page {
                // Those that were dead have their places behind what came before they were tried again.
                while let Some(first) = behind.first_entry().filter(|first| first.key().0 < number) {
                    let ((_, number), record) = first.remove_entry();
                    self.recover_event(partition, number, &record, now);
                }
                match record.place > number {
                    true => drop(behind.insert((record.place, number), record)),
                    false => self.recover_event(partition, number, &record, now),
                }
            }
        }
        behind.into_iter().for_each(|((_, number), record)| self.recover_event(partition, number, &record, now));
        Ok(())
    }

    fn recover_event(&self, partition: Partition, number: u64, record: &InboxRecord, now: Timestamp) {
        let Some(rule) = self.directory().rule(&record.customer, &record.rule) else {
            tracing::warn!(
                message_id = %MessageId::accepted(number), customer = %record.customer, rule = %record.rule,
                "an MO waits for a rule that is not in the config; it runs when the rule is back"
            );
            return;
        };
        self.count(&record.customer, 1);
        let key = SubjectKey { rule, device: record.message.source.to_string().into() };
        let event = Event { partition, number, is_tracked: record.tracked, due: record.due };
        self.schedule.lock().push(key, event, now);
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
                    let event = Event { partition: *partition, number: id.event, is_tracked, due: now };
                    schedule.push(key, event, now);
                    pushed += 1;
                }
            }
        }
        self.notify(pushed);
    }

    pub(super) fn schedule_again(&self, events: Vec<(SubjectKey, Event)>, now: Timestamp) {
        let count = events.len();
        {
            let mut schedule = self.schedule.lock();
            events.into_iter().for_each(|(key, event)| schedule.push(key, event, now));
        }
        self.notify(count);
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
