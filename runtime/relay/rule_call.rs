//! What a call of a rule has of the house: the state of its subject, and the firewall.
//!
//! What a rule sends is judged when it sends it, so that the rule hears why not. What a call sent that fails is
//! taken back: it uses nothing up.

use std::sync::Arc;

use parking_lot::Mutex;

use super::House;
use super::judging::{Counting, Trial};
use crate::firewall::{By, Reject};
use crate::message::{Address, Message, Timestamp};
use crate::plugin::{Gate, StateView};
use crate::route::{Directory, RuleIndex};
use crate::store::Store;
use crate::store::keys::Subject;

/// As the last committed call left it.
pub struct SubjectState {
    store: Arc<Store>,
    subject: Subject,
}

impl SubjectState {
    pub fn new(house: &House, subject: Subject) -> Arc<SubjectState> {
        Arc::new(SubjectState { store: house.store.clone(), subject })
    }
}

impl StateView for SubjectState {
    fn get(&self, name: &str) -> std::io::Result<Option<bytes::Bytes>> {
        self.store.state(&self.subject, name)
    }

    fn names(&self, prefix: &str, after: Option<&str>, limit: usize) -> std::io::Result<Vec<String>> {
        self.store.state_names(&self.subject, prefix, after, limit)
    }
}

/// Of one call.
pub struct RuleGate {
    house: Arc<House>,
    rule: RuleIndex,
    now: Timestamp,
    /// From and to of what passed and may have to be taken back.
    passed: Mutex<Vec<(Address, Address)>>,
}

impl RuleGate {
    pub fn new(house: &Arc<House>, rule: RuleIndex, now: Timestamp) -> Arc<RuleGate> {
        Arc::new(RuleGate { house: house.clone(), rule, now, passed: Mutex::default() })
    }

    fn trial<'d, 'm>(
        &self,
        directory: &'d Directory,
        source: &'m Address,
        destination: &'m Address,
    ) -> Trial<'d, 'm> {
        let customer = directory.customer(&directory.rules[self.rule.0].customer);
        Trial::of_customer(directory, customer, (By::Rule, None), source, destination)
    }
}

impl Gate for RuleGate {
    fn admit(&self, message: &Message, text: Option<&str>) -> Result<(), Reject> {
        let directory = &self.house.directory();
        let trial = self.trial(directory, &message.source, &message.destination).saying(text);
        let by = directory.rules[self.rule.0].name.as_str().into();
        self.house.judge(&trial, (message, &by), Counting::Message, self.now)?;
        self.passed.lock().push((message.source.clone(), message.destination.clone()));
        Ok(())
    }

    fn keep(&self) {
        self.passed.lock().clear();
    }
}

impl Drop for RuleGate {
    fn drop(&mut self) {
        let directory = &self.house.directory();
        for (source, destination) in std::mem::take(self.passed.get_mut()) {
            self.house.take_back(&self.trial(directory, &source, &destination), self.now);
        }
    }
}
