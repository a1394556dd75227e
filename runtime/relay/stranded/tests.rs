use wasmsc_smpp::receipt::MessageState;

use crate::message::{Address, Content, Message};
use crate::relay::home::{DAY_MS, Home, NOW};
use crate::relay::{Origin, Submission, accept, keep_house};
use crate::route::CustomerIndex;
use crate::store::keys::Partition;

const ROUTE: &str = "routes = [\"+46\"]\n";

#[test]
fn a_message_whose_route_went_over_a_restart_ends_with_its_time() {
    let mut home = Home::new("", ROUTE);
    let message = Message {
        source: Address::ShortCode("7001".into()),
        destination: Address::Msisdn("46700000001".into()),
        content: Content::default(),
        received_at: NOW,
    };
    let submission = Submission { expires: Some(NOW.plus_ms(DAY_MS)), ..Submission::plain(message) };
    accept(&home.house, Origin::Customer(CustomerIndex(0)), vec![((), submission)], NOW, |_| {});
    home.write();
    assert_eq!(home.queued("+46"), 1);
    let mut home = home.crash_with(|tables| tables.replace(ROUTE, ""));
    for (ms, waiting) in [(DAY_MS - 60_000, 1), (DAY_MS, 0)] {
        keep_house(&home.house, NOW.plus_ms(ms)).expect("works");
        home.write();
        assert_eq!(home.queued("+46"), waiting, "after {ms} ms");
    }
    let partition = Partition::of("acme");
    let mut dead = Vec::new();
    let each = |_, letter: crate::store::DeadRecord| {
        dead.push(letter.failure.reason);
        true
    };
    home.house.store.dead_letters("acme", None, each).expect("readable");
    assert_eq!(dead, ["its time is over".into()]);
    let mut states = Vec::new();
    let each = |_, tracked: crate::tracking::Tracked| {
        states.push(tracked.state());
        true
    };
    home.house.store.each_tracked(partition, None, each).expect("readable");
    assert_eq!(states, [MessageState::Expired]);
}
