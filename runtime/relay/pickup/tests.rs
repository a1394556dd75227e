use std::sync::mpsc;

use super::*;
use crate::relay::home::{DAY_MS, Home, NOW};
use crate::relay::keep_house;
use crate::store::memory::Fault;

impl Home {
    fn waiting(&self, customer: &str) -> Vec<String> {
        let found = self.house.store.pickups(customer, None, 100).expect("readable");
        found.iter().map(|(_, record)| String::from_utf8_lossy(&record.message.content.octets).into_owned()).collect()
    }

    /// Of somebody who acknowledges; how many there were.
    fn pick_up(&mut self, customer: &str, picked: &Picked) -> usize {
        let (told, count) = mpsc::channel();
        pick_up(&self.house, customer, picked, NOW, move |result| drop(told.send(result))).expect("readable");
        assert!(count.try_recv().is_err(), "told before the sync");
        self.write();
        count.try_recv().expect("told").expect("durable")
    }

    fn ended(&self, id: MessageId) -> Option<u8> {
        let timeline = self.house.store.timeline("acme", id).expect("readable");
        timeline.iter().find_map(|happened| match happened.event {
            Event::Ended { state, .. } => Some(state),
            _ => None,
        })
    }
}

const APP: &str = "[[account]]\nsystem_id = \"app\"\npassword = \"\"\nrole = \"application\"\ncustomer = \"acme\"\n";

#[test]
fn an_mo_is_in_the_inbox_in_the_batch_that_accepts_it() {
    for (fault, kept) in [(Fault::LostAtSync(1), 0), (Fault::KeptAtSync(1), 1)] {
        let mut home = Home::new("", APP);
        home.disk.inject(fault);
        let verdict = home.submit("hi", 0, NOW);
        assert_eq!(home.waiting("acme"), Vec::<String>::new(), "nobody sees it before the sync");
        home.write();
        assert!(matches!(verdict.try_recv(), Ok(Err(Reject::StoreFailed(_)))));
        let home = home.crash();
        assert_eq!((home.waiting("acme").len(), home.queued("app")), (kept, kept), "{fault:?}");
    }
    let mut home = Home::new("", APP);
    home.accepted("hi", NOW);
    let home = home.crash();
    assert_eq!((home.waiting("acme"), home.queued("app")), (vec!["hi".to_owned()], 1));
}

#[test]
fn what_is_acknowledged_is_gone_and_the_rest_stays_over_crashes() {
    let mut home = Home::new("", "");
    let ids: Vec<MessageId> = (0..6).map(|n| home.accepted(&format!("m{n}"), NOW)).collect();
    assert_eq!(home.pick_up("acme", &Picked::These(vec![ids[4], ids[1], ids[1]])), 2);
    let mut home = home.crash();
    assert_eq!(home.waiting("acme"), ["m0", "m2", "m3", "m5"]);
    assert_eq!(home.pick_up("acme", &Picked::These(vec![ids[4]])), 0, "again does no harm");
    assert_eq!(home.pick_up("beta", &Picked::UpTo(ids[5])), 0, "another customer has nothing");
    assert_eq!(home.pick_up("beta", &Picked::These(ids.clone())), 0);
    assert_eq!(home.pick_up("acme", &Picked::UpTo(ids[2])), 2);
    let delivered = MessageState::Delivered.octet();
    assert_eq!((home.ended(ids[2]), home.ended(ids[3])), (Some(delivered), None));
    let mut home = home.crash();
    assert_eq!(home.waiting("acme"), ["m3", "m5"]);
    let next = home.accepted("next", NOW);
    assert!(next > ids[5], "numbers go on rising");
}

#[test]
fn a_full_inbox_refuses_until_there_is_room_also_after_a_crash() {
    let mut home = Home::new("inbox_max = 2", "");
    let verdicts: Vec<_> = (0..3).map(|_| home.submit("m", 0, NOW)).collect();
    home.write();
    let accepted: Vec<bool> = verdicts.iter().map(|verdict| verdict.try_recv().expect("told").is_ok()).collect();
    assert_eq!(accepted, [true, true, false]);
    let mut home = home.crash();
    assert!(matches!(home.submit("m", 0, NOW).try_recv(), Ok(Err(Reject::QueueFull(_)))));
    let last = home.house.store.pickups("acme", None, 1).expect("readable")[0].0;
    assert_eq!(home.pick_up("acme", &Picked::UpTo(last)), 1);
    home.accepted("m", NOW);
    assert!(matches!(home.submit("m", 0, NOW).try_recv(), Ok(Err(Reject::QueueFull(_)))));
}

#[test]
fn an_mo_that_the_store_refuses_takes_no_room() {
    let mut home = Home::new("inbox_max = 1", "");
    home.house.store.set_full(true);
    assert!(matches!(home.submit("m", 0, NOW).try_recv(), Ok(Err(Reject::StoreBusy))));
    home.house.store.set_full(false);
    home.accepted("m", NOW);
}

#[test]
fn what_nobody_picks_up_ends_after_its_days_with_the_receipt_that_its_network_wished() {
    let mut home = Home::new("inbox_days = 2", "");
    let old = home.submit("old", 1, NOW);
    home.write();
    let old = old.try_recv().expect("told").expect("accepted");
    home.accepted("young", NOW.plus_ms(DAY_MS));
    for (days, left) in [(1, &["old", "young"][..]), (2, &["young"]), (3, &[])] {
        keep_house(&home.house, NOW.plus_ms(days * DAY_MS)).expect("works");
        home.write();
        assert_eq!(home.waiting("acme"), left, "after {days} days");
    }
    assert_eq!((home.ended(old), home.queued("sim")), (Some(MessageState::Expired.octet()), 1));
}

#[test]
fn a_network_that_wished_a_receipt_has_it_when_the_mo_is_picked_up() {
    let mut home = Home::new("", "");
    let verdict = home.submit("hi", 1, NOW);
    home.write();
    let id = verdict.try_recv().expect("told").expect("accepted");
    assert_eq!(home.queued("sim"), 0);
    assert_eq!(home.pick_up("acme", &Picked::UpTo(id)), 1);
    assert_eq!(home.queued("sim"), 1);
}
