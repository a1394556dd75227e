//! A centre that takes messages and never says what became of them.

use bytes::Bytes;
use wasmsc::store::Kind;
use wasmsc::store::memory::MemoryDisk;
use wasmsc_smpp::receipt::{MessageState, Receipt};
use wasmsc_smpp::{Body, CommandStatus, Event, QuerySm, RegisteredDelivery, Sm, SmResp, Ton};

use crate::pipe::Pipe;
use crate::world::World;

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;
/// `validity_max_secs` of a customer that says nothing.
const LONGEST_DAYS: u64 = 7;
const DEVICE: &[u8] = b"47000000001";

struct Scene {
    world: World,
    application: Pipe,
    responses: Vec<Body>,
    /// Receipts that the application got: id and state.
    told: Vec<(Bytes, Option<MessageState>)>,
}

impl Scene {
    /// With a bind of its own: nobody kept the old one alive while time passed.
    fn new(mut world: World) -> Scene {
        let (shared, instant) = (world.alive().shared.clone(), world.instant);
        let application = Pipe::application(shared, "app", instant);
        let mut scene = Scene { application, world, responses: Vec::new(), told: Vec::new() };
        scene.exchange();
        assert!(scene.application.bound);
        scene
    }

    fn exchange(&mut self) {
        for _ in 0..4 {
            self.world.write();
            for event in self.application.exchange(self.world.clock()) {
                match event {
                    Event::Response { command_status: CommandStatus::ESME_ROK, body, .. } => self.responses.push(body),
                    Event::Request { sequence_number, body: Body::DeliverSm(sm), .. } => {
                        let receipt = Receipt::read(sm.esm_class, sm.payload(), &sm.tlvs).expect("a receipt");
                        self.told.push((Bytes::copy_from_slice(&receipt.message_id), receipt.state));
                        let resp = Body::DeliverSmResp(SmResp::default());
                        self.application.peer.respond(sequence_number, CommandStatus::ESME_ROK, resp);
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    fn ask(&mut self, body: Body) -> Body {
        self.application.peer.request(body, self.world.instant).expect("bound");
        self.exchange();
        self.responses.pop().expect("an answer")
    }

    fn submit(&mut self, schedule: &'static str) -> Bytes {
        let sm = Sm {
            source_addr: Bytes::from_static(b"7001"),
            dest_addr_ton: Ton::INTERNATIONAL,
            destination_addr: Bytes::from_static(DEVICE),
            schedule_delivery_time: Bytes::from_static(schedule.as_bytes()),
            registered_delivery: RegisteredDelivery(2),
            short_message: Bytes::from_static(b"is anybody there"),
            ..Sm::default()
        };
        match self.ask(Body::SubmitSm(sm)) {
            Body::SubmitSmResp(resp) => resp.message_id,
            other => panic!("{other:?}"),
        }
    }

    fn state(&mut self, id: &Bytes) -> MessageState {
        match self.ask(Body::QuerySm(QuerySm { message_id: id.clone(), ..QuerySm::default() })) {
            Body::QuerySmResp(resp) => MessageState::from_octet(resp.message_state).expect("a state"),
            other => panic!("{other:?}"),
        }
    }

    /// The centre takes what is due and is gone again.
    fn taken_by_the_centre(&mut self, number: &'static str) {
        let shared = self.world.alive().shared.clone();
        let mut upstream = Pipe::upstream(shared, "up", self.world.instant);
        let mut taken = 0;
        for _ in 0..6 {
            self.world.write();
            for event in upstream.exchange(self.world.clock()) {
                let Event::Request { sequence_number, body: Body::SubmitSm(_), .. } = event else { continue };
                let resp = SmResp { message_id: Bytes::from_static(number.as_bytes()), ..SmResp::default() };
                upstream.peer.respond(sequence_number, CommandStatus::ESME_ROK, Body::SubmitSmResp(resp));
                taken += 1;
            }
        }
        assert_eq!(taken, 1);
        upstream.core.disconnected();
    }

    /// Nobody is bound meanwhile; housekeeping comes every second in service.
    fn days_later(self, days: u64, less_ms: u64) -> Scene {
        let Scene { mut world, application, .. } = self;
        application.core.disconnected();
        for _ in 1..days {
            world.pass(DAY_MS);
            world.write();
        }
        world.pass(DAY_MS - less_ms);
        world.write();
        Scene::new(world)
    }

    fn minutes_later(&mut self, minutes: u64) {
        for _ in 0..minutes {
            self.world.pass(MINUTE_MS);
            self.exchange();
        }
    }
}

#[test]
fn a_message_without_a_receipt_is_unknown_a_day_after_the_longest_validity() {
    let mut scene = Scene::new(World::new(1, MemoryDisk::new()));
    let id = scene.submit("");
    scene.taken_by_the_centre("4711");
    assert_eq!(scene.state(&id), MessageState::Enroute);
    let mut scene = scene.days_later(LONGEST_DAYS + 1, 5 * MINUTE_MS);
    scene.minutes_later(4);
    assert_eq!(scene.told, [], "a receipt may still come");
    assert_eq!(scene.state(&id), MessageState::Enroute);
    scene.minutes_later(3);
    assert_eq!(scene.told, [(id.clone(), Some(MessageState::Unknown))]);
    assert_eq!(scene.state(&id), MessageState::Unknown);
    // It is told once, and is history a day later.
    scene.minutes_later(3);
    assert_eq!(scene.told.len(), 1);
    let mut scene = scene.days_later(2, 0);
    assert_eq!(scene.told, []);
    for kind in [Kind::Tracked, Kind::Remote, Kind::Outbox] {
        assert_eq!(scene.world.alive().store.count(kind).expect("readable"), 0, "rows of {kind:?} are left");
    }
}

#[test]
fn the_time_without_a_receipt_begins_when_the_centre_takes_the_message() {
    let mut scene = Scene::new(World::new(1, MemoryDisk::new()));
    let id = scene.submit("000002000000000R"); // in two days
    let mut scene = scene.days_later(2, 0);
    scene.taken_by_the_centre("4711");
    let mut scene = scene.days_later(LONGEST_DAYS + 1, 5 * MINUTE_MS);
    scene.minutes_later(4);
    assert_eq!(scene.told, []);
    assert_eq!(scene.state(&id), MessageState::Enroute);
    scene.minutes_later(3);
    assert_eq!(scene.told, [(id, Some(MessageState::Unknown))]);
}
