//! What happened to a message, one event after the other, and what that makes of it.
//!
//! Pure. The store keeps the events (`store/history.rs`); `relay` says what happens.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wasmsc_smpp::receipt::MessageState;
use wasmsc_smpp::text::Payload;

use crate::message::{Address, Content, Message, MessageId, Timestamp};

/// One event of a message's life.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Happened {
    pub at: Timestamp,
    pub event: Event,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// It came into the house: always the first one.
    Received(Box<Received>),
    /// Its rule ran, and its effects are done.
    Ran { rule: Box<str>, sent: u16 },
    /// A rule or a peer (`by`) could not, and tries `again` then; never again without it.
    Failed { by: Box<str>, attempt: u32, error: u16, why: Box<str>, again: Option<Timestamp> },
    /// A peer took it, under these ids of its own: one for each SMS.
    Sent { peer: Box<str>, ids: Vec<Bytes> },
    /// A receipt of a network for one of its SMS; `state` as in SMPP 3.4 §5.2.28.
    Receipt { peer: Box<str>, part: u8, state: u8, error: u16 },
    /// Another text or time took the place of the old one.
    Replaced { content: Content, due: Timestamp },
    /// Nothing more will happen; `state` as in SMPP 3.4 §5.2.28.
    Ended { state: u8, error: u16 },
    /// The firewall did not let it pass, for the reason of this code. Nothing else happens to it.
    Refused { reason: Box<str> },
    /// It is a dead letter: a rule or a queue (`by`) could not, and it waits for its owner.
    Buried { by: Box<str>, attempts: u32, why: Box<str> },
    /// Its owner has it tried again, as if it came now.
    Revived { by: Box<str>, is_edited: bool },
    /// Its owner wants it no more.
    Dropped { by: Box<str> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Received {
    pub direction: Direction,
    /// The account, or the rule, that sent it.
    pub by: Box<str>,
    /// The MO that a rule answered with it.
    pub cause: Option<MessageId>,
    pub message: Message,
    /// Not before this.
    pub due: Timestamp,
    /// What its sender calls it.
    pub tag: Box<str>,
}

/// Seen from the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    /// From a device to a customer's number.
    Mo,
    /// From a customer to a device.
    Mt,
}

impl Received {
    pub fn device(&self) -> &Address {
        match self.direction {
            Direction::Mo => &self.message.source,
            Direction::Mt => &self.message.destination,
        }
    }

    /// The customer's own number or name.
    pub fn number(&self) -> &Address {
        match self.direction {
            Direction::Mo => &self.message.destination,
            Direction::Mt => &self.message.source,
        }
    }
}

/// A message with what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    pub id: MessageId,
    pub received: Received,
    pub state: MessageState,
    /// Of the network or of the peer that refused it; 0 for none.
    pub error: u16,
    pub ended_at: Option<Timestamp>,
    pub attempts: u32,
    /// The rule that was called for it, as its events name it.
    pub called: Option<Box<str>>,
}

impl Listed {
    /// Of one that came in just now.
    pub fn new(id: MessageId, received: Received) -> Listed {
        Listed { id, received, state: MessageState::Enroute, error: 0, ended_at: None, attempts: 0, called: None }
    }

    /// Of the events of one message in their order; None without the first one.
    pub fn of(id: MessageId, timeline: &[Happened]) -> Option<Listed> {
        let received = timeline.iter().find_map(|happened| match &happened.event {
            Event::Received(received) => Some((**received).clone()),
            _ => None,
        })?;
        let mut listed = Listed::new(id, received);
        for happened in timeline {
            listed.apply(happened);
        }
        Some(listed)
    }

    fn apply(&mut self, happened: &Happened) {
        match &happened.event {
            Event::Received(_) => {}
            Event::Failed { by, attempt, error, .. } => {
                (self.attempts, self.error) = (*attempt, *error);
                // Peers have an error of SMPP.
                if *error == 0 && self.received.direction == Direction::Mo {
                    self.called = Some(by.clone());
                }
            }
            Event::Ran { rule, .. } => {
                self.attempts += 1;
                self.called = Some(rule.clone());
            }
            Event::Sent { .. } => self.attempts += 1,
            Event::Receipt { error, .. } => self.error = *error,
            Event::Replaced { content, due } => {
                (self.received.message.content, self.received.due) = (content.clone(), *due);
            }
            Event::Ended { state, error } => {
                self.state = MessageState::from_octet(*state).unwrap_or(MessageState::Unknown);
                (self.error, self.ended_at) = (*error, Some(happened.at));
            }
            Event::Refused { .. } => (self.state, self.ended_at) = (MessageState::Rejected, Some(happened.at)),
            Event::Buried { .. } | Event::Dropped { .. } => {}
            Event::Revived { .. } => (self.state, self.ended_at, self.error) = (MessageState::Enroute, None, 0),
        }
    }

    /// As [`state`](Self::state), but that one that has never left waits for its time.
    pub fn state_at(&self, now: Timestamp) -> MessageState {
        match self.state {
            MessageState::Enroute if self.attempts == 0 && now < self.received.due => MessageState::Scheduled,
            state => state,
        }
    }

    /// Whether a rule (`customer/name`) was called for it, or sent it.
    pub fn is_of_rule(&self, rule: &str) -> bool {
        let name = rule.split_once('/').map_or(rule, |(_, name)| name);
        match self.received.direction {
            Direction::Mt => *self.received.by == *rule,
            // Calls that failed are named without the customer.
            Direction::Mo => self.called.as_deref().is_some_and(|called| {
                let wanted = if called.contains('/') { rule } else { name };
                called == wanted
            }),
        }
    }

    /// Its text; None for binary.
    pub fn text(&self) -> Option<String> {
        match self.received.message.content.payload() {
            Payload::Text(text) => Some(text),
            Payload::Binary(_) => None,
        }
    }
}

/// Which messages are wanted; what is None does not matter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub device: Option<Address>,
    pub number: Option<Address>,
    pub direction: Option<Direction>,
    /// That it was called for it, or sent it: `customer/name`.
    pub rule: Option<String>,
    /// At the time that goes with it.
    pub state: Option<(MessageState, Timestamp)>,
    /// The whole of it.
    pub tag: Option<String>,
    /// Somewhere in the text, in any case.
    pub text: Option<String>,
    /// Received at or after this.
    pub since: Option<Timestamp>,
    /// Received before this.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Nothing that was received before this, whatever is wanted.
    pub fn not_before(self, at: Option<Timestamp>) -> Filter {
        Filter { since: self.since.max(at), ..self }
    }

    pub fn accepts(&self, listed: &Listed) -> bool {
        let received = &listed.received;
        let contains =
            |wanted: &String| listed.text().is_some_and(|text| text.to_lowercase().contains(&wanted.to_lowercase()));
        self.device.as_ref().is_none_or(|device| device == received.device())
            && self.number.as_ref().is_none_or(|number| number == received.number())
            && self.direction.is_none_or(|direction| direction == received.direction)
            && self.state.is_none_or(|(state, now)| state == listed.state_at(now))
            && self.rule.as_ref().is_none_or(|rule| listed.is_of_rule(rule))
            && self.tag.as_ref().is_none_or(|tag| **tag == *received.tag)
            && self.since.is_none_or(|since| since <= received.message.received_at)
            && self.until.is_none_or(|until| received.message.received_at < until)
            && self.text.as_ref().is_none_or(contains)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn received(text: &'static str) -> Event {
        let message = Message {
            source: Address::ShortCode("7001".into()),
            destination: Address::Msisdn("46701234567".into()),
            content: Content { octets: Bytes::from_static(text.as_bytes()), ..Content::default() },
            received_at: NOW,
        };
        Event::Received(Box::new(Received {
            direction: Direction::Mt,
            by: "app".into(),
            cause: None,
            message,
            due: NOW,
            tag: "order 7".into(),
        }))
    }

    fn listed(events: Vec<Event>) -> Option<Listed> {
        let happened = |(n, event)| Happened { at: NOW.plus_ms(n), event };
        Listed::of(MessageId::accepted(1), &(0..).zip(events).map(happened).collect::<Vec<_>>())
    }

    #[test]
    fn the_last_event_decides() {
        let again = Event::Failed { by: "up".into(), attempt: 1, error: 8, why: "busy".into(), again: Some(NOW) };
        let sent = Event::Sent { peer: "up".into(), ids: vec![Bytes::from_static(b"x")] };
        let ended = Event::Ended { state: MessageState::Delivered.octet(), error: 0 };
        assert_eq!(listed(vec![again.clone()]), None, "its beginning is gone");
        let waiting = listed(vec![received("a"), again.clone()]).expect("there");
        assert_eq!((waiting.state, waiting.error, waiting.attempts), (MessageState::Enroute, 8, 1));
        let over = listed(vec![received("a"), again, sent, ended]).expect("there");
        assert_eq!((over.state, over.error, over.attempts), (MessageState::Delivered, 0, 2));
        assert_eq!(over.ended_at, Some(NOW.plus_ms(3)));
    }

    #[test]
    fn an_mo_is_of_the_rule_that_was_called_for_it_whether_it_ran_or_failed() {
        let mut begin = received("hi");
        if let Event::Received(received) = &mut begin {
            received.direction = Direction::Mo;
        }
        let failed = |by: &str, error| Event::Failed { by: by.into(), attempt: 1, error, why: "x".into(), again: None };
        let ran = Event::Ran { rule: "acme/meter".into(), sent: 0 };
        for (event, is_of) in [
            (ran, true),
            (failed("meter", 0), true),
            (failed("meter", 8), false), // an account that is called like the rule
            (failed("other", 0), false),
            (Event::Ended { state: 2, error: 0 }, false),
        ] {
            let listed = listed(vec![begin.clone(), event.clone()]).expect("there");
            assert_eq!(listed.is_of_rule("acme/meter"), is_of, "{event:?}");
        }
    }

    #[test]
    fn each_field_of_a_filter_can_refuse() {
        let listed = listed(vec![received("WM1 Close")]).expect("there");
        let address = |text| Some(Address::parse(text).expect("valid"));
        let all = Filter {
            device: address("+46701234567"),
            number: address("7001"),
            direction: Some(Direction::Mt),
            rule: Some("app".into()),
            state: Some((MessageState::Enroute, NOW)),
            tag: Some("order 7".into()),
            text: Some("cLOSE".into()),
            since: Some(NOW),
            until: Some(NOW.plus_ms(1)),
        };
        assert!(Filter::default().accepts(&listed) && all.accepts(&listed));
        assert!(
            all.clone().not_before(None).accepts(&listed)
                && all.clone().not_before(Some(Timestamp(0))).accepts(&listed)
        );
        assert!(!Filter::default().not_before(Some(NOW.plus_ms(1))).accepts(&listed));
        for other in [
            Filter { device: address("+46701234568"), ..all.clone() },
            Filter { number: address("7002"), ..all.clone() },
            Filter { direction: Some(Direction::Mo), ..all.clone() },
            Filter { rule: Some("acme/app".into()), ..all.clone() },
            Filter { state: Some((MessageState::Delivered, NOW)), ..all.clone() },
            Filter { state: Some((MessageState::Enroute, Timestamp(NOW.0 - 1))), ..all.clone() },
            Filter { tag: Some("order".into()), ..all.clone() },
            Filter { text: Some("open".into()), ..all.clone() },
            Filter { since: Some(NOW.plus_ms(1)), ..all.clone() },
            Filter { until: Some(NOW), ..all.clone() },
        ] {
            assert!(!other.accepts(&listed), "{other:?}");
        }
    }
}
