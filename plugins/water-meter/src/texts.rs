//! Every text that this rule sends. All fit one SMS of 160 septets and are plain ASCII without the
//! characters that cost two.

use wasmsc_plugin::MessageState;

use crate::report::{Malformed, Order, Valve};
use crate::state::{Lock, Meter};
use crate::values::{Milli, Phone};

/// Owners' orders carry who gave them, for the meter to say so in its next report.
pub fn order(order: Order, by: &Phone) -> String {
    match order {
        Order::Open => format!("WM1 OPEN BY={by}"),
        Order::Close => format!("WM1 CLOSE BY={by}"),
    }
}

/// Asks a meter to report.
pub fn report_to(owner: &Phone) -> String {
    format!("WM1 REPORT TO={owner}")
}

/// Asks a silent meter to report.
pub const REPORT: &str = "WM1 REPORT";

/// Where a valve is, in a report's words.
pub fn position(valve: Valve) -> &'static str {
    match valve {
        Valve::Open => "OPEN",
        Valve::Throttled => "THROTTLED",
        Valve::Closed => "CLOSED",
    }
}

/// What moves a valve there, in a command's words.
pub fn verb(valve: Valve) -> &'static str {
    match valve {
        Valve::Open => "OPEN",
        Valve::Throttled => "THROTTLE",
        Valve::Closed => "CLOSE",
    }
}

/// The other way round.
pub fn valve(of_verb: &str) -> Option<Valve> {
    [Valve::Open, Valve::Throttled, Valve::Closed].into_iter().find(|valve| verb(*valve) == of_verb)
}

pub fn acknowledgement(used_litres: u64) -> String {
    format!("WM1 OK {used_litres} L today")
}

/// What was wrong with a text, and how a right one looks.
pub fn help(mistake: Malformed) -> String {
    let what = match mistake {
        Malformed::NotText => "it is no text".to_owned(),
        Malformed::TooLong => "it is too long".to_owned(),
        Malformed::NoHeader => "it does not begin with WM1 or STATUS".to_owned(),
        Malformed::BareWord => "every value needs a name and =".to_owned(),
        Malformed::Missing(name) => format!("{name}= is missing"),
        Malformed::Twice(name) => format!("{name}= is there twice"),
        Malformed::OutOfRange(name) => format!("{name}= is not a possible number"),
        Malformed::UnknownValve => "S= is OPEN, THROTTLED or CLOSED".to_owned(),
        Malformed::NoPhone(name) => format!("{name}= is not a phone number"),
    };
    format!("Not understood: {what}. Example: WM1 V=1234.567 F=12.5 B=3.61 S=OPEN (m3, l/h, V, valve)")
}

/// When a state is told.
pub enum Seen {
    Now,
    MinutesAgo(u64),
}

/// State of a meter; `used_today` is None where the last report is of another day.
pub fn status(of: Option<&Phone>, meter: &Meter, used_today: Option<u64>, allowance: u64, seen: Seen) -> String {
    let mut text = of.map_or_else(String::new, |phone| format!("{phone}: "));
    text += &format!("{} m3, {} l/h, {} V, ", meter.volume(), meter.flow(), meter.battery());
    text += position(meter.valve);
    text += &match (used_today, allowance) {
        (None, _) => ", no report today".to_owned(),
        (Some(used), 0) => format!(", {used} L today"),
        (Some(used), allowance) => format!(", {used} of {allowance} L today"),
    };
    text += match meter.lock {
        None => "",
        Some(Lock::Leak) => ", LEAK",
        Some(Lock::Owner) => ", by owner",
    };
    match seen {
        Seen::Now => text,
        Seen::MinutesAgo(minutes) => text + &format!(", {minutes} min ago"),
    }
}

pub const NOTHING_KNOWN: &str = "Nothing known yet: no report has come from this meter";

pub fn asked(asked: usize, of: usize) -> String {
    match (asked, of) {
        (1, 1) => "1 meter was asked, its answer follows".to_owned(),
        (asked, of) if asked == of => format!("{asked} meters were asked, their answers follow"),
        (asked, of) => format!("{asked} of {of} meters were asked, their answers follow"),
    }
}

pub fn relayed(order: Order, meter: &Phone) -> String {
    match order {
        Order::Open => format!("OPEN was sent to {meter}"),
        Order::Close => format!("CLOSE was sent to {meter}"),
    }
}

pub const NOT_REACHED: &str = "The meter cannot be reached from this service";
pub const NOT_YOURS: &str = "Refused: you are not registered as owner of this meter";
pub const NO_METER_NAMED: &str = "Which meter? Write OPEN or CLOSE and its number, such as OPEN +46701234567";

pub fn battery_low(meter: &str, volts: Milli) -> String {
    format!("Meter {meter}: battery is low, {volts} V")
}

pub fn silent(meter: &str, hours: u64) -> String {
    format!("Meter {meter}: no report for {hours} h, and no answer to WM1 REPORT")
}

pub fn not_confirmed(meter: &str, times: u32) -> String {
    let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
    format!("Meter {meter}: CLOSE was sent {times} and nothing confirms it. The water may be running")
}

pub fn command_not_delivered(meter: &str, valve: Valve, state: MessageState) -> String {
    format!("Meter {meter}: {} could not be delivered ({state})", verb(valve))
}

pub fn order_not_delivered(meter: &str) -> String {
    format!("Your order did not reach the meter {meter}")
}

pub fn ran_backwards(meter: &str, from: Milli, to: Milli) -> String {
    format!("Meter {meter}: counter ran backwards, from {from} to {to} m3")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Incoming, read};

    /// One octet is one septet: ASCII without the escaped characters.
    fn fits(text: &str) -> bool {
        text.len() <= 160 && text.bytes().all(|c| (b' '..=b'z').contains(&c) && !b"[\\]^`".contains(&c))
    }

    #[test]
    fn the_longest_texts_fit_one_sms() {
        let longest = "WM1 V=99999999.999 F=1000000.000 B=100.000 S=THROTTLED";
        let Ok(Incoming::Report(report)) = read(longest) else { panic!("a report") };
        let mut meter = Meter::new(&report, 0, 0);
        meter.lock = Some(Lock::Owner);
        let phone: Phone = "+123456789012345".parse().expect("a phone");
        let seen = Seen::MinutesAgo(99_999_999);
        let text = status(Some(&phone), &meter, Some(99_999_999_999), 1_000_000_000, seen);
        assert!(fits(&text), "{} {text}", text.len());
        for text in [NOTHING_KNOWN, NOT_REACHED, NOT_YOURS, NO_METER_NAMED] {
            assert!(fits(text), "{text}");
        }
        let meter = "+123456789012345";
        let undelivered = command_not_delivered(meter, Valve::Throttled, MessageState::Undeliverable);
        for text in [silent(meter, 99_999_999), not_confirmed(meter, 4), undelivered, order_not_delivered(meter)] {
            assert!(fits(&text), "{} {text}", text.len());
        }
    }

    #[test]
    fn every_help_says_what_is_wrong_and_shows_an_example() {
        let all = [Malformed::NotText, Malformed::TooLong, Malformed::NoHeader, Malformed::BareWord];
        let named = [Malformed::Missing("V"), Malformed::Twice("TO"), Malformed::OutOfRange("V")];
        for mistake in all.into_iter().chain(named).chain([Malformed::UnknownValve, Malformed::NoPhone("TO")]) {
            let text = help(mistake);
            assert!(fits(&text), "{} {text}", text.len());
            assert!(text.contains("WM1 V=1234.567"));
        }
    }
}
