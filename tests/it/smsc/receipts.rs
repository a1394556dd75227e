//! Receipts that applications get: for whom, when, and what they say (SMPP 3.4 §5.2.17, Appendix B).

use std::time::Duration;

use wasmsc_smpp::{BindMode, Body, CommandStatus, DataSm, EsmClass, Tlv, tlv::tag};

use super::peer::{Login, octets};
use super::site::{Centre, DEVICE, NUMBER, Plan, mt, read, receipt, receipt_words, tlv, wishing};

const DELIVRD: &str = "DELIVRD";
const UNDELIV: &str = "UNDELIV";

#[tokio::test(flavor = "multi_thread")]
async fn each_registered_delivery_gets_what_it_asks_for() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    let cases = [(0, DELIVRD), (0, UNDELIV), (1, DELIVRD), (1, UNDELIV), (2, DELIVRD), (2, UNDELIV), (3, DELIVRD)];
    for (number, (wish, stat)) in cases.into_iter().chain([(3, UNDELIV), (1, DELIVRD)]).enumerate() {
        let id = app.submitted(wishing(wish, mt("any"))).await;
        let sm = up.take_as(&format!("up{number}")).await;
        assert_eq!(sm.registered_delivery.receipt(), u8::from(wish != 0), "asked of the centre for {wish}");
        // A centre may send one that nobody asked for: it is taken and goes nowhere.
        up.deliver(receipt(&format!("up{number}"), stat)).await;
        let is_wanted = match stat {
            DELIVRD => [1, 3].contains(&wish),
            _ => [1, 2].contains(&wish),
        };
        if is_wanted {
            // Had another one gone out before, it would come here.
            assert_eq!(receipt_words(&app.take().await), (id, stat.to_owned()), "wish {wish}");
        }
    }
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receipt_has_the_standard_layout_and_the_tlvs_and_the_reference_of_the_submitter() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let mut sm = wishing(1, mt("WM1 OPEN and something more than twenty"));
    sm.tlvs.push(Tlv { tag: tag::USER_MESSAGE_REFERENCE, value: vec![0x12, 0x34].into() });
    let id = app.submitted(sm).await;
    sim.take().await;
    let receipt = app.take().await;
    assert_eq!(receipt.esm_class, EsmClass::DELIVERY_RECEIPT);
    assert_eq!((&*receipt.source_addr, &*receipt.destination_addr), (DEVICE.as_bytes(), NUMBER.as_bytes()));
    let text = read(&receipt);
    let dates = text.split("date:").skip(1).map(|rest| &rest[..10]);
    assert!(dates.clone().count() == 2 && dates.clone().all(|date| date.bytes().all(|b| b.is_ascii_digit())));
    let dates: Vec<&str> = dates.collect();
    let (submitted, done) = (dates[0], dates[1]);
    assert_eq!(
        text,
        format!(
            "id:{id} sub:001 dlvrd:001 submit date:{submitted} done date:{done} stat:DELIVRD err:000 \
             text:WM1 OPEN and somethi"
        )
    );
    assert_eq!(tlv(&receipt, tag::RECEIPTED_MESSAGE_ID), Some(format!("{id}\0").into()));
    assert_eq!(tlv(&receipt, tag::MESSAGE_STATE), Some(vec![2].into()));
    assert_eq!(tlv(&receipt, tag::USER_MESSAGE_REFERENCE), Some(vec![0x12, 0x34].into()));
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_the_network_refuses_is_undeliverable_with_its_error() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let id = app.submitted(wishing(2, mt("to nobody"))).await;
    sim.refuse(CommandStatus::ESME_RINVDSTADR).await;
    let receipt = app.take().await;
    assert_eq!(receipt_words(&receipt), (id, UNDELIV.into()));
    assert!(read(&receipt).contains(" dlvrd:000 ") && read(&receipt).contains(" err:011 "), "{}", read(&receipt));
    assert_eq!(tlv(&receipt, tag::MESSAGE_STATE), Some(vec![5].into()));
    assert_eq!(tlv(&receipt, tag::NETWORK_ERROR_CODE), Some(vec![7, 0, 11].into()));
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_nobody_takes_in_its_time_is_expired() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    let mut short = wishing(1, mt("short"));
    short.validity_period = octets("000000000001000R");
    let id = app.submitted(short).await;
    assert_eq!(receipt_words(&app.take().await), (id, "EXPIRED".into()));
    // Nobody gets it any more.
    app.submitted(mt("later")).await;
    assert_eq!(read(&site.sim().await.take().await), "later");
    site.end(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_behind_expired_ones_goes_out_at_once() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "window = 1").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    app.submitted(mt("first")).await;
    let (first, _) = up.next_sm().await;
    for _ in 0..3 {
        let mut short = mt("short");
        short.validity_period = octets("000000000001000R");
        app.submitted(short).await;
    }
    app.submitted(mt("last")).await;
    // Over, and not yet swept away: the link itself finds them so.
    assert_eq!(up.next_within(Duration::from_millis(1_010)).await, None, "the window is full");
    up.answer(first, CommandStatus::ESME_ROK, "1").await;
    assert_eq!(read(&up.take_as("2").await), "last");
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_finds_its_message_after_a_restart() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    let id = app.submitted(wishing(1, mt("before"))).await;
    up.take_as("4711").await;
    up.barrier().await; // the response was read
    drop((app, up));
    let site = site.restart().await;
    let mut up = centre.bound().await;
    up.deliver(receipt("4711", DELIVRD)).await;
    let mut app = site.app().await;
    assert_eq!(receipt_words(&app.take().await), (id, DELIVRD.into()));
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_waits_for_its_application_and_comes_again_when_that_refuses_it() {
    let site = Plan::network().start().await;
    let mut transmitter = site.bind(Login::new("app").mode(BindMode::Transmitter)).await;
    let mut sim = site.sim().await;
    let id = transmitter.submitted(wishing(1, mt("any"))).await;
    sim.take().await;
    transmitter.barrier().await;
    let mut receiver = site.bind(Login::new("app").mode(BindMode::Receiver)).await;
    assert_eq!(receipt_words(&receiver.refuse(CommandStatus::ESME_RX_T_APPN).await).0, id);
    assert_eq!(receipt_words(&receiver.take().await).0, id);
    site.end((transmitter, sim, receiver)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_before_the_response_that_names_its_message_is_kept_for_it_across_a_restart() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    let id = app.submitted(wishing(1, mt("quick"))).await;
    let (number, _) = up.next_sm().await;
    up.deliver(receipt("q1", DELIVRD)).await;
    up.answer(number, CommandStatus::ESME_ROK, "q1").await;
    assert_eq!(receipt_words(&app.take().await), (id, DELIVRD.into()));
    // The link breaks between receipt and response; the centre knows the repeat by its own means.
    let id = app.submitted(wishing(1, mt("quick again"))).await;
    up.next_sm().await;
    up.deliver(receipt("q2", UNDELIV)).await;
    drop((app, up));
    let site = site.restart().await;
    centre.bound().await.take_as("q2").await;
    assert_eq!(receipt_words(&site.app().await.take().await), (id, UNDELIV.into()));
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_receipts_for_one_message_make_one_and_the_first_final_state_stays() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    let id = app.submitted(wishing(1, mt("one"))).await;
    up.take_as("s1").await;
    for stat in ["ENROUTE", "ACCEPTD", DELIVRD, DELIVRD, UNDELIV, "EXPIRED"] {
        up.deliver(receipt("s1", stat)).await;
    }
    assert_eq!(receipt_words(&app.take().await), (id, DELIVRD.into()));
    let id = app.submitted(wishing(1, mt("two"))).await;
    up.take_as("s2").await;
    up.deliver(receipt("s2", DELIVRD)).await;
    assert_eq!(receipt_words(&app.take().await), (id, DELIVRD.into()));
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn intermediate_notifications_are_asked_for_and_passed_on_to_who_wants_them() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    let id = app.submitted(wishing(0x11, mt("any"))).await;
    let sm = up.take_as("i1").await;
    assert!(sm.registered_delivery.wants_intermediate(), "{sm:?}");
    let mut news = receipt("i1", "ENROUTE");
    news.esm_class = EsmClass(0x20);
    up.deliver(news).await;
    let notification = app.take().await;
    assert_eq!(notification.esm_class, EsmClass(0x20));
    assert!(read(&notification).contains(&id) && read(&notification).contains("stat:ENROUTE"));
    up.deliver(receipt("i1", DELIVRD)).await;
    assert_eq!(receipt_words(&app.take().await), (id, DELIVRD.into()));
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_absent_makes_one_intermediate_notification() {
    let site = Plan::network().more("[retry]\nabsent = [0]\n").start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let id = app.submitted(wishing(0x11, mt("any"))).await;
    sim.refuse(CommandStatus::ESME_RDELIVERYFAILURE).await;
    sim.refuse(CommandStatus::ESME_RDELIVERYFAILURE).await;
    sim.take().await;
    assert_eq!(app.take().await.esm_class, EsmClass(0x20));
    assert_eq!(receipt_words(&app.take().await), (id, DELIVRD.into()));
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_for_nothing_and_receipts_without_an_id_are_taken_and_dropped() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    up.deliver(receipt("unheard-of", DELIVRD)).await;
    let mut foreign = receipt("unheard-of", DELIVRD);
    foreign.destination_addr = octets("nobody at all");
    up.deliver(foreign).await;
    let mut empty = receipt("", "");
    empty.short_message = octets("no words that anybody knows");
    up.deliver(empty).await;
    let id = app.submitted(wishing(1, mt("one"))).await;
    up.take_as("1").await;
    up.deliver(receipt("1", DELIVRD)).await;
    assert_eq!(receipt_words(&app.take().await).0, id);
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_in_a_data_sm_counts_and_so_does_one_in_tlvs_only() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    for (number, esm_class) in [("7", 0x04), ("8", 0x00), ("9", 0x44)] {
        let id = app.submitted(wishing(1, mt("any"))).await;
        up.take_as(number).await;
        let from = receipt(number, DELIVRD);
        let mut data = DataSm {
            source_addr_ton: from.source_addr_ton,
            source_addr: from.source_addr,
            destination_addr: from.destination_addr,
            esm_class: EsmClass(esm_class),
            ..DataSm::default()
        };
        // Without the NUL that a C-octet string has.
        data.tlvs.push(Tlv { tag: tag::RECEIPTED_MESSAGE_ID, value: octets(number) });
        data.tlvs.push(Tlv { tag: tag::MESSAGE_STATE, value: vec![2].into() });
        assert_eq!(up.ask(Body::DataSm(data)).await.0, CommandStatus::ESME_ROK, "esm_class {esm_class:#x}");
        assert_eq!(receipt_words(&app.take().await), (id, DELIVRD.into()));
    }
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_account_that_sends_receipts_settles_its_messages_with_them() {
    let site = Plan::network().sim("sends_receipts = true").start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let id = app.submitted(wishing(1, mt("any"))).await;
    let sm = sim.take_as("n1").await;
    assert_eq!(sm.registered_delivery.receipt(), 1);
    assert_eq!(sim.submit(receipt("n1", UNDELIV)).await.0, CommandStatus::ESME_ROK);
    assert_eq!(receipt_words(&app.take().await), (id, UNDELIV.into()));
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_cannot_write_a_receipt() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let id = app.submitted(wishing(1, mt("any"))).await;
    let (number, _) = sim.next_sm().await;
    let mut forged = receipt(&id, DELIVRD);
    forged.esm_class = EsmClass(0);
    sim.submitted(forged).await;
    assert_eq!(app.take().await.esm_class, EsmClass(0), "it is an MO like others");
    sim.answer(number, CommandStatus::ESME_RINVDSTADR, "").await;
    assert_eq!(receipt_words(&app.take().await), (id, UNDELIV.into()));
    site.end((app, sim)).await;
}
