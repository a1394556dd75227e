//! Devices and applications that were away: alert_notification to who asked with set_dpf, and outbind.

use wasmsc_smpp::{BindMode, Body, CommandStatus, DataSm, SessionConfig, Sm, Tlv, Ton, tlv::tag};

use super::peer::{Login, Peer, octets};
use super::site::{Centre, DEVICE, NUMBER, Plan, Site, mo, mt, mt_to, read, receipt_words, wishing};

const OTHER_DEVICE: &str = "46700000002";

fn alerting(mut sm: Sm) -> Sm {
    sm.tlvs.push(Tlv { tag: tag::SET_DPF, value: vec![1].into() });
    sm
}

async fn site() -> (Site, Peer) {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").more("[retry]\nabsent = [3600]\n").start().await;
    (site, centre.bound().await)
}

/// The centre cannot deliver the next message now.
async fn is_absent(up: &mut Peer) {
    up.refuse(CommandStatus::ESME_RDELIVERYFAILURE).await;
    up.barrier().await;
}

/// A response of ours says that the flag is set.
fn has_dpf((status, body): &(CommandStatus, Body)) -> bool {
    assert_eq!(*status, CommandStatus::ESME_ROK);
    body.tlvs().is_some_and(|tlvs| tlvs.octet(tag::DPF_RESULT) == Some(1))
}

fn data_sm(tlvs: &[(u16, &[u8])]) -> Body {
    let mut data = DataSm {
        source_addr: octets(NUMBER),
        dest_addr_ton: Ton::INTERNATIONAL,
        destination_addr: octets(DEVICE),
        ..DataSm::default()
    };
    for (tag, value) in tlvs {
        data.tlvs.push(Tlv { tag: *tag, value: value.to_vec().into() });
    }
    Body::DataSm(data)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sets_dpf_is_told_once_when_the_device_is_back() {
    let (site, mut up) = site().await;
    let mut app = site.app().await;
    for text in ["first", "second"] {
        app.submitted(alerting(mt(text))).await;
        is_absent(&mut up).await;
    }
    app.submitted(mt_to(OTHER_DEVICE, "without")).await;
    is_absent(&mut up).await;
    // The other device comes first, and nobody asked for it.
    up.deliver(Sm { source_addr: octets(OTHER_DEVICE), ..mo("I am back") }).await;
    assert_eq!(read(&up.take().await), "without");
    up.deliver(mo("so am I")).await;
    let alert = app.next_alert().await;
    assert_eq!((alert.source_addr_ton, &*alert.source_addr), (Ton::INTERNATIONAL, DEVICE.as_bytes()));
    assert_eq!((alert.esme_addr_ton, &*alert.esme_addr), (Ton::NETWORK_SPECIFIC, NUMBER.as_bytes()));
    for text in ["first", "second"] {
        assert_eq!(read(&up.take().await), text);
    }
    for text in ["I am back", "so am I"] {
        assert_eq!(read(&app.take().await), text);
    }
    app.barrier().await;
    assert_eq!(app.alerts(), 0, "one is enough");
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_waits_for_the_next_bind_that_receives_and_knows_it() {
    let (site, mut up) = site().await;
    let mut app = site.bind(Login::new("app").mode(BindMode::Transmitter)).await;
    app.submitted(alerting(mt("any"))).await;
    is_absent(&mut up).await;
    up.deliver(mo("I am back")).await;
    assert_eq!(read(&up.take().await), "any");
    let mut receiver = site.app().await;
    assert_eq!(&*receiver.next_alert().await.source_addr, DEVICE.as_bytes());
    drop((app, receiver));
    // SMPP 3.3 has no alert_notification.
    let mut old = site.bind(Login::new("app").version(0x33)).await;
    old.submitted(alerting(mt("again"))).await;
    is_absent(&mut up).await;
    up.deliver(mo("and again")).await;
    assert_eq!(read(&up.take().await), "again");
    old.barrier().await;
    assert_eq!(old.alerts(), 0);
    site.end((old, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dpf_result_says_that_the_flag_is_set_in_the_responses_that_have_it() {
    let site = Plan::network().start().await;
    let set: (u16, &[u8]) = (tag::SET_DPF, &[1]);
    let payload: (u16, &[u8]) = (tag::MESSAGE_PAYLOAD, b"any");
    let unset: (u16, &[u8]) = (tag::SET_DPF, &[0]);
    for (version, in_data_sm_resp, in_submit_sm_resp) in [(0x33, false, false), (0x34, true, false), (0x50, true, true)]
    {
        let mut app = site.bind(Login::new("app").version(version)).await;
        assert_eq!(has_dpf(&app.ask(data_sm(&[set, payload])).await), in_data_sm_resp, "{version:#x}");
        assert_eq!(has_dpf(&app.ask(Body::SubmitSm(alerting(mt("any")))).await), in_submit_sm_resp, "{version:#x}");
        for without in [data_sm(&[payload]), data_sm(&[unset, payload]), Body::SubmitSm(mt("any"))] {
            assert!(!has_dpf(&app.ask(without).await), "{version:#x}");
        }
        let (_, body) = app.ask(data_sm(&[set, payload])).await;
        let has_congestion = body.tlvs().is_some_and(|tlvs| tlvs.octet(tag::CONGESTION_STATE).is_some());
        assert_eq!(has_congestion, version == 0x50);
        drop(app);
    }
    site.end(()).await;
}

/// The application's end of a connection that the server opened.
async fn knocked(desk: &Centre) -> Peer {
    let mut peer = Peer::over(desk.connection().await, SessionConfig::esme());
    let outbind = peer.asked_to_bind().await;
    assert_eq!((&*outbind.system_id, &*outbind.password), (&b"wasmsc"[..], &b"knock"[..]));
    peer
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_bound_and_has_messages_waiting_is_asked_to_bind() {
    let desk = Centre::new().await;
    let lines = format!("outbind = \"127.0.0.1:{}\"\noutbind_password = \"knock\"", desk.port);
    let site = Plan::network().app(&lines).start().await;
    let (mut app, mut sim) = (site.bind(Login::new("app").mode(BindMode::Transmitter)).await, site.sim().await);
    let id = app.submitted(wishing(1, mt("any"))).await;
    sim.take().await;
    // Nobody takes the receipt. The first time the application does not bind, the second time it does.
    drop(knocked(&desk).await);
    let mut receiver = knocked(&desk).await;
    assert_eq!(receiver.bind(Login::new("app").mode(BindMode::Receiver)).await, CommandStatus::ESME_ROK);
    assert_eq!(receipt_words(&receiver.take().await), (id, "DELIVRD".into()));
    sim.submitted(mo("while it is bound")).await;
    assert_eq!(read(&receiver.take().await), "while it is bound");
    receiver.unbind().await;
    // What waits when the server starts is reason enough.
    sim.submitted(mo("while it is away")).await;
    drop((app, sim));
    let site = site.restart().await;
    let mut receiver = loop {
        let mut peer = knocked(&desk).await;
        let login = Login::new("app").mode(BindMode::Transceiver);
        if peer.bind_if_it_is_up(login).await {
            break peer;
        }
    };
    assert_eq!(read(&receiver.take().await), "while it is away");
    site.end(receiver).await;
}
