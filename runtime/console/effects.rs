//! What a call of a rule did, or would do: outcome, messages, state, timers, HTTP calls, log, and what it used.

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::parts::{self, Mood};
use super::text;
use super::words;

#[derive(Debug, Deserialize)]
pub struct Step {
    pub outcome: String,
    why: Option<String>,
    backtrace: Option<String>,
    retry_after_ms: Option<u64>,
    #[serde(flatten)]
    did: Did,
    micros: u64,
    cpu_micros: u64,
    memory_octets: u64,
}

#[derive(Debug, Deserialize)]
pub struct Did {
    sent: Vec<Sent>,
    state: Vec<Change>,
    shared: Vec<Change>,
    timers: Vec<Timer>,
    http: Vec<Http>,
    response: Option<Response>,
    log: Vec<Line>,
}

/// Whether it came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Really {
    Done,
    Tried,
}

#[derive(Debug, Deserialize)]
struct Sent {
    from: String,
    to: String,
    text: Option<String>,
    hex: Option<String>,
    tag: Option<String>,
    receipt: bool,
    delay_ms: u64,
    validity_ms: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Change {
    name: String,
    before: Option<Value>,
    after: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Timer {
    name: String,
    in_ms: Option<u64>,
    payload: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Http {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Value>,
    authorization: Option<String>,
    tag: String,
}

#[derive(Debug, Deserialize)]
struct Response {
    status: u16,
    body: Value,
}

#[derive(Debug, Deserialize)]
struct Line {
    level: String,
    text: String,
    fields: Vec<(String, String)>,
}

/// Octets as case files write them: text, or `json`, `hex`, `int`.
pub fn octets(value: &Value) -> Markup {
    let named = |name: &str| value.get(name);
    html! {
        @if let Some(said) = value.as_str() {
            @if said.is_empty() { span.faint { "empty" } } @else { (text::shown(said)) }
        } @else if let Some(hex) = named("hex").and_then(Value::as_str) {
            code.hex { (parts::spaced(hex)) }
        } @else if let Some(number) = named("int") {
            code { (number) }
        } @else {
            (text::shown(&named("json").unwrap_or(value).to_string()))
        }
    }
}

pub fn outcome(outcome: &str) -> Markup {
    let mood = match outcome {
        "done" => Mood::Good,
        "retry" => Mood::Busy,
        _ => Mood::Bad,
    };
    parts::badge(mood, outcome)
}

/// Why it was not done, and where in the rule's code.
pub fn failure(why: Option<&str>, backtrace: Option<&str>) -> Markup {
    html! {
        @if let Some(why) = why { p { (text::shown(why)) } }
        @if let Some(backtrace) = backtrace { details { summary { "Backtrace" } pre { (text::shown(backtrace)) } } }
    }
}

/// Everything that one call would do.
pub fn all(step: &Step) -> Markup {
    html! {
        (failure(step.why.as_deref(), step.backtrace.as_deref()))
        @if let Some(after) = step.retry_after_ms { p { "It would be tried again after " (words::duration_ms(after)) "." } }
        (did(&step.did, Really::Tried))
        p.under {
            (words::micros(step.micros)) ", of that " (words::micros(step.cpu_micros)) " of CPU time"
            @if step.memory_octets > 0 { ", " (words::size(step.memory_octets)) " of memory" }
        }
    }
}

/// Its effects, and what it logged.
pub fn did(did: &Did, really: Really) -> Markup {
    html! {
        @if !did.sent.is_empty() { div.conversation { ol { @for sent in &did.sent { (bubble(sent)) } } } }
        @if let Some(Response { status, body }) = &did.response { p { "Answers the request with " strong { (status) } ": " (octets(body)) } }
        (changes("State of the device", &did.state))
        (changes("State that devices share", &did.shared))
        @if !did.timers.is_empty() { ul.plain { @for timer in &did.timers { li { (self::timer(timer)) } } } }
        @if !did.http.is_empty() { ul.plain { @for call in &did.http { li { (http(call, really)) } } } }
        @if !did.log.is_empty() { ol.log { @for line in &did.log { li { (self::line(line)) } } } }
    }
}

fn bubble(sent: &Sent) -> Markup {
    html! {
        li.mt {
            p.speech {
                @if let Some(said) = &sent.text { @if said.is_empty() { span.faint { "empty" } } @else { (text::shown(said)) } }
                @if let Some(hex) = &sent.hex { code.hex { (parts::spaced(hex)) } }
            }
            p.under {
                "from " (text::shown(&sent.from)) " to " (text::shown(&sent.to))
                @if let Some(tag) = &sent.tag { ", tag " (text::shown(tag)) }
                @if sent.receipt { ", asks for a receipt" }
                @if sent.delay_ms > 0 { ", after " (words::duration_ms(sent.delay_ms)) }
                @if let Some(validity) = sent.validity_ms { ", valid for " (words::duration_ms(validity)) }
            }
        }
    }
}

fn changes(what: &str, changes: &[Change]) -> Markup {
    let value = |value: &Option<Value>, absent: &str| {
        html! { @match value { Some(value) => (octets(value)), None => span.faint { (absent) } } }
    };
    html! {
        @if !changes.is_empty() {
            div.scroll { table {
                thead { tr { th scope="col" { (what) } th scope="col" { "Before" } th scope="col" { "After" } } }
                tbody { @for change in changes { tr {
                    th scope="row" { (text::shown(&change.name)) }
                    td.text { (value(&change.before, "absent")) } td.text { (value(&change.after, "gone")) }
                } } }
            } }
        }
    }
}

fn timer(timer: &Timer) -> Markup {
    html! {
        "Timer " strong { (text::shown(&timer.name)) }
        @match timer.in_ms {
            Some(in_ms) => { " is set, due in " (words::duration_ms(in_ms)) },
            None => " is cancelled",
        }
        @if let Some(payload) = &timer.payload { ", with " (octets(payload)) }
    }
}

fn http(call: &Http, really: Really) -> Markup {
    html! {
        @if really == Really::Done { "HTTP: " } @else { "HTTP, not made: " }
        strong { (text::shown(&call.method)) " " (text::shown(&call.url)) } ", tag " (text::shown(&call.tag))
        @if let Some(secret) = &call.authorization { ", Authorization from secret " (text::shown(secret)) }
        @for (name, value) in &call.headers { br; (text::shown(name)) ": " (text::shown(value)) }
        @if let Some(body) = &call.body { br; (octets(body)) }
    }
}

fn line(line: &Line) -> Markup {
    let mood = match line.level.as_str() {
        "error" => Mood::Bad,
        "warn" => Mood::Busy,
        _ => Mood::Calm,
    };
    html! {
        (parts::badge(mood, &line.level)) " " (text::shown(&line.text))
        @for (name, value) in &line.fields { " " span.pair { (text::shown(name)) "=" (text::shown(value)) } }
    }
}
