//! Long messages of devices: parts in any order, twice, on several binds, across a restart, or never.

use bytes::Bytes;
use wasmsc_smpp::{Body, CommandStatus, EsmClass, Sm, Tlv, tlv::tag};

use super::peer::octets;
use super::site::{Centre, Plan, mo, read, tlv};

/// How a part says which it is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Udh8,
    Udh16,
    Sar,
}

const ALL: [By; 3] = [By::Udh8, By::Udh16, By::Sar];

fn part(by: By, reference: u8, total: u8, number: u8, text: &str) -> Sm {
    let mut sm = mo(text);
    let header: &[u8] = match by {
        By::Udh8 => &[5, 0, 3, reference, total, number],
        By::Udh16 => &[6, 8, 4, 0xAB, reference, total, number],
        By::Sar => &[],
    };
    if by == By::Sar {
        sm.tlvs.push(Tlv { tag: tag::SAR_MSG_REF_NUM, value: vec![0xAB, reference].into() });
        sm.tlvs.push(Tlv { tag: tag::SAR_TOTAL_SEGMENTS, value: vec![total].into() });
        sm.tlvs.push(Tlv { tag: tag::SAR_SEGMENT_SEQNUM, value: vec![number].into() });
    } else {
        sm.esm_class = EsmClass::UDHI;
    }
    sm.short_message = [header, &sm.short_message].concat().into();
    sm
}

fn letters(letter: char) -> String {
    letter.to_string().repeat(120)
}

fn whole() -> String {
    ['a', 'b', 'c'].map(letters).concat()
}

fn joining() -> Plan {
    Plan::network().app("join_segments = true").acme("join_timeout_secs = 1800")
}

fn assert_whole(sm: &Sm) {
    assert_eq!(read(sm), whole());
    assert_eq!((sm.esm_class, &*sm.short_message), (EsmClass(0), &b""[..]), "it is in message_payload");
    assert_eq!(tlv(sm, tag::SAR_TOTAL_SEGMENTS), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_in_any_order_and_twice_on_two_binds_become_one_message() {
    let site = joining().start().await;
    let (mut app, mut one, mut other) = (site.app().await, site.sim().await, site.sim().await);
    let orders = [[1, 2, 3], [3, 2, 1], [2, 3, 1]];
    for (reference, (by, order)) in (1u8..).zip(ALL.into_iter().flat_map(|by| orders.map(|order| (by, order)))) {
        for number in order {
            let sm = || part(by, reference, 3, number, &letters(char::from(b'a' + number - 1)));
            one.submitted(sm()).await;
            other.submitted(sm()).await;
        }
        assert_whole(&app.take().await);
        // A repeat of the whole is a repeat still.
        one.submitted(part(by, reference, 3, 3, &letters('c'))).await;
    }
    one.submitted(mo("short")).await;
    assert_eq!(read(&app.take().await), "short");
    site.end((app, one, other)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_came_by_deliver_sm_from_a_centre_are_joined_too() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").app("join_segments = true").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    for (number, letter) in [(2, 'b'), (1, 'a'), (3, 'c')] {
        up.deliver(part(By::Udh8, 9, 3, number, &letters(letter))).await;
    }
    assert_whole(&app.take().await);
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_before_a_restart_are_there_after_it() {
    let site = joining().start().await;
    let mut sim = site.sim().await;
    sim.submitted(part(By::Udh16, 5, 3, 3, &letters('c'))).await;
    sim.submitted(part(By::Udh16, 5, 3, 1, &letters('a'))).await;
    drop(sim);
    let site = site.restart().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    sim.submitted(part(By::Udh16, 5, 3, 1, &letters('a'))).await;
    sim.submitted(part(By::Udh16, 5, 3, 2, &letters('b'))).await;
    assert_whole(&app.take().await);
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_part_again_after_a_restart_makes_no_message_of_its_own() {
    let site = joining().acme("\nincomplete = \"deliver\"").start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    for (number, letter) in [(1, 'a'), (2, 'b'), (3, 'c')] {
        sim.submitted(part(By::Udh8, 5, 3, number, &letters(letter))).await;
    }
    assert_whole(&app.take().await);
    app.barrier().await;
    drop((app, sim));
    let shorter = |premises: &mut crate::support::premises::Premises| {
        premises.tables = premises.tables.replace("join_timeout_secs = 1800", "join_timeout_secs = 1");
    };
    let site = site.restart_with(shorter).await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    // Its response was lost with the link.
    sim.submitted(part(By::Udh8, 5, 3, 3, &letters('c'))).await;
    // The time of another incomplete one is over later.
    sim.submitted(part(By::Udh8, 6, 2, 1, "half")).await;
    assert_eq!(read(&app.take().await), "half");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_message_with_the_same_reference_is_not_taken_for_a_repeat() {
    let site = joining().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    for text in ["one", "two", "six"] {
        for number in 1..=2 {
            sim.submitted(part(By::Udh8, 0, 2, number, &format!("{text}{number}"))).await;
        }
        assert_eq!(read(&app.take().await), format!("{text}1{text}2"));
    }
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_with_the_same_reference_are_not_mixed() {
    let site = joining().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let of = |device: &str, number, text| Sm { source_addr: octets(device), ..part(By::Udh8, 1, 2, number, text) };
    sim.submitted(of("46700000001", 1, "a1")).await;
    sim.submitted(of("46700000002", 2, "b2")).await;
    sim.submitted(of("46700000002", 1, "b1")).await;
    assert_eq!(read(&app.take().await), "b1b2");
    sim.submitted(of("46700000001", 2, "a2")).await;
    assert_eq!(read(&app.take().await), "a1a2");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_a_device_cut_between_parts_is_whole_again() {
    let site = joining().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let units: Vec<u8> = "ab😀cd".encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (number, octets) in [(1, &units[..6]), (2, &units[6..])] {
        let mut sm = part(By::Udh8, 1, 2, number, "");
        sm.data_coding = wasmsc_smpp::DataCoding::UCS_2;
        sm.short_message = [&sm.short_message, octets].concat().into();
        sim.submitted(sm).await;
    }
    assert_eq!(read(&app.take().await), "ab😀cd");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_join_gets_parts_as_they_came() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    for by in ALL {
        for number in [2, 1, 2] {
            let sent = part(by, 7, 2, number, &letters('x'));
            sim.submitted(sent.clone()).await;
            let got = app.take().await;
            assert_eq!((&got.short_message, got.esm_class), (&sent.short_message, sent.esm_class), "{by:?}");
            for tag in [tag::SAR_MSG_REF_NUM, tag::SAR_TOTAL_SEGMENTS, tag::SAR_SEGMENT_SEQNUM] {
                assert_eq!(tlv(&got, tag), tlv(&sent, tag), "{by:?}");
            }
        }
    }
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_message_is_delivered_as_far_as_it_came() {
    let plan = Plan::network().app("join_segments = true");
    let site = plan.acme("join_timeout_secs = 1\nincomplete = \"deliver\"").start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    sim.submitted(part(By::Udh8, 1, 3, 3, "end")).await;
    sim.submitted(part(By::Udh8, 1, 3, 1, "begin ")).await;
    assert_eq!(read(&app.take().await), "begin end");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_message_is_discarded_and_its_reference_is_free_again() {
    let plan = Plan::network().app("join_segments = true");
    let site = plan.acme("join_timeout_secs = 1\nincomplete = \"discard\"").start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    sim.submitted(part(By::Udh8, 1, 2, 1, "old ")).await;
    let nothing = app.next_within(std::time::Duration::from_millis(2_500)).await;
    assert_eq!(nothing, None);
    sim.submitted(part(By::Udh8, 1, 2, 2, "end")).await;
    sim.submitted(part(By::Udh8, 1, 2, 1, "new ")).await;
    assert_eq!(read(&app.take().await), "new end");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_make_no_sense_are_messages_of_their_own_and_a_header_that_lies_is_refused() {
    let site = joining().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    for (total, number) in [(0, 0), (0, 1), (3, 0), (3, 4), (1, 1)] {
        for by in ALL {
            let text = format!("{total} {number}");
            sim.submitted(part(by, 1, total, number, &text)).await;
            assert_eq!(read(&app.take().await), text, "{by:?}");
        }
    }
    let mut lying = mo("");
    lying.esm_class = EsmClass::UDHI;
    for header in [&[200, 0, 3, 1, 2, 1][..], &[], &[5, 0, 9, 1, 2, 1]] {
        lying.short_message = Bytes::copy_from_slice(header);
        let (status, _) = sim.ask(Body::SubmitSm(lying.clone())).await;
        if status.is_ok() {
            app.take().await; // an element that lies within a header that does not
        } else {
            assert_eq!(status, CommandStatus::ESME_RINVESMCLASS, "{header:?}");
        }
    }
    sim.submitted(mo("alive")).await;
    assert_eq!(read(&app.take().await), "alive");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn told_twice_which_part_it_is_the_header_counts() {
    let site = joining().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    for number in [1, 2] {
        let mut sm = part(By::Udh8, 3, 2, number, &format!("part{number}"));
        sm.tlvs = part(By::Sar, 9, 5, 5, "").tlvs;
        sim.submitted(sm).await;
    }
    let sm = app.take().await;
    assert_eq!((read(&sm), tlv(&sm, tag::SAR_TOTAL_SEGMENTS)), ("part1part2".into(), None));
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_255_parts_of_the_longest_message_are_joined() {
    let site = joining().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    for number in (1..=255).rev() {
        sim.submitted(part(By::Udh8, 3, 255, number, &format!("{number:03} "))).await;
    }
    let expected: String = (1..=255).map(|number| format!("{number:03} ")).collect();
    assert_eq!(read(&app.take().await), expected);
    site.end((app, sim)).await;
}
