//! What was accepted goes into the schedule, and rule threads get it there.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{House, Scheduled};
use crate::message::{MessageId, Timestamp};
use crate::route::RuleIndex;
use crate::schedule::{CLASSES, Class, Ended, Event, Next, Schedule, SubjectKey, Worker};
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
        let mut schedule = self.schedule.lock();
        for ((id, partition), subject) in ids.iter().zip(subjects) {
            if let Some(Scheduled { key, is_tracked }) = subject {
                let event = Event { partition: *partition, number: id.event, is_mo: true, is_tracked, due: now };
                schedule.push(key, event, now);
            }
        }
        self.wake_workers(&mut schedule);
    }

    /// Something may have become runnable.
    pub(super) fn rouse(&self) {
        self.wake_workers(&mut self.schedule.lock());
    }

    /// Wakes as many threads as what is ready is worth.
    pub(super) fn wake_workers(&self, schedule: &mut Schedule) {
        for class in CLASSES {
            while schedule.workers(class).wants_another() && self.wake_worker(class, schedule) {}
            if schedule.workers(class).is_short() {
                self.is_short.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Wakes one that sleeps. The lock is held, so that who is counted as asleep sleeps.
    fn wake_worker(&self, class: Class, schedule: &mut Schedule) -> bool {
        let is_one_awake = self.runnable[class as usize].notify_one();
        schedule.workers(class).woke(usize::from(is_one_awake));
        is_one_awake
    }

    /// About once in a millisecond: wakes a thread where those that are awake are held up.
    pub fn tick(&self) {
        if !self.is_short.load(Ordering::Relaxed) {
            return;
        }
        let mut schedule = self.schedule.lock();
        self.is_short.store(false, Ordering::Relaxed);
        for class in CLASSES {
            if schedule.workers(class).is_held_up() {
                self.wake_worker(class, &mut schedule);
            }
            if schedule.workers(class).is_short() {
                self.is_short.store(true, Ordering::Relaxed);
            }
        }
    }

    /// How many threads run rules: quick ones, slow ones.
    pub fn workers_are(&self, counts: [usize; CLASSES.len()]) {
        let mut schedule = self.schedule.lock();
        for (class, count) in CLASSES.into_iter().zip(counts) {
            schedule.workers(class).are(count);
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
        let class = if worker == Worker::Slow { Class::Slow } else { Class::Quick };
        let mut schedule = self.schedule.lock();
        // Something may have come since it was asked for the last time.
        if !schedule.may_run(worker) {
            schedule.workers(class).falls_asleep();
            if self.runnable[class as usize].wait_for(&mut schedule, at_most).timed_out() {
                schedule.workers(class).woke(1);
            }
        }
    }

    /// Wakes every rule thread, so that they see that the house closes.
    pub fn wake_all(&self) {
        let mut schedule = self.schedule.lock();
        for class in CLASSES {
            let count = self.runnable[class as usize].notify_all();
            schedule.workers(class).woke(count);
        }
    }

    /// Reports a run back to the schedule.
    pub fn finished(&self, key: SubjectKey, ended: Ended, used: Duration, now: Timestamp) {
        let mut schedule = self.schedule.lock();
        schedule.finished(key, ended, used, now);
        self.wake_workers(&mut schedule);
    }

    /// Events of a rule that wait or run.
    pub fn waiting_of(&self, rule: RuleIndex) -> usize {
        self.schedule.lock().waiting_of(rule)
    }
}
