//! Octets that are no SMPP, and SMPP that makes no sense.

use super::house::{DEVICE, House, NUMBER};
use super::peer::*;

/// More virtual memory than this only a buffer of the announced size takes.
const VIRTUAL_GROWTH_MAX: u64 = 1 << 30;

/// Before a bind and after it, `octets` are refused with sequence number 0, the link is closed, and no memory
/// was taken for what they announce.
async fn refuses(octets: &[u8]) {
    let house = House::new().await;
    let before = virtual_octets();
    for is_bound in [false, true] {
        let mut peer = if is_bound { house.network().await } else { house.connect().await };
        peer.write(octets).await;
        assert_eq!(peer.read().await.header(), (GENERIC_NACK, ESME_RINVCMDLEN, 0));
        peer.expect_closed().await;
    }
    let growth = virtual_octets().saturating_sub(before);
    assert!(growth < VIRTUAL_GROWTH_MAX, "{growth} octets");
    house.ends_well().await;
}

/// Address space of this process.
fn virtual_octets() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages: u64 = statm.split(' ').next().and_then(|n| n.parse().ok()).expect("a number comes first");
    pages * 4096
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_refused() {
    let garbage: Vec<u8> = (0..40_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8 | 0x80).collect();
    refuses(&garbage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_on_the_smpp_port_is_refused() {
    refuses(b"GET / HTTP/1.1\r\nHost: wasmsc\r\n\r\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn command_length_0_is_refused() {
    refuses(&[0; 16]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn command_length_15_is_refused() {
    refuses(&[0, 0, 0, 15, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn command_length_of_4_gib_is_refused() {
    refuses(&[0xFF, 0xFF, 0xFF, 0xFF]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn command_length_above_the_limit_is_refused() {
    refuses(&[0x00, 0x02, 0x00, 0x01]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_the_garbage_is_served() {
    let house = House::new().await;
    let mut application = house.application().await;
    let mut network = house.network().await;
    let octets = [enquire_link(7), submit_sm(8, DEVICE, NUMBER, "before"), vec![0; 16]].concat();
    network.write(&octets).await;
    assert_eq!(network.read().await.header(), (ENQUIRE_LINK | RESP, ESME_ROK, 7));
    assert_eq!(application.take().await, "before");
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_command_gets_generic_nack_and_the_link_lives() {
    let house = House::new().await;
    let mut application = house.application().await;
    let mut network = house.network().await;
    for (command_id, sequence_number) in [(0x0000_0122, 77), (0x7FFF_FFFF, 0x7FFF_FFFF), (0x8000_0199, 0)] {
        network.write(&pdu(command_id, 0, sequence_number, b"whatever")).await;
        assert_eq!(network.read().await.header(), (GENERIC_NACK, ESME_RINVCMDID, sequence_number));
    }
    assert_eq!(network.submit(DEVICE, NUMBER, "after").await, ESME_ROK);
    assert_eq!(application.take().await, "after");
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_body_gets_one_response_and_the_link_lives() {
    let house = House::new().await;
    let mut application = house.application().await;
    let mut network = house.network().await;
    let good = submit_sm(0, DEVICE, NUMBER, "text")[16..].to_vec();
    let endless = vec![b'4'; 300];
    // Nothing; cut within an address; sm_length beyond the end; an address without an end.
    let bodies = [&good[..0], &good[..9], &good[..good.len() - 1], &endless[..]];
    for (sequence_number, body) in (10..).zip(bodies) {
        network.write(&pdu(SUBMIT_SM, 0, sequence_number, body)).await;
        let response = network.read().await;
        assert_eq!((response.command_id, response.sequence_number), (SUBMIT_SM | RESP, sequence_number), "{body:?}");
        assert_ne!(response.command_status, ESME_ROK, "{body:?}");
        network.expect_alive().await;
    }
    assert_eq!(network.submit(DEVICE, NUMBER, "after").await, ESME_ROK);
    assert_eq!(application.take().await, "after");
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_to_nothing_are_ignored() {
    let house = House::new().await;
    let mut network = house.network().await;
    let nack = pdu(GENERIC_NACK, ESME_RINVCMDID, 5, &[]);
    let octets = [deliver_sm_resp(1, ESME_ROK), pdu(ENQUIRE_LINK | RESP, 0, 9, &[]), nack].concat();
    network.write(&octets).await;
    network.write(&pdu(SUBMIT_SM | RESP, 0, 1, b"id\0")).await;
    network.expect_alive().await;
    house.ends_well().await;
}
