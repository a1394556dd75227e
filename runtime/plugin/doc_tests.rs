//! docs/PLUGINS.md has the limits that the code has.

use super::invocation::*;
use super::outbox::PARTS_MAX;
use crate::config::Rule;

fn kib(octets: usize) -> String {
    format!("{} KiB", octets >> 10)
}

#[test]
fn the_table_of_limits_is_what_the_code_says() {
    let page = include_str!("../../docs/PLUGINS.md");
    let rule: Rule = toml::from_str("customer = 'c'\nname = 'r'\ncomponent = 'f'\n").expect("a rule of defaults");
    let expected = [
        ("time of a call, computing or waiting", format!("{} ms", rule.deadline_ms)),
        ("memory", format!("{} MiB", rule.memory_mib)),
        ("messages of a call", rule.messages_max.to_string()),
        ("SMS of one message", PARTS_MAX.to_string()),
        ("octets of state that a call writes, keys included; shared state likewise", format!("{} KiB", rule.state_kib)),
        ("timers of a device", rule.timers_max.to_string()),
        ("HTTP calls of a call", rule.http_calls_max.to_string()),
        ("attempts of an event", rule.attempts_max.to_string()),
        ("a key of state, a timer's name", format!("{KEY_OCTETS} octets")),
        ("a value of state", kib(VALUE_OCTETS)),
        ("payload of a timer", kib(PAYLOAD_OCTETS)),
        ("how far ahead a timer or a delayed message may lie", format!("{} days", AHEAD_MAX_MS / 86_400_000)),
        ("URL, headers and body of an HTTP call", kib(HTTP_OCTETS)),
        ("body of a response to a request", kib(RESPONSE_OCTETS)),
        ("tag of a message or an HTTP call", format!("{TAG_OCTETS} octets")),
        ("TLVs of a draft together", format!("{TLV_OCTETS} octets")),
        ("drafts at once", DRAFTS.to_string()),
        ("lines that a call logs", LOG_LINES.to_string()),
        ("octets that a call logs", kib(LOG_OCTETS)),
        ("octets that a call prints to stdout, and to stderr", kib(PRINT_OCTETS)),
        ("random octets in one request", RANDOM_OCTETS.to_string()),
        ("keys in a page of a listing", PAGE_NAMES.to_string()),
    ];
    let table = page.split("\n## Limits\n").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a section");
    for (what, limit) in &expected {
        let row = format!("| {what} | {limit} |");
        assert!(table.contains(&row), "{row} is not in docs/PLUGINS.md");
    }
    let rows = table.lines().filter(|line| line.starts_with("| ")).count() - 1;
    assert_eq!(rows, expected.len(), "a row that nothing compares");
}
