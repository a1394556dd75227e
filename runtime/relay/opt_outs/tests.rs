//! Keywords on a disk that fails.

use super::*;
use crate::relay::home::{Home, NOW};
use crate::store::memory::Fault;

const POLICY: &str = "policy = { opt_out = { keywords = \"on\" } }";
const ROUTE: &str = "routes = [\"+46\"]\n";

impl Home {
    fn is_out(&self) -> bool {
        let (number, device) = (Address::ShortCode("7001".into()), Address::Msisdn("46700000001".into()));
        let directory = self.house.directory();
        self.house.opt_outs.read().of(directory.customer("acme")).has_opted_out(&number, &device)
    }
}

#[test]
fn what_a_keyword_changes_and_its_answer_are_there_together_or_not_at_all() {
    for (fault, is_kept) in [(Fault::LostAtSync(1), false), (Fault::KeptAtSync(1), true)] {
        let mut home = Home::new(POLICY, ROUTE);
        home.disk.inject(fault);
        let verdict = home.submit("STOP", 0, NOW);
        assert!(verdict.try_recv().is_err(), "told before the sync");
        home.write();
        let home = home.crash();
        assert_eq!((home.is_out(), home.queued("+46")), (is_kept, usize::from(is_kept)), "{fault:?}");
    }
}

#[test]
fn a_keyword_that_was_acknowledged_holds_over_a_crash_and_is_answered_once() {
    let mut home = Home::new(POLICY, ROUTE);
    home.accepted("STOP", NOW);
    let mut home = home.crash();
    assert_eq!((home.is_out(), home.queued("+46")), (true, 1));
    home.accepted("stop", NOW);
    assert_eq!(home.queued("+46"), 1, "an automaton that says STOP to the answer gets another");
    home.accepted("START", NOW);
    let home = home.crash();
    assert_eq!((home.is_out(), home.queued("+46")), (false, 2));
}
