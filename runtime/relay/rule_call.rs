//! What a rule's call sees of the store.

use std::io;
use std::sync::Arc;

use crate::device::Device;
use crate::plugin::StateView;
use crate::route::RuleIndex;
use crate::schedule::SubjectKey;
use crate::store::Store;
use crate::store::keys::{Partition, Subject};

use super::House;

/// The state of a device under a rule, and what is registered of the device.
pub struct SubjectState {
    store: Arc<Store>,
    subject: Subject,
    customer: Box<str>,
    device: Box<str>,
}

impl SubjectState {
    pub fn new(house: &House, key: &SubjectKey, partition: Partition) -> Arc<SubjectState> {
        let customer = house.directory().rules[key.rule.0].customer.as_str().into();
        let subject = subject(house, key.rule, &key.device, partition);
        Arc::new(SubjectState { store: house.store.clone(), subject, customer, device: (*key.device).into() })
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

    fn device(&self) -> io::Result<Option<Device>> {
        let digits = self.device.strip_prefix('+').unwrap_or(&self.device);
        Ok(self.store.device(&self.customer, digits)?.map(|row| row.device))
    }
}
