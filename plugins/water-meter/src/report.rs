//! Reads what a meter or an owner wrote: a report, a question or an order.
//!
//! Pure and tolerant in spelling, strict in values: a report is whole and plausible or it is malformed.

use serde::{Deserialize, Serialize};

use crate::values::{Milli, Phone};

/// Longer than any report of two concatenated SMS; nobody measures more.
const TEXT_OCTETS_MAX: usize = 320;
/// 100 million m³ is above every counter that meters have.
const VOLUME_MAX: Milli = Milli(99_999_999_999);
/// 1,000 m³ an hour: the largest bulk meters.
const FLOW_MAX: Milli = Milli(1_000_000_000);
const BATTERY_MAX: Milli = Milli(100_000);

/// Position of the valve, from open to closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Valve {
    #[serde(rename = "O")]
    Open,
    #[serde(rename = "T")]
    Throttled,
    #[serde(rename = "C")]
    Closed,
}

/// One reading of a meter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub volume: Milli,
    pub flow: Milli,
    pub battery: Milli,
    pub valve: Valve,
    /// An owner who asked for this report.
    pub to: Option<Phone>,
    /// An owner whose order put the valve where it is.
    pub by: Option<Phone>,
}

/// An owner's order to a valve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Open,
    Close,
}

/// What an MO asks of this rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    Report(Report),
    Status,
    /// `WM1 OK …` or `WM1 ERR …`: what a meter says to a command. Answering it could go on for ever.
    Answer,
    /// None where the text names no meter.
    Order(Order, Option<Phone>),
}

/// What is wrong with a text, in words for its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    NotText,
    TooLong,
    NoHeader,
    BareWord,
    Missing(&'static str),
    Twice(&'static str),
    OutOfRange(&'static str),
    UnknownValve,
    NoPhone(&'static str),
}

/// Reads one text.
pub fn read(text: &str) -> Result<Incoming, Malformed> {
    if text.len() > TEXT_OCTETS_MAX {
        return Err(Malformed::TooLong);
    }
    let text = text.trim_matches(is_separator);
    let (word, rest) = split_word(text);
    if word.eq_ignore_ascii_case("WM1") {
        let (verb, _) = split_word(rest);
        if rest.eq_ignore_ascii_case("STATUS") {
            Ok(Incoming::Status)
        } else if verb.eq_ignore_ascii_case("OK") || verb.eq_ignore_ascii_case("ERR") {
            Ok(Incoming::Answer)
        } else {
            fields(rest).map(Incoming::Report)
        }
    } else if word.eq_ignore_ascii_case("STATUS") && rest.is_empty() {
        Ok(Incoming::Status)
    } else if word.eq_ignore_ascii_case("OPEN") {
        Ok(Incoming::Order(Order::Open, rest.parse().ok()))
    } else if word.eq_ignore_ascii_case("CLOSE") {
        Ok(Incoming::Order(Order::Close, rest.parse().ok()))
    } else {
        Err(Malformed::NoHeader)
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';')
}

/// The first word, and what follows it without separators in front.
fn split_word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| is_separator(c) || c == ':').unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.trim_start_matches(|c: char| is_separator(c) || c == ':'))
}

fn fields(mut rest: &str) -> Result<Report, Malformed> {
    let (mut volume, mut flow, mut battery, mut valve, mut to, mut by) = (None, None, None, None, None, None);
    loop {
        rest = rest.trim_start_matches(is_separator);
        if rest.is_empty() {
            break;
        }
        // A word without `=` may be half a number ("V=12 34"): guessing would record a wrong volume.
        let (name, after) = rest.split_once(['=', ':']).ok_or(Malformed::BareWord)?;
        let name = name.trim_end();
        if name.is_empty() || name.contains(is_separator) {
            return Err(Malformed::BareWord);
        }
        let value;
        (value, rest) = split_value(after.trim_start());
        match () {
            () if name.eq_ignore_ascii_case("V") => once(&mut volume, "V", number("V", value, VOLUME_MAX)?)?,
            () if name.eq_ignore_ascii_case("F") => once(&mut flow, "F", number("F", value, FLOW_MAX)?)?,
            () if name.eq_ignore_ascii_case("B") => once(&mut battery, "B", number("B", value, BATTERY_MAX)?)?,
            () if name.eq_ignore_ascii_case("S") => once(&mut valve, "S", read_valve(value)?)?,
            () if name.eq_ignore_ascii_case("TO") => once(&mut to, "TO", phone("TO", value)?)?,
            () if name.eq_ignore_ascii_case("BY") => once(&mut by, "BY", phone("BY", value)?)?,
            () => {}
        }
    }
    Ok(Report {
        volume: volume.ok_or(Malformed::Missing("V"))?,
        flow: flow.ok_or(Malformed::Missing("F"))?,
        battery: battery.ok_or(Malformed::Missing("B"))?,
        valve: valve.ok_or(Malformed::Missing("S"))?,
        to,
        by,
    })
}

/// A value ends at a separator, but a comma between two digits is a decimal comma.
fn split_value(text: &str) -> (&str, &str) {
    let octets = text.as_bytes();
    let is_digit = |at: usize| octets.get(at).is_some_and(u8::is_ascii_digit);
    let ends =
        |&(at, c): &(usize, char)| is_separator(c) && !(c == ',' && at > 0 && is_digit(at - 1) && is_digit(at + 1));
    let end = text.char_indices().find(ends).map_or(text.len(), |(at, _)| at);
    text.split_at(end)
}

fn once<T>(slot: &mut Option<T>, name: &'static str, value: T) -> Result<(), Malformed> {
    if slot.replace(value).is_some() { Err(Malformed::Twice(name)) } else { Ok(()) }
}

fn number(name: &'static str, value: &str, max: Milli) -> Result<Milli, Malformed> {
    value.parse().ok().filter(|number| *number <= max).ok_or(Malformed::OutOfRange(name))
}

fn phone(name: &'static str, value: &str) -> Result<Phone, Malformed> {
    value.parse().map_err(|_| Malformed::NoPhone(name))
}

fn read_valve(value: &str) -> Result<Valve, Malformed> {
    let positions = [("OPEN", Valve::Open), ("THROTTLED", Valve::Throttled), ("CLOSED", Valve::Closed)];
    let found = positions.into_iter().find(|(word, _)| value.eq_ignore_ascii_case(word));
    found.map(|(_, valve)| valve).ok_or(Malformed::UnknownValve)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Report {
        Report {
            volume: Milli(1_234_567),
            flow: Milli(12_500),
            battery: Milli(3610),
            valve: Valve::Open,
            to: None,
            by: None,
        }
    }

    #[test]
    fn spelling_does_not_matter() {
        for text in [
            "WM1 V=1234.567 F=12.5 B=3.61 S=OPEN",
            "wm1  v = 1234.567 ,f=12.5;b=3.61 s=open",
            "  Wm1,S=Open,B=3,61,F=12,5,V=1234,567 ",
            "WM1: V:1234.567\r\nF:12.5\nB:3.61\tS:open;",
            "WM1;V=0001234.567;F=12.50;B=3.6109;S=OPEN",
            "WM1 V=1234.567 F=12.5 B=3.61 S=OPEN T=21.5 NAME=källare 雪=1",
        ] {
            assert_eq!(read(text), Ok(Incoming::Report(plain())), "{text}");
        }
    }

    #[test]
    fn owners_are_named_in_a_report() {
        let text = "WM1 V=1234.567 F=12.5 B=3.61 S=OPEN TO=+46731234567 by = 46731234568";
        let (to, by) = ("+46731234567".parse().ok(), "+46731234568".parse().ok());
        assert_eq!(read(text), Ok(Incoming::Report(Report { to, by, ..plain() })));
    }

    #[test]
    fn questions_and_orders_are_told_apart_from_reports() {
        for text in ["STATUS", "status ", "WM1 STATUS", "wm1,status;"] {
            assert_eq!(read(text), Ok(Incoming::Status), "{text}");
        }
        let meter = "+46701234567".parse().ok();
        assert_eq!(read("open  +46701234567"), Ok(Incoming::Order(Order::Open, meter.clone())));
        assert_eq!(read("CLOSE 46701234567"), Ok(Incoming::Order(Order::Close, meter)));
        assert_eq!(read("CLOSE the door"), Ok(Incoming::Order(Order::Close, None)));
    }

    #[test]
    fn each_mistake_has_its_name() {
        for (text, mistake) in [
            ("", Malformed::NoHeader),
            ("hello", Malformed::NoHeader),
            ("WM10 V=1", Malformed::NoHeader),
            ("WM1", Malformed::Missing("V")),
            ("WM1 V=1 F=1 S=OPEN", Malformed::Missing("B")),
            ("WM1 V=1 F=1 B=3", Malformed::Missing("S")),
            ("WM1 V=12 34.5 F=1 B=3 S=OPEN", Malformed::BareWord),
            ("WM1 V=1 F=1 B=3 S=OPEN please", Malformed::BareWord),
            ("WM1 =1", Malformed::BareWord),
            ("WM1 V=1 V=2 F=1 B=3 S=OPEN", Malformed::Twice("V")),
            ("WM1 V=1,234.567 F=1 B=3 S=OPEN", Malformed::OutOfRange("V")),
            ("WM1 V= F=1 B=3 S=OPEN", Malformed::OutOfRange("V")),
            ("WM1 V=-1 F=1 B=3 S=OPEN", Malformed::OutOfRange("V")),
            ("WM1 V=NaN F=1 B=3 S=OPEN", Malformed::OutOfRange("V")),
            ("WM1 V=1e308 F=1 B=3 S=OPEN", Malformed::OutOfRange("V")),
            ("WM1 V=100000000 F=1 B=3 S=OPEN", Malformed::OutOfRange("V")),
            ("WM1 V=1 F=inf B=3 S=OPEN", Malformed::OutOfRange("F")),
            ("WM1 V=1 F=1 B=-3 S=OPEN", Malformed::OutOfRange("B")),
            ("WM1 V=1 F=1 B=3 S=AJAR", Malformed::UnknownValve),
            ("WM1 V=1 F=1 B=3 S=OPEN TO=me", Malformed::NoPhone("TO")),
        ] {
            assert_eq!(read(text), Err(mistake), "{text}");
        }
        assert_eq!(read(&"WM1 V=1 ".repeat(1000)), Err(Malformed::TooLong));
    }

    #[test]
    fn every_prefix_of_odd_texts_is_survived() {
        let odd = "wm1 v=1,,2,é,f=１２.5;;;=\u{a0}b\u{2009}=3\u{301}.6 s=🚰 to=+,by==,\0\u{feff}=,";
        for (end, _) in odd.char_indices() {
            assert!(!matches!(read(&odd[..end]), Ok(Incoming::Report(_))));
        }
    }
}
