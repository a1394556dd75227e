use proptest::prelude::*;

use super::*;

const NOON: Timestamp = Timestamp(20_000 * DAY_MS + DAY_MS / 2);

fn rate(per_minute: u32, burst: u32) -> Rate {
    Rate { per_minute, burst: Some(burst) }
}

fn address(number: usize) -> Address {
    Address::Msisdn(format!("46{number:09}").into())
}

fn of(device: &Address) -> DeviceOf<'_> {
    DeviceOf { customer: "acme", device, kind: Kind::P2p }
}

/// Sends when it may; yields whether it did.
fn send(usage: &mut Usage, device: &Address, limit: &Limit, now: Timestamp) -> bool {
    let free = limit.rate.is_none_or(|rate| usage.device_free_at(&of(device), rate, now).is_none())
        && limit.per_day.is_none_or(|most| usage.device_today(&of(device), now) < most);
    if free {
        usage.passed(&of(device), limit, now);
    }
    free
}

#[test]
fn six_a_minute_are_six_at_once_and_one_every_ten_seconds() {
    let (mut usage, device) = (Usage::default(), address(1));
    let limit = Limit { rate: Some(rate(6, 6)), per_day: None };
    assert_eq!((0..9).filter(|_| send(&mut usage, &device, &limit, NOON)).count(), 6);
    assert_eq!(usage.device_free_at(&of(&device), rate(6, 6), NOON), Some(NOON.plus_ms(10_000)));
    assert!(!send(&mut usage, &device, &limit, NOON.plus_ms(9_999)));
    assert!(send(&mut usage, &device, &limit, NOON.plus_ms(10_000)));
    assert!(send(&mut usage, &address(2), &limit, NOON), "another device has its own");
    let other_kind = DeviceOf { kind: Kind::Mo, ..of(&device) };
    assert_eq!(usage.device_free_at(&other_kind, rate(6, 6), NOON), None, "and so has each kind");
}

#[test]
fn a_day_ends_at_midnight_utc() {
    let (mut usage, device) = (Usage::default(), address(1));
    let limit = Limit { rate: None, per_day: Some(2) };
    let late = Timestamp(next_day(NOON).0 - 1);
    assert!(send(&mut usage, &device, &limit, NOON) && send(&mut usage, &device, &limit, late));
    assert!(!send(&mut usage, &device, &limit, late));
    assert!(send(&mut usage, &device, &limit, next_day(NOON)));
}

#[test]
fn counts_of_the_day_survive_a_restart_and_end_with_the_day() {
    let (mut usage, device) = (Usage::default(), address(1));
    let limit = Limit { rate: None, per_day: Some(9) };
    usage.passed(&of(&device), &limit, NOON);
    usage.passed_customer("acme", &limit, NOON);
    let rows = usage.changed_rows(usize::MAX, NOON);
    assert_eq!(rows.len(), 2);
    assert_eq!(usage.changed_rows(usize::MAX, NOON), [], "what is written down waits for the next change");
    let text = serde_json::to_string(&rows).expect("serialises");
    let read: Vec<QuotaRow> = serde_json::from_str(&text).expect("reads");
    let mut again = Usage::default();
    again.restore(read.clone(), NOON);
    assert_eq!((again.device_today(&of(&device), NOON), again.customer_today("acme", NOON)), (1, 1));
    assert_eq!(again.devices(), 1);
    let mut tomorrow = Usage::default();
    tomorrow.restore(read, next_day(NOON));
    assert_eq!((tomorrow.devices(), tomorrow.customer_today("acme", next_day(NOON))), (0, 0));
}

#[test]
fn changed_counts_are_written_in_turn_and_those_of_yesterday_not_at_all() {
    let (mut usage, limit) = (Usage::default(), Limit { rate: None, per_day: Some(9) });
    for number in 0..5 {
        usage.passed(&of(&address(number)), &limit, NOON);
        usage.passed(&of(&address(number)), &limit, NOON);
    }
    let first = usage.changed_rows(3, NOON);
    assert_eq!(first.iter().map(|row| row.count).collect::<Vec<_>>(), [2, 2, 2]);
    assert_eq!(usage.changed_rows(3, next_day(NOON)), [], "their day is over");
    usage.passed(&of(&address(0)), &limit, NOON);
    let again = usage.changed_rows(3, NOON);
    assert_eq!(again.iter().map(|row| (row.device.clone(), row.count)).collect::<Vec<_>>(), [(Some(address(0)), 3)]);
}

#[test]
fn what_is_taken_back_can_be_used_again() {
    let (mut usage, device) = (Usage::default(), address(1));
    let limit = Limit { rate: Some(rate(6, 1)), per_day: Some(1) };
    assert!(send(&mut usage, &device, &limit, NOON) && !send(&mut usage, &device, &limit, NOON));
    usage.take_back(&of(&device), &limit, NOON);
    assert!(send(&mut usage, &device, &limit, NOON) && !send(&mut usage, &device, &limit, NOON));
    usage.passed_customer("acme", &limit, NOON);
    usage.take_back_customer("acme", &limit, NOON);
    assert_eq!((usage.customer_today("acme", NOON), usage.customer_free_at("acme", rate(6, 1), NOON)), (0, None));
}

#[test]
fn a_clock_set_back_gives_a_new_bucket_and_stops_nobody() {
    let (mut usage, device) = (Usage::default(), address(1));
    let limit = Limit { rate: Some(rate(60, 3)), per_day: None };
    assert!(send(&mut usage, &device, &limit, NOON));
    let earlier = Timestamp(NOON.0 - 3_600_000);
    assert_eq!((0..9).filter(|_| send(&mut usage, &device, &limit, earlier)).count(), 3);
}

#[test]
fn devices_are_forgotten_when_their_burst_is_back() {
    let mut usage = Usage::default();
    let limit = Limit { rate: Some(rate(60, 1)), per_day: None };
    for number in 0..100_000u64 {
        let now = NOON.plus_ms(number);
        assert!(send(&mut usage, &address(number as usize), &limit, now));
    }
    assert!(usage.devices() < 5_000, "{} devices, of which 1000 sent within the last second", usage.devices());
}

#[test]
fn what_counts_today_is_not_forgotten_among_many() {
    let (mut usage, device) = (Usage::default(), address(0));
    usage.passed(&of(&device), &Limit { rate: None, per_day: Some(9) }, NOON);
    let limit = Limit { rate: Some(rate(60, 1)), per_day: None };
    for number in 1..5_000u64 {
        usage.passed(&of(&address(number as usize)), &limit, NOON.plus_ms(number * 10));
    }
    assert!(usage.devices() < 4_000, "others were forgotten");
    assert_eq!(usage.device_today(&of(&device), NOON.plus_ms(60_000)), 1);
}

#[test]
fn a_rate_that_is_no_whole_number_of_microseconds_is_rounded_down() {
    let (mut usage, device) = (Usage::default(), address(1));
    let limit = Limit { rate: Some(rate(40_000_000, 1_000)), per_day: None };
    assert_eq!((0..1_100).filter(|_| send(&mut usage, &device, &limit, NOON)).count(), 1_000);
    let next = (0..1_100).filter(|_| send(&mut usage, &device, &limit, NOON.plus_ms(1))).count();
    assert!(next <= 666, "{next} in a millisecond");
}

#[test]
fn nothing_is_kept_where_there_is_no_limit() {
    let mut usage = Usage::default();
    usage.passed(&of(&address(1)), &Limit::default(), NOON);
    usage.passed_customer("acme", &Limit::default(), NOON);
    assert!(usage.customers.is_empty());
}

#[test]
fn a_full_table_refuses_devices_with_a_limit_until_others_are_forgotten() {
    let (mut usage, limit) = (Usage::default(), Limit { rate: Some(rate(60, 1)), per_day: None });
    for number in 0..DEVICES_MAX {
        usage.passed(&of(&address(number)), &limit, NOON);
    }
    assert_eq!(usage.devices(), DEVICES_MAX);
    let one_more = address(DEVICES_MAX);
    assert!(!send(&mut usage, &one_more, &limit, NOON));
    usage.passed(&of(&one_more), &limit, NOON);
    assert_eq!(usage.devices(), DEVICES_MAX, "nor may it be counted by mistake");
    usage.make_room(NOON.plus_ms(2_000));
    assert!(send(&mut usage, &one_more, &limit, NOON.plus_ms(2_000)));
    assert_eq!(usage.devices(), 1);
}

proptest! {
    /// In any stretch of time: no more than the burst, and the rate for as long as it is.
    #[test]
    fn never_more_than_burst_and_rate_times_time(
        per_minute in 1u32..1_000,
        burst in 1u32..20,
        pauses in proptest::collection::vec(0u64..5_000, 1..200),
    ) {
        let (mut usage, device) = (Usage::default(), address(1));
        let limit = Limit { rate: Some(rate(per_minute, burst)), per_day: None };
        let (mut now, mut sent): (_, Vec<u64>) = (NOON, Vec::new());
        for pause in pauses {
            now = now.plus_ms(pause);
            if send(&mut usage, &device, &limit, now) {
                sent.push(now.0);
            }
        }
        for (first, from) in sent.iter().enumerate() {
            for (last, to) in sent.iter().enumerate().skip(first) {
                let most = f64::from(burst) + f64::from(per_minute) * (to - from) as f64 / 60_000.0;
                prop_assert!((last - first + 1) as f64 <= most + 1e-6);
            }
        }
    }

    /// And never less: who waits until it is told may send.
    #[test]
    fn at_the_time_that_is_told_a_message_passes(per_minute in 1u32..5_000, burst in 1u32..9, count in 1usize..40) {
        let (mut usage, device) = (Usage::default(), address(1));
        let limit = Limit { rate: Some(rate(per_minute, burst)), per_day: None };
        let mut now = NOON;
        for _ in 0..count {
            now = usage.device_free_at(&of(&device), rate(per_minute, burst), now).unwrap_or(now);
            prop_assert!(send(&mut usage, &device, &limit, now));
        }
    }
}
