//! Commands that must arrive, and meters that have fallen silent.

use std::time::Duration;

use wasmsc_plugin::MessageState;
use water_meter::WaterMeter;

use crate::{METER, OPERATOR, OWNER, QUIET, Town};

fn town(config: &[(&str, &str)]) -> Town {
    let mut all = vec![("operator", OPERATOR)];
    all.extend(config);
    Town::new(&all)
}

/// What is sent while time passes, as `(to, text)`.
fn pass(town: &mut Town, minutes: u64) -> Vec<(String, String)> {
    town.0.pass::<WaterMeter>(Duration::from_secs(minutes * 60)).expect("done");
    let sent = town.0.take_sent();
    sent.into_iter().map(|sent| (sent.to.clone(), sent.text().unwrap_or_default().to_owned())).collect()
}

fn to(number: &str, text: &str) -> (String, String) {
    (number.to_owned(), text.to_owned())
}

/// Closed by the allowance, and nobody has confirmed it.
fn closing(config: &[(&str, &str)]) -> Town {
    let mut town = town(config);
    town.report("10.000", "0", "OPEN");
    assert_eq!(town.report("12.000", "0", "OPEN"), ["WM1 CLOSE"]);
    town
}

#[test]
fn a_close_that_nobody_confirms_is_sent_three_times_more_and_then_told() {
    let mut town = closing(&[("confirm_minutes", "10")]);
    let close = to(METER, "WM1 CLOSE");
    assert_eq!(pass(&mut town, 9), []);
    assert_eq!(pass(&mut town, 1), std::slice::from_ref(&close));
    assert_eq!(pass(&mut town, 20), [close.clone(), close]);
    let told = "Meter +46701234567: CLOSE was sent 4 times and nothing confirms it. The water may be running";
    assert_eq!(pass(&mut town, 10), [to(OPERATOR, told)]);
    assert_eq!(pass(&mut town, 100), []);
}

#[test]
fn a_report_or_a_receipt_confirms_a_close() {
    let mut town = closing(&[]);
    assert_eq!(town.report("12.000", "0", "CLOSED"), QUIET);
    assert_eq!(pass(&mut town, 100), []);
    let mut town = closing(&[]);
    town.0.receipt::<WaterMeter>(1, MessageState::Delivered).expect("done");
    assert_eq!(pass(&mut town, 100), []);
}

#[test]
fn a_report_that_crossed_the_close_confirms_nothing() {
    let mut town = closing(&[]);
    assert_eq!(town.report("12.000", "0", "OPEN"), QUIET);
    assert_eq!(pass(&mut town, 15), [to(METER, "WM1 CLOSE")]);
}

#[test]
fn an_owner_who_opens_ends_the_wait() {
    let owner = format!("owner.{OWNER}");
    let mut town = town(&[("daily_allowance_litres", "0"), (&owner, METER), ("leak_minutes", "60")]);
    town.report("10.000", "5", "OPEN");
    town.pass_minutes(60);
    assert_eq!(town.report("10.010", "5", "OPEN"), ["WM1 CLOSE"]);
    town.report_with(&format!("V=10.010 F=5 B=3.6 S=OPEN BY={OWNER}"));
    assert_eq!(pass(&mut town, 100), []);
}

#[test]
fn a_new_day_ends_the_wait_for_a_close_by_the_allowance() {
    let mut town = town(&[("confirm_minutes", "30")]);
    town.pass_minutes(1430);
    town.report("10.000", "0", "OPEN");
    assert_eq!(town.report("12.000", "0", "OPEN"), ["WM1 CLOSE"]);
    assert_eq!(pass(&mut town, 100), []);
}

#[test]
fn a_close_that_cannot_be_sent_again_is_told() {
    let mut town = closing(&[]);
    town.0.refused.insert(METER.to_owned());
    let told = "Meter +46701234567: CLOSE was sent once and nothing confirms it. The water may be running";
    assert_eq!(pass(&mut town, 100), [to(OPERATOR, told)]);
}

#[test]
fn confirm_minutes_of_zero_waits_for_nothing() {
    let mut town = closing(&[("confirm_minutes", "0")]);
    assert_eq!(pass(&mut town, 1000), []);
}

#[test]
fn a_command_that_cannot_be_delivered_is_told_to_the_operator() {
    let mut town = closing(&[("confirm_minutes", "0")]);
    town.0.receipt::<WaterMeter>(1, MessageState::Expired).expect("done");
    let told = "Meter +46701234567: CLOSE could not be delivered (expired)";
    assert_eq!(pass(&mut town, 0), [to(OPERATOR, told)]);
    town.report("12.000", "0", "CLOSED");
    town.0.receipt::<WaterMeter>(1, MessageState::Undeliverable).expect("done");
    assert_eq!(pass(&mut town, 0), [], "it is closed by now");
}

#[test]
fn an_order_that_does_not_arrive_is_told_to_its_owner() {
    let owner = format!("owner.{OWNER}");
    let mut town = town(&[(&owner, METER)]);
    town.send(OWNER, &format!("OPEN {METER}"));
    town.0.receipt::<WaterMeter>(1, MessageState::Delivered).expect("done");
    assert_eq!(pass(&mut town, 0), []);
    town.0.receipt::<WaterMeter>(1, MessageState::Rejected).expect("done");
    assert_eq!(pass(&mut town, 0), [to(OWNER, "Your order did not reach the meter +46701234567")]);
}

#[test]
fn a_silent_meter_is_asked_and_then_the_operator_is_warned_once() {
    let mut town = town(&[("silent_after_hours", "24")]);
    town.report("10.000", "0", "OPEN");
    assert_eq!(pass(&mut town, 24 * 60 - 1), []);
    assert_eq!(pass(&mut town, 1), [to(METER, "WM1 REPORT")]);
    assert_eq!(pass(&mut town, 59), []);
    let told = "Meter +46701234567: no report for 25 h, and no answer to WM1 REPORT";
    assert_eq!(pass(&mut town, 1), [to(OPERATOR, told)]);
    assert_eq!(pass(&mut town, 100_000), []);
}

#[test]
fn a_report_begins_the_silence_anew() {
    let mut town = town(&[("silent_after_hours", "24")]);
    for _ in 0..5 {
        town.report("10.000", "0", "OPEN");
        assert_eq!(pass(&mut town, 23 * 60), []);
    }
    assert_eq!(pass(&mut town, 60), [to(METER, "WM1 REPORT")]);
    town.report("10.000", "0", "OPEN");
    assert_eq!(pass(&mut town, 23 * 60), []);
}

#[test]
fn a_silent_meter_that_cannot_be_asked_is_told_all_the_same() {
    let mut town = town(&[("silent_after_hours", "1")]);
    town.report("10.000", "0", "OPEN");
    town.0.refused.insert(METER.to_owned());
    let told: Vec<String> = pass(&mut town, 120).into_iter().map(|(to, _)| to).collect();
    assert_eq!(told, [OPERATOR]);
}

#[test]
fn without_the_settings_a_report_sets_no_timer() {
    let mut town = Town::new(&[("acknowledge_reports", "true")]);
    town.report("10.000", "0", "OPEN");
    assert_eq!(town.0.timers(METER).count(), 0);
}

/// What the rule wrote before it waited for anything is read as before.
#[test]
fn state_of_before_is_read() {
    let mut town = town(&[]);
    let before = r#"{"v":1,"t":1767225600,"l":10000,"f":0,"b":3600,"s":"O","d":20455,"u":0}"#;
    town.0.set_state(METER, "meter", before);
    assert_eq!(town.report("12.000", "0", "OPEN"), ["WM1 CLOSE"]);
    assert_eq!(pass(&mut town, 15), [to(METER, "WM1 CLOSE")]);
}
