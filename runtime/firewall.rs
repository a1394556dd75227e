//! Decides whether a message may enter the relay: who may message whom, how much, and what.
//!
//! Pure: takes what it judges as arguments and touches no socket, store or clock. `docs/FIREWALL.md` says what is
//! decided; start with `judge.rs`. `relay/judging.rs` asks, for every message; `link::translate` turns each
//! [`Reject`] into the peer's `command_status`.

mod checks;
mod compiled;
pub mod content;
mod ends;
mod explain;
mod judge;
pub mod lists;
mod long;
pub mod loops;
pub mod opt_out;
mod packet;
pub mod policy;
pub mod rates;
mod reason;
mod table;

pub use compiled::{CompiledPolicy, PolicyError};
pub use explain::{Explanation, Passing, Refused, Step, Viewer, explain};
pub use judge::{Context, Refusal, State, Verdict, judge, judge_again};
pub use packet::{By, DeviceStatus, End, Kind, Owner, Packet, Submitter, Unclaimed, Whose};
pub use policy::Policy;
pub use reason::{Reason, Side};
pub use table::{Row, table};

use wasmsc_smpp::segment::{self, PARTS_MAX};

use crate::message::Content;
use crate::route::Peer;

/// What fits one SMS in any coding.
const SMS_OCTETS: usize = 140;

/// Why a message was refused. Each variant maps to exactly one `command_status`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// By the reason: see `docs/FIREWALL.md`.
    #[error("{}: {}", .0.reason, .0.reason.advice())]
    Firewall(Refusal),
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

impl Reject {
    /// The same message would be refused again, whenever it comes.
    pub fn is_for_ever(&self) -> bool {
        matches!(self, Reject::Firewall(refusal) if refusal.retry_at.is_none())
    }
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
