//! Timers of rules: when the next one is due, and making events of those that are.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::House;
use crate::message::Timestamp;
use crate::store::Store;
use crate::store::keys::Partition;

/// Timers of one partition that fire in one batch; then others have a turn.
const FIRE_MAX: usize = 500;
/// What was left as its customer has no room is looked at again after this long.
const LOOK_AGAIN_MS: u64 = 250;

/// When the first timer of each partition is due, or earlier.
pub struct Timers {
    next: Mutex<Vec<Option<Timestamp>>>,
    /// An earlier one was set, or the house closes.
    changed: Condvar,
}

impl Timers {
    pub fn recover(store: &Store) -> io::Result<Timers> {
        let next = Partition::all().map(|partition| store.first_alarm(partition)).collect::<io::Result<_>>()?;
        Ok(Timers { next: Mutex::new(next), changed: Condvar::new() })
    }

    /// One was set in this partition. The store has it already.
    pub fn set(&self, partition: Partition, due: Timestamp) {
        let mut next = self.next.lock();
        let first = next.iter().flatten().min().copied();
        let slot = &mut next[usize::from(partition.0)];
        if slot.is_none_or(|before| due < before) {
            *slot = Some(due);
            if first.is_none_or(|first| due < first) {
                self.changed.notify_all();
            }
        }
    }
}

/// Makes events of what is due. Yields when the next timer is; now, if there is more. A customer of which `queue_max`
/// events wait gets no more: its timers stay in the store, and fire late.
pub fn fire_timers(house: &Arc<House>, now: Timestamp) -> io::Result<Option<Timestamp>> {
    let is_due = |due: &Option<Timestamp>| due.is_some_and(|due| due <= now);
    let partitions: Vec<Partition> = {
        let next = house.timers.next.lock();
        Partition::all().filter(|partition| is_due(&next[usize::from(partition.0)])).collect()
    };
    for partition in partitions {
        // Held until its next one is written down: what is set meanwhile comes before or after both.
        let mut next = house.timers.next.lock();
        let mut room = Room { house, left: HashMap::new() };
        let fired = house.store.fire(partition, now, FIRE_MAX, &mut |customer| room.take(customer))?;
        next[usize::from(partition.0)] = if fired.left { Some(now.plus_ms(LOOK_AGAIN_MS)) } else { fired.next };
        drop(next);
        let found = fired.events.iter().filter_map(|(number, record)| house.found(partition, *number, record));
        house.run_arrived(found.collect(), now);
    }
    Ok(house.timers.next.lock().iter().flatten().min().copied())
}

/// How many events more customers may have.
struct Room<'h> {
    house: &'h House,
    left: HashMap<Box<str>, usize>,
}

impl Room<'_> {
    fn take(&mut self, customer: &str) -> bool {
        let left = match self.left.get_mut(customer) {
            Some(left) => left,
            None => self.left.entry(customer.into()).or_insert_with(|| self.house.room_of(customer)),
        };
        let has_room = *left > 0;
        *left = left.saturating_sub(1);
        has_room
    }
}

impl House {
    /// How many events more may wait for a customer's rules. What comes for a customer that is gone waits in the store.
    pub fn room_of(&self, customer: &str) -> usize {
        let directory = self.directory();
        let Some(index) = directory.customer_named(customer) else { return usize::MAX };
        directory.customer_at(index).queue_max.saturating_sub(self.mos_waiting_of(index))
    }

    /// Until an earlier timer is set, or `at_most` this long.
    pub fn wait_for_timers(&self, at_most: Duration) {
        let mut next = self.timers.next.lock();
        self.timers.changed.wait_for(&mut next, at_most);
    }

    /// Wakes whoever waits so.
    pub fn wake_timers(&self) {
        self.timers.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Address, Content, Message, MessageId};
    use crate::occasion::{TimerChange, TimerSet};
    use crate::plugin::{Effects, Outcome};
    use crate::relay::home::{Home, NOW};
    use crate::relay::{claim, conclude};
    use crate::schedule::Next;

    /// A customer whose rows lie in the partition of `acme`.
    fn neighbour() -> String {
        let names = (0..).map(|n| format!("c{n}"));
        let mut same = names.filter(|name| Partition::of(name) == Partition::of("acme"));
        same.next().expect("one in 64 is")
    }

    fn rule(customer: &str, number: &str) -> String {
        format!("[[rule]]\ncustomer = {customer:?}\nname = \"r\"\ncomponent = \"x.wasm\"\nnumbers = [{number:?}]\n")
    }

    /// An MO of the device to that number, which sets a timer.
    fn set(home: &mut Home, device: u32, number: &str, due: Timestamp) {
        let message = Message {
            source: Address::Msisdn(format!("4670000{device:04}").into()),
            destination: Address::ShortCode(number.into()),
            content: Content::default(),
            received_at: NOW,
        };
        home.bring(message, 0, NOW);
        run(home, |id| {
            let (payload, number) = (Default::default(), Address::ShortCode(number.into()));
            let now = TimerSet { id: id.effect(1), due };
            let change = TimerChange::Set { before: None, now, payload, number };
            Effects { timers: vec![("t".to_owned(), change)], ..Effects::default() }
        });
        home.write();
    }

    /// What may run; yields how many calls that were.
    fn run(home: &mut Home, effects: impl Fn(MessageId) -> Effects) -> usize {
        let mut calls = 0;
        while let Next::Run(key, event) = home.house.next(NOW.plus_ms(10_000)) {
            let id = claim(&home.house, &key, event, NOW).expect("it waits").id;
            let ended = conclude(&home.house, &key, event, Outcome::Done(effects(id)), NOW);
            home.house.finished(key, ended, Duration::ZERO, NOW);
            calls += 1;
        }
        calls
    }

    #[test]
    fn timers_beyond_queue_max_wait_in_the_store_and_those_of_others_do_not() {
        let other = neighbour();
        let tables = format!(
            "[[customer]]\nid = {other:?}\nnumbers = [\"7003\"]\ndevices = [\"+4670*\"]\n{}{}",
            rule("acme", "7001"),
            rule(&other, "7003")
        );
        let mut home = Home::new("queue_max = 3", &tables);
        for device in 0..7 {
            set(&mut home, device, "7001", NOW.plus_ms(1_000));
        }
        set(&mut home, 100, "7003", NOW.plus_ms(2_000));
        let mut now = NOW.plus_ms(2_000);
        let next = fire_timers(&home.house, now).expect("readable");
        assert_eq!((home.house.mos_waiting(), next), (4, Some(now.plus_ms(LOOK_AGAIN_MS))), "three, and the other's");
        now = now.plus_ms(LOOK_AGAIN_MS);
        fire_timers(&home.house, now).expect("readable");
        assert_eq!(home.house.mos_waiting(), 4, "acme's are still there");
        let mut calls = run(&mut home, |_| Effects::default());
        for _ in 0..2 {
            now = now.plus_ms(LOOK_AGAIN_MS);
            fire_timers(&home.house, now).expect("readable");
            calls += run(&mut home, |_| Effects::default());
        }
        assert_eq!((calls, fire_timers(&home.house, now).expect("readable")), (8, None), "each fires once, late");
    }
}
