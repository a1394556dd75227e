//! Asks the firewall about one message: whose its ends are, who hands it in, what it says.
//!
//! Called for every message, by whoever takes it in; a message that passes is counted then and there.

use std::borrow::Cow;
use std::sync::Arc;

use wasmsc_smpp::text::Payload;
use wasmsc_smpp::udh::Concat;

use super::{House, Origin};
use crate::firewall::opt_out::{Action, Keyword};
use crate::firewall::{
    self, By, CompiledPolicy, Context, DeviceStatus, End, Explanation, Kind, Owner, Packet, Refusal, Reject, Submitter,
    Unclaimed, Verdict, Viewer,
};
use crate::message::{Address, Content, Message, Timestamp};
use crate::route::{Customer, Directory, Peer, Registered};

/// A message before the firewall.
pub struct Trial<'d, 'm> {
    pub kind: Kind,
    by: By,
    /// Whose ranges the source has to be in.
    peer: Option<&'d Peer>,
    source: Party<'d, 'm>,
    destination: Party<'d, 'm>,
    unclaimed: Option<Unclaimed>,
    text: Option<Cow<'m, str>>,
    /// A policy that is proposed for this customer, in place of the one that it has.
    proposed: Option<(&'d str, &'d CompiledPolicy)>,
}

/// An end of a message: whose it is, and what is registered of it where it is a device.
struct Party<'d, 'm> {
    address: &'m Address,
    customer: Option<&'d Customer>,
    registered: Option<Registered>,
}

/// An opt-out keyword that was found, with the answer to it.
pub struct Asked {
    pub action: Action,
    pub reply: Box<str>,
}

/// Whether a message that passes uses limits up.
#[derive(Clone, Copy)]
pub enum Counting {
    Not,
    /// It did when it was accepted.
    Before,
    Message,
    /// Of a long message, once.
    Part(Concat),
}

impl Counting {
    /// Of a message that would find its place.
    pub fn of(message: &Message) -> Counting {
        message.content.part().filter(|part| part.total > 1).map_or(Counting::Message, Counting::Part)
    }
}

impl<'d, 'm> Trial<'d, 'm> {
    /// From a device, by who carries it; without a peer, it was held to the peer's ranges before.
    pub fn of_network(
        directory: &'d Directory,
        peer: Option<&'d Peer>,
        source: &'m Address,
        destination: &'m Address,
    ) -> Trial<'d, 'm> {
        let (sender, receiver) = (directory.owner_of_number(source), directory.owner_of_number(destination));
        let are_numbers = (directory.is_number(source), directory.is_number(destination));
        let (kind, source, destination) = match are_numbers {
            (true, true) => (Kind::Mt, number(sender, source), number(receiver, destination)),
            (true, false) => (Kind::Mt, number(sender, source), device(directory, sender, destination)),
            (false, true) => (Kind::Mo, device(directory, receiver, source), number(receiver, destination)),
            (false, false) => {
                let source = device(directory, None, source);
                let destination = device(directory, source.customer, destination);
                (Kind::P2p, source, destination)
            }
        };
        Trial { kind, by: By::Network, peer, source, destination, unclaimed: None, text: None, proposed: None }
    }

    /// From a device to a number that several share: whose it is, or why nobody knows.
    pub fn of_shared(
        directory: &'d Directory,
        peer: Option<&'d Peer>,
        source: &'m Address,
        destination: &'m Address,
        taker: Result<&'d Customer, Unclaimed>,
    ) -> Trial<'d, 'm> {
        let trial = Trial::of_network(directory, peer, source, destination);
        if trial.kind != Kind::Mo {
            return trial; // a forged one
        }
        let customer = taker.ok();
        let (source, destination) = (device(directory, customer, source), number(customer, destination));
        Trial { source, destination, unclaimed: taker.err(), ..trial }
    }

    pub fn is_unclaimed(&self) -> bool {
        self.unclaimed.is_some()
    }

    /// From a customer's number or name; None: the customer is gone.
    pub fn of_customer(
        directory: &'d Directory,
        customer: Option<&'d Customer>,
        (by, peer): (By, Option<&'d Peer>),
        source: &'m Address,
        destination: &'m Address,
    ) -> Trial<'d, 'm> {
        let (kind, destination) = match directory.is_number(destination) {
            true => (Kind::Mo, number(directory.owner_of_number(destination), destination)),
            false => (Kind::Mt, device(directory, customer, destination)),
        };
        let source = number(customer, source);
        Trial { kind, by, peer, source, destination, unclaimed: None, text: None, proposed: None }
    }

    /// With what it says, where a policy wants to know.
    pub fn read(mut self, content: &Content) -> Trial<'d, 'm> {
        if self.needs_text()
            && let Payload::Text(text) = content.payload()
        {
            self.text = Some(text.into());
        }
        self
    }

    pub fn saying(self, text: Option<&'m str>) -> Trial<'d, 'm> {
        Trial { text: text.map(Cow::Borrowed), ..self }
    }

    /// As if this customer had this policy.
    pub fn under(self, customer: &'d str, policy: &'d CompiledPolicy) -> Trial<'d, 'm> {
        Trial { proposed: Some((customer, policy)), ..self }
    }

    fn needs_text(&self) -> bool {
        let ends = [self.source.customer, self.destination.customer];
        ends.into_iter().flatten().any(|customer| customer.policy.needs_text())
    }

    /// Whose message it is: the number's, of P2P the sender's; where that is nobody's, the other end's.
    pub fn customer(&self) -> Option<&'d Customer> {
        match self.kind {
            Kind::Mo => self.destination.customer.or(self.source.customer),
            Kind::Mt | Kind::P2p => self.source.customer.or(self.destination.customer),
        }
    }

    /// Whose the source is.
    pub fn sender(&self) -> Option<&'d Customer> {
        self.source.customer
    }

    /// Whose its ends are, where they are somebody's.
    pub fn owners(&self) -> impl Iterator<Item = &'d Customer> {
        [self.source.customer, self.destination.customer].into_iter().flatten()
    }

    fn may_send_from(&self, address: &Address) -> bool {
        let is_own = match self.by {
            By::Network => true,
            By::Application | By::Rest | By::Rule => {
                self.source.customer.is_some_and(|customer| customer.may_send_from(address))
            }
        };
        is_own && self.peer.is_none_or(|peer| peer.may_send_from(address))
    }

    pub(super) fn with_packet<T>(&self, ask: impl FnOnce(&Packet<'_>) -> T) -> T {
        let may_send_from = |address: &Address| self.may_send_from(address);
        ask(&Packet {
            kind: self.kind,
            submitter: Submitter { by: self.by, may_send_from: &may_send_from },
            source: self.source.end(self.proposed),
            destination: self.destination.end(self.proposed),
            unclaimed: self.unclaimed,
            text: self.text.as_deref(),
        })
    }
}

impl<'d> Party<'d, '_> {
    fn end(&self, proposed: Option<(&str, &'d CompiledPolicy)>) -> End<'_> {
        let owner = self.customer.map(|customer| {
            let proposed = proposed.filter(|(of, _)| *of == &*customer.id).map(|(_, policy)| policy);
            Owner { customer: &customer.id, policy: proposed.unwrap_or(&customer.policy) }
        });
        let registered = self.registered.as_ref();
        End {
            address: self.address,
            owner,
            tags: registered.map_or(&[], |registered| &registered.tags),
            status: registered.map_or(DeviceStatus::Active, |registered| registered.status),
        }
    }
}

/// A customer's number or name.
fn number<'d, 'm>(customer: Option<&'d Customer>, address: &'m Address) -> Party<'d, 'm> {
    Party { address, customer, registered: None }
}

/// Whose device it is: who registered it; else, seen from a customer that may say so, that one's.
fn device<'d, 'm>(directory: &'d Directory, first: Option<&'d Customer>, address: &'m Address) -> Party<'d, 'm> {
    let registered = directory.registry().find(address);
    let customer = match &registered {
        Some(registered) => directory.customer(&registered.customer),
        None => first.filter(|own| own.has_in_range(address)).or_else(|| directory.owner_by_range(address)),
    };
    Party { address, customer, registered }
}

fn asked(keyword: Keyword<'_>) -> Asked {
    Asked { action: keyword.action, reply: keyword.reply.into() }
}

impl Origin {
    pub(super) fn by(self) -> By {
        match self {
            Origin::Peer(_) => By::Application,
            Origin::Customer(_) => By::Rest,
        }
    }
}

impl House {
    /// May it pass? Counts it, tells of the loop that it closes, and tells its customer when it may not.
    pub(super) fn judge(
        &self,
        trial: &Trial<'_, '_>,
        (message, by): (&Message, &Arc<str>),
        counting: Counting,
        now: Timestamp,
    ) -> Result<Option<Asked>, Reject> {
        self.ask(trial, counting, now).map_err(|refusal| {
            self.refused(trial, &refusal, (message, by));
            Reject::Firewall(refusal)
        })
    }

    pub(super) fn ask(
        &self,
        trial: &Trial<'_, '_>,
        counting: Counting,
        now: Timestamp,
    ) -> Result<Option<Asked>, Refusal> {
        let opted_out = self.opt_outs.read();
        let opt_outs = &opted_out.of(trial.source.customer);
        trial.with_packet(|packet| {
            let (verdict, report) = {
                let mut state = self.firewall.lock();
                match counting {
                    Counting::Not => (firewall::judge(packet, Context { state: &state, opt_outs }, now), None),
                    Counting::Before => (firewall::judge_again(packet, Context { state: &state, opt_outs }, now), None),
                    Counting::Message => state.admit(packet, opt_outs, now),
                    Counting::Part(part) => state.admit_part(packet, part, opt_outs, now),
                }
            };
            if let Some(report) = report {
                tracing::warn!(
                    source = report.source.masked(),
                    destination = report.destination.masked(),
                    turns = report.turns,
                    "two that answer each other without end are cut off for a while"
                );
            }
            match verdict {
                Verdict::Allowed { keyword } => Ok(keyword.map(asked)),
                Verdict::Refused(refusal) => Err(refusal),
            }
        })
    }

    /// What was counted does not pass after all.
    pub(super) fn take_back(&self, trial: &Trial<'_, '_>, now: Timestamp) {
        trial.with_packet(|packet| self.firewall.lock().take_back(packet, now));
    }

    /// Every check with its outcome; nothing is counted.
    pub(super) fn explain(&self, trial: &Trial<'_, '_>, now: Timestamp, viewer: Viewer<'_>) -> Explanation {
        let opted_out = self.opt_outs.read();
        let opt_outs = &opted_out.of(trial.source.customer);
        trial.with_packet(|packet| {
            let state = self.firewall.lock();
            firewall::explain(packet, Context { state: &state, opt_outs }, now, viewer)
        })
    }
}
