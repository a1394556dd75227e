//! A message as it is submitted, and where it comes from: a peer over SMPP, or a customer itself over the API.

use std::sync::Arc;

use crate::message::{Address, Message, Timestamp};
use crate::route::{CustomerIndex, Directory, Peer, PeerIndex};
use crate::store::NewOnce;

/// Who sent what came over the API, as the history names it.
const BY_API: &str = "api";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    Peer(PeerIndex),
    /// It has no account: no rates, no queue, and nobody to send a receipt to.
    Customer(CustomerIndex),
}

impl From<PeerIndex> for Origin {
    fn from(index: PeerIndex) -> Origin {
        Origin::Peer(index)
    }
}

impl Origin {
    pub fn peer(self, directory: &Directory) -> Option<&Peer> {
        match self {
            Origin::Peer(index) => Some(directory.peer(index)),
            Origin::Customer(_) => None,
        }
    }

    /// Whose messages it may ask for; None: it carries devices of any customer.
    pub fn customer(self, directory: &Directory) -> Option<&str> {
        match self {
            Origin::Peer(index) => directory.peer(index).customer.as_deref(),
            Origin::Customer(index) => Some(&directory.customer_at(index).id),
        }
    }

    /// A message of this source shows that the device is there: a network says so that may carry it.
    pub fn brings_back(self, directory: &Directory, source: &Address) -> bool {
        self.peer(directory).is_some_and(|peer| peer.customer.is_none() && peer.may_send_from(source))
    }

    /// As the history names it: like [`account`](Self::account).
    pub fn name(self, directory: &Directory) -> Arc<str> {
        self.peer(directory).map_or_else(|| BY_API.into(), |peer| peer.name.clone())
    }

    /// `Tracked::account`: empty, as no account's name is, for a customer itself.
    pub fn account(self, directory: &Directory) -> &str {
        self.peer(directory).map_or("", |peer| &peer.name)
    }
}

/// A message as a peer submitted it, with what it wants done about it.
#[derive(Clone, Debug)]
pub struct Submission {
    pub message: Message,
    /// Not before this.
    pub schedule: Option<Timestamp>,
    /// Not after this.
    pub expires: Option<Timestamp>,
    /// `registered_delivery` (SMPP 3.4 §5.2.17).
    pub registered_delivery: u8,
    /// Takes the place of an earlier one with the same addresses that still waits.
    pub replaces: bool,
    /// The n-th further destination of the submission before it.
    pub sibling: u16,
    /// What its submitter calls it.
    pub tag: Box<str>,
    /// It has an idempotency key: see [`super::accept_once`].
    pub once: Option<NewOnce>,
}

impl Submission {
    /// At once, for the customer's usual time, without a receipt.
    pub fn plain(message: Message) -> Submission {
        let (schedule, expires, once) = (None, None, None);
        let (registered_delivery, replaces, sibling, tag) = (0, false, 0, "".into());
        Submission { message, schedule, expires, registered_delivery, replaces, sibling, tag, once }
    }
}
