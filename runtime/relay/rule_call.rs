//! What a call of a rule has of the house: the state of its subject, and the firewall.
//!
//! What a rule sends is judged when it sends it, so that the rule hears why not. What a call sent that fails is
//! taken back: it uses nothing up.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::House;
use super::judging::{Counting, Trial};
use crate::device::Device;
use crate::firewall::{By, Reject};
use crate::message::{Address, Message, Timestamp};
use crate::occasion::TimerSet;
use crate::plugin::{Gate, StateView};
use crate::route::{Directory, RuleIndex};
use crate::schedule::SubjectKey;
use crate::store::Store;
use crate::store::keys::{Partition, Subject};

/// The state of a device under a rule, and what is registered of the device.
pub struct SubjectState {
    store: Arc<Store>,
    subject: Subject,
    customer: Box<str>,
    device: Box<str>,
    room: Option<u64>,
}

impl SubjectState {
    pub fn new(house: &House, key: &SubjectKey, partition: Partition) -> Arc<SubjectState> {
        let customer = house.directory().rules[key.rule.0].customer.as_str().into();
        let subject = subject(house, key.rule, &key.device, partition);
        let (device, room) = ((*key.device).into(), house.state_room(key.rule));
        Arc::new(SubjectState { store: house.store.clone(), subject, customer, device, room })
    }
}

pub fn subject(house: &House, rule: RuleIndex, device: &str, partition: Partition) -> Subject {
    Subject::new(partition, house.directory().rule_name(rule), device)
}

impl StateView for SubjectState {
    fn get(&self, name: &str) -> io::Result<Option<bytes::Bytes>> {
        self.store.state(&self.subject, name)
    }

    fn names(&self, prefix: &str, after: Option<&str>, limit: usize) -> io::Result<Vec<String>> {
        self.store.state_names(&self.subject, prefix, after, limit)
    }

    fn shared(&self, name: &str) -> io::Result<Option<bytes::Bytes>> {
        self.store.shared(&self.subject, name)
    }

    fn shared_names(&self, prefix: &str, after: Option<&str>, limit: usize) -> io::Result<Vec<String>> {
        self.store.shared_names(&self.subject, prefix, after, limit)
    }

    fn timer(&self, name: &str) -> io::Result<Option<TimerSet>> {
        self.store.timer(&self.subject, name)
    }

    fn timers(&self, limit: usize) -> io::Result<usize> {
        self.store.timer_count(&self.subject, limit)
    }

    fn room(&self) -> Option<u64> {
        self.room
    }

    fn device(&self) -> io::Result<Option<Device>> {
        let digits = self.device.strip_prefix('+').unwrap_or(&self.device);
        Ok(self.store.device(&self.customer, digits)?.map(|row| row.device))
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

    fn trial<'d, 'm>(&self, directory: &'d Directory, source: &'m Address, destination: &'m Address) -> Trial<'d, 'm> {
        trial(directory, self.rule, source, destination)
    }
}

fn trial<'d, 'm>(
    directory: &'d Directory,
    rule: RuleIndex,
    source: &'m Address,
    destination: &'m Address,
) -> Trial<'d, 'm> {
    let customer = directory.customer(&directory.rules[rule.0].customer);
    Trial::of_customer(directory, customer, (By::Rule, None), source, destination)
}

/// Of a call that is only tried: the same verdicts, nothing is counted, and nobody is told.
pub struct TriedGate {
    house: Arc<House>,
    rule: RuleIndex,
}

impl TriedGate {
    pub fn new(house: &Arc<House>, rule: RuleIndex) -> Arc<TriedGate> {
        Arc::new(TriedGate { house: house.clone(), rule })
    }
}

impl Gate for TriedGate {
    fn admit(&self, message: &Message, text: Option<&str>) -> Result<(), Reject> {
        let directory = &self.house.directory();
        let trial = trial(directory, self.rule, &message.source, &message.destination).saying(text);
        let asked = self.house.ask(&trial, Counting::Not, message.received_at);
        asked.map(|_| ()).map_err(Reject::Firewall)
    }

    fn keep(&self) {}
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

    fn has_room(&self, more: usize) -> bool {
        self.house.may_send(self.rule, more as u64, self.now)
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
