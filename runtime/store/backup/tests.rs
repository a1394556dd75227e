use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::*;
use crate::message::{Address, Content, Message};
use crate::store::keys::{Partition, Subject};
use crate::store::{Finished, NewMessage, Place};

const NOW: Timestamp = Timestamp(1_700_000_000_000);
/// Some hundreds of these fill a segment of the log.
const LONG: usize = 60_000;
/// The number of the first event, from which the others are counted.
const FIRST: u64 = NOW.0 << 20;
/// So many MOs wait at any time.
const WAIT: u64 = 25;
/// No test needs more; one that hangs does not fill the disk.
const MOST: u64 = 20_000;

fn open(directory: &Path) -> (Arc<Store>, std::thread::JoinHandle<Result<(), StoreFailed>>) {
    let (store, writer) = Store::open(disk::open(directory, Keeps::ALL).expect("files")).expect("opens");
    (store, std::thread::spawn(move || writer.run()))
}

/// MOs come and are finished in order, each time with the event number as state, until `stop`.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    /// Durable.
    accepted: Arc<AtomicU64>,
    finished: Arc<AtomicU64>,
}

impl Load {
    fn run(&self, store: &Store) {
        let (mut waiting, mut finishes) = (std::collections::VecDeque::new(), 0);
        while !self.stop.load(Ordering::Relaxed) && finishes < MOST {
            let (accepted, finished) = (self.accepted.clone(), self.finished.clone());
            let done = move |result: Result<Vec<_>, _>| {
                accepted.fetch_add(u64::from(result.is_ok()), Ordering::SeqCst);
                finished.fetch_max(finishes, Ordering::SeqCst); // those are before it in the log
            };
            match store.accept(vec![long_mo()], NOW, done).first() {
                Some((id, partition)) => waiting.push_back((id.event, *partition)),
                None => std::thread::yield_now(), // the disk does not keep up
            }
            if waiting.len() as u64 > WAIT
                && let Some((event, partition)) = waiting.pop_front()
            {
                finish(store, event, partition);
                finishes += 1;
            }
        }
    }
}

fn long_mo() -> NewMessage {
    let message = Message {
        source: Address::Msisdn("46701111111".into()),
        destination: Address::ShortCode("7001".into()),
        content: Content { octets: Bytes::from(vec![b'x'; LONG]), ..Content::default() },
        received_at: NOW,
    };
    let place = Place::Inbox { rule: "wm".into(), tracked: None };
    NewMessage { customer: "acme".into(), place, message, by: "sim".into(), sibling: 0, is_picked_up: false }
}

fn subject() -> Subject {
    Subject::new(Partition::of("acme"), "acme/wm", "d")
}

fn finish(store: &Store, event: u64, partition: Partition) {
    let finished = Finished {
        state: vec![("last".into(), Some(event.to_be_bytes().to_vec()))],
        queued: Vec::new(),
        ..Finished::without_effects((partition, event), ("acme", "wm"), subject(), NOW)
    };
    store.commit(finished, Some(|_: Vec<crate::store::Queued>| {})).expect("stores");
}

/// The last MO that was finished, and those that wait.
fn found(store: &Store) -> (u64, Vec<u64>) {
    let last = store.state(&subject(), "last").expect("readable").expect("set");
    let waiting = store.waiting(Partition::of("acme"), 0, 100_000).expect("readable");
    (u64::from_be_bytes(last[..].try_into().expect("8 octets")), waiting.iter().map(|(event, _)| *event).collect())
}

#[test]
fn a_backup_of_a_busy_store_holds_what_was_durable_and_nothing_by_halves() {
    let home = tempfile::tempdir().expect("tempdir");
    let (store, writer) = open(&home.path().join("data"));
    let load = Load::default();
    let mut backups = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| load.run(&store));
        for number in 0..2 {
            // So that each lies differently over the checkpoints, and old segments have gone.
            while store.checkpoints() < number || load.finished.load(Ordering::SeqCst) < 1 {
                std::thread::yield_now();
            }
            let accepted = load.accepted.load(Ordering::SeqCst);
            let made = store.backup(home.path(), &home.path().join("backups"), &number.to_string(), NOW).expect("made");
            backups.push((made, accepted));
        }
        load.stop.store(true, Ordering::Relaxed);
    });
    store.close();
    writer.join().expect("no panic").expect("closes");
    for (number, (made, accepted)) in backups.into_iter().enumerate() {
        let data = home.path().join(format!("restored-{number}"));
        assert_eq!(restore(&made.directory, &data).expect("restored"), NOW);
        let (restored, writer) = open(&data);
        let (last, waiting) = found(&restored);
        assert_eq!(waiting.first(), Some(&(last + 1)), "backup {number}: an end and its MO are one batch");
        assert!(waiting.windows(2).all(|pair| pair[1] == pair[0] + 1), "backup {number}: a hole in {waiting:?}");
        let newest = waiting.last().expect("some wait");
        assert!(*newest >= FIRST + accepted - 1, "backup {number}: {accepted} were acknowledged before it");
        assert!(restored.last_event() >= *newest, "backup {number}: an event's number would come again");
        restored.close();
        writer.join().expect("no panic").expect("closes");
    }
}

#[test]
fn one_backup_at_a_time_and_the_log_is_freed_again_after_it() {
    let home = tempfile::tempdir().expect("tempdir");
    let (store, _writer) = Store::open(disk::open(home.path(), Keeps::ALL).expect("files")).expect("opens");
    let hold = Hold::take(&store).expect("free");
    assert!(matches!(store.backup(home.path(), &home.path().join("b"), "x", NOW), Err(BackupError::Running)));
    drop(hold);
    store.backup(home.path(), &home.path().join("b"), "x", NOW).expect("made");
    assert!(!*store.is_backed_up.lock());
}

#[test]
fn what_is_damaged_or_not_whole_is_refused_and_leaves_the_data_directory_as_it_was() {
    let home = tempfile::tempdir().expect("tempdir");
    let (store, _writer) =
        Store::open(disk::open(&home.path().join("data"), Keeps::ALL).expect("files")).expect("opens");
    let made = store.backup(home.path(), &home.path().join("backups"), "b", NOW).expect("made");
    let target = home.path().join("new");
    let rows = made.directory.join(ROWS_FILE);
    let whole = fs::read(&rows).expect("readable");
    let mut flipped = whole.clone();
    flipped[0] ^= 1;
    fs::write(&rows, flipped).expect("written");
    let refused = |why: &str| {
        let error = restore(&made.directory, &target).expect_err("refused").to_string();
        assert!(error.contains(why), "{error}");
        assert!(!target.exists());
    };
    refused("it is not what was written");
    fs::remove_file(&rows).expect("removed");
    refused("files are missing");
    fs::write(&rows, whole).expect("written");
    let manifest = made.directory.join(MANIFEST);
    let text = fs::read(&manifest).expect("readable");
    fs::remove_file(&manifest).expect("removed");
    refused("did it come to its end?");
    fs::write(&manifest, text).expect("written");
    fs::create_dir(&target).expect("made");
    restore(&made.directory, &target).expect("into an empty directory");
    assert!(matches!(restore(&made.directory, &target), Err(BackupError::NotEmpty(_))));
}
