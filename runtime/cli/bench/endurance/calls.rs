//! `--endurance calls`: what a call of `hello` costs beside what the bare engine takes for it, in one process and in turns, so that
//! the ratio holds on whatever machine this is.
//!
//! First one plugin whose calls come one behind the other, then as many plugins as are asked for, each call going to another
//! one at random. Each plugin is a file and a mapping of its own. The bare engine is `plugin/bare.rs`; the host's
//! call is what `wasmsc plugin check` times: limits, deadline, what it reads and what it wants done, without a server around it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::cases::{BareRule, Beside, Timed, Trial};
use crate::cli::bench::server::{Folder, Setup};
use crate::clock;

const TEXT: &str = "COUNT";
const TURNS: usize = 5;
/// Of one plugin, in one turn.
const CALLS: usize = 5_000;
/// A trial had 7.7 us with the bare engine, and 38 us where every call went to another plugin. The goals were 12 and 60 us.
const ONE_GOAL: f64 = 12.0 / 7.7;
const MANY_GOAL: f64 = 60.0 / 38.0;

pub async fn run(setup: &Setup, plugins: u32) -> anyhow::Result<bool> {
    let rule = setup.rule.with_file_name("hello.wasm");
    let wasm = fs::read(&rule).with_context(|| format!("{}: build it with cargo xtask plugins", rule.display()))?;
    let beside = Beside::new(&wasm, TEXT)?;
    let folder = Folder::create_in(&setup.folder)?;
    let files = multiply(&folder.0, &beside.compile(&wasm)?, plugins)?;
    println!("{HEAD}");
    let one = hot(&beside, &files[0]).await?.print("one", ONE_GOAL);
    let many = rotating(&beside, &files).await?.print(&plugins.to_string(), MANY_GOAL);
    Ok(one && many)
}

fn multiply(folder: &Path, compiled: &[u8], plugins: u32) -> anyhow::Result<Vec<PathBuf>> {
    let files: Vec<PathBuf> = (0..plugins).map(|plugin| folder.join(format!("{plugin}.cwasm"))).collect();
    for file in &files {
        fs::write(file, compiled)?;
    }
    // Or the disk is busy with it meanwhile.
    rustix::fs::sync();
    Ok(files)
}

async fn hot(beside: &Beside, file: &Path) -> anyhow::Result<Both> {
    let rule = beside.open_bare(file)?;
    let trial = beside.open(file).await?;
    let timed = timed(&trial)?;
    let mut both = Both::default();
    for _ in 0..TURNS {
        let bare = times_bare(beside, std::iter::repeat_n(&rule, CALLS))?;
        both.add(bare, times(std::iter::repeat_n(&timed, CALLS)).await);
    }
    Ok(both)
}

/// As mappings are limited, the plugins of one are closed before those of the other are opened.
async fn rotating(beside: &Beside, files: &[PathBuf]) -> anyhow::Result<Both> {
    let mut both = Both::default();
    for _ in 0..TURNS {
        let order = shuffled(files.len());
        let rules = files.iter().map(|file| beside.open_bare(file)).collect::<Result<Vec<_>, _>>()?;
        let bare = times_bare(beside, order.iter().map(|index| &rules[*index]))?;
        drop(rules);
        let mut trials = Vec::with_capacity(files.len());
        for file in files {
            trials.push(beside.open(file).await?);
        }
        let all = trials.iter().map(timed).collect::<anyhow::Result<Vec<_>>>()?;
        both.add(bare, times(order.iter().map(|index| &all[*index])).await);
    }
    Ok(both)
}

fn timed(trial: &Trial) -> anyhow::Result<Timed<'_>> {
    trial.timed(TEXT)?.context("hello takes MOs")
}

fn times_bare<'a>(beside: &Beside, rules: impl Iterator<Item = &'a BareRule>) -> anyhow::Result<Vec<Duration>> {
    let timed = rules.map(|rule| {
        let started = clock::instant();
        let sent = beside.call_bare(rule)?;
        let took = started.elapsed();
        ensure!(sent == 1, "hello sent {sent} messages");
        Ok(took)
    });
    timed.collect()
}

async fn times<'a>(all: impl Iterator<Item = &'a Timed<'a>>) -> Vec<Duration> {
    let mut times = Vec::new();
    for timed in all {
        times.push(timed.call().await);
    }
    times
}

/// Every index once, in an order that no cache foresees (Fisher and Yates, with a small generator of its own).
fn shuffled(count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut drawn = 0x9E37_79B9_7F4A_7C15_u64;
    for last in (1..count).rev() {
        drawn = drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        order.swap(last, (drawn >> 33) as usize % (last + 1));
    }
    order
}

const HEAD: &str = "                    bare engine, us       host, us
plugins              p50        p99      p50       p99   ratio of p50";

/// Medians of the turns of each.
#[derive(Default)]
struct Both {
    bare: Vec<[f64; 2]>,
    host: Vec<[f64; 2]>,
}

impl Both {
    fn add(&mut self, bare: Vec<Duration>, host: Vec<Duration>) {
        self.bare.push(percentiles(bare));
        self.host.push(percentiles(host));
    }

    /// Whether the goal is met.
    fn print(self, name: &str, goal: f64) -> bool {
        let (bare, host) = (median(self.bare), median(self.host));
        let ratio = host[0] / bare[0];
        let verdict = if ratio < goal { "met" } else { "NOT MET" };
        println!(
            "{name:<12}{:>12.1}{:>11.1}{:>9.1}{:>10.1}{ratio:>15.2} (goal: below {goal:.2}, {verdict})",
            bare[0], bare[1], host[0], host[1]
        );
        ratio < goal
    }
}

/// p50 and p99, in microseconds.
fn percentiles(mut times: Vec<Duration>) -> [f64; 2] {
    times.sort_unstable();
    [50, 99].map(|percent| times[times.len() * percent / 100].as_secs_f64() * 1e6)
}

/// The turn in the middle by its p50.
fn median(mut turns: Vec<[f64; 2]>) -> [f64; 2] {
    turns.sort_unstable_by(|one, other| one[0].total_cmp(&other[0]));
    turns[turns.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plugin_is_called_once_a_turn_and_not_in_their_order() {
        let mut order = shuffled(100);
        assert!(order.windows(2).filter(|two| two[0] + 1 == two[1]).count() < 10);
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn the_turn_in_the_middle_counts() {
        let micros = |of: [u64; 4]| of.map(Duration::from_micros).to_vec();
        assert_eq!(percentiles(micros([9, 1, 3, 2])), [3.0, 9.0]);
        assert_eq!(median(vec![[5.0, 9.0], [1.0, 8.0], [3.0, 20.0]]), [3.0, 20.0]);
    }
}
