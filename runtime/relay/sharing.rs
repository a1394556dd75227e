//! MOs to numbers that several customers share: whose one is, and whom an opt-out keyword concerns.
//!
//! Whose a long message is stands in its first part. Until that is here the others are refused for a while, so that
//! nothing waits whose customer nobody knows, and every row lies in its customer's partition.

use std::sync::Arc;

use wasmsc_smpp::text::Payload;
use wasmsc_smpp::udh::Concat;

use super::admit::{Admitted, Passed, admitted, pass};
use super::judging::{Counting, Trial};
use super::opt_outs::NewKeyword;
use super::parts::{self, NewPart};
use super::{House, Origin, Submission};
use crate::firewall::opt_out::{self, Action, OptOuts};
use crate::firewall::{Reject, Unclaimed};
use crate::message::{Address, Message, Timestamp};
use crate::route::{Customer, Directory, Peer, Shared, first_word, last_word};

/// What a text to a shared number is about.
enum Meant<'d, 't> {
    /// A message to one customer.
    Message(Result<&'d Customer, Unclaimed>),
    /// "STOP METER": `said` is a keyword, and `word` tells to whom.
    OptOut { of: &'d Customer, said: &'t str, word: &'t str },
    /// "STOP": of all who read keywords.
    OptOutOfAll,
}

fn meant<'d, 't>(directory: &'d Directory, shared: &Shared, number: &Address, text: &'t str) -> Meant<'d, 't> {
    let is_keyword = |text| opt_out::action(number, text).is_some();
    if is_keyword(text) {
        return Meant::OptOutOfAll;
    }
    if let Some((said, word)) = text.trim_end().rsplit_once(char::is_whitespace)
        && is_keyword(said)
        && let Some(claimant) = shared.claimant(&last_word(word))
    {
        return Meant::OptOut { of: directory.customer_at(claimant), said, word };
    }
    Meant::Message(taker(directory, shared, text))
}

fn taker<'d>(directory: &'d Directory, shared: &Shared, text: &str) -> Result<&'d Customer, Unclaimed> {
    let taker = shared.taker(&first_word(text)).map(|index| directory.customer_at(index));
    taker.ok_or(Unclaimed::Word)
}

/// An MO to a shared number.
struct Mo<'d, 'm> {
    house: &'d House,
    directory: &'d Directory,
    shared: &'d Shared,
    peer: Option<&'d Peer>,
    ends: (&'m Address, &'m Address),
    now: Timestamp,
}

impl<'d, 'm> Mo<'d, 'm> {
    fn trial(&self, taker: Result<&'d Customer, Unclaimed>, text: Option<&'m str>) -> Trial<'d, 'm> {
        Trial::of_shared(self.directory, self.peer, self.ends.0, self.ends.1, taker).saying(text)
    }

    fn sharers(&self) -> impl Iterator<Item = &'d Customer> {
        let directory = self.directory;
        self.shared.sharers().map(move |index| directory.customer_at(index))
    }

    /// A policy reads this keyword, or would if it let the message pass.
    fn concerns(&self, sharer: &'d Customer, said: &'m str) -> bool {
        match self.house.ask(&self.trial(Ok(sharer), Some(said)), Counting::Not, self.now) {
            Ok(keyword) => keyword.is_some(),
            Err(_) => sharer.policy.reads_keywords(),
        }
    }
}

pub fn admit(
    house: &House,
    directory: &Directory,
    (from, shared): (Origin, &Shared),
    submission: Submission,
    now: Timestamp,
) -> Result<Admitted, Reject> {
    let (message, by, wish) = (submission.message, from.name(directory), submission.registered_delivery);
    let ends = (&message.source, &message.destination);
    let mo = Mo { house, directory, shared, peer: from.peer(directory), ends, now };
    if let Some(part) = message.content.part().filter(|part| part.total > 1) {
        let customer = taker_of_part(&mo, part, &message);
        house.judge(&mo.trial(customer, None).read(&message.content), (&message, &by), Counting::Not, now)?;
        let customer = customer.map_err(|_| Reject::NobodyServes(message.destination.to_string()))?;
        return Ok(Admitted::Part(NewPart::new(customer, part, message, by)));
    }
    let text = text_of(&message);
    let (trial, word) = match meant(directory, shared, ends.1, &text) {
        Meant::OptOut { of, said, word } if mo.concerns(of, said) => (mo.trial(Ok(of), Some(said)), Some(word)),
        Meant::OptOut { of, .. } => (mo.trial(Ok(of), None).read(&message.content), None),
        Meant::Message(taker) => (mo.trial(taker, None).read(&message.content), None),
        Meant::OptOutOfAll => match of_all(&mo, &text, (&message, &by))? {
            none if none.is_empty() => (mo.trial(taker(directory, shared, &text), None).read(&message.content), None),
            keywords => return Ok(Admitted::Keywords(keywords)),
        },
    };
    let mut passed = pass(house, directory, &trial, (&message, &by), wish, now)?;
    if let (Passed::Keyword(asked), Some(word)) = (&mut passed, word)
        && !asked.reply.is_empty()
    {
        // Others may write from the number still.
        asked.reply = format!("{word}: {}", asked.reply).into();
    }
    let (kind, customer) = (trial.kind, trial.customer());
    Ok(admitted((kind, customer), passed, message.clone(), by))
}

fn text_of(message: &Message) -> String {
    match message.content.payload() {
        Payload::Text(text) => text,
        Payload::Binary(_) => String::new(),
    }
}

fn taker_of_part<'d>(mo: &Mo<'d, '_>, part: Concat, message: &Message) -> Result<&'d Customer, Unclaimed> {
    if part.number == 1 {
        return taker(mo.directory, mo.shared, &text_of(message));
    }
    let whose = parts::whose(mo.house, mo.sharers(), (part, message), mo.now);
    whose.ok_or(Unclaimed::LaterPart)
}

/// The keyword for each sharer whose policy reads it: whoever says STOP to a number means everything that comes from it.
/// One of them answers. Empty: nobody reads it.
fn of_all(mo: &Mo<'_, '_>, text: &str, (message, by): (&Message, &Arc<str>)) -> Result<Vec<NewKeyword>, Reject> {
    let (mut keywords, mut refused) = (Vec::new(), None);
    let mo = Mo { ends: (&message.source, &message.destination), ..*mo };
    for sharer in mo.sharers().filter(|sharer| mo.concerns(sharer, text)) {
        match mo.house.judge(&mo.trial(Ok(sharer), Some(text)), (message, by), Counting::Message, mo.now) {
            Ok(Some(asked)) => {
                let (customer, message, by) = ((*sharer.id).into(), message.clone(), by.clone());
                keywords.push(NewKeyword { customer, asked, message, by });
            }
            Ok(None) => {}
            Err(reject) if reject.is_for_ever() => refused = Some(reject),
            Err(reject) => return Err(reject), // all of it again later
        }
    }
    let opted_out = mo.house.opt_outs.read();
    let is_out = |keyword: &NewKeyword| {
        let customer = mo.directory.customer(&keyword.customer);
        keyword.asked.action == Action::Stop && opted_out.of(customer).has_opted_out(mo.ends.1, mo.ends.0)
    };
    keywords.sort_by_key(is_out); // who was told STOP before does not answer again
    keywords.iter_mut().skip(1).for_each(|keyword| keyword.asked.reply = "".into());
    match refused {
        Some(reject) if keywords.is_empty() => Err(reject),
        _ => Ok(keywords),
    }
}

/// As it would be judged.
pub fn trial<'d, 'm>(
    house: &'d House,
    directory: &'d Directory,
    (shared, peer): (&'d Shared, Option<&'d Peer>),
    ends: (&'m Address, &'m Address),
    (text, now): (Option<&'m str>, Timestamp),
) -> Trial<'d, 'm> {
    let mo = Mo { house, directory, shared, peer, ends, now };
    let said = text.unwrap_or_default();
    let to_taker = || mo.trial(taker(directory, shared, said), text);
    match meant(directory, shared, ends.1, said) {
        Meant::OptOut { of, said, .. } if mo.concerns(of, said) => mo.trial(Ok(of), Some(said)),
        Meant::OptOut { of, .. } => mo.trial(Ok(of), text),
        Meant::Message(taker) => mo.trial(taker, text),
        Meant::OptOutOfAll => {
            let first = mo.sharers().find(|sharer| mo.concerns(sharer, said));
            first.map_or_else(to_taker, |sharer| mo.trial(Ok(sharer), text))
        }
    }
}

#[cfg(test)]
mod tests;
