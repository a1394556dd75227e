use super::*;
use crate::message::Content;
use crate::store::Change;
use crate::store::memory::MemoryDisk;

fn letter(customer: &str, rule: &str, device: &str, died_at: u64) -> DeadRecord {
    let message = Message {
        source: Address::parse(device).expect("valid"),
        destination: Address::ShortCode("7001".into()),
        content: Content::default(),
        received_at: Timestamp(1),
    };
    let (customer, rule) = (customer.into(), rule.into());
    let event = InboxRecord::new((customer, rule), Occasion::Mo, message, false, Timestamp(1));
    DeadRecord { what: DeadWhat::Event(event), died_at: Timestamp(died_at), failure: DeadFailure::default() }
}

#[test]
fn letters_are_listed_newest_first_behind_any_of_them_and_are_their_customers_only() {
    let (store, _writer) = Store::open(MemoryDisk::new().open()).expect("opens");
    for customer in ["acme", "acm", "acmeb"] {
        let rows = (1..=4).map(|event| {
            let dead = Box::new(letter(customer, "meter", "+46700000001", event));
            Change::Dead(Partition::of(customer), MessageId::accepted(event), dead)
        });
        store.amend(rows.collect(), None).expect("works");
    }
    let listed = |customer: &str, behind: Option<u64>| {
        let mut found = Vec::new();
        let each = |id: MessageId, dead: DeadRecord| {
            assert_eq!(dead.customer(), customer);
            found.push(id.event);
            true
        };
        store.dead_letters(customer, behind.map(MessageId::accepted), each).expect("readable");
        found
    };
    assert_eq!((listed("acme", None), listed("acme", Some(3))), (vec![4, 3, 2, 1], vec![2, 1]));
    store.forget_dead("acme", &[MessageId::accepted(3)]).expect("works");
    assert_eq!((listed("acme", Some(3)), listed("acm", None).len()), (vec![2, 1], 4));
    assert_eq!(store.count_dead("acme").expect("readable"), 3);
    let mut customers = store.dead_customers().expect("readable");
    customers.sort();
    assert_eq!(customers, ["acm".into(), "acme".into(), "acmeb".into()]);
}

#[test]
fn each_field_of_a_filter_can_refuse() {
    let dead = letter("acme", "meter", "+46700000001", 500);
    let device = |text| Address::parse(text).ok();
    let all = DeadFilter {
        kind: Some(DeadKind::Event),
        rule: Some("meter".into()),
        device: device("+46700000001"),
        since: Some(Timestamp(500)),
        until: Some(Timestamp(501)),
    };
    assert!(all.accepts(&dead) && DeadFilter::default().accepts(&dead));
    for other in [
        DeadFilter { kind: Some(DeadKind::Message), ..all.clone() },
        DeadFilter { rule: Some("alarm".into()), ..all.clone() },
        DeadFilter { device: device("+46700000002"), ..all.clone() },
        DeadFilter { since: Some(Timestamp(501)), ..all.clone() },
        DeadFilter { until: Some(Timestamp(500)), ..all.clone() },
    ] {
        assert!(!other.accepts(&dead), "{other:?}");
    }
}
