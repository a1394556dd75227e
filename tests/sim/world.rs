//! One simulated house and its peer: steps in any order, virtual time, crashes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use wasmsc::config::Config;
use wasmsc::delivery::Delivery;
use wasmsc::link::core::{LinkCore, Now, Shared};
use wasmsc::message::Timestamp;
use wasmsc::relay::{self, House};
use wasmsc::route::{Current, Directory};
use wasmsc::schedule::Next;
use wasmsc::store::memory::{Fault, MemoryDisk};
use wasmsc::store::writer::Turn;
use wasmsc::store::{DeadRecord, Kind, Store, Writer};
use wasmsc_smpp::text::{self, Payload};
use wasmsc_smpp::{
    Bind, BindMode, Body, CommandStatus, Event, InterfaceVersion, Session, SessionConfig, Sm, SmResp, Ton,
};

use crate::application::Application;
use crate::effects;
use crate::history;
use crate::ledger::Ledger;
use crate::pipe::Pipe;
use crate::rng::Rng;
use crate::rule;
use crate::upstream::Upstream;
use crate::web::Web;

/// MOs that the customer may have waiting.
pub const QUEUE_MAX: usize = 30;
pub const DEVICES: u64 = 5;
const MESSAGE_ID_TLV: u16 = 0x1501;
/// Garbage carries sequence numbers from here, so that its responses can be told apart.
const GARBAGE: u32 = 0x7000_0000;
const CONFIG: &str = r#"
data_dir = "unused"
smpp = { listen = "127.0.0.1:0", system_id = "sim", enquire_link_secs = 3600 }
upstream = [{ name = "up", host = "unused", port = 1, system_id = "house", password = "pw", routes = ["+47"] }]
account = [{ system_id = "app", password = "pw", role = "application", customer = "acme" },
           { system_id = "net", password = "pw", role = "network", routes = ["+46"], window = 8, message_id_tlv = 0x1501 }]
rule = [{ customer = "acme", name = "count", component = "native", numbers = ["7001"], attempts_max = 3 }]
[[customer]]
id = "acme"
numbers = ["7001"]
devices = ["+4670*", "+47*"]
queue_max = 30
policy = { destinations = { block = ["+4799*"] } }
"#;

/// What a crash takes away.
pub struct Alive {
    pub store: Arc<Store>,
    pub writer: Writer,
    pub house: Arc<House>,
    pub delivery: Arc<Delivery>,
    pub shared: Arc<Shared>,
    pub link: Option<Link>,
    pub application: Option<Pipe>,
    pub upstream: Option<Pipe>,
}

/// Both ends of one connection.
pub struct Link {
    core: LinkCore,
    peer: Session,
    /// Octets on their way to the peer.
    inbox: BytesMut,
    /// MTs that the peer answered with ESME_ROK, in octets that the house has not seen yet.
    answered: Vec<String>,
    /// The peer's submit_sm without a response, by sequence_number: (number, device).
    open: HashMap<u32, (u64, u64)>,
    bound: bool,
}

pub struct World {
    pub disk: MemoryDisk,
    pub alive: Option<Alive>,
    pub rng: Rng,
    pub instant: Instant,
    pub now: Timestamp,
    pub garbage: u32,
    pub ledger: Ledger,
    pub application: Application,
    pub upstream: Upstream,
    web: Web,
    pub crashes: usize,
    pub most_waiting: usize,
    /// For messages of failed assertions.
    pub context: String,
}

impl World {
    #[allow(clippy::disallowed_methods)] // only differences of this instant matter
    pub fn new(seed: u64, disk: MemoryDisk) -> World {
        let mut world = World {
            disk,
            alive: None,
            rng: Rng::new(seed),
            instant: Instant::now(),
            now: Timestamp(1_700_000_000_000),
            garbage: 0,
            ledger: Ledger::default(),
            application: Application::default(),
            upstream: Upstream::default(),
            web: Web::default(),
            crashes: 0,
            most_waiting: 0,
            context: format!("seed {seed}"),
        };
        world.boot();
        world
    }

    fn boot(&mut self) {
        let config = Config::parse(CONFIG, std::path::Path::new("sim")).expect("valid");
        let directory = Current::new(Directory::new(&config));
        let (store, writer) = Store::open(self.disk.open()).expect("opens");
        let delivery = Delivery::new(&directory);
        let house = House::new(directory, store.clone(), delivery.clone(), self.now).expect("recovers");
        delivery.open(&house, self.now).expect("opens");
        let shared = Arc::new(Shared::new(&config.smpp, house.clone(), delivery.clone()));
        self.alive =
            Some(Alive { store, writer, house, delivery, shared, link: None, application: None, upstream: None });
    }

    /// Everything in memory is gone; the disk keeps what it synced.
    pub fn crash(&mut self) {
        self.crashes += 1;
        self.ledger.settled.clear();
        self.application.open.clear();
        self.upstream.cut();
        self.alive = None;
        self.boot();
    }

    pub fn inject_random_fault(&mut self) {
        let at = 1 + self.rng.below(40);
        let kept = self.rng.below(2) == 0;
        self.disk.inject(if kept { Fault::KeptAtSync(at) } else { Fault::LostAtSync(at) });
    }

    pub fn alive(&mut self) -> &mut Alive {
        self.alive.as_mut().expect("booted")
    }

    pub fn clock(&self) -> Now {
        Now { instant: self.instant, timestamp: self.now }
    }

    pub fn run(&mut self, steps: usize) {
        for _ in 0..steps {
            match self.rng.below(23) {
                16 | 17 => self.exchange_application(true),
                18..=20 => self.exchange_upstream(),
                21 if self.rng.below(4) == 0 => self.cut_others(),
                21 => self.exchange_application(false),
                22 => self.call_out(),
                0..=2 => self.submit(),
                3 => self.garbage(),
                4..=7 => self.exchange(),
                8..=10 => self.write(),
                11..=13 => self.run_rule(),
                14 => self.pass_time(),
                _ if self.rng.below(8) == 0 => self.cut(),
                _ => self.exchange(),
            }
        }
    }

    /// More than the inbox holds, without a rule running.
    pub fn flood(&mut self, count: usize) {
        for _ in 0..count {
            self.submit();
            self.exchange();
            self.write();
            self.exchange();
        }
    }

    /// Lets everything settle, with no more faults, then checks the promises.
    pub fn finish(&mut self) {
        for _ in 0..3_000 {
            self.exchange();
            self.exchange_application(false);
            self.exchange_upstream();
            self.write();
            self.run_rule();
            self.call_out();
            self.pass_time();
            if self.is_quiet() {
                break;
            }
        }
        assert!(self.is_quiet(), "{}: something never settles", self.context);
        self.application.check(&self.upstream.carried, &self.context);
        self.check_leftovers();
        let alive = self.alive.as_ref().expect("booted");
        let mut dead = BTreeSet::new();
        let each = |_, letter: DeadRecord| {
            dead.insert(rule::number_in(&letter.message().content));
            true
        };
        alive.store.dead_letters("acme", None, each).expect("readable");
        self.ledger.check(&dead, &effects::counts(alive, rule::MOS), &self.context);
        effects::check(alive, &self.web, &self.context);
        history::check(&alive.store, &self.ledger, &self.context);
        for (sequence_number, count) in &self.ledger.nacked {
            assert_eq!(*count, 1, "{}: responses to garbage {sequence_number:#x}", self.context);
        }
    }

    fn is_quiet(&mut self) -> bool {
        let alive = self.alive();
        let mut waiting = 0;
        for (partition, queue) in alive.store.queues().expect("readable") {
            alive.store.each_queued(partition, &queue, |_| waiting += 1).expect("readable");
        }
        let counted: usize = alive.store.depths().iter().map(|depth| depth.messages).sum();
        assert_eq!(counted, waiting, "messages that wait, as they are counted");
        let follows = [Kind::Timer, Kind::Alarm, Kind::HttpCall];
        let has_none = |kind: &Kind| alive.store.count(*kind).expect("readable") == 0;
        let idle = waiting == 0 && alive.house.mos_waiting() == 0 && follows.iter().all(has_none);
        let others = self.application.is_done() && self.upstream.is_done();
        let alive = self.alive();
        idle && others && alive.link.as_ref().is_some_and(|l| l.open.is_empty())
    }

    fn submit(&mut self) {
        let count = 1 + self.rng.below(4);
        for _ in 0..count {
            let device = self.rng.below(DEVICES);
            let (instant, number) = (self.instant, self.ledger.next_number);
            let Some(link) = self.bound_link() else { return };
            let sm = sm(device, &number.to_string());
            if let Ok(sequence_number) = link.peer.request(Body::SubmitSm(sm), instant) {
                link.open.insert(sequence_number, (number, device));
                self.ledger.next_number += 1;
            }
        }
    }

    /// A PDU whose body is broken in one of several ways, between good ones.
    fn garbage(&mut self) {
        let kind = self.rng.below(3);
        self.garbage += 1;
        let sequence_number = GARBAGE + self.garbage;
        let Some(link) = self.bound_link() else { return };
        let (command_id, body): (u32, &[u8]) = match kind {
            0 => (0x0001_0203, b"unknown command"),
            1 => (0x0000_0004, b"\0"),
            _ => (0x0000_0004, b"\0\x01\x01467\0\0\x017001\0\0\0\0\0\0\0\0\0\0\xffshort"),
        };
        let length = 16 + body.len() as u32;
        let output = link.peer.output();
        for word in [length, command_id, 0, sequence_number] {
            output.extend_from_slice(&word.to_be_bytes());
        }
        output.extend_from_slice(body);
        self.ledger.nacked.insert(sequence_number, 0);
    }

    fn bound_link(&mut self) -> Option<&mut Link> {
        self.alive().link.as_mut().filter(|link| link.bound)
    }

    fn connect(&mut self) {
        let (shared, instant) = (self.alive().shared.clone(), self.instant);
        let mut config = SessionConfig::esme();
        config.window_max = 16;
        config.enquire_link_interval = Duration::from_secs(3600);
        let mut peer = Session::new(config, instant);
        let (system_id, password) = (Bytes::from_static(b"net"), Bytes::from_static(b"pw"));
        peer.bind(
            BindMode::Transceiver,
            Bind { system_id, password, interface_version: InterfaceVersion::V3_4, ..Bind::default() },
            instant,
        );
        let core = LinkCore::new(([127, 0, 0, 1], 1).into(), shared, instant);
        let link =
            Link { core, peer, inbox: BytesMut::new(), answered: Vec::new(), open: HashMap::new(), bound: false };
        self.alive().link = Some(link);
    }

    /// Octets both ways, and what both sides make of them.
    fn exchange(&mut self) {
        if self.alive().link.is_none() {
            self.connect();
        }
        let clock = self.clock();
        let link = self.alive.as_mut().and_then(|alive| alive.link.as_mut()).expect("connected");
        let sent = link.peer.output().split();
        link.core.input.unsplit(sent);
        link.core.on_deadline(clock.instant);
        link.core.turn(clock);
        self.ledger.settled.extend(link.answered.drain(..));
        let answer = link.core.output().split();
        count_nacks(&answer, &mut self.ledger);
        link.inbox.unsplit(answer);
        link.peer.on_deadline(clock.instant);
        while let Some(event) = link.peer.poll(&mut link.inbox, clock.instant) {
            peer_event(link, event, &mut self.ledger, &mut self.rng);
        }
        let closed = link.core.is_closed() || link.peer.close_reason().is_some();
        let waiting = self.alive().house.mos_waiting();
        self.most_waiting = self.most_waiting.max(waiting);
        if closed {
            self.cut();
        }
    }

    /// What is settled leaves nothing behind but its history.
    fn check_leftovers(&mut self) {
        self.expect_none(&[Kind::Outbox, Kind::Sent, Kind::Deferred, Kind::Part]);
        const DAY_MS: u64 = 86_400_000;
        for _ in 0..3 {
            self.pass(DAY_MS);
            self.write();
        }
        self.expect_none(&[Kind::Tracked, Kind::Remote, Kind::Parked]);
    }

    fn expect_none(&self, kinds: &[Kind]) {
        let store = &self.alive.as_ref().expect("booted").store;
        for kind in kinds {
            assert_eq!(store.count(*kind).expect("readable"), 0, "{}: rows of {kind:?} are left", self.context);
        }
    }

    fn exchange_application(&mut self, submits: bool) {
        let clock = self.clock();
        let alive = self.alive.as_mut().expect("booted");
        let shared = alive.shared.clone();
        let pipe = alive.application.get_or_insert_with(|| Pipe::application(shared, "app", clock.instant));
        if submits {
            self.application.submit(pipe, clock.instant);
        }
        for event in pipe.exchange(clock) {
            self.application.event(pipe, event, &mut self.rng);
        }
        if pipe.is_closed() {
            self.cut_others();
        }
    }

    fn exchange_upstream(&mut self) {
        let clock = self.clock();
        let alive = self.alive.as_mut().expect("booted");
        let shared = alive.shared.clone();
        let pipe = alive.upstream.get_or_insert_with(|| Pipe::upstream(shared, "up", clock.instant));
        self.upstream.act(pipe, clock.instant, &mut self.rng);
        for event in pipe.exchange(clock) {
            self.upstream.event(pipe, event, &mut self.rng);
        }
        if pipe.is_closed() {
            self.cut_others();
        }
    }

    /// The connections to application and upstream break.
    fn cut_others(&mut self) {
        if let Some(pipe) = self.alive().application.take() {
            pipe.core.disconnected();
            self.application.open.clear();
        }
        if let Some(pipe) = self.alive().upstream.take() {
            pipe.core.disconnected();
            self.upstream.cut();
        }
    }

    /// The connection breaks. Garbage on its way gets no answer any more.
    fn cut(&mut self) {
        if let Some(link) = self.alive().link.take() {
            link.core.disconnected();
            self.ledger.nacked.retain(|_, count| *count > 0);
        }
    }

    pub fn write(&mut self) {
        if self.alive().writer.step() == Turn::Failed {
            assert!(self.alive().store.failure().is_some(), "it says why it stopped");
            self.ledger.nacked.retain(|_, count| *count > 0);
            self.crash();
        }
    }

    fn run_rule(&mut self) {
        let now = self.now;
        let house = self.alive().house.clone();
        let Next::Run(key, event) = house.next(now) else { return };
        let Some(invocation) = relay::claim(&house, &key, event, now) else { panic!("an event vanished") };
        let ended = relay::conclude(&house, &key, event, rule::run(&invocation), now);
        house.finished(key, ended, Duration::from_micros(10), now);
    }

    fn call_out(&mut self) {
        let alive = self.alive.as_ref().expect("booted");
        self.web.act(alive, self.now, &mut self.rng);
    }

    fn pass_time(&mut self) {
        let millis = 1 + self.rng.below(2_000);
        self.pass(millis);
    }

    pub fn pass(&mut self, millis: u64) {
        self.instant += Duration::from_millis(millis);
        self.now = self.now.plus_ms(millis);
        let now = self.now;
        let alive = self.alive();
        alive.delivery.ring_alarms(now);
        // A failed store says so to the writer, which crashes.
        let _ = relay::keep_house(&alive.house, now);
        let _ = relay::fire_timers(&alive.house, now);
    }
}

fn peer_event(link: &mut Link, event: Event, ledger: &mut Ledger, rng: &mut Rng) {
    match event {
        Event::Bound { .. } => link.bound = true,
        Event::Response { sequence_number, command_status, body } => {
            let Some((number, device)) = link.open.remove(&sequence_number) else { return };
            match (command_status, body) {
                (CommandStatus::ESME_ROK, Body::SubmitSmResp(resp)) => {
                    ledger.accepted(number, device, String::from_utf8_lossy(&resp.message_id).into_owned());
                }
                (CommandStatus::ESME_RMSGQFUL, _) => ledger.refused_full += 1,
                (CommandStatus::ESME_RSYSERR, _) => {} // the store failed; the crash follows
                other => panic!("MO {number} was answered with {other:?}"),
            }
        }
        Event::Expired { sequence_number } => drop(link.open.remove(&sequence_number)),
        Event::Request { sequence_number, body: Body::DeliverSm(sm), .. } => {
            let id = sm.tlvs.get(MESSAGE_ID_TLV).expect("configured");
            let id = String::from_utf8_lossy(id).into_owned();
            let Payload::Text(text) = text::decode(sm.data_coding, sm.payload()) else { panic!("no text") };
            let digits = String::from_utf8_lossy(&sm.destination_addr).into_owned();
            ledger.received(id.clone(), text, digits[8..].parse().expect("our own device"));
            let status = match rng.below(12) {
                0 => return, // the response gets lost
                1 => CommandStatus::ESME_RX_T_APPN,
                _ => CommandStatus::ESME_ROK,
            };
            if status.is_ok() {
                ledger.taken(id.clone());
                link.answered.push(id);
            }
            link.peer.respond(sequence_number, status, Body::DeliverSmResp(SmResp::default()));
        }
        _ => {}
    }
}

pub fn address(device: u64) -> String {
    format!("+46700000{device:03}")
}

fn sm(device: u64, text: &str) -> Sm {
    Sm {
        source_addr_ton: Ton::INTERNATIONAL,
        source_addr: address(device)[1..].to_owned().into(),
        destination_addr: Bytes::from_static(b"7001"),
        short_message: text.to_owned().into(),
        ..Sm::default()
    }
}

/// Counts what came back for each piece of garbage.
fn count_nacks(octets: &BytesMut, ledger: &mut Ledger) {
    let mut octets = octets.clone();
    while let Ok(Some(frame)) = wasmsc_smpp::next_frame(&mut octets, wasmsc_smpp::PDU_MAX_OCTETS) {
        let sequence_number = u32::from_be_bytes(frame[12..16].try_into().expect("a header"));
        if let Some(count) = ledger.nacked.get_mut(&sequence_number) {
            assert_ne!(frame[8..12], [0; 4], "garbage was answered with ESME_ROK");
            *count += 1;
        }
    }
}
