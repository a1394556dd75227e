//! The rule as phones see it.

use keyword_reply::KeywordReply;
use wasmsc_plugin::testing::{Bench, cases};
use wasmsc_plugin::{Failure, SendError};

#[test]
fn the_cases_hold() {
    cases::check::<KeywordReply>("cases");
}

fn bench() -> Bench {
    Bench::new().with_config("keywords", "info").with_config("reply.info", "{count}").with_config("counted", "info")
}

#[test]
fn counts_are_of_each_device_and_totals_of_all() {
    let mut bench = bench();
    for device in ["+46700000001", "+46700000002", "+46700000001"] {
        bench.receive::<KeywordReply>(device, "7001", "info").expect("done");
    }
    assert_eq!(bench.sent_texts(), ["1", "1", "2"]);
    assert_eq!(bench.shared().collect::<Vec<_>>(), [("total.info", &3_i64.to_le_bytes()[..])]);
}

#[test]
fn what_cannot_be_sent_is_not_counted() {
    let mut bench = bench().with_config("reply.info", &"x".repeat(2000));
    let result = bench.receive::<KeywordReply>("+46700000001", "7001", "info");
    assert_eq!(result, Err(Failure::from(SendError::TooLong)));
    assert_eq!(bench.shared().count(), 0);
}

#[test]
fn a_device_cannot_make_up_placeholders() {
    let mut bench = bench().with_config("reply.info", "{attribute:name}");
    bench.attributes.insert("name".to_owned(), "{now} {tag}".to_owned());
    bench.receive::<KeywordReply>("+46700000001", "7001", "info").expect("done");
    assert_eq!(bench.sent_texts(), ["{now} {tag}"]);
}

/// Whoever writes may write anything.
#[test]
fn no_text_breaks_the_rule() {
    let mut bench = bench().with_config("default_reply", "{tag|?}").with_config("default_every_minutes", "0");
    for text in ["", " ", "!", "\u{0}", "infó", "İNFO", "ınfo", "🙂", "{now}", &"é".repeat(2000)] {
        bench.receive::<KeywordReply>("+46700000001", "7001", text).expect("done");
    }
    bench.receive::<KeywordReply>("+46700000001", "7001", vec![0xff; 140]).expect("done");
    assert!(bench.sent_texts().iter().all(|text| *text == "?"), "{:?}", bench.sent_texts());
}
