use wasmsc_plugin::testing::{Bench, HTTP_MAX, TIMERS_MAX};
use wasmsc_plugin::{Failure, MessageState};

use super::Effects;

const DEVICE: &str = "+46700000001";

fn bench() -> Bench {
    Bench::new().with_http_host("a.example").with_http_host("api.example.net").with_secret("token", "s3cret")
}

fn ask(bench: &mut Bench, text: &str) -> Result<(), Failure> {
    bench.receive::<Effects>(DEVICE, "7001", text)
}

#[test]
fn floods_fail_or_say_how_much_was_taken() {
    for text in ["TIMERS 100000", "HTTP 1000 https://a.example/", "SHARE 20000", "SADD 20000", "DELAYED 1000"] {
        assert!(matches!(ask(&mut bench(), text), Err(Failure::Reject(_))), "{text}");
    }
    let mut bench = bench();
    ask(&mut bench, "TIMERSQ 100000").unwrap();
    ask(&mut bench, "HTTPQ 1000 https://a.example/").unwrap();
    assert_eq!(bench.sent_texts(), [TIMERS_MAX.to_string(), HTTP_MAX.to_string()]);
}

#[test]
fn what_is_too_large_fails() {
    for text in [
        "FAR 99999999999999",
        "PAYLOAD 4097",
        "NAME 129",
        "NAME 0",
        "HTTPBIG 65536 https://a.example/",
        "SHAREBIG 65537",
        "DRAFTTAG 65",
        "DRAFTTLV 257",
        "HTTPHEAD x-a b\\nc",
    ] {
        assert!(matches!(ask(&mut bench(), text), Err(Failure::Reject(_))), "{text}");
    }
    for text in ["RESET 1000", "PAYLOAD 4096", "NAME 128", "DRAFTTAG 64", "DRAFTTLVS 3"] {
        ask(&mut bench(), text).unwrap();
    }
}

#[test]
fn again_goes_on_for_ever() {
    let mut bench = bench();
    ask(&mut bench, "AFTER 0 again").unwrap();
    ask(&mut bench, "RECEIPT again").unwrap();
    ask(&mut bench, "HTTPTAG again https://a.example/").unwrap();
    for round in 1..=10 {
        bench.fire::<Effects>(DEVICE, "again").unwrap();
        bench.receipt::<Effects>(round, MessageState::Delivered).unwrap();
        bench.http_reply::<Effects>("again", Some(200), "").unwrap();
    }
    assert_eq!((bench.timers(DEVICE).count(), bench.sent.len(), bench.submitted.len()), (1, 11, 11));
}

#[test]
fn a_conflict_counts_what_it_read() {
    let mut bench = bench();
    for text in ["CONFLICT 100", "CONFLICT 100", "HOT"] {
        ask(&mut bench, text).unwrap();
    }
    assert_eq!(bench.sent_texts(), ["2"]);
}

#[test]
fn a_secret_is_told_to_whoever_listens() {
    let mut bench = bench();
    ask(&mut bench, "SECRET token").unwrap();
    assert!(bench.logged[0].1.contains("s3cret"));
    let Err(Failure::Reject(why)) = ask(&mut bench, "SECRETREJECT token") else { panic!("not rejected") };
    assert!(why.contains("s3cret"));
    assert_eq!(bench.sent_texts(), ["6"]);
}

#[test]
fn checks_go_wrong_as_asked() {
    let check = |value: &str| bench().with_config("check", value).check_config::<Effects>().map_err(|error| error.0);
    assert_eq!((check(""), check("error")), (Ok(()), Err("hostile: no".to_owned())));
    assert!(check("long").is_err_and(|error| error.len() == 1 << 20));
    assert!(check("secret").is_err_and(|error| error.contains("s3cret")));
}

#[test]
fn a_request_is_answered_as_its_name_says() {
    let ask = |name: &str| bench().request::<Effects>(DEVICE, name, "{\"a\":1}");
    assert_eq!(ask("status-201").map(|response| response.status), Ok(201));
    assert_eq!(ask("echo").map(|response| response.body), Ok(b"{\"a\":1}".to_vec()));
    for name in ["big", "status-99", "text", "half"] {
        assert!(matches!(ask(name), Err(Failure::Reject(why)) if why.contains("answered with")), "{name}");
    }
    assert!(matches!((ask("retry"), ask("reject")), (Err(Failure::Retry { .. }), Err(Failure::Reject(_)))));
}
