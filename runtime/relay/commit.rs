//! What a call of a rule wants done becomes one batch.

use std::sync::Arc;

use super::admit::queue_to;
use super::ended::mo_ended;
use super::recordings::Kept;
use super::{House, Stored, offer_when_due, rule_call};
use crate::message::{Address, MessageId, Timestamp};
use crate::metrics::Reached;
use crate::occasion::{HttpCall, Outgoing, Response, TimerChange};
use crate::plugin::Effects;
use crate::route::{Customer, Directory};
use crate::schedule::{Event, SubjectKey};
use crate::store::keys::{OutboxKey, Subject};
use crate::store::{
    Answer, AnswerRecord, Change, Committed, Finished, HttpCallKey, HttpCallRecord, OutboxRecord, Queued,
};
use crate::timeline::Direction;
use crate::tracking::{ForRule, Later, Tracked, Waits};
use wasmsc_smpp::receipt::MessageState;

/// registered_delivery of a message whose rule wants to know (SMPP 3.4 §5.2.17).
const RECEIPT_WANTED: u8 = 1;

/// Stores all of it, or nothing where what the call read is not so any more.
pub fn commit(
    house: &Arc<House>,
    key: &SubjectKey,
    event: Event,
    (effects, kept): (Effects, Option<Kept>),
    now: Timestamp,
) -> Stored<Committed> {
    let directory = house.directory();
    let rule = &directory.rules[key.rule.0];
    let customer = &*rule.customer;
    let id = MessageId::accepted(event.number);
    let Effects { state, state_growth, messages, timers, reads, shared, calls, response, number, passed } = effects;
    let number = number.or_else(|| rule.sender());
    let facts = Facts { directory: &directory, customer, rule: &rule.name, key, event, number };
    let Sent { mut queued, tags, followed } = Sent::of(&facts, id, messages, now);
    let mut also: Vec<Change> =
        calls.into_iter().enumerate().map(|(index, call)| facts.http_call((id, index as u16), call, now)).collect();
    let calls = also.len();
    also.extend(response.map(|response| facts.answer(id, response, now)));
    let is_answer = also.len() > calls;
    let kept_octets = Kept::put(kept, &mut also);
    let sent = queued.len();
    if event.is_tracked {
        let (tracked, receipts) = mo_ended(house, (event.partition, id), MessageState::Delivered, now);
        also.extend(tracked.map(|(id, tracked)| Change::Track(event.partition, id, tracked)));
        queued.extend(receipts);
    }
    let first_timer = timers.iter().filter_map(|(_, change)| due(change)).min();
    let finished = Finished {
        partition: event.partition,
        event: event.number,
        is_mo: event.is_mo,
        customer,
        rule: directory.rule_name(key.rule),
        at: now,
        subject: facts.subject(house),
        state,
        reads,
        shared,
        timers,
        queued,
        tags,
        followed,
        also,
    };
    let is_heard = !finished.queued.is_empty() || calls > 0 || is_answer;
    let caller = (calls > 0).then(|| customer.into());
    let done = is_heard.then(|| durable(house.clone(), id, (caller, is_answer), now));
    let committed = house.store.commit(finished, done)?;
    if committed == Committed::Yes {
        passed.keep();
        house.state_grew(key.rule, state_growth);
        house.recordings.kept(key.rule, kept_octets);
        count(house, customer, event.is_mo, sent);
        if let Some(due) = first_timer {
            house.timers.set(customer, due);
        }
    }
    Ok(committed)
}

/// Tells whoever hears of it, when it is durable: links, who makes HTTP calls, who waits for the answer.
fn durable(
    house: Arc<House>,
    id: MessageId,
    (caller, is_answer): (Option<Box<str>>, bool),
    now: Timestamp,
) -> impl FnOnce(Vec<Queued>) + Send + 'static {
    move |queued| {
        offer_when_due(&*house.outlet, queued, now);
        if let Some(customer) = caller {
            house.http_calls.submitted(&customer, now);
        }
        if is_answer {
            house.requests.answered(id);
        }
    }
}

fn count(house: &House, customer: &str, is_mo: bool, sent: usize) {
    if is_mo {
        house.count_message(customer, Direction::Mo, Reached::Taken);
    }
    (0..sent).for_each(|_| house.count_message(customer, Direction::Mt, Reached::Accepted));
}

fn due(change: &TimerChange) -> Option<Timestamp> {
    match change {
        TimerChange::Set { now, .. } => Some(now.due),
        TimerChange::Gone { .. } => None,
    }
}

struct Facts<'d> {
    directory: &'d Directory,
    customer: &'d str,
    /// Without the customer.
    rule: &'d str,
    key: &'d SubjectKey,
    event: Event,
    number: Option<Address>,
}

impl Facts<'_> {
    fn subject(&self, house: &House) -> Subject {
        rule_call::subject(house, self.key.rule, &self.key.device, self.event.partition)
    }

    fn device(&self) -> Address {
        Address::parse(&self.key.device).unwrap_or_else(|_| Address::Alphanumeric((*self.key.device).into()))
    }

    fn customer(&self) -> Option<&Customer> {
        self.directory.customer(self.customer)
    }

    /// From which number what follows is answered.
    fn number(&self) -> Address {
        self.number.clone().unwrap_or_else(|| Address::Alphanumeric("".into()))
    }

    fn http_call(&self, (id, index): (MessageId, u16), call: HttpCall, now: Timestamp) -> Change {
        let customer: Arc<str> = self.customer.into();
        let record = HttpCallRecord {
            rule: self.rule.into(),
            device: self.device(),
            number: self.number(),
            call,
            attempts: 0,
            submitted_at: now,
        };
        Change::HttpCall(HttpCallKey { customer, due: now, id: id.effect(index + 1) }, Box::new(record))
    }

    fn answer(&self, id: MessageId, response: Response, now: Timestamp) -> Change {
        let answer = AnswerRecord { rule: self.rule.into(), at: now, answer: Answer::Response(response) };
        Change::Answer(self.customer.into(), id, Box::new(answer))
    }
}

/// What a call sends, as rows.
#[derive(Default)]
struct Sent {
    queued: Vec<Queued>,
    tags: Vec<(MessageId, Box<str>)>,
    followed: Vec<(MessageId, Box<Tracked>)>,
}

impl Sent {
    fn of(facts: &Facts<'_>, event: MessageId, messages: Vec<Outgoing>, now: Timestamp) -> Sent {
        let mut sent = Sent { queued: Vec::with_capacity(messages.len()), ..Sent::default() };
        for (index, outgoing) in messages.into_iter().enumerate() {
            sent.add(facts, event.effect(index as u16 + 1), outgoing, now);
        }
        sent
    }

    fn add(&mut self, facts: &Facts<'_>, id: MessageId, outgoing: Outgoing, now: Timestamp) {
        let Outgoing { message, tag, delay_ms, validity_ms, class, wants_receipt } = outgoing;
        // The outbox found a route. One that went since may come back, or another one: until then the message waits in
        // a queue of its own.
        let queue =
            queue_to(facts.directory, &message.destination).unwrap_or_else(|_| message.destination.to_string().into());
        let (usual, longest) =
            facts.customer().map_or((0, 0), |customer| (customer.validity_ms, customer.validity_max_ms));
        let due = now.plus_ms(delay_ms);
        let expires = due.plus_ms(validity_ms.map_or(usual, |validity| validity.min(longest)));
        let key = OutboxKey { partition: facts.event.partition, queue, class, due, id };
        let mut record = OutboxRecord::untracked(facts.customer, message, expires);
        if wants_receipt {
            let later = if due > now { Later::Scheduled } else { Later::Now };
            let mut tracked = Tracked::new(facts.customer, "", RECEIPT_WANTED, &record.message, later);
            tracked.shown_id = id;
            tracked.tag = tag.clone();
            tracked.waits = Some(Waits { queue: (*key.queue).into(), class: class.0, due });
            let (device, number) = (facts.device(), facts.number());
            tracked.for_rule = Some(Box::new(ForRule { rule: facts.rule.into(), device, number }));
            (record.tracked, record.registered_delivery) = (true, RECEIPT_WANTED);
            self.followed.push((id, Box::new(tracked)));
        }
        if !tag.is_empty() {
            self.tags.push((id, tag));
        }
        self.queued.push(Queued { key, record });
    }
}

#[cfg(test)]
mod tests;
