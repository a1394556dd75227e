//! A tenant: its numbers, names and devices, and what holds for its messages.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{AddressSet, Registry};
use crate::config::{self, Incomplete};
use crate::firewall::CompiledPolicy;
use crate::message::Address;

const DAY_MS: u64 = 86_400_000;

/// Where a customer picks up its MOs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inbox {
    /// MOs that may wait there.
    pub max: usize,
    pub keep_ms: u64,
}

/// A tenant.
#[derive(Debug)]
pub struct Customer {
    pub id: Arc<str>,
    pub queue_max: usize,
    /// Its share of the CPU time of rules.
    pub cpu_weight: u32,
    /// Of its rules together.
    pub cpu_ms_per_minute: Option<u32>,
    /// Of its rules together.
    pub rule_state_octets: Option<u64>,
    /// Of its rules together.
    pub rule_messages_per_day: Option<u64>,
    pub validity_ms: u64,
    pub validity_max_ms: u64,
    pub join_timeout_ms: u64,
    pub incomplete: Incomplete,
    /// Who may message whom.
    pub policy: Arc<CompiledPolicy>,
    pub inbox: Option<Inbox>,
    /// What happened to its messages is kept for this long, instead of [`Directory::retention_ms`].
    pub retention_ms: Option<u64>,
    pub(super) is_gone: bool,
    pub(super) numbers: BTreeSet<Address>,
    /// With other customers.
    shared: BTreeSet<Address>,
    senders: BTreeSet<Address>,
    pub(super) devices: AddressSet,
    registry: Arc<Registry>,
}

impl Customer {
    pub(super) fn new<'c>(
        from: &config::Customer,
        shared: impl Iterator<Item = &'c str>,
        registry: Arc<Registry>,
    ) -> Customer {
        Customer {
            id: from.id.as_str().into(),
            queue_max: from.queue_max,
            cpu_weight: from.cpu_weight,
            cpu_ms_per_minute: from.cpu_ms_per_minute,
            rule_messages_per_day: from.rule_messages_per_day,
            rule_state_octets: from.rule_state_octets,
            validity_ms: from.validity_secs * 1_000,
            validity_max_ms: from.validity_max_secs * 1_000,
            join_timeout_ms: from.join_timeout_secs * 1_000,
            incomplete: from.incomplete,
            policy: Arc::new(from.policy.compile().expect("the config was checked, its policies among it")),
            retention_ms: from.retention_days.map(|days| u64::from(days) * DAY_MS),
            inbox: from.inbox.then(|| Inbox { max: from.inbox_max, keep_ms: u64::from(from.inbox_days) * DAY_MS }),
            is_gone: false,
            numbers: from.numbers.iter().filter_map(|n| Address::parse(n).ok()).collect(),
            shared: shared.filter_map(|n| Address::parse(n).ok()).collect(),
            senders: from.senders.iter().filter_map(|n| Address::parse(n).ok()).collect(),
            devices: AddressSet::new(&from.devices),
            registry,
        }
    }

    /// It has nothing any more, and nobody is it.
    pub(super) fn gone(&self) -> Customer {
        Customer {
            id: self.id.clone(),
            is_gone: true,
            inbox: None,
            numbers: BTreeSet::new(),
            shared: BTreeSet::new(),
            senders: BTreeSet::new(),
            devices: AddressSet::default(),
            registry: self.registry.clone(),
            policy: self.policy.clone(),
            ..*self
        }
    }

    /// What is registered is whose registered it, what is not is whose range it is in.
    pub fn owns_device(&self, address: &Address) -> bool {
        !self.is_gone && self.registry.is_of(address, &self.id).unwrap_or_else(|| self.has_in_range(address))
    }

    /// Whether it is this customer's where nobody registered it.
    pub fn has_in_range(&self, address: &Address) -> bool {
        matches!(address, Address::Msisdn(_)) && self.devices.contains(address)
    }

    /// True for its numbers, those that it shares, and for the names that it may send from.
    pub fn may_send_from(&self, address: &Address) -> bool {
        self.has_number(address) || self.senders.contains(address)
    }

    /// Its own, or one that it shares.
    pub fn has_number(&self, address: &Address) -> bool {
        self.numbers.contains(address) || self.shared.contains(address)
    }

    /// Its own, and those that it shares.
    pub fn numbers(&self) -> impl Iterator<Item = &Address> {
        self.numbers.iter().chain(&self.shared)
    }

    /// The sender of an MT that names none.
    pub fn first_number(&self) -> Option<&Address> {
        self.numbers().next()
    }
}
