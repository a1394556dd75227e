//! `--endurance binds`: a thousand binds at once, each of them alive, and nothing left of them afterwards.

use std::net::Ipv4Addr;

use anyhow::{Context as _, ensure};
use tokio::task::JoinSet;
use wasmsc_smpp::Body;

use super::peer::{self, Peer};
use crate::cli::bench::procfs::Usage;
use crate::cli::bench::server::{Extras, Server, Setup};
use crate::cli::simulate::numbers::Numbers;
use crate::clock;

const BINDS: u32 = 1_000;
/// The binds are those of four accounts.
const ACCOUNTS: [&str; 4] = ["sim", "sim-b", "sim-c", "sim-d"];
const EXTRAS: Extras = Extras {
    smpp: "enquire_link_secs = 2",
    tables: r#"
[[account]]
system_id = "sim-b"
password = "secret"
role = "network"
routes = ["+46"]

[[account]]
system_id = "sim-c"
password = "secret"
role = "network"
routes = ["+46"]

[[account]]
system_id = "sim-d"
password = "secret"
role = "network"
routes = ["+46"]
"#,
    log: "warn",
};

pub async fn run(setup: Setup) -> anyhow::Result<bool> {
    let server = Server::start(&Setup { extras: EXTRAS, ..setup })?;
    println!("{:<44}{:>10}{:>10}{:>14}", "", "seconds", "RSS MiB", "descriptors");
    let start = server.usage()?;
    line("start", 0.0, &start);
    let numbers = Numbers::new("+46700", BINDS)?;

    let peers = (0..BINDS).map(|_| None).collect();
    let address = server.address.clone();
    let peers = phase(&server, "1000 bound", peers, move |index, _| {
        let address = address.clone();
        async move {
            let mut peer = Peer::connect(&address, Ipv4Addr::LOCALHOST).await?;
            let status = peer.bind(ACCOUNTS[index as usize % ACCOUNTS.len()], "secret").await?;
            ensure!(status.is_ok(), "bind refused: {status}");
            Ok(Some(peer))
        }
    })
    .await?;
    let peers = phase(&server, "each submitted an MO and got its response", peers, move |index, peer| {
        let mo = peer::mo(numbers.of(index));
        async move {
            let mut peer = peer.context("bound before")?;
            let response = peer.ask(mo).await?;
            ensure!(response.command_status.is_ok(), "MO refused: {}", response.command_status);
            Ok(Some(peer))
        }
    })
    .await?;
    let peers = phase(&server, "each was asked twice whether it is there", peers, |_, peer| async {
        let mut peer = peer.context("bound before")?;
        peer.until_enquired(2).await?;
        // PDUs are taken in order: an answer means that ours before it were taken.
        let response = peer.ask(Body::EnquireLink).await?;
        ensure!(response.command_status.is_ok(), "enquire_link: {}", response.command_status);
        Ok(Some(peer))
    })
    .await?;
    let delivered: u64 = peers.iter().flatten().map(|peer| peer.delivered).sum();
    phase(&server, "all unbound", peers, |_, peer| async {
        peer.context("bound before")?.unbind().await?;
        Ok(None)
    })
    .await?;

    let descriptors = super::descriptors_back_at(&server, start.descriptors).await?;
    let are_back = descriptors <= start.descriptors;
    let word = if are_back { "back" } else { "LEFT OVER" };
    println!("descriptors {} at the start, {descriptors} at the end: {word}", start.descriptors);
    println!("{delivered} MTs delivered, {} expected", BINDS);
    Ok(are_back && delivered == u64::from(BINDS))
}

/// Lets every peer do one thing, all at once, and prints what the server is like when all have done it.
async fn phase<F>(
    server: &Server,
    name: &str,
    peers: Vec<Option<Peer>>,
    act: impl Fn(u32, Option<Peer>) -> F,
) -> anyhow::Result<Vec<Option<Peer>>>
where
    F: Future<Output = anyhow::Result<Option<Peer>>> + Send + 'static,
{
    let started = clock::instant();
    let mut tasks = JoinSet::new();
    for (index, peer) in (0..).zip(peers) {
        let acting = act(index, peer);
        tasks.spawn(async move { acting.await.with_context(|| format!("bind {index}")) });
    }
    let mut after = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        after.push(ended?.with_context(|| server.log_tail())?);
    }
    line(name, started.elapsed().as_secs_f64(), &server.usage()?);
    Ok(after)
}

fn line(name: &str, seconds: f64, usage: &Usage) {
    println!("{name:<44}{seconds:>10.2}{:>10.1}{:>14}", usage.rss_mib(), usage.descriptors);
}
