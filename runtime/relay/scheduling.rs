//! What was accepted goes into the schedule, and rule threads get it there.

use std::time::Duration;

use super::{House, Scheduled};
use crate::message::{MessageId, Timestamp};
use crate::route::RuleIndex;
use crate::schedule::{Ended, Event, Next, SubjectKey, Worker};
use crate::store::keys::Partition;

impl House {
    /// Rules have their customers' shares, those among them that are new.
    pub(super) fn place_rules(&self) {
        let directory = self.directory();
        let mut schedule = self.schedule.lock();
        for (index, rule) in directory.rules.iter().enumerate() {
            if let Some(customer) = directory.customer_named(&rule.customer) {
                schedule.place(RuleIndex(index), customer, directory.customer_at(customer).cpu_weight);
            }
        }
    }

    pub(super) fn schedule_accepted(
        &self,
        ids: &[(MessageId, Partition)],
        subjects: Vec<Option<Scheduled>>,
        now: Timestamp,
    ) {
        let mut pushed = 0;
        let mut schedule = self.schedule.lock();
        for ((id, partition), subject) in ids.iter().zip(subjects) {
            if let Some(Scheduled { key, is_tracked }) = subject {
                let event = Event { partition: *partition, number: id.event, is_mo: true, is_tracked, due: now };
                schedule.push(key, event, now);
                pushed += 1;
            }
        }
        let ready = schedule.has_ready();
        drop(schedule);
        self.notify(ready, pushed);
    }

    /// Something may have become runnable, nobody says how much.
    pub(super) fn rouse(&self) {
        let ready = self.schedule.lock().has_ready();
        self.notify(ready, usize::MAX);
    }

    /// So many events may be new in the schedule, for rules of these classes.
    pub(super) fn notify(&self, ready: [bool; 2], pushed: usize) {
        for (runnable, _) in self.runnable.iter().zip(ready).filter(|(_, is_ready)| *is_ready) {
            match pushed {
                0 => {}
                1 => {
                    runnable.notify_one();
                }
                _ => {
                    runnable.notify_all();
                }
            }
        }
    }

    /// What should run now, whatever it is.
    pub fn next(&self, now: Timestamp) -> Next {
        self.next_for(Worker::Any, now)
    }

    /// What should run now, for a rule thread.
    pub fn next_for(&self, worker: Worker, now: Timestamp) -> Next {
        self.schedule.lock().next(worker, now)
    }

    /// Waits until there may be something to run, at most this long.
    pub fn wait_for_work(&self, worker: Worker, at_most: Duration) {
        let mut schedule = self.schedule.lock();
        // Something may have come since it was asked for the last time.
        if !schedule.may_run(worker) {
            self.runnable[usize::from(worker == Worker::Slow)].wait_for(&mut schedule, at_most);
        }
    }

    /// Wakes every rule thread, so that they see that the house closes.
    pub fn wake_all(&self) {
        for runnable in &self.runnable {
            runnable.notify_all();
        }
    }

    /// Reports a run back to the schedule.
    pub fn finished(&self, key: SubjectKey, ended: Ended, used: Duration, now: Timestamp) {
        let ready = {
            let mut schedule = self.schedule.lock();
            schedule.finished(key, ended, used, now);
            schedule.has_ready()
        };
        self.notify(ready, 1);
    }

    /// Events of a rule that wait or run.
    pub fn waiting_of(&self, rule: RuleIndex) -> usize {
        self.schedule.lock().waiting_of(rule)
    }
}
