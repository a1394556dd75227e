//! What customers are told, as JSON: the events of `GET /v1/events`, and the bodies of webhooks.

use serde::Serialize;
use utoipa::ToSchema;

use super::history::{ContentView, MessageEntry};
use super::masking::Texts;
use super::message::LifeState;
use super::rfc3339::Time;
use super::wanted::Way;
use crate::feed::{self, About, Ends, EventId, LinkChange, RuleChange, Told};
use crate::message::{MessageId, Timestamp};
use crate::timeline::{self, Listed};

/// Something that happened. A later one has a higher `id`, compared as text, too.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// The same however often it is told.
    #[schema(example = "1a209002b4d00003")]
    id: String,
    at: Time,
    #[serde(flatten)]
    what: What,
}

/// What happened, by `type`.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type")]
#[schema(as = EventOf)]
enum What {
    /// An MO came in.
    #[serde(rename = "message.received")]
    Received {
        #[serde(flatten)]
        of: Of,
        message: Box<MessageEntry>,
    },
    /// An MT was accepted, of an application, the API or a rule.
    #[serde(rename = "message.accepted")]
    Accepted {
        #[serde(flatten)]
        of: Of,
        message: Box<MessageEntry>,
    },
    /// Its rule ran, and sent so many messages.
    #[serde(rename = "message.ran")]
    Ran {
        #[serde(flatten)]
        of: Of,
        rule: String,
        sent: u16,
    },
    /// A peer took it, under these ids of its own: one for each SMS.
    #[serde(rename = "message.sent")]
    Sent {
        #[serde(flatten)]
        of: Of,
        peer: String,
        ids: Vec<String>,
    },
    /// A rule or a peer could not; without `again_at` it is not asked again.
    #[serde(rename = "message.failed")]
    Failed {
        #[serde(flatten)]
        of: Of,
        by: String,
        attempt: u32,
        error: u16,
        why: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        again_at: Option<Time>,
    },
    /// A receipt of the network for one of its SMS, from 1.
    #[serde(rename = "message.receipt")]
    Receipt {
        #[serde(flatten)]
        of: Of,
        peer: String,
        sms: u16,
        state: LifeState,
        error: u16,
    },
    /// Another text or time took the place of the old one.
    #[serde(rename = "message.replaced")]
    Replaced {
        #[serde(flatten)]
        of: Of,
        due_at: Time,
        #[serde(flatten)]
        content: ContentView,
    },
    /// The firewall did not let it in; `reason` is a code of docs/FIREWALL.md. A few of each second are told.
    #[serde(rename = "message.refused")]
    Refused {
        #[serde(flatten)]
        of: Of,
        reason: String,
    },
    /// Nothing more will happen to it.
    #[serde(rename = "message.ended")]
    Ended {
        #[serde(flatten)]
        of: Of,
        state: LifeState,
        error: u16,
    },
    /// It is a dead letter, see `/v1/dead-letters`: a rule or a queue could not, after so many attempts.
    #[serde(rename = "message.dead")]
    Dead {
        #[serde(flatten)]
        of: Of,
        by: String,
        attempts: u32,
        why: String,
    },
    /// The dead letter is tried again, as if it came now; `edited`: with another text.
    #[serde(rename = "message.retried")]
    Retried {
        #[serde(flatten)]
        of: Of,
        by: String,
        edited: bool,
    },
    /// The dead letter was dropped.
    #[serde(rename = "message.dropped")]
    Dropped {
        #[serde(flatten)]
        of: Of,
        by: String,
    },
    /// A bind of the customer's account came up.
    #[serde(rename = "link.bound")]
    Bound { account: String, mode: String },
    /// A bind went. Nobody says so when the server is killed or loses its power.
    #[serde(rename = "link.unbound")]
    Unbound { account: String, mode: String },
    /// A rule wrote it while it ran for a message.
    #[serde(rename = "rule.log")]
    Log {
        message_id: String,
        device: String,
        rule: String,
        attempt: u32,
        /// `trace`, `debug`, `info`, `warn` or `error`.
        level: &'static str,
        line: String,
        fields: Vec<Field>,
    },
    /// So many lines were too many for their second; the server's own log has them.
    #[serde(rename = "rule.log_dropped")]
    LinesDropped { lines: u32 },
    /// So many of a rule's last calls failed, the last one for this reason, that it is not called before `until`.
    #[serde(rename = "rule.breaker_opened")]
    BreakerOpened { rule: String, until: Time, calls: u32, failures: u32, why: String },
    /// The rule is called again.
    #[serde(rename = "rule.breaker_closed")]
    BreakerClosed { rule: String },
    /// Events before this one are not kept any more, and were not told.
    #[serde(rename = "gap")]
    Gap,
}

/// Which message.
#[derive(Serialize, ToSchema)]
#[schema(as = EventMessage)]
struct Of {
    #[schema(example = "1a209002b4d00000")]
    message_id: String,
    direction: Way,
    #[schema(example = "+46701234567")]
    device: String,
    /// The customer's own number or name; absent where a rule has run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "7001")]
    number: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = LogField)]
struct Field {
    name: String,
    value: String,
}

impl EventView {
    pub fn of(id: EventId, told: &Told, texts: Texts) -> EventView {
        EventView { id: id.to_string(), at: told.at.into(), what: what(told, texts) }
    }

    pub fn gap(before: EventId, now: Timestamp) -> EventView {
        EventView { id: before.to_string(), at: now.into(), what: What::Gap }
    }

    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers are JSON")
    }
}

/// An event as a webhook is sent it. Nobody for whom texts are masked says where that leads.
pub fn event_json(id: EventId, told: &Told) -> String {
    EventView::of(id, told, Texts::Shown).json()
}

/// For who has missed some.
pub fn gap_json(before: EventId, now: Timestamp) -> String {
    EventView::gap(before, now).json()
}

fn what(told: &Told, texts: Texts) -> What {
    match &told.about {
        About::Message { id, ends, event } => of_message(*id, (ends, event), told, texts),
        About::Link { account, mode, change } => {
            let (account, mode) = (account.to_string(), mode.to_string());
            match change {
                LinkChange::Bound => What::Bound { account, mode },
                LinkChange::Unbound => What::Unbound { account, mode },
            }
        }
        About::Log(line) => What::Log {
            message_id: line.id.to_string(),
            device: line.device.to_string(),
            rule: line.rule.to_string(),
            attempt: line.attempt,
            level: line.level.name(),
            line: texts.words(&line.text),
            fields: line
                .fields
                .iter()
                .map(|(name, value)| Field { name: name.to_string(), value: texts.words(value) })
                .collect(),
        },
        About::LinesDropped(lines) => What::LinesDropped { lines: *lines },
        About::Rule { rule, change: RuleChange::BreakerOpened { until, calls, failures, why } } => {
            What::BreakerOpened {
                rule: rule.to_string(),
                until: Time(*until),
                calls: *calls,
                failures: *failures,
                why: texts.words(why),
            }
        }
        About::Rule { rule, change: RuleChange::BreakerClosed } => What::BreakerClosed { rule: rule.to_string() },
    }
}

fn of_message(id: MessageId, (ends, event): (&Ends, &timeline::Event), told: &Told, texts: Texts) -> What {
    use timeline::Event;
    let of = Of {
        message_id: id.to_string(),
        direction: ends.direction.into(),
        device: ends.device.to_string(),
        number: ends.number.as_ref().map(ToString::to_string),
    };
    match event {
        Event::Received(received) => {
            let listed = Listed::new(id, (**received).clone());
            let message = Box::new(MessageEntry::of(&listed, told.at, texts));
            match told.kind() {
                feed::Type::Received => What::Received { of, message },
                _ => What::Accepted { of, message },
            }
        }
        Event::Ran { rule, sent } => What::Ran { of, rule: rule.to_string(), sent: *sent },
        Event::Failed { by, attempt, error, why, again } => What::Failed {
            of,
            by: by.to_string(),
            attempt: *attempt,
            error: *error,
            why: texts.reason(why),
            again_at: again.map(Time),
        },
        Event::Sent { peer, ids } => {
            let ids = ids.iter().map(|id| String::from_utf8_lossy(id).into_owned()).collect();
            What::Sent { of, peer: peer.to_string(), ids }
        }
        Event::Receipt { peer, part, state, error } => What::Receipt {
            of,
            peer: peer.to_string(),
            sms: u16::from(*part) + 1,
            state: LifeState::of_octet(*state),
            error: *error,
        },
        Event::Replaced { content, due } => {
            What::Replaced { of, due_at: Time(*due), content: ContentView::of(content, texts) }
        }
        Event::Refused { reason } => What::Refused { of, reason: reason.to_string() },
        Event::Ended { state, error } => What::Ended { of, state: LifeState::of_octet(*state), error: *error },
        Event::Buried { by, attempts, why } => {
            What::Dead { of, by: by.to_string(), attempts: *attempts, why: texts.reason(why) }
        }
        Event::Revived { by, is_edited } => What::Retried { of, by: by.to_string(), edited: *is_edited },
        Event::Dropped { by } => What::Dropped { of, by: by.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::{Level, Line};
    use crate::message::Address;

    #[test]
    fn what_rules_say_is_told_to_who_sees_texts_only() {
        let line = Line {
            rule: "acme/meter".into(),
            id: MessageId::accepted(1),
            device: Address::Msisdn("46701234567".into()),
            attempt: 1,
            level: Level::Info,
            text: "heard GIRAFFE".into(),
            fields: vec![("text".into(), "GIRAFFE".into())],
        };
        let opened =
            RuleChange::BreakerOpened { until: Timestamp(1), calls: 20, failures: 20, why: "no GIRAFFE".into() };
        let failed = timeline::Event::Failed {
            by: "meter".into(),
            attempt: 1,
            error: 0,
            why: "rejected by the rule: GIRAFFE".into(),
            again: None,
        };
        let source = Address::ShortCode("7001".into());
        let ends = || Ends::new(timeline::Direction::Mo, &source, &source);
        let buried =
            timeline::Event::Buried { by: "meter".into(), attempts: 1, why: "rejected by the rule: GIRAFFE".into() };
        for about in [
            About::Log(Box::new(line)),
            About::Rule { rule: "meter".into(), change: opened },
            About::Message { id: MessageId::accepted(1), ends: ends(), event: failed },
            About::Message { id: MessageId::accepted(1), ends: ends(), event: buried },
        ] {
            let told = Told { at: Timestamp(1), about };
            let json = |texts| EventView::of(EventId(1), &told, texts).json();
            assert!(json(Texts::Shown).contains("GIRAFFE") && !json(Texts::Masked).contains("GIRAFFE"), "{told:?}");
            assert_eq!(event_json(EventId(1), &told), json(Texts::Shown), "webhooks are told all");
        }
    }
}
