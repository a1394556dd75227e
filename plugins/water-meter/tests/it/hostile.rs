//! Whatever comes in, one short answer goes out and the state stays.

use wasmsc_plugin::testing::Bench;
use water_meter::WaterMeter;

use crate::{METER, Town};

#[test]
fn malformed_texts_get_one_help_and_change_nothing() {
    let mut town = Town::new(&[("acknowledge_reports", "true")]);
    town.report("1234.567", "0", "OPEN");
    let before = town.status();
    let long = "WM1 V=1 ".repeat(10_000);
    let digits = format!("WM1 V={} F=1 B=3 S=OPEN", "9".repeat(200));
    for text in [
        "",
        " ",
        "=",
        "\0",
        "hej",
        "💧💧💧",
        "WM1",
        "WM1 V=NaN F=1 B=3 S=OPEN",
        "WM1 V=inf F=1 B=3 S=OPEN",
        "WM1 V=1e308 F=1 B=3 S=OPEN",
        "WM1 V=-1 F=1 B=3 S=OPEN",
        "WM1 V=1 F=-inf B=3 S=OPEN",
        "WM1 V=1 F=1 B=999 S=OPEN",
        "WM1 V=１２ F=1 B=3 S=OPEN",
        "WM1 V=1\u{301} F=1 B=3 S=OPEN",
        "WM1 V=1,234.567 F=1 B=3 S=OPEN",
        "WM1 V=1 F=1 B=3 S=OPEN TO=+46 70 123",
        "WM1 V=1 F=1 B=3 S=OPEN BY=ÅÄÖ",
        &long,
        &digits,
    ] {
        let sent = town.send(METER, text);
        assert_eq!(sent.len(), 1, "{text:?}");
        let (to, help) = &sent[0];
        assert_eq!(to, METER);
        assert!(help.contains("V=") && help.len() <= 160 && !help.starts_with("WM1 OK"), "{help}");
        assert_eq!(town.status(), before);
    }
}

#[test]
fn eight_bit_data_gets_the_help_too() {
    let mut bench = Bench::new();
    bench.receive::<WaterMeter>(METER, "7001", vec![0xff, 0x00, 0xfe]).expect("accepted");
    assert!(bench.sent_texts()[0].contains("it is no text"));
}

#[test]
fn no_single_octet_change_of_a_report_crashes() {
    let good = b"WM1 V=1234.567 F=12.5 B=3.61 S=OPEN TO=+46731234567".to_vec();
    let mut town = Town::new(&[]);
    for at in 0..good.len() {
        for octet in 0..=127 {
            let mut text = good.clone();
            text[at] = octet;
            let text = String::from_utf8(text).expect("ASCII");
            assert!(town.send(METER, &text).len() <= 1, "{text:?}");
        }
    }
}

#[test]
fn a_clock_that_jumps_back_is_survived() {
    let mut town = Town::new(&[]);
    town.report("10", "5", "OPEN");
    town.0.now.0 = 0;
    town.report("11", "5", "OPEN");
    town.status();
    town.0.now.0 = u64::MAX;
    town.report("99999999.999", "5", "OPEN");
    town.status();
}
