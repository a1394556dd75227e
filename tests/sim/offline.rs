//! A day of devices that are out of reach, and the moment at which they come back.

use std::collections::BTreeMap;

use bytes::Bytes;
use wasmsc::store::Kind;
use wasmsc::store::memory::MemoryDisk;
use wasmsc_smpp::{AlertNotification, Body, CommandStatus, Event, Sm, SmResp, Ton};

use crate::pipe::Pipe;
use crate::world::World;

const DEVICES: u64 = 20;
const MINUTE_MS: u64 = 60_000;
const DAY_MINUTES: u64 = 24 * 60;

fn digits(device: u64) -> Bytes {
    format!("46709999{device:03}").into()
}

struct Day {
    world: World,
    application: Pipe,
    network: Pipe,
    upstream: Pipe,
    /// Attempts by device.
    attempts: BTreeMap<Bytes, usize>,
    delivered: BTreeMap<Bytes, usize>,
    reachable: bool,
}

impl Day {
    fn begin() -> Day {
        let mut world = World::new(1, MemoryDisk::new());
        let (shared, instant) = (world.alive().shared.clone(), world.instant);
        let mut day = Day {
            application: Pipe::application(shared.clone(), "app", instant),
            network: Pipe::application(shared.clone(), "net", instant),
            upstream: Pipe::upstream(shared, "up", instant),
            world,
            attempts: BTreeMap::new(),
            delivered: BTreeMap::new(),
            reachable: false,
        };
        day.exchange();
        for device in 0..DEVICES {
            let sm = Sm {
                source_addr: Bytes::from_static(b"7001"),
                dest_addr_ton: Ton::INTERNATIONAL,
                destination_addr: digits(device),
                short_message: Bytes::from_static(b"wake up"),
                ..Sm::default()
            };
            day.application.peer.request(Body::SubmitSm(sm), day.world.instant).expect("bound");
            day.exchange();
        }
        day
    }

    fn exchange(&mut self) {
        for _ in 0..4 {
            let clock = self.world.clock();
            self.world.write();
            self.application.exchange(clock);
            self.upstream.exchange(clock);
            for event in self.network.exchange(clock) {
                let Event::Request { sequence_number, body: Body::DeliverSm(sm), .. } = event else { continue };
                let status = match self.reachable {
                    true => CommandStatus::ESME_ROK,
                    false => CommandStatus::ESME_RDELIVERYFAILURE,
                };
                let counter = if self.reachable { &mut self.delivered } else { &mut self.attempts };
                *counter.entry(sm.destination_addr.clone()).or_default() += 1;
                self.network.peer.respond(sequence_number, status, Body::DeliverSmResp(SmResp::default()));
            }
        }
    }
}

#[test]
fn a_device_that_was_away_for_a_day_gets_its_message_when_it_comes_back() {
    let mut day = Day::begin();
    for _ in 0..DAY_MINUTES {
        day.world.pass(MINUTE_MS);
        day.exchange();
    }
    assert_eq!(day.attempts.len(), DEVICES as usize, "each was tried");
    assert!(day.attempts.values().all(|count| (5..30).contains(count)), "tried too often: {:?}", day.attempts);
    day.reachable = true;
    for device in 0..DEVICES {
        // Half of them are announced by their network, the others send something.
        if device % 2 == 0 {
            let alert = AlertNotification {
                source_addr_ton: Ton::INTERNATIONAL,
                source_addr: digits(device),
                ..AlertNotification::default()
            };
            day.upstream.peer.alert(alert).expect("bound");
        } else {
            let mo = Sm {
                source_addr_ton: Ton::INTERNATIONAL,
                source_addr: digits(device),
                destination_addr: Bytes::from_static(b"7001"),
                short_message: Bytes::from_static(b"1000001"),
                ..Sm::default()
            };
            day.network.peer.request(Body::SubmitSm(mo), day.world.instant).expect("bound");
        }
        day.exchange();
        day.exchange();
        assert_eq!(day.delivered.get(&digits(device)), Some(&1), "device {device} still waits");
    }
    let store = &day.world.alive().store;
    assert_eq!(store.count(Kind::Deferred).expect("readable"), 0);
    assert_eq!(store.count(Kind::Outbox).expect("readable"), 0);
}
