//! query_sm, cancel_sm, submit_multi, data_sm and what is not offered (SMPP 3.4 §4.5 to §4.9).

use wasmsc_smpp::receipt::MessageState;
use wasmsc_smpp::{
    BindMode, Body, BroadcastSm, CancelBroadcastSm, CancelSm, CommandStatus, DataSm, Destination, Npi,
    QueryBroadcastSm, QuerySm, QuerySmResp, SubmitMulti, Tlv, Ton, tlv::tag,
};

use super::peer::{Login, Peer, octets, sm_resp};
use super::site::{Centre, DEVICE, NUMBER, Plan, mt, mt_to, read, receipt_words, wishing};

const ESME_ROK: CommandStatus = CommandStatus::ESME_ROK;

async fn query(app: &mut Peer, id: &str) -> (CommandStatus, QuerySmResp) {
    let query = QuerySm { message_id: octets(id), source_addr: octets(NUMBER), ..QuerySm::default() };
    match app.ask(Body::QuerySm(query)).await {
        (status, Body::QuerySmResp(resp)) => (status, resp),
        other => panic!("{other:?}"),
    }
}

async fn state(app: &mut Peer, id: &str) -> MessageState {
    let (status, resp) = query(app, id).await;
    assert_eq!((status, &*resp.message_id), (ESME_ROK, id.as_bytes()));
    MessageState::from_octet(resp.message_state).expect("a state of the specification")
}

fn cancel(id: &str) -> CancelSm {
    CancelSm {
        message_id: octets(id),
        source_addr: octets(NUMBER),
        dest_addr_ton: Ton::INTERNATIONAL,
        destination_addr: octets(DEVICE),
        ..CancelSm::default()
    }
}

async fn cancelled(app: &mut Peer, cancel: CancelSm) -> CommandStatus {
    app.ask(Body::CancelSm(cancel)).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn query_tells_every_state_from_scheduled_to_the_end_and_the_error_with_it() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    let mut later = mt("later");
    later.schedule_delivery_time = octets("000001000000000R");
    let later = app.submitted(later).await;
    // SCHEDULED is a state of SMPP 5.0 (§4.7.15).
    assert_eq!(state(&mut app, &later).await, MessageState::Enroute, "3.4 has no other state for it");
    let mut newer = site.bind(Login::new("app").version(0x50).mode(BindMode::Transmitter)).await;
    assert_eq!(state(&mut newer, &later).await, MessageState::Scheduled);
    let id = app.submitted(mt("now")).await;
    assert_eq!(state(&mut app, &id.to_uppercase()).await, MessageState::Enroute);
    assert_eq!(query(&mut app, &id).await.1.final_date, octets(""));
    let mut sim = site.sim().await;
    sim.take().await;
    sim.barrier().await;
    assert_eq!(state(&mut app, &id).await, MessageState::Delivered);
    let (_, resp) = query(&mut app, &id).await;
    assert_eq!((resp.final_date.len(), resp.final_date.last(), resp.error_code), (16, Some(&b'+'), 0));
    let wrong = app.submitted(wishing(1, mt("wrong"))).await;
    sim.refuse(CommandStatus::ESME_RINVDSTADR).await;
    app.take().await;
    assert_eq!(state(&mut app, &wrong).await, MessageState::Undeliverable);
    assert_eq!(query(&mut app, &wrong).await.1.error_code, 0x0B);
    site.end((app, newer, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_others_and_of_nobody_do_not_exist() {
    let site = Plan::network().start().await;
    let (mut app, mut rival) = (site.app().await, site.bind(Login::new("rival")).await);
    let id = app.submitted(mt("mine")).await;
    for id in [&*id, "", "0", "0000000000000000", "zzzzzzzzzzzzzzzz", &"1".repeat(200)] {
        assert_eq!(query(&mut rival, id).await.0, CommandStatus::ESME_RINVMSGID, "{id}");
    }
    let mut theirs = cancel(&id);
    (theirs.source_addr, theirs.destination_addr) = (octets(""), octets(""));
    assert_eq!(cancelled(&mut rival, theirs).await, CommandStatus::ESME_RINVMSGID);
    assert_eq!(cancelled(&mut rival, cancel("")).await, CommandStatus::ESME_RINVMSGID);
    // Of the right one, but with the wrong sender.
    let wrong = QuerySm { message_id: octets(&id), source_addr: octets("ACME"), ..QuerySm::default() };
    assert_eq!(app.ask(Body::QuerySm(wrong)).await.0, CommandStatus::ESME_RINVMSGID);
    assert_eq!(state(&mut app, &id).await, MessageState::Enroute);
    assert_eq!(read(&site.sim().await.take().await), "mine");
    site.end((app, rival)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cancelled_by_id_is_deleted_and_its_receipt_says_so() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    let id = app.submitted(wishing(1, mt("not any more"))).await;
    assert_eq!(cancelled(&mut app, cancel(&id)).await, ESME_ROK);
    assert_eq!(receipt_words(&app.take().await), (id.clone(), "DELETED".into()));
    assert_eq!(state(&mut app, &id).await, MessageState::Deleted);
    assert_eq!(cancelled(&mut app, cancel(&id)).await, CommandStatus::ESME_RCANCELFAIL);
    app.submitted(mt("next")).await;
    let mut sim = site.sim().await;
    assert_eq!(read(&sim.take().await), "next");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_by_addresses_takes_all_with_them_and_no_other() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    for n in 0..3 {
        app.submitted(mt(&format!("text {n}"))).await;
    }
    let mut service = mt("of a service");
    service.service_type = octets("VMN");
    app.submitted(service).await;
    app.submitted(mt_to("46700000002", "to another")).await;
    let mut named = mt("from a name");
    (named.source_addr_ton, named.source_addr) = (Ton::ALPHANUMERIC, octets("ACME"));
    app.submitted(named).await;
    let mut of_service = cancel("");
    of_service.service_type = octets("VMN");
    assert_eq!(cancelled(&mut app, of_service.clone()).await, ESME_ROK);
    assert_eq!(cancelled(&mut app, of_service).await, CommandStatus::ESME_RINVMSGID);
    assert_eq!(cancelled(&mut app, cancel("")).await, ESME_ROK);
    let mut sim = site.sim().await;
    assert_eq!([read(&sim.take().await), read(&sim.take().await)], ["to another", "from a name"]);
    app.submitted(mt("last")).await;
    assert_eq!(read(&sim.take().await), "last");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_or_over_cannot_be_cancelled() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let id = app.submitted(mt("any")).await;
    let (number, _) = sim.next_sm().await;
    assert_eq!(cancelled(&mut app, cancel(&id)).await, CommandStatus::ESME_RCANCELFAIL);
    sim.answer(number, ESME_ROK, "").await;
    sim.barrier().await;
    assert_eq!(cancelled(&mut app, cancel(&id)).await, CommandStatus::ESME_RCANCELFAIL);
    assert_eq!(state(&mut app, &id).await, MessageState::Delivered);
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_message_can_be_cancelled_after_a_restart() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    let mut sm = mt("in two seconds");
    sm.schedule_delivery_time = octets("000000000002000R");
    let id = app.submitted(sm).await;
    drop(app);
    let site = site.restart().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    assert_eq!(cancelled(&mut app, cancel(&id)).await, ESME_ROK);
    let mut sm = mt("in three");
    sm.schedule_delivery_time = octets("000000000003000R");
    app.submitted(sm).await;
    assert_eq!(read(&sim.take().await), "in three");
    site.end((app, sim)).await;
}

fn address(digits: &str) -> Destination {
    Destination::Address { ton: Ton::INTERNATIONAL, npi: Npi::ISDN, address: octets(digits) }
}

fn multi(dest_addresses: Vec<Destination>) -> SubmitMulti {
    SubmitMulti {
        source_addr: octets(NUMBER),
        dest_addresses,
        short_message: octets("to many"),
        ..SubmitMulti::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn submit_multi_reaches_the_good_and_names_the_bad() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let list = Destination::DistributionList(octets("friends"));
    let bad = ["46730000001", "12"].map(address);
    let mut all = vec![bad[0].clone(), address("46700000001"), list, address("46700000002"), bad[1].clone()];
    all.push(address("46700000003"));
    let mut sm = multi(all);
    sm.registered_delivery = wasmsc_smpp::RegisteredDelivery(1);
    let (status, body) = app.ask(Body::SubmitMulti(sm)).await;
    let Body::SubmitMultiResp(resp) = body else { panic!("{body:?}") };
    assert_eq!(status, ESME_ROK);
    let mut refused: Vec<_> = resp.unsuccess.iter().map(|u| (&*u.address, u.error_status_code)).collect();
    refused.sort_unstable_by_key(|(address, _)| *address);
    let expected = [
        (&b"12"[..], CommandStatus::ESME_RINVDSTADR),
        (b"46730000001", CommandStatus::ESME_RINVDSTADR),
        (b"friends", CommandStatus::ESME_RINVDLNAME),
    ];
    assert_eq!(refused, expected);
    let id = String::from_utf8(resp.message_id.to_vec()).expect("ASCII");
    let mut reached = Vec::new();
    for _ in 0..3 {
        reached.push(sim.take().await.destination_addr);
    }
    reached.sort();
    assert_eq!(reached, ["46700000001", "46700000002", "46700000003"].map(octets));
    let mut told = Vec::new();
    for _ in 0..3 {
        let receipt = app.take().await;
        assert_eq!(receipt_words(&receipt), (id.clone(), "DELIVRD".into()), "all go by the id of the response");
        told.push(receipt.source_addr);
    }
    told.sort();
    assert_eq!(told, reached);
    assert_eq!(state(&mut app, &id).await, MessageState::Delivered);
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn submit_multi_to_nobody_or_to_none_that_is_good_is_refused() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    let (status, _) = app.ask(Body::SubmitMulti(multi(Vec::new()))).await;
    assert_eq!(status, CommandStatus::ESME_RINVNUMDESTS);
    let (status, body) = app.ask(Body::SubmitMulti(multi(vec![address("46730000001")]))).await;
    assert_eq!(status, CommandStatus::ESME_RSUBMITFAIL);
    let Body::SubmitMultiResp(resp) = body else { panic!("{body:?}") };
    assert_eq!(resp.unsuccess.len(), 1);
    site.end(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn submit_multi_to_255_reaches_each_once() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let all: Vec<String> = (0..255).map(|n| format!("467000{n:05}")).collect();
    let (status, id) = sm_resp(app.ask(Body::SubmitMulti(multi(all.iter().map(|a| address(a)).collect()))).await);
    assert_eq!((status, id.len()), (ESME_ROK, 16));
    let mut reached = Vec::new();
    for _ in 0..255 {
        reached.push(String::from_utf8(sim.take().await.destination_addr.to_vec()).expect("digits"));
    }
    reached.sort();
    assert_eq!(reached, all);
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn data_sm_is_a_message_like_another() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let mut data = DataSm {
        source_addr: octets(NUMBER),
        dest_addr_ton: Ton::INTERNATIONAL,
        destination_addr: octets(DEVICE),
        registered_delivery: wasmsc_smpp::RegisteredDelivery(1),
        ..DataSm::default()
    };
    data.tlvs.push(Tlv { tag: tag::MESSAGE_PAYLOAD, value: octets("by data sm") });
    let (status, id) = sm_resp(app.ask(Body::DataSm(data)).await);
    assert_eq!(status, ESME_ROK);
    let sm = sim.take().await;
    assert_eq!((read(&sm), &*sm.short_message), ("by data sm".into(), &b"by data sm"[..]));
    assert_eq!(receipt_words(&app.take().await), (id, "DELIVRD".into()));
    site.end((app, sim)).await;
}

fn data_to_live(secs: u32) -> Body {
    let mut data = DataSm {
        source_addr: octets(NUMBER),
        dest_addr_ton: Ton::INTERNATIONAL,
        destination_addr: octets(DEVICE),
        registered_delivery: wasmsc_smpp::RegisteredDelivery(1),
        ..DataSm::default()
    };
    for (tag, value) in [
        (tag::MESSAGE_PAYLOAD, octets(&format!("{secs} s"))),
        (tag::QOS_TIME_TO_LIVE, secs.to_be_bytes().to_vec().into()),
        (tag::MS_VALIDITY, vec![3].into()),
    ] {
        data.tlvs.push(Tlv { tag, value });
    }
    Body::DataSm(data)
}

#[tokio::test(flavor = "multi_thread")]
async fn data_sm_lives_as_long_as_its_qos_time_to_live_says() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").acme("validity_max_secs = 604800").start().await;
    let mut app = site.app().await;
    let now = wasmsc::clock::now();
    let mut ids = Vec::new();
    for secs in [1, 3_600, 0, u32::MAX] {
        let (status, id) = sm_resp(app.ask(data_to_live(secs)).await);
        assert_eq!(status, ESME_ROK, "{secs}");
        ids.push(id);
    }
    assert_eq!(receipt_words(&app.take().await), (ids[0].clone(), "EXPIRED".into()));
    let mut up = centre.bound().await;
    // The customer's default and its ceiling are three days and a week.
    for (secs, lives) in [(3_600, 3_600), (0, 3 * 86_400), (u32::MAX, 7 * 86_400)] {
        let sm = up.take().await;
        assert_eq!(read(&sm), format!("{secs} s"));
        let until = wasmsc_smpp::time::parse(&sm.validity_period).expect("a time").expect("set").at_ms(now.0);
        let lived = (until - now.0) / 1_000;
        assert!((lives - 1..lives + 10).contains(&lived), "{secs}: {lived}");
        assert_eq!((sm.tlvs.get(tag::QOS_TIME_TO_LIVE), sm.tlvs.octet(tag::MS_VALIDITY)), (None, Some(3)));
    }
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_offered_is_refused_and_the_link_lives() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let asked = [
        (Body::BroadcastSm(BroadcastSm::default()), CommandStatus::ESME_RPROHIBITED),
        (Body::QueryBroadcastSm(QueryBroadcastSm::default()), CommandStatus::ESME_RBCASTQUERYFAIL),
        (Body::CancelBroadcastSm(CancelBroadcastSm::default()), CommandStatus::ESME_RBCASTCANCELFAIL),
    ];
    for (body, status) in asked {
        assert_eq!(app.ask(body).await.0, status);
    }
    let mut predefined = mt("");
    predefined.sm_default_msg_id = 7;
    assert_eq!(app.submit(predefined).await.0, CommandStatus::ESME_RINVDFTMSGID);
    // A network has no messages of its own to ask for.
    assert_eq!(query(&mut sim, "0000000000000001").await.0, CommandStatus::ESME_RPROHIBITED);
    assert_eq!(cancelled(&mut sim, cancel("")).await, CommandStatus::ESME_RPROHIBITED);
    app.submitted(mt("alive")).await;
    assert_eq!(read(&sim.take().await), "alive");
    site.end((app, sim)).await;
}
