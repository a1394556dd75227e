//! Who may bind, and what may be asked for in which state (SMPP 3.4 §2.2).

use super::house::{DEVICE, House, NUMBER};
use super::peer::*;

#[tokio::test(flavor = "multi_thread")]
async fn wrong_password_is_refused_and_the_link_closed() {
    let house = House::new().await;
    let mut application = house.application().await;
    for password in ["", "wrong", "secreT", "secret1"] {
        let mut peer = house.connect().await;
        // What is pipelined behind the bind must not count.
        let octets = [bind(BIND_TRANSCEIVER, 9, "sim", password), submit_sm(10, DEVICE, NUMBER, "stolen")].concat();
        peer.write(&octets).await;
        assert_eq!(peer.read().await.header(), (BIND_TRANSCEIVER | RESP, ESME_RINVPASWD, 9));
        peer.expect_closed().await;
    }
    application.expect_alive().await;
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_system_id_is_refused_and_the_link_closed() {
    let house = House::new().await;
    for (mode, system_id) in [(BIND_TRANSCEIVER, "nobody"), (BIND_RECEIVER, ""), (BIND_TRANSMITTER, "SIM")] {
        let mut peer = house.connect().await;
        peer.write(&bind(mode, 1, system_id, "secret")).await;
        assert_eq!(peer.read().await.header(), (mode | RESP, ESME_RINVSYSID, 1));
        peer.expect_closed().await;
    }
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn second_bind_is_refused_and_the_first_lives() {
    let house = House::new().await;
    let mut application = house.application().await;
    let mut network = house.network().await;
    for (mode, system_id, password) in
        [(BIND_TRANSCEIVER, "sim", "secret"), (BIND_RECEIVER, "app", "secret"), (BIND_TRANSMITTER, "sim", "wrong")]
    {
        network.write(&bind(mode, 5, system_id, password)).await;
        assert_eq!(network.read().await.header(), (mode | RESP, ESME_RALYBND, 5));
    }
    assert_eq!(network.submit(DEVICE, NUMBER, "up").await, ESME_ROK, "it is the network still");
    assert_eq!(application.take().await, "up");
    assert_eq!(application.submit(NUMBER, DEVICE, "down").await, ESME_ROK);
    assert_eq!(network.take().await, "down");
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn submit_before_bind_is_refused() {
    let house = House::new().await;
    let mut application = house.application().await;
    let mut peer = house.connect().await;
    peer.write(&submit_sm(3, DEVICE, NUMBER, "early")).await;
    assert_eq!(peer.read().await.header(), (SUBMIT_SM | RESP, ESME_RINVBNDSTS, 3));
    peer.write(&bind(BIND_TRANSCEIVER, 4, "sim", "secret")).await;
    assert_eq!(peer.read().await.header(), (BIND_TRANSCEIVER | RESP, ESME_ROK, 4));
    assert_eq!(peer.submit(DEVICE, NUMBER, "in time").await, ESME_ROK);
    assert_eq!(application.take().await, "in time");
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receiver_that_submits_is_refused_and_still_receives() {
    let house = House::new().await;
    let mut application = house.application().await;
    let mut receiver = Peer::bound(house.smpp, BIND_RECEIVER, "sim").await;
    receiver.write(&submit_sm(3, DEVICE, NUMBER, "up")).await;
    assert_eq!(receiver.read().await.header(), (SUBMIT_SM | RESP, ESME_RINVBNDSTS, 3));
    application.expect_alive().await;
    assert_eq!(application.submit(NUMBER, DEVICE, "down").await, ESME_ROK);
    assert_eq!(receiver.take().await, "down");
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn enquire_link_is_answered_before_bind() {
    let house = House::new().await;
    let mut peer = house.connect().await;
    peer.expect_alive().await;
    peer.write(&bind(BIND_TRANSCEIVER, 2, "sim", "secret")).await;
    assert_eq!(peer.read().await.header(), (BIND_TRANSCEIVER | RESP, ESME_ROK, 2));
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused_by_source_and_by_destination() {
    let house = House::new().await;
    let mut application = house.application().await;
    let mut network = house.network().await;
    assert_eq!(network.submit("49170000001", NUMBER, "from a stranger").await, ESME_RINVSRCADR);
    assert_eq!(network.submit("46730000001", NUMBER, "from another customer's").await, ESME_RINVSRCADR);
    assert_eq!(network.submit(DEVICE, "7999", "to nobody").await, ESME_RINVDSTADR);
    assert_eq!(application.submit("7002", DEVICE, "as another customer").await, ESME_RINVSRCADR);
    assert_eq!(application.submit(NUMBER, "46730000001", "to another customer's").await, ESME_RINVDSTADR);
    network.expect_alive().await;
    application.expect_alive().await;
    house.ends_well().await;
}
