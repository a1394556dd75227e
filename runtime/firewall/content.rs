//! Content patterns: regular expressions over the text of a message.
//!
//! The regex crate matches in time linear in the text for any pattern, and refuses one that compiles to more
//! than it may. All patterns of a list are one automaton, so that ten cost about what one does.

use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use serde::{Deserialize, Serialize};

/// Patterns of one list, and characters of one pattern: a policy is read by people.
pub const PATTERNS_MAX: usize = 64;
pub const PATTERN_CHARS_MAX: usize = 512;
pub const NAME_CHARS_MAX: usize = 64;
/// Octets that one pattern may compile to; `\w{100}` with all of Unicode takes more.
pub const PATTERN_SIZE_MAX: usize = 256 << 10;
/// Octets that all patterns of a list together may compile to.
pub const SET_SIZE_MAX: usize = 2 << 20;
/// What the matcher may remember while it runs, for each thread that uses it at the same time.
const CACHE_MAX: usize = 256 << 10;
/// Groups within groups.
const NEST_MAX: u32 = 32;
/// Octets of a text that are looked at: 255 parts of 153 septets, the longest that SMS knows, and nothing of a
/// `message_payload` beyond.
pub const TEXT_MAX: usize = 40_000;

/// One content pattern, as people write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// What explanations call it; the pattern itself when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Found anywhere in the text, unless it says `^` or `$`.
    pub pattern: String,
    #[serde(default)]
    pub case: Case,
}

/// Do capitals matter?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Case {
    #[default]
    Ignore,
    Match,
}

/// Why patterns cannot be used. `0` counts from 1.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum ContentError {
    #[error("{0} patterns; at most {PATTERNS_MAX}")]
    TooMany(usize),
    #[error("pattern {0} is empty, and would refuse every text")]
    Empty(usize),
    #[error("pattern {0} is longer than {PATTERN_CHARS_MAX} characters, or its name than {NAME_CHARS_MAX}")]
    TooLong(usize),
    #[error("pattern {0} is too large when compiled; write it without large repetitions such as {{1000}}")]
    TooLarge(usize),
    #[error("pattern {0}: {1}")]
    Syntax(usize, String),
    #[error("the patterns together are too large when compiled; use fewer or simpler ones")]
    AllTooLarge,
}

/// Compiled patterns of one list.
#[derive(Debug, Default)]
pub struct Content {
    set: Option<RegexSet>,
    names: Vec<Box<str>>,
}

impl Content {
    pub fn new(patterns: &[Pattern]) -> Result<Content, ContentError> {
        if patterns.len() > PATTERNS_MAX {
            return Err(ContentError::TooMany(patterns.len()));
        }
        if patterns.is_empty() {
            return Ok(Content::default());
        }
        for (index, pattern) in patterns.iter().enumerate() {
            check(pattern, index + 1)?;
        }
        let set = RegexSetBuilder::new(patterns.iter().map(flagged))
            .size_limit(SET_SIZE_MAX)
            .dfa_size_limit(CACHE_MAX)
            .nest_limit(NEST_MAX)
            .build()
            .map_err(|_| ContentError::AllTooLarge)?;
        let name = |p: &Pattern| if p.name.is_empty() { p.pattern.as_str() } else { p.name.as_str() }.into();
        Ok(Content { set: Some(set), names: patterns.iter().map(name).collect() })
    }

    pub fn is_empty(&self) -> bool {
        self.set.is_none()
    }

    /// The name of the first pattern that is found in `text`.
    pub fn find(&self, text: &str) -> Option<&str> {
        let set = self.set.as_ref()?;
        let text = &text[..text.floor_char_boundary(TEXT_MAX)];
        // Asking whether needs no memory and is the usual case; asking which does.
        let first = set.is_match(text).then(|| set.matches(text).iter().next()).flatten()?;
        self.names.get(first).map(|name| &**name)
    }
}

/// Each by itself first: that names the one which is wrong, and what closes a group it did not open is refused.
fn check(pattern: &Pattern, number: usize) -> Result<Regex, ContentError> {
    if pattern.pattern.is_empty() {
        return Err(ContentError::Empty(number));
    }
    if pattern.pattern.chars().count() > PATTERN_CHARS_MAX || pattern.name.chars().count() > NAME_CHARS_MAX {
        return Err(ContentError::TooLong(number));
    }
    let built = RegexBuilder::new(&flagged(pattern)).size_limit(PATTERN_SIZE_MAX).nest_limit(NEST_MAX).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => ContentError::TooLarge(number),
        // The reader draws the pattern over several lines; the last says what is wrong.
        other => ContentError::Syntax(number, last_line(&other.to_string())),
    })
}

/// A flag at the start holds to the end, over every `|` outside groups.
fn flagged(pattern: &Pattern) -> String {
    let flag = if pattern.case == Case::Ignore { "(?i)" } else { "" };
    format!("{flag}{}", pattern.pattern)
}

fn last_line(text: &str) -> String {
    let line = text.lines().last().unwrap_or_default().trim();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern { name: String::new(), pattern: text.into(), case: Case::Ignore }
    }

    fn content(patterns: &[&str]) -> Content {
        Content::new(&patterns.iter().map(|text| pattern(text)).collect::<Vec<_>>()).expect("valid")
    }

    #[test]
    fn the_first_pattern_that_is_found_is_named() {
        let content = content(&["casino|bet", r"\bhttps?://", "^win"]);
        assert_eq!(content.find("A Casino for you"), Some("casino|bet"));
        assert_eq!(content.find("see HTTP://x"), Some(r"\bhttps?://"));
        assert_eq!(content.find("you win"), None);
        let named = Pattern { name: "links".into(), ..pattern("http") };
        assert_eq!(Content::new(&[named]).expect("valid").find("http://"), Some("links"));
    }

    #[test]
    fn case_matters_where_it_shall_and_folds_beyond_ascii() {
        let exact = Pattern { case: Case::Match, ..pattern("WIN") };
        assert_eq!(Content::new(&[exact]).expect("valid").find("win"), None);
        assert!(content(&["hjälp|выигрыш"]).find("HJÄLP").is_some());
        assert!(content(&["hjälp|выигрыш"]).find("ВЫИГРЫШ").is_some());
    }

    #[test]
    fn what_costs_too_much_is_refused_with_its_number() {
        let wrong = |text: &str| Content::new(&[pattern("fine"), pattern(text)]).expect_err("refused");
        assert_eq!(wrong(""), ContentError::Empty(2));
        assert_eq!(wrong(&"x".repeat(PATTERN_CHARS_MAX + 1)), ContentError::TooLong(2));
        assert_eq!(wrong("(?:a{1000}){1000}"), ContentError::TooLarge(2));
        assert_eq!(wrong("a)(b"), ContentError::Syntax(2, "unopened group".into()));
        assert!(matches!(wrong("(?=a)"), ContentError::Syntax(2, _)), "look-around is not linear");
        assert!(matches!(wrong(r"(a)\1"), ContentError::Syntax(2, _)), "nor are back references");
        assert!(matches!(wrong(&("(".repeat(40) + &")".repeat(40))), ContentError::Syntax(2, _)));
        let many = vec![pattern("x"); PATTERNS_MAX + 1];
        assert_eq!(Content::new(&many).err(), Some(ContentError::TooMany(PATTERNS_MAX + 1)));
        let large: Vec<_> = (0..PATTERNS_MAX).map(|n| pattern(&format!("{n}[a-z]{{600}}"))).collect();
        assert_eq!(Content::new(&large).err(), Some(ContentError::AllTooLarge));
    }

    #[test]
    fn a_pattern_that_blows_up_elsewhere_is_linear_here() {
        let text = "a".repeat(TEXT_MAX * 2);
        assert_eq!(content(&["(a*)*b"]).find(&text), None);
    }

    proptest! {
        #[test]
        fn no_pattern_and_no_text_make_it_panic(text in "\\PC{0,40}", found_in in "\\PC{0,80}") {
            if let Ok(content) = Content::new(&[pattern(&text)]) {
                content.find(&found_in);
            }
        }
    }
}
