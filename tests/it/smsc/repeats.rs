//! The same message again, because its response got lost: `duplicate_window_secs` of the account.

use wasmsc_smpp::{Body, CommandStatus, DataSm, Destination, EsmClass, Npi, Sm, SubmitMulti, Tlv, Ton, tlv::tag};

use super::peer::{Peer, octets, sm_resp};
use super::site::{DEVICE, NUMBER, Plan, mt, mt_to, read};

const ESME_ROK: CommandStatus = CommandStatus::ESME_ROK;
/// No test is that slow.
const LONG: &str = "duplicate_window_secs = 3600";

fn referring(reference: u8, sm: Sm) -> Sm {
    let mut sm = sm;
    sm.tlvs.push(Tlv { tag: tag::USER_MESSAGE_REFERENCE, value: vec![0, reference].into() });
    sm
}

/// Nothing else is on its way to this peer.
async fn expect_nothing_but(peer: &mut Peer, app: &mut Peer, marker: &str) {
    app.submitted(mt(marker)).await;
    assert_eq!(read(&peer.take().await), marker, "a repeat went out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_within_the_window_gets_the_first_ones_id_and_goes_out_once() {
    let site = Plan::network().app(LONG).start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let number = app.send(Body::SubmitSm(mt("once"))).await;
    app.barrier().await;
    let id = sm_resp(app.response(number).await).1;
    // The application did not see that: it comes back and tries again, before and after the delivery.
    drop(app);
    let mut app = site.app().await;
    assert_eq!(app.submitted(mt("once")).await, id);
    assert_eq!(read(&sim.take().await), "once");
    sim.barrier().await;
    assert_eq!(app.submitted(mt("once")).await, id);
    expect_nothing_but(&mut sim, &mut app, "first marker").await;
    // Also when both are in one read, and by another command.
    let both = app.send_all([mt("twice"), mt("twice")].map(Body::SubmitSm)).await;
    let mut ids = Vec::new();
    for number in both {
        let (status, id) = sm_resp(app.response(number).await);
        assert_eq!(status, ESME_ROK);
        ids.push(id);
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(read(&sim.take().await), "twice");
    let mut data = DataSm {
        source_addr: octets(NUMBER),
        dest_addr_ton: Ton::INTERNATIONAL,
        destination_addr: octets(DEVICE),
        ..DataSm::default()
    };
    data.tlvs.push(Tlv { tag: tag::MESSAGE_PAYLOAD, value: octets("twice") });
    assert_eq!(sm_resp(app.ask(Body::DataSm(data)).await), (ESME_ROK, ids[0].clone()));
    expect_nothing_but(&mut sim, &mut app, "second marker").await;
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_user_message_reference_is_a_repeat_whatever_the_text_says() {
    let site = Plan::network().app(LONG).start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let id = app.submitted(referring(1, mt("at 12:00"))).await;
    assert_eq!(read(&sim.take().await), "at 12:00");
    assert_eq!(app.submitted(referring(1, mt("at 12:01"))).await, id);
    expect_nothing_but(&mut sim, &mut app, "marker").await;
    // The same text under another reference is another message.
    assert_ne!(app.submitted(referring(2, mt("at 12:00"))).await, id);
    assert_eq!(read(&sim.take().await), "at 12:00");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_in_more_than_its_time_is_no_repeat() {
    let site = Plan::network().app(LONG).start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let named = Sm { source_addr_ton: Ton::ALPHANUMERIC, source_addr: octets("ACME"), ..mt("any") };
    let mut all = vec![mt("any"), mt("any other"), mt_to("46700000002", "any"), named];
    all.push(Sm { esm_class: EsmClass(0x80), ..mt("any") });
    all.push(referring(1, mt("any")));
    all.push(referring(1, mt_to("46700000002", "any")));
    let mut ids = Vec::new();
    for sm in all {
        ids.push(app.submitted(sm).await);
        sim.take().await;
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count, "each has an id of its own");
    // Another account's message is none, and one that was refused does not count as the first.
    assert_eq!(app.submit(mt_to("46730000001", "any")).await.0, CommandStatus::ESME_RINVDSTADR);
    assert_eq!(app.submit(mt_to("46730000001", "any")).await.0, CommandStatus::ESME_RINVDSTADR);
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_after_the_window_or_after_a_restart_is_a_new_message() {
    let site = Plan::network().app("duplicate_window_secs = 1").start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let id = app.submitted(mt("any")).await;
    assert_eq!(read(&sim.take().await), "any");
    // A message that leaves in a second tells that the window is over.
    let later = Sm { schedule_delivery_time: octets("000000000001000R"), ..mt("later") };
    app.submitted(later).await;
    assert_eq!(read(&sim.take().await), "later");
    assert_ne!(app.submitted(mt("any")).await, id);
    assert_eq!(read(&sim.take().await), "any");
    sim.barrier().await;
    drop((app, sim));
    let site = site
        .restart_with(|premises| premises.tables = premises.tables.replace("window_secs = 1", "window_secs = 3600"));
    let site = site.await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let id = app.submitted(mt("any")).await;
    assert_eq!(read(&sim.take().await), "any", "what was known before the restart is forgotten");
    assert_eq!(app.submitted(mt("any")).await, id);
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_window_a_repeat_is_a_new_message() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let first = app.submitted(referring(1, mt("any"))).await;
    assert_ne!(app.submitted(referring(1, mt("any"))).await, first);
    assert_eq!([read(&sim.take().await), read(&sim.take().await)], ["any", "any"]);
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submit_multi_again_reaches_only_whom_the_first_did_not() {
    let site = Plan::network().app(LONG).start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let multi = |to: &[&str]| {
        let address =
            |digits: &&str| Destination::Address { ton: Ton::INTERNATIONAL, npi: Npi::ISDN, address: octets(digits) };
        let dest_addresses = to.iter().map(address).collect();
        Body::SubmitMulti(SubmitMulti {
            source_addr: octets(NUMBER),
            dest_addresses,
            short_message: octets("to many"),
            ..SubmitMulti::default()
        })
    };
    let (first, second, third) = ("46700000001", "46700000002", "46700000003");
    let (status, id) = sm_resp(app.ask(multi(&[first, second])).await);
    assert_eq!(status, ESME_ROK);
    let mut reached = [sim.take().await.destination_addr, sim.take().await.destination_addr];
    reached.sort();
    assert_eq!(reached, [first, second].map(octets));
    assert_eq!(sm_resp(app.ask(multi(&[first, second])).await), (ESME_ROK, id.clone()));
    expect_nothing_but(&mut sim, &mut app, "marker").await;
    assert_eq!(sm_resp(app.ask(multi(&[first, second, third])).await).0, ESME_ROK);
    assert_eq!(sim.take().await.destination_addr, third);
    expect_nothing_but(&mut sim, &mut app, "last").await;
    site.end((app, sim)).await;
}
