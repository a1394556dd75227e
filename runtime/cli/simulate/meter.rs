//! One simulated water meter: its house, its counter, its battery and its valve.
//!
//! Pure: time and chance are arguments. [`super::fleet::Fleet`] owns the meters.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::rng::Rng;

/// Litres per hour out of one open tap, and out of a house that fills a bath and waters the garden.
const TAP_FLOW: (f64, f64) = (60.0, 720.0);
/// A dripping pipe, in litres per hour: enough to never read zero, too little to be noticed at home.
const LEAK_FLOW: (f64, f64) = (4.0, 28.0);
const FULL_BATTERY_VOLTS: (f64, f64) = (3.45, 3.65);
const WEAK_BATTERY_VOLTS: (f64, f64) = (3.02, 3.12);
/// One report costs this much charge; transmitting is what empties a meter's battery.
const VOLTS_PER_REPORT: f64 = 0.004;

/// Share of the daily consumption in each hour of the day: asleep, morning, noon, evening.
const HOUR_WEIGHTS: [f64; 24] = [
    0.1, 0.05, 0.05, 0.05, 0.1, 0.5, 1.9, 2.6, 2.0, 1.2, 0.9, 0.9, 1.3, 1.1, 0.8, 0.8, 1.0, 1.5, 2.2, 2.0, 1.4, 1.0,
    0.5, 0.05,
];

/// How the house behind a meter uses water.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Household {
    Ordinary,
    /// Uses several times what others use: runs into the daily allowance.
    Thirsty,
    /// Flow never reads zero.
    Leaking,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Valve {
    Open,
    /// Lets at most so many litres per hour through.
    Throttled(f64),
    Closed,
}

/// What an MT told the meter to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// With the number of whoever ordered it by hand.
    Close {
        by: Option<String>,
    },
    Open {
        by: Option<String>,
    },
    Throttle(f64),
    /// Report at once; the report names who wants to know.
    Report {
        to: Option<String>,
    },
}

impl Command {
    /// Reads `WM1 CLOSE [BY=<number>]`, `WM1 OPEN [BY=<number>]`, `WM1 THROTTLE <l/h>` or `WM1 REPORT [TO=<number>]`; any other text is
    /// for people, so the meter only displays it.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        if !words.next()?.eq_ignore_ascii_case("WM1") {
            return None;
        }
        let (verb, argument) = (words.next()?.to_ascii_uppercase(), words.next());
        if words.next().is_some() {
            return None;
        }
        match (verb.as_str(), argument) {
            ("CLOSE", None) => Some(Self::Close { by: None }),
            ("OPEN", None) => Some(Self::Open { by: None }),
            ("CLOSE", Some(argument)) => Some(Self::Close { by: Some(number(argument, "BY")?) }),
            ("OPEN", Some(argument)) => Some(Self::Open { by: Some(number(argument, "BY")?) }),
            ("THROTTLE", Some(limit)) => {
                let limit: f64 = limit.parse().ok()?;
                (limit.is_finite() && limit > 0.0).then_some(Self::Throttle(limit))
            }
            ("REPORT", None) => Some(Self::Report { to: None }),
            ("REPORT", Some(argument)) => Some(Self::Report { to: Some(number(argument, "TO")?) }),
            _ => None,
        }
    }
}

/// `<key>=<number>` in any case.
fn number(argument: &str, key: &str) -> Option<String> {
    let (name, number) = argument.split_once('=')?;
    (name.eq_ignore_ascii_case(key) && !number.is_empty()).then(|| number.to_owned())
}

#[derive(Debug)]
pub struct Meter {
    household: Household,
    daily_litres: f64,
    leak_flow: f64,
    litres: f64,
    volts: f64,
    valve: Valve,
    /// Who ordered the valve's state by hand; said in the next report.
    ordered_by: Option<String>,
    read_at: Instant,
}

impl Meter {
    pub fn install(household: Household, has_weak_battery: bool, rng: &mut Rng, now: Instant) -> Self {
        let daily_litres = match household {
            Household::Thirsty => rng.between(1_100.0, 1_900.0),
            Household::Ordinary | Household::Leaking => rng.between(90.0, 340.0),
        };
        let leak_flow = if household == Household::Leaking { rng.between(LEAK_FLOW.0, LEAK_FLOW.1) } else { 0.0 };
        let volts = if has_weak_battery { WEAK_BATTERY_VOLTS } else { FULL_BATTERY_VOLTS };
        Self {
            household,
            daily_litres,
            leak_flow,
            litres: rng.between(20_000.0, 2_400_000.0).round(),
            volts: rng.between(volts.0, volts.1),
            valve: Valve::Open,
            ordered_by: None,
            read_at: now,
        }
    }

    pub fn household(&self) -> Household {
        self.household
    }

    pub fn valve(&self) -> Valve {
        self.valve
    }

    /// Turns the valve; a report is the fleet's to send.
    pub fn obey(&mut self, command: &Command) {
        match command {
            Command::Close { by } => (self.valve, self.ordered_by) = (Valve::Closed, by.clone()),
            Command::Open { by } => (self.valve, self.ordered_by) = (Valve::Open, by.clone()),
            Command::Throttle(limit) => self.valve = Valve::Throttled(*limit),
            Command::Report { .. } => {}
        }
    }

    /// The mechanic put in a used counter: the volume jumps backwards.
    pub fn swap_counter(&mut self, rng: &mut Rng) {
        self.litres = (self.litres * rng.between(0.2, 0.9)).round();
    }

    /// Reads counter, flow and battery as an SMS text. `day` is how long one day of the meter lasts.
    pub fn report(&mut self, day: Duration, hour: f64, to: Option<&str>, rng: &mut Rng, now: Instant) -> String {
        let days = now.saturating_duration_since(self.read_at).as_secs_f64() / day.as_secs_f64();
        self.read_at = now;
        let weight = HOUR_WEIGHTS[hour as usize % 24];
        self.litres += self.used_litres(days, weight, rng);
        self.volts = (self.volts - VOLTS_PER_REPORT * rng.between(0.2, 1.0)).max(2.4);
        let flow = self.flow(weight, rng);
        let valve = match self.valve {
            Valve::Open => "OPEN",
            Valve::Throttled(_) => "THROTTLED",
            Valve::Closed => "CLOSED",
        };
        let mut text = format!("WM1 V={:.3} F={flow:.1} B={:.2} S={valve}", self.litres / 1_000.0, self.volts);
        if let Some(to) = to {
            // Writing to a String cannot fail.
            let _ = write!(text, " TO={to}");
        }
        if let Some(by) = self.ordered_by.take() {
            let _ = write!(text, " BY={by}");
        }
        text
    }

    fn used_litres(&self, days: f64, weight: f64, rng: &mut Rng) -> f64 {
        let wanted = self.daily_litres * weight * rng.between(0.6, 1.4) * days + self.leak_flow * 24.0 * days;
        match self.valve {
            Valve::Open => wanted,
            Valve::Throttled(limit) => wanted.min(limit * 24.0 * days),
            Valve::Closed => 0.0,
        }
    }

    fn flow(&self, weight: f64, rng: &mut Rng) -> f64 {
        let often = if self.household == Household::Thirsty { 0.7 } else { 0.35 };
        let taps = if rng.chance(often * weight.min(1.4)) { rng.between(TAP_FLOW.0, TAP_FLOW.1) } else { 0.0 };
        match self.valve {
            Valve::Open => taps + self.leak_flow,
            Valve::Throttled(limit) => (taps + self.leak_flow).min(limit),
            Valve::Closed => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn installed(household: Household) -> (Meter, Rng, Instant) {
        let (mut rng, now) = (Rng::seeded(11), crate::clock::instant());
        (Meter::install(household, false, &mut rng, now), rng, now)
    }

    fn field(text: &str, key: &str) -> f64 {
        let value = text.split(' ').find_map(|word| word.strip_prefix(key)).unwrap();
        value.parse().unwrap()
    }

    #[test]
    fn commands_are_read_in_any_case_and_other_texts_are_not_commands() {
        assert_eq!(Command::parse("WM1 CLOSE"), Some(Command::Close { by: None }));
        assert_eq!(Command::parse(" wm1  open "), Some(Command::Open { by: None }));
        let by = Some("+46731234567".to_owned());
        assert_eq!(Command::parse("WM1 OPEN BY=+46731234567"), Some(Command::Open { by }));
        assert_eq!(Command::parse("WM1 THROTTLE 30"), Some(Command::Throttle(30.0)));
        assert_eq!(Command::parse("WM1 REPORT"), Some(Command::Report { to: None }));
        let to = Some("+46701234567".to_owned());
        assert_eq!(Command::parse("WM1 REPORT TO=+46701234567"), Some(Command::Report { to }));
        for text in ["", "WM1", "WM1 OK 12 l today", "WM1 THROTTLE", "WM1 THROTTLE NaN", "CLOSE", "WM1 CLOSE now"] {
            assert_eq!(Command::parse(text), None, "{text}");
        }
    }

    #[test]
    fn closed_valve_stops_counter_and_flow_and_opening_resumes_them() {
        let (mut meter, mut rng, now) = installed(Household::Leaking);
        let before = meter.report(DAY, 7.0, None, &mut rng, now);
        assert!(field(&before, "F=") > 0.0, "{before}");
        meter.obey(&Command::Close { by: None });
        let closed = meter.report(DAY, 7.0, None, &mut rng, now + DAY / 24);
        assert!(closed.ends_with("S=CLOSED"), "{closed}");
        assert_eq!((field(&closed, "F="), field(&closed, "V=")), (0.0, field(&before, "V=")));
        meter.obey(&Command::Open { by: None });
        let open = meter.report(DAY, 7.0, None, &mut rng, now + DAY / 12);
        assert!(field(&open, "V=") > field(&before, "V=") && open.ends_with("S=OPEN"), "{open}");
    }

    #[test]
    fn throttle_bounds_the_flow() {
        let (mut meter, mut rng, now) = installed(Household::Thirsty);
        meter.obey(&Command::Throttle(30.0));
        for hour in 0..24 {
            let text = meter.report(DAY, f64::from(hour), None, &mut rng, now + DAY / 24 * hour);
            assert!(field(&text, "F=") <= 30.0 && text.contains("S=THROTTLED"), "{text}");
        }
    }

    #[test]
    fn report_names_who_asked() {
        let (mut meter, mut rng, now) = installed(Household::Ordinary);
        let text = meter.report(DAY, 3.0, Some("+46701234567"), &mut rng, now);
        assert!(text.starts_with("WM1 V=") && text.ends_with(" TO=+46701234567"), "{text}");
    }

    #[test]
    fn a_day_uses_about_the_daily_litres_and_battery_sinks() {
        let (mut meter, mut rng, now) = installed(Household::Ordinary);
        let first = meter.report(DAY, 0.0, None, &mut rng, now);
        let mut last = String::new();
        for hour in 1..=24u32 {
            last = meter.report(DAY, f64::from(hour % 24), None, &mut rng, now + DAY / 24 * hour);
        }
        let litres = (field(&last, "V=") - field(&first, "V=")) * 1_000.0;
        assert!((0.6..1.4).contains(&(litres / meter.daily_litres)), "{litres} of {}", meter.daily_litres);
        assert!(field(&last, "B=") < field(&first, "B="));
    }
}
