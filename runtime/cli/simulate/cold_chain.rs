//! Simulated trailers that are kept cold: doors open, units fail, set-points are obeyed.
//!
//! They speak as plugins/cold-chain/README.md says. Pure: time and chance are arguments.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::model::{Devices, Saying};
use super::numbers::Numbers;
use super::rng::Rng;

const AMBIENT: f64 = 18.0;
const SET_POINT: f64 = -18.0;
/// How fast the air gets warm or cold, per hour: by the unit, through the walls, through an open door.
const COOLING: f64 = 6.0;
const WALLS: f64 = 0.15;
const DOOR: f64 = 2.0;
/// One report in so many comes from a driver at a ramp.
const DOOR_ONE_IN: u32 = 8;
/// Orders' answers and requested reports that were not sent yet.
const ANSWERS_MAX: usize = 1_000;
/// Earlier temperatures that a report repeats.
const HISTORY: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Ordinary,
    /// Its unit fails after a quarter of the first day.
    Failing,
    /// Somebody forgets to close its door.
    LeftOpen,
}

#[derive(Debug)]
struct Trailer {
    fate: Fate,
    set_point: f64,
    celsius: f64,
    is_open: bool,
    volts: f64,
    read_at: Instant,
    history: VecDeque<f64>,
}

#[derive(Debug)]
pub struct Trailers {
    trailers: Vec<Trailer>,
    numbers: Numbers,
    rng: Rng,
    day: Duration,
    started: Instant,
    next: usize,
    answers: VecDeque<Saying>,
    requested: VecDeque<u32>,
}

impl Trailers {
    pub fn new(numbers: Numbers, day: Duration, seed: u64, now: Instant) -> Trailers {
        let mut rng = Rng::seeded(seed);
        // Every tenth fails and every tenth is left open, whatever the seed, so that a run shows both.
        let offset = rng.below(10);
        let trailer = |index: u32| Trailer {
            fate: match (index + offset) % 10 {
                3 => Fate::Failing,
                6 => Fate::LeftOpen,
                _ => Fate::Ordinary,
            },
            set_point: SET_POINT,
            celsius: SET_POINT + rng.between(-0.8, 0.8),
            is_open: false,
            volts: rng.between(12.0, 13.5),
            read_at: now,
            history: VecDeque::new(),
        };
        let trailers = (0..numbers.devices()).map(trailer).collect();
        let day = day.max(Duration::from_secs(1));
        let (answers, requested) = (VecDeque::new(), VecDeque::new());
        Trailers { trailers, numbers, rng, day, started: now, next: 0, answers, requested }
    }

    fn report(&mut self, device: u32, now: Instant) -> Saying {
        let hours = |since: Instant| now.saturating_duration_since(since).as_secs_f64() / self.day.as_secs_f64() * 24.0;
        let into_run = hours(self.started);
        let trailer = &mut self.trailers[device as usize];
        let passed = hours(trailer.read_at);
        trailer.read_at = now;
        let has_failed = trailer.fate == Fate::Failing && into_run > 6.0;
        trailer.warm_and_cool(passed, has_failed);
        trailer.is_open = match trailer.fate {
            Fate::LeftOpen => into_run > 3.0,
            _ => self.rng.below(DOOR_ONE_IN) == 0,
        };
        let celsius = trailer.celsius + self.rng.between(-0.15, 0.15);
        let text = trailer.text(celsius, has_failed);
        trailer.history.push_front(celsius);
        trailer.history.truncate(HISTORY);
        Saying { device, text }
    }
}

impl Trailer {
    /// Towards what warmth and cooling together lead to, however long the time was. The unit stops while the door is
    /// open.
    fn warm_and_cool(&mut self, hours: f64, has_failed: bool) {
        let leak = if self.is_open { DOOR } else { WALLS };
        let cooling = if self.is_open || has_failed { 0.0 } else { COOLING };
        let goal = (leak * AMBIENT + cooling * self.set_point) / (leak + cooling);
        self.celsius = goal + (self.celsius - goal) * (-(leak + cooling) * hours).exp();
    }

    fn text(&self, celsius: f64, has_failed: bool) -> String {
        let door = if self.is_open { "OPEN" } else { "CLOSED" };
        let unit = if has_failed { "FAULT" } else { "ON" };
        let (set_point, volts) = (self.set_point, self.volts);
        let mut text = format!("CC1 T={celsius:.1} S={set_point:.1} D={door} U={unit} B={volts:.1}");
        if !self.history.is_empty() {
            let earlier: Vec<String> = self.history.iter().map(|celsius| format!("{celsius:.1}")).collect();
            text += &format!(" I=10 H={}", earlier.join(","));
        }
        text
    }
}

impl Devices for Trailers {
    fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    fn say(&mut self, now: Instant) -> Saying {
        if let Some(answer) = self.answers.pop_front() {
            return answer;
        }
        if let Some(device) = self.requested.pop_front() {
            return self.report(device, now);
        }
        let device = self.next as u32;
        self.next = (self.next + 1) % self.trailers.len();
        self.report(device, now)
    }

    fn hear(&mut self, device: u32, text: &str, _now: Instant) {
        let Some(trailer) = self.trailers.get_mut(device as usize) else { return };
        if self.answers.len().max(self.requested.len()) >= ANSWERS_MAX {
            return;
        }
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let answer = match words.as_slice() {
            ["CC1", "REPORT"] => {
                self.requested.push_back(device);
                return;
            }
            ["CC1", "SET", celsius] => match celsius.parse::<f64>() {
                Ok(celsius) if (-30.0..=20.0).contains(&celsius) => {
                    trailer.set_point = celsius;
                    "CC1 OK SET"
                }
                _ => "CC1 ERR SET not between -30 and 20",
            },
            ["CC1", "RANGE", low, high] => match (low.parse::<f64>(), high.parse::<f64>()) {
                (Ok(low), Ok(high)) if low < high => "CC1 OK RANGE",
                _ => "CC1 ERR RANGE no range",
            },
            _ => return,
        };
        self.answers.push_back(Saying { device, text: answer.to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn trailers(now: Instant) -> Trailers {
        Trailers::new(Numbers::new("+46700", 10).expect("ten are a fleet"), 24 * HOUR, 1, now)
    }

    fn celsius(text: &str) -> f64 {
        let value = text.split(' ').find_map(|word| word.strip_prefix("T="));
        value.and_then(|value| value.parse().ok()).expect("every report has a temperature")
    }

    /// The temperatures of one device over a day, a report each ten minutes.
    fn day_of(fate: Fate) -> Vec<f64> {
        let now = crate::clock::instant();
        let mut trailers = trailers(now);
        let device = trailers.trailers.iter().position(|it| it.fate == fate).expect("ten have each fate") as u32;
        (0..144).map(|n| celsius(&trailers.report(device, now + HOUR / 6 * n).text)).collect()
    }

    #[test]
    fn a_unit_that_works_keeps_cold_and_one_that_fails_does_not() {
        let ordinary = day_of(Fate::Ordinary);
        let inside = ordinary.iter().filter(|celsius| **celsius < -10.0).count();
        assert!(inside > 100, "{ordinary:?}");
        let failing = day_of(Fate::Failing);
        assert!(failing[143] > 0.0 && failing[143] <= AMBIENT + 0.2, "{failing:?}");
        let open = day_of(Fate::LeftOpen);
        assert!(open[143] > 10.0 && open[10] < -10.0, "{open:?}");
    }

    #[test]
    fn a_set_point_is_obeyed_and_answered() {
        let now = crate::clock::instant();
        let mut trailers = trailers(now);
        let device = trailers.trailers.iter().position(|it| it.fate == Fate::Ordinary).expect("there is one") as u32;
        trailers.hear(device, "CC1 SET -25.0", now);
        trailers.hear(device, "CC1 SET warm", now);
        trailers.hear(device, "CC1 RANGE -26 -24", now);
        trailers.hear(device, "CC1 REPORT", now);
        let said: Vec<Saying> = (0..4).map(|_| trailers.say(now)).collect();
        let texts: Vec<&str> = said.iter().map(|saying| saying.text.as_str()).collect();
        assert_eq!(texts[..3], ["CC1 OK SET", "CC1 ERR SET not between -30 and 20", "CC1 OK RANGE"]);
        assert!(said[3].device == device && texts[3].contains(" S=-25.0 "), "{}", texts[3]);
    }
}
