//! What would become of a message, and why: the checks of the firewall, and where it would wait.

use super::admit::queue_to;
use super::judging::Trial;
use super::{House, sharing};
use crate::firewall::{By, Explanation, Kind, Viewer};
use crate::message::{Address, Timestamp};
use crate::route::{Customer, Destination, Directory, Peer, first_word};

/// A message that nobody sends.
pub struct Question<'a> {
    pub source: &'a Address,
    pub destination: &'a Address,
    pub text: Option<&'a str>,
    /// Who hands it in; else the REST API what is from a customer's number or name, and some network the rest.
    pub account: Option<&'a Peer>,
}

/// Where a message that passes waits.
#[derive(Debug, PartialEq, Eq)]
pub enum GoesTo {
    Rule(String),
    Application(String),
    /// A prefix, whose peers share what is for it.
    Route(String),
    /// Another customer's, whose rules and accounts are no business of who asks.
    Other,
    Nobody,
}

pub struct Explained {
    pub kind: Kind,
    pub firewall: Explanation,
    pub goes_to: GoesTo,
}

/// Counts and stores nothing. None: neither end is of the customer that asks.
pub fn explain(house: &House, question: &Question<'_>, viewer: Viewer<'_>, now: Timestamp) -> Option<Explained> {
    let directory = &house.directory();
    let viewed_by = match viewer {
        Viewer::Customer(own) => Some(directory.customer(own)?),
        Viewer::Operator => None,
    };
    let trial = trial(house, directory, question, viewed_by, now);
    if let Some(own) = viewed_by
        && !own.has_number(question.destination)
        && !trial.owners().any(|owner| owner.id == own.id)
    {
        return None;
    }
    let goes_to = match (viewed_by, trial.customer()) {
        (Some(own), Some(customer)) if trial.kind == Kind::Mo && own.id != customer.id => GoesTo::Other,
        _ => goes_to(directory, &trial, question),
    };
    Some(Explained { kind: trial.kind, firewall: house.explain(&trial, now, viewer), goes_to })
}

pub(super) fn trial<'d, 'm>(
    house: &'d House,
    directory: &'d Directory,
    question: &Question<'m>,
    viewed_by: Option<&'d Customer>,
    now: Timestamp,
) -> Trial<'d, 'm>
where
    'm: 'd,
{
    let Question { source, destination, text, account } = *question;
    let of_network = |peer| match directory.shared(destination) {
        Some(shared) => sharing::trial(house, directory, (shared, peer), (source, destination), (text, now)),
        None => Trial::of_network(directory, peer, source, destination).saying(text),
    };
    // Of a number that several share: who asks, else whose device it is.
    let is_sender = |customer: &&Customer| customer.may_send_from(source);
    let of_device = || {
        directory
            .customers()
            .map(|(_, customer)| &**customer)
            .find(|customer| is_sender(customer) && customer.owns_device(destination))
    };
    let sender = || viewed_by.filter(is_sender).or_else(of_device).or_else(|| directory.owner_of_sender(source));
    let trial = match account.map(|peer| (peer, &peer.customer)) {
        Some((peer, None)) => return of_network(Some(peer)),
        Some((peer, Some(own))) => {
            Trial::of_customer(directory, directory.customer(own), (By::Application, Some(peer)), source, destination)
        }
        None => match sender() {
            Some(owner) => Trial::of_customer(directory, Some(owner), (By::Rest, None), source, destination),
            None => return of_network(None),
        },
    };
    trial.saying(text)
}

fn goes_to(directory: &Directory, trial: &Trial<'_, '_>, question: &Question<'_>) -> GoesTo {
    if trial.is_unclaimed() {
        return GoesTo::Nobody;
    }
    let (Kind::Mo, Some(customer)) = (trial.kind, trial.customer()) else {
        return queue_to(directory, question.destination)
            .map_or(GoesTo::Nobody, |queue| GoesTo::Route(queue.to_string()));
    };
    let word = || first_word(question.text.unwrap_or_default());
    match directory.destination(customer, question.destination, word) {
        Some(Destination::Rule(rule)) => GoesTo::Rule(directory.rules[rule.0].name.clone()),
        Some(Destination::Application(peer)) => GoesTo::Application(directory.peer(peer).name.to_string()),
        None => GoesTo::Nobody,
    }
}
