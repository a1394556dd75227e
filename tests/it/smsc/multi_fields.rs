//! submit_multi: its fields mean for each destination what they mean in a submit_sm.

use wasmsc_smpp::{
    Body, CommandStatus, DataCoding, Destination, EsmClass, Npi, RegisteredDelivery, SubmitMulti, SubmitMultiResp, Tlv,
    Ton, tlv::tag,
};

use super::peer::{Peer, octets};
use super::site::{NUMBER, Plan, mt_to, read, receipt_words, tlv, wishing};

const FIRST: &str = "46700000001";
const SECOND: &str = "46700000002";

fn multi(to: &[&str]) -> SubmitMulti {
    let address =
        |digits: &str| Destination::Address { ton: Ton::INTERNATIONAL, npi: Npi::ISDN, address: octets(digits) };
    SubmitMulti {
        source_addr: octets(NUMBER),
        dest_addresses: to.iter().map(|digits| address(digits)).collect(),
        short_message: octets("to many"),
        ..SubmitMulti::default()
    }
}

async fn submitted(app: &mut Peer, multi: SubmitMulti) -> (CommandStatus, SubmitMultiResp) {
    match app.ask(Body::SubmitMulti(multi)).await {
        (status, Body::SubmitMultiResp(resp)) => (status, resp),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_for_all_is_in_the_unsuccess_sme_of_each_destination() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let good = || multi(&[FIRST, SECOND]);
    let header_that_lies = octets("\u{40}xx");
    let wrong = [
        (SubmitMulti { source_addr: octets("7002"), ..good() }, CommandStatus::ESME_RINVSRCADR),
        (SubmitMulti { esm_class: EsmClass::DELIVERY_RECEIPT, ..good() }, CommandStatus::ESME_RINVESMCLASS),
        (
            SubmitMulti { esm_class: EsmClass::UDHI, short_message: header_that_lies, ..good() },
            CommandStatus::ESME_RINVESMCLASS,
        ),
        (SubmitMulti { schedule_delivery_time: octets("soon"), ..good() }, CommandStatus::ESME_RINVSCHED),
        (SubmitMulti { validity_period: octets("for ever"), ..good() }, CommandStatus::ESME_RINVEXPIRY),
        (SubmitMulti { validity_period: octets("200101000000000+"), ..good() }, CommandStatus::ESME_RINVEXPIRY),
        (SubmitMulti { replace_if_present_flag: 2, ..good() }, CommandStatus::ESME_RINVREPFLAG),
        (SubmitMulti { sm_default_msg_id: 7, ..good() }, CommandStatus::ESME_RINVDFTMSGID),
    ];
    for (multi, expected) in wrong {
        let (status, resp) = submitted(&mut app, multi).await;
        assert_eq!((status, resp.message_id), (CommandStatus::ESME_RSUBMITFAIL, octets("")), "{expected}");
        let refused: Vec<_> = resp.unsuccess.iter().map(|one| (&one.address[..], one.error_status_code)).collect();
        assert_eq!(refused, [(FIRST.as_bytes(), expected), (SECOND.as_bytes(), expected)]);
    }
    // A field that cannot be read at all leaves no list to answer with.
    let (status, resp) = submitted(&mut app, SubmitMulti { service_type: octets(&"x".repeat(65)), ..good() }).await;
    assert_eq!((status, resp.unsuccess.len()), (CommandStatus::ESME_RINVSERTYP, 0));
    app.submitted(mt_to(FIRST, "alive")).await;
    assert_eq!(read(&sim.take().await), "alive", "none of the others went out");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_fields_reach_every_destination() {
    let site = Plan::network().start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let mut all = SubmitMulti {
        service_type: octets("CMT"),
        esm_class: EsmClass(0x81),
        protocol_id: 0x41,
        priority_flag: 2,
        registered_delivery: RegisteredDelivery(0x04),
        data_coding: DataCoding(0x04),
        ..multi(&[FIRST, SECOND])
    };
    all.tlvs.push(Tlv { tag: tag::USER_MESSAGE_REFERENCE, value: octets("\u{12}\u{34}") });
    assert_eq!(submitted(&mut app, all.clone()).await.0, CommandStatus::ESME_ROK);
    let mut reached = Vec::new();
    for _ in 0..2 {
        let sm = sim.take().await;
        assert_eq!((&sm.source_addr, &sm.service_type), (&all.source_addr, &all.service_type));
        assert_eq!((sm.esm_class, sm.protocol_id, sm.priority_flag), (all.esm_class, 0x41, 2));
        assert_eq!((sm.registered_delivery, sm.data_coding), (all.registered_delivery, all.data_coding));
        assert_eq!(sm.short_message, all.short_message);
        assert_eq!(tlv(&sm, tag::USER_MESSAGE_REFERENCE), Some(octets("\u{12}\u{34}")));
        reached.push(sm.destination_addr);
    }
    reached.sort();
    assert_eq!(reached, [FIRST, SECOND].map(octets));
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replace_if_present_flag_replaces_what_waits_for_each_destination() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    let mut old = Vec::new();
    for device in [FIRST, SECOND] {
        old.push(app.submitted(wishing(1, mt_to(device, "old"))).await);
    }
    app.submitted(mt_to("46700000003", "to another")).await;
    let replacing = SubmitMulti { replace_if_present_flag: 1, ..multi(&[FIRST, SECOND]) };
    assert_eq!(submitted(&mut app, replacing.clone()).await.0, CommandStatus::ESME_ROK);
    let mut ended = [receipt_words(&app.take().await), receipt_words(&app.take().await)];
    ended.sort();
    old.sort();
    assert_eq!(ended.to_vec(), old.into_iter().map(|id| (id, "DELETED".into())).collect::<Vec<_>>());
    // And the messages of one submit_multi those of another.
    let newer = SubmitMulti { short_message: octets("newer"), ..replacing };
    assert_eq!(submitted(&mut app, newer).await.0, CommandStatus::ESME_ROK);
    let mut sim = site.sim().await;
    let mut texts = [read(&sim.take().await), read(&sim.take().await), read(&sim.take().await)];
    texts.sort();
    assert_eq!(texts, ["newer", "newer", "to another"]);
    app.submitted(mt_to(FIRST, "last")).await;
    assert_eq!(read(&sim.take().await), "last");
    site.end((app, sim)).await;
}
