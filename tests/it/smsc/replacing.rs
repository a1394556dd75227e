//! replace_sm and replace_if_present_flag (SMPP 3.4 §4.10, §5.2.18).

use wasmsc_smpp::{Body, CommandStatus, RegisteredDelivery, ReplaceSm, Sm, Ton};

use super::peer::{Login, Peer, octets};
use super::site::{NUMBER, Plan, mt, mt_to, read, receipt_words, wishing};

fn replace(id: &str, text: &str) -> ReplaceSm {
    ReplaceSm {
        message_id: octets(id),
        source_addr: octets(NUMBER),
        short_message: octets(text),
        ..ReplaceSm::default()
    }
}

async fn replaced(app: &mut Peer, replace: ReplaceSm) -> CommandStatus {
    app.ask(Body::ReplaceSm(replace)).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_message_gets_another_text_and_receipt_and_keeps_its_id() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    let id = app.submitted(mt("old")).await;
    let mut new = replace(&id, "new");
    new.registered_delivery = RegisteredDelivery(1);
    assert_eq!(replaced(&mut app, new).await, CommandStatus::ESME_ROK);
    let mut sim = site.sim().await;
    assert_eq!(read(&sim.take().await), "new");
    let receipt = app.take().await;
    assert_eq!(receipt_words(&receipt), (id, "DELIVRD".into()));
    assert!(read(&receipt).ends_with("text:new"));
    app.submitted(mt("next")).await;
    assert_eq!(read(&sim.take().await), "next", "the old one is gone");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_a_scheduled_message_can_be_moved_both_ways_and_stays_across_a_restart() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let mut far = mt("far");
    far.schedule_delivery_time = octets("000001000000000R");
    let id = app.submitted(far).await;
    let mut sooner = replace(&id, "sooner");
    sooner.schedule_delivery_time = octets("000000000001000R");
    assert_eq!(replaced(&mut app, sooner).await, CommandStatus::ESME_ROK);
    assert_eq!(read(&sim.take().await), "sooner");
    let mut near = mt("near");
    near.schedule_delivery_time = octets("000000000002000R");
    let id = app.submitted(near).await;
    let mut later = replace(&id, "later");
    later.schedule_delivery_time = octets("000001000000000R");
    assert_eq!(replaced(&mut app, later).await, CommandStatus::ESME_ROK);
    drop((app, sim));
    let site = site.restart().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let mut next = mt("in three");
    next.schedule_delivery_time = octets("000000000003000R");
    app.submitted(next).await;
    assert_eq!(read(&sim.take().await), "in three");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_under_way_foreign_or_nonsense_is_not_replaced() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let mut rival = site.bind(Login::new("rival")).await;
    let id = app.submitted(mt("any")).await;
    let (number, _) = sim.next_sm().await;
    assert_eq!(replaced(&mut app, replace(&id, "x")).await, CommandStatus::ESME_RREPLACEFAIL);
    sim.answer(number, CommandStatus::ESME_ROK, "").await;
    sim.barrier().await;
    assert_eq!(replaced(&mut app, replace(&id, "x")).await, CommandStatus::ESME_RREPLACEFAIL);
    drop(sim);
    let id = app.submitted(mt("still mine")).await;
    assert_eq!(replaced(&mut rival, replace(&id, "x")).await, CommandStatus::ESME_RINVMSGID);
    let mut wrong_sender = replace(&id, "x");
    wrong_sender.source_addr = octets("7002");
    assert_eq!(replaced(&mut app, wrong_sender).await, CommandStatus::ESME_RINVMSGID);
    let mut wrong = replace(&id, "x");
    wrong.schedule_delivery_time = octets("soon");
    assert_eq!(replaced(&mut app, wrong).await, CommandStatus::ESME_RINVSCHED);
    let mut wrong = replace(&id, "x");
    wrong.validity_period = octets("991399999999999+");
    assert_eq!(replaced(&mut app, wrong).await, CommandStatus::ESME_RINVEXPIRY);
    let mut sim = site.sim().await;
    assert_eq!(read(&sim.take().await), "still mine");
    site.end((app, rival, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_new_text_is_in_the_alphabet_of_the_account() {
    for (alphabet, euro_and_at) in [("latin-1", vec![b'a', 0xE5, b'@']), ("utf-8", "a\u{e5}@".into())] {
        let site = Plan::network().app(&format!("default_alphabet = {alphabet:?}")).start().await;
        let mut app = site.app().await;
        let id = app.submitted(mt("old")).await;
        let mut new = replace(&id, "");
        new.short_message = euro_and_at.into();
        assert_eq!(replaced(&mut app, new).await, CommandStatus::ESME_ROK);
        let mut sim = site.sim().await;
        assert_eq!(read(&sim.take().await), "a\u{e5}@", "{alphabet}");
        site.end((app, sim)).await;
    }
}

fn replacing(sm: Sm) -> Sm {
    Sm { replace_if_present_flag: 1, ..sm }
}

#[tokio::test(flavor = "multi_thread")]
async fn replace_if_present_takes_the_place_of_what_waits_with_the_same_addresses_and_service() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    let old = app.submitted(wishing(1, mt("old"))).await;
    app.submitted(mt_to("46700000002", "to another")).await;
    let mut other_service = mt("another service");
    other_service.service_type = octets("VMN");
    app.submitted(other_service).await;
    let mut named = mt("another sender");
    (named.source_addr_ton, named.source_addr) = (Ton::ALPHANUMERIC, octets("ACME"));
    app.submitted(named).await;
    let new = app.submitted(replacing(mt("new"))).await;
    assert_ne!(old, new);
    assert_eq!(receipt_words(&app.take().await), (old, "DELETED".into()));
    app.submitted(replacing(mt("newer"))).await;
    let mut sim = site.sim().await;
    for text in ["to another", "another service", "another sender", "newer"] {
        assert_eq!(read(&sim.take().await), text);
    }
    assert_eq!(app.submit(Sm { replace_if_present_flag: 2, ..mt("x") }).await.0, CommandStatus::ESME_RINVREPFLAG);
    // There is nothing to replace: it is a message like another.
    app.submitted(replacing(mt("alone"))).await;
    assert_eq!(read(&sim.take().await), "alone");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_that_replace_each_other_at_once_only_the_last_goes_out() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    let all = (0..100).map(|n| Body::SubmitSm(replacing(mt(&format!("text {n}")))));
    for number in app.send_all(all).await {
        assert_eq!(app.response(number).await.0, CommandStatus::ESME_ROK);
    }
    app.submitted(mt("marker")).await;
    let mut sim = site.sim().await;
    assert_eq!([read(&sim.take().await), read(&sim.take().await)], ["text 99", "marker"]);
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_refused_replacement_was_for_goes_out_as_it_was() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    // Delivery has seen the queue empty: what comes now waits in memory.
    app.submitted(mt("first")).await;
    assert_eq!(read(&sim.take().await), "first");
    sim.barrier().await;
    sim.unbind().await;
    let mut short = mt("as it was");
    short.validity_period = octets("000000003000000R");
    let id = app.submitted(short).await;
    // After its validity.
    let mut late = replace(&id, "too late");
    late.schedule_delivery_time = octets("000001000000000R");
    assert_eq!(replaced(&mut app, late).await, CommandStatus::ESME_RINVEXPIRY);
    let mut sim = site.sim().await;
    assert_eq!(read(&sim.take().await), "as it was");
    site.end((app, sim)).await;
}
