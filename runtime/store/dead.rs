//! Dead letters: what nobody could process or deliver, kept until its owner has it tried again, or drops it.
//!
//! A row holds all that is needed to begin anew: the whole event, or the message with where it waited.

use std::io;

use serde::{Deserialize, Serialize};

use super::keys::{self, Kind, Partition};
use super::record::{self, InboxRecord, OutboxRecord, PartRecord};
use super::tables::Op;
use super::{Store, StoreFailed};
use crate::message::{Address, Class, Message, MessageId, Timestamp};
use crate::occasion::Occasion;

/// What nobody could process or deliver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadRecord {
    pub what: DeadWhat,
    pub died_at: Timestamp,
    pub failure: DeadFailure,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DeadWhat {
    /// A rule failed on it; its attempts are counted there.
    Event(InboxRecord),
    /// It could not be delivered.
    Message(Unsent),
    /// A part of a long message whose others never came.
    Part(PartRecord),
}

/// A message with where it waited.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unsent {
    pub queue: Box<str>,
    /// Of [`Class`].
    pub class: u8,
    pub record: OutboxRecord,
}

/// Why it is dead.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadFailure {
    pub reason: Box<str>,
    /// Where in the rule's code it ended; empty where nothing trapped.
    pub backtrace: Box<str>,
    /// Digest of the component that ran last; empty where none did.
    pub version: Box<str>,
}

/// What a dead letter was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadKind {
    Event,
    Message,
    Part,
}

impl DeadKind {
    pub const ALL: [DeadKind; 3] = [DeadKind::Event, DeadKind::Message, DeadKind::Part];

    pub fn name(self) -> &'static str {
        match self {
            DeadKind::Event => "event",
            DeadKind::Message => "message",
            DeadKind::Part => "part",
        }
    }
}

/// Which are wanted; what is None does not matter.
#[derive(Clone, Debug, Default)]
pub struct DeadFilter {
    pub kind: Option<DeadKind>,
    pub rule: Option<Box<str>>,
    pub device: Option<Address>,
    /// Died at or after this.
    pub since: Option<Timestamp>,
    /// Died before this.
    pub until: Option<Timestamp>,
}

impl DeadRecord {
    pub fn customer(&self) -> &str {
        match &self.what {
            DeadWhat::Event(event) => &event.customer,
            DeadWhat::Message(unsent) => &unsent.record.customer,
            DeadWhat::Part(part) => &part.customer,
        }
    }

    pub fn kind(&self) -> DeadKind {
        match &self.what {
            DeadWhat::Event(_) => DeadKind::Event,
            DeadWhat::Message(_) => DeadKind::Message,
            DeadWhat::Part(_) => DeadKind::Part,
        }
    }

    pub fn rule(&self) -> Option<&str> {
        match &self.what {
            DeadWhat::Event(event) => Some(&event.rule),
            DeadWhat::Message(_) | DeadWhat::Part(_) => None,
        }
    }

    pub fn queue(&self) -> Option<&str> {
        match &self.what {
            DeadWhat::Message(unsent) => Some(&unsent.queue),
            DeadWhat::Event(_) | DeadWhat::Part(_) => None,
        }
    }

    /// Of an event of a rule.
    pub fn occasion(&self) -> Option<&Occasion> {
        match &self.what {
            DeadWhat::Event(event) => Some(&event.occasion),
            DeadWhat::Message(_) | DeadWhat::Part(_) => None,
        }
    }

    pub fn attempts(&self) -> u32 {
        match &self.what {
            DeadWhat::Event(event) => event.attempts,
            DeadWhat::Message(unsent) => unsent.record.attempts,
            DeadWhat::Part(_) => 0,
        }
    }

    pub fn message(&self) -> &Message {
        match &self.what {
            DeadWhat::Event(event) => &event.message,
            DeadWhat::Message(unsent) => &unsent.record.message,
            DeadWhat::Part(part) => &part.message,
        }
    }

    pub fn device(&self) -> &Address {
        let message = self.message();
        match &self.what {
            DeadWhat::Message(unsent) if unsent.class != Class::INBOUND.0 => &message.destination,
            _ => &message.source,
        }
    }

    /// The customer's own number or name.
    pub fn number(&self) -> &Address {
        let message = self.message();
        match &self.what {
            DeadWhat::Message(unsent) if unsent.class != Class::INBOUND.0 => &message.source,
            _ => &message.destination,
        }
    }
}

impl DeadFilter {
    pub fn accepts(&self, dead: &DeadRecord) -> bool {
        self.kind.is_none_or(|kind| kind == dead.kind())
            && self.rule.as_deref().is_none_or(|rule| Some(rule) == dead.rule())
            && self.device.as_ref().is_none_or(|device| device == dead.device())
            && self.since.is_none_or(|since| since <= dead.died_at)
            && self.until.is_none_or(|until| dead.died_at < until)
    }
}

impl Store {
    pub fn dead_letter(&self, customer: &str, id: MessageId) -> io::Result<Option<DeadRecord>> {
        self.read(&keys::dead(Partition::of(customer), customer, id))
    }

    /// A customer's, the newest message first, behind `behind`, until `each` says false.
    pub fn dead_letters(
        &self,
        customer: &str,
        behind: Option<MessageId>,
        mut each: impl FnMut(MessageId, DeadRecord) -> bool,
    ) -> io::Result<()> {
        let (from, to) = keys::dead_range(Partition::of(customer), customer, behind);
        self.each_row_while(from, &to, |row| {
            let id = keys::inverted_id(&row.key).ok_or_else(|| io::Error::other("a dead letter's key is malformed"))?;
            Ok(each(id, record::decode(&row.value).map_err(io::Error::other)?))
        })
    }

    /// Who has any.
    pub fn dead_customers(&self) -> io::Result<Vec<Box<str>>> {
        self.names_of(Kind::Dead)
    }

    /// How many a customer has, durable or not.
    pub fn count_dead(&self, customer: &str) -> io::Result<usize> {
        let (from, to) = keys::dead_range(Partition::of(customer), customer, None);
        let mut count = 0;
        self.each_row(from, &to, |_| {
            count += 1;
            Ok(())
        })?;
        Ok(count)
    }

    /// Removes these; nobody is told.
    pub fn forget_dead(&self, customer: &str, ids: &[MessageId]) -> Result<(), StoreFailed> {
        let partition = Partition::of(customer);
        self.submit(ids.iter().map(|id| Op::Delete(keys::dead(partition, customer, *id))).collect(), None)
    }
}

#[cfg(test)]
mod tests;
