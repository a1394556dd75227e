//! Whether a submission may enter, and where it waits: for a rule, a link, or its other parts.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use wasmsc_smpp::text::Payload;

use super::{Also, House, Origin, Scheduled, Submission, operations, parts};
use crate::firewall::{self, Reject};
use crate::message::{Address, Class, Message, Timestamp};
use crate::route::{Customer, Destination, Directory};
use crate::schedule::SubjectKey;
use crate::store::{NewMessage, Place, Waiting};
use crate::tracking::{Later, Tracked};

/// What becomes of a submission that may enter.
pub enum Admitted {
    /// With its subject, when a rule takes it.
    Whole(NewMessage, Option<Scheduled>),
    Part(parts::NewPart),
}

/// MO or MT? The peer's role decides, never the PDU.
pub fn admit(
    house: &Arc<House>,
    from: Origin,
    submission: Submission,
    also: &mut Also,
    now: Timestamp,
) -> Result<Admitted, Reject> {
    if let Some(peer) = from.peer(&house.directory())
        && !peer.sources.is_empty()
        && !peer.sources.contains(&submission.message.source)
    {
        return Err(Reject::ForeignSender(submission.message.source.to_string()));
    }
    match from.customer(&house.directory()) {
        None => admit_mo(house, &from.name(&house.directory()), submission),
        Some(customer) => admit_mt(house, (from, customer), submission, also, now),
    }
}

fn admit_mo(house: &House, peer: &Arc<str>, submission: Submission) -> Result<Admitted, Reject> {
    let (directory, message) = (&house.directory(), submission.message);
    let customer = firewall::check_mo(directory, &message.source, &message.destination)?;
    if let Some(part) = message.content.part().filter(|part| part.total > 1)
        && joins_parts(directory, customer, &message)
    {
        return Ok(Admitted::Part(parts::NewPart::new(customer, part, message, peer.clone())));
    }
    let wish = submission.registered_delivery;
    let tracked = (wish != 0).then(|| Box::new(Tracked::new(&customer.id, peer, wish, &message, Later::Now)));
    let (place, subject) = place_mo(house, customer, &message, tracked)?;
    Ok(Admitted::Whole(
        NewMessage {
            customer: (*customer.id).into(),
            place,
            message,
            by: peer.clone(),
            sibling: 0,
            is_picked_up: customer.inbox.is_some(),
        },
        subject,
    ))
}

/// Rules and inboxes get long messages whole, applications when they want to.
fn joins_parts(directory: &Directory, customer: &Customer, message: &Message) -> bool {
    match directory.destination(customer, &message.destination, String::new) {
        Some(Destination::Application(account)) => {
            // A rule with a keyword may want it: only the whole text tells.
            customer.inbox.is_some()
                || directory.peer(account).join_segments
                || directory.has_keywords(&message.destination)
        }
        Some(Destination::Rule(_)) | None => true,
    }
}

/// Where a whole MO waits. One for a rule or an inbox is counted already: the messages of one batch must not slip in
/// together.
pub fn place_mo(
    house: &House,
    customer: &Customer,
    message: &Message,
    tracked: Option<Box<Tracked>>,
) -> Result<(Place, Option<Scheduled>), Reject> {
    let inbox = house.enter_inbox(customer)?;
    let placed = place_beside_inbox(house, customer, message, tracked);
    if let Some(inbox) = inbox.filter(|_| placed.is_err()) {
        house.inboxes.leave(inbox, 1);
    }
    placed
}

fn place_beside_inbox(
    house: &House,
    customer: &Customer,
    message: &Message,
    tracked: Option<Box<Tracked>>,
) -> Result<(Place, Option<Scheduled>), Reject> {
    let directory = &house.directory();
    match directory.destination(customer, &message.destination, || first_word(message)) {
        Some(Destination::Rule(rule)) => {
            let waiting = house.counter(&customer.id).map_or(0, |c| c.fetch_add(1, Ordering::Relaxed));
            if waiting >= customer.queue_max {
                house.count(&customer.id, -1);
                return Err(Reject::QueueFull(customer.id.to_string()));
            }
            let name = directory.rules[rule.0].name.as_str().into();
            let key = SubjectKey { rule, device: message.source.to_string().into() };
            let is_tracked = tracked.is_some();
            Ok((Place::Inbox { rule: name, tracked }, Some(Scheduled { key, is_tracked })))
        }
        Some(Destination::Application(account)) => {
            let nobody = || Reject::NobodyServes(message.destination.to_string());
            let queue = directory.queue_of(account).ok_or_else(nobody)?.clone();
            firewall::check_length(directory.peers_of(&queue), &message.content)?;
            let (due, expires) = (message.received_at, message.received_at.plus_ms(customer.validity_ms));
            Ok((
                Place::Outbox(Waiting {
                    queue,
                    class: Class::INBOUND,
                    due,
                    expires,
                    to_application: true,
                    tracked,
                    once: None,
                }),
                None,
            ))
        }
        None if customer.inbox.is_some() => Ok((Place::Pickup { tracked }, None)),
        None => Err(Reject::NobodyServes(message.destination.to_string())),
    }
}

fn first_word(message: &Message) -> String {
    match message.content.payload() {
        Payload::Text(text) => text.split_whitespace().next().unwrap_or_default().to_owned(),
        Payload::Binary(_) => String::new(),
    }
}

fn admit_mt(
    house: &Arc<House>,
    (from, customer): (Origin, &str),
    submission: Submission,
    also: &mut Also,
    now: Timestamp,
) -> Result<Admitted, Reject> {
    let (directory, message) = (&house.directory(), &submission.message);
    let owner = directory.customer(customer).ok_or_else(|| Reject::ForeignSender(message.source.to_string()))?;
    firewall::check_mt(owner, &message.source, &message.destination)?;
    let queue = queue_to(directory, &message.destination)?;
    firewall::check_length(directory.peers_of(&queue), &message.content)?;
    let account = from.account(directory);
    let due = submission.schedule.map_or(now, |schedule| schedule.max(now));
    let expires = expiry(owner, submission.expires, due, now)?;
    if submission.replaces {
        let ends = operations::replace_if_present(house, from, &submission, now)?;
        also.changes.extend(ends.changes);
        also.offers.extend(ends.offers);
        also.releases.extend(ends.releases);
    }
    let later = if due > now { Later::Scheduled } else { Later::Now };
    let mut tracked = Tracked::new(customer, account, submission.registered_delivery, message, later);
    tracked.tag = submission.tag;
    let once = submission.once.map(Box::new);
    let class = Class::of_priority(message.content.priority_flag);
    let place = Place::Outbox(Waiting {
        queue,
        class,
        due,
        expires,
        to_application: false,
        tracked: Some(Box::new(tracked)),
        once,
    });
    let (message, sibling) = (submission.message, submission.sibling);
    let by = from.name(directory);
    Ok(Admitted::Whole(
        NewMessage { customer: customer.into(), place, message, by, sibling, is_picked_up: false },
        None,
    ))
}

/// Nobody plans further ahead; what does is a mistake, or a peer that fills the disk.
const SCHEDULE_MAX_MS: u64 = 366 * 86_400_000;

/// Within the customer's ceiling, and not before the message may leave at all.
pub fn expiry(owner: &Customer, asked: Option<Timestamp>, due: Timestamp, now: Timestamp) -> Result<Timestamp, Reject> {
    if due > now.plus_ms(SCHEDULE_MAX_MS) {
        return Err(Reject::TooFarAhead);
    }
    let Some(asked) = asked else { return Ok(due.plus_ms(owner.validity_ms)) };
    if asked <= now {
        return Err(Reject::AlreadyExpired);
    }
    if asked <= due {
        return Err(Reject::ExpiresBeforeSchedule);
    }
    Ok(asked.min(due.plus_ms(owner.validity_max_ms)))
}

pub fn queue_to(directory: &Directory, device: &Address) -> Result<Arc<str>, Reject> {
    let queue = directory.route_to_device(device).ok_or_else(|| Reject::NoRoute(device.masked()))?;
    Ok(directory.queues[queue.0].name.clone())
}
