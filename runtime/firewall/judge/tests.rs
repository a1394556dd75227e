//! The tables of docs/FIREWALL.md, held against [`judge`] for every combination of policies.

mod doc;
mod single;
mod speed;
mod tables;

use crate::firewall::policy::{A2p, Messaging, P2p, Policy};
use crate::firewall::{By, CompiledPolicy, DeviceStatus, End, Kind, Owner, Packet, Submitter};
use crate::message::{Address, Timestamp};

pub(super) const NOON: Timestamp = Timestamp(20_000 * 86_400_000 + 43_200_000);

/// Two customers' policies and some addresses.
pub(super) struct Scene {
    pub sender: Option<(&'static str, CompiledPolicy)>,
    pub receiver: Option<(&'static str, CompiledPolicy)>,
    pub device: Address,
    pub other_device: Address,
    pub number: Address,
    pub tags: Vec<String>,
}

pub(super) fn address(text: &str) -> Address {
    Address::parse(text).expect("valid")
}

fn any_source(_: &Address) -> bool {
    true
}

pub(super) fn compiled(policy: &Policy) -> CompiledPolicy {
    policy.compile().expect("valid")
}

/// A policy of these three, and no limits.
pub(super) fn policy(messaging: Messaging, a2p: A2p, p2p: P2p) -> Policy {
    Policy { messaging, a2p, p2p, ..Policy::default() }
}

fn owner<'s>(of: &'s Option<(&'static str, CompiledPolicy)>) -> Option<Owner<'s>> {
    of.as_ref().map(|(customer, policy)| Owner { customer, policy })
}

impl Scene {
    /// Names decide whose an end is: the same name is the same customer.
    pub fn new(sender: Option<(&'static str, &Policy)>, receiver: Option<(&'static str, &Policy)>) -> Scene {
        let owner = |side: Option<(&'static str, &Policy)>| side.map(|(name, policy)| (name, compiled(policy)));
        Scene {
            sender: owner(sender),
            receiver: owner(receiver),
            device: address("+46701111111"),
            other_device: address("+46702222222"),
            number: address("7001"),
            tags: Vec::new(),
        }
    }

    pub fn packet(&self, kind: Kind) -> Packet<'_> {
        let (source, destination, by) = match kind {
            Kind::Mo => (&self.device, &self.number, By::Network),
            Kind::Mt => (&self.number, &self.device, By::Application),
            Kind::P2p => (&self.device, &self.other_device, By::Network),
        };
        let end = |address, side| End { address, owner: side, tags: &self.tags, status: DeviceStatus::Active };
        Packet {
            kind,
            submitter: Submitter { by, may_send_from: &any_source },
            source: end(source, owner(&self.sender)),
            destination: end(destination, owner(&self.receiver)),
            unclaimed: None,
            text: None,
        }
    }
}
