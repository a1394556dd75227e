//! Simulated alarm panels: armed at night, now and then something happens, orders are obeyed.
//!
//! They speak as plugins/alarm/README.md says. Pure: time and chance are arguments.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::model::{Devices, Saying};
use super::numbers::Numbers;
use super::rng::Rng;

/// One report in so many is an alarm.
const ALARM_ONE_IN: u32 = 30;
/// One order in so many fails: somebody left a door open.
const FAILS_ONE_IN: u32 = 12;
/// Answers that were not sent yet; a server that orders more often than the fleet may send loses the rest.
const ANSWERS_MAX: usize = 1_000;
/// Hours of the day at which people arm and disarm.
const ARMED_FROM: f64 = 22.0;
const ARMED_UNTIL: f64 = 6.5;
const FULL_VOLTS: (f64, f64) = (12.3, 13.2);
const WEAK_VOLTS: (f64, f64) = (11.0, 11.6);

const KINDS: [&str; 5] = ["BURGLAR", "FIRE", "PANIC", "FLOOD", "TAMPER"];
const ZONES: [&str; 4] = ["Front_door", "Kitchen", "Cellar", "Garage"];

#[derive(Debug)]
struct Panel {
    is_armed: bool,
    volts: f64,
    /// The zone that is open since the last alarm.
    open_zone: Option<usize>,
}

#[derive(Debug)]
pub struct Panels {
    panels: Vec<Panel>,
    numbers: Numbers,
    rng: Rng,
    day: Duration,
    started: Instant,
    next: usize,
    answers: VecDeque<Saying>,
}

impl Panels {
    pub fn new(numbers: Numbers, day: Duration, seed: u64, now: Instant) -> Panels {
        let mut rng = Rng::seeded(seed);
        let weak = rng.below(10);
        let panel = |index| {
            let volts = if index % 10 == weak { WEAK_VOLTS } else { FULL_VOLTS };
            Panel { is_armed: false, volts: rng.between(volts.0, volts.1), open_zone: None }
        };
        let panels = (0..numbers.devices()).map(panel).collect();
        let day = day.max(Duration::from_secs(1));
        Panels { panels, numbers, rng, day, started: now, next: 0, answers: VecDeque::new() }
    }

    /// A run begins at eight in the evening, so that the night is not far.
    fn is_night(&self, now: Instant) -> bool {
        let days = now.saturating_duration_since(self.started).as_secs_f64() / self.day.as_secs_f64();
        let hour = (days * 24.0 + 20.0) % 24.0;
        !(ARMED_UNTIL..ARMED_FROM).contains(&hour)
    }

    fn text(&mut self, device: usize, now: Instant) -> String {
        let is_night = self.is_night(now);
        let panel = &mut self.panels[device];
        if let Some(zone) = panel.open_zone.take() {
            return format!("AL1 RESTORE Z={}", zone + 1);
        }
        if self.rng.below(ALARM_ONE_IN) == 0 {
            let zone = self.rng.below(ZONES.len() as u32) as usize;
            let kind = KINDS[self.rng.below(KINDS.len() as u32) as usize];
            panel.open_zone = Some(zone);
            return format!("AL1 ALARM T={kind} Z={} N={}", zone + 1, ZONES[zone]);
        }
        // Whoever lives there does it at the keypad.
        panel.is_armed = is_night;
        state(panel)
    }
}

fn state(panel: &Panel) -> String {
    format!("AL1 STATE S={} B={:.1}", if panel.is_armed { "ARMED" } else { "DISARMED" }, panel.volts)
}

impl Devices for Panels {
    fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    fn say(&mut self, now: Instant) -> Saying {
        if let Some(answer) = self.answers.pop_front() {
            return answer;
        }
        let device = self.next;
        self.next = (self.next + 1) % self.panels.len();
        Saying { device: device as u32, text: self.text(device, now) }
    }

    fn hear(&mut self, device: u32, text: &str, _now: Instant) {
        let Some(panel) = self.panels.get_mut(device as usize) else { return };
        let order = match text.trim() {
            "AL1 ARM" => "ARM",
            "AL1 DISARM" => "DISARM",
            "AL1 UNLOCK" => "UNLOCK",
            _ => return,
        };
        if self.answers.len() + 2 > ANSWERS_MAX {
            return;
        }
        if order == "ARM" && self.rng.below(FAILS_ONE_IN) == 0 {
            self.answers.push_back(Saying { device, text: "AL1 ERR ARM back door open".to_owned() });
            return;
        }
        panel.is_armed = match order {
            "ARM" => true,
            "DISARM" => false,
            _ => panel.is_armed,
        };
        self.answers.push_back(Saying { device, text: format!("AL1 OK {order}") });
        self.answers.push_back(Saying { device, text: state(panel) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panels(now: Instant) -> Panels {
        Panels::new(Numbers::new("+46700", 10).expect("ten are a fleet"), Duration::from_secs(24), 1, now)
    }

    #[test]
    fn orders_are_answered_and_then_the_state_is_told() {
        let now = crate::clock::instant();
        let mut panels = panels(now);
        panels.hear(3, "AL1 DISARM", now);
        panels.hear(4, "hello", now);
        panels.hear(99, "AL1 ARM", now);
        let texts: Vec<String> = (0..2).map(|_| panels.say(now)).map(|saying| saying.text).collect();
        assert_eq!(texts[0], "AL1 OK DISARM");
        assert!(texts[1].starts_with("AL1 STATE S=DISARMED B="), "{}", texts[1]);
    }

    #[test]
    fn panels_are_armed_at_night_and_alarms_are_restored() {
        let now = crate::clock::instant();
        let mut panels = panels(now);
        // A day has 24 seconds and begins at eight in the evening.
        let at = |panels: &mut Panels, seconds| panels.say(now + Duration::from_secs(seconds)).text;
        let told: Vec<String> = (0..2_000).map(|_| at(&mut panels, 5)).collect();
        assert!(told.iter().all(|text| !text.contains("DISARMED")));
        let alarms = told.iter().filter(|text| text.starts_with("AL1 ALARM T=")).count();
        let restored = told.iter().filter(|text| text.starts_with("AL1 RESTORE Z=")).count();
        assert!(alarms > 20 && alarms - restored <= 10, "{alarms} alarms, {restored} restored");
        assert!((0..20).any(|_| at(&mut panels, 15).contains("DISARMED")), "by day");
    }

    #[test]
    fn answers_are_bounded() {
        let now = crate::clock::instant();
        let mut panels = panels(now);
        for _ in 0..2 * ANSWERS_MAX {
            panels.hear(1, "AL1 UNLOCK", now);
        }
        assert!(panels.answers.len() <= ANSWERS_MAX);
    }
}
