//! Times as the application writes them (RFC 3339), and as the device reads them.

use std::time::Duration;

use wasmsc_plugin::Timestamp;

const DAY_MINUTES: i64 = 24 * 60;

/// A point in time, with the offset from UTC in which people at that place read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    pub at: Timestamp,
    pub offset_minutes: i32,
}

/// `2026-03-01T09:30:00+01:00`; seconds may be missing.
pub fn parse(text: &str) -> Option<Local> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = rest.split_at(zone_at);
    let mut date = date.split('-');
    let (year, month, day) = (number(date.next()?, 4)?, number(date.next()?, 2)?, number(date.next()?, 2)?);
    if date.next().is_some() || !(1970..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    let mut clock = clock.splitn(3, ':');
    let (hour, minute) = (number(clock.next()?, 2)?, number(clock.next()?, 2)?);
    let second = match clock.next() {
        None => 0,
        Some(second) => number(second.split('.').next()?, 2)?,
    };
    if day < 1 || day > days_of(year, month) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let offset = offset(zone)?;
    let minutes = days(year, month, day) * DAY_MINUTES + hour * 60 + minute - offset;
    let millis = u64::try_from((minutes * 60 + second) * 1000).ok()?;
    Some(Local { at: Timestamp(millis), offset_minutes: i32::try_from(offset).ok()? })
}

impl Local {
    /// `2026-03-01`.
    pub fn date(self) -> String {
        let (year, month, day) = date(self.minutes().div_euclid(DAY_MINUTES));
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// `09:30`.
    pub fn clock(self) -> String {
        let minutes = self.minutes().rem_euclid(DAY_MINUTES);
        format!("{:02}:{:02}", minutes / 60, minutes % 60)
    }

    /// RFC 3339, as it is parsed.
    pub fn rfc3339(self) -> String {
        let seconds = self.at.0 / 1000 % 60;
        let (sign, offset) =
            if self.offset_minutes < 0 { ('-', -self.offset_minutes) } else { ('+', self.offset_minutes) };
        let zone = if offset == 0 { "Z".to_owned() } else { format!("{sign}{:02}:{:02}", offset / 60, offset % 60) };
        format!("{}T{}:{seconds:02}{zone}", self.date(), self.clock())
    }

    fn minutes(self) -> i64 {
        i64::try_from(self.at.0 / 60_000).unwrap_or(i64::MAX / 2) + i64::from(self.offset_minutes)
    }
}

/// `90m`, `2h`, `1d`.
pub fn parse_span(text: &str) -> Option<Duration> {
    let text = text.trim();
    let unit = text.chars().next_back()?;
    let count: u64 = text[..text.len() - unit.len_utf8()].parse().ok()?;
    let minutes = match unit {
        'm' => 1,
        'h' => 60,
        'd' => 1440,
        _ => return None,
    };
    Some(Duration::from_secs(count.checked_mul(minutes * 60)?))
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let is_number = text.len() == digits && text.bytes().all(|octet| octet.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

/// Minutes by which a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("Z") {
        return Some(0);
    }
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let minutes = number(hours, 2).filter(|h| *h <= 23)? * 60 + number(minutes, 2).filter(|m| *m <= 59)?;
    Some(if zone.starts_with('-') { -minutes } else { minutes })
}

fn days_of(year: i64, month: i64) -> i64 {
    let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days(next_year, next_month, 1) - days(year, month, 1)
}

/// Days since 1970-01-01. Years begin with March here, so that a leap day comes last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day
        - 1
        - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_in_their_own_zone() {
        let local = parse("2026-03-01T00:30:00+01:00").expect("a time");
        assert_eq!(local.at, Timestamp(1_772_321_400_000));
        assert_eq!((local.date().as_str(), local.clock().as_str()), ("2026-03-01", "00:30"));
        assert_eq!(local.rfc3339(), "2026-03-01T00:30:00+01:00");
        for text in ["2026-01-01T00:00:00Z", "2024-02-29T23:59:59-09:30", "2099-12-31T12:00:01+14:00"] {
            assert_eq!(parse(text).map(Local::rfc3339).as_deref(), Some(text));
        }
        assert_eq!(parse("2026-01-01T00:00Z"), parse("2026-01-01 00:00:00.000+00:00"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2026-03-01",
            "2026-02-29T00:00Z",
            "2026-13-01T00:00Z",
            "2026-03-01T24:00Z",
            "2026-03-01T09:30",
            "2026-03-01T9:30Z",
            "2026-03-01T09:30+1:00",
            "1969-12-31T23:59Z",
            "tomorrow",
            "2026-03-00T00:00Z",
            "2026-03-01T00:00+é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_day_of_a_century_comes_back() {
        for day in 0..36_525 {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
            assert!((1..=days_of(year, month)).contains(&of_month));
        }
    }

    #[test]
    fn spans_have_a_unit() {
        assert_eq!(parse_span(" 90m "), Some(Duration::from_secs(5400)));
        assert_eq!(parse_span("2d"), Some(Duration::from_secs(172_800)));
        for text in ["", "2", "h", "2 hours", "-1h", "2é"] {
            assert_eq!(parse_span(text), None, "{text}");
        }
    }
}
