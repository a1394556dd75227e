//! Which devices customers have registered: what delivery and the firewall ask about a number, in memory.
//!
//! The one table of this room that changes in place: every directory shares it, and `relay` holds it to the rows of
//! the store. A device takes 24 octets here (28 to 56 with the free places of the table); sets of tags are kept once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use parking_lot::{Mutex, MutexGuard, RwLock};

use crate::device::{Device, DeviceStatus};
use crate::message::{Address, Timestamp};

/// A registered device, as far as every message needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Whose it is.
    pub customer: Arc<str>,
    pub status: DeviceStatus,
    /// In their order.
    pub tags: Arc<[String]>,
    pub last_seen: Option<Timestamp>,
}

/// When a device was seen is written again after this long: a crash forgets less than that, and a busy device costs
/// six rows an hour.
const SEEN_PAUSE_SECS: u32 = 600;

#[derive(Debug, Default)]
pub struct Registry {
    tables: RwLock<Tables>,
    writing: Mutex<()>,
}

#[derive(Debug, Default)]
struct Tables {
    devices: HashMap<Number, Entry>,
    customers: Vec<Arc<str>>,
    tags: TagSets,
}

/// The digits of a number behind a 1, which keeps leading zeros apart: 15 digits fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Number(u64);

impl Number {
    fn of(address: &Address) -> Option<Number> {
        let Address::Msisdn(digits) = address else { return None };
        let number = digits
            .bytes()
            .try_fold(1_u64, |number, octet| number.checked_mul(10)?.checked_add(u64::from(octet.checked_sub(b'0')?)));
        number.map(Number)
    }
}

#[derive(Debug)]
struct Entry {
    /// Seconds since 1970; 0: never.
    seen: AtomicU32,
    customer: u32,
    tags: u32,
    status: DeviceStatus,
}

impl Registry {
    pub fn find(&self, address: &Address) -> Option<Registered> {
        let number = Number::of(address)?;
        let tables = self.tables.read();
        let entry = tables.devices.get(&number)?;
        Some(Registered {
            customer: tables.customers[entry.customer as usize].clone(),
            status: entry.status,
            tags: tables.tags.sets[entry.tags as usize].0.clone(),
            last_seen: seen(entry),
        })
    }

    /// Whether it is this customer's; None: nobody registered it.
    pub fn is_of(&self, address: &Address, customer: &str) -> Option<bool> {
        let number = Number::of(address)?;
        let tables = self.tables.read();
        let entry = tables.devices.get(&number)?;
        Some(*tables.customers[entry.customer as usize] == *customer)
    }

    /// Held by whoever changes devices, from reading their rows until they are here.
    pub fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock()
    }

    pub fn len(&self) -> usize {
        self.tables.read().devices.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// As its row says from now on. When it was seen stays.
    pub fn put(&self, address: &Address, customer: &str, device: &Device) {
        let Some(number) = Number::of(address) else { return };
        let mut tables = self.tables.write();
        let customer = tables.customer(customer);
        let tags = tables.tags.take(&device.tags.iter().cloned().collect::<Vec<_>>());
        let seen = tables.devices.get(&number).map_or(0, |entry| entry.seen.load(Ordering::Relaxed));
        let entry = Entry { seen: AtomicU32::new(seen), customer, tags, status: device.status };
        if let Some(before) = tables.devices.insert(number, entry) {
            tables.tags.give_back(before.tags);
        }
    }

    pub fn remove(&self, address: &Address) {
        let Some(number) = Number::of(address) else { return };
        let mut tables = self.tables.write();
        if let Some(before) = tables.devices.remove(&number) {
            tables.tags.give_back(before.tags);
        }
    }

    /// It was seen. Whose it is, when that is to be written.
    pub fn see(&self, address: &Address, now: Timestamp) -> Option<Arc<str>> {
        let number = Number::of(address)?;
        let tables = self.tables.read();
        let entry = tables.devices.get(&number)?;
        let secs = secs(now);
        let before = entry.seen.fetch_max(secs, Ordering::Relaxed);
        let is_news = secs / SEEN_PAUSE_SECS > before / SEEN_PAUSE_SECS;
        is_news.then(|| tables.customers[entry.customer as usize].clone())
    }
}

/// Until the year 2106.
fn secs(at: Timestamp) -> u32 {
    (at.0 / 1_000).try_into().unwrap_or(u32::MAX)
}

fn seen(entry: &Entry) -> Option<Timestamp> {
    let secs = entry.seen.load(Ordering::Relaxed);
    (secs > 0).then_some(Timestamp(u64::from(secs) * 1_000))
}

impl Tables {
    fn customer(&mut self, name: &str) -> u32 {
        let known = self.customers.iter().position(|known| **known == *name);
        let index = known.unwrap_or_else(|| {
            self.customers.push(name.into());
            self.customers.len() - 1
        });
        index as u32
    }
}

/// Every set of tags that some device has, with how many do; free places have none.
#[derive(Debug, Default)]
struct TagSets {
    sets: Vec<(Arc<[String]>, usize)>,
    places: HashMap<Arc<[String]>, u32>,
    free: Vec<u32>,
}

impl TagSets {
    fn take(&mut self, tags: &[String]) -> u32 {
        if let Some(place) = self.places.get(tags) {
            self.sets[*place as usize].1 += 1;
            return *place;
        }
        let set: Arc<[String]> = tags.into();
        let place = self.free.pop().unwrap_or(self.sets.len() as u32);
        match self.sets.get_mut(place as usize) {
            Some(free) => *free = (set.clone(), 1),
            None => self.sets.push((set.clone(), 1)),
        }
        self.places.insert(set, place);
        place
    }

    fn give_back(&mut self, place: u32) {
        let (set, devices) = &mut self.sets[place as usize];
        *devices -= 1;
        if *devices == 0 {
            self.places.remove(set);
            *set = Arc::new([]);
            self.free.push(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).expect("valid")
    }

    fn tagged(tags: &[&str]) -> Device {
        Device { tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), ..Device::default() }
    }

    #[test]
    fn a_device_is_found_as_it_was_put_last() {
        let registry = Registry::default();
        let device = address("+46701111111");
        registry.put(&device, "acme", &tagged(&["b", "a"]));
        registry.put(&address("+467011111110"), "beta", &tagged(&[]));
        let found = registry.find(&device).expect("there");
        assert_eq!((&*found.customer, &*found.tags), ("acme", &["a".to_owned(), "b".to_owned()][..]));
        assert_eq!((registry.is_of(&device, "acme"), registry.is_of(&device, "beta")), (Some(true), Some(false)));
        assert_eq!(registry.is_of(&address("+46701111112"), "acme"), None);
        let suspended = Device { status: DeviceStatus::Suspended, ..tagged(&["c"]) };
        registry.put(&device, "acme", &suspended);
        let found = registry.find(&device).expect("there");
        assert_eq!((found.status, &*found.tags), (DeviceStatus::Suspended, &["c".to_owned()][..]));
        registry.remove(&device);
        assert_eq!((registry.find(&device), registry.len()), (None, 1));
    }

    #[test]
    fn a_number_with_leading_zeros_is_another_one() {
        let registry = Registry::default();
        registry.put(&Address::Msisdn("012345".into()), "acme", &Device::default());
        assert_eq!(registry.find(&Address::Msisdn("12345".into())), None);
        assert_eq!(registry.find(&Address::ShortCode("012345".into())), None);
    }

    #[test]
    fn when_a_device_was_seen_is_to_be_written_now_and_then() {
        let registry = Registry::default();
        let device = address("+46701111111");
        let at = |secs: u64| Timestamp(secs * 1_000);
        assert_eq!(registry.see(&device, at(6_000)), None, "nobody's");
        registry.put(&device, "acme", &Device::default());
        assert_eq!(registry.see(&device, at(6_000)).as_deref(), Some("acme"));
        assert_eq!(registry.see(&device, at(6_001)), None);
        assert_eq!(registry.see(&device, at(6_599)), None);
        assert_eq!(registry.find(&device).and_then(|found| found.last_seen), Some(at(6_599)));
        assert_eq!(registry.see(&device, at(6_600)).as_deref(), Some("acme"));
        assert_eq!(registry.see(&device, at(5_000)), None, "that is past");
        registry.put(&device, "acme", &tagged(&["a"]));
        assert_eq!(registry.find(&device).and_then(|found| found.last_seen), Some(at(6_600)), "a change keeps it");
    }

    #[test]
    fn sets_of_tags_go_with_their_last_device() {
        let registry = Registry::default();
        for n in 0..3 {
            registry.put(&address(&format!("+4670111111{n}")), "acme", &tagged(&["a"]));
        }
        for n in 0..3 {
            registry.put(&address(&format!("+4670111111{n}")), "acme", &tagged(&[&n.to_string()]));
        }
        assert_eq!(registry.tables.read().tags.places.len(), 3);
        registry.remove(&address("+46701111110"));
        registry.put(&address("+46701111119"), "acme", &tagged(&["new"]));
        assert_eq!(registry.tables.read().tags.sets.len(), 4, "places are used again");
    }

    #[test]
    fn an_entry_is_as_small_as_it_says() {
        assert_eq!(size_of::<(Number, Entry)>(), 24);
    }
}
