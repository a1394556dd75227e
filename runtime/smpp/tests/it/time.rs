//! Times as SMPP 3.4 §7.1.1 writes them, and as peers do.

use proptest::prelude::*;
use wasmsc_smpp::time::{InvalidTime, SmppTime, format_absolute, format_relative, parse};

/// 2020-01-01T00:00:00Z.
const Y2020: u64 = 1_577_836_800_000;
const DAY: u64 = 86_400_000;

fn absolute(text: &str) -> u64 {
    match parse(text.as_bytes()) {
        Ok(Some(SmppTime::Absolute { unix_ms })) => unix_ms,
        other => panic!("{text}: {other:?}"),
    }
}

fn relative(text: &str) -> u64 {
    match parse(text.as_bytes()) {
        Ok(Some(SmppTime::Relative { ms })) => ms,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn absolute_time_is_an_instant_with_tenths() {
    assert_eq!(absolute("200101000000000+"), Y2020);
    assert_eq!(absolute("200101000001700+"), Y2020 + 1_700);
    assert_eq!(absolute("000101000000000+"), 946_684_800_000);
    assert_eq!(absolute("991231235959900+"), 4_102_444_799_900);
    // `date -u -d 2018-07-11T07:00:03` and three hours ahead of UTC.
    assert_eq!(absolute("180711070003912+"), (1_531_292_403 - 3 * 3600) * 1000 + 900);
}

#[test]
fn quarter_hours_ahead_of_utc_are_subtracted_and_behind_added() {
    assert_eq!(absolute("200101000000004+"), Y2020 - 3_600_000);
    assert_eq!(absolute("200101000000004-"), Y2020 + 3_600_000);
    // Nepal, 5:45 ahead; and the furthest that §7.1.1.1 allows.
    assert_eq!(absolute("200101054500023+"), Y2020);
    assert_eq!(absolute("200101120000048+"), Y2020);
    assert_eq!(parse(b"200101120000049+"), Err(InvalidTime));
}

#[test]
fn leap_days_are_where_the_calendar_has_them() {
    assert_eq!(absolute("200229000000000+"), Y2020 + 59 * DAY);
    assert_eq!(absolute("200301000000000+"), Y2020 + 60 * DAY);
    assert_eq!(absolute("210301000000000+"), Y2020 + (366 + 59) * DAY);
    assert_eq!(absolute("000229000000000+"), 951_782_400_000); // 2000 is a leap year
    for none in ["210229000000000+", "200230000000000+", "200431000000000+", "201301000000000+", "200100000000000+"] {
        assert_eq!(parse(none.as_bytes()), Err(InvalidTime), "{none}");
    }
}

#[test]
fn relative_time_counts_months_of_30_and_years_of_365_days() {
    assert_eq!(relative("000001000000000R"), DAY);
    assert_eq!(relative("000000000500000R"), 300_000);
    assert_eq!(relative("020610233429000R"), (2 * 365 + 6 * 30 + 10) * DAY + (23 * 3600 + 34 * 60 + 29) * 1000);
    assert_eq!(relative("000000990000000R"), 99 * 3_600_000, "not a time of day");
    assert_eq!(relative("000000000000000R"), 0);
    // Tenths and quarter hours have no meaning here (§7.1.1.2).
    assert_eq!(relative("000001000000999R"), DAY);
    assert_eq!(relative("000001000000000r"), DAY);
}

#[test]
fn what_peers_leave_out_or_add_does_not_matter() {
    for same in ["200101000000", "2001010000000", "200101000000000", "200101000000+", "200101000000000+\0"] {
        assert_eq!(absolute(same), Y2020, "{same:?}");
    }
    assert_eq!(relative("000001000000R"), DAY);
    assert_eq!(absolute("200101000000004"), Y2020 - 3_600_000, "without a sign the quarters are ahead");
}

#[test]
fn nothing_is_no_time_and_no_error() {
    for nothing in ["", "\0", "000000000000", "000000000000000+", "0000000000000000"] {
        assert_eq!(parse(nothing.as_bytes()), Ok(None), "{nothing:?}");
    }
}

#[test]
fn nonsense_is_refused() {
    let rows = [
        "1",
        "0",
        "tomorrow",
        "20010100000",
        "200101240000",
        "200101006000",
        "200101000060",
        "R",
        "+",
        "\0\0",
        "200101000000000*",
        "20010100000 000+",
        "-00101000000000+",
        "00000100000000RR",
    ];
    for row in rows {
        assert_eq!(parse(row.as_bytes()), Err(InvalidTime), "{row:?}");
    }
}

#[test]
fn relative_time_counts_from_now() {
    assert_eq!(SmppTime::Relative { ms: 5 }.at_ms(Y2020), Y2020 + 5);
    assert_eq!(SmppTime::Relative { ms: 5 }.at_ms(u64::MAX), u64::MAX);
    assert_eq!(SmppTime::Absolute { unix_ms: 5 }.at_ms(Y2020), 5);
}

#[test]
fn written_times_are_sixteen_octets_in_utc() {
    assert_eq!(&format_absolute(Y2020 + 59 * DAY + 1_999), b"200229000001000+");
    assert_eq!(&format_absolute(0), b"000101000000000+", "before 2000");
    assert_eq!(&format_absolute(u64::MAX), b"991231235959000+", "after 2099");
    assert_eq!(&format_relative(0), b"000000000000000R");
    assert_eq!(&format_relative(1), b"000000000001000R", "never none for some");
    assert_eq!(&format_relative(400 * DAY + 3_661_000), b"010105010101000R");
    assert_eq!(&format_relative(u64::MAX), b"991204235959000R");
}

proptest! {
    #[test]
    fn every_second_that_can_be_said_survives(second in 946_684_800u64..=4_102_444_799) {
        let unix_ms = second * 1000;
        let read = parse(&format_absolute(unix_ms));
        // Only the zeros mean nothing, and no instant is written so.
        prop_assert_eq!(read, Ok(Some(SmppTime::Absolute { unix_ms })));
    }

    #[test]
    fn every_duration_survives_to_the_second(second in 0u64..99 * 365 * 86_400) {
        let ms = second * 1000;
        prop_assert_eq!(parse(&format_relative(ms)), Ok(Some(SmppTime::Relative { ms })));
    }

    #[test]
    fn arbitrary_octets_never_panic(octets in prop::collection::vec(any::<u8>(), 0..20), digits in "[0-9]{12,16}[-+R]?") {
        let _ = parse(&octets);
        let _ = parse(digits.as_bytes());
    }
}
