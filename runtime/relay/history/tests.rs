use crate::message::{Address, MessageId};
use crate::relay::home::{DAY_MS, Home, NOW};
use crate::relay::keep_house;
use crate::store::Bounds;
use crate::timeline::{Filter, Listed};

impl Home {
    fn is_known(&self, id: MessageId) -> bool {
        let device = Address::parse("+46700000001").expect("an address");
        let filter = Filter { device: Some(device), ..Filter::default() };
        let bounds = Bounds { limit: 100, scan_max: 1_000 };
        let found = self.house.store.messages("acme", &filter, None, bounds).expect("readable");
        let is_listed = found.messages.iter().any(|listed| listed.id == id);
        let timeline = self.house.store.timeline("acme", id).expect("readable");
        // An event that no checkpoint has moved yet may be left of it.
        assert_eq!(is_listed, Listed::of(id, &timeline).is_some(), "by its device as by its id");
        is_listed
    }
}

/// Days after which a message is gone that came with the house's history of 4 days.
fn days_until_gone(acme: &str, more: &str) -> Option<u64> {
    let mut home = Home::new(acme, &format!("{more}\n[history]\ndays = 4\n"));
    let old = home.accepted("old", NOW);
    let young = home.accepted("young", NOW.plus_ms(20 * DAY_MS));
    let mut home = home.crash(); // what is in the log comes into the base
    for day in 1..20 {
        keep_house(&home.house, NOW.plus_ms(day * DAY_MS)).expect("works");
        home.write();
        assert!(home.is_known(young));
        if !home.is_known(old) {
            return Some(day);
        }
    }
    None
}

#[test]
fn a_customers_history_is_over_after_its_own_days() {
    // A part of a day stays to its end.
    assert_eq!(days_until_gone("retention_days = 2", ""), Some(3));
    // With nobody who keeps it longer it goes with the whole, which `Store::prune` does.
    assert_eq!(days_until_gone("", ""), None);
    let other_keeps_longer = "[[customer]]\nid = \"delta\"\nretention_days = 30\n";
    assert_eq!(days_until_gone("", other_keeps_longer), Some(5));
    assert_eq!(days_until_gone("retention_days = 9", other_keeps_longer), Some(10));
    assert_eq!(days_until_gone("retention_days = 30", ""), None);
}
