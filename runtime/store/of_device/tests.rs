use bytes::Bytes;

use super::super::commit::Finished;
use super::super::memory::MemoryDisk;
use super::super::verbs::Queued;
use super::*;
use crate::message::{Address, MessageId};
use crate::occasion::{TimerChange, TimerSet};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// A customer whose rows are among those of `acme`.
fn neighbour() -> String {
    let names = (0..).map(|n| format!("beta{n}"));
    names.into_iter().find(|name| Partition::of(name) == Partition::of("acme")).expect("one of many")
}

fn keep(store: &Store, (customer, rule, device): (&str, &str, &str), names: &[&str]) {
    let partition = Partition::of(customer);
    let subject = Subject::new(partition, rule, device);
    let id = MessageId::accepted(1);
    let set = |name: &&str| {
        let now = TimerSet { id, due: NOW };
        let number = Address::ShortCode("7001".into());
        ((*name).to_owned(), TimerChange::Set { before: None, now, payload: Bytes::new(), number })
    };
    let finished = Finished {
        state: names.iter().map(|name| ((*name).to_owned(), Some(format!("{rule} {name}").into_bytes()))).collect(),
        timers: names.iter().map(set).collect(),
        ..Finished::without_effects((partition, 1), (customer, rule), subject, NOW)
    };
    store.commit(finished, Some(|_: Vec<Queued>| {})).expect("stores");
}

/// All pages, as rule and name, and how many there were.
fn all(store: &Store, customer: &str, device: &str, (limit, rules_max): (usize, usize)) -> (Vec<String>, usize) {
    let (mut found, mut pages, mut after): (_, _, OfDeviceNext) = (Vec::new(), 0, None);
    loop {
        let behind = after.as_ref().map(|(rule, row)| (&**rule, row.as_deref()));
        let page = OfDevicePage { after: behind, rule: None, limit, rules_max };
        let (state, next) = store.state_of_device(customer, device, &page).expect("reads");
        let (timers, next_timer) = store.timers_of_device(customer, device, &page).expect("reads");
        let names: Vec<String> = state.iter().map(|shown| format!("{} {}", shown.rule, shown.name)).collect();
        assert!(state.iter().zip(&names).all(|(shown, name)| shown.value == name.as_bytes()));
        assert_eq!(timers.into_iter().map(|(rule, name, _)| format!("{rule} {name}")).collect::<Vec<_>>(), names);
        assert!(next == next_timer && names.len() <= limit);
        found.extend(names);
        pages += 1;
        after = next;
        if after.is_none() {
            return (found, pages);
        }
    }
}

type OfDeviceNext = super::Next;

#[test]
fn all_that_a_customers_rules_keep_of_a_device_is_found_page_by_page_and_nothing_else() {
    let (store, _writer) = Store::open(MemoryDisk::new().open()).expect("opens");
    let other = neighbour();
    keep(&store, ("acme", "acme/a", "+461"), &["", "x", "y"]);
    keep(&store, ("acme", "acme/a", "+4611"), &["not of this device"]);
    keep(&store, ("acme", "acme/long-name", "+461"), &["z"]);
    keep(&store, ("acme", "acme/none", "+462"), &["not of this device"]);
    keep(&store, (&other, &format!("{other}/a"), "+461"), &["of a neighbour"]);
    let expected = ["acme/a ", "acme/a x", "acme/a y", "acme/long-name z"];
    for (limit, rules_max) in [(100, 100), (1, 100), (2, 100), (3, 1), (100, 1), (4, 2)] {
        let (found, pages) = all(&store, "acme", "+461", (limit, rules_max));
        assert_eq!(found, expected, "{limit} {rules_max}");
        assert!(pages <= 6, "{pages} pages of {limit} by {rules_max}");
    }
    assert_eq!(all(&store, &other, "+461", (100, 100)).0, [format!("{other}/a of a neighbour")]);
    assert!(all(&store, "acme", "+463", (100, 100)).0.is_empty());
    let of_rule = OfDevicePage { after: None, rule: Some("acme/long-name"), limit: 10, rules_max: 10 };
    let (state, next) = store.state_of_device("acme", "+461", &of_rule).expect("reads");
    assert_eq!((state.len(), &*state[0].name, next), (1, "z", None));
}
