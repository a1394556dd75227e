use super::*;
use crate::message::{Class, Timestamp};

fn key(queue: &str, class: u8, due: u64, event: u64) -> OutboxKey {
    OutboxKey {
        partition: Partition(3),
        queue: queue.into(),
        class: Class(class),
        due: Timestamp(due),
        id: MessageId::accepted(event),
    }
}

#[test]
fn outbox_rows_sort_by_class_due_time_and_id_and_read_back() {
    assert!(key("sim", 0, 1, 9).encode() < key("sim", 0, 2, 1).encode());
    assert!(key("sim", 0, 2, 1).encode() < key("sim", 0, 2, 2).encode());
    assert!(key("sim", 0, 9, 9).encode() < key("sim", 1, 0, 0).encode());
    assert_eq!(OutboxKey::decode(&key("sim", 2, 7, 8).encode(), &"sim".into()), Some(key("sim", 2, 7, 8)));
    let (from, to) = outbox_range(Partition(3), "sim", Class(1), Timestamp(2));
    let inside = |k: &OutboxKey| (&*from..&*to).contains(&&*k.encode());
    assert!(inside(&key("sim", 1, 0, 1)) && inside(&key("sim", 1, 2, u64::MAX)) && !inside(&key("sim", 1, 3, 0)));
    assert!(!inside(&key("sim", 0, 0, 1)) && !inside(&key("sim", 2, 0, 1)));
}

#[test]
fn a_queue_never_reads_the_rows_of_a_longer_name() {
    let (from, to) = outbox_all(Partition(3), "sim", Class(0));
    assert!(!(&*from..&*to).contains(&&*key("sim2", 0, 0, 1).encode()));
    assert_eq!(outbox_queue(&key("sim2", 0, 0, 1).encode()), Some("sim2"));
}

#[test]
fn state_of_one_subject_is_apart_from_every_other() {
    let subject = Subject::new(Partition(1), "acme/wm", "+4670");
    let other = Subject::new(Partition(1), "acme/wm", "+46701");
    let (from, to) = subject.range("", None);
    assert!((&*from..&*to).contains(&&*subject.state("x")));
    assert!(!(&*from..&*to).contains(&&*other.state("x")));
    assert_eq!(subject.name(&subject.state("m")), Some("m"));
    let (from, _) = subject.range("", Some("m"));
    assert!(*from > *subject.state("m") && *from < *subject.state("ma"));
}
