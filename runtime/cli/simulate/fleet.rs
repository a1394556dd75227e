//! A fleet of simulated water meters: which meter says what next, and what an MT does to it.
//!
//! Pure and seeded: the same seed and the same instants give the same messages. It knows no SMPP;
//! [`super::conversation`] puts its texts on a link and brings back the answers.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::meter::{Command, Household, Meter};
use super::model::{self, Devices};
use super::numbers::Numbers;
use super::rng::Rng;

/// One in so many messages is garbled, so that the rule's help text is seen.
const GARBLED_ONE_IN: u32 = 40;
/// One in so many asks for the state as text.
const STATUS_ONE_IN: u32 = 25;
/// One in so many reports comes from a counter that was swapped and runs backwards.
const SWAPPED_ONE_IN: u32 = 150;
/// Reports that were asked for and not sent yet; a rule that asks more often than the fleet may send
/// loses the rest, as a real meter would.
const REQUESTED_REPORTS_MAX: usize = 1_000;

const GARBLED: [&str; 4] = ["WM1 V=12x.4 F= B=3.6", "WM1", "WM1 V= F=1O.5 S=AJAR", "WM 1 ;;V 1234"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Report,
    Status,
    Garbled,
}

/// What a meter sends next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saying {
    pub device: u32,
    pub kind: Kind,
    pub text: String,
}

/// What a meter did with an MT.
#[derive(Debug, Clone, PartialEq)]
pub enum Reaction {
    Obeyed(Command),
    Displayed,
}

#[derive(Debug)]
pub struct Fleet {
    meters: Vec<Meter>,
    numbers: Numbers,
    rng: Rng,
    day: Duration,
    started: Instant,
    next_meter: usize,
    requested: VecDeque<(u32, Option<String>)>,
}

impl Fleet {
    /// `day` is how long one simulated day lasts.
    pub fn new(numbers: Numbers, day: Duration, seed: u64, now: Instant) -> Self {
        let mut rng = Rng::seeded(seed);
        // Every tenth house of a fleet leaks and every tenth is thirsty, whatever the seed: a demo of
        // twenty meters must show each command. The seed decides which ones.
        let offset = rng.below(10) as usize;
        let meters = (0..numbers.devices() as usize)
            .map(|index| {
                let household = match (index + offset) % 10 {
                    2 => Household::Leaking,
                    7 => Household::Thirsty,
                    _ => Household::Ordinary,
                };
                Meter::install(household, (index + offset) % 20 == 5, &mut rng, now)
            })
            .collect();
        let day = day.max(Duration::from_secs(1));
        Self { meters, numbers, rng, day, started: now, next_meter: 0, requested: VecDeque::new() }
    }

    pub fn meter(&self, device: u32) -> Option<&Meter> {
        self.meters.get(device as usize)
    }

    /// The next message of the fleet: requested reports first, then the meters in turn.
    pub fn say(&mut self, now: Instant) -> Saying {
        if let Some((device, to)) = self.requested.pop_front() {
            return self.report(device, to.as_deref(), now);
        }
        let device = self.next_meter as u32;
        self.next_meter = (self.next_meter + 1) % self.meters.len();
        if self.rng.below(GARBLED_ONE_IN) == 0 {
            let text = GARBLED[self.rng.below(GARBLED.len() as u32) as usize].to_owned();
            return Saying { device, kind: Kind::Garbled, text };
        }
        if self.rng.below(STATUS_ONE_IN) == 0 {
            return Saying { device, kind: Kind::Status, text: "STATUS".to_owned() };
        }
        if self.rng.below(SWAPPED_ONE_IN) == 0 {
            self.meters[device as usize].swap_counter(&mut self.rng);
        }
        self.report(device, None, now)
    }

    /// A meter receives an MT. A device that is not of the fleet displays it.
    pub fn hear(&mut self, device: u32, text: &str) -> Reaction {
        let (Some(meter), Some(command)) = (self.meters.get_mut(device as usize), Command::parse(text)) else {
            return Reaction::Displayed;
        };
        meter.obey(&command);
        if let Command::Report { to } = &command
            && self.requested.len() < REQUESTED_REPORTS_MAX
        {
            self.requested.push_back((device, to.clone()));
        }
        Reaction::Obeyed(command)
    }

    fn report(&mut self, device: u32, to: Option<&str>, now: Instant) -> Saying {
        let hour = self.hour(now);
        let text = self.meters[device as usize].report(self.day, hour, to, &mut self.rng, now);
        Saying { device, kind: Kind::Report, text }
    }

    /// The simulated hour: a run begins at six in the morning, when people get up.
    fn hour(&self, now: Instant) -> f64 {
        let days = now.saturating_duration_since(self.started).as_secs_f64() / self.day.as_secs_f64();
        (days * 24.0 + 6.0) % 24.0
    }
}

impl Devices for Fleet {
    fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    fn say(&mut self, now: Instant) -> model::Saying {
        let Saying { device, text, .. } = Fleet::say(self, now);
        model::Saying { device, text }
    }

    fn hear(&mut self, device: u32, text: &str, _now: Instant) {
        Fleet::hear(self, device, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::simulate::meter::Valve;

    fn fleet(seed: u64, now: Instant) -> Fleet {
        Fleet::new(Numbers::new("+46700", 20).unwrap(), Duration::from_secs(20), seed, now)
    }

    fn sayings(seed: u64, now: Instant) -> Vec<Saying> {
        let mut fleet = fleet(seed, now);
        (0..400).map(|count| fleet.say(now + Duration::from_millis(50) * count)).collect()
    }

    #[test]
    fn same_seed_same_messages() {
        let now = crate::clock::instant();
        assert_eq!(sayings(1, now), sayings(1, now));
        assert_ne!(sayings(1, now), sayings(2, now));
    }

    #[test]
    fn every_kind_of_message_and_of_household_occurs() {
        let now = crate::clock::instant();
        for seed in 0..20 {
            let fleet = fleet(seed, now);
            let count = |household| fleet.meters.iter().filter(|meter| meter.household() == household).count();
            assert_eq!((count(Household::Leaking), count(Household::Thirsty)), (2, 2));
        }
        let said = sayings(1, now);
        for kind in [Kind::Report, Kind::Status, Kind::Garbled] {
            assert!(said.iter().any(|saying| saying.kind == kind), "{kind:?}");
        }
        assert!(said.iter().filter(|saying| saying.kind == Kind::Report).count() > 350);
    }

    #[test]
    fn meters_obey_commands_and_display_the_rest() {
        let mut fleet = fleet(1, crate::clock::instant());
        assert_eq!(fleet.hear(3, "WM1 CLOSE"), Reaction::Obeyed(Command::Close { by: None }));
        assert_eq!(fleet.hear(4, "WM1 THROTTLE 30"), Reaction::Obeyed(Command::Throttle(30.0)));
        assert_eq!(fleet.hear(5, "WM1 OK 12 of 500 l"), Reaction::Displayed);
        assert_eq!(fleet.hear(9_999, "WM1 CLOSE"), Reaction::Displayed);
        let valve = |device| fleet.meter(device).unwrap().valve();
        assert_eq!((valve(3), valve(4), valve(5)), (Valve::Closed, Valve::Throttled(30.0), Valve::Open));
    }

    #[test]
    fn requested_report_is_sent_next_and_names_who_asked() {
        let now = crate::clock::instant();
        let mut fleet = fleet(1, now);
        fleet.hear(7, "WM1 REPORT TO=+46731234567");
        let saying = fleet.say(now);
        assert_eq!((saying.device, saying.kind), (7, Kind::Report));
        assert!(saying.text.ends_with(" TO=+46731234567"), "{}", saying.text);
    }

    #[test]
    fn requested_reports_are_bounded() {
        let mut fleet = fleet(1, crate::clock::instant());
        for _ in 0..REQUESTED_REPORTS_MAX * 2 {
            fleet.hear(7, "WM1 REPORT");
        }
        assert_eq!(fleet.requested.len(), REQUESTED_REPORTS_MAX);
    }
}
