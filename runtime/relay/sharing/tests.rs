use std::sync::mpsc;

use wasmsc_smpp::EsmClass;

use super::*;
use crate::message::{Content, MessageId};
use crate::relay::home::{Home, NOW};
use crate::store::keys::Partition;
use crate::store::memory::Fault;

type Told = mpsc::Receiver<Result<MessageId, Reject>>;

/// A customer whose rows lie beside those of `acme`.
fn neighbour() -> String {
    let names = (0..).map(|n| format!("n{n}"));
    names.into_iter().find(|id| Partition::of(id) == Partition::of("acme")).expect("one in 64")
}

/// `acme` has METER and its neighbour VALVE of 7009; both read opt-out keywords.
fn home() -> Home {
    let of = |word: &str| {
        format!(
            "keywords = [{{ number = \"7009\", words = [{word:?}] }}]\n\
             policy = {{ a2p = \"open\", opt_out = {{ keywords = \"on\" }} }}\n"
        )
    };
    let neighbour = format!("[[customer]]\nid = {:?}\ninbox = true\n{}", neighbour(), of("VALVE"));
    Home::new(&of("METER"), &format!("{neighbour}\n[[shared_number]]\nnumber = \"7009\"\n"))
}

impl Home {
    fn say(&self, text: &str, part: Option<u8>) -> Told {
        let header = part.map_or(Vec::new(), |number| vec![5, 0, 3, 7, 2, number]);
        let esm_class = if part.is_some() { EsmClass::UDHI.0 } else { 0 };
        let octets = [&header, text.as_bytes()].concat().into();
        let message = Message {
            source: Address::Msisdn("46700000001".into()),
            destination: Address::ShortCode("7009".into()),
            content: Content { octets, esm_class, ..Content::default() },
            received_at: NOW,
        };
        self.bring(message, 0, NOW)
    }

    fn said(&mut self, text: &str, part: Option<u8>) {
        let verdict = self.say(text, part);
        self.write();
        verdict.try_recv().expect("told").expect("accepted");
    }

    fn inbox(&self, customer: &str) -> Vec<String> {
        let found = self.house.store.pickups(customer, None, 100).expect("readable");
        found.iter().map(|(_, record)| String::from_utf8_lossy(&record.message.content.octets).into_owned()).collect()
    }

    fn gets_none(&self, customer: &str) -> bool {
        let (number, device) = (Address::ShortCode("7009".into()), Address::Msisdn("46700000001".into()));
        let directory = self.house.directory();
        self.house.opt_outs.read().of(directory.customer(customer)).has_opted_out(&number, &device)
    }
}

#[test]
fn long_messages_of_two_sharers_in_one_partition_never_meet() {
    let (mut home, neighbour) = (home(), neighbour());
    home.said("meter a", Some(1));
    let mut home = home.crash();
    home.said("valve b", Some(1)); // the same reference: another message
    home.said(" of the later", Some(2));
    home.said(" of the earlier", Some(2));
    let whole = (home.inbox("acme"), home.inbox(&neighbour));
    let mut said: Vec<String> = whole.0.iter().chain(&whole.1).cloned().collect();
    said.sort();
    assert_eq!((whole.0.len(), whole.1.len()), (1, 1), "{said:?}");
    assert!(whole.0[0].starts_with("meter a of the") && whole.1[0].starts_with("valve b of the"), "{said:?}");
}

#[test]
fn stop_of_several_sharers_is_acknowledged_when_it_is_durable_for_all() {
    let neighbour = neighbour();
    for (fault, kept) in [(Fault::LostAtSync(1), false), (Fault::KeptAtSync(1), true)] {
        let mut home = home();
        home.disk.inject(fault);
        let verdict = home.say("STOP", None);
        assert!(verdict.try_recv().is_err(), "told before the sync");
        home.write();
        assert!(matches!(verdict.try_recv(), Ok(Err(Reject::StoreFailed(_)))));
        assert!(verdict.try_recv().is_err(), "told twice");
        let mut home = home.crash();
        assert_eq!((home.gets_none("acme"), home.gets_none(&neighbour)), (kept, kept), "{fault:?}");
        home.said("STOP", None); // the peer brings it again
        let mut home = home.crash();
        assert!(home.gets_none("acme") && home.gets_none(&neighbour), "{fault:?}");
        home.said("START valve", None);
        assert!(home.gets_none("acme") && !home.gets_none(&neighbour));
    }
}
