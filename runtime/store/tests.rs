use super::memory::{Fault, MemoryDisk};
use super::writer::Turn;
use super::*;
use crate::message::{Address, Class, Content, Message, Timestamp};
use keys::{Partition, Subject};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn message(text: &'static str) -> Message {
    let octets = bytes::Bytes::from_static(text.as_bytes());
    Message {
        source: Address::Msisdn("46701111111".into()),
        destination: Address::ShortCode("7001".into()),
        content: Content { octets, ..Content::default() },
        received_at: NOW,
    }
}

fn mo(text: &'static str) -> NewMessage {
    NewMessage {
        customer: "acme".into(),
        place: Place::Inbox { rule: "wm".into(), tracked: None },
        message: message(text),
        by: "sim".into(),
        sibling: 0,
        is_picked_up: false,
    }
}

fn mt(text: &'static str) -> NewMessage {
    let expires = NOW.plus_ms(86_400_000);
    let waiting = Waiting {
        queue: "sim".into(),
        class: Class::REPLY,
        due: NOW,
        expires,
        to_application: false,
        tracked: None,
        once: None,
    };
    NewMessage {
        customer: "acme".into(),
        place: Place::Outbox(waiting),
        message: message(text),
        by: "sim".into(),
        sibling: 0,
        is_picked_up: false,
    }
}

fn accept(store: &Store, list: Vec<NewMessage>) -> Vec<(crate::message::MessageId, Partition)> {
    store.accept(list, NOW, |_| {})
}

fn drain(writer: &mut Writer) {
    while writer.step() == Turn::Wrote {}
}

fn texts(store: &Store) -> Vec<String> {
    let waiting = store.waiting(Partition::of("acme"), 0, 10_000).expect("readable");
    waiting.iter().map(|(_, r)| String::from_utf8_lossy(&r.message.content.octets).into_owned()).collect()
}

fn due(store: &Store, now: Timestamp) -> Vec<Queued> {
    store
        .due((&"sim".into(), Class::REPLY), now, (Partition(0), 10_000, usize::MAX), &|_| false)
        .expect("readable")
        .rows
}

#[test]
fn nobody_hears_of_a_message_before_its_sync() {
    let disk = MemoryDisk::new();
    let (store, mut writer) = Store::open(disk.open()).expect("opens");
    let heard = Arc::new(Mutex::new(None));
    let (listener, syncs) = (heard.clone(), disk.syncs());
    let probe = disk.clone();
    store.accept(vec![mo("a")], NOW, move |result| *listener.lock() = Some((result.is_ok(), probe.syncs())));
    assert_eq!(*heard.lock(), None);
    drain(&mut writer);
    assert_eq!(*heard.lock(), Some((true, syncs + 1)));
}

#[test]
fn what_is_not_durable_yet_is_not_due() {
    let disk = MemoryDisk::new();
    let (store, mut writer) = Store::open(disk.open()).expect("opens");
    accept(&store, vec![mt("a")]);
    assert!(due(&store, NOW).is_empty());
    drain(&mut writer);
    assert_eq!(due(&store, NOW).len(), 1);
}

#[test]
fn what_is_being_told_to_those_who_wait_must_be_looked_for_again() {
    let disk = MemoryDisk::new();
    let (store, mut writer) = Store::open(disk.open()).expect("opens");
    let (asked, of) = (Arc::new(Mutex::new(None)), store.clone());
    let answer = asked.clone();
    store.accept(vec![mt("a")], NOW, move |_| {
        let found = of.due((&"sim".into(), Class::REPLY), NOW, (Partition(0), 10, usize::MAX), &|_| false);
        *answer.lock() = Some(found.map(|due| (due.rows.len(), due.is_complete)).expect("readable"));
    });
    drain(&mut writer);
    assert_eq!(*asked.lock(), Some((0, false)), "who missed what was handed out would never hear of it");
}

#[test]
fn the_backlog_of_one_customer_leaves_room_for_the_others() {
    let (store, mut writer) = Store::open(MemoryDisk::new().open()).expect("opens");
    let other = ["b", "c", "d", "e"].into_iter().find(|id| Partition::of(id) != Partition::of("acme"));
    let of = |customer: &str| NewMessage { customer: customer.into(), ..mt("text") };
    accept(&store, (0..1_000).map(|_| of("acme")).chain([of(other.expect("64 partitions"))]).collect());
    drain(&mut writer);
    let first = Partition::of("acme");
    let found = store.due((&"sim".into(), Class::REPLY), NOW, (first, 80, usize::MAX), &|_| false).expect("readable");
    let customers: Vec<&str> = found.rows.iter().map(|queued| &*queued.record.customer).collect();
    assert_eq!(customers.iter().filter(|customer| **customer == "acme").count(), 10);
    assert!(customers.contains(&other.expect("found")) && !found.is_complete);
    assert_eq!(found.next, first, "all partitions had their turn");
}

#[test]
fn a_row_that_was_deleted_and_made_again_does_not_come_back_from_the_base() {
    let disk = MemoryDisk::new();
    let (store, mut writer) = Store::open(disk.open()).expect("opens");
    accept(&store, vec![mt("old")]);
    drain(&mut writer);
    store.close();
    while writer.step() == Turn::Wrote {}
    writer.checkpoint_now().expect("the base has it");
    let old = due(&store, NOW).remove(0);
    let mut new = old.clone();
    new.record.message = message("new");
    // As replace_sm does it, and then the message ends.
    store.amend(vec![Change::Unqueue(old.key.clone()), Change::Queue(new)], None).expect("taken");
    store.amend(vec![Change::Unqueue(old.key)], None).expect("taken");
    drain(&mut writer);
    assert_eq!(due(&store, NOW), []);
}

#[test]
fn rows_survive_a_crash_and_finished_ones_stay_finished_across_checkpoints() {
    let disk = MemoryDisk::new();
    let mut expected = Vec::new();
    for round in 0..40 {
        let (store, mut writer) = Store::open(disk.open()).expect("opens");
        assert_eq!(texts(&store), expected, "round {round}");
        let partition = Partition::of("acme");
        let ids = accept(&store, (0..50).map(|_| mo("text")).collect());
        drain(&mut writer); // every few rounds this passes a checkpoint
        for (id, _) in &ids[..49] {
            let subject = Subject::new(partition, "acme/wm", "d");
            let finished = Finished {
                state: Vec::new(),
                queued: Vec::new(),
                ..Finished::without_effects((partition, id.event), ("acme", "wm"), subject, NOW)
            };
            store.commit(finished, Some(|_: Vec<Queued>| {})).expect("stores");
            drain(&mut writer);
        }
        expected.push("text".to_owned());
    }
}

#[test]
fn a_commit_is_there_whole_or_not_at_all() {
    for fault in [Fault::LostAtSync(1), Fault::KeptAtSync(1)] {
        let disk = MemoryDisk::new();
        let (store, mut writer) = Store::open(disk.open()).expect("opens");
        let (id, partition) = accept(&store, vec![mo("a")])[0];
        drain(&mut writer);
        let subject = Subject::new(partition, "acme/wm", "d");
        let queued = vec![Queued {
            key: keys::OutboxKey { partition, queue: "sim".into(), class: Class::REPLY, due: NOW, id: id.effect(1) },
            record: OutboxRecord::untracked("acme", message("reply"), NOW.plus_ms(1_000)),
        }];
        let state = vec![("n".to_owned(), Some(b"1".to_vec()))];
        let finished = Finished {
            state,
            queued,
            ..Finished::without_effects((partition, id.event), ("acme", "wm"), subject.clone(), NOW)
        };
        disk.inject(fault);
        store.commit(finished, Some(|_: Vec<Queued>| {})).expect("stores");
        assert_eq!(writer.step(), Turn::Failed);
        let (store, _writer) = Store::open(disk.open()).expect("opens");
        let seen = (texts(&store).len(), due(&store, NOW).len(), store.state(&subject, "n").expect("reads").is_some());
        let want = if fault == Fault::LostAtSync(1) { (1, 0, false) } else { (0, 1, true) };
        assert_eq!(seen, want, "{fault:?}");
    }
}

#[test]
fn a_failed_sync_and_a_full_disk_stop_everything_and_lose_nothing() {
    for fault in [Fault::LostAtSync(1), Fault::DiskFullAtSync(1)] {
        let disk = MemoryDisk::new();
        let (store, mut writer) = Store::open(disk.open()).expect("opens");
        accept(&store, vec![mo("kept")]);
        drain(&mut writer);
        disk.inject(fault);
        let heard = Arc::new(Mutex::new(Vec::new()));
        for _ in 0..2 {
            let listener = heard.clone();
            store.accept(vec![mo("refused")], NOW, move |result| listener.lock().push(result.is_err()));
            assert_eq!(writer.step(), Turn::Failed);
        }
        assert_eq!(*heard.lock(), [true, true], "both peers hear no");
        let failure = store.failure().expect("it says so").to_string();
        assert!(failure.contains("the disk refused a write or sync"), "{failure}");
        assert!(store.amend(Vec::new(), None).is_err(), "nothing else is accepted either");
        let (store, _writer) = Store::open(disk.open()).expect("opens");
        assert_eq!(texts(&store), ["kept"]);
    }
}

#[test]
fn event_numbers_go_on_rising_after_a_restart_even_when_the_clock_went_back() {
    let disk = MemoryDisk::new();
    let (store, mut writer) = Store::open(disk.open()).expect("opens");
    let (first, _) = accept(&store, vec![mo("a")])[0];
    drain(&mut writer);
    let (store, _writer) = Store::open(disk.open()).expect("opens");
    let back = Timestamp(NOW.0 - 3_600_000);
    let (second, _) = store.accept(vec![mo("b")], back, |_| {})[0];
    assert!(second > first);
}

#[test]
fn a_message_moves_to_its_new_due_time_in_one_batch() {
    let disk = MemoryDisk::new();
    let (store, mut writer) = Store::open(disk.open()).expect("opens");
    accept(&store, vec![mt("a")]);
    drain(&mut writer);
    let mut queued = due(&store, NOW).remove(0);
    let before = Change::Unqueue(queued.key.clone());
    queued.key.due = NOW.plus_ms(1_000);
    store.amend(vec![before, Change::Queue(queued.clone())], None).expect("stores");
    drain(&mut writer);
    assert_eq!(due(&store, NOW), []);
    assert_eq!(store.next_due(&"sim".into(), NOW).expect("reads"), Some(queued.key.due));
    assert_eq!(due(&store, queued.key.due), [queued]);
}

#[test]
fn whoever_waits_for_nothing_new_still_hears_when_the_changes_before_are_durable() {
    let disk = MemoryDisk::new();
    let (store, mut writer) = Store::open(disk.open()).expect("opens");
    let heard = Arc::new(Mutex::new(false));
    let listener = heard.clone();
    store.amend(Vec::new(), Some(Box::new(move |result| *listener.lock() = result.is_ok()))).expect("stores");
    assert!(!*heard.lock());
    drain(&mut writer);
    assert!(*heard.lock());
}

#[test]
fn the_disk_form_keeps_what_the_memory_form_keeps() {
    let dir = tempfile::tempdir().expect("tempdir");
    let (store, writer) = Store::open(disk::open(dir.path(), Keeps::ALL).expect("opens")).expect("opens");
    let thread = std::thread::spawn(move || writer.run());
    let (sender, receiver) = std::sync::mpsc::channel();
    store.accept(vec![mo("a"), mt("b")], NOW, move |result| {
        sender.send(result.is_ok()).expect("the test waits");
    });
    assert_eq!(receiver.recv(), Ok(true));
    assert!(
        disk::open(dir.path(), Keeps::ALL)
            .err()
            .expect("refused")
            .to_string()
            .contains("in use by another wasmsc process")
    );
    store.close();
    thread.join().expect("no panic").expect("closes");
    drop(store);
    let (store, _writer) = Store::open(disk::open(dir.path(), Keeps::ALL).expect("opens")).expect("opens");
    assert_eq!((texts(&store), due(&store, NOW).len()), (vec!["a".to_owned()], 1));
}
