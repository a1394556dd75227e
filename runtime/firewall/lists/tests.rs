use proptest::prelude::*;

use super::*;

fn list(entries: &[&str]) -> List {
    List::new(&entries.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>()).expect("valid")
}

fn address(text: &str) -> Address {
    Address::parse(text).expect("valid")
}

#[test]
fn entries_are_exact_prefixes_or_patterns() {
    let all = list(&["+46701234567", "7001", "ACME", "+47*", "+4*99", "80?1", "in*o"]);
    for (text, hit) in [
        ("+46701234567", Some(Hit::Exact)),
        ("7001", Some(Hit::Exact)),
        ("acme", Some(Hit::Pattern("ACME"))),
        ("+47123456", Some(Hit::Prefix(2))),
        ("+461234599", Some(Hit::Pattern("+4*99"))),
        ("8011", Some(Hit::Pattern("80?1"))),
        ("INFO", Some(Hit::Pattern("in*o"))),
        ("+4670123456", None),
        ("+467012345678", None),
        ("70010", None),
        ("471", None),
        ("ACMEX", None),
        ("801", None),
    ] {
        assert_eq!(all.find(&address(text)), hit, "{text}");
    }
}

#[test]
fn a_number_and_a_short_code_of_the_same_digits_differ() {
    assert_eq!(list(&["+70012"]).find(&address("70012")), None);
    assert_eq!(list(&["70012"]).find(&address("+70012")), None);
    assert_eq!(list(&["+70*"]).find(&address("70012")), None);
}

#[test]
fn leading_zeros_count() {
    assert_eq!(list(&["0042"]).find(&address("42")), None);
    assert_eq!(list(&["0042"]).find(&address("0042")), Some(Hit::Exact));
}

#[test]
fn a_star_alone_is_everybody_and_a_plus_with_it_every_international_number() {
    for text in ["+46701234567", "7001", "ACME"] {
        assert!(list(&["*"]).find(&address(text)).is_some(), "{text}");
    }
    assert_eq!(list(&["+*"]).find(&address("+46701234567")), Some(Hit::Prefix(0)));
    assert_eq!(list(&["+*"]).find(&address("7001")), None);
}

#[test]
fn what_is_no_entry_is_said_so() {
    for wrong in ["", "+", "+46x", "+1234567890123456", "a\u{7}", &"x".repeat(42)] {
        assert!(matches!(List::new(&[wrong.to_owned()]), Err(ListError::NoEntry(_))), "{wrong:?}");
    }
    let many = vec!["+46701234567".to_owned(); ENTRIES_MAX + 1];
    assert_eq!(List::new(&many).err(), Some(ListError::TooMany(ENTRIES_MAX + 1)));
    let patterns: Vec<_> = (0..=PATTERNS_MAX).map(|n| format!("x{n}*y")).collect();
    assert_eq!(List::new(&patterns).err(), Some(ListError::TooManyPatterns(PATTERNS_MAX + 1)));
}

#[test]
fn a_hostile_pattern_ends_at_once() {
    let pattern = "*a".repeat(20);
    let long = list(&[&format!("{pattern}b")]);
    assert_eq!(long.find(&address("aaaaaaaaaaaaaaaaaaaa")), None);
}

/// The definition, without any cleverness.
fn naive(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => naive(rest, text) || (!text.is_empty() && naive(pattern, &text[1..])),
        (Some((want, rest)), Some((is, others))) => (*want == '?' || want == is) && naive(rest, others),
        _ => false,
    }
}

proptest! {
    #[test]
    fn lists_agree_with_the_naive_matcher(
        entries in proptest::collection::vec("\\+[12]{0,3}[12*?]{0,5}\\*?|[12]{1,3}[12*?]{0,3}|[ab*?]{1,6}", 1..6),
        text in "\\+[12]{5,9}|[12]{1,8}|[ab]{1,8}",
    ) {
        let entries: Vec<String> = entries.into_iter().filter(|entry| List::new(std::slice::from_ref(entry)).is_ok()).collect();
        let list = List::new(&entries).expect("each is");
        let (address, chars) = (address(&text), |text: &str| text.chars().collect::<Vec<_>>());
        let written = address.to_string();
        // Digits without a sign may be a long number: the naive matcher sees what the list made of them.
        let as_read = |entry: &String| Address::parse(entry).map_or(entry.clone(), |address| address.to_string());
        let want = entries.iter().any(|entry| naive(&chars(&as_read(entry)), &chars(&written)));
        prop_assert_eq!(list.find(&address).is_some(), want, "{:?} {}", entries, written);
    }
}
