//! The summary of a run, for people and as JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use wasmsc_smpp::CommandStatus;

use super::histogram::Histogram;
use super::tally::Tally;

/// Milliseconds, since that is what the goals are written in.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Latency {
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

impl Latency {
    pub fn of(histogram: &Histogram) -> Self {
        let ms = |latency: Duration| (latency.as_secs_f64() * 1e6).round() / 1e3;
        Self {
            p50_ms: ms(histogram.percentile(50.0)),
            p95_ms: ms(histogram.percentile(95.0)),
            p99_ms: ms(histogram.percentile(99.0)),
            max_ms: ms(histogram.max()),
        }
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50_ms, p95_ms, p99_ms, max_ms } = self;
        write!(f, "p50 {p50_ms:.2} ms, p95 {p95_ms:.2} ms, p99 {p99_ms:.2} ms, max {max_ms:.2} ms")
    }
}

/// What must have happened for a run to count as good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Every MO got ESME_ROK.
    Acknowledged,
    /// And every MO was answered by an MT.
    Answered,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub struct Report {
    pub ok: bool,
    pub seconds: f64,
    pub mo_sent: u64,
    pub mo_acknowledged: u64,
    pub mo_unacknowledged: u64,
    pub mo_resent: u64,
    pub mo_deferred: u64,
    /// By name of the command_status.
    pub mo_refused: BTreeMap<String, u64>,
    pub mo_per_second: f64,
    pub mt_received: u64,
    pub mt_answers: u64,
    pub mt_to_others: u64,
    pub reconnects: u64,
    pub submit_latency: Latency,
    pub answer_latency: Latency,
    /// Why a link gave up.
    pub errors: Vec<String>,
}

impl Report {
    pub fn new(tally: &Tally, elapsed: Duration, expect: Expect, errors: Vec<String>) -> Self {
        let is_answered = expect == Expect::Acknowledged || tally.unanswered() == 0;
        let is_acknowledged = tally.sent > 0 && tally.acknowledged >= tally.sent;
        let refused = tally.refused.iter().map(|(status, count)| (status_name(*status), *count));
        let seconds = elapsed.as_secs_f64();
        Self {
            ok: is_acknowledged && is_answered && errors.is_empty(),
            seconds: (seconds * 1e3).round() / 1e3,
            mo_sent: tally.sent,
            mo_acknowledged: tally.acknowledged,
            mo_unacknowledged: tally.unacknowledged(),
            mo_resent: tally.resent,
            mo_deferred: tally.deferred,
            mo_refused: refused.collect(),
            mo_per_second: if seconds > 0.0 { (tally.acknowledged as f64 / seconds).round() } else { 0.0 },
            mt_received: tally.mts,
            mt_answers: tally.answers,
            mt_to_others: tally.mts_to_others,
            reconnects: tally.reconnects,
            submit_latency: Latency::of(&tally.submit_latency),
            answer_latency: Latency::of(&tally.answer_latency),
            errors,
        }
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("plain numbers and strings serialise")
    }
}

fn status_name(command_status: u32) -> String {
    let command_status = CommandStatus(command_status);
    command_status.name().map_or_else(|| format!("0x{:08X}", command_status.0), str::to_owned)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.mo_sent > 0 {
            self.write_traffic(f)?;
        }
        for error in &self.errors {
            writeln!(f, "{:<10}{error}", "error")?;
        }
        write!(f, "{:<10}{}", "result", if self.ok { "ok" } else { "FAILED" })
    }
}

impl Report {
    fn write_traffic(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<10}{} sent in {:.1} s", "MO", self.mo_sent, self.seconds)?;
        write!(f, ", {} acknowledged ({:.0}/s)", self.mo_acknowledged, self.mo_per_second)?;
        for (name, count) in [
            ("without an answer", self.mo_unacknowledged),
            ("sent again after a lost link", self.mo_resent),
            ("sent again after \"slower\"", self.mo_deferred),
        ] {
            if count > 0 {
                write!(f, ", {count} {name}")?;
            }
        }
        for (status, count) in &self.mo_refused {
            write!(f, ", {count} refused with {status}")?;
        }
        write!(f, "\n{:<10}{} to the meters", "MT", self.mt_received)?;
        if self.mt_to_others > 0 {
            write!(f, ", {} to other numbers", self.mt_to_others)?;
        }
        if self.mo_acknowledged > 0 {
            write!(f, "\n{:<10}submit_sm to its response: {}", "latency", self.submit_latency)?;
        }
        if self.mt_answers > 0 {
            write!(f, "\n{:<10}MO to the rule's MT: {}", "", self.answer_latency)?;
        }
        if self.reconnects > 0 {
            write!(f, "\n{:<10}connected again {} times", "links", self.reconnects)?;
        }
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally() -> Tally {
        let mut tally = Tally { sent: 3, acknowledged: 3, mts: 2, answers: 2, ..Tally::default() };
        tally.answer_latency.record(Duration::from_micros(1_250));
        tally
    }

    #[test]
    fn a_run_is_good_when_all_was_acknowledged_and_under_load_answered() {
        let second = Duration::from_secs(1);
        assert!(Report::new(&tally(), second, Expect::Acknowledged, Vec::new()).ok);
        assert!(!Report::new(&tally(), second, Expect::Answered, Vec::new()).ok);
        assert!(!Report::new(&tally(), second, Expect::Acknowledged, vec!["link 1 fell".to_owned()]).ok);
        assert!(!Report::new(&Tally::default(), second, Expect::Acknowledged, Vec::new()).ok);
    }

    #[test]
    fn refusals_are_named() {
        let mut tally = tally();
        tally.acknowledged = 1;
        tally.refused.extend([(0x0A, 1), (0x0401, 1)]);
        let report = Report::new(&tally, Duration::from_secs(2), Expect::Acknowledged, Vec::new());
        assert!(!report.ok);
        let text = report.to_string();
        assert!(text.contains("1 refused with ESME_RINVSRCADR"), "{text}");
        assert!(text.contains("1 refused with 0x00000401") && text.ends_with("FAILED"), "{text}");
        assert!(report.to_json().contains("\"p50_ms\": 1.25"), "{}", report.to_json());
    }
}
