//! The SMPP time format, `YYMMDDhhmmsstnnp` (SMPP 3.4 §7.1.1), to milliseconds and back.
//!
//! Pure calendar arithmetic: never reads a clock and knows no time zone but the quarter hours that a
//! peer wrote. `schedule_delivery_time`, `validity_period` and the dates of receipts come here.

/// Octets of a time without its NUL (§7.1.1).
const TIME_OCTETS: usize = 16;
/// Least digits that name an instant: `YYMMDDhhmmss`.
const DIGITS_MIN: usize = 12;
/// Furthest zone from UTC that the format has, in quarter hours (§7.1.1.1).
const QUARTERS_MAX: u64 = 48;

const SECOND_MS: u64 = 1000;
const MINUTE_MS: u64 = 60 * SECOND_MS;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
/// A relative month is 30 days and a relative year 365: the specification does not say from which
/// date a month counts, and a peer that sends one does not mean it to the day.
const MONTH_MS: u64 = 30 * DAY_MS;
const YEAR_MS: u64 = 365 * DAY_MS;

/// The first instant that two digits of a year can name, 2000-01-01.
const FIRST_MS: u64 = 946_684_800_000;
/// The last second that they can name, 2099-12-31T23:59:59Z.
const LAST_MS: u64 = 4_102_444_799_000;
/// The longest relative time that [`format_relative`] writes: all of 99 years.
const RELATIVE_MAX_MS: u64 = 100 * YEAR_MS - SECOND_MS;

/// A time as a peer may give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SmppTime {
    /// An instant.
    Absolute {
        /// Milliseconds since 1970-01-01T00:00:00Z.
        unix_ms: u64,
    },
    /// So long after the SMSC got the message.
    Relative {
        /// Milliseconds.
        ms: u64,
    },
}

/// Octets that name no time: answer `ESME_RINVSCHED` or `ESME_RINVEXPIRY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no time as SMPP 3.4 §7.1.1 writes it")]
pub struct InvalidTime;

impl SmppTime {
    /// The instant it means to a receiver whose clock says `now_unix_ms`.
    #[must_use]
    pub const fn at_ms(self, now_unix_ms: u64) -> u64 {
        match self {
            SmppTime::Absolute { unix_ms } => unix_ms,
            SmppTime::Relative { ms } => now_unix_ms.saturating_add(ms),
        }
    }
}

/// Reads a time; `None` for an empty field, and for an instant that is all zeros, with which some peers
/// fill a field they have nothing for.
///
/// Peers leave out the end of the field: without `p` it is an instant in UTC, without `t` the tenth is
/// 0, and `R` counts wherever the digits end. In a relative time `t` and `nn` mean nothing. The years
/// are 2000 to 2099.
///
/// # Errors
///
/// When there are fewer than twelve digits, something else than digits and one sign, or no such date.
pub fn parse(octets: &[u8]) -> Result<Option<SmppTime>, InvalidTime> {
    let octets = octets.strip_suffix(b"\0").unwrap_or(octets);
    if octets.is_empty() {
        return Ok(None);
    }
    let (digits, sign) = match octets.split_last() {
        Some((sign @ (b'+' | b'-' | b'R' | b'r'), digits)) => (digits, *sign),
        _ => (octets, b'+'),
    };
    if !(DIGITS_MIN..=TIME_OCTETS).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Err(InvalidTime);
    }
    let pair = |at: usize| number(digits.get(at..at + 2).unwrap_or_default());
    let [year, month, day, hour, minute, second] = [0, 2, 4, 6, 8, 10].map(pair);
    if sign == b'R' || sign == b'r' {
        let days_ms = year * YEAR_MS + month * MONTH_MS + day * DAY_MS;
        let ms = days_ms + hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS;
        return Ok(Some(SmppTime::Relative { ms }));
    }
    if digits.iter().all(|digit| *digit == b'0') {
        return Ok(None);
    }
    let local_ms = instant_ms([2000 + year, month, day, hour, minute, second]).ok_or(InvalidTime)?;
    let tenth_ms = digits.get(12).map_or(0, |tenth| number(&[*tenth]) * 100);
    let quarters = pair(13);
    if quarters > QUARTERS_MAX {
        return Err(InvalidTime);
    }
    let offset_ms = quarters * 15 * MINUTE_MS;
    // '+' is ahead of UTC (§7.1.1.1), so UTC is that much earlier.
    let utc_ms = if sign == b'+' { local_ms - offset_ms } else { local_ms + offset_ms };
    Ok(Some(SmppTime::Absolute { unix_ms: utc_ms + tenth_ms }))
}

/// Writes an instant in UTC to the second, `YYMMDDhhmmss000+`. Instants outside of 2000 to 2099, which
/// the format cannot say, leave as the nearest it can.
#[must_use]
pub fn format_absolute(unix_ms: u64) -> [u8; 16] {
    let [year, month, day, hour, minute, second] = civil(unix_ms.clamp(FIRST_MS, LAST_MS));
    written([year % 100, month, day, hour, minute, second], b'+')
}

/// Writes a duration, `YYMMDDhhmmss000R`, as [`parse`] reads it. Part of a second counts as one, so that
/// no time becomes none; more than 99 years leave as 99.
#[must_use]
pub fn format_relative(ms: u64) -> [u8; 16] {
    let ms = ms.min(RELATIVE_MAX_MS).next_multiple_of(SECOND_MS);
    let of_year = ms % YEAR_MS;
    let of_month = of_year % MONTH_MS;
    let days = [ms / YEAR_MS, of_year / MONTH_MS, of_month / DAY_MS];
    let [years, months, days] = days;
    let of_day = ms % DAY_MS;
    let clock = [of_day / HOUR_MS, of_day % HOUR_MS / MINUTE_MS, of_day % MINUTE_MS / SECOND_MS];
    let [hours, minutes, seconds] = clock;
    written([years, months, days, hours, minutes, seconds], b'R')
}

/// Six numbers of two digits, no tenth, no quarters.
fn written(numbers: [u64; 6], sign: u8) -> [u8; 16] {
    let mut octets = *b"000000000000000+";
    for (slot, number) in octets.chunks_exact_mut(2).zip(numbers) {
        slot.copy_from_slice(&two_digits(number));
    }
    octets[TIME_OCTETS - 1] = sign;
    octets
}

/// The last two digits of a number.
pub(crate) fn two_digits(number: u64) -> [u8; 2] {
    let digit = |value: u64| b"0123456789"[usize::try_from(value % 10).unwrap_or(0)];
    [digit(number / 10), digit(number)]
}

/// The value of up to nineteen ASCII digits; 0 for none.
pub(crate) fn number(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit.wrapping_sub(b'0')))
}

/// Milliseconds since 1970 of year, month, day, hour, minute and second in UTC; `None` for a date that
/// is not in the calendar, or before 1970 or after 9999.
pub(crate) fn instant_ms([year, month, day, hour, minute, second]: [u64; 6]) -> Option<u64> {
    let is_date =
        (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=days_of(year, month)).contains(&day);
    if !is_date || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_before(year, month) + day - 1;
    Some(days * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS)
}

/// Year, month, day, hour, minute and second in UTC of an instant up to the year 9999.
pub(crate) fn civil(unix_ms: u64) -> [u64; 6] {
    let day_number = unix_ms / DAY_MS;
    // A year has at least 365 days, so this is the year or a later one, by at most 25 in ten thousand.
    let mut year = 1970 + day_number / 365;
    while days_before(year, 1) > day_number {
        year -= 1;
    }
    let mut month = 12;
    while days_before(year, month) > day_number {
        month -= 1;
    }
    let day = day_number - days_before(year, month) + 1;
    let of_day = unix_ms % DAY_MS;
    [year, month, day, of_day / HOUR_MS, of_day % HOUR_MS / MINUTE_MS, of_day % MINUTE_MS / SECOND_MS]
}

const fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_of(year: u64, month: u64) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the first of a month.
fn days_before(year: u64, month: u64) -> u64 {
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    let years = (year - 1970) * 365 + leaps(year - 1) - leaps(1969);
    years + (1..month).map(|earlier| days_of(year, earlier)).sum::<u64>()
}
