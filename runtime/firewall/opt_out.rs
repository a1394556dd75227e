//! Opt-out keywords: a person answers STOP and gets no more messages from that number.
//!
//! Knows words, languages and replies. Who opted out is kept by the caller, per pair of customer number and
//! device ([`OptOuts`]). Off unless a policy says otherwise: machines say STOP and mean a valve.

mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::message::Address;

/// Numbers of a customer with a switch of their own, in one policy.
pub const NUMBERS_MAX: usize = 1_000;
/// One part of a long message in GSM 03.38 is 160 characters; a reply has room for two.
pub const REPLY_CHARS_MAX: usize = 306;
/// A text longer than this is no keyword.
const KEYWORD_CHARS_MAX: usize = 40;
/// So that any such text fits in lower case.
const FOLDED_OCTETS_MAX: usize = KEYWORD_CHARS_MAX * 4;

/// Who opted out. Kept by the caller, durably.
pub trait OptOuts {
    fn has_opted_out(&self, number: &Address, device: &Address) -> bool;
}

/// Nobody did.
impl OptOuts for () {
    fn has_opted_out(&self, _: &Address, _: &Address) -> bool {
        false
    }
}

impl OptOuts for std::collections::HashSet<(Address, Address)> {
    fn has_opted_out(&self, number: &Address, device: &Address) -> bool {
        // A set this simple serves tests and tools; a store looks up by its own key.
        self.iter().any(|(n, d)| n == number && d == device)
    }
}

/// What a keyword asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// No more messages of this number.
    Stop,
    /// Messages again.
    Start,
    /// Who is it?
    Help,
}

impl Action {
    pub const ALL: [Action; 3] = [Action::Stop, Action::Start, Action::Help];

    pub fn name(self) -> &'static str {
        match self {
            Action::Stop => "stop",
            Action::Start => "start",
            Action::Help => "help",
        }
    }
}

/// Language of keywords and replies, by ISO 639-1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    En,
    Sv,
    De,
    Fr,
    Es,
    Fi,
    Da,
    Nb,
    Nl,
    It,
    Pt,
    Pl,
}

impl Language {
    pub const ALL: [Language; 12] = [
        Language::En,
        Language::Sv,
        Language::De,
        Language::Fr,
        Language::Es,
        Language::Fi,
        Language::Da,
        Language::Nb,
        Language::Nl,
        Language::It,
        Language::Pt,
        Language::Pl,
    ];
}

/// Are keywords read, and opt-outs enforced?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keywords {
    /// Machine traffic: every word is the rule's.
    #[default]
    Off,
    On,
}

/// Opt-out of a customer, or of a device that differs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OptOut {
    /// For numbers that are not in `numbers`.
    pub keywords: Keywords,
    /// By number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub numbers: BTreeMap<String, Keywords>,
    /// Whose words are keywords, and which is answered in where two share one. All of them when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<Language>,
    /// Replies instead of the built-in ones, in whatever language.
    #[serde(skip_serializing_if = "Replies::is_empty")]
    pub replies: Replies,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Replies {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Replies {
    pub fn is_empty(&self) -> bool {
        *self == Replies::default()
    }

    fn of(&self, action: Action) -> Option<&str> {
        let reply = match action {
            Action::Stop => &self.stop,
            Action::Start => &self.start,
            Action::Help => &self.help,
        };
        reply.as_deref()
    }
}

/// A keyword that was found. The caller records the pair (Stop, Start), answers with `reply` where it is not
/// empty, and runs no rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyword<'p> {
    pub action: Action,
    pub language: Language,
    pub reply: &'p str,
}

/// Why this cannot be a policy for opt-outs.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum OptOutError {
    #[error("{0} numbers; at most {NUMBERS_MAX}")]
    TooMany(usize),
    #[error("{0:?} is no number; write it as \"7001\" or \"+46701234567\"")]
    NoNumber(String),
    #[error("the reply to {0} is longer than {REPLY_CHARS_MAX} characters")]
    LongReply(&'static str),
}

/// Ready to be asked.
#[derive(Debug, Default)]
pub struct CompiledOptOut {
    keywords: Keywords,
    numbers: Vec<(Address, Keywords)>,
    languages: Vec<Language>,
    replies: Replies,
}

impl CompiledOptOut {
    pub fn new(from: &OptOut) -> Result<CompiledOptOut, OptOutError> {
        if from.numbers.len() > NUMBERS_MAX {
            return Err(OptOutError::TooMany(from.numbers.len()));
        }
        for action in Action::ALL {
            if from.replies.of(action).is_some_and(|reply| reply.chars().count() > REPLY_CHARS_MAX) {
                return Err(OptOutError::LongReply(action.name()));
            }
        }
        let number = |(text, keywords): (&String, &Keywords)| match Address::parse(text) {
            Ok(address @ (Address::Msisdn(_) | Address::ShortCode(_))) => Ok((address, *keywords)),
            _ => Err(OptOutError::NoNumber(text.chars().take(40).collect())),
        };
        let mut numbers = from.numbers.iter().map(number).collect::<Result<Vec<_>, _>>()?;
        numbers.sort_by(|(a, _), (b, _)| a.cmp(b));
        let languages = if from.languages.is_empty() { Language::ALL.to_vec() } else { from.languages.clone() };
        Ok(CompiledOptOut { keywords: from.keywords, numbers, languages, replies: from.replies.clone() })
    }

    /// Are keywords read and opt-outs enforced for this number?
    pub fn keywords(&self, number: &Address) -> Keywords {
        let found = self.numbers.binary_search_by(|(known, _)| known.cmp(number));
        found.map_or(self.keywords, |index| self.numbers[index].1)
    }

    /// True when some number reads keywords, so that texts are needed.
    pub fn reads_any(&self) -> bool {
        self.keywords == Keywords::On || self.numbers.iter().any(|(_, keywords)| *keywords == Keywords::On)
    }

    /// The keyword that a text to `number` is.
    pub fn keyword(&self, number: &Address, text: &str) -> Option<Keyword<'_>> {
        if self.keywords(number) == Keywords::Off {
            return None;
        }
        let mut buffer = [0; FOLDED_OCTETS_MAX];
        let word = folded(trimmed(text)?, &mut buffer)?;
        let of = |language: Language| Some((language, words::action(language, word, number)?));
        let (language, action) = self.languages.iter().find_map(|language| of(*language))?;
        let reply = self.replies.of(action).unwrap_or_else(|| words::reply(language, action));
        Some(Keyword { action, language, reply })
    }
}

/// What a text to `number` asks for in any language, whatever policies say.
pub fn action(number: &Address, text: &str) -> Option<Action> {
    let mut buffer = [0; FOLDED_OCTETS_MAX];
    let word = folded(trimmed(text)?, &mut buffer)?;
    Language::ALL.into_iter().find_map(|language| words::action(language, word, number))
}

/// Without blanks and the punctuation that people and their telephones add; None when it is no keyword anyway.
fn trimmed(text: &str) -> Option<&str> {
    let word = text.trim_matches(|c: char| c.is_whitespace() || ".,!?;:\"'“”«»".contains(c));
    (!word.is_empty() && word.chars().nth(KEYWORD_CHARS_MAX).is_none()).then_some(word)
}

/// In lower case, with one blank for any run of them. Once for all words, and without an allocation.
fn folded<'b>(text: &str, buffer: &'b mut [u8]) -> Option<&'b str> {
    let mut length = 0;
    for (index, part) in text.split_whitespace().enumerate() {
        let blank = (index > 0).then_some(' ');
        for c in blank.into_iter().chain(part.chars().flat_map(char::to_lowercase)) {
            length += c.encode_utf8(buffer.get_mut(length..length + c.len_utf8())?).len();
        }
    }
    std::str::from_utf8(&buffer[..length]).ok()
}

#[cfg(test)]
mod tests;
