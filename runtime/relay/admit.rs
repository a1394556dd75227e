//! Whether a submission may enter, and where it waits: for a rule, a link, or its other parts.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use wasmsc_smpp::text::Payload;

use super::judging::{Asked, Counting, Trial};
use super::{Also, House, Origin, Scheduled, Submission, operations, opt_outs, parts, sharing};
use crate::firewall::{self, Kind, Reject};
use crate::message::{Address, Class, Message, Timestamp};
use crate::route::{Customer, Destination, Directory, first_word};
use crate::schedule::SubjectKey;
use crate::store::{NewMessage, Place, Waiting};
use crate::tracking::{Later, Tracked};

/// What becomes of a submission that may enter.
pub enum Admitted {
    /// With its subject, when a rule takes it.
    Whole(NewMessage, Option<Scheduled>),
    Part(parts::NewPart),
    /// Of one customer, or of several who share the number.
    Keywords(Vec<opt_outs::NewKeyword>),
}

/// MO, MT or P2P? The peer's role and the numbers decide, never the PDU.
pub fn admit(
    house: &Arc<House>,
    from: Origin,
    submission: Submission,
    also: &mut Also,
    now: Timestamp,
) -> Result<Admitted, Reject> {
    let directory = &house.directory();
    match from.customer(directory) {
        None => admit_from_network(house, directory, from, submission, now),
        Some(customer) => admit_mt(house, directory, (from, customer), submission, also, now),
    }
}

fn admit_from_network(
    house: &House,
    directory: &Directory,
    from: Origin,
    submission: Submission,
    now: Timestamp,
) -> Result<Admitted, Reject> {
    if let Some(shared) = directory.shared(&submission.message.destination) {
        return sharing::admit(house, directory, (from, shared), submission, now);
    }
    let (message, by) = (submission.message, from.name(directory));
    let trial = Trial::of_network(directory, from.peer(directory), &message.source, &message.destination);
    if let (Kind::Mo, Some(customer), Some(part)) = (trial.kind, trial.customer(), message.content.part())
        && part.total > 1
        && joins_parts(directory, customer, &message)
    {
        // Each part has to pass; what the whole says is read when it is whole, and it uses limits up then.
        house.judge(&trial, (&message, &by), Counting::Not, now)?;
        return Ok(Admitted::Part(parts::NewPart::new(customer, part, message, by)));
    }
    let (trial, wish) = (trial.read(&message.content), submission.registered_delivery);
    let passed = pass(house, directory, &trial, (&message, &by), wish, now)?;
    let (kind, customer) = (trial.kind, trial.customer());
    Ok(admitted((kind, customer), passed, message, by))
}

/// Finds the place of a whole message from the network, and judges it.
pub fn pass(
    house: &House,
    directory: &Directory,
    trial: &Trial<'_, '_>,
    (message, by): (&Message, &Arc<str>),
    wish: u8,
    now: Timestamp,
) -> Result<Passed<Placed>, Reject> {
    let customer = trial.customer().filter(|_| !trial.is_unclaimed());
    let tracked = customer.filter(|_| wish != 0);
    let tracked = tracked.map(|own| Box::new(Tracked::new(&own.id, by, wish, message, Later::Now)));
    let placed = match (trial.kind, customer) {
        (Kind::Mo, Some(customer)) => place_mo(house, customer, message, tracked),
        (Kind::P2p, Some(customer)) => place_p2p(directory, customer, message, tracked).map(|place| (place, None)),
        _ => Err(Reject::NobodyServes(message.destination.to_string())),
    };
    house.decide(trial, (message, by), placed, now)
}

/// One that passed, with whose it is.
pub fn admitted(
    (kind, customer): (Kind, Option<&Customer>),
    passed: Passed<Placed>,
    message: Message,
    by: Arc<str>,
) -> Admitted {
    let is_picked_up = kind == Kind::Mo && customer.is_some_and(|customer| customer.inbox.is_some());
    let customer = customer.map_or("", |customer| &*customer.id).into();
    match passed {
        Passed::Message((place, subject)) => {
            Admitted::Whole(NewMessage { customer, place, message, by, sibling: 0, is_picked_up }, subject)
        }
        Passed::Keyword(asked) => Admitted::Keywords(vec![opt_outs::NewKeyword { customer, asked, message, by }]),
    }
}

/// A whole message that may pass.
pub enum Passed<T> {
    /// It goes where it was placed.
    Message(T),
    /// It is answered instead.
    Keyword(Asked),
}

/// Where a message from the network waits, and what runs for it.
pub type Placed = (Place, Option<Scheduled>);

impl House {
    /// Judges a message whose place was looked for: only one that has a place uses limits up.
    pub(super) fn decide(
        &self,
        trial: &Trial<'_, '_>,
        (message, by): (&Message, &Arc<str>),
        placed: Result<Placed, Reject>,
        now: Timestamp,
    ) -> Result<Passed<Placed>, Reject> {
        let counting = if placed.is_ok() { Counting::of(message) } else { Counting::Not };
        let judged = self.judge(trial, (message, by), counting, now);
        match (judged, placed) {
            (Ok(None), Ok(placed)) => Ok(Passed::Message(placed)),
            (Ok(None), Err(reject)) => {
                self.count_refused(trial);
                Err(reject)
            }
            (judged, placed) => {
                if let (Ok((_, subject)), Some(customer)) = (placed, trial.customer()) {
                    self.leave(trial.kind, customer, subject.as_ref());
                }
                judged.map(|asked| Passed::Keyword(asked.expect("the arms above take the others")))
            }
        }
    }
}

impl House {
    /// A message that was placed waits for no rule and in no inbox after all.
    fn leave(&self, kind: Kind, customer: &Customer, subject: Option<&Scheduled>) {
        if subject.is_some() {
            self.count(&customer.id, -1);
        }
        if let (Kind::Mo, Some(_), Some(index)) = (kind, customer.inbox, self.directory().customer_named(&customer.id))
        {
            self.inboxes.leave(index, 1);
        }
    }
}

/// Rules and inboxes get long messages whole, applications when they want to.
fn joins_parts(directory: &Directory, customer: &Customer, message: &Message) -> bool {
    match directory.destination(customer, &message.destination, String::new) {
        Some(Destination::Application(account)) => {
            // A rule with a keyword may want it: only the whole text tells.
            customer.inbox.is_some()
                || directory.peer(account).join_segments
                || directory.has_keywords(customer, &message.destination)
        }
        Some(Destination::Rule(_)) | None => true,
    }
}

/// Where a message from device to device waits: for the network, as an MT does.
fn place_p2p(
    directory: &Directory,
    customer: &Customer,
    message: &Message,
    tracked: Option<Box<Tracked>>,
) -> Result<Place, Reject> {
    let queue = queue_to(directory, &message.destination)?;
    firewall::check_length(directory.peers_of(&queue), &message.content)?;
    let (due, class) = (message.received_at, Class::of_priority(message.content.priority_flag));
    let expires = due.plus_ms(customer.validity_ms);
    Ok(Place::Outbox(Waiting { queue, class, due, expires, to_application: false, tracked, once: None }))
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
    match directory.destination(customer, &message.destination, || word_of(message)) {
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

fn word_of(message: &Message) -> String {
    match message.content.payload() {
        Payload::Text(text) => first_word(&text),
        Payload::Binary(_) => String::new(),
    }
}

fn admit_mt(
    house: &Arc<House>,
    directory: &Directory,
    (from, customer): (Origin, &str),
    submission: Submission,
    also: &mut Also,
    now: Timestamp,
) -> Result<Admitted, Reject> {
    let (message, by, owner) = (&submission.message, from.name(directory), directory.customer(customer));
    let submitter = (from.by(), from.peer(directory));
    let trial = Trial::of_customer(directory, owner, submitter, &message.source, &message.destination);
    let trial = trial.read(&message.content);
    let placed = place_mt(directory, owner, &submission, now);
    let counting = if placed.is_ok() { Counting::of(message) } else { Counting::Not };
    house.judge(&trial, (message, &by), counting, now)?;
    let (queue, due, expires) = placed.inspect_err(|_| house.count_refused(&trial))?;
    let account = from.account(directory);
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
    let new = NewMessage { customer: customer.into(), place, message, by, sibling, is_picked_up: false };
    Ok(Admitted::Whole(new, None))
}

/// Queue, when it may leave, and when its time is over.
fn place_mt(
    directory: &Directory,
    owner: Option<&Customer>,
    submission: &Submission,
    now: Timestamp,
) -> Result<(Arc<str>, Timestamp, Timestamp), Reject> {
    let Message { destination, content, .. } = &submission.message;
    let owner = owner.ok_or_else(|| Reject::NobodyServes(destination.to_string()))?;
    let queue = queue_to(directory, destination)?;
    firewall::check_length(directory.peers_of(&queue), content)?;
    let due = submission.schedule.map_or(now, |schedule| schedule.max(now));
    let expires = expiry(owner, submission.expires, due, now)?;
    Ok((queue, due, expires))
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
