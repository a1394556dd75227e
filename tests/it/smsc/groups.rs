//! The messages of one submit_multi go by one message_id: what query_sm, cancel_sm and replace_sm do to them.

use wasmsc_smpp::receipt::MessageState;
use wasmsc_smpp::{
    Body, CancelSm, CommandStatus, Destination, Npi, QuerySm, RegisteredDelivery, ReplaceSm, SubmitMulti, Ton,
};

use super::peer::{Peer, octets, sm_resp};
use super::site::{NUMBER, Plan, read, receipt_words};

const ESME_ROK: CommandStatus = CommandStatus::ESME_ROK;
const FIRST: &str = "46700000001";
const SECOND: &str = "46700000002";
const THIRD: &str = "46700000003";

fn multi(to: &[&str], text: &str) -> SubmitMulti {
    let address =
        |digits: &str| Destination::Address { ton: Ton::INTERNATIONAL, npi: Npi::ISDN, address: octets(digits) };
    SubmitMulti {
        source_addr: octets(NUMBER),
        dest_addresses: to.iter().map(|digits| address(digits)).collect(),
        short_message: octets(text),
        ..SubmitMulti::default()
    }
}

async fn submitted(app: &mut Peer, registered_delivery: u8) -> String {
    let all = multi(&[FIRST, SECOND, THIRD], "to many");
    let multi = SubmitMulti { registered_delivery: RegisteredDelivery(registered_delivery), ..all };
    let (status, id) = sm_resp(app.ask(Body::SubmitMulti(multi)).await);
    assert_eq!(status, ESME_ROK);
    id
}

async fn state(app: &mut Peer, id: &str) -> MessageState {
    let query = QuerySm { message_id: octets(id), source_addr: octets(NUMBER), ..QuerySm::default() };
    match app.ask(Body::QuerySm(query)).await {
        (ESME_ROK, Body::QuerySmResp(resp)) => {
            assert_eq!(resp.message_id, octets(id));
            MessageState::from_octet(resp.message_state).expect("a state of the specification")
        }
        other => panic!("{other:?}"),
    }
}

async fn cancelled(app: &mut Peer, id: &str, destination: &str) -> CommandStatus {
    let cancel = CancelSm {
        message_id: octets(id),
        source_addr: octets(NUMBER),
        dest_addr_ton: Ton::INTERNATIONAL,
        destination_addr: octets(destination),
        ..CancelSm::default()
    };
    app.ask(Body::CancelSm(cancel)).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn query_tells_of_the_destination_that_is_furthest_from_delivered() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    let id = submitted(&mut app, 0).await;
    let mut sim = site.sim().await;
    // All are under way; the second one fails, the others arrive.
    let mut numbers = Vec::new();
    for _ in 0..3 {
        numbers.push(sim.next_sm().await);
    }
    for (number, sm) in numbers {
        assert_eq!(state(&mut app, &id).await, MessageState::Enroute);
        let status = if sm.destination_addr == SECOND { CommandStatus::ESME_RINVDSTADR } else { ESME_ROK };
        sim.answer(number, status, "").await;
    }
    sim.barrier().await;
    assert_eq!(state(&mut app, &id).await, MessageState::Undeliverable);
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancel_ends_all_that_wait_or_the_one_destination_that_it_names() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    let id = submitted(&mut app, 1).await;
    assert_eq!(cancelled(&mut app, &id, SECOND).await, ESME_ROK);
    let receipt = app.take().await;
    assert_eq!((receipt_words(&receipt), receipt.source_addr), ((id.clone(), "DELETED".into()), octets(SECOND)));
    assert_eq!(state(&mut app, &id).await, MessageState::Enroute, "two still wait");
    assert_eq!(cancelled(&mut app, &id, SECOND).await, CommandStatus::ESME_RCANCELFAIL);
    assert_eq!(cancelled(&mut app, &id, "46700000009").await, CommandStatus::ESME_RINVMSGID);
    assert_eq!(cancelled(&mut app, &id, "").await, ESME_ROK);
    let mut gone = [app.take().await.source_addr, app.take().await.source_addr];
    gone.sort();
    assert_eq!(gone, [FIRST, THIRD].map(octets));
    assert_eq!(state(&mut app, &id).await, MessageState::Deleted);
    let mut sim = site.sim().await;
    let other = submitted(&mut app, 0).await;
    assert_ne!(other, id);
    assert_eq!(read(&sim.take().await), "to many", "nothing of the first is left before it");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replace_gives_every_one_that_waits_the_new_text() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    let id = submitted(&mut app, 0).await;
    assert_eq!(cancelled(&mut app, &id, FIRST).await, ESME_ROK);
    let replace = ReplaceSm {
        message_id: octets(&id),
        source_addr: octets(NUMBER),
        short_message: octets("better"),
        ..ReplaceSm::default()
    };
    assert_eq!(app.ask(Body::ReplaceSm(replace)).await.0, ESME_ROK);
    let mut sim = site.sim().await;
    let got = [sim.take().await, sim.take().await];
    assert_eq!(got.each_ref().map(read), ["better", "better"]);
    let mut reached = got.map(|sm| sm.destination_addr);
    reached.sort();
    assert_eq!(reached, [SECOND, THIRD].map(octets));
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_in_one_read_have_ids_of_their_own_also_when_the_first_destination_of_the_second_is_refused() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    let mut both = [multi(&[FIRST, SECOND], "one"), multi(&[FIRST, SECOND], "two")];
    both[1].dest_addresses[0] = Destination::DistributionList(octets("friends"));
    let mut ids = Vec::new();
    for number in app.send_all(both.map(Body::SubmitMulti)).await {
        let (status, id) = sm_resp(app.response(number).await);
        assert_eq!(status, ESME_ROK);
        ids.push(id);
    }
    assert_ne!(ids[0], ids[1]);
    let mut sim = site.sim().await;
    let mut got = Vec::new();
    for _ in 0..3 {
        let sm = sim.take().await;
        got.push((read(&sm), sm.destination_addr));
    }
    got.sort();
    let expected = [("one", FIRST), ("one", SECOND), ("two", SECOND)];
    assert_eq!(got, expected.map(|(text, to)| (text.to_owned(), octets(to))));
    site.end((app, sim)).await;
}
