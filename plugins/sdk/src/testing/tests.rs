mod events;

use serde::{Deserialize, Serialize};

use super::*;
use crate::{Context, Failure, Mo, Rule, SendError, StateError, export_rule};

const DEVICE: &str = "+46700000001";

/// Does with its context what a test asks for by text.
struct Asked;

#[derive(Serialize, Deserialize)]
struct Visits {
    count: u32,
}

impl Rule for Asked {
    fn handle_mo(mo: &Mo, cx: &mut Context<'_>) -> Result<(), Failure> {
        match mo.text() {
            Some("visit") => {
                let count = cx.state::<Visits>("visits")?.map_or(0, |visits| visits.count) + 1;
                cx.set_state("visits", &Visits { count })?;
                cx.reply(format!("visit {count}"))?;
            }
            Some("visit and fail") => {
                cx.set_state("visits", &Visits { count: 99 })?;
                cx.reply("gone")?;
                cx.log(Level::Warn, "failing", &[("why", "asked")]);
                return Err(Failure::Reject("asked".to_owned()));
            }
            Some("config") => {
                let volts: f64 = cx.config_parsed("volts", 3.3)?;
                cx.reply(volts.to_string())?;
            }
            Some("flood") => {
                for _ in 0..=MESSAGES_MAX {
                    cx.reply("again")?;
                }
            }
            Some("keys") => list_keys(cx)?,
            Some("random") => {
                let (first, second) = (cx.random_bytes(16), cx.random_bytes(16));
                assert_ne!(first, second);
                cx.reply(first)?;
            }
            Some(text) => {
                cx.send("+46731234567", text)?;
            }
            None => {
                cx.reply(mo.body.clone())?;
            }
        }
        Ok(())
    }
}

export_rule!(Asked);

fn list_keys(cx: &mut Context<'_>) -> Result<(), Failure> {
    for number in 0..150 {
        cx.set_state_bytes(&format!("k{number:03}"), b"x")?;
    }
    let (first, cursor) = cx.list_keys("k", None)?;
    let (rest, end) = cx.list_keys("k", cursor.as_deref())?;
    assert_eq!((first.len(), rest.len(), end), (100, 50, None));
    Ok(())
}

fn ask(bench: &mut Bench, text: &str) -> Result<(), Failure> {
    bench.receive::<Asked>(DEVICE, "7001", text)
}

#[test]
fn state_goes_on_from_call_to_call_and_apart_for_each_device() {
    let mut bench = Bench::new();
    ask(&mut bench, "visit").unwrap();
    ask(&mut bench, "visit").unwrap();
    bench.receive::<Asked>("+46700000002", "7001", "visit").unwrap();
    assert_eq!(bench.sent_texts(), ["visit 1", "visit 2", "visit 1"]);
    assert_eq!(bench.state(DEVICE, "visits"), Some(&br#"{"count":2}"#[..]));
}

#[test]
fn a_failed_call_leaves_nothing_but_its_log() {
    let mut bench = Bench::new();
    ask(&mut bench, "visit").unwrap();
    assert_eq!(ask(&mut bench, "visit and fail"), Err(Failure::Reject("asked".to_owned())));
    ask(&mut bench, "visit").unwrap();
    assert_eq!(bench.sent_texts(), ["visit 1", "visit 2"]);
    assert_eq!(bench.logged, [(Level::Warn, "failing why=asked".to_owned())]);
}

#[test]
fn unreadable_state_rejects_and_names_its_key() {
    let mut bench = Bench::new();
    bench.set_state(DEVICE, "visits", "not JSON");
    let Err(Failure::Reject(reason)) = ask(&mut bench, "visit") else { panic!("not rejected") };
    assert!(reason.contains("visits"), "{reason}");
}

#[test]
fn a_bad_setting_rejects_and_names_itself_and_its_value() {
    ask(&mut Bench::new(), "config").unwrap();
    let mut bench = Bench::new().with_config("volts", "many");
    let Err(Failure::Reject(reason)) = ask(&mut bench, "config") else { panic!("not rejected") };
    assert!(reason.contains("volts") && reason.contains("many"), "{reason}");
}

#[test]
fn the_bench_is_as_strict_as_a_server() {
    let mut bench = Bench::new();
    assert_eq!(ask(&mut bench, "flood"), Err(SendError::QuotaExceeded.into()));
    assert_eq!(ask(&mut bench, &"x".repeat(1_521)), Err(SendError::TooLong.into()));
    assert_eq!(bench.receive::<Asked>(DEVICE, "7001", vec![0; 1_331]), Err(SendError::TooLong.into()));
    bench.refused.insert("+46731234567".to_owned());
    assert!(matches!(ask(&mut bench, "to the owner"), Err(Failure::Reject(_))));
    assert!(bench.sent.is_empty());
    ask(&mut bench, "keys").unwrap();
}

#[test]
fn random_octets_differ_from_call_to_call_and_not_from_run_to_run() {
    let run = || {
        let mut bench = Bench::new();
        ask(&mut bench, "random").unwrap();
        ask(&mut bench, "random").unwrap();
        bench.sent
    };
    assert_eq!(run(), run());
    assert_ne!(run()[0], run()[1]);
}

#[test]
fn one_sms_is_160_septets_or_70_code_units() {
    assert!(fits_one_sms(&"å".repeat(160)) && !fits_one_sms(&"a".repeat(161)));
    assert!(fits_one_sms(&"€".repeat(80)) && !fits_one_sms(&"€".repeat(81)));
    assert!(fits_one_sms(&"ж".repeat(70)) && !fits_one_sms(&"ж".repeat(71)));
    assert!(fits_one_sms(&"🚰".repeat(35)) && !fits_one_sms(&"🚰".repeat(36)));
}

#[test]
fn what_cannot_get_better_is_rejected_and_the_rest_is_tried_again() {
    let retry = Failure::Retry { after_ms: None };
    assert_eq!(Failure::from(StateError::Other("disk".to_owned())), retry);
    assert!(matches!(Failure::from(StateError::QuotaExceeded), Failure::Reject(_)));
    assert!(matches!(Failure::from(SendError::InvalidAddress), Failure::Reject(_)));
}
