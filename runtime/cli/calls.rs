//! Calls of a rule that a server keeps: which are wanted, and getting them page by page.

use clap::Args;
use serde::Deserialize;

use super::failure::Failure;
use super::remote::{Ask, Remote, part, query};
use crate::cases::{Known, parse_span, time_text};
use crate::clock;
use crate::message::Timestamp;

/// Calls of one page.
const PAGE: usize = 200;

#[derive(Args, Debug)]
pub struct Wanted {
    /// Calls that ended so long ago at most, such as 30m, 2h or 1d; without it all that are kept.
    #[arg(long, value_name = "SPAN", value_parser = parse_span)]
    since: Option<u64>,
    /// Only those of this message or event: every attempt of it, also of a dead letter.
    #[arg(long, value_name = "ID")]
    message: Option<String>,
    /// Only those about this device.
    #[arg(long, value_name = "NUMBER")]
    device: Option<String>,
    /// So many at most, the oldest ones.
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
}

/// As the API shows it, as far as commands need it.
#[derive(Debug, Deserialize)]
pub struct Call {
    pub message_id: String,
    pub attempt: u32,
    pub event: String,
    pub device: String,
    pub at: String,
    pub outcome: String,
    /// Empty where texts are masked.
    #[serde(default)]
    pub case: String,
    #[serde(default)]
    pub known: Known,
}

#[derive(Deserialize)]
struct Page {
    calls: Vec<Call>,
    next: Option<String>,
}

/// Calls that are still to come.
pub struct Calls<'a> {
    remote: &'a Remote,
    path: String,
    wanted: [(&'static str, Option<String>); 4],
    left: usize,
    cursor: Option<String>,
    is_over: bool,
}

impl<'a> Calls<'a> {
    pub fn of(remote: &'a Remote, (rule, customer): (&str, Option<&str>), wanted: &Wanted) -> Calls<'a> {
        let since = |span| Timestamp(clock::now().0.saturating_sub(span));
        let wanted_of = [
            ("customer", customer.map(str::to_owned)),
            ("since", wanted.since.map(|span| time_text(since(span)))),
            ("message", wanted.message.clone()),
            ("device", wanted.device.clone()),
        ];
        let path = format!("/v1/rules/{}/calls", part(rule));
        let left = wanted.limit.unwrap_or(usize::MAX);
        Calls { remote, path, wanted: wanted_of, left, cursor: None, is_over: false }
    }

    /// None: there are no more. A page may be empty.
    pub async fn page(&mut self) -> Result<Option<Vec<Call>>, Failure> {
        if self.is_over || self.left == 0 {
            return Ok(None);
        }
        let limit = self.left.min(PAGE).to_string();
        let mut parameters: Vec<_> = self.wanted.iter().map(|(name, value)| (*name, value.as_deref())).collect();
        parameters.extend([("limit", Some(limit.as_str())), ("cursor", self.cursor.as_deref())]);
        let answer = self.remote.json(Ask::get(&query(&self.path, &parameters))).await?;
        let page: Result<Page, _> = serde_json::from_value(answer);
        let page = page.map_err(|error| Failure::Failed(format!("the answer is not as it should be: {error}")))?;
        if page.calls.iter().any(|call| call.case.is_empty()) {
            let why = "texts are masked for this token, and calls are made of them; use a key of the customer that sees texts";
            return Err(Failure::Failed(why.to_owned()));
        }
        self.left -= page.calls.len().min(self.left);
        self.is_over = page.next.is_none();
        self.cursor = page.next;
        Ok(Some(page.calls))
    }
}

/// That nothing was found, and what may be why.
pub fn none(rule: &str) -> Failure {
    Failure::Failed(format!(
        "no such call of rule {rule} is kept; calls are kept for replay_hours of the rule (0: not at all), from when it is set"
    ))
}
