//! What owners may do, and nobody else.

use wasmsc_plugin::testing::Bench;
use water_meter::WaterMeter;

use crate::{METER, OWNER, QUIET, Town};

const OTHER_METER: &str = "+46701234568";

fn owned() -> Town {
    Town::new(&[("owner.+46731234567", "+46701234567, 46701234568"), ("daily_allowance_litres", "0")])
}

fn to(number: &str, text: &str) -> (String, String) {
    (number.to_owned(), text.to_owned())
}

#[test]
fn an_owners_status_asks_each_meter() {
    let ask = "WM1 REPORT TO=+46731234567";
    let told = "2 meters were asked, their answers follow";
    assert_eq!(owned().send(OWNER, "status"), [to(METER, ask), to(OTHER_METER, ask), to(OWNER, told)]);
}

#[test]
fn at_most_five_meters_are_asked() {
    let list: Vec<String> = (1..=7).map(|n| format!("+4670123456{n}")).collect();
    let mut town = Town::new(&[("owner.46731234567", &list.join(","))]);
    let sent = town.send(OWNER, "STATUS");
    assert_eq!(sent.len(), 6);
    assert_eq!(sent[5], to(OWNER, "5 of 7 meters were asked, their answers follow"));
}

#[test]
fn the_state_goes_to_a_configured_owner_only() {
    let mut town = owned();
    let report = "WM1 V=1234.567 F=12.5 B=3.61 S=OPEN TO=";
    let text = "+46701234567: 1234.567 m3, 12.500 l/h, 3.610 V, OPEN, 0 L today";
    assert_eq!(town.send(METER, &format!("{report}{OWNER}")), [to(OWNER, text)]);
    assert_eq!(town.send(METER, &format!("{report}+46739999999")), []);
    assert_eq!(town.send("+46701111111", &format!("{report}{OWNER}")), []);
}

#[test]
fn an_owner_lifts_the_leak_lock() {
    let mut town = owned();
    town.report("1", "5", "OPEN");
    town.pass_minutes(360);
    assert_eq!(town.report("1", "5", "OPEN"), ["WM1 CLOSE"]);
    assert_eq!(town.report("1", "0", "CLOSED"), QUIET);
    let order = [to(METER, "WM1 OPEN BY=+46731234567"), to(OWNER, "OPEN was sent to +46701234567")];
    assert_eq!(town.send(OWNER, "open +46701234567"), order);
    assert_eq!(town.report_with("V=1 F=5 B=3.6 S=OPEN BY=+46731234567"), QUIET);
    town.pass_minutes(359);
    assert_eq!(town.report("1", "5", "OPEN"), QUIET);
    town.pass_minutes(1);
    assert_eq!(town.report("1", "5", "OPEN"), ["WM1 CLOSE"]);
}

#[test]
fn a_stranger_does_not_lift_the_leak_lock() {
    let mut town = owned();
    town.report("1", "5", "OPEN");
    town.pass_minutes(360);
    town.report("1", "5", "OPEN");
    town.pass_minutes(15);
    assert_eq!(town.report_with("V=1 F=5 B=3.6 S=OPEN BY=+46739999999"), ["WM1 CLOSE"]);
    town.pass_minutes(15);
    assert_eq!(town.report("1", "5", "OPEN"), ["WM1 CLOSE"]);
}

#[test]
fn what_an_owner_closed_only_an_owner_opens() {
    let mut town = owned();
    town.report("1", "0", "OPEN");
    assert_eq!(town.send(OWNER, "CLOSE 46701234567")[0], to(METER, "WM1 CLOSE BY=+46731234567"));
    assert_eq!(town.report_with("V=1 F=0 B=3.6 S=CLOSED BY=+46731234567"), QUIET);
    town.pass_minutes(1440);
    assert_eq!(town.report("1", "0", "CLOSED"), QUIET);
    assert_eq!(town.report("1", "0", "OPEN"), ["WM1 CLOSE"]);
    assert_eq!(town.report_with("V=1 F=0 B=3.6 S=OPEN BY=+46731234567"), QUIET);
    assert_eq!(town.report("1", "0", "OPEN"), QUIET);
}

#[test]
fn orders_about_other_peoples_meters_are_refused() {
    let mut town = owned();
    let refusal = "Refused: you are not registered as owner of this meter";
    assert_eq!(town.send(OWNER, "OPEN +46709999998"), [to(OWNER, refusal)]);
    assert_eq!(town.send("+46739999999", "CLOSE +46701234567"), [to("+46739999999", refusal)]);
    assert!(town.send(OWNER, "OPEN")[0].1.starts_with("Which meter?"));
    assert!(town.send(OWNER, "OPEN the gate")[0].1.starts_with("Which meter?"));
}

#[test]
fn the_operator_may_order_every_meter() {
    let mut bench = Bench::new().with_config("operator", "+46730000000");
    bench.receive::<WaterMeter>("+46730000000", "7001", "CLOSE +46700000009").expect("accepted");
    assert!(bench.sent.iter().any(|sent| sent.to == "+46700000009"), "{:?}", bench.sent);
}

#[test]
fn a_meter_that_confirms_a_command_is_not_answered() {
    let mut bench = Bench::new();
    for text in ["WM1 OK", "wm1 err valve stuck"] {
        bench.receive::<WaterMeter>("+46700000001", "7001", text).expect("accepted");
    }
    assert_eq!(bench.sent_texts(), Vec::<&str>::new());
}
