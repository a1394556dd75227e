//! The rule as an application and a phone see it.

use std::time::Duration;

use otp::Otp;
use wasmsc_plugin::testing::{Bench, Sent, cases};
use wasmsc_plugin::{Failure, Response};

const DEVICE: &str = "+46700000003";

#[test]
fn the_cases_hold() {
    cases::check::<Otp>("cases");
}

fn ask(bench: &mut Bench, name: &str, body: &str) -> Response {
    bench.request::<Otp>(DEVICE, name, body).expect("done")
}

/// The digits of the last message.
fn code(bench: &Bench) -> String {
    let text = bench.sent.last().and_then(Sent::text).expect("a code was sent");
    text.split(' ')
        .find(|word| word.bytes().any(|octet| octet.is_ascii_digit()))
        .expect("it has a code")
        .replace('.', "")
}

fn verify(bench: &mut Bench, code: &str) -> String {
    String::from_utf8(ask(bench, "verify", &format!(r#"{{"code":"{code}"}}"#)).body).expect("text")
}

#[test]
fn the_code_that_was_sent_is_right_and_of_the_asked_length() {
    for digits in 4..=10 {
        let mut bench = Bench::new();
        assert_eq!(ask(&mut bench, "issue", &format!(r#"{{"digits":{digits}}}"#)).status, 200);
        let code = code(&bench);
        assert_eq!(code.len(), digits);
        assert_eq!(verify(&mut bench, &code), r#"{"valid":true}"#);
    }
}

#[test]
fn a_code_is_of_one_device() {
    let mut bench = Bench::new();
    ask(&mut bench, "issue", "");
    let code = code(&bench);
    let body = format!(r#"{{"code":"{code}"}}"#);
    let other = bench.request::<Otp>("+46700000004", "verify", body).expect("done");
    assert!(String::from_utf8_lossy(&other.body).contains(r#""valid":false"#));
    assert_eq!(verify(&mut bench, &code), r#"{"valid":true}"#);
}

#[test]
fn a_new_code_takes_the_place_of_the_old_one() {
    let mut bench = Bench::new();
    ask(&mut bench, "issue", "");
    let old = code(&bench);
    bench.advance(Duration::from_secs(30));
    ask(&mut bench, "issue", "");
    let new = code(&bench);
    assert_ne!(old, new);
    assert!(verify(&mut bench, &old).contains("wrong"));
    assert_eq!(verify(&mut bench, &new), r#"{"valid":true}"#);
}

#[test]
fn codes_and_salts_are_not_kept_in_the_clear() {
    let mut bench = Bench::new();
    ask(&mut bench, "issue", "");
    let code = code(&bench);
    let kept: Vec<String> =
        bench.states(DEVICE).map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect();
    let kept_code = kept.iter().any(|value| value.contains(&format!("\"{code}\"")));
    assert!(!kept_code, "{kept:?}");
    let first = salt(&bench);
    bench.advance(Duration::from_secs(30));
    ask(&mut bench, "issue", "");
    assert_ne!(salt(&bench), first);
}

/// 16 octets in hex.
fn salt(bench: &Bench) -> String {
    let kept = String::from_utf8_lossy(bench.state(DEVICE, "code").expect("a code is kept")).into_owned();
    let salt = kept.split("\"salt\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("it has a salt");
    assert_eq!(salt.len(), 32, "{kept}");
    salt.to_owned()
}

#[test]
fn an_hour_has_so_many_codes_and_guesses() {
    let mut bench = Bench::new().with_config("resend_seconds", "0");
    let mut guesses = 0;
    for _ in 0..20 {
        ask(&mut bench, "issue", "");
        for _ in 0..10 {
            guesses += usize::from(verify(&mut bench, "x").contains("wrong"));
        }
    }
    assert_eq!((bench.sent.len(), guesses), (5, 15));
    bench.advance(Duration::from_secs(3600));
    assert_eq!(ask(&mut bench, "issue", "").status, 200);
}

#[test]
fn nothing_is_kept_of_a_code_after_its_time() {
    let mut bench = Bench::new();
    ask(&mut bench, "issue", "");
    bench.pass::<Otp>(Duration::from_secs(299)).expect("done");
    assert!(bench.state(DEVICE, "code").is_some());
    bench.pass::<Otp>(Duration::from_secs(1)).expect("done");
    assert!(bench.state(DEVICE, "code").is_none());
}

#[test]
fn a_sender_is_set_and_one_that_is_not_the_customers_is_told() {
    let mut bench = Bench::new().with_config("sender", "ACME");
    bench.senders.insert("ACME".to_owned());
    ask(&mut bench, "issue", "");
    assert_eq!(bench.sent[0].from, "ACME");
    let mut bench = Bench::new().with_config("sender", "EVIL");
    let response = ask(&mut bench, "issue", "");
    assert_eq!((response.status, bench.sent.len()), (422, 0));
}

#[test]
fn a_code_of_another_version_is_not_overwritten_by_a_verify() {
    let mut bench = Bench::new();
    bench.set_state(DEVICE, "code", r#"{"v":2,"salt":"","hash":"","expires_at":0,"attempts_left":1}"#);
    assert!(matches!(bench.request::<Otp>(DEVICE, "verify", r#"{"code":"1"}"#), Err(Failure::Reject(_))));
}

/// Whoever asks may write anything.
#[test]
fn no_request_breaks_the_rule() {
    let bodies =
        ["", "{", "[]", "null", "{\"code\":1}", "{\"code\":\"\"}", "{\"digits\":4294967296}", "{\"digits\":-1}"];
    let texts = ["{code", "{code}}", "{}", "{code}{code}{code}", "{minutes}", "\u{0}{code}", "é{code}😀"];
    let texts = texts.map(|text| format!("{{\"text\":{text:?}}}"));
    let mut bench = Bench::new().with_config("resend_seconds", "0").with_config("issues_per_hour", "100");
    for body in bodies.iter().map(ToString::to_string).chain(texts).chain([vec!["9"; 70_000].concat()]) {
        for name in ["issue", "verify", "", "é"] {
            let response = bench.request::<Otp>(DEVICE, name, body.clone()).expect("an answer, whatever comes");
            assert!(matches!(response.status, 200 | 400 | 404 | 422), "{name} {body} {response:?}");
        }
    }
}
