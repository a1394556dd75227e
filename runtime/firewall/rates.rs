//! Messages a minute and a day, for each device and each customer.
//!
//! A limit is passed in with each question, so that a changed policy holds at once; what is kept is how much of
//! it is used. Nothing is kept for whom no limit applies to, and nothing for long: a device that has all of
//! its burst back, and has sent nothing today that counts, is forgotten.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::packet::Kind;
use crate::message::{Address, Timestamp};

/// Devices that are counted at once, about 150 MB. Beyond, a device with a limit that is not counted yet is
/// refused until others are forgotten: a limit that can be flooded away is none.
pub const DEVICES_MAX: usize = 1_000_000;
/// How often all devices are gone through, at most.
const SWEEP_EVERY_MS: u64 = 1_000;
const DAY_MS: u64 = 86_400_000;
const MINUTE_US: u64 = 60_000_000;
/// One a microsecond.
pub const PER_MINUTE_MAX: u32 = 60_000_000;

/// Messages that may pass in a minute, and at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    pub per_minute: u32,
    /// As many as in a minute when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
}

impl Rate {
    pub fn burst(&self) -> u32 {
        self.burst.unwrap_or(self.per_minute)
    }

    /// Rounded up: never more than the rate says.
    fn interval_us(&self) -> u64 {
        MINUTE_US.div_ceil(u64::from(self.per_minute.max(1)))
    }
}

/// A token bucket as one number: the time at which it is full again.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    full_at_us: u64,
}

impl Bucket {
    /// When it is full again, and how long an empty one takes for that.
    fn level(self, rate: Rate, now_us: u64) -> (u64, u64) {
        let all = rate.interval_us() * u64::from(rate.burst().max(1));
        // Further away than that: the clock was set back or the policy changed, and it starts anew.
        let full_at = if self.full_at_us > now_us + all { now_us } else { self.full_at_us.max(now_us) };
        (full_at, all)
    }

    /// When the next message may pass; None: now.
    fn free_at(self, rate: Rate, now: Timestamp) -> Option<Timestamp> {
        let now_us = now.0 * 1_000;
        let (full_at, all) = self.level(rate, now_us);
        let free_at = (full_at + rate.interval_us()).saturating_sub(all);
        (free_at > now_us).then(|| Timestamp(free_at.div_ceil(1_000)))
    }

    fn take(&mut self, rate: Rate, now: Timestamp) {
        let now_us = now.0 * 1_000;
        let (full_at, all) = self.level(rate, now_us);
        self.full_at_us = (full_at + rate.interval_us()).min(now_us + all);
    }

    /// One that was taken and did not pass after all.
    fn give_back(&mut self, rate: Rate) {
        self.full_at_us = self.full_at_us.saturating_sub(rate.interval_us());
    }

    fn is_full(self, now: Timestamp) -> bool {
        self.full_at_us <= now.0 * 1_000
    }
}

/// Messages on one day, in UTC.
#[derive(Debug, Clone, Copy, Default)]
struct DayCount {
    day: u32,
    count: u32,
    /// It is among [`Usage::changed`].
    is_changed: bool,
}

impl DayCount {
    fn on(self, day: u32) -> u32 {
        if self.day == day { self.count } else { 0 }
    }

    /// True when nobody knows yet that it changes.
    fn set(&mut self, day: u32, count: u32) -> bool {
        let is_news = !self.is_changed;
        *self = DayCount { day, count, is_changed: true };
        is_news
    }

    fn add(&mut self, day: u32) -> bool {
        self.set(day, self.on(day).saturating_add(1))
    }

    fn give_back(&mut self, day: u32) -> bool {
        self.set(day, self.on(day).saturating_sub(1))
    }
}

/// Days since 1970-01-01, in UTC.
pub fn day(now: Timestamp) -> u32 {
    (now.0 / DAY_MS) as u32
}

/// Midnight UTC, when a quota begins anew.
pub fn next_day(now: Timestamp) -> Timestamp {
    Timestamp((u64::from(day(now)) + 1) * DAY_MS)
}

#[derive(Debug, Default)]
struct Device {
    buckets: [Bucket; Kind::COUNT],
    today: DayCount,
}

impl Device {
    fn is_idle(&self, now: Timestamp) -> bool {
        self.today.on(day(now)) == 0 && self.buckets.iter().all(|bucket| bucket.is_full(now))
    }
}

#[derive(Debug, Default)]
struct Customer {
    bucket: Bucket,
    today: DayCount,
    devices: HashMap<Address, Device>,
}

/// A limit on one thing: none, or so much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limit {
    pub rate: Option<Rate>,
    pub per_day: Option<u32>,
}

impl Limit {
    fn applies(&self) -> bool {
        self.rate.is_some() || self.per_day.is_some()
    }
}

/// Whose device's limit a message uses up.
#[derive(Debug, Clone, Copy)]
pub struct DeviceOf<'a> {
    pub customer: &'a str,
    pub device: &'a Address,
    pub kind: Kind,
}

/// What a day's count is written down as, so that a restart does not begin the day anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaRow {
    pub customer: String,
    /// None: of the customer as a whole.
    pub device: Option<Address>,
    /// Days since 1970-01-01.
    pub day: u32,
    pub count: u32,
}

/// How much of every limit is used.
#[derive(Debug, Default)]
pub struct Usage {
    customers: HashMap<Box<str>, Customer>,
    devices: usize,
    /// Whose day's count is another than what is written down.
    changed: VecDeque<(Box<str>, Option<Address>)>,
    /// Where the next sweep is due: at twice as many devices as the last one left.
    sweep_at: usize,
    swept_at: Timestamp,
}

/// Sweeping earlier saves nothing worth it.
const SWEEP_MIN: usize = 1_024;

impl Usage {
    /// When this device may have its next message by its rate; None: now.
    pub fn device_free_at(&self, of: &DeviceOf<'_>, rate: Rate, now: Timestamp) -> Option<Timestamp> {
        match self.device(of) {
            Some(device) => device.buckets[of.kind.index()].free_at(rate, now),
            None => (self.devices >= DEVICES_MAX).then(|| now.plus_ms(SWEEP_EVERY_MS)),
        }
    }

    /// Messages of this device that counted today.
    pub fn device_today(&self, of: &DeviceOf<'_>, now: Timestamp) -> u32 {
        let untracked = if self.devices >= DEVICES_MAX { u32::MAX } else { 0 };
        self.device(of).map_or(untracked, |device| device.today.on(day(now)))
    }

    pub fn customer_free_at(&self, customer: &str, rate: Rate, now: Timestamp) -> Option<Timestamp> {
        self.customers.get(customer)?.bucket.free_at(rate, now)
    }

    pub fn customer_today(&self, customer: &str, now: Timestamp) -> u32 {
        self.customers.get(customer).map_or(0, |customer| customer.today.on(day(now)))
    }

    /// A message passed: it uses up a little of each limit that applies.
    pub fn passed(&mut self, of: &DeviceOf<'_>, limit: &Limit, now: Timestamp) {
        if !limit.applies() {
            return;
        }
        self.make_room(now);
        let customer = entry(&mut self.customers, of.customer);
        if !customer.devices.contains_key(of.device) {
            if self.devices >= DEVICES_MAX {
                return;
            }
            self.devices += 1;
        }
        let device = customer.devices.entry(of.device.clone()).or_default();
        if let Some(rate) = limit.rate {
            device.buckets[of.kind.index()].take(rate, now);
        }
        if limit.per_day.is_some() && device.today.add(day(now)) {
            self.changed.push_back((of.customer.into(), Some(of.device.clone())));
        }
    }

    /// As [`passed`](Self::passed), for what limits the customer as a whole.
    pub fn passed_customer(&mut self, customer: &str, limit: &Limit, now: Timestamp) {
        if !limit.applies() {
            return;
        }
        let name = customer;
        let customer = entry(&mut self.customers, name);
        if let Some(rate) = limit.rate {
            customer.bucket.take(rate, now);
        }
        if limit.per_day.is_some() && customer.today.add(day(now)) {
            self.changed.push_back((name.into(), None));
        }
    }

    /// What [`passed`](Self::passed) counted did not pass after all.
    pub fn take_back(&mut self, of: &DeviceOf<'_>, limit: &Limit, now: Timestamp) {
        let device = self.customers.get_mut(of.customer).and_then(|customer| customer.devices.get_mut(of.device));
        let Some(device) = device else { return };
        if let Some(rate) = limit.rate {
            device.buckets[of.kind.index()].give_back(rate);
        }
        if limit.per_day.is_some() && device.today.give_back(day(now)) {
            self.changed.push_back((of.customer.into(), Some(of.device.clone())));
        }
    }

    /// What [`passed_customer`](Self::passed_customer) counted did not pass after all.
    pub fn take_back_customer(&mut self, name: &str, limit: &Limit, now: Timestamp) {
        let Some(customer) = self.customers.get_mut(name) else { return };
        if let Some(rate) = limit.rate {
            customer.bucket.give_back(rate);
        }
        if limit.per_day.is_some() && customer.today.give_back(day(now)) {
            self.changed.push_back((name.into(), None));
        }
    }

    /// Counts of the day that are to be written down, at most so many: those that changed since they were.
    pub fn changed_rows(&mut self, most: usize, now: Timestamp) -> Vec<QuotaRow> {
        let (day, most) = (day(now), most.min(self.changed.len()));
        let mut rows = Vec::with_capacity(most);
        for (name, address) in self.changed.drain(..most) {
            let Some(customer) = self.customers.get_mut(&name) else { continue };
            let today = match &address {
                None => Some(&mut customer.today),
                Some(address) => customer.devices.get_mut(address).map(|device| &mut device.today),
            };
            let Some(today) = today else { continue };
            today.is_changed = false;
            // Of another day it says nothing any more.
            if today.day == day {
                rows.push(QuotaRow { customer: name.into(), device: address, day, count: today.count });
            }
        }
        rows
    }

    /// Counts on from what [`changed_rows`](Self::changed_rows) gave; rows of other days say nothing any more.
    pub fn restore(&mut self, rows: impl IntoIterator<Item = QuotaRow>, now: Timestamp) {
        for row in rows.into_iter().filter(|row| row.day == day(now)) {
            let today = DayCount { day: row.day, count: row.count, is_changed: false };
            let customer = entry(&mut self.customers, &row.customer);
            match row.device {
                None => customer.today = today,
                Some(_) if self.devices >= DEVICES_MAX => {}
                Some(address) => {
                    let before = customer.devices.len();
                    customer.devices.entry(address).or_default().today = today;
                    self.devices += customer.devices.len() - before;
                }
            }
        }
    }

    /// Devices that are counted.
    pub fn devices(&self) -> usize {
        self.devices
    }

    /// Forgets idle devices when it is time to: often nothing, and never much per message.
    pub fn make_room(&mut self, now: Timestamp) {
        let is_due = self.devices >= self.sweep_at.clamp(SWEEP_MIN, DEVICES_MAX);
        if !is_due || now.0.abs_diff(self.swept_at.0) < SWEEP_EVERY_MS {
            return;
        }
        self.swept_at = now;
        for customer in self.customers.values_mut() {
            customer.devices.retain(|_, device| !device.is_idle(now));
        }
        self.devices = self.customers.values().map(|customer| customer.devices.len()).sum();
        self.sweep_at = self.devices * 2;
        let is_used = |customer: &Customer| {
            !customer.devices.is_empty() || customer.today.on(day(now)) > 0 || !customer.bucket.is_full(now)
        };
        self.customers.retain(|_, customer| is_used(customer));
    }

    fn device(&self, of: &DeviceOf<'_>) -> Option<&Device> {
        self.customers.get(of.customer)?.devices.get(of.device)
    }
}

/// Without a copy of the name when it is there, which is the usual case.
fn entry<'c>(customers: &'c mut HashMap<Box<str>, Customer>, name: &str) -> &'c mut Customer {
    if !customers.contains_key(name) {
        customers.insert(name.into(), Customer::default());
    }
    customers.get_mut(name).expect("inserted above")
}

#[cfg(test)]
mod tests;
