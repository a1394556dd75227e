//! What becomes of an MT when its network is absent, shares it, drops it, refuses it or says nothing.
//!
//! That nothing comes twice is shown by a last MT: it is all that comes.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use wasmsc::clock;

use super::house::{DEVICE, House, NUMBER};
use super::peer::*;

/// Pause before a message is tried again for the first time.
const BACK_OFF: Duration = Duration::from_secs(1);

/// MTs of the application, acknowledged; their texts.
async fn submit(house: &House, count: usize) -> BTreeSet<String> {
    let mut application = house.application().await;
    let texts: Vec<String> = (0..count).map(|n| format!("text {n}")).collect();
    let pdus: Vec<Vec<u8>> = (1..).zip(&texts).map(|(n, text)| submit_sm(n, NUMBER, DEVICE, text)).collect();
    let responses = application.write_and_read(&pdus.concat(), count).await;
    assert!(responses.iter().all(|response| response.command_status == ESME_ROK));
    texts.into_iter().collect()
}

/// No further copy of anything waits: of a new MT and an old one, the old one would come first.
async fn expect_nothing_else(house: &House, network: &mut Peer) {
    assert_eq!(house.application().await.submit(NUMBER, DEVICE, "last").await, ESME_ROK);
    assert_eq!(network.take().await, "last");
    network.expect_alive().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mts_wait_for_a_receiver() {
    let house = House::new().await;
    let texts = submit(&house, 600).await; // more than a window
    let mut receiver = Peer::bound(house.smpp, BIND_RECEIVER, "sim").await;
    let mut taken = BTreeSet::new();
    for _ in 0..texts.len() {
        taken.insert(receiver.take().await);
    }
    assert_eq!(taken, texts);
    expect_nothing_else(&house, &mut receiver).await;
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transmitter_gets_no_mts() {
    let house = House::new().await;
    let mut transmitter = Peer::bound(house.smpp, BIND_TRANSMITTER, "sim").await;
    submit(&house, 1).await;
    transmitter.expect_alive().await;
    assert_eq!(house.network().await.take().await, "text 0");
    transmitter.expect_alive().await;
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_binds_share_mts_with_none_lost_or_doubled() {
    const COUNT: usize = 2_000;
    let house = House::new().await;
    let (sender, mut texts) = mpsc::unbounded_channel();
    let mut binds = JoinSet::new();
    for index in 0..2 {
        let (mut network, sender) = (house.network().await, sender.clone());
        binds.spawn(async move { while sender.send((index, network.take().await)).is_ok() {} });
    }
    let submitted = submit(&house, COUNT).await;
    let mut taken = [Vec::new(), Vec::new()];
    for _ in 0..COUNT {
        let (index, text): (usize, String) = texts.recv().await.expect("the binds live");
        taken[index].push(text);
    }
    assert!(taken.iter().all(|texts| !texts.is_empty()), "{} and {}", taken[0].len(), taken[1].len());
    assert_eq!(taken.concat().into_iter().collect::<BTreeSet<_>>(), submitted);
    binds.shutdown().await;
    let mut one = house.network().await;
    expect_nothing_else(&house, &mut one).await;
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mts_without_response_come_again_when_the_bind_drops() {
    let house = House::new().await;
    let mut texts = submit(&house, 10).await;
    let mut network = house.network().await;
    for n in 0..10 {
        let delivery = network.read().await;
        if n == 4 {
            network.write(&deliver_sm_resp(delivery.sequence_number, ESME_ROK)).await;
            texts.remove(&delivery.text());
        }
    }
    network.expect_alive().await; // the response was read
    drop(network);
    let mut network = house.network().await;
    let mut again = BTreeSet::new();
    for _ in 0..9 {
        again.insert(network.take().await);
    }
    assert_eq!(again, texts);
    expect_nothing_else(&house, &mut network).await;
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_refusal_brings_the_mt_again_after_a_pause_and_permanent_refusal_does_not() {
    let house = House::new().await;
    let mut network = house.network().await;
    submit(&house, 2).await;
    let (first, second) = (network.read().await, network.read().await);
    network.write(&deliver_sm_resp(first.sequence_number, ESME_RX_P_APPN)).await;
    let refused_at = clock::instant();
    network.write(&deliver_sm_resp(second.sequence_number, ESME_RX_T_APPN)).await;
    // Had the first come again, then before the second.
    assert_eq!(network.take().await, second.text());
    let pause = clock::instant() - refused_at;
    assert!(pause >= BACK_OFF, "it came again after {pause:?}");
    expect_nothing_else(&house, &mut network).await;
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn generic_nack_brings_the_mt_again() {
    let house = House::new().await;
    let mut network = house.network().await;
    submit(&house, 1).await;
    let delivery = network.read().await;
    network.write(&pdu(GENERIC_NACK, ESME_RINVCMDID, delivery.sequence_number, &[])).await;
    assert_eq!(network.take().await, delivery.text());
    expect_nothing_else(&house, &mut network).await;
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mt_without_response_in_time_comes_again_on_the_same_link() {
    let house = House::with(&[("response_timeout_secs", 1)]).await;
    let mut network = house.network().await;
    submit(&house, 1).await;
    let first = network.read().await;
    let second = network.read().await;
    assert_eq!(second.text(), first.text());
    assert_ne!(second.sequence_number, first.sequence_number);
    // Too late for the first, and in time for the second.
    network.write(&deliver_sm_resp(first.sequence_number, ESME_RX_P_APPN)).await;
    network.write(&deliver_sm_resp(second.sequence_number, ESME_ROK)).await;
    expect_nothing_else(&house, &mut network).await;
    house.ends_well().await;
}
