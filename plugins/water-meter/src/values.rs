//! The two kinds of value that reports and settings share: fixed-point numbers and phone numbers.
//!
//! Numbers are never floating point: nothing here can be NaN, infinite or negative.

use std::fmt;
use std::str::FromStr;

/// Thousandths: litres for m³, millivolts for volts, ml/h for l/h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Milli(pub u64);

/// Enough for any zero-padded counter, and far from overflowing a `u64` of thousandths.
const WHOLE_DIGITS_MAX: usize = 12;
/// Decimals beyond the third are read and dropped; more than this is no measurement.
const DECIMALS_MAX: usize = 9;

/// Why a text is no [`Milli`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANumber;

impl fmt::Display for NotANumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number like 12 or 3.5 is needed")
    }
}

impl FromStr for Milli {
    type Err = NotANumber;

    /// Digits, then optionally one point or comma and more digits. There are no thousands separators, so a
    /// single comma can only be a decimal comma.
    fn from_str(text: &str) -> Result<Milli, NotANumber> {
        let mut parts = text.splitn(2, ['.', ',']);
        let whole = parts.next().unwrap_or_default();
        let decimals = parts.next();
        if !is_digits(whole, WHOLE_DIGITS_MAX) || decimals.is_some_and(|d| !is_digits(d, DECIMALS_MAX)) {
            return Err(NotANumber);
        }
        let decimals = decimals.unwrap_or_default().bytes().chain(std::iter::repeat(b'0')).take(3);
        Ok(Milli(whole.bytes().chain(decimals).fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))))
    }
}

impl fmt::Display for Milli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

fn is_digits(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit())
}

/// A phone number or short code, written as the host wants it: international numbers with `+`.
#[derive(Clone, Debug)]
pub struct Phone(String);

/// Why a text is no [`Phone`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAPhone;

impl fmt::Display for NotAPhone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a phone number like +46701234567 is needed")
    }
}

impl FromStr for Phone {
    type Err = NotAPhone;

    fn from_str(text: &str) -> Result<Phone, NotAPhone> {
        let digits = text.strip_prefix('+').unwrap_or(text);
        if !is_digits(digits, 15) || digits.len() < 3 {
            return Err(NotAPhone);
        }
        // Up to 8 digits are a short code, a leading 0 is national: neither is ever written with a plus.
        let international = digits.len() > 8 && !digits.starts_with('0');
        let plus = if international || text.starts_with('+') { "+" } else { "" };
        Ok(Phone(format!("{plus}{digits}")))
    }
}

impl Phone {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn digits(&self) -> &str {
        self.0.trim_start_matches('+')
    }
}

/// With or without the plus it is the same phone.
impl PartialEq for Phone {
    fn eq(&self, other: &Phone) -> bool {
        self.digits() == other.digits()
    }
}

impl Eq for Phone {}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_thousandths() {
        for (text, milli) in [
            ("0", 0),
            ("1234.567", 1_234_567),
            ("1234,567", 1_234_567),
            ("12.5", 12_500),
            ("0001.0009", 1000),
            ("999999999999.999999999", 999_999_999_999_999),
        ] {
            assert_eq!(text.parse(), Ok(Milli(milli)), "{text}");
        }
        assert_eq!(Milli(2_345_800).to_string(), "2345.800");
    }

    #[test]
    fn what_is_no_plain_number_is_refused() {
        let refused = ["", ".", "1.", ".5", "-1", "+1", "NaN", "inf", "1e308", "1,234.5", "1.2.3", "0x10", "١٢", "1 2"];
        for text in refused.into_iter().chain(["1234567890123", "1.1234567890"]) {
            assert_eq!(text.parse::<Milli>(), Err(NotANumber), "{text}");
        }
    }

    #[test]
    fn phones_are_equal_with_and_without_plus() {
        let phone = |text: &str| text.parse::<Phone>();
        assert_eq!(phone("46701234567"), phone("+46701234567"));
        assert_eq!(phone("46701234567").expect("a phone").as_str(), "+46701234567");
        assert_eq!(phone("7001").expect("a short code").as_str(), "7001");
        assert_eq!(phone("0701234567").expect("national").as_str(), "0701234567");
        for text in ["", "+", "12", "1234567890123456", "+46 70", "++46701234567", "４６７０"] {
            assert_eq!(phone(text), Err(NotAPhone), "{text}");
        }
    }
}
