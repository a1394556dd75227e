//! Promise 2, once everything has settled: what else a call of the rule did happened with the rest of it, and what
//! followed from that, each once.

use std::collections::BTreeMap;

use wasmsc::store::keys::{Partition, Subject};

use crate::rule;
use crate::web::Web;
use crate::world::{Alive, DEVICES, address};

pub fn check(alive: &Alive, web: &Web, context: &str) {
    let mos = counts(alive, rule::MOS);
    for name in [rule::TIMERS, rule::REPLIES] {
        assert_eq!(counts(alive, name), mos, "{context}: {name}");
    }
    let total = mos.values().sum::<u64>();
    let shared = alive.store.shared(&subject(0), rule::TOTAL).expect("readable");
    assert_eq!(shared.map_or(0, |octets| rule::integer(&octets)), total, "{context}: shared state");
    assert_eq!(web.asked.len() as u64, total, "{context}: HTTP calls");
}

/// A count in the state of each device that has it.
pub fn counts(alive: &Alive, name: &str) -> BTreeMap<u64, u64> {
    let count = |device| alive.store.state(&subject(device), name).expect("readable");
    (0..DEVICES).filter_map(|device| Some((device, rule::integer(&count(device)?)))).collect()
}

fn subject(device: u64) -> Subject {
    Subject::new(Partition::of("acme"), "acme/count", &address(device))
}
