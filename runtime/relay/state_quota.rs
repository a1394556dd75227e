//! How much state the rules have that may have so much only, in all: counted as calls are stored.
//!
//! Only where a quota asks for it: a call looks at what it replaces then. State that devices share counts with the next
//! hourly look at all of it, since two calls may add to it at once; so do rules that come back.

use std::io;
use std::sync::atomic::{AtomicI64, Ordering};

use super::House;
use crate::route::{Directory, RuleIndex};
use crate::slots::Slots;
use crate::store::Store;

/// By [`RuleIndex`], in octets of names and values.
#[derive(Default)]
pub struct StateOctets(Slots<AtomicI64>);

impl StateOctets {
    /// Looks at all state of the rules that have a quota.
    pub fn look(&self, directory: &Directory, store: &Store) -> io::Result<()> {
        for (index, rule) in directory.rules.iter().enumerate() {
            if quotas(directory, RuleIndex(index)) != (None, None) {
                let octets = store.state_octets(&rule.customer, directory.rule_name(RuleIndex(index)))?;
                self.0.at(index).store(i64::try_from(octets).unwrap_or(i64::MAX), Ordering::Relaxed);
            }
        }
        Ok(())
    }

    fn of(&self, rule: usize) -> u64 {
        self.0.at(rule).load(Ordering::Relaxed).try_into().unwrap_or_default()
    }
}

/// Of the rule, and of all rules of its customer.
fn quotas(directory: &Directory, rule: RuleIndex) -> (Option<u64>, Option<u64>) {
    let rule = &directory.rules[rule.0];
    let customer = directory.customer(&rule.customer).and_then(|customer| customer.rule_state_octets);
    (rule.state_octets_max, customer)
}

impl House {
    /// Octets of state that a rule may have in addition; None: nobody says.
    pub(super) fn state_room(&self, rule: RuleIndex) -> Option<u64> {
        let directory = self.directory();
        let (of_rule, of_customer) = quotas(&directory, rule);
        let customer = &directory.rules[rule.0].customer;
        let rule = of_rule.map(|max| max.saturating_sub(self.state_octets.of(rule.0)));
        let customer = of_customer.map(|max| {
            let own = directory.rules.iter().enumerate().filter(|(_, rule)| rule.customer == *customer);
            max.saturating_sub(own.map(|(index, _)| self.state_octets.of(index)).sum())
        });
        rule.into_iter().chain(customer).min()
    }

    /// Effects of a rule's call are stored.
    pub(super) fn state_grew(&self, rule: RuleIndex, octets: i64) {
        if octets != 0 {
            self.state_octets.0.at(rule.0).fetch_add(octets, Ordering::Relaxed);
        }
    }

    /// To be called now and then.
    pub(super) fn look_at_state(&self) -> io::Result<()> {
        self.state_octets.look(&self.directory(), &self.store)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::{Effects, Outcome, StateView};
    use crate::relay::home::{Home, NOW};
    use crate::relay::{claim, conclude};
    use crate::schedule::Next;

    /// A call that writes a value of 90 octets under a name of 10; what the rule may write then.
    fn write(home: &mut Home, device: &str) -> Option<u64> {
        let message = crate::message::Message {
            source: crate::message::Address::Msisdn(device.into()),
            destination: crate::message::Address::ShortCode("7001".into()),
            content: crate::message::Content::default(),
            received_at: NOW,
        };
        home.bring(message, 0, NOW);
        let Next::Run(key, event) = home.house.next(NOW) else { panic!("it may run") };
        assert!(claim(&home.house, &key, event, NOW).is_some());
        let state = vec![("n".repeat(10), Some(vec![0; 90]))];
        let effects = Effects { state, state_growth: 100, ..Effects::default() };
        let ended = conclude(&home.house, &key, event, Outcome::Done(effects), NOW);
        home.house.finished(key, ended, std::time::Duration::ZERO, NOW);
        home.write();
        home.house.state_room(RuleIndex(0))
    }

    #[test]
    fn what_is_stored_counts_over_a_restart_too() {
        for (acme, rule) in [("rule_state_octets = 250", ""), ("", "state_octets_max = 250")] {
            let table =
                "[[rule]]\ncustomer = \"acme\"\nname = \"meter\"\ncomponent = \"x.wasm\"\nnumbers = [\"7001\"]\n";
            let mut home = Home::new(acme, &format!("{table}{rule}\n"));
            assert_eq!(home.house.state_room(RuleIndex(0)), Some(250), "{acme} {rule}");
            assert_eq!(write(&mut home, "46700000001"), Some(150), "{acme} {rule}");
            let mut home = home.crash();
            assert_eq!(home.house.state_room(RuleIndex(0)), Some(150), "{acme} {rule}");
            assert_eq!(write(&mut home, "46700000002"), Some(50), "{acme} {rule}");
            home.house.look_at_state().expect("readable");
            assert_eq!(home.house.state_room(RuleIndex(0)), Some(50), "{acme} {rule}");
        }
    }

    #[test]
    fn nobody_counts_without_a_quota() {
        let table = "[[rule]]\ncustomer = \"acme\"\nname = \"meter\"\ncomponent = \"x.wasm\"\nnumbers = [\"7001\"]\n";
        let mut home = Home::new("", table);
        assert_eq!(write(&mut home, "46700000001"), None);
        let key = crate::schedule::SubjectKey { rule: RuleIndex(0), device: "+46700000001".into() };
        let view =
            crate::relay::rule_call::SubjectState::new(&home.house, &key, crate::store::keys::Partition::of("acme"));
        assert_eq!(view.room(), None);
    }
}
