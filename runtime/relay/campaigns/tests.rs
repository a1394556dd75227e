//! Campaigns on a disk that fails at every sync, and at their pace in virtual time. The store's writer is stepped by
//! hand; the test is the network that takes every message.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;
use crate::config::Config;
use crate::message::Content;
use crate::relay::{Alert, Answer, Outlet, settle};
use crate::route::{Current, Directory, PeerIndex};
use crate::store::Queued;
use crate::store::keys::OutboxKey;
use crate::store::memory::{Fault, MemoryDisk};
use crate::store::writer::{Turn, Writer};
use wasmsc_smpp::receipt::MessageState;

const NOW: Timestamp = Timestamp(1_795_447_800_000);
/// More than two steps, and two pieces of a list.
const DEVICES: u32 = 1_010;

/// Keeps what is offered.
#[derive(Default)]
struct Shelf(Mutex<Vec<Queued>>);

impl Outlet for Shelf {
    fn offer(&self, queued: Vec<Queued>) {
        self.0.lock().extend(queued);
    }
    fn later(&self, _: &OutboxKey) {}
    fn expires(&self, _: &OutboxKey, _: Timestamp) {}
    fn withdraw(&self, key: &OutboxKey) -> bool {
        let mut shelf = self.0.lock();
        shelf.retain(|queued| queued.key != *key);
        true
    }
    fn release(&self, _: &OutboxKey) {}
    fn give_back(&self, _: &OutboxKey, _: Timestamp) {}
    fn directory_changed(&self, _: Timestamp) -> io::Result<()> {
        Ok(())
    }
    fn alert(&self, _: PeerIndex, _: Alert) {}
}

struct Home {
    disk: MemoryDisk,
    house: Arc<House>,
    shelf: Arc<Shelf>,
    writer: Writer,
    customer: CustomerIndex,
}

impl Home {
    fn on(disk: MemoryDisk, queue_max: usize) -> Home {
        let text = format!(
            r#"
data_dir = "d"
smpp = {{ listen = "127.0.0.1:0", system_id = "x" }}
customer = [{{ id = "acme", numbers = ["7001"], devices = ["+4670*"], queue_max = {queue_max} }}]
account = [{{ system_id = "sim", password = "", role = "network", routes = ["+46"] }}]
"#
        );
        let config = Config::parse(&text, Path::new("t")).expect("valid");
        let (store, writer) = Store::open(disk.open()).expect("opens");
        let shelf = Arc::new(Shelf::default());
        let directory = Current::new(Directory::new(&config));
        let house = House::new(directory, store, shelf.clone(), NOW).expect("stands");
        // What waits is what delivery would find.
        let partition = Partition::of("acme");
        house.store.each_queued(partition, &"+46".into(), |queued| shelf.0.lock().push(queued)).expect("readable");
        let customer = house.directory().customer_named("acme").expect("there");
        Home { disk, house, shelf, writer, customer }
    }

    fn sync(&mut self) -> bool {
        loop {
            match self.writer.step() {
                Turn::Wrote => {}
                _ => return self.house.store.failure().is_none(),
            }
        }
    }

    /// None: the disk failed first.
    fn begin(&mut self, devices: u32, per_second: Option<u32>, once: Option<NewOnce>) -> Option<CampaignId> {
        let campaign = Campaign {
            source: Address::ShortCode("7001".into()),
            content: Content { octets: bytes::Bytes::from_static(b"hello"), ..Content::default() },
            validity_ms: None,
            registered_delivery: 1,
            tag: "spring".into(),
            per_second,
            start_at: NOW,
        };
        let devices = (0..devices).map(device).collect();
        let told = Arc::new(Mutex::new(None));
        let done: CampaignDone = {
            let told = told.clone();
            Box::new(move |result| *told.lock() = Some(result.is_ok()))
        };
        let new = NewCampaign { campaign, devices, once };
        let begun = begin(&self.house, self.customer, new, NOW, done).ok()?;
        assert_eq!(*told.lock(), None, "told before the sync");
        self.sync();
        let id = match begun {
            Begun::New(id) => id,
            Begun::Again(record) => CampaignId(record.id.event),
        };
        (*told.lock() == Some(true)).then_some(id)
    }

    fn change(&mut self, id: CampaignId, phase: Phase, now: Timestamp) -> Result<(), NoCampaign> {
        change_phase(&self.house, (self.customer, id), phase, now, Box::new(|_| {}))?;
        self.sync();
        Ok(())
    }

    /// The network takes what it is offered; by which device and number.
    fn take(&mut self, now: Timestamp) -> Vec<(Address, MessageId)> {
        let offered = std::mem::take(&mut *self.shelf.0.lock());
        let seen = offered.iter().map(|one| (one.record.message.destination.clone(), one.key.id)).collect();
        let answers = offered.into_iter().map(|queued| (queued, Answer::Taken(Vec::new()))).collect();
        let _ = settle(&self.house, Some(PeerIndex(0)), answers, now); // on a disk that failed
        self.sync();
        seen
    }

    fn row(&self, id: CampaignId) -> CampaignRecord {
        self.house.store.campaign("acme", id).expect("readable").expect("there")
    }

    fn ended(&self, id: CampaignId) -> BTreeMap<u8, u32> {
        let ends = self.house.store.campaign_ends("acme", id).expect("readable");
        ends.each().map(|(state, count)| (state.octet(), count)).collect()
    }
}

fn device(index: u32) -> Address {
    Address::Msisdn(format!("4670{index:07}").into())
}

fn once() -> NewOnce {
    NewOnce { key: [1; 32], fingerprint: [2; 32], answer: bytes::Bytes::new() }
}

/// To the end, or to the failure of the disk. Holds that each device has one message number for ever.
fn run(home: &mut Home, ledger: &mut BTreeMap<Address, MessageId>) -> Option<CampaignId> {
    let id = home.begin(DEVICES, None, Some(once()))?;
    loop {
        let next = drive(&home.house, NOW);
        home.sync();
        for (device, id) in home.take(NOW) {
            assert_eq!(*ledger.entry(device).or_insert(id), id, "two messages for one device");
        }
        if home.house.store.failure().is_some() {
            return None;
        }
        if next.is_none() && home.shelf.0.lock().is_empty() {
            return Some(id);
        }
    }
}

/// A crash at each sync, and then the rest.
fn crash_at_every_sync(fault: fn(u64) -> Fault) {
    let disk = MemoryDisk::new();
    let mut home = Home::on(disk.clone(), 100_000);
    let before = disk.syncs();
    run(&mut home, &mut BTreeMap::new()).expect("the disk works");
    let syncs = disk.syncs() - before;
    assert!(syncs > 10, "{syncs}");
    for fault in (1..=syncs).map(fault) {
        let mut home = Home::on(MemoryDisk::new(), 100_000);
        let mut ledger = BTreeMap::new();
        home.disk.inject(fault);
        let mut ended = run(&mut home, &mut ledger);
        if ended.is_none() {
            home = Home::on(home.disk.clone(), 100_000);
            ended = run(&mut home, &mut ledger);
        }
        let id = ended.unwrap_or_else(|| panic!("{fault:?}: it does not end"));
        assert_eq!(ledger.len(), DEVICES as usize, "{fault:?}");
        assert_eq!(ledger.values().collect::<BTreeSet<_>>().len(), DEVICES as usize, "{fault:?}");
        assert!((0..DEVICES).all(|index| ledger[&device(index)] == id.message(index)), "{fault:?}");
        let row = home.row(id);
        assert_eq!((row.next, row.submitted), (DEVICES, DEVICES), "{fault:?}");
        assert_eq!(home.ended(id), [(MessageState::Delivered.octet(), DEVICES)].into(), "{fault:?}");
        assert!(home.house.campaigns.tallies.lock().is_empty(), "{fault:?}");
    }
}

#[test]
fn a_crash_that_loses_any_sync_neither_loses_nor_doubles_a_message() {
    crash_at_every_sync(Fault::LostAtSync);
}

#[test]
fn a_crash_behind_any_sync_neither_loses_nor_doubles_a_message() {
    crash_at_every_sync(Fault::KeptAtSync);
}

#[test]
fn ten_thousand_devices_come_to_their_end() {
    let mut home = Home::on(MemoryDisk::new(), 100_000);
    let id = home.begin(10_000, None, None).expect("begun");
    let mut seen = BTreeSet::new();
    while let Some(_next) = drive(&home.house, NOW) {
        home.sync();
        seen.extend(home.take(NOW).into_iter().map(|(device, _)| device));
    }
    home.sync();
    seen.extend(home.take(NOW).into_iter().map(|(device, _)| device));
    assert_eq!(seen.len(), 10_000);
    assert_eq!(home.ended(id), [(MessageState::Delivered.octet(), 10_000)].into());
    assert!(home.house.store.addressees("acme", id, 0).is_err(), "its list is used up");
}

#[test]
fn messages_leave_at_their_pace_and_a_pause_is_not_made_up_for() {
    let mut home = Home::on(MemoryDisk::new(), 100_000);
    let id = home.begin(100, Some(10), None).expect("begun");
    let mut left_at = Vec::new();
    let mut run_until = |home: &mut Home, from: u64, to: u64| {
        let mut now = NOW.plus_ms(from);
        while now < NOW.plus_ms(to) {
            let next = drive(&home.house, now);
            home.sync();
            left_at.extend(home.take(now).iter().map(|_| now.0 - NOW.0));
            match next {
                Some(next) => now = next.max(now),
                None => break,
            }
        }
        left_at.len()
    };
    assert_eq!(run_until(&mut home, 0, 2_000), 20);
    home.change(id, Phase::Paused, NOW.plus_ms(2_000)).expect("it runs");
    assert_eq!(run_until(&mut home, 2_000, 5_000), 20);
    // Across a restart as well.
    home = Home::on(home.disk.clone(), 100_000);
    assert_eq!(run_until(&mut home, 5_000, 60_000), 20);
    home.change(id, Phase::Running, NOW.plus_ms(60_000)).expect("it was paused");
    assert_eq!(run_until(&mut home, 60_000, 61_000), 30);
    assert_eq!(run_until(&mut home, 61_000, 90_000), 100);
    let in_second = |from: u64| left_at.iter().filter(|at| (from..from + 1_000).contains(*at)).count();
    assert!((0..90).all(|second| in_second(second * 1_000) <= 10), "{left_at:?}");
    assert!(matches!(home.change(id, Phase::Paused, NOW), Err(NoCampaign::Over)));
}

#[test]
fn it_waits_while_as_many_wait_as_may_and_cancelling_ends_those() {
    let mut home = Home::on(MemoryDisk::new(), 50);
    let id = home.begin(200, None, None).expect("begun");
    for _ in 0..3 {
        assert!(drive(&home.house, NOW).is_some(), "it has more to send");
        home.sync();
    }
    assert_eq!(home.row(id).next, 50);
    // After a restart they still wait.
    home = Home::on(home.disk.clone(), 50);
    drive(&home.house, NOW);
    assert_eq!(home.row(id).next, 50);
    home.take(NOW);
    drive(&home.house, NOW);
    home.sync();
    assert_eq!((home.row(id).next, home.ended(id)), (100, [(MessageState::Delivered.octet(), 50)].into()));
    home.change(id, Phase::Cancelled, NOW).expect("it runs");
    assert_eq!(drive(&home.house, NOW), None);
    assert_eq!(home.take(NOW), [], "nothing waits any more");
    let ended = [(MessageState::Delivered.octet(), 50), (MessageState::Deleted.octet(), 50)];
    assert_eq!((home.row(id).next, home.ended(id)), (100, ended.into()));
    assert!(matches!(home.change(id, Phase::Running, NOW), Err(NoCampaign::Over)));
    home.change(id, Phase::Cancelled, NOW).expect("again changes nothing");
}

#[test]
fn what_may_not_be_sent_is_counted_by_reason() {
    let mut home = Home::on(MemoryDisk::new(), 100_000);
    let campaign = Campaign {
        source: Address::ShortCode("7001".into()),
        content: Content::default(),
        validity_ms: Some(60_000),
        registered_delivery: 0,
        tag: "".into(),
        per_second: None,
        start_at: NOW,
    };
    let devices = ["+46700000001", "+46800000001", "+46700000001"].map(|text| Address::parse(text).expect("valid"));
    let new = NewCampaign { campaign, devices: devices.into(), once: None };
    let Ok(Begun::New(id)) = begin(&home.house, home.customer, new, NOW, Box::new(|_| {})) else { panic!("refused") };
    drive(&home.house, NOW);
    home.sync();
    home.take(NOW);
    let row = home.row(id);
    assert_eq!((row.total, row.submitted), (2, 1), "one was there twice");
    assert_eq!(row.refused, [("a2p_own_only".into(), 1)].into());
    assert!(home.house.campaigns.tallies.lock().is_empty());
}
