//! Every text that this rule sends. All fit one SMS of 160 septets and are plain ASCII without the
//! characters that cost two.

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
    text += match meter.valve {
        Valve::Open => "OPEN",
        Valve::Throttled => "THROTTLED",
        Valve::Closed => "CLOSED",
    };
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
