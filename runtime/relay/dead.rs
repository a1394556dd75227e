//! Dead letters: how they come, how their owner has them tried again or drops them, and how they end by age.
//!
//! A letter goes and its event or message waits again in one batch, under one lock from reading the row: a crash or
//! another request neither loses nor doubles it. The event keeps its number, so that what its rule sends has the ids
//! that it would have had, and runs behind whatever waits for its subject.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use wasmsc_smpp::Udh;
use wasmsc_smpp::segment::{self, Style};
use wasmsc_smpp::text::{self, EncodeOptions};

use super::{House, queue_to};
use crate::feed::Ends;
use crate::message::{Address, Class, Content, MessageId, Timestamp};
use crate::occasion::Occasion;
use crate::plugin::PARTS_MAX;
use crate::route::{CustomerIndex, Directory};
use crate::slots::Slots;
use crate::store::keys::{OutboxKey, Partition};
use crate::store::{Change, DeadFilter, DeadRecord, DeadWhat, Done, InboxRecord, Queued, Store, StoreFailed, Unsent};
use crate::timeline::{Direction, Event};

/// Letters of one batch.
const BATCH_MAX: usize = 500;
/// Letters that one request may look at: what is kept of a customer by far.
const REQUEST_MAX: usize = 100_000;
/// A sweep comes early when so much of what may be kept is there in addition.
const OVER_SHARE: usize = 10;

/// What is known of all dead letters beside the store.
#[derive(Default)]
pub struct Dead {
    /// Held from reading letters to the batch in which they go.
    changing: Mutex<()>,
    counts: Slots<AtomicUsize>,
    /// Somebody has more than may be kept.
    is_over: AtomicBool,
}

impl Dead {
    pub fn recover(directory: &Directory, store: &Store) -> io::Result<Dead> {
        let dead = Dead::default();
        for id in store.dead_customers()? {
            if let Some(customer) = directory.customer_named(&id) {
                dead.counts.at(customer.0).store(store.count_dead(&id)?, Ordering::Relaxed);
            }
        }
        Ok(dead)
    }
}

/// Why a letter is not tried again.
#[derive(Debug, thiserror::Error)]
pub enum NotRevived {
    #[error("there is no such dead letter")]
    NotFound,
    #[error("its rule {0:?} is not there; it can be tried again when the rule is")]
    NoRule(Box<str>),
    #[error("a part of a long message cannot be run without the others")]
    IsPart,
    #[error("it is no MO, so that it has no text")]
    NoText,
    #[error("the text takes more than {PARTS_MAX} SMS")]
    TooLong,
    #[error("as many events wait for the customer's rules as may")]
    QueueFull,
    #[error("dead letters cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] StoreFailed),
}

/// What is to become of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadVerb {
    Retry,
    Drop,
}

/// What became of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeadDone {
    pub done: usize,
    /// Those that cannot be tried again, and stay.
    pub left: usize,
}

impl House {
    /// Something is a dead letter from now on.
    pub(super) fn died(&self, (partition, id): (Partition, MessageId), dead: DeadRecord) -> Change {
        self.count_dead(dead.customer(), 1);
        Change::Dead(partition, id, Box::new(dead))
    }

    pub(super) fn count_dead(&self, customer: &str, more: isize) {
        let directory = self.directory();
        let Some(index) = directory.customer_named(customer) else { return };
        let changed = |count: usize| Some(count.saturating_add_signed(more));
        let count = &self.dead.counts.at(index.0);
        let before = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, changed).unwrap_or_default();
        let max = directory.dead_letters.count_max;
        if before > max + max / OVER_SHARE {
            self.dead.is_over.store(true, Ordering::Relaxed);
        }
    }

    /// Dead letters of a customer.
    pub fn dead_of(&self, customer: CustomerIndex) -> usize {
        self.dead.counts.at(customer.0).load(Ordering::Relaxed)
    }
}

fn ends(dead: &DeadRecord) -> Ends {
    let direction = match &dead.what {
        DeadWhat::Message(unsent) if unsent.class != Class::INBOUND.0 => Direction::Mt,
        _ => Direction::Mo,
    };
    Ends { direction, device: dead.device().clone(), number: Some(dead.number().clone()) }
}

/// What goes into one batch, and what follows it.
#[derive(Default)]
struct Plan {
    changes: Vec<Change>,
    /// Events among them.
    events: usize,
    offers: Vec<Queued>,
    count: usize,
}

/// One letter is tried again or dropped; with `text`, as if that had been said. `done` is called when it is durable.
pub fn change_dead(
    house: &Arc<House>,
    customer: &str,
    (id, verb, text): (MessageId, DeadVerb, Option<&str>),
    by: &str,
    now: Timestamp,
    done: Done,
) -> Result<(), NotRevived> {
    let _lock = house.dead.changing.lock();
    let dead = house.store.dead_letter(customer, id)?.ok_or(NotRevived::NotFound)?;
    let mut plan = Plan::default();
    plan.add(house, (id, dead), (verb, text), by, now)?;
    plan.carry_out(house, customer, now, Some(done))?;
    Ok(())
}

/// All that a filter wants, batch by batch. `done` is called when the last one is durable.
pub fn change_all_dead(
    house: &Arc<House>,
    customer: &str,
    (filter, verb): (&DeadFilter, DeadVerb),
    by: &str,
    now: Timestamp,
    done: Done,
) -> Result<DeadDone, NotRevived> {
    let _lock = house.dead.changing.lock();
    let (mut sum, mut behind) = (DeadDone::default(), None);
    let mut wanted = Vec::new();
    let mut seen = 0;
    house.store.dead_letters(customer, behind, |id, dead| {
        seen += 1;
        wanted.extend(filter.accepts(&dead).then_some(id));
        seen < REQUEST_MAX
    })?;
    // Oldest first: so they run in the order in which they came.
    wanted.reverse();
    for ids in wanted.chunks(BATCH_MAX) {
        let mut plan = Plan::default();
        for id in ids {
            let Some(dead) = house.store.dead_letter(customer, *id)? else { continue };
            match plan.add(house, (*id, dead), (verb, None), by, now) {
                Ok(()) => {}
                Err(NotRevived::QueueFull) => {
                    behind = Some(*id);
                    break;
                }
                Err(NotRevived::NoRule(_) | NotRevived::IsPart) => sum.left += 1,
                Err(other) => return Err(other),
            }
        }
        sum.done += plan.count;
        plan.carry_out(house, customer, now, None)?;
        if behind.is_some() {
            break;
        }
    }
    sum.left = wanted.len() - sum.done;
    if sum.done == 0 && behind.is_some() {
        return Err(NotRevived::QueueFull);
    }
    house.store.amend(Vec::new(), Some(done))?;
    Ok(sum)
}

impl Plan {
    fn add(
        &mut self,
        house: &House,
        (id, dead): (MessageId, DeadRecord),
        (verb, text): (DeadVerb, Option<&str>),
        by: &str,
        now: Timestamp,
    ) -> Result<(), NotRevived> {
        let customer: Box<str> = dead.customer().into();
        let partition = Partition::of(&customer);
        let is_told = !id.is_receipt() && dead.occasion().is_none_or(Occasion::is_mo);
        let ends = ends(&dead);
        let mut changes = vec![Change::Undead(partition, customer.clone(), id)];
        if verb == DeadVerb::Retry {
            match dead.what {
                DeadWhat::Event(event) => {
                    let row = self.event(house, event, text, now)?;
                    changes.push(Change::Arrive(partition, id.event, Box::new(row)));
                    self.events += 1;
                }
                DeadWhat::Message(unsent) => {
                    let queued = message(house, (id, unsent), text, now)?;
                    changes.push(Change::Queue(queued.clone()));
                    self.offers.push(queued);
                }
                DeadWhat::Part(_) => return Err(NotRevived::IsPart),
            }
        }
        if is_told {
            let event = || match verb {
                DeadVerb::Retry => Event::Revived { by: by.into(), is_edited: text.is_some() },
                DeadVerb::Drop => Event::Dropped { by: by.into() },
            };
            changes.extend(house.happened((partition, id), &customer, now, || (ends, event())));
        }
        self.changes.extend(changes);
        self.count += 1;
        Ok(())
    }

    /// The event as it was, with all its attempts again.
    fn event(
        &self,
        house: &House,
        mut event: InboxRecord,
        text: Option<&str>,
        now: Timestamp,
    ) -> Result<InboxRecord, NotRevived> {
        let directory = house.directory();
        let no_rule = || NotRevived::NoRule(event.rule.clone());
        directory.rule(&event.customer, &event.rule).ok_or_else(no_rule)?;
        let max = directory.customer(&event.customer).map_or(0, |customer| customer.queue_max);
        let waiting = house.counter(&event.customer).map_or(0, |count| count.load(Ordering::Relaxed));
        if waiting + self.events >= max {
            return Err(NotRevived::QueueFull);
        }
        if let Some(text) = text {
            if !event.occasion.is_mo() {
                return Err(NotRevived::NoText);
            }
            event.message.content = edited(&event.message.content, text, &EncodeOptions::default())?;
        }
        // Whoever sent it has been told that it failed, and is told nothing more.
        event.tracked = false;
        (event.attempts, event.due, event.place) = (0, now, house.store.new_event(now).event);
        Ok(event)
    }

    fn carry_out(
        self,
        house: &Arc<House>,
        customer: &str,
        now: Timestamp,
        done: Option<Done>,
    ) -> Result<(), StoreFailed> {
        let Plan { changes, offers, count, .. } = self;
        let outlet = house.outlet.clone();
        let durable: Done = Box::new(move |result| {
            if result.is_ok() && !offers.is_empty() {
                outlet.offer(offers);
            }
            if let Some(done) = done {
                done(result);
            }
        });
        house.amend(changes, Some(durable), now)?;
        house.count_dead(customer, -(count as isize));
        Ok(())
    }
}

/// A message as it was, where its device is reached now, with all its time again.
fn message(
    house: &House,
    (id, unsent): (MessageId, Unsent),
    text: Option<&str>,
    now: Timestamp,
) -> Result<Queued, NotRevived> {
    let directory = house.directory();
    let Unsent { queue, class, mut record } = unsent;
    let partition = Partition::of(&record.customer);
    let destination = &record.message.destination;
    let is_device = class != Class::INBOUND.0 && matches!(destination, Address::Msisdn(_));
    let routed = if is_device { queue_to(&directory, destination).ok() } else { None };
    let queue = routed.unwrap_or_else(|| (*queue).into());
    if let Some(text) = text {
        let peer = directory.peers_of(&queue).next();
        let options = peer.map_or_else(EncodeOptions::default, |peer| peer.encode);
        record.message.content = edited(&record.message.content, text, &options)?;
        record.taken.clear();
    }
    let validity_ms = directory.customer(&record.customer).map_or(0, |customer| customer.validity_ms);
    // As for events: its submitter has been told how it ended.
    (record.tracked, record.deferred, record.registered_delivery) = (false, false, 0);
    (record.attempts, record.expires) = (0, now.plus_ms(validity_ms));
    Ok(Queued { key: OutboxKey { partition, queue, class: Class(class), due: now, id }, record })
}

/// Another text in the place of what was said; all else as it was.
fn edited(before: &Content, text: &str, options: &EncodeOptions) -> Result<Content, NotRevived> {
    let encoded = text::encode_with(text, options);
    let udh: Udh = encoded.udh();
    if segment::parts_needed(encoded.data_coding, &udh, &encoded.octets, Style::Udh16) > PARTS_MAX {
        return Err(NotRevived::TooLong);
    }
    let new = Content::new(encoded.data_coding, &udh, encoded.octets);
    Ok(Content { tlvs: before.tlvs.clone(), arrival: before.arrival, ..new })
}

/// Forgets the letters that are too old, and the oldest of those that are too many. To be called now and then; `is_time`
/// where it is due, without it only if somebody has far too many.
pub fn sweep(house: &House, is_time: bool, now: Timestamp) -> io::Result<()> {
    if !house.dead.is_over.swap(false, Ordering::Relaxed) && !is_time {
        return Ok(());
    }
    let limits = house.directory().dead_letters.clone();
    for customer in house.store.dead_customers()? {
        let _lock = house.dead.changing.lock();
        let (mut kept, mut over) = (0, Vec::new());
        house.store.dead_letters(&customer, None, |id, dead| {
            if kept >= limits.count_max || dead.died_at.plus_ms(limits.keep_ms()) <= now {
                over.push(id);
            } else {
                kept += 1;
            }
            true
        })?;
        if over.is_empty() {
            continue;
        }
        tracing::warn!(customer = &*customer, letters = over.len(), "dead letters are too old or too many, and go");
        for ids in over.chunks(BATCH_MAX) {
            house.store.forget_dead(&customer, ids).map_err(io::Error::other)?;
        }
        house.count_dead(&customer, -(over.len() as isize));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
