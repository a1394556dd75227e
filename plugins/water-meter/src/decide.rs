//! What a report means and what the valve should do. Pure: time and settings are arguments.

use crate::report::{Report, Valve};
use crate::state::{Lock, Meter, Sent};
use crate::values::Milli;

/// A battery counts as recovered this far above the limit, so that one drop is told once.
const BATTERY_HYSTERESIS: u64 = 100;
const DAY_MINUTES: u64 = 1440;

/// What an accounting day is.
#[derive(Clone, Copy, Debug)]
pub struct Day {
    pub number: u64,
    pub starts_secs: u64,
}

impl Day {
    pub fn at(now_secs: u64, day_starts_minutes: u64) -> Day {
        let number = (now_secs / 60 + DAY_MINUTES - day_starts_minutes) / DAY_MINUTES;
        Day { number, starts_secs: (number * DAY_MINUTES + day_starts_minutes).saturating_sub(DAY_MINUTES) * 60 }
    }
}

/// Takes a reading into account. Answers the old volume where the counter ran backwards; the new one then
/// is the base of what follows.
pub fn account(meter: &mut Meter, report: &Report, now_secs: u64, day: Day) -> Option<Milli> {
    let old = meter.volume();
    let litres = report.volume.0.saturating_sub(old.0);
    if meter.day == day.number {
        meter.used_litres = meter.used_litres.saturating_add(litres);
    } else {
        // The first report of a day also covers the end of the days before: each gets its share of the time.
        let elapsed = now_secs.saturating_sub(meter.seen_secs).max(1);
        let today = now_secs.saturating_sub(day.starts_secs).min(elapsed);
        meter.used_litres = litres.saturating_mul(today) / elapsed;
        meter.day = day.number;
    }
    if report.flow.0 == 0 {
        meter.flowing_since_secs = None;
    } else {
        meter.flowing_since_secs.get_or_insert(now_secs);
    }
    meter.set_reading(report, now_secs);
    (report.volume < old).then_some(old)
}

/// Locks the valve where water has not stood still for `leak_minutes`; 0 never locks. `silent_secs`: since the
/// report before. Nobody knows what flowed in a silence as long as the watch itself, so it starts anew.
pub fn watch_leak(meter: &mut Meter, now_secs: u64, silent_secs: u64, leak_minutes: u64) {
    if silent_secs > leak_minutes * 60 {
        meter.flowing_since_secs = Some(now_secs);
    }
    let flowing = meter.flowing_since_secs.map_or(0, |since| now_secs.saturating_sub(since));
    if leak_minutes > 0 && flowing >= leak_minutes * 60 {
        meter.lock = Some(Lock::Leak);
    }
}

/// Whether the battery went low with this reading.
pub fn watch_battery(meter: &mut Meter, low: Milli) -> bool {
    let volts = meter.battery();
    let drops = !meter.battery_low && volts < low;
    if drops {
        meter.battery_low = true;
    } else if volts.0 >= low.0 + BATTERY_HYSTERESIS {
        meter.battery_low = false;
    }
    drops
}

/// Whether a valve in this position would change the lock, if its report's `BY` is an owner.
pub fn owner_matters(meter: &Meter, valve: Valve) -> bool {
    match valve {
        Valve::Open => meter.lock.is_some(),
        Valve::Throttled => false,
        Valve::Closed => meter.lock.is_none(),
    }
}

/// An owner has opened or closed the valve: his word stands above the leak watch, which starts anew.
pub fn obey_owner(meter: &mut Meter, valve: Valve) {
    match valve {
        Valve::Open => {
            meter.lock = None;
            meter.flowing_since_secs = None;
        }
        Valve::Throttled => {}
        Valve::Closed => meter.lock = Some(Lock::Owner),
    }
}

/// Where the valve should be.
pub fn wanted(meter: &Meter, allowance_litres: u64, throttle_percent: u64) -> Valve {
    let used = meter.used_litres;
    if meter.lock.is_some() || (allowance_litres > 0 && used >= allowance_litres) {
        Valve::Closed
    } else if allowance_litres > 0 && throttle_percent > 0 && used * 100 >= allowance_litres * throttle_percent {
        Valve::Throttled
    } else {
        Valve::Open
    }
}

/// Whether the valve is wrong in a way that this rule may change. A valve that somebody else closed further
/// than wanted stays: opening it could flood an open pipe.
pub fn is_wrong(meter: &mut Meter, wanted: Valve) -> bool {
    if meter.valve == wanted && wanted == Valve::Open {
        meter.held = false;
    }
    meter.valve < wanted || (meter.valve > wanted && meter.held)
}

/// Whether the command may go out now; the same one waits `resend_secs`.
pub fn may_send(meter: &Meter, wanted: Valve, now_secs: u64, resend_secs: u64) -> bool {
    meter.sent.is_none_or(|sent| sent.valve != wanted || now_secs.saturating_sub(sent.at_secs) >= resend_secs)
}

pub fn note_sent(meter: &mut Meter, valve: Valve, now_secs: u64) {
    meter.sent = Some(Sent { valve, at_secs: now_secs });
    meter.held = true;
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDNIGHT: u64 = 1_767_225_600;

    fn report(litres: u64) -> Report {
        let (volume, flow, battery) = (Milli(litres), Milli(0), Milli(3600));
        Report { volume, flow, battery, valve: Valve::Open, to: None, by: None }
    }

    #[test]
    fn a_day_starts_where_it_is_told_to() {
        let day = |secs| Day::at(secs, 240);
        assert_eq!(day(MIDNIGHT + 4 * 3600 - 1).number + 1, day(MIDNIGHT + 4 * 3600).number);
        assert_eq!(day(MIDNIGHT + 5 * 3600).starts_secs, MIDNIGHT + 4 * 3600);
        assert_eq!(day(MIDNIGHT + 3 * 3600).starts_secs, MIDNIGHT - 20 * 3600);
        assert_eq!(Day::at(MIDNIGHT, 0).starts_secs, MIDNIGHT);
        assert_eq!(Day::at(0, 1439).starts_secs, 0);
    }

    #[test]
    fn water_across_midnight_is_shared_by_time() {
        let (before, after) = (MIDNIGHT - 3600, MIDNIGHT + 1800);
        let mut meter = Meter::new(&report(1000), before, Day::at(before, 0).number);
        assert_eq!(account(&mut meter, &report(1300), after, Day::at(after, 0)), None);
        assert_eq!(meter.used_litres, 100);
        assert_eq!(account(&mut meter, &report(1310), after + 60, Day::at(after + 60, 0)), None);
        assert_eq!(meter.used_litres, 110);
    }

    #[test]
    fn extreme_steps_do_not_overflow() {
        let mut meter = Meter::new(&report(0), 0, 0);
        let far = u64::MAX / 1000;
        account(&mut meter, &report(99_999_999_999), far, Day::at(far, 0));
        account(&mut meter, &report(0), far, Day::at(far, 0));
        account(&mut meter, &report(99_999_999_999), 5, Day::at(5, 1439));
        assert_eq!(wanted(&meter, 1_000_000_000, 100), Valve::Closed);
    }

    #[test]
    fn full_throttle_percent_goes_straight_to_closed() {
        let mut meter = Meter::new(&report(0), MIDNIGHT, 1);
        meter.used_litres = 999;
        assert_eq!(wanted(&meter, 1000, 100), Valve::Open);
        assert_eq!(wanted(&meter, 1000, 0), Valve::Open);
        assert_eq!(wanted(&meter, 1000, 99), Valve::Throttled);
        meter.used_litres = 1000;
        assert_eq!(wanted(&meter, 1000, 0), Valve::Closed);
        assert_eq!(wanted(&meter, 0, 80), Valve::Open);
    }
}
