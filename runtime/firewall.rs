//! Decides whether a message may enter the relay.
//!
//! Pure: takes what it judges as arguments and touches no socket, store or clock.
//! `link::translate` turns each [`Reject`] into the peer's `command_status`.
//!
//! The files of this room are the engine for policies, see `docs/FIREWALL.md`: start with `judge.rs`.

mod checks;
mod compiled;
pub mod content;
mod ends;
mod explain;
mod judge;
pub mod lists;
pub mod loops;
pub mod opt_out;
mod packet;
pub mod policy;
pub mod rates;
mod reason;

pub use compiled::{CompiledPolicy, PolicyError};
pub use explain::{Explanation, Passing, Refused, Step, Viewer, explain};
pub use judge::{Context, Refusal, State, Verdict, judge};
pub use packet::{By, DeviceStatus, End, Kind, Owner, Packet, Submitter, Whose};
pub use policy::Policy;
pub use reason::{Reason, Side};

use wasmsc_smpp::segment::{self, PARTS_MAX};

use crate::message::{Address, Content};
use crate::route::{Customer, Directory, Peer};

/// What fits one SMS in any coding.
const SMS_OCTETS: usize = 140;

/// Why a message was refused. Each variant maps to exactly one `command_status`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// ESME_RINVSRCADR
    #[error("source {0} is no device of the customer that owns the destination")]
    UnknownDevice(String),
    /// ESME_RINVSRCADR
    #[error("source {0} is no number of this account's customer")]
    ForeignSender(String),
    /// ESME_RINVDSTADR
    #[error("destination {0} belongs to no customer")]
    UnknownDestination(String),
    /// ESME_RINVDSTADR
    #[error("destination {0} is no device of this account's customer")]
    ForeignDevice(String),
    /// ESME_RINVDSTADR
    #[error("no network account or upstream has a route to {0}")]
    NoRoute(String),
    /// ESME_RINVDSTADR
    #[error("no rule or application takes messages to {0}")]
    NobodyServes(String),
    /// ESME_RMSGQFUL
    #[error("customer {0} already has the most messages waiting that it may have")]
    QueueFull(String),
    /// ESME_RMSGQFUL
    #[error("the disk does not keep up")]
    StoreBusy,
    /// ESME_RSYSERR
    #[error("the store does not accept messages: {0}")]
    StoreFailed(String),
    /// ESME_RINVEXPIRY
    #[error("validity_period is over already")]
    AlreadyExpired,
    /// ESME_RINVEXPIRY
    #[error("validity_period ends before schedule_delivery_time")]
    ExpiresBeforeSchedule,
    /// ESME_RINVSCHED
    #[error("schedule_delivery_time is more than a year ahead")]
    TooFarAhead,
    /// ESME_RINVMSGLEN
    #[error("{0} octets are too long for every peer that could be sent the message")]
    TooLong(usize),
    /// ESME_RMSGQFUL
    #[error("customer {0} has too many parts of long messages waiting for the others")]
    TooManyParts(String),
    /// ESME_RSYSERR
    #[error("the store cannot be read: {0}")]
    Unreadable(String),
}

/// May `source` send an MO to `destination`? Yields the customer whose MO it is.
pub fn check_mo<'d>(directory: &'d Directory, source: &Address, destination: &Address) -> Result<&'d Customer, Reject> {
    let customer =
        directory.owner_of_number(destination).ok_or_else(|| Reject::UnknownDestination(destination.to_string()))?;
    if !customer.owns_device(source) {
        return Err(Reject::UnknownDevice(source.masked()));
    }
    Ok(customer)
}

/// May this customer send an MT from `source` to `destination`? The same for applications and rules.
pub fn check_mt(customer: &Customer, source: &Address, destination: &Address) -> Result<(), Reject> {
    if !customer.may_send_from(source) {
        return Err(Reject::ForeignSender(source.to_string()));
    }
    if !customer.owns_device(destination) {
        return Err(Reject::ForeignDevice(destination.masked()));
    }
    Ok(())
}

/// Could one of these peers be sent a message of this length? Where a peer's alphabet lacks a character it gets
/// longer still, which shows only when it leaves. Segments leave as they came.
pub fn check_length<'p>(mut peers: impl Iterator<Item = &'p Peer>, content: &Content) -> Result<(), Reject> {
    if content.octets.len() <= SMS_OCTETS || content.part().is_some() {
        return Ok(());
    }
    let (udh, octets) = content.split_udh();
    let fits =
        |peer: &Peer| segment::parts_needed(content.data_coding(), &udh, &octets, peer.long_messages) <= PARTS_MAX;
    if peers.any(fits) { Ok(()) } else { Err(Reject::TooLong(content.octets.len())) }
}
