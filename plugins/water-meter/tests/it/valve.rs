//! Leaks, allowance and commands.

use wasmsc_plugin::testing::Bench;
use water_meter::WaterMeter;

use crate::{QUIET, Town};

#[test]
fn a_leak_closes_the_valve_and_a_new_day_does_not_open_it() {
    let mut town = Town::new(&[("daily_allowance_litres", "0")]);
    assert_eq!(town.report("10.000", "5", "OPEN"), QUIET);
    town.pass_minutes(359);
    assert_eq!(town.report("10.010", "5", "OPEN"), QUIET);
    town.pass_minutes(1);
    assert_eq!(town.report("10.020", "5", "OPEN"), ["WM1 CLOSE"]);
    assert_eq!(town.report("10.020", "0", "CLOSED"), QUIET);
    town.pass_minutes(2 * 1440);
    assert_eq!(town.report("10.020", "0", "CLOSED"), QUIET);
    assert!(town.status().contains("LEAK"));
}

#[test]
fn a_moment_without_flow_is_no_leak() {
    let mut town = Town::new(&[]);
    for _ in 0..10 {
        assert_eq!(town.report("10.000", "5", "OPEN"), QUIET);
        town.pass_minutes(300);
        assert_eq!(town.report("10.000", "0", "OPEN"), QUIET);
        town.pass_minutes(300);
    }
}

#[test]
fn leak_minutes_of_zero_watches_nothing() {
    let mut town = Town::new(&[("leak_minutes", "0")]);
    assert_eq!(town.report("10.000", "5", "OPEN"), QUIET);
    town.pass_minutes(100_000);
    assert_eq!(town.report("10.000", "5", "OPEN"), QUIET);
}

#[test]
fn the_allowance_throttles_then_closes_and_the_next_day_opens() {
    let mut town = Town::new(&[("throttle_litres_per_hour", "45")]);
    assert_eq!(town.report("10.000", "0", "OPEN"), QUIET);
    town.pass_minutes(60);
    assert_eq!(town.report("10.799", "0", "OPEN"), QUIET);
    assert_eq!(town.report("10.800", "0", "OPEN"), ["WM1 THROTTLE 45"]);
    assert_eq!(town.report("10.900", "0", "THROTTLED"), QUIET);
    assert_eq!(town.report("10.999", "0", "THROTTLED"), QUIET);
    assert_eq!(town.report("11.000", "0", "THROTTLED"), ["WM1 CLOSE"]);
    assert_eq!(town.report("11.000", "0", "CLOSED"), QUIET);
    town.pass_minutes(1440);
    assert_eq!(town.report("11.000", "0", "CLOSED"), ["WM1 OPEN"]);
    assert_eq!(town.report("11.000", "0", "OPEN"), QUIET);
}

#[test]
fn the_day_turns_where_config_says() {
    let mut town = Town::new(&[("day_starts_minutes_utc", "240")]);
    town.report("10.000", "0", "OPEN");
    assert_eq!(town.report("12.000", "0", "OPEN"), ["WM1 CLOSE"]);
    town.pass_minutes(239);
    assert_eq!(town.report("12.000", "0", "CLOSED"), QUIET);
    town.pass_minutes(1);
    assert_eq!(town.report("12.000", "0", "CLOSED"), ["WM1 OPEN"]);
}

#[test]
fn a_command_is_repeated_only_after_the_resend_time() {
    let mut town = Town::new(&[]);
    town.report("10.000", "0", "OPEN");
    assert_eq!(town.report("12.000", "0", "OPEN"), ["WM1 CLOSE"]);
    town.pass_minutes(14);
    assert_eq!(town.report("12.000", "0", "OPEN"), QUIET);
    town.pass_minutes(1);
    assert_eq!(town.report("12.000", "0", "OPEN"), ["WM1 CLOSE"]);
    assert_eq!(town.report("12.000", "0", "OPEN"), QUIET);
}

#[test]
fn a_lost_open_is_repeated() {
    let mut town = Town::new(&[("resend_minutes", "30")]);
    town.report("10.000", "0", "OPEN");
    town.report("12.000", "0", "OPEN");
    town.pass_minutes(1440);
    assert_eq!(town.report("12.000", "0", "CLOSED"), ["WM1 OPEN"]);
    town.pass_minutes(30);
    assert_eq!(town.report("12.000", "0", "CLOSED"), ["WM1 OPEN"]);
}

#[test]
fn a_valve_that_somebody_else_closed_stays_closed() {
    let mut town = Town::new(&[]);
    assert_eq!(town.report("10.000", "0", "CLOSED"), QUIET);
    town.pass_minutes(1440);
    assert_eq!(town.report("10.000", "0", "CLOSED"), QUIET);
}

#[test]
fn acknowledgements_count_todays_litres_and_give_way_to_commands() {
    let mut town = Town::new(&[("acknowledge_reports", "true")]);
    assert_eq!(town.report("10.000", "0", "OPEN"), ["WM1 OK 0 L today"]);
    assert_eq!(town.report("10.123", "0", "OPEN"), ["WM1 OK 123 L today"]);
    assert_eq!(town.report("11.500", "0", "OPEN"), ["WM1 CLOSE"]);
    assert_eq!(town.report("11.500", "0", "CLOSED"), ["WM1 OK 1500 L today"]);
}

#[test]
fn status_shows_the_last_volume_or_that_nothing_is_known() {
    let mut town = Town::new(&[]);
    assert!(town.status().contains("Nothing known"));
    town.report("1234.567", "12.5", "OPEN");
    town.pass_minutes(7);
    assert_eq!(town.status(), "1234.567 m3, 12.500 l/h, 3.610 V, OPEN, 0 of 1000 L today, 7 min ago");
    town.report("2345.800", "0", "CLOSED");
    assert!(town.status().contains("2345.8"));
    town.pass_minutes(1440);
    assert!(town.status().contains("no report today"));
}

#[test]
fn flow_before_and_after_a_long_silence_is_no_leak() {
    let mut bench = Bench::new();
    for text in ["WM1 V=1.000 F=5 B=3.6 S=OPEN", "WM1 V=1.100 F=5 B=3.6 S=OPEN"] {
        bench.receive::<WaterMeter>("+46700000001", "7001", text).expect("accepted");
        bench.advance_ms(12 * 3_600_000);
    }
    assert_eq!(bench.sent_texts(), Vec::<&str>::new());
}
