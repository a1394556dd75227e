//! More than the server can take: of messages, of connections, or of patience with a peer that does not read.

use std::collections::BTreeSet;
use std::time::Duration;

use wasmsc::clock;

use super::house::{DEVICE, House, NUMBER};
use super::peer::*;
use crate::support::PATIENCE;

/// What a peer may cost, the test's own share included.
const MEMORY_GROWTH_MAX: u64 = 64 << 20;

/// What messages may cost that stay, of which 540 MB are offered: two layers of the store, its log buffer, and
/// what sled and the allocator take for them: 400 to 540 MiB by the speed of the disk, 1,305 MiB without bounds.
const STORED_MEMORY_GROWTH_MAX: u64 = 800 << 20;

/// Memory in octets, by a line of /proc/self/status. nextest gives each test a process of its own.
fn memory(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let value = status.lines().find_map(|l| l.strip_prefix(line)).expect("the line is there");
    let kib: u64 = value.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_pdus_behind_the_bind_are_all_answered_once() {
    const COUNT: u32 = 10_000;
    let house = House::new().await;
    let mut octets = bind(BIND_TRANSCEIVER, 0x7FFF_FFFF, "sim", "secret");
    (1..=COUNT).for_each(|n| octets.extend(submit_sm(n, DEVICE, NUMBER, &format!("text {n}"))));
    let mut peer = house.connect().await;
    let responses = peer.write_and_read(&octets, COUNT as usize + 1).await;
    assert_eq!(responses[0].header(), (BIND_TRANSCEIVER | RESP, ESME_ROK, 0x7FFF_FFFF));
    let answered = responses[1..].iter().map(|response| {
        assert_eq!((response.command_id, response.command_status), (SUBMIT_SM | RESP, ESME_ROK));
        response.sequence_number
    });
    assert_eq!(answered.collect::<BTreeSet<u32>>(), (1..=COUNT).collect());
    peer.expect_alive().await;
    let mut application = house.application().await;
    let mut taken = BTreeSet::new();
    for _ in 0..COUNT {
        taken.insert(application.take().await);
    }
    assert_eq!(taken, (1..=COUNT).map(|n| format!("text {n}")).collect());
    application.expect_alive().await;
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_above_the_limit_are_closed_at_once_and_earlier_ones_work() {
    // Two of them are the good peers.
    let house = House::with(&[("max_links", 4)]).await;
    let mut network = house.network().await;
    let mut application = house.application().await;
    for _ in 0..20 {
        house.connect().await.expect_closed().await;
    }
    assert_eq!(network.submit(DEVICE, NUMBER, "text").await, ESME_ROK);
    assert_eq!(application.take().await, "text");
    drop(network);
    place(&house).await;
    house.ends_well().await;
}

/// A connection that is served, as soon as there is a place for it. Not bound, it needs no care to stay.
async fn place(house: &House) -> Peer {
    let start = clock::instant();
    while clock::instant() - start < PATIENCE {
        let mut peer = house.connect().await;
        let is_asked = peer.try_write(&enquire_link(1)).await.is_ok();
        if is_asked && let Some(response) = peer.read_unless_closed().await {
            assert_eq!(response.header(), (ENQUIRE_LINK | RESP, ESME_ROK, 1));
            return peer;
        }
    }
    panic!("no place for a connection after {PATIENCE:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_never_reads_is_closed_costs_little_and_loses_nothing() {
    const MTS: u32 = 5_000;
    const MOS: u32 = 200_000;
    const CHUNK: u32 = 500;
    let house = House::with(&[("response_timeout_secs", 1)]).await;
    let mut application = house.application().await;
    let mts: Vec<Vec<u8>> = (1..=MTS).map(|n| submit_sm(n, NUMBER, DEVICE, &format!("text {n}"))).collect();
    application.write_and_read(&mts.concat(), MTS as usize).await;
    drop(application);
    let chunk: Vec<u8> = (1..=CHUNK).flat_map(|n| submit_sm(n, DEVICE, NUMBER, "flood")).collect();
    let before = memory("VmRSS:");
    let mut deaf = Peer::connect_with_small_buffer(house.smpp).await;
    deaf.write(&bind(BIND_TRANSCEIVER, 1, "sim", "secret")).await;
    let flood = async {
        let mut sent = 0;
        while deaf.try_write(&chunk).await.is_ok() {
            sent += CHUNK;
            assert!(sent <= 5 * MOS, "nobody stops a peer that does not read");
        }
        sent
    };
    let sent = tokio::time::timeout(6 * PATIENCE, flood).await.expect("the link is closed");
    let growth = memory("VmHWM:").saturating_sub(before);
    println!("the link was closed after about {sent} MOs; {} KiB more memory", growth / 1024);
    assert!(growth < MEMORY_GROWTH_MAX, "{growth} octets more memory after {sent} MOs");
    let mut network = house.network().await;
    let mut taken = BTreeSet::new();
    while taken.len() < MTS as usize {
        taken.insert(network.take().await);
    }
    house.ends_well().await;
}

/// Whatever a peer leaves unread, there is a time when the server has had enough. How much the kernel holds
/// before it is the server that holds the rest is not known, so a range is tried.
#[tokio::test(flavor = "multi_thread")]
async fn peer_that_reads_nothing_and_falls_silent_is_closed_however_little_it_left_unread() {
    const PEERS: usize = 48;
    const STEP: usize = 128 << 10;
    let settings = [("enquire_link_secs", 1), ("response_timeout_secs", 1), ("max_links", PEERS as u32 + 2)];
    let house = House::with(&settings).await;
    let mut deaf = Vec::new();
    for n in 0..PEERS {
        let mut peer = Peer::connect_with_small_buffer(house.smpp).await;
        peer.write(&bind(BIND_TRANSMITTER, 1, "sim", "secret")).await;
        let octets = enquire_link(1).repeat(n * STEP / 16);
        // Not read at the other end when enough is stuck: then it is closed in any case.
        let _ = tokio::time::timeout(Duration::from_millis(500), peer.try_write(&octets)).await;
        deaf.push(peer);
    }
    let mut places = Vec::new();
    for closed in 0..PEERS {
        println!("{closed} of {PEERS} were closed");
        places.push(place(&house).await);
    }
    drop((deaf, places));
    house.ends_well().await;
}

/// Bounds that count messages must not forget that one may have 64 KiB.
#[tokio::test(flavor = "multi_thread")]
async fn large_messages_that_nobody_takes_cost_little() {
    const COUNT: u32 = 9_000;
    let house = House::new().await;
    let mut application = house.application().await;
    let mut body = submit_sm(1, NUMBER, DEVICE, "")[16..].to_vec();
    body.extend([0x04, 0x24, 0xEA, 0x60]); // message_payload, 60,000 octets
    body.extend([b'x'; 60_000]);
    let before = memory("VmRSS:");
    for n in 0..COUNT / 50 {
        let pdus: Vec<Vec<u8>> = (1..=50).map(|m| pdu(SUBMIT_SM, 0, 50 * n + m, &body)).collect();
        let responses = application.write_and_read(&pdus.concat(), 50).await;
        // The disk may fall behind; then the peer is told, which is the point.
        assert!(responses.iter().all(|r| [ESME_ROK, ESME_RMSGQFUL].contains(&r.command_status)));
    }
    let growth = memory("VmHWM:").saturating_sub(before);
    println!("{} KiB more memory for {COUNT} messages of 60,000 octets", growth / 1024);
    assert!(growth < STORED_MEMORY_GROWTH_MAX, "{growth} octets more memory");
    house.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_ignore_unbind_do_not_keep_the_server_from_ending() {
    let house = House::new().await;
    let deaf = [house.network().await, house.application().await];
    let took = house.stop().await;
    assert!(took < PATIENCE, "it took {took:?}");
    drop(deaf);
}
