//! Messages step by step, as a chart: drawn by uPlot from what the element carries, told in words where no script runs.

use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use super::words;

#[derive(Debug, Deserialize, Serialize)]
pub struct Series {
    from: String,
    step_secs: u64,
    mo: Vec<u64>,
    mt: Vec<u64>,
    delivered: Vec<u64>,
    failed: Vec<u64>,
    refused: Vec<u64>,
}

/// Value of the query, and what it is called.
pub const SPANS: [(&str, &str); 3] = [("hour", "Hour"), ("day", "Day"), ("month", "Month")];

/// One of them, whatever was asked for.
pub fn span(asked: &str) -> &'static str {
    SPANS.iter().map(|(span, _)| *span).find(|span| *span == asked).unwrap_or("hour")
}

/// `path` is the page's own.
pub fn chart(series: &Series, span: &str, path: &str) -> Markup {
    let sum = |points: &[u64]| points.iter().sum::<u64>();
    let data = serde_json::to_string(series).unwrap_or_default();
    html! {
        section.card {
            header.row {
                h2 { "Messages" }
                nav.tabs aria-label="How far back" { @for (value, label) in SPANS {
                    a href={ (path) "?span=" (value) } aria-current=[(value == span).then_some("true")] { (label) }
                } }
            }
            p.faint {
                (words::count(sum(&series.mo), "MO", "MOs")) ", " (words::count(sum(&series.mt), "MT", "MTs")) ", "
                (words::count(sum(&series.delivered), "delivered", "delivered")) ", "
                (words::count(sum(&series.failed), "failed", "failed")) ", "
                (words::count(sum(&series.refused), "refused", "refused")) " in this " (span) "."
            }
            div.chart data-chart=(data) aria-hidden="true" {}
        }
    }
}
