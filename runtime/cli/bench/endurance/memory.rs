//! `wasmsc bench --endurance N`: whether the server's memory stays flat over many messages.

use anyhow::Context as _;

use crate::cli::bench::measure::{Running, Until};
use crate::cli::bench::scenario::{Scenario, Variant};
use crate::cli::bench::server::Setup;
use crate::clock;

const STEP_MESSAGES: u64 = 100_000;
/// Caches fill in the first fifth; what counts is growth after that.
const SETTLED_AFTER: f64 = 0.2;
/// Growth that allocators and a store's cache show without a leak.
const GROWTH_MAX: f64 = 1.15;

/// Prints a line per 100,000 messages; true when memory stayed flat.
pub async fn run(setup: &Setup, messages: u64, devices: u32) -> anyhow::Result<bool> {
    let scenario = Scenario { variant: Variant::Full, binds: 4, window: 64, rate: 0.0 };
    let mut running = Running::start(setup, &scenario, devices)?;
    println!("{:>12}{:>10}{:>10}{:>12}{:>10}", "messages", "msg/s", "RSS MiB", "peak MiB", "p99 ms");
    let (mut done, mut sizes) = (0, Vec::new());
    while done < messages {
        let started = clock::instant();
        let tally = running.run(Until::Answers(STEP_MESSAGES.min(messages - done))).await?;
        let per_sec = tally.answers as f64 / clock::instant().saturating_duration_since(started).as_secs_f64();
        done += tally.answers;
        let usage = running.server.usage()?;
        let (rss_mib, peak_mib) = (usage.rss_kib as f64 / 1024.0, usage.rss_peak_kib as f64 / 1024.0);
        let p99_ms = tally.answer_latency.percentile(99.0).as_secs_f64() * 1e3;
        println!("{done:>12}{per_sec:>10.0}{rss_mib:>10.1}{peak_mib:>12.1}{p99_ms:>10.2}");
        sizes.push(rss_mib);
    }
    let unanswered = running.stop().await?;
    let (settled, last) = growth(&sizes).context("nothing was measured")?;
    let is_flat = last <= settled * GROWTH_MAX;
    let word = if is_flat { "flat" } else { "GROWING" };
    println!("RSS after the first fifth {settled:.1} MiB, at the end {last:.1} MiB: {word}; {unanswered} unanswered");
    Ok(is_flat && unanswered == 0)
}

/// The size after the first fifth, and the last one.
fn growth(sizes: &[f64]) -> Option<(f64, f64)> {
    let settled = ((sizes.len() as f64 * SETTLED_AFTER) as usize).min(sizes.len().checked_sub(1)?);
    Some((sizes[settled], *sizes.last()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_leaves_out_the_first_fifth() {
        assert_eq!(growth(&[10.0, 20.0, 30.0, 30.0, 31.0]), Some((20.0, 31.0)));
        assert_eq!(growth(&[10.0]), Some((10.0, 10.0)));
        assert_eq!(growth(&[]), None);
    }
}
