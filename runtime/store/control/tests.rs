use super::*;
use crate::store::memory::{Fault, MemoryDisk};
use crate::store::writer::{Turn, Writer};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

struct Home {
    disk: MemoryDisk,
    store: std::sync::Arc<Store>,
    writer: Writer,
}

impl Home {
    fn on(disk: MemoryDisk) -> Home {
        let (store, writer) = Store::open(disk.open()).expect("opens");
        Home { disk, store, writer }
    }

    /// Without an end in order: what is not synced is gone.
    fn crash(self) -> Home {
        Home::on(self.disk)
    }

    fn change(&mut self, id: &str, json: Option<&str>, now: Timestamp) -> std::sync::mpsc::Receiver<bool> {
        let (sender, receiver) = std::sync::mpsc::channel();
        let edit = Edit { kind: "key", id, who: "operator", now };
        let json = json.map(str::to_owned);
        let decided: Result<(), ()> = self.store.change_control(
            edit,
            |_| Ok(json),
            move |result| {
                let _ = sender.send(result.is_ok());
            },
        );
        decided.expect("it agrees");
        receiver
    }

    fn until_idle(&mut self) {
        while self.writer.step() == Turn::Wrote {}
    }

    fn json(&self, id: &str) -> Option<String> {
        self.store.control("key", id).map(|control| control.json.into())
    }
}

#[test]
fn what_was_told_survives_a_crash_and_what_was_not_is_gone() {
    let mut home = Home::on(MemoryDisk::new());
    let done = home.change("a", Some("1"), NOW);
    assert!(done.try_recv().is_err(), "nobody hears of it before the sync");
    home.until_idle();
    assert_eq!(done.try_recv(), Ok(true));
    let lost = home.change("b", Some("2"), NOW);
    let home = home.crash();
    assert_eq!((home.json("a").as_deref(), home.json("b")), (Some("1"), None));
    assert!(lost.try_recv().is_err());
}

#[test]
fn a_failed_sync_is_told_and_nothing_is_taken_after_it() {
    let mut home = Home::on(MemoryDisk::new());
    home.disk.inject(Fault::LostAtSync(1));
    let done = home.change("a", Some("1"), NOW);
    assert_eq!(home.writer.step(), Turn::Failed);
    assert_eq!(done.try_recv(), Ok(false));
    assert_eq!(home.change("b", Some("2"), NOW).try_recv(), Ok(false));
    let home = home.crash();
    assert_eq!((home.json("a"), home.json("b")), (None, None));
}

#[test]
fn every_change_is_in_the_audit_with_what_was_before_and_numbers_go_on_after_a_restart() {
    let mut home = Home::on(MemoryDisk::new());
    home.change("a", Some("1"), NOW);
    home.change("a", Some("2"), NOW.plus_ms(1));
    home.until_idle();
    let mut home = home.crash();
    home.change("a", None, NOW.plus_ms(2));
    home.until_idle();
    let audit = home.store.audit(0, 10).expect("readable");
    let seen: Vec<_> =
        audit.iter().map(|(number, row)| (*number, row.before.as_deref(), row.after.as_deref(), row.at)).collect();
    assert_eq!(
        seen,
        [(1, None, Some("1"), NOW), (2, Some("1"), Some("2"), NOW.plus_ms(1)), (3, Some("2"), None, NOW.plus_ms(2))]
    );
    assert!(audit.iter().all(|(_, row)| (&*row.who, &*row.kind, &*row.id) == ("operator", "key", "a")));
    assert_eq!(home.store.audit(2, 10).expect("readable").len(), 1);
    assert_eq!(home.crash().json("a"), None, "deleted stays deleted");
}

#[test]
fn a_refused_change_leaves_no_trace() {
    let mut home = Home::on(MemoryDisk::new());
    home.change("a", Some("1"), NOW);
    let edit = Edit { kind: "key", id: "a", who: "operator", now: NOW };
    let refused = home.store.change_control(edit, |before| Err(before.map(|b| b.revision)), |_| {});
    assert_eq!(refused, Err(Some(1)));
    home.until_idle();
    assert_eq!(home.store.audit(0, 10).expect("readable").len(), 1);
    assert_eq!(home.json("a").as_deref(), Some("1"));
}

#[test]
fn the_last_use_costs_a_row_a_minute_and_goes_with_its_object() {
    let mut home = Home::on(MemoryDisk::new());
    home.store.use_control("key", "a", NOW);
    assert_eq!(home.store.control_used_at("key", "a"), None, "there is no such object");
    home.change("a", Some("1"), NOW);
    home.until_idle();
    home.store.use_control("key", "a", NOW);
    home.until_idle();
    let before = home.disk.syncs();
    home.store.use_control("key", "a", NOW.plus_ms(USED_PAUSE_MS - 1));
    home.until_idle();
    assert_eq!(home.disk.syncs(), before);
    assert_eq!(home.store.control_used_at("key", "a"), Some(NOW.plus_ms(USED_PAUSE_MS - 1)));
    let mut home = home.crash();
    assert_eq!(home.store.control_used_at("key", "a"), Some(NOW));
    home.change("a", None, NOW);
    home.until_idle();
    assert_eq!(home.crash().store.control_used_at("key", "a"), None);
}

#[test]
fn several_objects_change_together_or_not_at_all_and_secrets_stay_out_of_the_audit() {
    for fault in [Fault::LostAtSync(1), Fault::KeptAtSync(1)] {
        let kept = matches!(fault, Fault::KeptAtSync(_));
        let mut home = Home::on(MemoryDisk::new());
        home.disk.inject(fault);
        let change =
            |id: &str, json: &str| ControlChange { kind: "key".into(), id: id.into(), json: Some(json.into()) };
        let both = vec![change("a", r#"{"password":"one"}"#), change("b", r#"{"digest":"two","name":"n"}"#)];
        let decided: Result<(), ()> = home.store.change_controls("operator", NOW, |_| Ok(both), |_| {});
        decided.expect("it agrees");
        home.until_idle();
        let home = home.crash();
        let there = [home.json("a").is_some(), home.json("b").is_some()];
        assert_eq!(there, [kept, kept], "{kept}");
        let audit = home.store.audit(0, 10).expect("readable");
        assert_eq!(audit.len(), if kept { 2 } else { 0 });
        let told: String = audit.iter().filter_map(|(_, audit)| audit.after.as_deref()).collect();
        assert!(!told.contains("one") && !told.contains("two") && told.contains('n') == kept, "{told}");
    }
}

#[test]
fn no_secret_is_readable_on_the_disk_and_another_key_opens_none() {
    use crate::store::{Keeps, disk, seal};

    const HIDDEN: &str = "zebra-crossing-4711";
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let open = || Store::open(disk::open(folder.path(), Keeps::ALL).expect("files"));
    let (store, mut writer) = open().expect("opens");
    let json = format!("{{\"name\":\"crm\",\"secrets\":{{\"token\":\"{HIDDEN}\"}}}}");
    let edit = Edit { kind: "rule", id: "acme/crm", who: "operator", now: NOW };
    let decided: Result<(), ()> =
        store.change_control(edit, |_| Ok(Some(json.clone())), |result| assert!(result.is_ok()));
    decided.expect("it agrees");
    while writer.step() == Turn::Wrote {}
    store.close();
    writer.run().expect("closes"); // and moves all into the base
    drop(store);
    let mut pending = vec![folder.path().to_owned()];
    let mut octets = 0;
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(std::fs::read_dir(path).expect("readable").map(|entry| entry.expect("readable").path()));
            continue;
        }
        let file = std::fs::read(&path).expect("readable");
        octets += file.len();
        let is_there = file.windows(HIDDEN.len()).any(|window| window == HIDDEN.as_bytes());
        assert!(!is_there, "{} shows it", path.display());
    }
    assert!(octets > 1_000, "nothing was written");
    let (store, writer) = open().expect("opens");
    assert_eq!(store.control("rule", "acme/crm").map(|control| control.json.into_string()), Some(json));
    drop((store, writer));
    std::fs::write(folder.path().join(seal::FILE), [9; 32]).expect("written");
    let error = open().err().expect("sealed with another key").to_string();
    assert!(error.contains(seal::FILE), "{error}");
}
