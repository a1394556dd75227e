//! What of a PDU travels through: TLVs, fields, and what peers of other versions see.

use wasmsc_smpp::{CommandStatus, InterfaceVersion, Sm, Tlv, tlv::tag};

use super::peer::{Login, octets};
use super::site::{Plan, mo, mt, read, receipt_words, tlv, wishing};

const VENDOR: u16 = 0x1401;
/// In no specification, and in no vendor's range.
const UNHEARD_OF: u16 = 0x4FFF;

fn with_tlvs(mut sm: Sm) -> Sm {
    for tag in [VENDOR, UNHEARD_OF, tag::USER_MESSAGE_REFERENCE, VENDOR] {
        sm.tlvs.push(Tlv { tag, value: tag.to_be_bytes().to_vec().into() });
    }
    sm
}

fn tags(sm: &Sm) -> Vec<u16> {
    sm.tlvs.iter().map(|tlv| tlv.tag).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tlvs_travel_as_the_accounts_at_both_ends_allow() {
    let all = vec![VENDOR, UNHEARD_OF, tag::USER_MESSAGE_REFERENCE, VENDOR];
    let standard = vec![UNHEARD_OF, tag::USER_MESSAGE_REFERENCE];
    for (app, sim, expected) in [
        ("all", "all", &all),
        ("standard", "all", &standard),
        ("all", "standard", &standard),
        ("none", "all", &Vec::new()),
        ("all", "none", &Vec::new()),
    ] {
        let plan = Plan::network().app(&format!("relay_tlvs = {app:?}")).sim(&format!("relay_tlvs = {sim:?}"));
        let site = plan.start().await;
        let (mut app, mut sim) = (site.app().await, site.sim().await);
        app.submitted(with_tlvs(mt("down"))).await;
        assert_eq!(tags(&sim.take().await), *expected);
        sim.submitted(with_tlvs(mo("up"))).await;
        assert_eq!(tags(&app.take().await), *expected);
        site.end((app, sim)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_relays_no_tlvs_still_gets_those_of_receipts_and_long_texts() {
    let site = Plan::network().app("relay_tlvs = \"none\"").sim("long_messages = \"sar\"").start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let id = app.submitted(wishing(1, mt(&"x".repeat(300)))).await;
    for number in [1, 2] {
        assert_eq!(sim.take().await.tlvs.octet(tag::SAR_SEGMENT_SEQNUM), Some(number));
    }
    let receipt = app.take().await;
    assert_eq!(tlv(&receipt, tag::RECEIPTED_MESSAGE_ID), Some(format!("{id}\0").into()));
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_normalised_and_only_those_that_know_tlvs_get_any() {
    let site = Plan::network().start().await;
    for (asked, spoken) in [
        (0x00, None),
        (0x31, None),
        (0x33, None),
        (0x34, Some(0x34)),
        (0x35, Some(0x34)),
        (0x50, Some(0x50)),
        (0x51, Some(0x50)),
    ] {
        let mut app = site.bind(Login::new("app").version(asked)).await;
        assert_eq!(app.peer_version(), Some(InterfaceVersion(spoken.unwrap_or(0x33))), "{asked:#x}");
        let mut sim = site.sim().await;
        let id = app.submitted(wishing(1, mt("any"))).await;
        sim.take().await;
        let receipt = app.take().await;
        assert_eq!(receipt_words(&receipt).0, id);
        assert_eq!(receipt.tlvs.is_empty(), spoken.is_none(), "{asked:#x}");
        drop((app, sim));
    }
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_of_5_0_hears_of_congestion_and_others_do_not() {
    let site = Plan::network().start().await;
    for (version, hears) in [(0x50, true), (0x34, false)] {
        let mut app = site.bind(Login::new("app").version(version)).await;
        let (status, body) = app.ask(wasmsc_smpp::Body::SubmitSm(mt("any"))).await;
        assert_eq!(status, CommandStatus::ESME_ROK);
        let load = body.tlvs().and_then(|tlvs| tlvs.octet(tag::CONGESTION_STATE));
        assert_eq!(load.is_some(), hears, "{version:#x}");
        assert!(load.is_none_or(|load| load < 50), "one message is no load: {load:?}");
        drop(app);
    }
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_message_id_tlv_is_the_id_of_the_response_also_when_the_message_comes_again() {
    let site = Plan::network().sim("message_id_tlv = 0x1400").more("[retry]\ntemporary = [0]\n").start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let id = app.submitted(mt("any")).await;
    for _ in 0..2 {
        assert_eq!(tlv(&sim.refuse(CommandStatus::ESME_RSYSERR).await, 0x1400), Some(octets(&id)));
    }
    drop(sim);
    let mut sim = site.sim().await;
    assert_eq!(tlv(&sim.take().await, 0x1400), Some(octets(&id)));
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_almost_64_kib_travels_whole_both_ways() {
    let plan = Plan::network().sim("long_messages = \"payload\"").app("long_messages = \"payload\"");
    let site = plan.start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let text = "0123456789".repeat(6_500);
    app.submitted(mt(&text)).await;
    assert_eq!(read(&sim.take().await), text);
    sim.submitted(mo(&text)).await;
    assert_eq!(read(&app.take().await), text);
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_closed_peers_still_get_their_responses() {
    let site = Plan::network().start().await;
    for _ in 0..20 {
        let mut app = site.app().await;
        let sent: Vec<u32> = {
            let mut sent = Vec::new();
            for n in 0..10 {
                sent.push(app.send(wasmsc_smpp::Body::SubmitSm(mt(&format!("text {n}")))).await);
            }
            sent
        };
        app.shut_write().await;
        for number in sent {
            assert_eq!(app.response(number).await.0, CommandStatus::ESME_ROK);
        }
        app.expect_closed().await;
    }
    site.end(()).await;
}
