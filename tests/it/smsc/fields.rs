//! Fields of submit_sm, data_sm and cancel_sm one by one: which are relayed as they came, which never leave.

use wasmsc_smpp::{Body, CancelSm, CommandStatus, DataSm, EsmClass, Sm, Tlv, Ton, tlv::tag};

use super::peer::{Login, Peer, octets, sm_resp};
use super::site::{Centre, DEVICE, NUMBER, Plan, mo, mt, read};

const ESME_ROK: CommandStatus = CommandStatus::ESME_ROK;
/// Bits of esm_class (SMPP 3.4 §5.2.12).
const DATAGRAM: u8 = 0x01;
const FORWARD: u8 = 0x02;
const STORE_AND_FORWARD: u8 = 0x03;
const REPLY_PATH: u8 = 0x80;

fn as_data_sm(sm: &Sm) -> Body {
    let mut data = DataSm {
        service_type: sm.service_type.clone(),
        source_addr_ton: sm.source_addr_ton,
        source_addr: sm.source_addr.clone(),
        dest_addr_ton: sm.dest_addr_ton,
        destination_addr: sm.destination_addr.clone(),
        esm_class: sm.esm_class,
        data_coding: sm.data_coding,
        ..DataSm::default()
    };
    data.tlvs.push(Tlv { tag: tag::MESSAGE_PAYLOAD, value: sm.short_message.clone() });
    Body::DataSm(data)
}

/// The same message by submit_sm and by data_sm; each as the other end gets it.
async fn relayed(from: &mut Peer, to: &mut Peer, sm: Sm) -> [Sm; 2] {
    let data_sm = as_data_sm(&sm);
    from.submitted(sm).await;
    let by_submit_sm = to.take().await;
    assert_eq!(sm_resp(from.ask(data_sm).await).0, ESME_ROK);
    [by_submit_sm, to.take().await]
}

#[tokio::test(flavor = "multi_thread")]
async fn service_type_is_relayed_in_both_directions() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    for service_type in ["", "CMT", "USSD", "a service of our own"] {
        let service_type = octets(service_type);
        let down = Sm { service_type: service_type.clone(), ..mt("down") };
        for sm in relayed(&mut app, &mut sim, down).await {
            assert_eq!((read(&sm), &sm.service_type), ("down".into(), &service_type));
        }
        let up = Sm { service_type: service_type.clone(), ..mo("up") };
        for sm in relayed(&mut sim, &mut app, up).await {
            assert_eq!((read(&sm), &sm.service_type), ("up".into(), &service_type));
        }
    }
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mode_and_reply_path_are_relayed_in_both_directions() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    for esm_class in [0, DATAGRAM, FORWARD, STORE_AND_FORWARD, REPLY_PATH, REPLY_PATH | DATAGRAM] {
        let esm_class = EsmClass(esm_class);
        for sm in relayed(&mut app, &mut sim, Sm { esm_class, ..mt("down") }).await {
            assert_eq!((read(&sm), sm.esm_class), ("down".into(), esm_class));
        }
        for sm in relayed(&mut sim, &mut app, Sm { esm_class, ..mo("up") }).await {
            assert_eq!((read(&sm), sm.esm_class), ("up".into(), esm_class));
        }
    }
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mode_and_reply_path_reach_every_part_of_a_long_message_at_an_upstream() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    app.submitted(Sm { esm_class: EsmClass(REPLY_PATH | FORWARD), ..mt(&"x".repeat(200)) }).await;
    for _ in 0..2 {
        assert_eq!(up.take_as("any").await.esm_class, EsmClass(REPLY_PATH | FORWARD | EsmClass::UDHI.0));
    }
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn datagram_and_forward_modes_are_stored_and_forwarded_like_the_others() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    // The network is away: a datagram would be lost, and forward mode would wait with its response.
    for (esm_class, text) in [(DATAGRAM, "datagram"), (FORWARD, "forward"), (STORE_AND_FORWARD, "stored")] {
        app.submitted(Sm { esm_class: EsmClass(esm_class), ..mt(text) }).await;
    }
    drop(app);
    let site = site.restart().await;
    let mut sim = site.sim().await;
    for (esm_class, text) in [(DATAGRAM, "datagram"), (FORWARD, "forward"), (STORE_AND_FORWARD, "stored")] {
        let sm = sim.take().await;
        assert_eq!((read(&sm), sm.esm_class), (text.into(), EsmClass(esm_class)));
    }
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_sends_no_receipts() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    // A delivery receipt, an intermediate notification, and the same with other bits around them.
    for esm_class in [0x04, 0x20, 0x84, 0x23, 0x44] {
        let sm = Sm { esm_class: EsmClass(esm_class), ..mt("id:1 stat:DELIVRD") };
        let by_data_sm = as_data_sm(&sm);
        let statuses = [app.submit(sm).await.0, sm_resp(app.ask(by_data_sm).await).0];
        assert_eq!(statuses, [CommandStatus::ESME_RINVESMCLASS; 2], "{esm_class:#x}");
    }
    app.submitted(mt("no receipt")).await;
    assert_eq!(read(&sim.take().await), "no receipt");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_range_of_255_octets_counts_and_a_longer_one_is_refused() {
    let site = Plan::network().start().await;
    let never = "9".repeat(255 - DEVICE.len() - 3);
    let range = format!("{never}|^{DEVICE}$");
    assert_eq!(range.len(), 255);
    let mut sim = site.bind(Login::new("sim").range(&range)).await;
    let mut app = site.app().await;
    app.submitted(Sm { destination_addr: octets("46700000002"), ..mt("out of range") }).await;
    app.submitted(mt("in range")).await;
    assert_eq!(read(&sim.take().await), "in range");
    let longer = Peer::try_bind(site.smpp, Login::new("sim").range(&format!("{range}|"))).await;
    assert_eq!(longer.err(), Some(CommandStatus::ESME_RBINDFAIL));
    site.end((app, sim)).await;
}

fn cancel(id: &str, ton: Ton, destination: &str) -> Body {
    let (message_id, source_addr) = (octets(id), octets(NUMBER));
    let destination_addr = octets(destination);
    Body::CancelSm(CancelSm { message_id, source_addr, dest_addr_ton: ton, destination_addr, ..CancelSm::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_destination_of_a_cancel_sm_is_empty_or_that_of_the_message() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    let ids = [app.submitted(mt("one")).await, app.submitted(mt("two")).await];
    let wrong = [
        (Ton::INTERNATIONAL, "46700000002", CommandStatus::ESME_RINVMSGID),
        (Ton::UNKNOWN, NUMBER, CommandStatus::ESME_RINVMSGID),
        (Ton::INTERNATIONAL, "46 70 no number at all", CommandStatus::ESME_RINVDSTADR),
    ];
    for (ton, destination, status) in wrong {
        assert_eq!(app.ask(cancel(&ids[0], ton, destination)).await.0, status, "{destination}");
    }
    assert_eq!(app.ask(cancel(&ids[0], Ton::INTERNATIONAL, DEVICE)).await.0, ESME_ROK);
    assert_eq!(app.ask(cancel(&ids[1], Ton::UNKNOWN, "")).await.0, ESME_ROK);
    // Without an id as well.
    app.submitted(mt("three")).await;
    assert_eq!(app.ask(cancel("", Ton::INTERNATIONAL, "no number")).await.0, CommandStatus::ESME_RINVDSTADR);
    let mut sim = site.sim().await;
    assert_eq!(read(&sim.take().await), "three", "the others are cancelled, and this one is not");
    site.end((app, sim)).await;
}
