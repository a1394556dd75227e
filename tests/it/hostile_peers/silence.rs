//! Peers that stop talking are closed by a timer; here each timer that is the subject is one second.

use std::time::Duration;

use wasmsc::clock;

use super::house::{DEVICE, House, NUMBER};
use super::peer::*;
use crate::support::PATIENCE;

/// The timers' second.
const TIMER: Duration = Duration::from_secs(1);

async fn half_a_pdu_is_closed(house: House, mut peer: Peer) {
    let start = clock::instant();
    peer.write(&submit_sm(1, DEVICE, NUMBER, "half")[..30]).await;
    peer.expect_closed().await;
    assert!(clock::instant() - start >= TIMER, "the rest may take its time");
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_pdu_and_silence_before_bind_is_closed() {
    let house = House::with(&[("response_timeout_secs", 1)]).await;
    let peer = house.connect().await;
    half_a_pdu_is_closed(house, peer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_pdu_and_silence_after_bind_is_closed() {
    let house = House::with(&[("response_timeout_secs", 1)]).await;
    let peer = house.network().await;
    half_a_pdu_is_closed(house, peer).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn octets_that_drip_do_not_keep_a_link() {
    let house = House::with(&[("response_timeout_secs", 1)]).await;
    let mut peer = house.network().await;
    let start = clock::instant();
    for octet in submit_sm(1, DEVICE, NUMBER, &"drip ".repeat(30)) {
        if peer.try_write(&[octet]).await.is_err() || peer.is_closed_within(Duration::from_millis(100)).await {
            break;
        }
    }
    let took = clock::instant() - start;
    assert!(took >= TIMER && took < PATIENCE, "closed after {took:?}");
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_never_bind_are_closed_and_others_bind_afterwards() {
    let house = House::with(&[("session_init_timeout_secs", 1)]).await;
    let mut idle = Vec::new();
    for _ in 0..500 {
        idle.push(house.connect().await);
    }
    for mut peer in idle {
        peer.expect_closed().await;
    }
    house.network().await.expect_alive().await;
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn enquire_link_does_not_keep_a_link_that_never_binds() {
    let house = House::with(&[("session_init_timeout_secs", 1)]).await;
    let mut peer = house.connect().await;
    let start = clock::instant();
    while clock::instant() - start < PATIENCE {
        if peer.try_write(&enquire_link(1)).await.is_err() || peer.read_unless_closed().await.is_none() {
            break;
        }
    }
    let took = clock::instant() - start;
    assert!(took < PATIENCE, "closed after {took:?}");
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_does_not_answer_enquire_link_is_closed() {
    let house = House::with(&[("enquire_link_secs", 1), ("response_timeout_secs", 1)]).await;
    let mut silent = house.network().await;
    assert_eq!(silent.read().await.command_id, ENQUIRE_LINK);
    silent.expect_closed().await;
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_answers_enquire_link_stays() {
    let house = House::with(&[("enquire_link_secs", 1), ("response_timeout_secs", 1)]).await;
    let mut quiet = house.network().await;
    for _ in 0..3 {
        let probe = quiet.read().await;
        assert_eq!(probe.command_id, ENQUIRE_LINK);
        quiet.write(&pdu(ENQUIRE_LINK | RESP, ESME_ROK, probe.sequence_number, &[])).await;
    }
    quiet.expect_alive().await;
    house.ends_well().await;
}
