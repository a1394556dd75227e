//! Finds `key:value` pairs in the text of a receipt, however the peer arranged them.
//!
//! SMPP 3.4 Appendix B shows one layout and calls it vendor specific; peers reorder it, leave fields out,
//! write other cases and other dates. So a key counts wherever it stands, and nothing is required. Never
//! judges a value; `receipt` does.

use crate::time;

/// The fields of Appendix B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Id,
    Sub,
    Dlvrd,
    SubmitDate,
    DoneDate,
    Stat,
    Err,
    Text,
}

const KEYS: usize = 8;

/// How keys are written; a space stands for any one separator, or none.
const NAMES: [(&str, Key); KEYS + 2] = [
    ("id", Key::Id),
    ("sub", Key::Sub),
    ("dlvrd", Key::Dlvrd),
    ("submit date", Key::SubmitDate),
    ("done date", Key::DoneDate),
    ("stat", Key::Stat),
    ("status", Key::Stat),
    ("err", Key::Err),
    ("error", Key::Err),
    ("text", Key::Text),
];

/// The values that were found, each by its first key.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    values: [Option<&'a [u8]>; KEYS],
}

impl<'a> Fields<'a> {
    /// Scans once. What follows `text:` is the message that somebody wrote: there a key counts only if
    /// it did not come before, and only at the beginning of a word.
    pub(super) fn scan(text: &'a [u8]) -> Fields<'a> {
        let mut fields = Fields::default();
        let mut open: Option<(Key, usize)> = None;
        let mut at = 0;
        while at < text.len() {
            // "text:stat:DELIVRD": an empty text needs no space behind it.
            let is_start = at == 0 || is_separator(text[at - 1]) || open == Some((Key::Text, at));
            let found = if is_start { key_at(text, at) } else { None };
            let Some((key, value_at)) = found.filter(|(key, _)| fields.is_wanted(*key, open)) else {
                at += 1;
                continue;
            };
            fields.close(open, text, at);
            open = Some((key, value_at));
            at = value_at;
        }
        fields.close(open, text, text.len());
        fields
    }

    /// The value without the space around it.
    pub(super) fn get(&self, key: Key) -> Option<&'a [u8]> {
        self.values[key as usize].map(<[u8]>::trim_ascii)
    }

    /// The first word of the value.
    pub(super) fn word(&self, key: Key) -> Option<&'a [u8]> {
        words(self.get(key)?).next()
    }

    /// Every word of every value but the message.
    pub(super) fn words(&self) -> impl Iterator<Item = &'a [u8]> {
        self.values[..Key::Text as usize].iter().flatten().flat_map(|value| words(value))
    }

    fn is_wanted(&self, key: Key, open: Option<(Key, usize)>) -> bool {
        let Some((open_key, _)) = open else { return true };
        let is_known = self.values[key as usize].is_some() || open_key == key;
        // A second `id:` before the text still ends the value in front of it.
        open_key != Key::Text || !is_known
    }

    fn close(&mut self, open: Option<(Key, usize)>, text: &'a [u8], end: usize) {
        if let Some((key, start)) = open
            && !text[start..end].trim_ascii().is_empty()
        {
            self.values[key as usize].get_or_insert(&text[start..end]);
        }
    }
}

/// The key that begins at `at`, and where its value begins.
fn key_at(text: &[u8], at: usize) -> Option<(Key, usize)> {
    NAMES.iter().find_map(|(name, key)| {
        let mut end = at;
        for expected in name.bytes() {
            let octet = text.get(end).copied();
            if expected == b' ' {
                // "submit date", "submit_date", "submitdate", and a line break in between.
                end += usize::from(octet.is_some_and(|o| o.is_ascii_whitespace() || o == b'_' || o == b'-'));
            } else if octet.is_some_and(|octet| octet.eq_ignore_ascii_case(&expected)) {
                end += 1;
            } else {
                return None;
            }
        }
        end += usize::from(text.get(end) == Some(&b' '));
        (text.get(end) == Some(&b':')).then_some((*key, end + 1))
    })
}

/// What may stand between two fields. Controls and high octets count, so that a user data header in front
/// of the text does no harm.
pub(super) fn is_separator(octet: u8) -> bool {
    !octet.is_ascii_graphic() || is_mark(octet)
}

/// Separates fields, but may stand within an id.
fn is_mark(octet: u8) -> bool {
    matches!(octet, b',' | b';' | b'|')
}

/// The words of a value, less the mark between it and the next field.
fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let words = value.split(|octet| !octet.is_ascii_graphic());
    let without_marks =
        words.map(|word| &word[..word.iter().rposition(|octet| !is_mark(*octet)).map_or(0, |at| at + 1)]);
    without_marks.filter(|word| !word.is_empty())
}

/// A date of Appendix B in milliseconds since 1970, read as UTC: ten digits as there, with seconds, with
/// the century, with separators, or in the format of §7.1.1. `None` for zeros and for no date.
pub(super) fn date_ms(value: &[u8]) -> Option<u64> {
    let is_of_date = |octet: &u8| octet.is_ascii_digit() || b"-/:. T".contains(octet);
    let end = value.iter().position(|octet| !is_of_date(octet)).unwrap_or(value.len());
    let digits: Vec<u8> = value[..end].iter().copied().filter(u8::is_ascii_digit).collect();
    if digits.iter().all(|digit| *digit == b'0') {
        return None;
    }
    let numbers = |century: u64, year_at: usize| {
        let pair = |at: usize| time::number(digits.get(at..at + 2).unwrap_or_default());
        let at = |n: usize| pair(year_at + 2 * n);
        time::instant_ms([century * 100 + at(0), at(1), at(2), at(3), at(4), at(5)])
    };
    let with_century = || numbers(time::number(&digits[..2]), 2);
    match digits.len() {
        10 => numbers(20, 0),
        // Years from 2013 on with their century make no sense without it: 20 would be followed by month 13.
        12 => numbers(20, 0).or_else(with_century),
        14 => with_century(),
        13 | 15 | 16 => {
            // A '-' at the end is the zone's sign; a '+' is where the date ended.
            let sign = if value[..end].ends_with(b"-") { end - 1 } else { end };
            let signed = [&digits[..], value.get(sign..=sign).unwrap_or_default()].concat();
            let time = time::parse(&signed).ok()??;
            matches!(time, time::SmppTime::Absolute { .. }).then(|| time.at_ms(0))
        }
        _ => None,
    }
}
