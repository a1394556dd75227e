//! Receipts that network accounts get for the MOs that they submit (SMPP 3.4 §5.2.17).

use bytes::Bytes;
use wasmsc_smpp::{Body, CommandStatus, DataSm, EsmClass, Sm, Tlv, Ton, tlv::tag};

use super::peer::{octets, sm_resp};
use super::site::{DEVICE, NUMBER, Plan, mo, mt, read, receipt_words, wishing};
use crate::support::server::built;

const DELIVRD: &str = "DELIVRD";
const UNDELIV: &str = "UNDELIV";

#[tokio::test(flavor = "multi_thread")]
async fn a_network_hears_what_became_of_its_mo_at_the_application() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    for (wish, on_success, on_failure) in [(0, false, false), (1, true, true), (2, false, true), (3, true, false)] {
        for (status, stat, is_wanted) in
            [(CommandStatus::ESME_ROK, DELIVRD, on_success), (CommandStatus::ESME_RX_P_APPN, UNDELIV, on_failure)]
        {
            let id = sim.submitted(wishing(wish, mo("up"))).await;
            assert_eq!(read(&app.refuse(status).await), "up");
            app.barrier().await;
            if !is_wanted {
                // Had a receipt gone out, it would come before this one.
                app.submitted(mt("marker")).await;
                assert_eq!(read(&sim.take().await), "marker", "wish {wish}, {status}");
                continue;
            }
            let receipt = sim.take().await;
            assert_eq!(receipt_words(&receipt), (id, stat.into()), "wish {wish}");
            assert_eq!((&*receipt.source_addr, &*receipt.destination_addr), (NUMBER.as_bytes(), DEVICE.as_bytes()));
        }
    }
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_sm_is_heard_and_a_deliver_sm_is_not() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    // Whoever delivers waits for no receipt: bits 0 and 1 mean nothing there (SMPP 3.4 §4.6.1).
    sim.send_out_of_role(Body::DeliverSm(wishing(1, mo("by deliver sm")))).await;
    assert_eq!(read(&app.take().await), "by deliver sm");
    app.barrier().await;
    let from = wishing(1, mo(""));
    let mut data = DataSm {
        source_addr_ton: from.source_addr_ton,
        source_addr: from.source_addr,
        destination_addr: from.destination_addr,
        registered_delivery: from.registered_delivery,
        ..DataSm::default()
    };
    data.tlvs.push(Tlv { tag: tag::MESSAGE_PAYLOAD, value: octets("by data sm") });
    let (status, id) = sm_resp(sim.ask(Body::DataSm(data)).await);
    assert_eq!(status, CommandStatus::ESME_ROK);
    assert_eq!(read(&app.take().await), "by data sm");
    assert_eq!(receipt_words(&sim.take().await), (id, DELIVRD.into()));
    site.end((app, sim)).await;
}

fn part(number: u8) -> Sm {
    let octets: Bytes = [&[5, 0, 3, 7, 2, number][..], b"half "].concat().into();
    Sm { esm_class: EsmClass::UDHI, short_message: octets, ..wishing(1, mo("")) }
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_that_are_joined_get_no_receipt() {
    let site = Plan::network().app("join_segments = true").start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    for number in [1, 2] {
        sim.submitted(part(number)).await;
    }
    assert_eq!(read(&app.take().await), "half half ");
    app.barrier().await;
    let id = sim.submitted(wishing(1, mo("one SMS"))).await;
    assert_eq!(read(&app.take().await), "one SMS");
    assert_eq!(receipt_words(&sim.take().await), (id, DELIVRD.into()), "the first receipt that comes");
    site.end((app, sim)).await;
}

/// From a device of `beta` to the number that the rule has.
fn to_rule(text: &str) -> Sm {
    let to_number = Sm { destination_addr: octets("7002"), source_addr: octets("46730000001"), ..mo(text) };
    Sm { source_addr_ton: Ton::INTERNATIONAL, ..to_number }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_hears_when_a_rules_effects_are_committed_and_when_its_mo_is_a_dead_letter() {
    let component = built("hostile").display().to_string();
    let rule = format!(
        "[[rule]]\ncustomer = \"beta\"\nname = \"echo\"\ncomponent = {component:?}\nnumbers = [\"7002\"]\n\
         attempts_max = 1\n"
    );
    let site = Plan { sim: "routes = [\"+4670\", \"+4673\"]".into(), ..Plan::default() }.more(&rule).start().await;
    let mut sim = site.sim().await;
    let id = sim.submitted(wishing(1, to_rule("ECHO hello"))).await;
    // Reply and receipt were one batch; either may be first.
    let mut got = [sim.take().await, sim.take().await];
    got.sort_by_key(|sm| sm.esm_class.is_delivery_receipt());
    assert_eq!((read(&got[0]), receipt_words(&got[1])), ("hello".into(), (id, DELIVRD.into())));
    for text in ["REJECT not wanted", "TRAP"] {
        let id = sim.submitted(wishing(2, to_rule(text))).await;
        assert_eq!(receipt_words(&sim.take().await), (id, UNDELIV.into()), "{text}");
    }
    // Who did not ask hears nothing.
    for text in ["REJECT not wanted", "ECHO last"] {
        sim.submitted(to_rule(text)).await;
    }
    assert_eq!(read(&sim.take().await), "last");
    site.end(sim).await;
}
