use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::*;
use crate::feed::LinkChange;
use crate::store::disk;
use crate::store::memory::{Fault, MemoryDisk};
use crate::store::writer::{Turn, Writer};
use crate::store::{Keeps, Opened};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn about(number: u64) -> About {
    About::Link { account: number.to_string().into(), mode: "receiver".into(), change: LinkChange::Bound }
}

fn tell(store: &Store, customer: &str, number: u64) {
    store.tell(customer, NOW.plus_ms(number), || about(number)).expect("the store works");
}

fn drain(writer: &mut Writer) {
    while writer.step() == Turn::Wrote {}
}

/// Everything behind an event, page by page, with what a reader would say it is.
fn all(store: &Store, customer: &str, mut after: EventId) -> Vec<u64> {
    let mut found = Vec::new();
    loop {
        let page = store.feed(customer, after, 7).expect("readable");
        assert_eq!(page.gap, None);
        for (id, told) in page.events {
            assert!(after < id, "in order");
            after = id;
            match told.about {
                About::Link { account, .. } => found.push(account.parse().expect("a number")),
                other => panic!("{other:?}"),
            }
        }
        if !page.has_more {
            return found;
        }
        after = page.next;
    }
}

#[test]
fn nobody_is_told_before_the_sync_and_nobody_of_another_customer() {
    let (store, mut writer) = Store::open(MemoryDisk::new().open()).expect("opens");
    let rung = Arc::new(AtomicUsize::new(0));
    let counter = rung.clone();
    store.on_told(Box::new(move |customer| {
        assert_eq!(customer, "acme");
        counter.fetch_add(1, Ordering::Relaxed);
    }));
    tell(&store, "acme", 1);
    tell(&store, "acme", 2);
    assert_eq!((all(&store, "acme", EventId(0)), rung.load(Ordering::Relaxed)), (vec![], 0));
    drain(&mut writer);
    assert_eq!(all(&store, "acme", EventId(0)), [1, 2]);
    assert_eq!(rung.load(Ordering::Relaxed), 1, "once for a group");
    for other in ["acm", "acme2", "beta", ""] {
        assert_eq!(all(&store, other, EventId(0)), [0; 0], "{other}");
    }
}

#[test]
fn a_reader_misses_nothing_and_gets_nothing_twice_over_checkpoints_and_crashes() {
    let disk = MemoryDisk::new();
    let (mut store, mut writer) = Store::open(disk.open()).expect("opens");
    let (mut told, mut read, mut after, mut checkpoints) = (0, Vec::new(), EventId(0), 0);
    for round in 0..60 {
        for _ in 0..20 {
            told += 1;
            tell(&store, "acme", told);
            tell(&store, "beta", told);
        }
        drain(&mut writer);
        let page = store.feed("acme", after, 13).expect("readable");
        for (id, event) in page.events {
            assert!(after < id);
            after = id;
            read.push(event);
        }
        if round % 20 == 19 {
            checkpoints += store.checkpoints();
            disk.inject(Fault::LostAtSync(1));
            tell(&store, "acme", 999_999); // and nobody ever hears of it
            writer.step();
            (store, writer) = Store::open(disk.open()).expect("opens again");
        }
    }
    assert!(checkpoints > 0);
    let mut numbers: Vec<u64> = read
        .iter()
        .map(|told| match &told.about {
            About::Link { account, .. } => account.parse().expect("a number"),
            other => panic!("{other:?}"),
        })
        .collect();
    numbers.extend(all(&store, "acme", after));
    assert_eq!(numbers, (1..=told).collect::<Vec<_>>());
    assert_eq!(all(&store, "beta", EventId(0)).len() as u64, told);
}

#[test]
fn the_order_of_ids_is_that_of_the_log_however_many_tell_at_once() {
    let (store, writer) = Store::open(MemoryDisk::new().open()).expect("opens");
    let writer = std::thread::spawn(move || writer.run());
    let tellers: Vec<_> = (0..4)
        .map(|teller| {
            let store = store.clone();
            std::thread::spawn(move || (0..500).for_each(|number| tell(&store, "acme", teller * 1_000 + number)))
        })
        .collect();
    // While they tell, somebody reads on from where it was.
    let (mut seen, mut after) = (Vec::new(), EventId(0));
    while seen.len() < 2_000 {
        let page = store.feed("acme", after, 50).expect("readable");
        after = page.next;
        seen.extend(page.events.into_iter().map(|(id, _)| id));
    }
    assert!(seen.is_sorted() && seen.windows(2).all(|pair| pair[0] != pair[1]));
    tellers.into_iter().for_each(|teller| teller.join().expect("it told"));
    assert_eq!(all(&store, "acme", EventId(0)).len(), 2_000, "none came in behind the reader");
    store.close();
    writer.join().expect("ends").expect("closes");
}

#[test]
fn a_page_without_events_still_goes_on_and_nothing_is_kept_where_nobody_asks() {
    let disk = MemoryDisk::new();
    let (store, mut writer) = Store::open(disk.open()).expect("opens");
    tell(&store, "beta", 1);
    drain(&mut writer);
    let page = store.feed("acme", EventId(0), 10).expect("readable");
    assert_eq!((page.next, page.has_more), (store.last_told(), false));
    drop((store, writer));
    let syncs = disk.syncs();
    let off = Opened { keeps: Keeps { events: false, ..Keeps::ALL }, ..disk.open() };
    let (store, mut writer) = Store::open(off).expect("opens");
    let after_start = disk.syncs();
    tell(&store, "beta", 2);
    drain(&mut writer);
    assert!(after_start > syncs && disk.syncs() == after_start, "an event was written");
}

#[test]
fn who_was_away_while_nothing_was_kept_hears_of_the_gap() {
    let disk = MemoryDisk::new();
    let (store, mut writer) = Store::open(disk.open()).expect("opens");
    tell(&store, "acme", 1);
    drain(&mut writer);
    let last = store.feed("acme", EventId(0), 10).expect("readable").next;
    drop((store, writer));
    drop(Store::open(Opened { keeps: Keeps::default(), ..disk.open() }).expect("opens"));
    let (store, mut writer) = Store::open(disk.open()).expect("opens");
    store.tell("acme", crate::clock::now(), || about(2)).expect("works");
    drain(&mut writer);
    let page = store.feed("acme", last, 10).expect("readable");
    assert_eq!((page.gap, page.next), (Some(store.told_floor()), store.told_floor()));
    assert_eq!(all(&store, "acme", page.next), [2]);
    // An id of a future that is gone: the data directory is an older one.
    let page = store.feed("acme", EventId(u64::MAX), 10).expect("readable");
    assert_eq!((page.gap, page.next), (Some(store.last_told()), store.last_told()));
}

#[test]
fn old_events_go_from_the_disk_and_a_reader_from_before_hears_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || Store::open(disk::open(folder.path(), Keeps::ALL).expect("files")).expect("opens");
    let (store, mut writer) = open();
    (1..=5).for_each(|number| tell(&store, "acme", number));
    drain(&mut writer);
    drop((store, writer));
    let (store, mut writer) = open(); // which writes the log's events to a run
    let first = store.feed("acme", EventId(0), 1).expect("readable").next;
    assert_eq!(all(&store, "acme", first), [2, 3, 4, 5]);
    store.prune_feeds(0, u64::MAX).expect("possible");
    assert_eq!(all(&store, "acme", first), [2, 3, 4, 5]);
    store.prune_feeds(u64::MAX, u64::MAX).expect("possible");
    store.tell("acme", crate::clock::now().plus_ms(10_000), || about(6)).expect("works");
    drain(&mut writer);
    let page = store.feed("acme", first, 10).expect("readable");
    assert!(page.gap.is_some() && page.events.is_empty(), "{page:?}");
    assert_eq!(all(&store, "acme", page.next), [6]);
    drop((store, writer));
    let (store, _writer) = open();
    assert_eq!(store.feed("acme", first, 10).expect("readable").gap, page.gap, "also after a restart");
}
