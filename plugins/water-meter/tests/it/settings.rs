//! Bad config is refused by name, at once.

use wasmsc_plugin::Failure;
use water_meter::WaterMeter;

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
        ("confirm_minutes", "1441"),
        ("silent_after_hours", "often"),
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
fn the_check_takes_what_is_good_and_names_what_is_not() {
    let check = |config: &[(&str, &str)]| {
        let mut town = Town::new(config);
        town.0.secrets.insert("token".to_owned(), "s3cret".to_owned());
        town.0.check_config::<WaterMeter>().map_err(|error| error.0)
    };
    assert_eq!(check(&[]), Ok(()));
    assert_eq!(check(&[("report_url", "https://a.example/"), ("report_secret", "token")]), Ok(()));
    for (config, part) in [
        (&[("leak_minutes", "soon")][..], "config leak_minutes = \"soon\" cannot be read"),
        (&[("confirm_minutes", "1441")], "config confirm_minutes = 1441 is not within 0 to 1440"),
        (&[("silent_after_hours", "-1")], "config silent_after_hours"),
        (&[("report_url", "a.example")], "does not begin with https://"),
        (&[("report_secret", "token")], "report_url is not"),
        (&[("report_url", "https://a.example/"), ("report_secret", "other")], "names no secret of this rule"),
        (&[("operator", "me")], "config operator = \"me\" cannot be read"),
    ] {
        assert!(check(config).is_err_and(|error| error.contains(part)), "{part}: {:?}", check(config));
    }
}

#[test]
fn a_bad_owner_list_is_named() {
    let mut town = Town::new(&[("owner.+46731234567", "+46701234567,garden")]);
    let Err(Failure::Reject(why)) = town.try_send("+46731234567", "STATUS") else { panic!("accepted") };
    assert!(why.contains("owner.+46731234567") && why.contains("garden"), "{why}");
}
