//! The history against what the peers know, when all is quiet: each message that anybody heard of has one beginning
//! and one end, whatever crashed between.

use wasmsc::message::MessageId;
use wasmsc::store::{Bounds, Store};
use wasmsc::timeline::{Event, Filter};

use crate::ledger::Ledger;

pub fn check(store: &Store, ledger: &Ledger, context: &str) {
    for id in ledger.known() {
        let id = MessageId::parse(id.as_bytes()).expect("our own id");
        let timeline = store.timeline("acme", id).expect("readable");
        let first = timeline.first().map(|happened| &happened.event);
        assert!(matches!(first, Some(Event::Received(_))), "{context}: {id} has no beginning: {timeline:?}");
        let ends = timeline.iter().filter(|happened| matches!(happened.event, Event::Ended { .. })).count();
        assert_eq!(ends, 1, "{context}: {id} {timeline:?}");
    }
    let bounds = Bounds { limit: usize::MAX, scan_max: usize::MAX };
    let found = store.messages("acme", &Filter::default(), None, bounds).expect("readable");
    assert!(found.messages.len() >= ledger.known().count(), "{context}: some are not listed");
    for listed in &found.messages {
        assert!(listed.ended_at.is_some(), "{context}: {listed:?} has no end");
    }
}
