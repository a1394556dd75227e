//! What stands between the events of a case: time, state, timers, receipts and answers that are awaited.
//!
//! In memory, and pure: [`World::call`] says what an event calls its rule with, [`World::commit`] takes what came of it.

use std::collections::BTreeMap;

use super::case::{Body, Coding, EarlierReceipt, Given, GivenTimer, Identity, Trigger};
use super::got::{Got, Message, Outcome};
use super::lapse;
use crate::message::{Address, MessageId, Timestamp};

/// One call of the rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub id: MessageId,
    /// 1 on the first attempt.
    pub attempt: u32,
    /// Time of the event.
    pub now: Timestamp,
    /// The number of the rule that this is about: replies come from it.
    pub number: Address,
    /// Its random octets follow from that, where it is a recorded one.
    pub seed: Option<[u8; 32]>,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Mo { body: Body, tlvs: Vec<(u16, Vec<u8>)>, coding: Option<Coding> },
    Timer { name: String, set: MessageId, due_at: Timestamp, payload: Vec<u8> },
    Receipt { message_id: String, tag: Option<String>, recipient: String, state: String, error: Option<u16> },
    ReceiptOf(Box<EarlierReceipt>),
    HttpReply { tag: String, status: Option<u16>, body: Vec<u8> },
    Request { name: String, body: Vec<u8> },
    Check,
}

/// A timer that is set.
#[derive(Clone, Debug, PartialEq)]
pub struct Due {
    /// Which setting of it.
    pub set: MessageId,
    pub at: Timestamp,
    pub payload: Vec<u8>,
    /// From which its answers leave.
    number: Address,
}

/// A message whose receipt is awaited.
#[derive(Clone, Debug, PartialEq)]
struct Awaited {
    id: String,
    tag: Option<String>,
    recipient: String,
    number: Address,
    has_come: bool,
}

pub struct World {
    pub now: Timestamp,
    pub state: BTreeMap<String, Vec<u8>>,
    pub shared: BTreeMap<String, Vec<u8>>,
    pub timers: BTreeMap<String, Due>,
    /// Every message that asked for a receipt, in the order of sending.
    receipts: Vec<Awaited>,
    /// Tags of the calls that are not answered, with the numbers that their answers leave from.
    calls: Vec<(String, Address)>,
    /// Of the device's last MO.
    number: Address,
    events: u64,
    /// Of the next event.
    pub identity: Identity,
    last: Option<Call>,
    /// The last call is to be tried again, or may be.
    is_open: bool,
}

impl World {
    pub fn new(given: &Given) -> World {
        let octets = |values: &BTreeMap<String, super::octets::Octets>| {
            values.iter().map(|(name, value)| (name.clone(), value.to_vec())).collect()
        };
        World {
            now: given.now,
            state: octets(&given.state),
            shared: octets(&given.shared),
            timers: given.timers.iter().zip(1..).map(|(timer, number)| due(timer, number, given)).collect(),
            receipts: Vec::new(),
            calls: given.http_calls.iter().map(|tag| (tag.clone(), given.number.clone())).collect(),
            number: given.number.clone(),
            events: 0,
            identity: Identity::default(),
            last: None,
            is_open: false,
        }
    }

    /// Lets time pass, and says what the rule is called with. An error: this cannot happen here.
    pub fn call(&mut self, trigger: &Trigger, after_ms: u64, given: &Given) -> Result<Call, String> {
        self.now = self.now.plus_ms(after_ms);
        if *trigger == Trigger::Again {
            return self.again();
        }
        let mut number = self.number.clone();
        let what = match trigger {
            Trigger::Mo { body, to, tlvs, coding } => {
                number = to.clone().unwrap_or_else(|| given.number.clone());
                self.number = number.clone();
                What::Mo { body: body.clone(), tlvs: tlvs.clone(), coding: *coding }
            }
            Trigger::Timer(name) => self.timer(name, &mut number)?,
            Trigger::Receipt { of, state, error } => self.receipt(*of, (state, *error), &mut number)?,
            Trigger::ReceiptOf(receipt) => What::ReceiptOf(receipt.clone()),
            Trigger::HttpReply { tag, status, body } => {
                let awaited = self.calls.iter().position(|(call, _)| call == tag);
                let awaited = awaited.ok_or_else(|| format!("no HTTP call with tag {tag:?} waits for an answer"))?;
                number = self.calls.remove(awaited).1;
                What::HttpReply { tag: tag.clone(), status: *status, body: body.clone() }
            }
            Trigger::Request { name, body } => What::Request { name: name.clone(), body: body.clone() },
            Trigger::Check | Trigger::Again => What::Check,
        };
        self.events += 1;
        let Identity { id, attempt, seed } = std::mem::take(&mut self.identity);
        let (id, attempt) = (id.unwrap_or(MessageId::accepted(self.events)), attempt.unwrap_or(1));
        let call = Call { id, attempt, now: self.now, number, seed, what };
        self.last = Some(call.clone());
        Ok(call)
    }

    fn again(&mut self) -> Result<Call, String> {
        let last = self.last.as_mut().filter(|_| self.is_open);
        let last = last.ok_or("again: the event before it did not end in retry or broken")?;
        last.attempt += 1;
        Ok(last.clone())
    }

    /// Time moves on to when it is due.
    fn timer(&mut self, name: &str, number: &mut Address) -> Result<What, String> {
        let Some(due) = self.timers.get(name) else {
            let set: Vec<&str> = self.timers.keys().map(String::as_str).collect();
            let set = if set.is_empty() { "none is".to_owned() } else { format!("set are {}", set.join(", ")) };
            return Err(format!("no timer {name:?} is set; {set}"));
        };
        self.now = self.now.max(due.at);
        *number = due.number.clone();
        Ok(What::Timer { name: name.to_owned(), set: due.set, due_at: due.at, payload: due.payload.clone() })
    }

    fn receipt(
        &mut self,
        of: usize,
        (state, error): (&str, Option<u16>),
        number: &mut Address,
    ) -> Result<What, String> {
        let count = self.receipts.len();
        let awaited = of.checked_sub(1).and_then(|index| self.receipts.get_mut(index));
        let awaited = awaited.ok_or_else(|| format!("of = {of}: {count} messages asked for a receipt so far"))?;
        if std::mem::replace(&mut awaited.has_come, true) {
            return Err(format!("the receipt of message {of} has come already"));
        }
        *number = awaited.number.clone();
        Ok(What::Receipt {
            message_id: awaited.id.clone(),
            tag: awaited.tag.clone(),
            recipient: awaited.recipient.clone(),
            state: state.to_owned(),
            error,
        })
    }

    /// Takes the effects of the last call: all of them where it is done, else none.
    pub fn commit(&mut self, call: &Call, got: &Got) {
        self.is_open = matches!(got.outcome, Outcome::Retry(_) | Outcome::Broken(_));
        if let What::Timer { name, set, .. } = &call.what
            && !self.is_open
            && self.timers.get(name).is_some_and(|due| due.set == *set)
        {
            self.timers.remove(name);
        }
        if got.outcome != Outcome::Done || call.what == What::Check {
            return;
        }
        self.state = got.state.clone();
        self.shared = got.shared.clone();
        for effect in &got.timers {
            match &effect.set {
                Some(set) => {
                    let (at, number) = (call.now.plus_ms(set.in_ms), call.number.clone());
                    let due = Due { set: set.id, at, payload: set.payload.clone(), number };
                    self.timers.insert(effect.name.clone(), due);
                }
                None => drop(self.timers.remove(&effect.name)),
            }
        }
        let sent = got.sent.iter().filter(|message| message.receipt);
        self.receipts.extend(sent.map(|message| awaited(message, &call.number)));
        self.calls.extend(got.http.iter().map(|made| (made.tag.clone(), call.number.clone())));
    }

    /// The timer that is due first.
    pub fn next_timer(&self) -> Option<(&str, &Due)> {
        self.timers.iter().min_by_key(|(_, due)| due.at).map(|(name, due)| (name.as_str(), due))
    }

    /// Messages that asked for a receipt, in the order that `of` counts: tag, recipient, and whether it has come.
    pub fn receipts(&self) -> impl Iterator<Item = (Option<&str>, &str, bool)> {
        self.receipts.iter().map(|awaited| (awaited.tag.as_deref(), &*awaited.recipient, awaited.has_come))
    }

    /// Tags of HTTP calls that are not answered.
    pub fn http_calls(&self) -> impl Iterator<Item = &str> {
        self.calls.iter().map(|(tag, _)| &**tag)
    }

    /// How many messages asked for a receipt.
    pub fn receipts_asked(&self) -> usize {
        self.receipts.len()
    }

    /// Timers as people read them.
    pub fn timers_shown(&self) -> Vec<String> {
        let shown = |(name, due): (&String, &Due)| {
            let left = due.at.0.saturating_sub(self.now.0);
            format!("{name} in {} (at {})", lapse::text(left), lapse::time_text(due.at))
        };
        self.timers.iter().map(shown).collect()
    }
}

/// Set by an event before the first one.
fn due(timer: &GivenTimer, number: u16, given: &Given) -> (String, Due) {
    let (set, payload) = (MessageId::accepted(0).effect(number), timer.payload.to_vec());
    (timer.name.clone(), Due { set, at: timer.at, payload, number: given.number.clone() })
}

fn awaited(message: &Message, number: &Address) -> Awaited {
    Awaited {
        id: message.id.clone(),
        tag: message.tag.clone(),
        recipient: message.to.clone(),
        number: number.clone(),
        has_come: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::got::{HttpCall, TimerEffect, TimerSet};
    use crate::cases::octets::Octets;

    fn given() -> Given {
        Given { state: BTreeMap::from([("n".to_owned(), Octets::Int(1))]), ..Given::default() }
    }

    fn mo() -> Trigger {
        Trigger::Mo { body: Body::Text("x".into()), to: None, tlvs: Vec::new(), coding: None }
    }

    fn set(name: &str, in_ms: u64) -> TimerEffect {
        TimerEffect {
            name: name.into(),
            set: Some(TimerSet { id: MessageId::accepted(9), in_ms, payload: b"p".to_vec() }),
        }
    }

    fn receipt(of: usize) -> Trigger {
        Trigger::Receipt { of, state: "delivered".into(), error: None }
    }

    #[test]
    fn effects_hold_only_when_the_call_is_done() {
        let (given, mut world) = (given(), World::new(&given()));
        let effects = Got { timers: vec![set("t", 5_000)], ..Got::default() };
        for outcome in [Outcome::Reject("no".into()), Outcome::Retry(None), Outcome::Broken("trap".into())] {
            let call = world.call(&mo(), 0, &given).expect("can happen");
            world.commit(&call, &Got { outcome, ..effects.clone() });
            assert!(world.timers.is_empty() && world.state.contains_key("n"));
        }
        let call = world.call(&mo(), 0, &given).expect("can happen");
        assert_eq!(call.id, MessageId::accepted(4));
        world.commit(&call, &effects);
        assert!(world.state.is_empty() && world.timers.contains_key("t"));
    }

    #[test]
    fn time_moves_on_to_a_timer_and_it_fires_once() {
        let (given, mut world) = (given(), World::new(&given()));
        let call = world.call(&mo(), 1_000, &given).expect("can happen");
        world.commit(&call, &Got { timers: vec![set("b", 5_000), set("a", 9_000)], ..Got::default() });
        assert_eq!(world.next_timer().map(|(name, _)| name), Some("b"));
        let fired = world.call(&Trigger::Timer("b".into()), 0, &given).expect("it is set");
        let due_at = given.now.plus_ms(6_000);
        assert_eq!(
            fired.what,
            What::Timer { name: "b".into(), set: MessageId::accepted(9), due_at, payload: b"p".to_vec() }
        );
        assert_eq!((world.now, fired.now), (due_at, due_at));
        world.commit(&fired, &Got::default());
        let error = world.call(&Trigger::Timer("b".into()), 0, &given).expect_err("it fired");
        assert_eq!(error, "no timer \"b\" is set; set are a");
        // One that comes late does not turn time back.
        let late = world.call(&Trigger::Timer("a".into()), 60_000, &given).expect("it is set");
        assert_eq!(late.now, given.now.plus_ms(66_000));
    }

    #[test]
    fn receipts_come_once_for_messages_that_asked() {
        let (given, mut world) = (given(), World::new(&given()));
        let call = world.call(&mo(), 0, &given).expect("can happen");
        let message = |id: &str, receipt| Message {
            id: id.into(),
            from: "7001".into(),
            to: "+46700000003".into(),
            body: Body::Text(String::new()),
            tag: Some("t".into()),
            receipt,
            delay_ms: 0,
            validity_ms: None,
            priority: 3,
            tlvs: Vec::new(),
        };
        world.commit(&call, &Got { sent: vec![message("1", false), message("2", true)], ..Got::default() });
        assert_eq!(world.call(&receipt(2), 0, &given), Err("of = 2: 1 messages asked for a receipt so far".into()));
        let What::Receipt { message_id, .. } = world.call(&receipt(1), 0, &given).expect("asked").what else {
            panic!()
        };
        assert_eq!(message_id, "2");
        assert_eq!(world.call(&receipt(1), 0, &given), Err("the receipt of message 1 has come already".into()));
    }

    #[test]
    fn answers_come_to_calls_that_were_made() {
        let (given, mut world) = (given(), World::new(&given()));
        let reply = Trigger::HttpReply { tag: "t".into(), status: None, body: Vec::new() };
        assert_eq!(world.call(&reply, 0, &given), Err("no HTTP call with tag \"t\" waits for an answer".into()));
        let call = world.call(&mo(), 0, &given).expect("can happen");
        let made = HttpCall {
            method: "GET".into(),
            url: "https://a.example/".into(),
            headers: Vec::new(),
            body: None,
            authorization: None,
            tag: "t".into(),
        };
        world.commit(&call, &Got { http: vec![made], ..Got::default() });
        assert!(world.call(&reply, 0, &given).is_ok());
        assert!(world.call(&reply, 0, &given).is_err());
    }

    #[test]
    fn what_failed_can_be_tried_again_as_the_same_event() {
        let (given, mut world) = (given(), World::new(&given()));
        let first = world.call(&mo(), 0, &given).expect("can happen");
        world.commit(&first, &Got { outcome: Outcome::Retry(Some(1_500)), ..Got::default() });
        let second = world.call(&Trigger::Again, 1_500, &given).expect("it may");
        assert_eq!(second, Call { attempt: 2, ..first });
        world.commit(&second, &Got::default());
        assert!(world.call(&Trigger::Again, 0, &given).is_err());
    }

    #[test]
    fn replies_come_from_the_number_of_the_last_mo() {
        let (given, mut world) = (given(), World::new(&given()));
        let other = Address::ShortCode("7002".into());
        let to = Trigger::Mo { body: Body::Text("x".into()), to: Some(other.clone()), tlvs: Vec::new(), coding: None };
        let call = world.call(&to, 0, &given).expect("can happen");
        world.commit(&call, &Got { timers: vec![set("t", 1)], ..Got::default() });
        assert_eq!(world.call(&Trigger::Timer("t".into()), 0, &given).expect("it is set").number, other);
    }
}
