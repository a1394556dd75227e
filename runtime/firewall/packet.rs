//! A message as the firewall sees it: what kind it is, who hands it in, and whose its two ends are.
//!
//! The relay fills it in from its tables; nothing here is looked up.

use serde::{Deserialize, Serialize};

use super::compiled::CompiledPolicy;
use super::reason::Side;
use crate::message::Address;

/// Between whom a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// From a device to a customer's number.
    Mo,
    /// From a customer's number or name to a device.
    Mt,
    /// From device to device.
    P2p,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Mo, Kind::Mt, Kind::P2p];
    pub const COUNT: usize = Kind::ALL.len();

    pub fn index(self) -> usize {
        self as usize
    }

    pub fn name(self) -> &'static str {
        match self {
            Kind::Mo => "mo",
            Kind::Mt => "mt",
            Kind::P2p => "p2p",
        }
    }

    /// Which end is the device that its limits are about.
    pub(super) fn device(self) -> Side {
        match self {
            Kind::Mo | Kind::P2p => Side::Sender,
            Kind::Mt => Side::Receiver,
        }
    }

    /// Whose customer's limits it counts against: of the number's, or of the device that sends.
    pub(super) fn charged(self) -> Side {
        match self {
            Kind::Mo => Side::Receiver,
            Kind::Mt | Kind::P2p => Side::Sender,
        }
    }

    /// The number's policy is asked before the device's, so that an application first hears of its own.
    pub(super) fn asked(self) -> [Side; 2] {
        let first = self.charged();
        [first, first.other()]
    }
}

/// Who hands a message in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// An account or upstream that carries devices.
    Network,
    Application,
    Rest,
    Rule,
}

/// Who hands a message in, and what it may send from: the ranges of a network account, which never hold a
/// customer's number; the numbers and allowed names of the customer of any other.
#[derive(Clone, Copy)]
pub struct Submitter<'a> {
    pub by: By,
    pub may_send_from: &'a dyn Fn(&Address) -> bool,
}

/// Whether a device takes part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceStatus {
    #[default]
    Active,
    Suspended,
}

/// The customer that a device or number belongs to.
#[derive(Clone, Copy)]
pub struct Owner<'a> {
    pub customer: &'a str,
    pub policy: &'a CompiledPolicy,
}

/// Who a message is from, or to.
#[derive(Clone, Copy)]
pub struct End<'a> {
    pub address: &'a Address,
    /// None: nobody's, somewhere in the networks.
    pub owner: Option<Owner<'a>>,
    /// Of a device; a number has none.
    pub tags: &'a [String],
    pub status: DeviceStatus,
}

/// Why it is not known whose an MO to a shared number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unclaimed {
    /// Nobody has its first word.
    Word,
    /// It is a later part of a long message, and the first has not come.
    LaterPart,
}

/// A message as the firewall sees it.
#[derive(Clone, Copy)]
pub struct Packet<'a> {
    pub kind: Kind,
    pub submitter: Submitter<'a>,
    pub source: End<'a>,
    pub destination: End<'a>,
    /// An MO to a shared number that is nobody's.
    pub unclaimed: Option<Unclaimed>,
    /// None: binary, or no policy [needs it](CompiledPolicy::needs_text).
    pub text: Option<&'a str>,
}

impl<'a> Packet<'a> {
    pub fn end(&self, side: Side) -> &End<'a> {
        match side {
            Side::Sender => &self.source,
            Side::Receiver => &self.destination,
        }
    }
}

/// Whose the other end is, seen from one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Own,
    /// Another customer's.
    Foreign,
    Nobody,
}

impl Whose {
    pub const ALL: [Whose; 3] = [Whose::Own, Whose::Foreign, Whose::Nobody];

    pub fn name(self) -> &'static str {
        match self {
            Whose::Own => "own",
            Whose::Foreign => "foreign",
            Whose::Nobody => "nobody",
        }
    }
}
