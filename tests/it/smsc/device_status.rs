//! What peers say of a device beside the status: delivery_failure_reason (SMPP 3.4 §5.3.2.33) in their responses,
//! ms_availability_status (§5.3.2.30) in their alert_notifications, and receipts that know nothing.

use wasmsc_smpp::receipt::MessageState;
use wasmsc_smpp::{AlertNotification, Body, CommandStatus, QuerySm, Sm, SmResp, Tlv, Ton, tlv::tag};

use super::peer::{Peer, octets};
use super::site::{Centre, DEVICE, Plan, mt, read, receipt, receipt_words, wishing};

/// Refuses the next message for this delivery_failure_reason.
async fn refuse_for(peer: &mut Peer, status: CommandStatus, reason: u8) -> Sm {
    let (sequence_number, sm) = peer.next_sm().await;
    let mut resp = SmResp::default();
    resp.tlvs.push(Tlv { tag: tag::DELIVERY_FAILURE_REASON, value: vec![reason].into() });
    let is_centre = peer.bind.is_some();
    let body = if is_centre { Body::SubmitSmResp(resp) } else { Body::DeliverSmResp(resp) };
    peer.answer_with(sequence_number, status, body).await;
    sm
}

async fn expect_reasons_count(mut app: Peer, mut peer: Peer) -> (Peer, Peer) {
    // 0, the destination is unavailable: again at once, as `absent` says. Without it the first status means an hour,
    // and the second never.
    let id = app.submitted(wishing(1, mt("absent"))).await;
    for status in [CommandStatus::ESME_RSYSERR, CommandStatus::ESME_RX_P_APPN] {
        assert_eq!(read(&refuse_for(&mut peer, status, 0).await), "absent");
    }
    // 3, a temporary error of the network, leaves it to the status: absent.
    assert_eq!(read(&refuse_for(&mut peer, CommandStatus::ESME_RDELIVERYFAILURE, 3).await), "absent");
    assert_eq!(read(&refuse_for(&mut peer, CommandStatus::ESME_RDELIVERYFAILURE, 1).await), "absent");
    assert_eq!(receipt_words(&app.take().await), (id, "UNDELIV".into()));
    // 1, an invalid address, and 2, a permanent error, are the end, though the status is one for now.
    for (status, reason) in
        [(CommandStatus::ESME_RSYSERR, 1), (CommandStatus::ESME_RSYSERR, 2), (CommandStatus::ESME_RTHROTTLED, 2)]
    {
        let id = app.submitted(wishing(1, mt("never"))).await;
        assert_eq!(read(&refuse_for(&mut peer, status, reason).await), "never");
        assert_eq!(receipt_words(&app.take().await), (id, "UNDELIV".into()), "{status} for {reason}");
    }
    (app, peer)
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_failure_reason_goes_before_the_status_of_the_response() {
    let retry = "[retry]\nabsent = [0]\ntemporary = [3600]\n";
    let site = Plan::network().more(retry).start().await;
    let peers = expect_reasons_count(site.app().await, site.sim().await).await;
    site.end(peers).await;
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").more(retry).start().await;
    let peers = expect_reasons_count(site.app().await, centre.bound().await).await;
    site.end(peers).await;
}

async fn alert(up: &mut Peer, ms_availability_status: &[u8]) {
    let mut alert = AlertNotification {
        source_addr_ton: Ton::INTERNATIONAL,
        source_addr: octets(DEVICE),
        ..AlertNotification::default()
    };
    alert.tlvs.push(Tlv { tag: tag::MS_AVAILABILITY_STATUS, value: ms_availability_status.to_vec().into() });
    up.alert(alert).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_notification_wakes_only_with_the_availability_status_available() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").more("[retry]\nabsent = [3600]\n").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    // One octet that is 0 is "available"; what is no octet counts as absent.
    for available in [&[0][..], &[], &[1, 1]] {
        app.submitted(mt("for later")).await;
        up.refuse(CommandStatus::ESME_RDELIVERYFAILURE).await;
        up.barrier().await;
        for unavailable in [1, 2, 255] {
            alert(&mut up, &[unavailable]).await;
        }
        up.barrier().await;
        // Had it been woken, it would come before this one.
        app.submitted(mt("for now")).await;
        assert_eq!(read(&up.take().await), "for now");
        alert(&mut up, available).await;
        assert_eq!(read(&up.take().await), "for later", "{available:?}");
    }
    site.end((app, up)).await;
}

async fn state(app: &mut Peer, id: &str) -> Option<MessageState> {
    match app.ask(Body::QuerySm(QuerySm { message_id: octets(id), ..QuerySm::default() })).await {
        (CommandStatus::ESME_ROK, Body::QuerySmResp(resp)) => MessageState::from_octet(resp.message_state),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_may_say_unknown_and_one_without_a_readable_state_changes_nothing() {
    let centre = Centre::new().await;
    let site = Plan::upstream(&centre, "").start().await;
    let (mut app, mut up) = (site.app().await, centre.bound().await);
    for (number, wish) in [("u1", 1), ("u2", 2)] {
        let id = app.submitted(wishing(wish, mt("any"))).await;
        up.take_as(number).await;
        let mut stateless = receipt(number, "");
        stateless.short_message = octets(&format!("id:{number} sub:001 dlvrd:000 err:000 text:no state"));
        up.deliver(stateless).await;
        up.deliver(receipt(number, "WHATEVER")).await;
        assert_eq!(state(&mut app, &id).await, Some(MessageState::Enroute));
        up.deliver(receipt(number, "UNKNOWN")).await;
        assert_eq!(receipt_words(&app.take().await), (id.clone(), "UNKNOWN".into()));
        assert_eq!(state(&mut app, &id).await, Some(MessageState::Unknown));
    }
    // Who wants to hear of success only hears nothing of it.
    app.submitted(wishing(3, mt("any"))).await;
    up.take_as("u3").await;
    up.deliver(receipt("u3", "UNKNOWN")).await;
    let id = app.submitted(wishing(1, mt("last"))).await;
    up.take_as("u4").await;
    up.deliver(receipt("u4", "DELIVRD")).await;
    assert_eq!(receipt_words(&app.take().await), (id, "DELIVRD".into()));
    site.end((app, up)).await;
}
