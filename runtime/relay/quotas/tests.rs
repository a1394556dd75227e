use super::*;
use crate::firewall::{Reason, Reject};
use crate::relay::home::{DAY_MS, Home, NOW};

#[test]
fn counts_that_were_written_down_hold_over_a_crash_until_the_day_is_over() {
    let mut home = Home::new("policy = { quotas = { device = 3 } }", "");
    home.accepted("one", NOW);
    home.accepted("two", NOW);
    assert!(keep_quotas(&home.house, NOW).expect("writes") > 0);
    assert_eq!(keep_quotas(&home.house, NOW).expect("writes"), 0, "nothing has changed since");
    home.write();
    let mut home = home.crash();
    home.accepted("three", NOW);
    let refused = home.submit("four", 0, NOW).try_recv().expect("told at once");
    let Err(Reject::Firewall(refusal)) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.reason, Reason::QuotaDevice);
    let next_day = NOW.plus_ms(DAY_MS);
    home.accepted("four", next_day);

    forget(&home.house, next_day).expect("writes");
    home.write();
    let mut left = Vec::new();
    home.house.store.each_quota(|row| left.push(row)).expect("readable");
    assert!(left.is_empty(), "{left:?}");
}
