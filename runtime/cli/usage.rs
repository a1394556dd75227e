//! `wasmsc usage`: what rules used, day by day.

use clap::Args as Arguments;
use serde_json::Value;

use super::failure::Failure;
use super::remote::{Ask, Remote, query};
use super::table::{Form, cell, json as as_json, table};

/// Tells what a customer's rules used, a row for each rule and day. For a key with the scope read, or the operator.
///
/// Example: wasmsc usage --customer acme --from 2026-11-01 --to 2026-11-30
#[derive(Arguments, Debug)]
pub struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    form: Form,
    /// Whose rules. The operator needs it, a customer's key does not.
    #[arg(long)]
    customer: Option<String>,
    /// Of this rule only.
    #[arg(long)]
    rule: Option<String>,
    /// The first day (UTC), such as 2026-11-01; without it, the last 31 days.
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// The last day; without it, the present one.
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
}

pub async fn run(arguments: &Args) -> Result<(), Failure> {
    let wanted = [
        ("customer", arguments.customer.as_deref()),
        ("rule", arguments.rule.as_deref()),
        ("from", arguments.from.as_deref()),
        ("to", arguments.to.as_deref()),
    ];
    let found = arguments.remote.json(Ask::get(&query("/v1/usage", &wanted))).await?;
    print!("{}", if arguments.form.json { as_json(&found) } else { listed(&found) });
    Ok(())
}

const COLUMNS: [&str; 9] =
    ["day", "rule", "calls", "failures", "cpu_ms", "messages", "timers", "http_calls", "log_lines"];

fn listed(found: &Value) -> String {
    let rows = found["usage"].as_array().into_iter().flatten().collect::<Vec<_>>();
    let mut lines: Vec<_> = rows.iter().map(|row| COLUMNS.map(|name| cell(&row[name]))).collect();
    if lines.len() > 1 {
        let total = &found["total"];
        lines.push(COLUMNS.map(|name| if name == "day" { "total".to_owned() } else { cell(&total[name]) }));
    }
    table(["DAY", "RULE", "CALLS", "FAILED", "CPU MS", "MTS", "TIMERS", "HTTP", "LOG LINES"], lines)
}
