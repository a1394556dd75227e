//! What a customer is told as it happens: its messages, the links of its accounts, the log of its rules.
//!
//! Pure. `store/feed.rs` keeps it in order; `relay` and `link` say what happens; the API and webhooks tell it.

use serde::{Deserialize, Serialize};

use crate::message::{Address, Message, MessageId, Timestamp};
use crate::timeline::{Direction, Event};

/// Bits of an event's id below its millisecond.
const ID_BITS: u32 = 20;

/// Names an event for ever. A later event of a customer has a higher id, over restarts too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId(pub u64);

impl EventId {
    /// The one behind this one, of an event at this time.
    pub fn next(self, at: Timestamp) -> EventId {
        EventId(self.0.saturating_add(1).max(EventId::first_of(at.0).0))
    }

    /// No event of an earlier millisecond has a higher one, unless the clock was set back.
    pub fn first_of(ms: u64) -> EventId {
        EventId(ms.min(u64::MAX >> ID_BITS) << ID_BITS)
    }

    /// Milliseconds since 1970, of when it was told.
    pub fn ms(self) -> u64 {
        self.0 >> ID_BITS
    }

    /// Reads what [`Display`](std::fmt::Display) wrote.
    pub fn parse(text: &str) -> Option<EventId> {
        let is_digits = text.len() == 16 && text.bytes().all(|octet| octet.is_ascii_hexdigit());
        is_digits.then(|| u64::from_str_radix(text, 16).ok().map(EventId)).flatten()
    }
}

/// 16 hexadecimal digits: a number would be too large for some readers of JSON.
impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Told {
    pub at: Timestamp,
    pub about: About,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum About {
    Message {
        id: MessageId,
        ends: Ends,
        event: Event,
    },
    /// A bind of an account came up, or went.
    Link {
        account: Box<str>,
        mode: Box<str>,
        change: LinkChange,
    },
    /// A rule wrote it while it ran for a message.
    Log(Box<Line>),
    /// So many lines of rules were too many for their second.
    LinesDropped(u32),
    Rule {
        rule: Box<str>,
        change: RuleChange,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RuleChange {
    /// Too many of its last calls failed: it is not called before `until`.
    BreakerOpened { until: Timestamp, calls: u32, failures: u32, why: Box<str> },
    /// It is called again.
    BreakerClosed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkChange {
    Bound,
    Unbound,
}

/// Between whom a message goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ends {
    pub direction: Direction,
    pub device: Address,
    /// The customer's own number or name, where it is at hand.
    pub number: Option<Address>,
}

impl Ends {
    pub fn new(direction: Direction, source: &Address, destination: &Address) -> Ends {
        let (device, number) = match direction {
            Direction::Mo => (source, destination),
            Direction::Mt => (destination, source),
        };
        Ends { direction, device: device.clone(), number: Some(number.clone()) }
    }

    pub fn of(direction: Direction, message: &Message) -> Ends {
        Ends::new(direction, &message.source, &message.destination)
    }
}

/// A line of a rule's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub rule: Box<str>,
    pub id: MessageId,
    pub device: Address,
    pub attempt: u32,
    pub level: Level,
    pub text: Box<str>,
    pub fields: Vec<(Box<str>, Box<str>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

/// Kinds of events, as filters and the events themselves name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    Received,
    Accepted,
    Ran,
    Sent,
    Failed,
    Receipt,
    Replaced,
    Refused,
    Ended,
    Buried,
    Revived,
    Dropped,
    Bound,
    Unbound,
    Log,
    LinesDropped,
    BreakerOpened,
    BreakerClosed,
}

impl Type {
    pub const ALL: [Type; 18] = [
        Type::Received,
        Type::Accepted,
        Type::Ran,
        Type::Sent,
        Type::Failed,
        Type::Receipt,
        Type::Replaced,
        Type::Refused,
        Type::Ended,
        Type::Buried,
        Type::Revived,
        Type::Dropped,
        Type::Bound,
        Type::Unbound,
        Type::Log,
        Type::LinesDropped,
        Type::BreakerOpened,
        Type::BreakerClosed,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Type::Received => "message.received",
            Type::Accepted => "message.accepted",
            Type::Ran => "message.ran",
            Type::Sent => "message.sent",
            Type::Failed => "message.failed",
            Type::Receipt => "message.receipt",
            Type::Replaced => "message.replaced",
            Type::Refused => "message.refused",
            Type::Ended => "message.ended",
            Type::Buried => "message.dead",
            Type::Revived => "message.retried",
            Type::Dropped => "message.dropped",
            Type::Bound => "link.bound",
            Type::Unbound => "link.unbound",
            Type::Log => "rule.log",
            Type::LinesDropped => "rule.log_dropped",
            Type::BreakerOpened => "rule.breaker_opened",
            Type::BreakerClosed => "rule.breaker_closed",
        }
    }
}

impl Told {
    pub fn kind(&self) -> Type {
        match &self.about {
            About::Message { ends, event, .. } => match event {
                Event::Received(_) if ends.direction == Direction::Mo => Type::Received,
                Event::Received(_) => Type::Accepted,
                Event::Ran { .. } => Type::Ran,
                Event::Sent { .. } => Type::Sent,
                Event::Failed { .. } => Type::Failed,
                Event::Receipt { .. } => Type::Receipt,
                Event::Replaced { .. } => Type::Replaced,
                Event::Refused { .. } => Type::Refused,
                Event::Ended { .. } => Type::Ended,
                Event::Buried { .. } => Type::Buried,
                Event::Revived { .. } => Type::Revived,
                Event::Dropped { .. } => Type::Dropped,
            },
            About::Link { change: LinkChange::Bound, .. } => Type::Bound,
            About::Link { change: LinkChange::Unbound, .. } => Type::Unbound,
            About::Log(_) => Type::Log,
            About::LinesDropped(_) => Type::LinesDropped,
            About::Rule { change: RuleChange::BreakerOpened { .. }, .. } => Type::BreakerOpened,
            About::Rule { change: RuleChange::BreakerClosed, .. } => Type::BreakerClosed,
        }
    }

    /// Whose events come one after the other.
    pub fn device(&self) -> Option<&Address> {
        match &self.about {
            About::Message { ends, .. } => Some(&ends.device),
            About::Log(line) => Some(&line.device),
            About::Link { .. } | About::LinesDropped(_) | About::Rule { .. } => None,
        }
    }
}

/// Which types are wanted: one by its name, those that begin alike as `message.*`, or `*`; without any, all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Types(Vec<Type>);

impl Types {
    /// An error is the word that names none.
    pub fn parse<'w>(words: impl IntoIterator<Item = &'w str>) -> Result<Types, String> {
        let mut types = Vec::new();
        for word in words {
            let before = types.len();
            types.extend(Type::ALL.into_iter().filter(|of| match word.strip_suffix('*') {
                Some(begin) => of.name().starts_with(begin),
                None => of.name() == word,
            }));
            if types.len() == before {
                return Err(word.to_owned());
            }
        }
        types.sort_unstable();
        types.dedup();
        Ok(Types(types))
    }

    pub fn wants(&self, told: &Told) -> bool {
        self.0.is_empty() || self.0.contains(&told.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_whatever_the_clock_does_and_read_back() {
        let first = EventId::default().next(Timestamp(1_700_000_000_000));
        let again = first.next(Timestamp(1_600_000_000_000));
        assert!(first < again && again < again.next(Timestamp(1_700_000_000_001)));
        assert_eq!(EventId::parse(&again.to_string()), Some(again));
        for wrong in ["", "17", "+000000000000000", "00000000000000000", "nonsense nonsens"] {
            assert_eq!(EventId::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn types_are_named_one_by_one_or_by_how_they_begin() {
        let told = |change| Told {
            at: Timestamp(1),
            about: About::Link { account: "app".into(), mode: "receiver".into(), change },
        };
        let (bound, unbound) = (told(LinkChange::Bound), told(LinkChange::Unbound));
        for (words, wanted) in [
            (&[][..], (true, true)),
            (&["*"], (true, true)),
            (&["link.*"], (true, true)),
            (&["link.unbound", "message.*"], (false, true)),
            (&["message.*"], (false, false)),
        ] {
            let types = Types::parse(words.iter().copied()).expect("names");
            assert_eq!((types.wants(&bound), types.wants(&unbound)), wanted, "{words:?}");
        }
        assert_eq!(Types::parse(["link.bound", "link.flew"]), Err("link.flew".to_owned()));
        assert_eq!(Types::parse([""]), Err(String::new()));
    }
}
