//! What a customer's rules used, day by day.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::{Caller, Scope};
use super::body::{QueryOf, Reply};
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::rfc3339::Time;
use crate::clock;
use crate::message::Timestamp;
use crate::meter::{self, UsageRow, Used};

const DAY_MS: u64 = 86_400_000;
/// Days without `from`: a month.
const USUAL_DAYS: u32 = 31;
/// Rows of one answer: of 100 rules in a quarter.
const ROWS_MAX: usize = 10_000;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// For the operator; a key's is its own.
    customer: Option<String>,
    /// Of this rule only.
    rule: Option<String>,
    /// The first day (UTC); without it, the last 31 days.
    #[param(example = "2026-11-01")]
    from: Option<String>,
    /// The last day; without it, the present one.
    #[param(example = "2026-11-30")]
    to: Option<String>,
}

/// What calls of rules used.
#[derive(Serialize, ToSchema)]
#[schema(as = Used)]
pub struct UsedView {
    /// Calls, attempts that failed among them.
    calls: u64,
    /// Calls that trapped, overran a limit or were rejected by the rule.
    failures: u64,
    /// CPU time, in milliseconds.
    cpu_ms: u64,
    /// The most that one call had of linear memory.
    memory_octets_max: u64,
    /// Octets of state that were written, names and values.
    state_octets_written: u64,
    /// MTs that were sent.
    messages: u64,
    /// Timers that were set.
    timers: u64,
    /// HTTP calls that were submitted.
    http_calls: u64,
    log_lines: u64,
}

/// What a rule used on a day.
#[derive(Serialize, ToSchema)]
#[schema(as = Usage)]
pub struct UsageView {
    /// In UTC.
    #[schema(example = "2026-11-29")]
    day: String,
    customer: String,
    rule: String,
    #[serde(flatten)]
    used: UsedView,
}

#[derive(Serialize, ToSchema)]
pub struct UsageList {
    /// The first day first.
    usage: Vec<UsageView>,
    /// All of them together; of the memory the most that one call had.
    total: UsedView,
}

impl UsageList {
    fn of(rows: Vec<UsageRow>) -> UsageList {
        let mut total = Used::default();
        rows.iter().for_each(|row| total.add(&row.used));
        UsageList { usage: rows.into_iter().map(UsageView::from).collect(), total: total.into() }
    }
}

impl From<Used> for UsedView {
    fn from(used: Used) -> UsedView {
        UsedView {
            calls: used.calls,
            failures: used.failures,
            cpu_ms: used.cpu_micros / 1_000,
            memory_octets_max: used.memory_octets_max,
            state_octets_written: used.state_octets_written,
            messages: used.messages,
            timers: used.timers,
            http_calls: used.http_calls,
            log_lines: used.log_lines,
        }
    }
}

impl From<UsageRow> for UsageView {
    fn from(row: UsageRow) -> UsageView {
        let UsageRow { customer, rule, day, used } = row;
        UsageView { day: date(day), customer: customer.into(), rule: rule.into(), used: used.into() }
    }
}

fn date(day: u32) -> String {
    Time(Timestamp(u64::from(day) * DAY_MS)).text().chars().take(10).collect()
}

fn day(name: &str, text: &str) -> Answer<u32> {
    let wrong = || Problem::new(Code::MalformedRequest, format!("{name}: {text:?} is no day such as 2026-11-29"));
    if text.len() != 10 {
        return Err(wrong());
    }
    Time::parse(&format!("{text}T00:00:00Z")).map(|time| meter::day(time.0)).map_err(|_| wrong())
}

/// Tells what rules used, a row for each rule and day on which it ran, and all of it together. It is up to a second old; a crash forgets what the
/// last second or two used. Days of the last 400 are kept.
#[utoipa::path(
    get, path = "/v1/usage", operation_id = "listUsage", tag = "operation",
    params(Wanted),
    responses(
        (status = 200, description = "The rows", body = UsageList),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one's key",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 500, description = "The store cannot be read",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Answer<Reply<UsageList>> {
    let index = caller.customer_of(&api, wanted.customer.as_deref(), Scope::Read)?;
    let customer = api.house.directory().customer_at(index).id.clone();
    let to = wanted.to.as_deref().map_or_else(|| Ok(meter::day(clock::now())), |text| day("to", text))?;
    let from =
        wanted.from.as_deref().map_or_else(|| Ok(to.saturating_sub(USUAL_DAYS - 1)), |text| day("from", text))?;
    let rule = wanted.rule;
    let read = move |store: &crate::store::Store| {
        let mut rows = Vec::new();
        store.usage(&customer, (from, to), |row| {
            if rule.as_deref().is_none_or(|rule| rule == &*row.rule) {
                rows.push(row);
            }
            rows.len() <= ROWS_MAX
        })?;
        Ok(rows)
    };
    let rows = api.readers.read(&api.house.store, read).await;
    let rows = rows.map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    if rows.len() > ROWS_MAX {
        return Err(Problem::new(Code::MalformedRequest, format!("more than {ROWS_MAX} rows: ask for fewer days")));
    }
    Ok(Reply(UsageList::of(rows)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_they_are_read() {
        for (number, text) in [(0, "1970-01-01"), (19_675, "2023-11-14"), (20_786, "2026-11-29")] {
            assert_eq!((date(number), day("to", text)), (text.to_owned(), Ok(number)));
        }
        for wrong in ["", "2026-11", "2026-13-01", "yesterday.", "20261129T0"] {
            assert!(day("to", wrong).is_err(), "{wrong}");
        }
    }
}
