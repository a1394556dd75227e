//! ESME_RTHROTTLED from us: `messages_per_sec` and `burst` of an account, in everything that submits.

use wasmsc_smpp::{Body, CommandStatus, DataSm, Destination, Npi, QuerySm, SubmitMulti, Tlv, Ton, tlv::tag};

use super::peer::{octets, sm_resp};
use super::site::{DEVICE, NUMBER, Plan, mo, mt, read, receipt};

const ESME_ROK: CommandStatus = CommandStatus::ESME_ROK;
const ESME_RTHROTTLED: CommandStatus = CommandStatus::ESME_RTHROTTLED;
const SLOWEST: &str = "messages_per_sec = 1\nburst = 3";

fn data_sm() -> Body {
    let mut data = DataSm {
        source_addr: octets(NUMBER),
        dest_addr_ton: Ton::INTERNATIONAL,
        destination_addr: octets(DEVICE),
        ..DataSm::default()
    };
    data.tlvs.push(Tlv { tag: tag::MESSAGE_PAYLOAD, value: octets("by data sm") });
    Body::DataSm(data)
}

fn submit_multi(count: usize) -> Body {
    let address =
        |n| Destination::Address { ton: Ton::INTERNATIONAL, npi: Npi::ISDN, address: format!("4670000000{n}").into() };
    Body::SubmitMulti(SubmitMulti {
        source_addr: octets(NUMBER),
        dest_addresses: (1..=count).map(address).collect(),
        short_message: octets("to many"),
        ..SubmitMulti::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn above_the_burst_every_submission_is_throttled_and_every_other_request_is_served() {
    let site = Plan::network().app(SLOWEST).start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let query = Body::QuerySm(QuerySm { message_id: octets("0000000000000001"), ..QuerySm::default() });
    // In one go: the server reads them at one moment.
    let asked = [
        (Body::SubmitSm(mt("first")), ESME_ROK),
        (Body::SubmitSm(mt("second")), ESME_ROK),
        (data_sm(), ESME_ROK),
        (data_sm(), ESME_RTHROTTLED),
        (query, CommandStatus::ESME_RINVMSGID),
        (Body::SubmitSm(mt("too many")), ESME_RTHROTTLED),
        (submit_multi(2), CommandStatus::ESME_RSUBMITFAIL),
    ];
    let (bodies, expected): (Vec<Body>, Vec<CommandStatus>) = asked.into_iter().unzip();
    let mut statuses = Vec::new();
    let mut unsuccess = Vec::new();
    for number in app.send_all(bodies).await {
        let (status, body) = app.response(number).await;
        statuses.push(status);
        if let Body::SubmitMultiResp(resp) = body {
            unsuccess.extend(resp.unsuccess.into_iter().map(|one| one.error_status_code));
        }
    }
    assert_eq!(statuses, expected);
    assert_eq!(unsuccess, [ESME_RTHROTTLED; 2]);
    for text in ["first", "second", "by data sm"] {
        assert_eq!(read(&sim.take().await), text);
    }
    // The bind is as good as before, both ways.
    sim.submitted(mo("up")).await;
    assert_eq!(read(&app.take().await), "up");
    app.barrier().await;
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_destination_of_a_submit_multi_is_charged() {
    let site = Plan::network().app(SLOWEST).start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let (status, body) = app.ask(submit_multi(5)).await;
    assert_eq!(status, ESME_ROK, "some were accepted");
    let Body::SubmitMultiResp(resp) = body else { panic!("{body:?}") };
    let mut refused: Vec<_> = resp.unsuccess.iter().map(|one| (&one.address[..], one.error_status_code)).collect();
    refused.sort_unstable_by_key(|(address, _)| *address);
    assert_eq!(refused, [(&b"46700000004"[..], ESME_RTHROTTLED), (b"46700000005", ESME_RTHROTTLED)]);
    let mut reached = Vec::new();
    for _ in 0..3 {
        reached.push(sim.take().await.destination_addr);
    }
    reached.sort();
    assert_eq!(reached, ["46700000001", "46700000002", "46700000003"].map(octets));
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_is_throttled_as_well_but_its_receipts_are_not() {
    let site = Plan::network().sim(SLOWEST).sim("sends_receipts = true").start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let mut bodies: Vec<Body> = ["one", "two", "three", "four"].map(|text| Body::SubmitSm(mo(text))).into();
    bodies.extend((0..5).map(|n| Body::SubmitSm(receipt(&format!("n{n}"), "DELIVRD"))));
    let mut statuses = Vec::new();
    for number in sim.send_all(bodies).await {
        statuses.push(sm_resp(sim.response(number).await).0);
    }
    let mut expected = vec![ESME_ROK; 9];
    expected[3] = ESME_RTHROTTLED;
    assert_eq!(statuses, expected);
    for text in ["one", "two", "three"] {
        assert_eq!(read(&app.take().await), text);
    }
    site.end((app, sim)).await;
}
