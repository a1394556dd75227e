//! What would become of a message, and why: the checks of the firewall, and where it would wait.

use super::House;
use super::admit::{first_word_of, queue_to};
use super::judging::Trial;
use crate::firewall::{By, Explanation, Kind, Viewer};
use crate::message::{Address, Timestamp};
use crate::route::{Destination, Directory, Peer};

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
    let trial = trial(directory, question).saying(question.text);
    if let Viewer::Customer(own) = viewer
        && !trial.owners().any(|owner| *owner.id == *own)
    {
        return None;
    }
    let goes_to = goes_to(directory, &trial, question);
    Some(Explained { kind: trial.kind, firewall: house.explain(&trial, now, viewer), goes_to })
}

fn trial<'d, 'm>(directory: &'d Directory, question: &Question<'m>) -> Trial<'d, 'm>
where
    'm: 'd,
{
    let Question { source, destination, account, .. } = question;
    match account.map(|peer| (peer, &peer.customer)) {
        Some((peer, None)) => Trial::of_network(directory, Some(peer), source, destination),
        Some((peer, Some(own))) => {
            Trial::of_customer(directory, directory.customer(own), (By::Application, Some(peer)), source, destination)
        }
        None => match directory.owner_of_sender(source) {
            Some(owner) => Trial::of_customer(directory, Some(owner), (By::Rest, None), source, destination),
            None => Trial::of_network(directory, None, source, destination),
        },
    }
}

fn goes_to(directory: &Directory, trial: &Trial<'_, '_>, question: &Question<'_>) -> GoesTo {
    let (Kind::Mo, Some(customer)) = (trial.kind, trial.customer()) else {
        return queue_to(directory, question.destination)
            .map_or(GoesTo::Nobody, |queue| GoesTo::Route(queue.to_string()));
    };
    let word = || first_word_of(question.text.unwrap_or_default());
    match directory.destination(customer, question.destination, word) {
        Some(Destination::Rule(rule)) => GoesTo::Rule(directory.rules[rule.0].name.clone()),
        Some(Destination::Application(peer)) => GoesTo::Application(directory.peer(peer).name.to_string()),
        None => GoesTo::Nobody,
    }
}
