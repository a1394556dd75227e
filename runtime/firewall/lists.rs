//! Allow and block lists of addresses: exact ones, prefixes, and patterns.
//!
//! Built once when a policy is set. A look-up takes time by the length of the address and the number of
//! patterns, never by the number of exact addresses and prefixes.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::message::Address;

/// Entries of one list. Longer ones belong into a register of devices, not into a policy.
pub const ENTRIES_MAX: usize = 10_000;
/// Names and patterns of one list: they are tried one by one.
pub const PATTERNS_MAX: usize = 256;
/// Longest entry. An address has 20 characters at most, and one wildcard between any two says all there is.
pub const ENTRY_CHARS_MAX: usize = 41;
/// Digits of a prefix or number, as many as E.164 has.
const DIGITS_MAX: usize = 15;

/// Both lists for one direction, as people write them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lists {
    /// Nobody else, unless it is empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// Never these, whatever `allow` says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub block: Vec<String>,
}

/// Why a list cannot be used.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum ListError {
    #[error("{0} entries; at most {ENTRIES_MAX}")]
    TooMany(usize),
    #[error("{0} names and patterns; at most {PATTERNS_MAX}, prefixes such as \"+46*\" do not count")]
    TooManyPatterns(usize),
    #[error(
        "{0:?} is no entry: write \"+46701234567\", \"7001\", \"ACME\", a prefix \"+46*\", or a pattern with * and ?"
    )]
    NoEntry(String),
}

/// Which entry an address met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit<'l> {
    Exact,
    /// The first so many digits, in international form.
    Prefix(usize),
    Pattern(&'l str),
}

/// One compiled list.
#[derive(Debug, Default)]
pub struct List {
    numbers: HashSet<u64>,
    short_codes: HashSet<u64>,
    prefixes: HashSet<u64>,
    /// Bit n: there is a prefix of n digits.
    prefix_lengths: u16,
    patterns: Vec<Box<str>>,
}

impl List {
    pub fn new(entries: &[String]) -> Result<List, ListError> {
        if entries.len() > ENTRIES_MAX {
            return Err(ListError::TooMany(entries.len()));
        }
        let mut list = List::default();
        entries.iter().try_for_each(|entry| list.add(entry))?;
        match list.patterns.len() {
            many if many > PATTERNS_MAX => Err(ListError::TooManyPatterns(many)),
            _ => Ok(list),
        }
    }

    fn add(&mut self, entry: &str) -> Result<(), ListError> {
        let wrong = || ListError::NoEntry(entry.chars().take(ENTRY_CHARS_MAX).collect());
        if entry.is_empty() || entry.chars().count() > ENTRY_CHARS_MAX || entry.chars().any(char::is_control) {
            return Err(wrong());
        }
        if let Some(digits) = entry.strip_prefix('+').and_then(|rest| rest.strip_suffix('*'))
            && let Some(prefix) = number(digits)
        {
            self.prefixes.insert(prefix);
            self.prefix_lengths |= 1 << digits.len();
            return Ok(());
        }
        if entry.contains(['*', '?']) {
            self.patterns.push(entry.into());
            return Ok(());
        }
        match Address::parse(entry).map_err(|_| wrong())? {
            Address::Msisdn(digits) => self.numbers.insert(number(&digits).ok_or_else(wrong)?),
            Address::ShortCode(digits) => self.short_codes.insert(number(&digits).ok_or_else(wrong)?),
            // Names differ in case only to deceive, so they are compared as patterns are.
            Address::Alphanumeric(name) => {
                self.patterns.push(name);
                true
            }
        };
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.short_codes.is_empty() && self.prefixes.is_empty() && self.patterns.is_empty()
    }

    /// The entry that `address` meets, if any.
    pub fn find(&self, address: &Address) -> Option<Hit<'_>> {
        let known = match address {
            Address::Msisdn(digits) => self.find_number(digits),
            Address::ShortCode(digits) => {
                number(digits).filter(|code| self.short_codes.contains(code)).map(|_| Hit::Exact)
            }
            Address::Alphanumeric(_) => None,
        };
        known.or_else(|| {
            let sign = if matches!(address, Address::Msisdn(_)) { "+" } else { "" };
            let mut patterns = self.patterns.iter().map(|pattern| &**pattern);
            patterns.find(|pattern| matches(pattern, sign, address.digits())).map(Hit::Pattern)
        })
    }

    fn find_number(&self, digits: &str) -> Option<Hit<'_>> {
        let mut value = 1;
        let mut longest = None;
        for (length, digit) in std::iter::once(None).chain(digits.bytes().map(Some)).enumerate().take(DIGITS_MAX + 1) {
            if let Some(digit) = digit {
                value = push(value, digit)?;
            }
            if self.prefix_lengths & 1 << length != 0 && self.prefixes.contains(&value) {
                longest = Some(Hit::Prefix(length));
            }
        }
        match digits.len() <= DIGITS_MAX && self.numbers.contains(&value) {
            true => Some(Hit::Exact),
            false => longest,
        }
    }
}

/// Digits as a value that keeps leading zeros; None when there are others or too many.
fn number(digits: &str) -> Option<u64> {
    (digits.len() <= DIGITS_MAX).then_some(())?;
    digits.bytes().try_fold(1, push)
}

fn push(value: u64, digit: u8) -> Option<u64> {
    digit.is_ascii_digit().then(|| value * 10 + u64::from(digit - b'0'))
}

/// Does `pattern` cover all of `sign` and `rest` together? ASCII letters in either case.
///
/// Only the last `*` is ever gone back to, so that the worst case is pattern times address, both short.
fn matches(pattern: &str, sign: &str, rest: &str) -> bool {
    let text = || sign.chars().chain(rest.chars());
    let (mut pattern, mut at) = (pattern.chars(), text());
    let mut back: Option<(std::str::Chars<'_>, _)> = None;
    loop {
        let (mut next_pattern, mut next_at) = (pattern.clone(), at.clone());
        match (next_pattern.next(), next_at.next()) {
            (Some('*'), _) => {
                back = Some((next_pattern.clone(), at.clone()));
                pattern = next_pattern;
            }
            (Some(want), Some(is)) if want == '?' || want.eq_ignore_ascii_case(&is) => {
                (pattern, at) = (next_pattern, next_at);
            }
            (None, None) => return true,
            _ => {
                let Some((after_star, from)) = &mut back else { return false };
                if from.next().is_none() {
                    return false;
                }
                (pattern, at) = (after_star.clone(), from.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
