//! Timers of rules: when each customer's next one is due, and making events of those that are.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::House;
use super::next_due::NextDue;
use crate::message::Timestamp;
use crate::store::Store;
use crate::store::keys::{Kind, Partition};

/// Timers of one customer that fire in one batch; then others have a turn.
const FIRE_MAX: usize = 500;
/// What was left as its customer has no room is looked at again after this long.
pub(super) const LOOK_AGAIN_MS: u64 = 250;

/// When the first timer of each customer is due, or earlier.
pub struct Timers {
    next: Mutex<NextDue>,
    /// An earlier one was set, or the house closes.
    changed: Condvar,
}

impl Timers {
    pub fn recover(store: &Store) -> io::Result<Timers> {
        let next = NextDue::recover(store, Kind::Alarm)?;
        Ok(Timers { next: Mutex::new(next), changed: Condvar::new() })
    }

    /// A customer's was set. The store has it already.
    pub fn set(&self, customer: &str, due: Timestamp) {
        if self.next.lock().bring_forward(customer, due) {
            self.changed.notify_all();
        }
    }
}

/// Makes events of what is due. Yields when the next timer is; now, if there is more. A customer of which `queue_max`
/// events wait gets no more: its timers stay in the store, unread, and fire late.
pub fn fire_timers(house: &Arc<House>, now: Timestamp) -> io::Result<Option<Timestamp>> {
    let due = house.timers.next.lock().due(now);
    for customer in due {
        // Held until its next one is written down: what is set meanwhile comes before or after both.
        let mut next = house.timers.next.lock();
        let room = house.room_of(&customer).min(FIRE_MAX);
        if room == 0 {
            next.put(&customer, Some(now.plus_ms(LOOK_AGAIN_MS)));
            continue;
        }
        let fired = house.store.fire(&customer, now, room)?;
        next.put(&customer, fired.next);
        drop(next);
        let partition = Partition::of(&customer);
        let found = fired.events.iter().filter_map(|(number, record)| house.found(partition, *number, record));
        house.run_arrived(found.collect(), now);
    }
    Ok(house.timers.next.lock().first())
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

    /// Another customer with a number and a rule, and a rule of `acme`.
    fn tables(other: &str) -> String {
        format!(
            "[[customer]]\nid = {other:?}\nnumbers = [\"7003\"]\ndevices = [\"+4670*\"]\n{}{}",
            rule("acme", "7001"),
            rule(other, "7003")
        )
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
    fn each_customer_has_its_next_one_and_a_restart_finds_them() {
        let other = neighbour();
        let mut home = Home::new("", &tables(&other));
        for (device, number, due) in [(0, "7001", 3_000), (1, "7001", 1_000), (2, "7003", 2_000), (3, "7003", 5_000)] {
            set(&mut home, device, number, NOW.plus_ms(due));
        }
        let next = [Some(NOW.plus_ms(1_000)), Some(NOW.plus_ms(2_000))];
        for timers in [&home.house.timers, &Timers::recover(&home.house.store).expect("readable")] {
            let known = timers.next.lock();
            assert_eq!([known.of("acme"), known.of(&other)], next);
            assert_eq!((known.first(), known.due(NOW.plus_ms(10_000)).len()), (next[0], 2));
        }
        let fire = |ms: u64| fire_timers(&home.house, NOW.plus_ms(ms)).expect("readable");
        assert_eq!((fire(999), home.house.mos_waiting()), (next[0], 0));
        assert_eq!((fire(2_000), home.house.mos_waiting()), (Some(NOW.plus_ms(3_000)), 2));
        assert_eq!((fire(9_000), home.house.mos_waiting()), (None, 4));
    }

    #[test]
    fn one_customer_without_room_does_not_hold_up_another_whose_timers_lie_beside_its() {
        let other = neighbour();
        let mut home = Home::new("queue_max = 1", &tables(&other));
        for device in 0..20 {
            set(&mut home, device, "7001", NOW.plus_ms(1_000));
        }
        set(&mut home, 100, "7003", NOW.plus_ms(1_010));
        let fire = |ms: u64| fire_timers(&home.house, NOW.plus_ms(ms)).expect("readable");
        assert_eq!((fire(1_000), home.house.mos_waiting()), (Some(NOW.plus_ms(1_000)), 1), "there is more");
        assert_eq!(fire(1_000), Some(NOW.plus_ms(1_010)), "the other's, at its time; acme's are looked at later");
        assert_eq!((fire(1_010), home.house.mos_waiting()), (Some(NOW.plus_ms(1_000 + LOOK_AGAIN_MS)), 2));
    }

    #[test]
    fn timers_beyond_queue_max_wait_in_the_store_and_those_of_others_do_not() {
        let other = neighbour();
        let mut home = Home::new("queue_max = 3", &tables(&other));
        for device in 0..7 {
            set(&mut home, device, "7001", NOW.plus_ms(1_000));
        }
        set(&mut home, 100, "7003", NOW.plus_ms(2_000));
        let mut now = NOW.plus_ms(2_000);
        fire_timers(&home.house, now).expect("readable");
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
