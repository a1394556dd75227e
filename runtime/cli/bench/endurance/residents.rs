//! `--endurance residents`: ten thousand different plugins in one server. How it starts with them, what memory they take, and
//! what a call costs when every one goes to another of them.
//!
//! The plugin is `hello`, the template that `wasmsc plugin new` writes. Each copy has a custom section of its own, so that each has
//! its own digest, file, mapping and pages, and none shares anything with another. Compiling them all takes minutes and is not
//! what is measured: a first start compiles one, and the others get copies of its `.cwasm`, under the names that
//! `plugin/files.rs` gives them. The start that is measured finds all files in the page cache.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::body::Body;
use axum::http::Request;
use axum::http::header::{AUTHORIZATION, HOST};
use bytes::Bytes;
use http_body_util::BodyExt as _;

use super::api::connect;
use crate::cli::bench::measure::{Running, Until};
use crate::cli::bench::scenario::{Scenario, Variant};
use crate::cli::bench::server::{Ending, Extras, Server, Setup};
use crate::cli::simulate::numbers::Numbers;
use crate::cli::simulate::report::Latency;
use crate::metrics::BOUNDS_MICROS;
use crate::rules::Digest;

const EXTRAS: Extras = Extras { smpp: "", tables: "[api]\nlisten = \"127.0.0.1:0\"\n", log: "info" };
const SCENARIO: Scenario = Scenario { variant: Variant::Full, binds: 1, window: 64, rate: 2_000.0 };
const WARM_UP: Duration = Duration::from_secs(2);
/// Of the phases in which a call finds the processor's caches as the call before left them.
const AS_FAST_AS_THEY_COME: f64 = 0.0;
/// As many are busy in every other phase.
const FEW: usize = 20;
const START_GOAL: Duration = Duration::from_secs(3);
const RSS_GOAL_MIB: f64 = 1_536.0;
const CALL_GOAL_MICROS: f64 = 60.0;

pub async fn run(setup: Setup, plugins: u32, devices: u32, phase: Duration) -> anyhow::Result<bool> {
    let rule = setup.rule.with_file_name("hello.wasm");
    let wasm = fs::read(&rule).with_context(|| format!("{}: build it with cargo xtask plugins", rule.display()))?;
    let mut server = Server::start(&Setup { rule, extras: EXTRAS, ..setup })?;
    let empty = (server.usage()?, server.maps()?);
    server.end(Ending::Orderly)?;
    let numbers = Numbers::new("+46100", plugins)?;
    let compiled = multiply(server.folder(), &wasm, &numbers)?;
    println!("{plugins} plugins: hello, component {} octets, compiled {compiled}", wasm.len());
    let took = server.start_again()?;
    for line in loaded(server.folder())? {
        println!("log: {line}");
    }
    let (usage, maps) = (server.usage()?, server.maps()?);
    println!("start: {:.2} s until it is ready", took.as_secs_f64());
    let each = (usage.rss_kib - empty.0.rss_kib) as f64 / f64::from(plugins);
    println!(
        "RSS {:.0} MiB, of which {:.0} MiB are pages of files; {each:.0} KiB a plugin; peak {:.0} MiB",
        usage.rss_mib(),
        usage.rss_file_kib as f64 / 1024.0,
        usage.rss_peak_mib()
    );
    let each = (maps - empty.1) as f64 / f64::from(plugins);
    println!("{} file descriptors, {maps} maps: {each:.2} a plugin\n", usage.descriptors);

    println!("{HEAD}");
    let mut running = Running::start_on(server, &SCENARIO, devices)?;
    let all: Vec<Bytes> = (0..plugins).map(|plugin| numbers.of(plugin).into()).collect();
    let few = all[..FEW].to_vec();
    let everywhere = measure(&mut running, "all", all.clone(), phase).await?;
    let within = measure(&mut running, "20 of them", few.clone(), phase).await?;
    running.set_rate(AS_FAST_AS_THEY_COME);
    let everywhere_busy = measure(&mut running, "all", all, phase).await?;
    let within_busy = measure(&mut running, "20 of them", few, phase).await?;
    let (after, maps) = (running.server.usage()?, running.server.maps()?);
    println!("\nRSS afterwards {:.0} MiB, {maps} maps", after.rss_mib());
    let unanswered = running.stop().await?;
    println!("{unanswered} MOs without an answer");
    let mut is_met = unanswered == 0;
    for (what, reached) in [
        ("started within 3 s", took <= START_GOAL),
        ("RSS below 1.5 GiB", after.rss_mib().max(usage.rss_mib()) < RSS_GOAL_MIB),
        ("p50 of a call below 60 us, everywhere", everywhere < CALL_GOAL_MICROS),
        ("p50 of a call below 60 us, within 20", within < CALL_GOAL_MICROS),
        ("p50 of a call below 60 us, everywhere, as fast as they come", everywhere_busy < CALL_GOAL_MICROS),
        ("p50 of a call below 60 us, within 20, as fast as they come", within_busy < CALL_GOAL_MICROS),
    ] {
        println!("{what}: {}", if reached { "met" } else { "NOT MET" });
        is_met &= reached;
    }
    Ok(is_met)
}

/// Writes the components, what they are compiled to, and a config with a rule and a number for each. Yields the octets of the
/// compiled form.
fn multiply(folder: &Path, wasm: &[u8], numbers: &Numbers) -> anyhow::Result<usize> {
    let (components, stock) = (folder.join("components"), folder.join("data/plugins"));
    fs::create_dir_all(&components)?;
    let original = Digest::of(wasm).hex();
    let named = |entry: std::io::Result<fs::DirEntry>| entry.ok()?.file_name().into_string().ok();
    let mut names = fs::read_dir(&stock)?.filter_map(named);
    let behind_digest = names.find_map(|name| name.strip_prefix(&original).map(str::to_owned));
    let behind_digest = behind_digest.context("the first start left nothing compiled in data/plugins")?;
    let compiled = fs::read(stock.join(format!("{original}{behind_digest}")))?;
    let mut rules = String::new();
    let all: Vec<String> = (0..numbers.devices()).map(|plugin| text(numbers, plugin)).collect();
    for (plugin, number) in all.iter().enumerate() {
        let mut own = wasm.to_vec();
        // A custom section, which nobody reads: its length, its name's length, its name.
        own.extend([0, 8, 7]);
        own.extend(format!("{plugin:07}").bytes());
        fs::write(components.join(format!("{plugin}.wasm")), &own)?;
        fs::write(stock.join(format!("{}{behind_digest}", Digest::of(&own).hex())), &compiled)?;
        rules += &format!(
            "[[rule]]\ncustomer = \"acme\"\nname = \"hello-{plugin}\"\ncomponent = \"components/{plugin}.wasm\"\n\
             numbers = [{number:?}]\n\n"
        );
    }
    fs::write(folder.join("wasmsc.toml"), config_text(&all, &rules))?;
    // Or the disk is busy with it while the server starts.
    rustix::fs::sync();
    Ok(compiled.len())
}

fn text(numbers: &Numbers, plugin: u32) -> String {
    format!("+{}", String::from_utf8_lossy(&numbers.of(plugin)))
}

fn config_text(numbers: &[String], rules: &str) -> String {
    format!(
        r#"data_dir = "data"

[smpp]
listen = "127.0.0.1:0"
system_id = "wasmsc"

[api]
listen = "127.0.0.1:0"

[[customer]]
id = "acme"
numbers = {numbers:?}
devices = ["+4670*"]

[[account]]
system_id = "sim"
password = "secret"
role = "network"
routes = ["+46"]
window = {}

{rules}"#,
        SCENARIO.window
    )
}

/// What the log of the last start says about its parts.
fn loaded(folder: &Path) -> anyhow::Result<Vec<String>> {
    let log = fs::read_to_string(folder.join("log"))?;
    let of_last = log.lines().rev().take_while(|line| !line.contains("closed in order"));
    let parts = of_last.filter_map(|line| line.split_once("rules of the config file loaded"));
    Ok(parts.map(|(_, rest)| format!("rules of the config file loaded{rest}")).collect())
}

const HEAD: &str = "                                            call, us               MO to MT, ms
MOs to            MO/s   calls <= 60 us    p50     p99           p50     p99     max";

/// Yields the median of a call, in microseconds.
async fn measure(running: &mut Running, name: &str, numbers: Vec<Bytes>, phase: Duration) -> anyhow::Result<f64> {
    running.send_to(numbers);
    running.run(Until::Elapsed(WARM_UP)).await?;
    let before = calls(&running.server).await?;
    let tally = running.run(Until::Elapsed(phase)).await?;
    let after = calls(&running.server).await?;
    let calls: Vec<u64> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
    let all = calls.last().copied().unwrap_or_default();
    ensure!(all > 0, "no rule was called\n{}", running.server.log_tail());
    let within = BOUNDS_MICROS.iter().position(|bound| *bound as f64 == CALL_GOAL_MICROS);
    let within = within.map_or(0.0, |bucket| calls[bucket] as f64 / all as f64 * 100.0);
    let (p50, p99) = (percentile(&calls, 0.5), percentile(&calls, 0.99));
    let per_sec = tally.answers as f64 / phase.as_secs_f64();
    let Latency { p50_ms, p99_ms, max_ms, .. } = Latency::of(&tally.answer_latency);
    println!("{name:<12}{per_sec:>10.0}{within:>15.1} %{p50:>7.0}{p99:>8.0}{p50_ms:>14.2}{p99_ms:>8.2}{max_ms:>8.2}");
    Ok(p50)
}

/// Calls of all rules that took no longer than each of [`BOUNDS_MICROS`], and all calls behind them.
async fn calls(server: &Server) -> anyhow::Result<Vec<u64>> {
    let host = server.api()?;
    let request = Request::builder().uri("/metrics").header(HOST, host);
    let request = request.header(AUTHORIZATION, format!("Bearer {}", server.operator_token()?));
    let (parts, body) = connect(host).await?.send_request(request.body(Body::empty())?).await?.into_parts();
    let text = body.collect().await?.to_bytes();
    ensure!(parts.status.is_success(), "/metrics: {}", parts.status);
    Ok(counts(&String::from_utf8_lossy(&text)))
}

fn counts(text: &str) -> Vec<u64> {
    let mut counts = vec![0; BOUNDS_MICROS.len() + 1];
    for line in text.lines().filter(|line| line.starts_with("wasmsc_rule_call_seconds_bucket{")) {
        // Not the end of `rule=`, which may stand before it.
        let bound = line.split(['{', ',', '}']).find_map(|label| label.strip_prefix("le=\"")?.strip_suffix('"'));
        let count = line.rsplit_once(' ').and_then(|(_, count)| count.parse::<u64>().ok());
        let (Some(bound), Some(count)) = (bound, count) else { continue };
        let micros = bound.parse::<f64>().unwrap_or(f64::INFINITY) * 1e6;
        let bucket = BOUNDS_MICROS.iter().position(|bound| (*bound as f64 - micros).abs() < 0.5);
        counts[bucket.unwrap_or(BOUNDS_MICROS.len())] += count;
    }
    counts
}

/// Where in its bucket the call of this rank is, if those of a bucket are spread evenly.
fn percentile(counts: &[u64], share: f64) -> f64 {
    let rank = counts.last().copied().unwrap_or_default() as f64 * share;
    let (mut below, mut from) = (0.0, 0.0);
    for (count, bound) in counts.iter().zip(BOUNDS_MICROS) {
        let (count, bound) = (*count as f64, bound as f64);
        if count >= rank && count > below {
            return from + (bound - from) * (rank - below) / (count - below);
        }
        (below, from) = (count, bound);
    }
    f64::INFINITY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_all_rules_are_added_up_and_their_median_is_within_its_bucket() {
        let line = |rule, le, count| {
            format!("wasmsc_rule_call_seconds_bucket{{customer=\"a\",rule=\"{rule}\",le=\"{le}\"}} {count}\n")
        };
        let text = line("x", "1e-05", 0) + &line("x", "0.00006", 10) + &line("x", "+Inf", 10) + &line("y", "6e-05", 0);
        let counts = counts(&(text + &line("y", "+Inf", 0) + "wasmsc_messages_total{} 5\n"));
        assert_eq!((counts[0], counts[3], counts.last()), (0, 10, Some(&10)));
        assert_eq!(percentile(&[0, 0, 0, 10, 10], 0.5), 50.0);
        assert_eq!(percentile(&[0; 19], 0.5), f64::INFINITY);
    }
}
