//! The shared cases, on the SDK's bench.

use conformance::Conformance;
use wasmsc_plugin::testing::{Bench, cases};

const DEVICE: &str = "+46700000003";

#[test]
fn the_rule_does_what_the_shared_cases_say() {
    // An endless loop ends only where a host ends it.
    cases::check_but::<Conformance>("../cases", &["spin.toml"]);
}

/// What a case cannot say, since it is another every time.
#[test]
fn facts_and_random_octets_have_their_form() {
    let mut bench = Bench::new();
    for text in ["FACTS", "RANDOM", "RANDOM"] {
        bench.receive::<Conformance>(DEVICE, "7001", text).expect("done");
    }
    let sent = bench.sent_texts();
    let facts: Vec<&str> = sent[0].split(' ').collect();
    assert_eq!((facts.len(), &facts[1..]), (4, &["1", "0", "1"][..]));
    assert!(sent[1].len() == 32 && sent[1].bytes().all(|octet| octet.is_ascii_hexdigit()), "{}", sent[1]);
    assert_ne!(sent[1], sent[2]);
}
