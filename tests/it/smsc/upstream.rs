//! Centres that the server binds to: how it binds, comes back, slows down, and what they may ask of it.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wasmsc_smpp::{
    AlertNotification, BindMode, Body, CommandStatus, DataSm, InterfaceVersion, SessionConfig, Tlv, Ton, tlv::tag,
};

use super::limits::cpu_ticks;
use super::peer::{Peer, octets, sm_resp};
use super::site::{Centre, DEVICE, NUMBER, Plan, Site, mo, mt, read, receipt_words, wishing};

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_binds_as_the_config_says() {
    for (name, mode) in [
        ("transceiver", BindMode::Transceiver),
        ("transmitter", BindMode::Transmitter),
        ("receiver", BindMode::Receiver),
    ] {
        let centre = Centre::new().await;
        let plan = Plan::upstream(&centre, &format!("mode = {name:?}\nsystem_type = \"VMA\"\nbinds = 2"));
        let site = plan.start().await;
        let ups = [centre.bound().await, centre.bound().await];
        for up in &ups {
            let (asked, bind) = up.bind.as_ref().expect("bound");
            assert_eq!(*asked, mode);
            assert_eq!(
                (&*bind.system_id, &*bind.password, &*bind.system_type),
                (&b"we"[..], &b"secret"[..], &b"VMA"[..])
            );
            assert_eq!(bind.interface_version, InterfaceVersion::V3_4);
        }
        site.end(ups).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_version_is_bound_as_the_config_says_and_a_centre_of_3_3_gets_no_tlvs() {
    for (lines, version, has_tlvs, hears_congestion) in [
        ("interface_version = \"3.3\"\nlong_messages = \"payload\"", 0x33, false, false),
        ("interface_version = \"3.4\"", 0x34, true, false),
        ("interface_version = \"5.0\"", 0x50, true, true),
    ] {
        let centre = Centre::new().await;
        let site = Plan::upstream(&centre, lines).start().await;
        // It says 5.0 to all of them.
        let (mut app, mut up) = (site.app().await, centre.connection().await);
        let bind = read_pdu(&mut up).await;
        assert_eq!(bind[bind.len() - 4], version, "{lines}");
        let bind_resp =
            [&[0, 0, 0, 22, 0x80, 0, 0, 9, 0, 0, 0, 0][..], &bind[12..16], &[0, 0x02, 0x10, 0, 1, 0x50]].concat();
        up.write_all(&[bind_resp, submit_sm(77)].concat()).await.expect("the link is up");
        app.take().await;
        let response = read_pdu(&mut up).await;
        assert_eq!(response.len() > 16 + 16 + 1, hears_congestion, "{lines}: {response:?}");
        let mut sm = mt("any");
        sm.tlvs.push(Tlv { tag: tag::USER_MESSAGE_REFERENCE, value: vec![0, 1].into() });
        app.submitted(sm).await;
        let submit_sm = read_pdu(&mut up).await;
        assert_eq!(submit_sm[4..8], [0, 0, 0, 4]);
        assert_eq!(submit_sm.ends_with(&[0x02, 0x04, 0, 2, 0, 1]), has_tlvs, "{lines}: {submit_sm:?}");
        site.end((app, up)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_in_flight_when_the_link_broke_goes_out_again_in_order() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    for n in 0..5 {
        app.submitted(mt(&format!("text {n}"))).await;
    }
    for n in 0..5 {
        let (number, sm) = up.next_sm().await;
        assert_eq!(read(&sm), format!("text {n}"));
        if n < 2 {
            up.answer(number, CommandStatus::ESME_ROK, "any").await;
        }
    }
    up.barrier().await;
    drop(up);
    let mut up = centre.bound().await;
    for n in 2..5 {
        assert_eq!(read(&up.take().await), format!("text {n}"));
    }
    app.submitted(mt("last")).await;
    assert_eq!(read(&up.take().await), "last");
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_wait_while_the_centre_is_away_and_go_out_when_it_is_there() {
    let centre = Centre::new().await;
    let port = centre.port;
    let plan = Plan::upstream(&centre, "");
    drop(centre);
    let site = plan.start().await;
    let mut app = site.app().await;
    for n in 0..3 {
        app.submitted(mt(&format!("text {n}"))).await;
    }
    let centre = Centre::on(port).await;
    let mut up = centre.bound().await;
    for n in 0..3 {
        assert_eq!(read(&up.take().await), format!("text {n}"));
    }
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_centre_that_refuses_the_bind_is_asked_again() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let mut refusing = centre.connection().await;
    let bind = read_pdu(&mut refusing).await;
    // bind_transceiver_resp, ESME_RALYBND
    let refusal = [&[0, 0, 0, 16, 0x80, 0, 0, 9, 0, 0, 0, 5][..], &bind[12..16]].concat();
    refusing.write_all(&refusal).await.expect("the link is up");
    let up = centre.bound().await;
    site.end((refusing, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_centre_that_throttles_gets_everything_in_order_after_a_pause() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "window = 4").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    let mut ids = Vec::new();
    for n in 0..12 {
        ids.push(app.submitted(wishing(2, mt(&format!("text {n:02}")))).await);
    }
    assert_eq!(read(&up.take().await), "text 00");
    for refused in [CommandStatus::ESME_RTHROTTLED, CommandStatus::ESME_RMSGQFUL] {
        // All that is in flight is refused.
        let mut open = Vec::new();
        while let Some((number, _)) = next_of(&mut up, open.len() < 4).await {
            open.push(number);
        }
        for number in open {
            up.answer(number, refused, "").await;
        }
        assert_eq!(up.next_within(Duration::from_millis(200)).await, None, "no pause after {refused}");
    }
    for n in 1..12 {
        assert_eq!(read(&up.take_as("").await), format!("text {n:02}"));
    }
    let last = app.submitted(wishing(1, mt("last"))).await;
    up.refuse(CommandStatus::ESME_RINVDSTADR).await;
    assert_eq!(receipt_words(&app.take().await), (last, "UNDELIV".into()), "none of the others failed");
    site.end((app, up)).await;
}

async fn next_of(up: &mut Peer, is_wanted: bool) -> Option<(u32, String)> {
    if !is_wanted {
        return None;
    }
    let (number, sm) = up.next_sm().await;
    Some((number, read(&sm)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_waits_for_a_throttled_centre_costs_no_cpu() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "messages_per_sec = 1").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    app.submitted(mt("any")).await;
    // Several times, as the pause grows.
    for _ in 0..3 {
        up.refuse(CommandStatus::ESME_RTHROTTLED).await;
    }
    let before = cpu_ticks();
    up.take().await;
    let ticks = cpu_ticks() - before;
    assert!(ticks < 40, "{ticks} ticks of CPU in two seconds of waiting");
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_sent_in_a_second_than_the_config_allows_and_all_of_it_comes() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "messages_per_sec = 5").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    for n in 0..8 {
        app.submitted(mt(&format!("text {n}"))).await;
    }
    let start = wasmsc::clock::instant();
    for n in 0..8 {
        assert_eq!(read(&up.take().await), format!("text {n}"));
    }
    let took = wasmsc::clock::instant() - start;
    assert!(took > Duration::from_millis(300), "8 messages at 5 a second came in {took:?}");
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mos_come_by_deliver_sm_data_sm_and_submit_sm() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    let (status, id) = sm_resp(up.ask(Body::DeliverSm(mo("by deliver sm"))).await);
    assert_eq!((status, &*id), (CommandStatus::ESME_ROK, ""), "deliver_sm_resp has an empty message_id");
    assert_eq!(read(&app.take().await), "by deliver sm");
    let from = mo("");
    let mut data = DataSm {
        source_addr_ton: Ton::INTERNATIONAL,
        source_addr: from.source_addr,
        destination_addr: from.destination_addr,
        ..DataSm::default()
    };
    data.tlvs.push(Tlv { tag: tag::MESSAGE_PAYLOAD, value: octets("by data sm") });
    assert_eq!(up.ask(Body::DataSm(data)).await.0, CommandStatus::ESME_ROK);
    let sm = app.take().await;
    assert_eq!((read(&sm), &*sm.source_addr), ("by data sm".into(), DEVICE.as_bytes()));
    up.barrier().await;
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_centre_asks_for_nobody_is_refused_and_the_link_lives() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    let mut to_nobody = mo("any");
    to_nobody.destination_addr = octets("7999");
    assert_eq!(up.ask(Body::DeliverSm(to_nobody)).await.0, CommandStatus::ESME_RINVDSTADR);
    let mut from_stranger = mo("any");
    from_stranger.source_addr = octets("4917000000");
    assert_eq!(up.ask(Body::DeliverSm(from_stranger)).await.0, CommandStatus::ESME_RINVSRCADR);
    up.deliver(mo("and one that is right")).await;
    assert_eq!(read(&app.take().await), "and one that is right");
    site.end((app, up)).await;
}

/// A submit_sm in octets: a session in the role of a centre would not send it.
fn submit_sm(number: u8) -> Vec<u8> {
    let mut body = vec![0, 1, 1];
    body.extend(DEVICE.bytes().chain([0, 0, 1]).chain(NUMBER.bytes()).chain([0]));
    body.extend([0; 9]);
    body.extend([2, b'h', b'i']);
    let length = u8::try_from(16 + body.len()).expect("short");
    [&[0, 0, 0, length, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, number][..], &body].concat()
}

/// One PDU of at most so many octets.
async fn read_pdu(stream: &mut tokio::net::TcpStream) -> Vec<u8> {
    let mut pdu = vec![0; 16];
    stream.read_exact(&mut pdu).await.expect("the link is up");
    pdu.resize(usize::from(pdu[3]), 0);
    stream.read_exact(&mut pdu[16..]).await.expect("the link is up");
    pdu
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submit_sm_from_the_centre_to_our_client_is_an_mo_and_is_answered() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.connection().await);
    let bind = read_pdu(&mut up).await;
    let bind_resp = [&[0, 0, 0, 17, 0x80, 0, 0, 9, 0, 0, 0, 0][..], &bind[12..16], &[0]].concat();
    up.write_all(&[bind_resp, submit_sm(77)].concat()).await.expect("the link is up");
    assert_eq!(read(&app.take().await), "hi");
    let response = read_pdu(&mut up).await;
    assert_eq!(response[4..16], [0x80, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 77]);
    assert_eq!(response.len(), 16 + 16 + 1, "with an id of ours");
    site.end((app, up)).await;
}

async fn alert(up: &mut Peer) {
    let alert = AlertNotification {
        source_addr_ton: Ton::INTERNATIONAL,
        source_addr: octets(DEVICE),
        ..AlertNotification::default()
    };
    up.alert(alert).await;
}

async fn absent() -> (Site, Peer, Peer) {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").more("[retry]\nabsent = [3600]\n").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    app.submitted(mt("for later")).await;
    up.refuse(CommandStatus::ESME_RDELIVERYFAILURE).await;
    up.barrier().await;
    // Not for this one: it goes out by itself.
    app.submitted(mt("for now")).await;
    assert_eq!(read(&up.take().await), "for now");
    (site, app, up)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_notification_brings_what_waits_for_the_device_at_once() {
    let (site, app, mut up) = absent().await;
    alert(&mut up).await;
    assert_eq!(read(&up.take().await), "for later");
    alert(&mut up).await;
    up.barrier().await;
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_mo_of_the_device_brings_what_waits_for_it_at_once() {
    let (site, mut app, mut up) = absent().await;
    up.deliver(mo("I am back")).await;
    assert_eq!(read(&up.take().await), "for later");
    assert_eq!(read(&app.take().await), "I am back");
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_was_absent_before_a_restart_gets_its_message_when_it_is_back() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").more("[retry]\nabsent = [3600]\n").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    app.submitted(mt("for later")).await;
    up.refuse(CommandStatus::ESME_RDELIVERYFAILURE).await;
    up.barrier().await;
    drop((app, up));
    let site = site.restart().await;
    let mut up = centre.bound().await;
    alert(&mut up).await;
    assert_eq!(read(&up.take().await), "for later");
    site.end(up).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outbind_makes_the_server_bind_as_receiver_on_that_connection() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "mode = \"transmitter\"\noutbind_password = \"knock\"").start().await;
    let (mut app, up) = (site.app().await, centre.bound().await);
    let connect = || async {
        let stream = tokio::net::TcpStream::connect(site.smpp).await.expect("the server listens");
        Peer::over(stream, SessionConfig::smsc())
    };
    for (system_id, password) in [("we", "wrong"), ("they", "knock"), ("we", "")] {
        let mut stranger = connect().await;
        stranger.outbind(system_id, password).await;
        stranger.expect_closed().await;
    }
    let mut knocking = connect().await;
    knocking.outbind("we", "knock").await;
    let mut receiver = knocking.until_bound().await.expect("the server binds");
    assert_eq!(receiver.bind.as_ref().map(|(mode, _)| *mode), Some(BindMode::Receiver));
    receiver.deliver(mo("by outbind")).await;
    assert_eq!(read(&app.take().await), "by outbind");
    site.end((app, up, receiver)).await;
}
