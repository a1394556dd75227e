use super::*;
use crate::feed::{About, EventId, LinkChange};
use crate::message::{Address, Content, Message};
use crate::store::writer::Turn;
use crate::store::{Keeps, NewMessage, Place, Writer, disk};

const DAY_MS: u64 = 86_400_000;
/// The first day of this house.
const FIRST: u64 = 20_000;

fn accept(store: &Store, writer: &mut Writer, customer: &str, day: u64) -> MessageId {
    let received_at = Timestamp(day * DAY_MS + 1);
    let message = Message {
        source: Address::Msisdn("46700000001".into()),
        destination: Address::ShortCode("7001".into()),
        content: Content::default(),
        received_at,
    };
    let place = Place::Inbox { rule: "wm".into(), tracked: None };
    let new =
        NewMessage { customer: customer.into(), place, message, by: "sim".into(), sibling: 0, is_picked_up: false };
    let id = store.accept(vec![new], received_at, |_| {})[0].0;
    let about = || About::Link { account: "app".into(), mode: "receiver".into(), change: LinkChange::Bound };
    store.tell(customer, received_at, about).expect("works");
    drain(writer);
    id
}

fn drain(writer: &mut Writer) {
    while writer.step() == Turn::Wrote {}
}

fn knows(store: &Store, customer: &str, id: MessageId) -> bool {
    !store.timeline(customer, id).expect("readable").is_empty()
}

#[test]
fn in_a_house_too_quiet_for_checkpoints_what_is_over_goes_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || Store::open(disk::open(folder.path(), Keeps::ALL).expect("files")).expect("opens");
    let (store, mut writer) = open();
    let ids: Vec<MessageId> = (0..20).map(|day| accept(&store, &mut writer, "acme", FIRST + day)).collect();
    let told = store.feed("acme", EventId(0), 100).expect("readable").events;
    let floor = (FIRST + 10) * DAY_MS;
    for _twice in 0..2 {
        store.prune(floor, u64::MAX).expect("possible");
        store.prune_feeds(floor, u64::MAX).expect("possible");
        drain(&mut writer);
    }
    let known: Vec<bool> = ids.iter().map(|id| knows(&store, "acme", *id)).collect();
    assert_eq!(known, (0..20).map(|day| day >= 10).collect::<Vec<_>>());
    let page = store.feed("acme", EventId(0), 100).expect("readable");
    assert_eq!(page.gap, Some(EventId::first_of(floor)));
    let rest = store.feed("acme", page.next, 100).expect("readable").events;
    assert!(rest.iter().all(|(id, _)| id.ms() >= floor) && rest == told[told.len() - rest.len()..]);
    assert_eq!(rest.first().map(|(id, _)| id.ms() / DAY_MS), Some(FIRST + 10));
    let checkpoints = store.checkpoints();
    store.prune(floor, u64::MAX).expect("possible");
    store.prune_feeds(floor, u64::MAX).expect("possible");
    assert_eq!((writer.step(), store.checkpoints()), (Turn::Idle, checkpoints), "nothing more is over");
    drop((store, writer));
    let (store, _writer) = open();
    assert!(knows(&store, "acme", ids[10]) && !knows(&store, "acme", ids[9]), "also after a restart");
}

#[test]
fn what_is_over_for_one_customer_goes_from_memory_too_and_what_others_have_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, mut writer) = Store::open(disk::open(folder.path(), Keeps::ALL).expect("files")).expect("opens");
    let ids = ["acme", "beta"].map(|customer| accept(&store, &mut writer, customer, FIRST));
    let mut over = Over::default();
    over.add("acme", Timestamp((FIRST + 1) * DAY_MS));
    for _twice in 0..2 {
        store.forget_history(&over).expect("possible");
        drain(&mut writer);
    }
    assert!(!knows(&store, "acme", ids[0]) && knows(&store, "beta", ids[1]));
}
