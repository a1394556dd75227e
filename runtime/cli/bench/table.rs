//! The one table that the bench prints, and what it says about the goals.

use super::measure::Measured;
use super::scenario::{PACED_RATE, Scenario, Variant};

/// Goals of the paced row, in milliseconds.
const P50_GOAL_MS: f64 = 1.5;
const P99_GOAL_MS: f64 = 5.0;
const PLUGIN_TAX_GOAL_PERCENT: f64 = 20.0;

pub const HEAD: &str = concat!(
    "                                                 latency MO -> MT, ms   CPU s per 100,000   server RSS, MiB    bytes\n",
    "scenario        rate/s  binds  window     msg/s     p50     p95     p99      server     load      now    peak  written",
);

pub fn line(scenario: &Scenario, measured: &Measured) -> String {
    let rate = if scenario.rate > 0.0 { format!("{}", scenario.rate) } else { "max".to_owned() };
    let mib = |kib: u64| kib as f64 / 1024.0;
    let mut line = format!(
        "{:<14}{rate:>8}{:>7}{:>8}{:>10.0}{:>8.2}{:>8.2}{:>8.2}{:>12.2}{:>9.2}{:>9.0}{:>8.0}{:>9.0}",
        scenario.variant.name(),
        scenario.binds,
        scenario.window,
        measured.per_sec,
        measured.latency.p50_ms,
        measured.latency.p95_ms,
        measured.latency.p99_ms,
        measured.server_cpu,
        measured.load_cpu,
        mib(measured.rss_kib),
        mib(measured.rss_peak_kib),
        measured.written_per_message,
    );
    if measured.refused > 0 {
        line.push_str(&format!("  {} refused", measured.refused));
    }
    if measured.unanswered > 0 {
        line.push_str(&format!("  {} UNANSWERED", measured.unanswered));
    }
    line
}

/// What the rows say about the goals; only what was measured is judged.
pub fn verdict(rows: &[(Scenario, Measured)]) -> Vec<String> {
    let mut lines = Vec::new();
    for (_, paced) in rows.iter().filter(|(scenario, _)| scenario.rate == PACED_RATE) {
        let latency = paced.latency;
        let is_met = latency.p50_ms < P50_GOAL_MS && latency.p99_ms < P99_GOAL_MS;
        lines.push(format!(
            "at {PACED_RATE}/s: p50 {:.2} ms (goal {P50_GOAL_MS}), p99 {:.2} ms (goal {P99_GOAL_MS}): {}",
            latency.p50_ms,
            latency.p99_ms,
            if is_met { "met" } else { "NOT MET" }
        ));
    }
    let unpaced = |variant| rows.iter().filter(move |(row, _)| row.variant == variant && row.rate == 0.0);
    let fastest = unpaced(Variant::Full).max_by(|(_, left), (_, right)| left.per_sec.total_cmp(&right.per_sec));
    let Some((scenario, full)) = fastest else { return lines };
    let shape = format!("{} binds, window {}", scenario.binds, scenario.window);
    lines.push(format!("durable round trips: up to {:.0}/s ({shape})", full.per_sec));
    let same_shape =
        |variant| unpaced(variant).find(|(row, _)| (row.binds, row.window) == (scenario.binds, scenario.window));
    if let Some((_, native)) = same_shape(Variant::NativeRule) {
        let tax = (1.0 - full.per_sec / native.per_sec) * 100.0;
        let micros = (full.server_cpu - native.server_cpu) * 10.0;
        lines.push(format!(
            "plugin tax there: {tax:.0} % of the throughput (goal {PLUGIN_TAX_GOAL_PERCENT}), {micros:.1} us of CPU a message"
        ));
    }
    if let Some((_, unsynced)) = same_shape(Variant::SyncOff) {
        let tax = (1.0 - full.per_sec / unsynced.per_sec) * 100.0;
        lines.push(format!("durability there: {tax:.0} % of the throughput"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::simulate::report::Latency;

    fn row(variant: Variant, rate: f64, per_sec: f64) -> (Scenario, Measured) {
        let latency = Latency { p50_ms: 1.0, p95_ms: 2.0, p99_ms: 4.0, max_ms: 9.0 };
        let measured = Measured {
            per_sec,
            latency,
            server_cpu: 3.0,
            load_cpu: 0.5,
            rss_kib: 51_200,
            rss_peak_kib: 61_440,
            written_per_message: 640.0,
            refused: 0,
            unanswered: 0,
        };
        (Scenario { variant, binds: 4, window: 64, rate }, measured)
    }

    #[test]
    fn columns_stand_under_their_heads() {
        let (scenario, measured) = row(Variant::SyncOff, 0.0, 25_000.0);
        let head = HEAD.lines().last().unwrap();
        let line = line(&scenario, &measured);
        assert_eq!(line.len(), head.len(), "\n{HEAD}\n{line}");
        for (name, value) in [("msg/s", "25000"), ("p99", "4.00"), ("peak", "60"), ("written", "640")] {
            let end = head.find(name).unwrap() + name.len();
            assert!(line[..end].ends_with(value), "{name}\n{HEAD}\n{line}");
        }
    }

    #[test]
    fn verdict_compares_rows_of_one_shape() {
        let rows = [
            row(Variant::Full, PACED_RATE, 1_000.0),
            row(Variant::Full, 0.0, 30_000.0),
            row(Variant::NativeRule, 0.0, 40_000.0),
            row(Variant::SyncOff, 0.0, 60_000.0),
        ];
        let text = verdict(&rows).join("\n");
        assert!(text.contains("p99 4.00 ms (goal 5): met"), "{text}");
        assert!(text.contains("up to 30000/s") && text.contains("tax there: 25 %"), "{text}");
        assert!(text.contains("durability there: 50 %"), "{text}");
        assert_eq!(verdict(&[]), Vec::<String>::new());
    }
}
