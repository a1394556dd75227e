//! Readings for the customer's own system.

use wasmsc_plugin::Level;
use water_meter::WaterMeter;

use crate::Town;

fn town(host: &str) -> Town {
    let mut town = Town::new(&[("report_url", "https://a.example/readings"), ("report_secret", "token")]);
    town.0.secrets.insert("token".to_owned(), "s3cret".to_owned());
    town.0.http_hosts.insert(host.to_owned());
    town
}

#[test]
fn each_reading_is_posted_with_its_secret() {
    let mut town = town("a.example");
    town.report("1234.567", "12.5", "OPEN");
    town.report("1234.600", "0", "OPEN");
    let bodies: Vec<serde_json::Value> = town.0.submitted.iter().map(body).collect();
    let first = serde_json::json!({
        "meter": "+46701234567", "at_ms": 1_767_225_600_000_u64, "litres": 1_234_567, "millilitres_per_hour": 12_500,
        "battery_millivolts": 3610, "valve": "OPEN", "litres_today": 0, "leak": false,
    });
    assert_eq!(bodies[0], first);
    assert_eq!((bodies.len(), &bodies[1]["litres_today"]), (2, &serde_json::json!(33)));
    assert_eq!(town.0.submitted[0].request.authorization.as_deref(), Some("token"));
}

fn body(call: &wasmsc_plugin::testing::Submitted) -> serde_json::Value {
    serde_json::from_slice(call.request.body.as_deref().unwrap_or_default()).expect("JSON")
}

#[test]
fn a_malformed_text_is_no_reading() {
    let mut town = town("a.example");
    town.send(crate::METER, "WM1 V=1");
    assert!(town.0.submitted.is_empty());
}

#[test]
fn a_host_that_is_not_granted_does_not_keep_the_valve_open() {
    let mut town = town("b.example");
    town.report("10.000", "0", "OPEN");
    assert_eq!(town.report("12.000", "0", "OPEN"), ["WM1 CLOSE"]);
    assert!(town.0.logged.iter().all(|(_, line)| line.contains("cannot be posted")) && town.0.logged.len() == 2);
}

#[test]
fn a_reading_that_is_not_taken_is_logged() {
    let mut town = town("a.example");
    for (status, lines) in [(Some(204), 0), (Some(500), 1), (None, 2)] {
        town.report("10.000", "0", "OPEN");
        town.0.http_reply::<WaterMeter>("reading", status, "").expect("done");
        assert_eq!(town.0.logged.iter().filter(|(level, _)| *level == Level::Warn).count(), lines);
    }
}
