//! What rules use up, day by day: numbers to bill by, and to hold against quotas.
//!
//! Pure: takes `now`. `relay/metering.rs` says what was used, keeps the days, and acts where a quota is used up.

use serde::{Deserialize, Serialize};

use crate::message::Timestamp;

const DAY_MS: u64 = 86_400_000;
const MINUTE_MS: u64 = 60_000;

/// What calls of rules used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    pub calls: u64,
    /// Of these, those that trapped, overran a limit or were rejected.
    pub failures: u64,
    pub cpu_micros: u64,
    /// The most that one call had of linear memory.
    pub memory_octets_max: u64,
    /// Octets of state that were written, names and values.
    pub state_octets_written: u64,
    pub messages: u64,
    pub timers: u64,
    pub http_calls: u64,
    pub log_lines: u64,
}

impl Used {
    pub fn add(&mut self, more: &Used) {
        self.calls += more.calls;
        self.failures += more.failures;
        self.cpu_micros += more.cpu_micros;
        self.memory_octets_max = self.memory_octets_max.max(more.memory_octets_max);
        self.state_octets_written += more.state_octets_written;
        self.messages += more.messages;
        self.timers += more.timers;
        self.http_calls += more.http_calls;
        self.log_lines += more.log_lines;
    }
}

/// What a rule used on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    pub customer: Box<str>,
    /// Without the customer.
    pub rule: Box<str>,
    /// Days since 1970-01-01, in UTC.
    pub day: u32,
    pub used: Used,
}

pub fn day(now: Timestamp) -> u32 {
    (now.0 / DAY_MS) as u32
}

/// When the minute is over.
pub fn next_minute(now: Timestamp) -> Timestamp {
    Timestamp((now.0 / MINUTE_MS + 1) * MINUTE_MS)
}

/// Of a rule, or of all rules of a customer.
#[derive(Debug, Default)]
pub struct Meter {
    day: u32,
    today: Used,
    minute: u64,
    minute_cpu_micros: u64,
    /// Something has changed that is not written down.
    is_changed: bool,
}

impl Meter {
    /// Yields CPU microseconds of the present minute.
    pub fn charge(&mut self, used: &Used, now: Timestamp) -> u64 {
        self.turn(now);
        self.today.add(used);
        self.minute_cpu_micros += used.cpu_micros;
        self.is_changed = true;
        self.minute_cpu_micros
    }

    /// A clock that is set back begins no day and no minute anew.
    fn turn(&mut self, now: Timestamp) {
        if day(now) > self.day {
            (self.day, self.today) = (day(now), Used::default());
        }
        let minute = now.0 / MINUTE_MS;
        if minute > self.minute {
            (self.minute, self.minute_cpu_micros) = (minute, 0);
        }
    }

    /// What was used on this day so far.
    pub fn today(&self, now: Timestamp) -> Used {
        if self.day == day(now) { self.today } else { Used::default() }
    }

    /// Counts on from what is written down.
    pub fn restore(&mut self, row_day: u32, used: &Used, now: Timestamp) {
        if row_day == day(now) {
            self.turn(now);
            self.today.add(used);
        }
    }

    /// The day and its numbers, if they have changed since this was asked the last time.
    pub fn changed(&mut self) -> Option<(u32, Used)> {
        std::mem::take(&mut self.is_changed).then_some((self.day, self.today))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn used(cpu_micros: u64) -> Used {
        Used { calls: 1, cpu_micros, messages: 2, memory_octets_max: cpu_micros, ..Used::default() }
    }

    #[test]
    fn days_and_minutes_begin_at_nought_and_the_largest_call_is_remembered() {
        let mut meter = Meter::default();
        assert_eq!((meter.charge(&used(700), NOW), meter.charge(&used(300), NOW)), (700, 1_000));
        let today = meter.today(NOW);
        assert_eq!((today.calls, today.messages, today.memory_octets_max), (2, 4, 700));
        assert_eq!(meter.charge(&used(5), next_minute(NOW)), 5);
        assert_eq!(meter.charge(&used(5), NOW), 10, "the clock was set back");
        let tomorrow = NOW.plus_ms(DAY_MS);
        assert_eq!((meter.today(tomorrow), meter.charge(&used(1), tomorrow)), (Used::default(), 1));
        assert_eq!((meter.changed(), meter.changed()), (Some((day(tomorrow), used(1))), None));
    }

    #[test]
    fn what_was_written_down_counts_on_its_own_day_only() {
        let mut meter = Meter::default();
        meter.restore(day(NOW) - 1, &used(9), NOW);
        meter.restore(day(NOW), &used(7), NOW);
        meter.charge(&used(1), NOW);
        assert_eq!((meter.today(NOW).calls, meter.today(NOW).cpu_micros), (2, 8));
    }
}
