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
    self, By, Context, DeviceStatus, End, Explanation, Kind, Owner, Packet, Refusal, Reject, Submitter, Verdict, Viewer,
};
use crate::message::{Address, Content, Message, Timestamp};
use crate::route::{Customer, Directory, Peer};

/// A message before the firewall.
pub struct Trial<'d, 'm> {
    pub kind: Kind,
    by: By,
    /// Whose ranges the source has to be in.
    peer: Option<&'d Peer>,
    source: (&'m Address, Option<&'d Customer>),
    destination: (&'m Address, Option<&'d Customer>),
    text: Option<Cow<'m, str>>,
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
        let (kind, from, to) = match (sender, receiver) {
            (Some(_), _) => (Kind::Mt, sender, receiver.or_else(|| owner(directory, sender, destination))),
            (None, Some(_)) => (Kind::Mo, owner(directory, receiver, source), receiver),
            (None, None) => {
                let from = directory.owner_of_device(source);
                (Kind::P2p, from, owner(directory, from, destination))
            }
        };
        let (source, destination) = ((source, from), (destination, to));
        Trial { kind, by: By::Network, peer, source, destination, text: None }
    }

    /// From a customer's number or name; None: the customer is gone.
    pub fn of_customer(
        directory: &'d Directory,
        customer: Option<&'d Customer>,
        (by, peer): (By, Option<&'d Peer>),
        source: &'m Address,
        destination: &'m Address,
    ) -> Trial<'d, 'm> {
        let receiver = directory.owner_of_number(destination);
        let kind = if receiver.is_some() { Kind::Mo } else { Kind::Mt };
        let to = receiver.or_else(|| owner(directory, customer, destination));
        Trial { kind, by, peer, source: (source, customer), destination: (destination, to), text: None }
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

    fn needs_text(&self) -> bool {
        let ends = [self.source.1, self.destination.1];
        ends.into_iter().flatten().any(|customer| customer.policy.needs_text())
    }

    /// Whose message it is: the number's, of P2P the sender's; where that is nobody's, the other end's.
    pub fn customer(&self) -> Option<&'d Customer> {
        match self.kind {
            Kind::Mo => self.destination.1.or(self.source.1),
            Kind::Mt | Kind::P2p => self.source.1.or(self.destination.1),
        }
    }

    /// Whose its two ends are, from and to.
    pub fn owners(&self) -> [Option<&'d Customer>; 2] {
        [self.source.1, self.destination.1]
    }

    fn may_send_from(&self, address: &Address) -> bool {
        let is_own = match self.by {
            By::Network => true,
            By::Application | By::Rest | By::Rule => {
                self.source.1.is_some_and(|customer| customer.may_send_from(address))
            }
        };
        is_own && self.peer.is_none_or(|peer| peer.may_send_from(address))
    }

    fn with_packet<T>(&self, ask: impl FnOnce(&Packet<'_>) -> T) -> T {
        let end = |(address, customer): (&'m Address, Option<&'d Customer>)| {
            let owner = customer.map(|customer| Owner { customer: &customer.id, policy: &customer.policy });
            End { address, owner, tags: &[], status: DeviceStatus::Active }
        };
        let may_send_from = |address: &Address| self.may_send_from(address);
        ask(&Packet {
            kind: self.kind,
            submitter: Submitter { by: self.by, may_send_from: &may_send_from },
            source: end(self.source),
            destination: end(self.destination),
            text: self.text.as_deref(),
        })
    }
}

/// Whose device it is, seen from a customer that may say that it is its own.
fn owner<'d>(directory: &'d Directory, first: Option<&'d Customer>, device: &Address) -> Option<&'d Customer> {
    first.filter(|customer| customer.owns_device(device)).or_else(|| directory.owner_of_device(device))
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

    fn ask(&self, trial: &Trial<'_, '_>, counting: Counting, now: Timestamp) -> Result<Option<Asked>, Refusal> {
        let opted_out = self.opt_outs.read();
        let opt_outs = &opted_out.of(trial.source.1);
        trial.with_packet(|packet| {
            let (verdict, report) = {
                let mut state = self.firewall.lock();
                match counting {
                    Counting::Not => (firewall::judge(packet, Context { state: &state, opt_outs }, now), None),
                    Counting::Message => state.admit(packet, opt_outs, now),
                    Counting::Part(part) => state.admit_part(packet, part, opt_outs, now),
                }
            };
            if let Some(report) = report {
                tracing::warn!(
                    source = report.source.masked(), destination = report.destination.masked(), turns = report.turns,
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
        let opt_outs = &opted_out.of(trial.source.1);
        trial.with_packet(|packet| {
            let state = self.firewall.lock();
            firewall::explain(packet, Context { state: &state, opt_outs }, now, viewer)
        })
    }
}
