//! Spans and points of time as case files write them: `90s`, `1h30m`, `2026-03-01T08:00:00Z`.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::message::Timestamp;

/// Milliseconds of each unit, the longest first.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Milliseconds of a span such as `1h30m`.
pub fn parse(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is no span of time, such as \"90s\" or \"1h30m\" (units ms s m h d)");
    if text == "0" {
        return Ok(0);
    }
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (count, behind) = rest.split_at(digits);
        let unit = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit);
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let count: u64 = count.parse().map_err(|_| wrong())?;
        total = count.checked_mul(*millis).and_then(|span| total.checked_add(span)).ok_or_else(wrong)?;
        rest = behind;
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}

/// The shortest form with one unit; it reads back as the same.
pub fn text(millis: u64) -> String {
    let fits = |unit: &u64| millis.is_multiple_of(*unit);
    match UNITS.iter().find(|(_, unit)| fits(unit)) {
        Some((name, unit)) if millis > 0 => format!("{}{name}", millis / unit),
        _ => "0".to_owned(),
    }
}

/// A point of time, RFC 3339.
pub fn parse_time(text: &str) -> Result<Timestamp, String> {
    let wrong = || format!("{text:?} is no time of RFC 3339, such as 2026-03-01T08:00:00Z");
    let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| wrong())?;
    u64::try_from(time.unix_timestamp_nanos() / 1_000_000).map(Timestamp).map_err(|_| wrong())
}

pub fn time_text(at: Timestamp) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at.0) * 1_000_000).ok();
    time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_else(|| format!("{} ms", at.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_back_as_they_were_written() {
        for (written, millis) in [("0", 0), ("90s", 90_000), ("5m", 300_000), ("1500ms", 1_500), ("7d", 604_800_000)] {
            assert_eq!(parse(written), Ok(millis), "{written}");
            assert_eq!(parse(&text(millis)), Ok(millis), "{written}");
        }
        assert_eq!(parse("1h30m"), Ok(5_400_000));
        assert_eq!((text(5_400_000).as_str(), text(120_000).as_str()), ("90m", "2m"));
    }

    #[test]
    fn what_is_no_span_is_told_so() {
        for wrong in ["", "5", "s", "5 m", "-5s", "5w", "99999999999999999999s", "9999999999999999999d"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_of_rfc_3339() {
        let at = parse_time("2026-03-01T09:00:00+01:00").expect("a time");
        assert_eq!(time_text(at), "2026-03-01T08:00:00Z");
        assert!(parse_time("2026-03-01").is_err());
    }
}
