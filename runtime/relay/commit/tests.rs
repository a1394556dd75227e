//! Everything that one call can want, on a disk that fails at every sync: state, shared state, a timer, an HTTP call and
//! a message whose receipt is wanted happen together or not at all, and each of what follows happens once.
//!
//! The test is the rule, the network and the HTTP server; the store's writer is stepped by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::super::{
    Alert, Answer, Attempted, Outlet, Submission, accept, claim, conclude, fire_timers, http_called, settle,
};
use super::*;
use crate::config::Config;
use crate::message::{Content, Message};
use crate::occasion::{Occasion, SharedWrite, TimerSet};
use crate::plugin::{Invocation, Outcome};
use crate::route::{Current, PeerIndex, RuleIndex};
use crate::schedule::{Ended, Next};
use crate::store::keys::Partition;
use crate::store::memory::{Fault, MemoryDisk};
use crate::store::writer::{Turn, Writer};
use crate::store::{Kind, Queued, Store};

const NOW: Timestamp = Timestamp(1_795_447_800_000);
const TIMER_MS: u64 = 5_000;
const CONFIG: &str = r#"
data_dir = "d"
smpp = { listen = "127.0.0.1:0", system_id = "x" }
customer = [{ id = "acme", numbers = ["7001"], devices = ["+4670*"] }]
account = [{ system_id = "sim", password = "", role = "network", routes = ["+46"] }]
rule = [{ customer = "acme", name = "all", component = "native", numbers = ["7001"], attempts_max = 3 }]
"#;

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
        self.0.lock().retain(|queued| queued.key != *key);
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
    now: Timestamp,
}

/// What outlives every crash: the world outside.
#[derive(Default)]
struct World {
    acknowledged: BTreeMap<Address, u64>,
    submitted: BTreeMap<Address, u64>,
    /// By message id.
    delivered: BTreeSet<MessageId>,
    /// By the id that goes out as the Idempotency-Key.
    called: BTreeSet<MessageId>,
}

impl Home {
    fn on(disk: MemoryDisk, now: Timestamp) -> Home {
        let (store, writer) = Store::open(disk.open()).expect("opens");
        let shelf = Arc::new(Shelf::default());
        let directory = Current::new(Directory::new(&Config::parse(CONFIG, Path::new("t")).expect("valid")));
        let house = House::new(directory, store, shelf.clone(), now).expect("stands");
        let waits = |queued| shelf.0.lock().push(queued);
        house.store.each_queued(Partition::of("acme"), &"+46".into(), waits).expect("readable");
        Home { disk, house, shelf, writer, now }
    }

    fn crash(self) -> Home {
        Home::on(self.disk, self.now)
    }

    /// False: the disk failed.
    fn sync(&mut self) -> bool {
        loop {
            match self.writer.step() {
                Turn::Wrote => {}
                _ => return self.house.store.failure().is_none(),
            }
        }
    }

    fn submit(&mut self, world: &Arc<Mutex<World>>, device: u32, text: &str) {
        let source = device_of(device);
        let content = Content { octets: text.as_bytes().to_vec().into(), ..Content::default() };
        let destination = Address::ShortCode("7001".into());
        let message = Message { source: source.clone(), destination, content, received_at: self.now };
        *world.lock().submitted.entry(source.clone()).or_default() += 1;
        let world = world.clone();
        let batch = vec![((), Submission::plain(message))];
        accept(&self.house, PeerIndex(0), batch, self.now, move |verdicts| {
            let accepted = verdicts.iter().filter(|(_, verdict)| verdict.is_ok()).count();
            *world.lock().acknowledged.entry(source.clone()).or_default() += accepted as u64;
        });
    }

    /// Runs what may run; yields how many calls there were.
    fn run(&mut self, rule: impl Fn(&Invocation) -> Outcome) -> usize {
        let mut calls = 0;
        while let Next::Run(key, event) = self.house.next(self.now) {
            let ended = match claim(&self.house, &key, event, self.now) {
                Some(invocation) => {
                    calls += 1;
                    conclude(&self.house, &key, event, rule(&invocation), self.now)
                }
                None => Ended::Gone,
            };
            self.house.finished(key, ended, std::time::Duration::ZERO, self.now);
            if self.house.store.failure().is_some() {
                break;
            }
        }
        calls
    }

    /// The network takes what it is offered, and the HTTP server answers what it is asked.
    fn outside(&mut self, world: &Arc<Mutex<World>>) {
        let offered = std::mem::take(&mut *self.shelf.0.lock());
        world.lock().delivered.extend(offered.iter().map(|queued| queued.key.id));
        let answers = offered.into_iter().map(|queued| (queued, Answer::Taken(Vec::new()))).collect();
        let _ = settle(&self.house, Some(PeerIndex(0)), answers, self.now); // on a disk that failed
        let due = self.house.store.http_calls_due(&"acme".into(), self.now, 1_000).expect("readable");
        for (key, record) in due.calls {
            world.lock().called.insert(key.id);
            let attempted = Attempted::Answered { status: 200, body: bytes::Bytes::from_static(b"{}") };
            let _ = http_called(&self.house, key, record, attempted, self.now);
        }
    }

    /// Until nothing happens any more.
    fn drain(&mut self, world: &Arc<Mutex<World>>) -> bool {
        for _ in 0..200 {
            let calls = self.run(rule);
            if !self.sync() {
                return false;
            }
            self.outside(world);
            let next = fire_timers(&self.house, self.now);
            if !self.sync() {
                return false;
            }
            let is_idle = calls == 0 && self.shelf.0.lock().is_empty() && self.house.mos_waiting() == 0;
            match next {
                Ok(Some(next)) if is_idle => self.now = self.now.max(next),
                Ok(None) if is_idle => return true,
                _ => {}
            }
        }
        panic!("it never comes to an end: {} events wait", self.house.mos_waiting());
    }

    fn subject(&self, device: &Address) -> Subject {
        rule_call::subject(&self.house, RuleIndex(0), &device.to_string(), Partition::of("acme"))
    }

    fn count(&self, device: &Address, name: &str) -> u64 {
        number(self.house.store.state(&self.subject(device), name).expect("readable").as_deref())
    }

    /// What holds at every moment: a call's effects are all there or none.
    fn expect_whole(&self, context: &str) {
        let mut total = 0;
        for device in (0..DEVICES).map(device_of) {
            let mos = self.count(&device, "mos");
            let timers = self.house.store.timer_count(&self.subject(&device), 1_000).expect("readable") as u64;
            assert_eq!(mos, self.count(&device, "timer") + timers, "{context}: timers of {device}");
            total += mos;
        }
        let shared = self.house.store.shared(&self.subject(&device_of(0)), "total").expect("readable");
        assert_eq!(number(shared.as_deref()), total, "{context}: shared state");
        let calls = self.house.store.count(Kind::HttpCall).expect("readable") as u64;
        let (mut replies, mut waiting) = (0, 0);
        let rows = self.house.store.waiting(Partition::of("acme"), 0, 10_000).expect("readable");
        waiting += rows.iter().filter(|(_, row)| matches!(row.occasion, Occasion::HttpReply(_))).count() as u64;
        replies += (0..DEVICES).map(device_of).map(|device| self.count(&device, "http_reply")).sum::<u64>();
        assert_eq!(total, calls + replies + waiting, "{context}: HTTP calls");
    }
}

const DEVICES: u32 = 3;

fn device_of(index: u32) -> Address {
    Address::Msisdn(format!("4670{index:07}").into())
}

fn number(octets: Option<&[u8]>) -> u64 {
    octets.map_or(0, |octets| u64::from_le_bytes(octets.try_into().expect("8 octets")))
}

fn counted(invocation: &Invocation, name: &str) -> Vec<(String, Option<Vec<u8>>)> {
    let before = number(invocation.state.get(name).expect("readable").as_deref());
    vec![(name.to_owned(), Some((before + 1).to_le_bytes().to_vec()))]
}

/// An MO causes one of everything; whatever follows is counted.
fn rule(invocation: &Invocation) -> Outcome {
    let now = invocation.mo.received_at;
    let number = Some(invocation.mo.destination.clone());
    let mut effects = Effects { number: number.clone(), ..Effects::default() };
    match &invocation.occasion {
        Occasion::Mo => {
            let message = Message {
                source: invocation.mo.destination.clone(),
                destination: invocation.mo.source.clone(),
                content: Content { octets: b"seen".to_vec().into(), ..Content::default() },
                received_at: now,
            };
            let set = TimerSet { id: invocation.id.effect(1), due: now.plus_ms(TIMER_MS) };
            let (payload, number) = (b"p".to_vec().into(), invocation.mo.destination.clone());
            let timer = TimerChange::Set { before: None, now: set, payload, number };
            effects.state = counted(invocation, "mos");
            effects.shared = vec![("total".to_owned(), SharedWrite::Add(1))];
            effects.messages = vec![Outgoing { wants_receipt: true, tag: "t".into(), ..Outgoing::plain(message) }];
            effects.timers = vec![(invocation.id.to_string(), timer)];
            effects.calls = vec![HttpCall {
                method: "POST".into(),
                url: "https://api.example.net/".into(),
                headers: Vec::new(),
                body: None,
                authorization: None,
                tag: "h".into(),
            }];
        }
        Occasion::Timer(fired) => {
            let before = Some(TimerSet { id: fired.id, due: fired.due_at });
            effects.state = counted(invocation, "timer");
            effects.timers = vec![(fired.name.to_string(), TimerChange::Gone { before })];
        }
        other => effects.state = counted(invocation, other.name()),
    }
    Outcome::Done(effects)
}

/// A scenario with as many syncs as it has moments to fail at. False: it failed.
fn scenario(home: &mut Home, world: &Arc<Mutex<World>>) -> bool {
    for round in 0..4 {
        for device in 0..DEVICES {
            home.submit(world, device, &format!("{round}"));
        }
        if !home.sync() {
            return false;
        }
        home.run(rule);
        if !home.sync() {
            return false;
        }
        home.outside(world);
        home.now = home.now.plus_ms(TIMER_MS / 2);
        if fire_timers(&home.house, home.now).is_err() || !home.sync() {
            return false;
        }
    }
    home.drain(world)
}

fn expect_once(home: &Home, world: &World, context: &str) {
    let mut total = 0;
    for device in (0..DEVICES).map(device_of) {
        let mos = home.count(&device, "mos");
        let acknowledged = world.acknowledged.get(&device).copied().unwrap_or_default();
        let submitted = world.submitted.get(&device).copied().unwrap_or_default();
        assert!((acknowledged..=submitted).contains(&mos), "{context}: {mos} of {acknowledged} to {submitted}");
        for name in ["timer", "receipt", "http_reply"] {
            assert_eq!(home.count(&device, name), mos, "{context}: {name} of {device}");
        }
        total += mos;
    }
    assert_eq!(world.delivered.len() as u64, total, "{context}: messages");
    assert_eq!(world.called.len() as u64, total, "{context}: HTTP calls");
    for kind in [Kind::Timer, Kind::Alarm, Kind::HttpCall] {
        assert_eq!(home.house.store.count(kind).expect("readable"), 0, "{context}: {kind:?} is left");
    }
}

#[test]
fn the_effects_of_a_call_happen_together_and_once_over_a_crash_at_every_sync() {
    let disk = MemoryDisk::new();
    let (mut home, world) = (Home::on(disk.clone(), NOW), Arc::new(Mutex::new(World::default())));
    let before = disk.syncs();
    assert!(scenario(&mut home, &world));
    let syncs = disk.syncs() - before;
    expect_once(&home, &world.lock(), "without a crash");
    assert!(syncs > 15, "only {syncs} syncs: the scenario shows little");
    for sync in 1..=syncs {
        for fault in [Fault::LostAtSync(sync), Fault::KeptAtSync(sync)] {
            let context = format!("{fault:?}");
            let disk = MemoryDisk::new();
            let (mut home, world) = (Home::on(disk.clone(), NOW), Arc::new(Mutex::new(World::default())));
            disk.inject(fault);
            assert!(!scenario(&mut home, &world), "{context} never happened");
            let mut home = home.crash();
            home.expect_whole(&context);
            assert!(home.drain(&world), "{context}");
            expect_once(&home, &world.lock(), &context);
        }
    }
}

#[test]
fn a_timer_that_is_cancelled_while_it_waits_never_fires() {
    let (mut home, world) = (Home::on(MemoryDisk::new(), NOW), Arc::new(Mutex::new(World::default())));
    let set = TimerSet { id: MessageId::accepted(7).effect(1), due: NOW.plus_ms(TIMER_MS) };
    home.submit(&world, 0, "set");
    home.run(|invocation| {
        let number = invocation.mo.destination.clone();
        let change = TimerChange::Set { before: None, now: set, payload: Default::default(), number };
        Outcome::Done(Effects { timers: vec![("t".to_owned(), change)], ..Effects::default() })
    });
    assert!(home.sync());
    // The device writes, then the timer is due: both wait, and the MO is first.
    home.now = NOW.plus_ms(TIMER_MS);
    home.submit(&world, 0, "cancel");
    assert_eq!(fire_timers(&home.house, home.now).expect("readable"), None);
    assert_eq!(home.house.mos_waiting(), 2);
    let calls = Mutex::new(Vec::new());
    home.run(|invocation| {
        calls.lock().push(invocation.occasion.name());
        let change = TimerChange::Gone { before: Some(set) };
        Outcome::Done(Effects { timers: vec![("t".to_owned(), change)], ..Effects::default() })
    });
    assert_eq!(*calls.lock(), ["mo"], "what is cancelled fires");
    assert!(home.sync());
    let home = home.crash();
    assert_eq!(home.house.mos_waiting(), 0, "its event waits for ever");
}

#[test]
fn a_call_whose_reading_is_stale_runs_again_from_the_start_and_uses_nothing_up() {
    use crate::occasion::SharedRead;
    let (mut home, world) = (Home::on(MemoryDisk::new(), NOW), Arc::new(Mutex::new(World::default())));
    home.submit(&world, 0, "a");
    home.submit(&world, 1, "b");
    let attempts = Mutex::new(Vec::new());
    // Both read before either has written: as two rule threads would.
    let claim_next = |home: &Home| match home.house.next(home.now) {
        Next::Run(key, event) => {
            let invocation = claim(&home.house, &key, event, home.now).expect("waits");
            (key, event, invocation)
        }
        other => panic!("{other:?}"),
    };
    let add = |invocation: &Invocation| {
        let read = invocation.state.shared("n").expect("readable");
        let sum = number(read.as_deref()) + 1;
        attempts.lock().push((invocation.attempt, sum));
        Outcome::Done(Effects {
            reads: vec![SharedRead::Value("n".to_owned(), read)],
            shared: vec![("n".to_owned(), SharedWrite::Put(sum.to_le_bytes().to_vec().into()))],
            state: vec![("done".to_owned(), Some(vec![1]))],
            ..Effects::default()
        })
    };
    let (first, second) = (claim_next(&home), claim_next(&home));
    let (one, other) = (add(&first.2), add(&second.2));
    let ended = conclude(&home.house, &first.0, first.1, one, NOW);
    home.house.finished(first.0, ended, std::time::Duration::ZERO, NOW);
    let ended = conclude(&home.house, &second.0, second.1, other, NOW);
    assert_eq!(ended, Ended::Again(NOW), "a lost update");
    assert_eq!(home.house.store.state(&home.subject(&device_of(1)), "done").expect("readable"), None, "half of it");
    home.house.finished(second.0, ended, std::time::Duration::ZERO, NOW);
    home.run(add);
    assert_eq!(*attempts.lock(), [(1, 1), (1, 1), (1, 2)]);
    let shared = home.house.store.shared(&home.subject(&device_of(0)), "n").expect("readable");
    assert_eq!(number(shared.as_deref()), 2);
    assert!(home.sync());
}
