//! What the operator hears of.

use crate::{METER, OPERATOR, QUIET, Town};

fn watched() -> Town {
    Town::new(&[("operator", OPERATOR)])
}

fn report(town: &mut Town, fields: &str) -> Vec<(String, String)> {
    town.send(METER, &format!("WM1 S=OPEN F=0 {fields}"))
}

#[test]
fn a_battery_is_warned_of_once_per_drop() {
    let mut town = watched();
    let warnings: Vec<usize> = ["3.30", "3.29", "3.31", "3.20", "3.39", "3.29", "3.40", "3.29"]
        .map(|volts| report(&mut town, &format!("V=1 B={volts}")).len())
        .to_vec();
    assert_eq!(warnings, [0, 1, 0, 0, 0, 0, 0, 1]);
    report(&mut town, "V=1 B=4");
    let expected = (OPERATOR.to_owned(), "Meter +46701234567: battery is low, 3.100 V".to_owned());
    assert_eq!(report(&mut town, "V=1 B=3.1"), [expected]);
}

#[test]
fn a_backwards_counter_is_warned_of_once_and_becomes_the_new_base() {
    let mut town = watched();
    report(&mut town, "V=1234.567 B=3.6");
    report(&mut town, "V=1234.667 B=3.6");
    let sent = report(&mut town, "V=1000 B=3.6");
    let text = "Meter +46701234567: counter ran backwards, from 1234.667 to 1000.000 m3";
    assert_eq!(sent, [(OPERATOR.to_owned(), text.to_owned())]);
    assert_eq!(report(&mut town, "V=1000.050 B=3.6"), []);
    assert!(town.status().contains(", 150 of 1000 L today"));
}

#[test]
fn without_an_operator_the_log_keeps_the_warning() {
    let mut town = Town::new(&[]);
    assert_eq!(town.report_with("V=1 F=0 B=2.9 S=OPEN"), QUIET);
    assert_eq!(town.0.logged.len(), 1);
}

#[test]
fn a_warning_does_not_replace_the_command() {
    let mut town = watched();
    report(&mut town, "V=1 B=3.6");
    let to: Vec<String> = report(&mut town, "V=3 B=3").into_iter().map(|(to, _)| to).collect();
    assert_eq!(to, [METER, OPERATOR]);
}
