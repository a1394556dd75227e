//! Reads docs/FIREWALL.md.

use crate::firewall::policy::Policy;
use crate::firewall::{Kind, Reason, Side, compiled, content, lists, loops, opt_out, rates};

const DOC: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/FIREWALL.md"));

/// The cells of the table whose first heading cells are these, heading first.
pub fn table(heading: &[&str]) -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>();
    let rows: Vec<_> = DOC
        .lines()
        .skip_while(|line| !(line.starts_with('|') && cells(line).starts_with(heading)))
        .take_while(|line| line.starts_with('|'))
        .filter(|line| !line.starts_with("|---"))
        .map(cells)
        .collect();
    assert!(rows.len() > 1, "docs/FIREWALL.md has no table {heading:?}");
    rows
}

/// The text of every block that is marked so.
fn blocks(mark: &str) -> Vec<&'static str> {
    DOC.split(&format!("```{mark}\n")).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn the_default_policy_is_the_one_that_is_written_down() {
    let written = blocks("json default");
    assert_eq!(written.len(), 1);
    assert_eq!(Policy::parse(written[0]).expect("reads"), Policy::default());
    assert_eq!(Policy::parse("{}").expect("reads"), Policy::default());
}

#[test]
fn every_example_can_be_used() {
    let examples = blocks("json example");
    assert_eq!(examples.len(), 2);
    for example in examples {
        Policy::parse(example).expect("reads").compile().expect("compiles");
    }
}

#[test]
fn reasons_have_the_statuses_that_are_written_down() {
    let rows = table(&["code"]);
    let codes: Vec<_> = rows[1..].iter().map(|row| row[0].trim_matches('`')).collect();
    assert_eq!(codes, Reason::ALL.iter().map(|reason| reason.code()).collect::<Vec<_>>());
    for row in &rows[1..] {
        let reason = Reason::from_code(row[0].trim_matches('`')).expect("compared above");
        for (side, cell) in [(Side::Sender, row[1]), (Side::Receiver, row[2])] {
            let status = |kind| reason.command_status(side, kind).name().expect("known");
            let [mo, mt, p2p] = Kind::ALL.map(status);
            assert_eq!(mo, p2p);
            let want = if mo == mt { mo.to_owned() } else { format!("{mt} (mt), {mo}") };
            assert_eq!(cell, want, "{reason}");
        }
        assert_eq!(row[3], reason.http_status().to_string(), "{reason}");
        assert!(reason.advice().ends_with('.') && reason.advice().contains([';', ',']), "{reason} says what to do");
    }
}

#[test]
fn limits_are_the_ones_that_are_written_down() {
    let limits = [
        ("POLICY_MAX", compiled::POLICY_MAX),
        ("TAGS_MAX", compiled::TAGS_MAX),
        ("DEVICES_MAX", compiled::DEVICES_MAX),
        ("lists::ENTRIES_MAX", lists::ENTRIES_MAX),
        ("lists::PATTERNS_MAX", lists::PATTERNS_MAX),
        ("lists::ENTRY_CHARS_MAX", lists::ENTRY_CHARS_MAX),
        ("content::PATTERNS_MAX", content::PATTERNS_MAX),
        ("PATTERNS_MAX", compiled::PATTERNS_MAX),
        ("content::PATTERN_CHARS_MAX", content::PATTERN_CHARS_MAX),
        ("content::PATTERN_SIZE_MAX", content::PATTERN_SIZE_MAX),
        ("content::SET_SIZE_MAX", content::SET_SIZE_MAX),
        ("content::TEXT_MAX", content::TEXT_MAX),
        ("opt_out::NUMBERS_MAX", opt_out::NUMBERS_MAX),
        ("opt_out::REPLY_CHARS_MAX", opt_out::REPLY_CHARS_MAX),
        ("rates::DEVICES_MAX", rates::DEVICES_MAX),
        ("rates::PER_MINUTE_MAX", rates::PER_MINUTE_MAX as usize),
        ("loops::PAIRS_MAX", loops::PAIRS_MAX),
    ];
    let rows = table(&["name", "value"]);
    let written: Vec<_> = rows[1..].iter().map(|row| (row[0].trim_matches('`'), row[1].parse())).collect();
    assert_eq!(written, limits.map(|(name, value)| (name, Ok(value))));
}
