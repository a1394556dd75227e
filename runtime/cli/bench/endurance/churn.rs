//! `--endurance churn`: peers that come and go, most of them rudely, while one well-behaved bind goes on.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::task::JoinSet;
use wasmsc_smpp::Body;

use super::peer::{self, Peer};
use crate::cli::bench::server::{Extras, Server, Setup};
use crate::cli::simulate::numbers::Numbers;
use crate::clock;

/// A wrong password is one of the cycles, so nobody is banned for it.
const EXTRAS: Extras =
    Extras { smpp: "session_init_timeout_secs = 2\nban = { after_failures = 0 }", tables: "", log: "error" };
/// Peers that come and go at once.
const VISITORS: u8 = 16;
/// Of these, visitors that never bind and wait for the server to lose patience.
const SITTERS: u8 = 4;
const LINE_EVERY: Duration = Duration::from_secs(10);
/// The memory is flat when it grew by less in the second half.
const GROWTH_MAX_MIB: f64 = 5.0;
/// Devices whose state the rule keeps: few, so that rows are no growth.
const DEVICES: u32 = 100;

/// What a visitor does.
#[derive(Debug, Clone, Copy)]
enum Cycle {
    BindAndUnbind,
    ConnectAndLeave,
    HalfABind,
    HalfASubmit,
    WrongPassword,
    /// Closes while the response to its MO lies unread: a reset.
    UnreadResponse,
    /// Resets the connection right behind an MO.
    Reset,
    /// Binds never; the server closes.
    Sit,
}

const CYCLES: [Cycle; 7] = [
    Cycle::BindAndUnbind,
    Cycle::ConnectAndLeave,
    Cycle::HalfABind,
    Cycle::HalfASubmit,
    Cycle::WrongPassword,
    Cycle::UnreadResponse,
    Cycle::Reset,
];

/// What all visitors share.
struct Visit {
    address: String,
    numbers: Numbers,
    until: Instant,
    cycles: AtomicU64,
}

pub async fn run(setup: Setup, duration: Duration) -> anyhow::Result<bool> {
    let server = Server::start(&Setup { extras: EXTRAS, ..setup })?;
    let start = server.usage()?;
    let started = clock::instant();
    println!("{:>8}{:>10}{:>14}{:>12}{:>10}{:>8}", "seconds", "RSS MiB", "descriptors", "cycles", "per s", "CPU %");
    println!("{:>8}{:>10.1}{:>14}", 0, start.rss_mib(), start.descriptors);
    let visit = Arc::new(Visit {
        address: server.address.clone(),
        numbers: Numbers::new("+46700", DEVICES)?,
        until: started + duration,
        cycles: AtomicU64::new(0),
    });
    let mut visitors = JoinSet::new();
    for number in 0..VISITORS {
        visitors.spawn(visitor(visit.clone(), number));
    }
    visitors.spawn(resident(visit.clone()));

    let mut sizes = Vec::new();
    let (mut before, mut cycles_before) = (start, 0);
    while clock::instant() < visit.until {
        let line_at = (clock::instant() + LINE_EVERY).min(visit.until);
        while clock::instant() < line_at {
            tokio::select! {
                () = tokio::time::sleep_until(line_at.into()) => {}
                Some(ended) = visitors.join_next() => ended?.with_context(|| server.log_tail())?,
            }
        }
        let (usage, cycles) = (server.usage()?, visit.cycles.load(Ordering::Relaxed));
        let per_sec = (cycles - cycles_before) as f64 / LINE_EVERY.as_secs_f64();
        let cpu = (usage.cpu_secs - before.cpu_secs) / LINE_EVERY.as_secs_f64() * 100.0;
        let seconds = started.elapsed().as_secs();
        let (rss_mib, descriptors) = (usage.rss_mib(), usage.descriptors);
        println!("{seconds:>8}{rss_mib:>10.1}{descriptors:>14}{cycles:>12}{per_sec:>10.0}{cpu:>8.0}");
        sizes.push(rss_mib);
        (before, cycles_before) = (usage, cycles);
    }
    while let Some(ended) = visitors.join_next().await {
        ended?.with_context(|| server.log_tail())?;
    }
    let descriptors = super::descriptors_back_at(&server, start.descriptors).await?;
    Ok(verdict(&sizes, (start.descriptors, descriptors)))
}

fn verdict(sizes: &[f64], (start, end): (usize, usize)) -> bool {
    let growth = second_half_growth(sizes);
    let is_flat = growth < GROWTH_MAX_MIB;
    let word = if is_flat { "flat" } else { "GROWING" };
    println!("RSS grew by {growth:.1} MiB in the second half (flat: below {GROWTH_MAX_MIB}): {word}");
    let are_back = end <= start;
    let word = if are_back { "back" } else { "LEFT OVER" };
    println!("descriptors {start} at the start, {end} at the end: {word}");
    is_flat && are_back
}

/// The last size against the one half-way.
fn second_half_growth(sizes: &[f64]) -> f64 {
    let half_way = sizes.get(sizes.len().saturating_sub(1) / 2).copied().unwrap_or_default();
    sizes.last().map_or(0.0, |last| last - half_way)
}

/// Visits until the time is up.
async fn visitor(visit: Arc<Visit>, number: u8) -> anyhow::Result<()> {
    let from = Ipv4Addr::new(127, 0, 1, 1 + number);
    for count in usize::from(number).. {
        if clock::instant() >= visit.until {
            break;
        }
        let cycle = if number < SITTERS { Cycle::Sit } else { CYCLES[count % CYCLES.len()] };
        let device = visit.numbers.of(count as u32 % DEVICES);
        act(cycle, &visit.address, from, device).await.with_context(|| format!("{cycle:?}"))?;
        visit.cycles.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

async fn act(cycle: Cycle, address: &str, from: Ipv4Addr, device: Vec<u8>) -> anyhow::Result<()> {
    let mut peer = Peer::connect(address, from).await?;
    match cycle {
        Cycle::ConnectAndLeave => {}
        Cycle::Sit => peer.until_closed().await?,
        Cycle::HalfABind => peer.send_half(peer::bind("sim", "secret")).await?,
        Cycle::WrongPassword => {
            let status = peer.bind("sim", "wrong").await?;
            ensure!(!status.is_ok(), "bound with a wrong password");
            peer.until_closed().await?;
        }
        Cycle::BindAndUnbind => {
            bound(&mut peer).await?;
            peer.unbind().await?;
        }
        Cycle::HalfASubmit => {
            bound(&mut peer).await?;
            peer.send_half(peer::mo(device)).await?;
        }
        Cycle::UnreadResponse => {
            bound(&mut peer).await?;
            peer.send(peer::mo(device)).await?;
            peer.has_unread().await?;
        }
        Cycle::Reset => {
            bound(&mut peer).await?;
            peer.send(peer::mo(device)).await?;
            peer.reset()?;
        }
    }
    Ok(())
}

async fn bound(peer: &mut Peer) -> anyhow::Result<()> {
    let status = peer.bind("sim", "secret").await?;
    ensure!(status.is_ok(), "bind refused: {status}");
    Ok(())
}

/// A bind that stays and answers everything: it gets the MTs that the others run away from.
async fn resident(visit: Arc<Visit>) -> anyhow::Result<()> {
    let mut peer = Peer::connect(&visit.address, Ipv4Addr::LOCALHOST).await?;
    bound(&mut peer).await?;
    while clock::instant() < visit.until {
        let response = peer.ask(peer::mo(visit.numbers.of(0))).await.context("the bind that stays")?;
        if !response.command_status.is_ok() {
            bail!("the bind that stays: MO refused: {}", response.command_status);
        }
        peer.ask(Body::EnquireLink).await.context("the bind that stays")?;
        tokio::time::sleep(super::LOOK_EVERY).await;
    }
    ensure!(peer.delivered > 0, "the bind that stays got no MT");
    peer.unbind().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_that_of_the_second_half() {
        assert_eq!(second_half_growth(&[10.0, 30.0, 40.0, 41.0, 42.0]), 2.0);
        assert_eq!(second_half_growth(&[10.0]), 0.0);
        assert_eq!(second_half_growth(&[]), 0.0);
    }
}
