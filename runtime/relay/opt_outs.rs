//! STOP, START and HELP: who wants no more messages of a number, and the answer.
//!
//! The message, what it changes and the answer to it are one batch. The answer is not judged: whoever opts out is told.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::json;
use wasmsc_smpp::text::{self, EncodeOptions};

use super::judging::Asked;
use super::{Also, House, queue_to, store_messages};
use crate::firewall::Reject;
use crate::firewall::opt_out::{Action, OptOuts};
use crate::message::{Address, Class, Content, Message, MessageId, Timestamp};
use crate::route::{Customer, Directory};
use crate::store::{Audit, Change, NewMessage, OptOutRecord, Place, Store, StoreFailed, Waiting};

/// Who the answers are by, in the history.
const BY: &str = "opt-out";

/// By customer, number and device.
#[derive(Default)]
pub struct OptedOut(HashMap<Box<str>, HashMap<Address, HashSet<Address>>>);

/// Those of one customer's numbers.
pub struct OfCustomer<'o>(Option<&'o HashMap<Address, HashSet<Address>>>);

impl OptOuts for OfCustomer<'_> {
    fn has_opted_out(&self, number: &Address, device: &Address) -> bool {
        self.0.and_then(|numbers| numbers.get(number)).is_some_and(|devices| devices.contains(device))
    }
}

impl OptedOut {
    pub fn recover(store: &Store) -> io::Result<OptedOut> {
        let mut opted_out = OptedOut::default();
        store.each_opt_out(|record| opted_out.add(&record))?;
        Ok(opted_out)
    }

    pub fn of(&self, customer: Option<&Customer>) -> OfCustomer<'_> {
        OfCustomer(customer.and_then(|customer| self.0.get(&*customer.id)))
    }

    /// The customer's numbers that a device wants nothing of.
    fn numbers(&self, customer: &str, device: &Address) -> Vec<Address> {
        let numbers = self.0.get(customer).into_iter().flatten();
        let mut found: Vec<Address> =
            numbers.filter(|(_, devices)| devices.contains(device)).map(|(number, _)| number.clone()).collect();
        found.sort();
        found
    }

    fn add(&mut self, record: &OptOutRecord) {
        let numbers = self.0.entry(record.customer.clone()).or_default();
        numbers.entry(record.number.clone()).or_default().insert(record.device.clone());
    }

    fn remove(&mut self, record: &OptOutRecord) {
        if let Some(devices) = self.0.get_mut(&record.customer).and_then(|numbers| numbers.get_mut(&record.number)) {
            devices.remove(&record.device);
        }
    }
}

/// An MO that is a keyword.
pub struct NewKeyword {
    pub customer: Box<str>,
    pub asked: Asked,
    pub message: Message,
    pub by: Arc<str>,
}

/// Stores what it changes, with its answer: of several customers, when they share the number. `done` is called once, when
/// all of it is durable; when one is refused, the peer brings all of it again, which changes nothing where it is done.
pub fn accept(
    house: &Arc<House>,
    mut all: Vec<NewKeyword>,
    now: Timestamp,
    done: impl FnOnce(Result<MessageId, Reject>) + Send + 'static,
) {
    let Some(last) = all.pop() else { return };
    let done = Arc::new(Mutex::new(Some(done)));
    for new in all {
        let done = done.clone();
        accept_and(house, new, Vec::new(), now, move |result| {
            if let Some(done) = result.is_err().then(|| done.lock().take()).flatten() {
                done(result);
            }
        });
    }
    // The log keeps the order: once it is durable, those before it are.
    accept_and(house, last, Vec::new(), now, move |result| {
        let done = done.lock().take();
        if let Some(done) = done {
            done(result);
        }
    });
}

/// As [`accept`] of one, with more changes in the same batch. False: the store took nothing.
pub fn accept_and(
    house: &Arc<House>,
    new: NewKeyword,
    mut changes: Vec<Change>,
    now: Timestamp,
    done: impl FnOnce(Result<MessageId, Reject>) + Send + 'static,
) -> bool {
    let NewKeyword { customer: id, asked, message, by } = new;
    let (number, device) = (message.destination.clone(), message.source.clone());
    let record = OptOutRecord { customer: id.clone(), number, device, at: now };
    let directory = house.directory();
    let Some(customer) = directory.customer(&id) else {
        done(Err(Reject::NobodyServes(message.destination.to_string())));
        return false;
    };
    // Held until the store has it, so that memory and rows change in the same order.
    let mut opted_out = house.opt_outs.write();
    let is_out = opted_out.of(Some(customer)).has_opted_out(&record.number, &record.device);
    changes.extend(match asked.action {
        Action::Stop if !is_out => Some(Change::OptOut(record.clone())),
        Action::Start if is_out => Some(Change::OptIn(record.clone())),
        Action::Stop | Action::Start | Action::Help => None,
    });
    // An automaton that says STOP to the answer, too, gets no other.
    let is_told_before = asked.action == Action::Stop && is_out;
    let reply = (!is_told_before).then(|| reply(&directory, customer, &asked.reply, &record, now)).flatten();
    let mo = NewMessage { customer: id, place: Place::Ended, message, by, sibling: 0, is_picked_up: false };
    let list: Vec<NewMessage> = [mo].into_iter().chain(reply).collect();
    let subjects = list.iter().map(|_| None).collect();
    let also = Also { changes, ..Also::default() };
    let ids = store_messages(house, list, subjects, also, now, move |result| done(result.map(|ids| ids[0])));
    if ids.is_empty() {
        return false;
    }
    match asked.action {
        Action::Stop => opted_out.add(&record),
        Action::Start => opted_out.remove(&record),
        Action::Help => {}
    }
    true
}

/// What a device opted out of, by number.
pub fn of_device(house: &House, customer: &str, device: &Address) -> io::Result<Vec<OptOutRecord>> {
    let numbers = house.opt_outs.read().numbers(customer, device);
    let rows = numbers.iter().filter_map(|number| house.store.opt_out(customer, number, device).transpose());
    rows.collect()
}

/// The device wants messages again, as somebody (`who`) says whom the audit names. False: it had not opted out, and `done` is
/// not called; else it is when that is durable.
pub fn take_back(
    house: &House,
    (customer, number, device): (&str, &Address, &Address),
    who: &str,
    now: Timestamp,
    done: impl FnOnce(Result<(), StoreFailed>) + Send + 'static,
) -> io::Result<bool> {
    // Held until the store has it, so that memory and rows change in the same order.
    let mut opted_out = house.opt_outs.write();
    let Some(record) = house.store.opt_out(customer, number, device)? else { return Ok(false) };
    let audit = Audit {
        who: who.into(),
        at: now,
        kind: "opt-out".into(),
        id: format!("{customer}/{number}/{device}").into(),
        before: Some(json!({ "at_ms": record.at.0 }).to_string().into()),
        after: None,
    };
    house.store.change_audited(vec![Change::OptIn(record.clone())], &audit, done).map_err(io::Error::other)?;
    opted_out.remove(&record);
    Ok(true)
}

/// None: an empty answer, or no way to the device.
fn reply(
    directory: &Directory,
    customer: &Customer,
    text: &str,
    to: &OptOutRecord,
    now: Timestamp,
) -> Option<NewMessage> {
    if text.is_empty() {
        return None;
    }
    let Ok(queue) = queue_to(directory, &to.device) else {
        tracing::warn!(device = to.device.masked(), "no way to answer its keyword: there is no route to it");
        return None;
    };
    let options = directory.peers_of(&queue).next().map_or_else(EncodeOptions::default, |peer| peer.encode);
    let encoded = text::encode_with(text, &options);
    let content = Content::new(encoded.data_coding, &encoded.udh(), encoded.octets);
    let (source, destination) = (to.number.clone(), to.device.clone());
    let message = Message { source, destination, content, received_at: now };
    let expires = now.plus_ms(customer.validity_ms);
    let (class, to_application, tracked, once) = (Class::REPLY, false, None, None);
    let place = Place::Reply(Waiting { queue, class, due: now, expires, to_application, tracked, once });
    Some(NewMessage { customer: to.customer.clone(), place, message, by: BY.into(), sibling: 1, is_picked_up: false })
}

#[cfg(test)]
mod tests;
