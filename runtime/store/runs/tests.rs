use super::*;

fn rows(numbers: impl IntoIterator<Item = u32>, text: &str) -> BTreeMap<Key, Bytes> {
    let row =
        |n: u32| (Key::from(format!("k{n:06}").as_bytes()), Bytes::from(format!("{text} {n} {}", "x".repeat(50))));
    numbers.into_iter().map(row).collect()
}

fn write(runs: &Runs, rows: &BTreeMap<Key, Bytes>) {
    let rows: Vec<_> = rows.iter().map(|(key, value)| (&**key, &**value)).collect();
    runs.write(&rows).expect("writable");
}

fn all(runs: &Runs, from: &str, to: &str, limit: usize) -> Vec<(Key, Bytes)> {
    runs.range(from.as_bytes(), to.as_bytes(), limit).expect("readable")
}

#[test]
fn ranges_over_several_runs_are_those_of_one_map() {
    let folder = tempfile::tempdir().expect("a folder");
    let runs = Runs::open(folder.path()).expect("opens");
    let mut expected = BTreeMap::new();
    // Each of them is larger than what is written again, and the keys of all interleave.
    for run in 0..3 {
        let part = rows((0..60_000).map(|n| 3 * n + run), "row");
        write(&runs, &part);
        expected.extend(part);
    }
    assert_eq!(runs.size().0, 3);
    for runs in [runs, Runs::open(folder.path()).expect("opens again")] {
        for (from, to, limit) in
            [("", "z", 1_000), ("k000007", "k000019", 100), ("k1", "k2", 40_000), ("k179990", "z", 50), ("l", "z", 9)]
        {
            let bounds = from.as_bytes()..to.as_bytes();
            let wanted = expected
                .range::<[u8], _>((std::ops::Bound::Included(bounds.start), std::ops::Bound::Excluded(bounds.end)));
            let wanted: Vec<_> = wanted.take(limit).map(|(key, value)| (key.clone(), value.clone())).collect();
            assert_eq!(all(&runs, from, to, limit), wanted, "{from}..{to}");
        }
    }
}

#[test]
fn small_runs_become_one_and_a_repeated_checkpoint_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let runs = Runs::open(folder.path()).expect("opens");
    for n in 0..20 {
        write(&runs, &rows([n, n + 1], "row"));
    }
    assert_eq!((runs.size().0, all(&runs, "", "z", 100).len()), (1, 21));
    assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 1);
}

#[test]
fn what_a_crash_left_half_written_goes_and_damage_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let runs = Runs::open(folder.path()).expect("opens");
    write(&runs, &rows(0..1_000, "row"));
    let name = folder.path().join("000000000001.run");
    let whole = std::fs::read(&name).expect("readable");
    std::fs::write(folder.path().join("000000000002.new"), &whole[..100]).expect("writable");
    assert_eq!(Runs::open(folder.path()).expect("opens").size().0, 1);
    assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 1);
    for at in [0, 20, 5_000, whole.len() - 30, whole.len() - 20, whole.len() - 1] {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        std::fs::write(&name, damaged).expect("writable");
        let read = Runs::open(folder.path()).and_then(|runs| runs.range(b"", b"z", 2_000));
        assert!(read.is_err(), "octet {at}");
    }
    for length in [0, 10, whole.len() - 1] {
        std::fs::write(&name, &whole[..length]).expect("writable");
        assert!(Runs::open(folder.path()).is_err(), "{length} octets");
    }
}

#[test]
fn the_oldest_go_by_age_and_by_size_and_who_reads_them_reads_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let runs = Runs::open(folder.path()).expect("opens");
    for run in 0..3 {
        write(&runs, &rows((0..60_000).map(|n| 3 * n + run), "row"));
    }
    let (_, octets) = runs.size();
    let oldest = runs.all().remove(0);
    assert_eq!(runs.prune(0, octets, &|_| Ok(())).expect("possible"), 0);
    assert_eq!(runs.prune(0, octets - 1, &|_| Ok(())).expect("possible"), 1);
    assert_eq!(oldest.cursor(b"").expect("readable").count(), 60_000);
    assert_eq!(&*all(&runs, "", "z", 1)[0].0, b"k000001");
    assert_eq!(runs.prune(u64::MAX, octets, &|_| Ok(())).expect("possible"), 2);
    assert_eq!((runs.size(), all(&runs, "", "z", 10)), ((0, 0), Vec::new()));
    assert_eq!(std::fs::read_dir(folder.path()).expect("readable").count(), 0);
}

#[test]
fn what_is_over_for_a_customer_goes_and_the_rest_stays_as_it_was() {
    use crate::message::{MessageId, Timestamp};
    use crate::store::keys::{self, Partition};
    let folder = tempfile::tempdir().expect("a folder");
    let runs = Runs::open(folder.path()).expect("opens");
    let mut expected = BTreeMap::new();
    for run in 0..2 {
        let mut rows = BTreeMap::new();
        for n in (0..30_000).map(|n: u64| 2 * n + run) {
            let customer = ["acme", "beta"][(n / 2 % 2) as usize];
            let (partition, id) = (Partition::of(customer), MessageId::accepted(n << 20));
            let value = Bytes::from("x".repeat(100));
            rows.insert(keys::history(partition, customer, id, n), value.clone());
            rows.insert(keys::history_of_device(partition, customer, "4670", Some(id)), Bytes::new());
        }
        write(&runs, &rows);
        expected.extend(rows);
    }
    let written: Vec<u64> = runs.all().iter().map(|run| run.written_ms).collect();
    let mut over = Over::default();
    over.add("acme", Timestamp(20_001));
    assert_eq!((runs.forget(&over).expect("possible"), runs.forget(&over).expect("possible")), (2, 0));
    let is_over = |key: &Key| {
        keys::name(key) == Some("acme") && keys::message_of_history(key).is_some_and(|id| id.event >> 20 <= 20_000)
    };
    let before = expected.len();
    expected.retain(|key, _| !is_over(key));
    assert!(expected.len() < before && expected.len() > before / 2);
    for runs in [runs, Runs::open(folder.path()).expect("opens again")] {
        let rows = runs.range(b"", b"\xff", 1_000_000).expect("readable");
        assert_eq!(rows.len(), expected.len());
        assert!(rows.iter().all(|(key, value)| expected.get(key) == Some(value)));
        assert_eq!(
            runs.all().iter().map(|run| run.written_ms).collect::<Vec<_>>(),
            written,
            "they are as old as before"
        );
    }
}

const DAY_MS: u64 = 86_400_000;

/// Two rows of a message that came in on this day.
fn of_day(day: u64) -> BTreeMap<Key, Bytes> {
    use crate::message::MessageId;
    use crate::store::keys::{self, Partition};
    let (partition, number) = (Partition::of("acme"), (day * DAY_MS) << 20);
    let id = MessageId::accepted(number);
    let event = (keys::history(partition, "acme", id, number), Bytes::from("it came in"));
    BTreeMap::from([event, (keys::history_of_device(partition, "acme", "4670", Some(id)), Bytes::new())])
}

#[test]
fn small_runs_that_are_merged_on_and_on_keep_nothing_that_is_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let runs = Runs::open(folder.path()).expect("opens");
    let told = Mutex::new(Vec::new());
    let first = |up_to_ms: u64| {
        told.lock().push(up_to_ms);
        io::Result::Ok(())
    };
    for day in 1..=20 {
        write(&runs, &of_day(day));
        runs.prune(day.saturating_sub(7) * DAY_MS, u64::MAX, &first).expect("possible");
        let expected: BTreeMap<Key, Bytes> = (day.saturating_sub(7).max(1)..=day).flat_map(of_day).collect();
        let rows: BTreeMap<Key, Bytes> = runs.range(b"", b"\xff", 100).expect("readable").into_iter().collect();
        assert_eq!(rows, expected, "day {day}");
    }
    let days: Vec<u64> = (2..=13).map(|day| day * DAY_MS - 1).collect();
    assert_eq!(*told.lock(), days, "who reads hears of it before it goes");
    // Within the hour nothing is written again, and what is over for all leaves no file.
    assert_eq!(runs.prune(13 * DAY_MS + 3_599_999, u64::MAX, &first).expect("possible"), 0);
    assert_eq!(runs.prune(21 * DAY_MS, u64::MAX, &first).expect("possible"), 1);
    assert_eq!((runs.size().0, std::fs::read_dir(folder.path()).expect("readable").count()), (0, 0));
}

#[test]
fn a_run_of_the_first_format_is_read_and_is_as_old_as_its_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let runs = Runs::open(folder.path()).expect("opens");
    write(&runs, &of_day(3));
    let name = folder.path().join("000000000001.run");
    let octets = std::fs::read(&name).expect("readable");
    let (rest, end) = octets.split_at(octets.len() - 36);
    let index_at = u64::from_be_bytes(end[..8].try_into().expect("eight")) as usize;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&rest[index_at..]);
    hasher.update(&end[..16]);
    let old = [rest, &end[..16], &hasher.finalize().to_be_bytes(), b"wscrun01"].concat();
    std::fs::write(&name, old).expect("writable");
    let runs = Runs::open(folder.path()).expect("opens");
    assert_eq!(runs.range(b"", b"\xff", 10).expect("readable").len(), 2);
    let run = runs.all().remove(0);
    assert_eq!(run.oldest_ms, run.written_ms);
    write(&runs, &of_day(4));
    assert_eq!(runs.all()[0].oldest_ms, 3 * DAY_MS, "it is known when it is written again");
}
