use wasmsc_smpp::receipt::MessageState;

use super::memory::MemoryDisk;
use super::writer::Turn;
use super::*;
use crate::message::{Address, Class, Content, Message, MessageId, Timestamp};
use crate::timeline::{Direction, Event, Filter, Happened, Listed};
use keys::Partition;

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const ALL: Bounds = Bounds { limit: 1_000, scan_max: 100_000 };

fn device(number: u64) -> Address {
    Address::Msisdn(format!("4670000{number:04}").into())
}

fn mo(number: u64, at: Timestamp) -> NewMessage {
    let message = Message {
        source: device(number % 3),
        destination: Address::ShortCode("7001".into()),
        content: Content { octets: format!("text {number}").into_bytes().into(), ..Content::default() },
        received_at: at,
    };
    let place = Place::Inbox { rule: "wm".into(), tracked: None };
    NewMessage { customer: "acme".into(), place, message, by: "sim".into(), sibling: 0, is_picked_up: false }
}

fn accept(store: &Store, number: u64) -> MessageId {
    let at = NOW.plus_ms(number);
    store.accept(vec![mo(number, at)], at, |_| {})[0].0
}

fn drain(writer: &mut Writer) {
    while writer.step() == Turn::Wrote {}
}

fn finish(store: &Store, id: MessageId, at: Timestamp) {
    let partition = Partition::of("acme");
    let message = Message {
        source: Address::ShortCode("7001".into()),
        destination: device(0),
        content: Content::default(),
        received_at: at,
    };
    let key = keys::OutboxKey { partition, queue: "+46".into(), class: Class::REPLY, due: at, id: id.effect(1) };
    let record = OutboxRecord::untracked("acme", message, at);
    // With a receipt for the MO, which is no message.
    let finished = Finished {
        state: Vec::new(),
        queued: vec![
            Queued {
                key: keys::OutboxKey { class: Class::INBOUND, id: id.receipt(0), ..key.clone() },
                record: record.clone(),
            },
            Queued { key, record },
        ],
        ..Finished::without_effects(
            (partition, id.event),
            ("acme", "acme/wm"),
            keys::Subject::new(partition, "acme/wm", "+46"),
            at,
        )
    };
    store.commit(finished, Some(|_: Vec<Queued>| {})).expect("stores");
}

fn texts(found: &Found) -> Vec<String> {
    found.messages.iter().map(|listed| listed.text().expect("a text")).collect()
}

fn find(store: &Store, filter: &Filter) -> Found {
    store.messages("acme", filter, None, ALL).expect("readable")
}

#[test]
fn nobody_sees_an_event_before_its_sync() {
    let (store, mut writer) = Store::open(MemoryDisk::new().open()).expect("opens");
    let id = accept(&store, 1);
    assert_eq!(store.timeline("acme", id).expect("readable"), []);
    assert_eq!(find(&store, &Filter::default()), Found::default());
    drain(&mut writer);
    assert_eq!(store.timeline("acme", id).expect("readable").len(), 1);
    assert_eq!(store.timeline("other", id).expect("readable"), [], "another customer has no such message");
    assert_eq!(store.messages("other", &Filter::default(), None, ALL).expect("readable"), Found::default());
}

#[test]
fn a_rule_ends_its_mo_and_begins_its_answer_and_both_are_found_after_restarts() {
    let disk = MemoryDisk::new();
    let (store, mut writer) = Store::open(disk.open()).expect("opens");
    let id = accept(&store, 1);
    drain(&mut writer);
    // The MO's beginning is in the base by now, its end in the log.
    let (store, mut writer) = {
        drop((store, writer));
        Store::open(disk.open()).expect("opens")
    };
    finish(&store, id, NOW.plus_ms(9));
    drain(&mut writer);
    for store in [store, Store::open(disk.open()).expect("opens").0] {
        let events: Vec<Event> =
            store.timeline("acme", id).expect("readable").into_iter().map(|Happened { event, .. }| event).collect();
        assert!(matches!(&events[0], Event::Received(received) if &*received.by == "sim"), "{events:?}");
        assert_eq!(events[1], Event::Ran { rule: "acme/wm".into(), sent: 1 });
        assert_eq!(events[2], Event::Ended { state: MessageState::Delivered.octet(), error: 0 });
        assert_eq!(events.len(), 3);
        let answer = store.timeline("acme", id.effect(1)).expect("readable");
        let answer = Listed::of(id.effect(1), &answer).expect("there");
        assert_eq!((answer.received.direction, answer.received.cause), (Direction::Mt, Some(id)));
        assert_eq!(answer.state, MessageState::Enroute);
        assert_eq!(store.timeline("acme", id.receipt(0)).expect("readable"), [], "a receipt has no history");
    }
}

#[test]
fn pages_go_from_the_newest_to_the_oldest_without_gap_or_repeat_though_new_ones_come() {
    let disk = MemoryDisk::new();
    let mut expected: Vec<String> = (0..100).rev().map(|n| format!("text {n}")).collect();
    let (mut store, mut writer) = Store::open(disk.open()).expect("opens");
    for number in 0..100 {
        accept(&store, number);
        drain(&mut writer);
        if number % 30 == 29 {
            (store, writer) = Store::open(disk.open()).expect("opens");
        }
    }
    let by_device: Vec<String> = (0..100).rev().filter(|n| n % 3 == 1).map(|n| format!("text {n}")).collect();
    let of_device = Filter { device: Some(device(1)), ..Filter::default() };
    for (filter, expected) in [(Filter::default(), &mut expected), (of_device, &mut by_device.clone())] {
        let (mut seen, mut after) = (Vec::new(), None);
        for page in 0.. {
            let found = store.messages("acme", &filter, after, Bounds { limit: 7, scan_max: 50 }).expect("readable");
            seen.extend(texts(&found));
            accept(&store, 1_000 + page);
            drain(&mut writer);
            after = found.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen.last(), expected.last());
        let known: Vec<String> = seen.into_iter().filter(|text| text.len() < 8).collect();
        assert_eq!(known, *expected);
    }
}

#[test]
fn one_question_reads_only_so_much_and_says_where_to_go_on() {
    let (store, mut writer) = Store::open(MemoryDisk::new().open()).expect("opens");
    for number in 0..50 {
        accept(&store, number);
    }
    drain(&mut writer);
    let filter = Filter { text: Some("text 7".into()), ..Filter::default() };
    let bounds = Bounds { limit: 1, scan_max: 20 };
    let (mut after, mut pages) = (None, 0);
    let found = loop {
        let found = store.messages("acme", &filter, after, bounds).expect("readable");
        pages += 1;
        if !found.messages.is_empty() {
            break found;
        }
        after = Some(found.next.expect("there is more to read"));
    };
    assert_eq!((texts(&found), pages), (vec!["text 7".to_owned()], 3));
}

#[test]
fn a_question_for_a_time_finds_what_came_in_it_with_the_late_answers_and_reads_no_more() {
    const DAY_MS: u64 = 86_400_000;
    let (store, mut writer) = Store::open(MemoryDisk::new().open()).expect("opens");
    for number in [0, 2 * DAY_MS, 3 * DAY_MS, 3 * DAY_MS + 1, 4 * DAY_MS] {
        accept(&store, number);
    }
    drain(&mut writer);
    let (since, until) = (Some(NOW.plus_ms(3 * DAY_MS)), Some(NOW.plus_ms(4 * DAY_MS)));
    let filter = Filter { since, until, ..Filter::default() };
    // The one of the second day could be an MO whose answer came on the third; the first one is not read.
    let bounds = Bounds { limit: 10, scan_max: 4 };
    let found = store.messages("acme", &filter, None, bounds).expect("readable");
    assert_eq!(texts(&found), [3 * DAY_MS + 1, 3 * DAY_MS].map(|n| format!("text {n}")));
    assert_eq!(found.next, None);
    let late = accept(&store, 5 * DAY_MS);
    finish(&store, late, NOW.plus_ms(6 * DAY_MS - 1));
    drain(&mut writer);
    let filter = Filter { since: Some(NOW.plus_ms(5 * DAY_MS + 1)), ..Filter::default() };
    assert_eq!(find(&store, &filter).messages.iter().map(|one| one.id).collect::<Vec<_>>(), [late.effect(1)]);
}

#[test]
fn where_no_history_is_kept_nothing_is_written() {
    let disk = MemoryDisk::new();
    let (store, mut writer) = Store::open(Opened { keeps: Keeps::default(), ..disk.open() }).expect("opens");
    let id = accept(&store, 1);
    finish(&store, id, NOW);
    drain(&mut writer);
    assert_eq!(store.timeline("acme", id).expect("readable"), []);
}
