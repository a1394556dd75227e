//! What a rule saw and did when it was called for a message: each call that is kept, with what it read, its effects and its log.

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::ask::escaped;
use super::effects::{self, Did, Really};
use super::parts;
use super::rules::{Plugin, short};
use super::text;
use super::visitor::Visitor;

#[derive(Debug, Deserialize)]
struct CallList {
    calls: Vec<Call>,
}

#[derive(Debug, Deserialize)]
struct Call {
    attempt: u64,
    at: String,
    version: String,
    outcome: String,
    why: Option<String>,
    backtrace: Option<String>,
    /// Absent where texts are masked, as is `did`.
    read: Option<Vec<Read>>,
    did: Option<Did>,
}

#[derive(Debug, Deserialize)]
struct Read {
    shared: bool,
    name: String,
    value: Option<Value>,
}

/// When the rule was called for a message, and how often.
pub struct Calls<'m> {
    pub message: &'m str,
    pub rule: &'m str,
    pub since: &'m str,
    /// All of them had ended a second after this.
    pub last: &'m str,
    pub count: usize,
}

/// Nothing for those who may not see it, and where no call is kept.
pub async fn section(visitor: &Visitor, calls: &Calls<'_>, plugins: &[Plugin]) -> Markup {
    if !visitor.may("manage") {
        return html! {};
    }
    let at = visitor.at(&format!("/v1/rules/{}/calls", escaped(calls.rule)));
    let at = at.with("message", calls.message).with("since", calls.since).with("until", &second_after(calls.last));
    let kept = visitor.asker.get::<CallList>(&at.with("limit", &calls.count.to_string())).await;
    // A page without them is better than none.
    let Ok(CallList { calls: kept }) = kept else { return html! {} };
    html! {
        @if !kept.is_empty() {
            section.card {
                h2 { "What rule " (text::shown(calls.rule)) " saw and did" }
                @for call in &kept { (one(call, plugins)) }
            }
        } @else {
            p.faint { "What the rule saw and did is kept where its setting " code { "replay_hours" } " says so." }
        }
    }
}

fn second_after(at: &str) -> String {
    let time = OffsetDateTime::parse(at, &Rfc3339).ok();
    let later = time.and_then(|time| (time + Duration::SECOND).format(&Rfc3339).ok());
    later.unwrap_or_else(|| at.to_owned())
}

fn one(call: &Call, plugins: &[Plugin]) -> Markup {
    let plugin = plugins.iter().find(|plugin| plugin.digest == call.version);
    html! {
        p {
            (effects::outcome(&call.outcome)) " attempt " (call.attempt) ", until " (parts::time(&call.at)) ", on "
            @if let Some(plugin) = plugin { strong { (text::shown(&plugin.label())) } " " }
            code { (short(&call.version)) }
        }
        (effects::failure(call.why.as_deref(), call.backtrace.as_deref()))
        @match (&call.read, &call.did) {
            (Some(read), Some(did)) => { (self::read(read)) (effects::did(did, Really::Done)) },
            _ => p { (parts::masked()) },
        }
    }
}

fn read(read: &[Read]) -> Markup {
    html! {
        @if read.is_empty() {
            p.faint { "It read no state." }
        } @else {
            div.scroll { table {
                thead { tr { th scope="col" { "Read" } th scope="col" { "Of" } th scope="col" { "Value" } } }
                tbody { @for read in read { tr {
                    th scope="row" { (text::shown(&read.name)) }
                    td { @if read.shared { "what devices share" } @else { "the device" } }
                    td.text { @match &read.value { Some(value) => (effects::octets(value)), None => span.faint { "absent" } } }
                } } }
            } }
        }
    }
}
