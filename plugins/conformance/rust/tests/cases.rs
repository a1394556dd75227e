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
    bench.tlvs.insert(0x1400, vec![1, 0xab]);
    for text in ["FACTS", "RANDOM", "RANDOM", "TLV 1400"] {
        bench.receive::<Conformance>(DEVICE, "7001", text).expect("done");
    }
    let sent = bench.sent_texts();
    let facts: Vec<&str> = sent[0].split(' ').collect();
    assert_eq!((facts.len(), &facts[1..]), (4, &["1", "0", "1"][..]));
    assert!(sent[1].len() == 32 && sent[1].bytes().all(|octet| octet.is_ascii_hexdigit()), "{}", sent[1]);
    assert_ne!(sent[1], sent[2]);
    assert_eq!(sent[3], "01ab");
}

#[test]
fn a_later_attempt_answers() {
    let mut bench = Bench::new();
    bench.attempt = 3;
    bench.receive::<Conformance>(DEVICE, "7001", "RETRY").expect("done");
    assert_eq!(bench.sent_texts(), ["attempt 3"]);
}

#[test]
fn a_draft_has_its_tlv() {
    let mut bench = Bench::new();
    bench.receive::<Conformance>(DEVICE, "7001", "DRAFT").expect("done");
    assert_eq!(bench.sent[0].tlvs, [(0x1400, vec![1, 2, 3])]);
}

#[test]
fn an_http_call_has_its_header_and_names_its_secret() {
    let mut bench = Bench::new().with_secret("token", "s3cret").with_http_host("api.example.net");
    bench.receive::<Conformance>(DEVICE, "7001", "HTTP https://api.example.net/").expect("done");
    let request = &bench.submitted[0].request;
    assert_eq!(request.headers, [("x-test".to_owned(), "1".to_owned())]);
    assert_eq!(request.authorization.as_deref(), Some("token"));
}
