//! Bad config is refused by name, at once.

use wasmsc_plugin::Failure;

use crate::{METER, Town};

#[test]
fn a_bad_setting_rejects_the_first_report_and_is_named_with_its_value() {
    for (key, value) in [
        ("leak_minutes", "soon"),
        ("leak_minutes", "-5"),
        ("daily_allowance_litres", "-1"),
        ("daily_allowance_litres", "99999999999"),
        ("throttle_percent", "101"),
        ("throttle_litres_per_hour", "0"),
        ("resend_minutes", "15m"),
        ("day_starts_minutes_utc", "1440"),
        ("battery_low_volts", "NaN"),
        ("battery_low_volts", "-3.3"),
        ("operator", "me"),
        ("acknowledge_reports", "yes"),
    ] {
        let mut town = Town::new(&[(key, value)]);
        let Err(Failure::Reject(why)) = town.try_send(METER, "WM1 V=1 F=0 B=3.6 S=OPEN") else {
            panic!("{key} = {value} was accepted")
        };
        assert!(why.contains(key) && why.contains(value), "{why}");
        assert!(town.status().contains("Nothing known"));
    }
}

#[test]
fn a_bad_owner_list_is_named() {
    let mut town = Town::new(&[("owner.+46731234567", "+46701234567,garden")]);
    let Err(Failure::Reject(why)) = town.try_send("+46731234567", "STATUS") else { panic!("accepted") };
    assert!(why.contains("owner.+46731234567") && why.contains("garden"), "{why}");
}
