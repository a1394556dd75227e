//! Whose device a number is, where no customer is named to ask: by the longest prefix that customers have.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Customer, CustomerIndex};
use crate::message::Address;

/// Exact numbers, and prefixes by their digits.
#[derive(Debug, Default)]
pub struct DeviceOwners {
    exact: HashMap<Address, CustomerIndex>,
    prefixes: HashMap<Box<str>, CustomerIndex>,
}

impl DeviceOwners {
    pub fn new(customers: &[Arc<Customer>]) -> DeviceOwners {
        let mut owners = DeviceOwners::default();
        for (index, customer) in customers.iter().enumerate() {
            for device in customer.devices.exact() {
                owners.exact.entry(device.clone()).or_insert(CustomerIndex(index));
            }
            for prefix in customer.devices.prefixes() {
                owners.prefixes.entry(prefix.into()).or_insert(CustomerIndex(index));
            }
        }
        owners
    }

    pub fn find(&self, device: &Address) -> Option<CustomerIndex> {
        let Address::Msisdn(digits) = device else { return None };
        let by_prefix = || (0..=digits.len()).rev().find_map(|length| self.prefixes.get(&digits[..length]));
        self.exact.get(device).or_else(by_prefix).copied()
    }
}
