//! What pages are made of: states, times, tables' pages, notices, problems.

use std::io;

use maud::{Markup, html};
use serde::Deserialize;

use super::ask::Refused;
use super::text;
use super::words;
use crate::secret::Secret;

/// A point in time: UTC here, in the reader's zone where scripts run.
pub fn time(at: &str) -> Markup {
    let utc = at.get(..19).unwrap_or(at).replace('T', " ");
    html! { time datetime=(at) { (utc) " UTC" } }
}

pub fn some_time(at: Option<&str>) -> Markup {
    html! { @if let Some(at) = at { (time(at)) } @else { span.faint { "–" } } }
}

/// How good or bad something is, as the style sheet knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Good,
    Busy,
    Bad,
    Calm,
}

impl Mood {
    pub fn class(self) -> &'static str {
        match self {
            Mood::Good => "good",
            Mood::Busy => "busy",
            Mood::Bad => "bad",
            Mood::Calm => "calm",
        }
    }
}

/// A word with a colour.
pub fn badge(mood: Mood, word: &str) -> Markup {
    html! { span class={ "badge " (mood.class()) } { (word) } }
}

/// A message's state.
pub fn state(state: &str) -> Markup {
    badge(words::mood(state), state)
}

/// `mo` or `mt`.
pub fn direction(direction: &str) -> Markup {
    let (class, word, title) = match direction {
        "mo" => ("mo", "MO", "from a device"),
        _ => ("mt", "MT", "to a device"),
    };
    html! { abbr class={ "way " (class) } title=(title) { (word) } }
}

/// What a message says.
#[derive(Debug, Default, Deserialize)]
pub struct Content {
    pub text: Option<String>,
    pub binary: Option<Octets>,
    /// It says something that this visitor does not see.
    #[serde(default)]
    pub masked: bool,
}

#[derive(Debug, Deserialize)]
pub struct Octets {
    #[serde(default)]
    pub hex: String,
}

pub fn content(content: &Content) -> Markup {
    html! {
        @match (&content.text, &content.binary) {
            (Some(said), _) if said.is_empty() => span.faint { "empty" },
            (Some(said), _) => (text::shown(said)),
            (None, Some(octets)) => code.hex { (spaced(&octets.hex)) },
            (None, None) if content.masked => (masked()),
            (None, None) => span.faint { "nothing" },
        }
    }
}

/// In the place of what this visitor does not see.
pub fn masked() -> Markup {
    html! { span.masked title="Texts are masked for you" { "masked" } }
}

/// Octet by octet.
pub fn spaced(hex: &str) -> String {
    let pairs: Vec<&str> = (0..hex.len()).step_by(2).filter_map(|at| hex.get(at..at + 2)).collect();
    pairs.join(" ")
}

/// Nothing to show, and what to do about it.
pub fn empty(what: &str, hint: &str) -> Markup {
    html! { div.empty { p { strong { (what) } } @if !hint.is_empty() { p { (hint) } } } }
}

/// Why the API did not do it.
pub fn problem(refused: &Refused) -> Markup {
    html! {
        div.notice.bad role="alert" {
            p { strong { (words::first_up(&refused.title)) "." } }
            p { (text::shown(&words::sentence(&refused.detail))) }
            @if let Some(field) = &refused.field { p { "Field: " code { (field) } } }
            @if let Some(at) = &refused.retry_at { p { "It would pass at " (time(at)) "." } }
            @if refused.is("history_off") {
                p { "The operator turns the history on with " code { "[history]" } " and " code { "days = 7" } " in the config file." }
            }
        }
    }
}

/// What a form did.
pub fn done(what: &Markup) -> Markup {
    html! { div.notice.good role="status" { (what) } }
}

/// One choice of a list.
pub fn choice(value: &str, label: &str, chosen: &str) -> Markup {
    html! { option value=(value) selected[value == chosen] { (label) } }
}

/// A field of a form, with its label.
pub fn field(label: &str, name: &str, value: &str, hint: &str) -> Markup {
    html! {
        label.field { span { (label) }
            input type="text" name=(name) value=(value) placeholder=(hint) autocomplete="off" spellcheck="false";
        }
    }
}

/// The way to the next page of a list, where there is one.
pub fn more(next: Option<&str>, label: &str) -> Markup {
    html! { @if let Some(next) = next { nav.pager aria-label="Pages" { a.button href=(next) { (label) } } } }
}

/// A field that is the same as often as its form is sent, for the header Idempotency-Key: a second click does nothing more.
pub fn once() -> io::Result<String> {
    Ok(Secret::new()?.with_prefix("console-"))
}

/// A number with its thousands apart.
pub fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut parts: Vec<&str> = digits.as_bytes().rchunks(3).filter_map(|part| std::str::from_utf8(part).ok()).collect();
    parts.reverse();
    parts.join("\u{202f}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_octets_can_be_read() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(spaced("00ff1"), "00 ff");
    }
}
