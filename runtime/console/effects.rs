//! What a call of a rule did, or would do: outcome, messages, state, timers, HTTP calls, log, and what it used.

use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::parts::{self, Mood};
use super::text;
use super::words;

#[derive(Debug, Deserialize)]
pub struct Step {
    outcome: String,
    why: Option<String>,
    backtrace: Option<String>,
    retry_after_ms: Option<u64>,
    sent: Vec<Sent>,
    state: Vec<Change>,
    shared: Vec<Change>,
    timers: Vec<Timer>,
    http: Vec<Http>,
    response: Option<Response>,
    log: Vec<Line>,
    micros: u64,
    cpu_micros: u64,
    memory_octets: u64,
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

pub fn outcome(step: &Step) -> Markup {
    let mood = match step.outcome.as_str() {
        "done" => Mood::Good,
        "retry" => Mood::Busy,
        _ => Mood::Bad,
    };
    parts::badge(mood, &step.outcome)
}

/// Everything that one call did.
pub fn all(step: &Step) -> Markup {
    html! {
        @if let Some(why) = &step.why { p { (text::shown(why)) } }
        @if let Some(backtrace) = &step.backtrace { details { summary { "Backtrace" } pre { (text::shown(backtrace)) } } }
        @if let Some(after) = step.retry_after_ms { p { "It would be tried again after " (words::duration_ms(after)) "." } }
        @if !step.sent.is_empty() { div.conversation { ol { @for sent in &step.sent { (bubble(sent)) } } } }
        @if let Some(Response { status, body }) = &step.response { p { "Answers the request with " strong { (status) } ": " (octets(body)) } }
        (changes("State of the device", &step.state))
        (changes("State that devices share", &step.shared))
        @if !step.timers.is_empty() { ul.plain { @for timer in &step.timers { li { (self::timer(timer)) } } } }
        @if !step.http.is_empty() { ul.plain { @for call in &step.http { li { (http(call)) } } } }
        @if !step.log.is_empty() { ol.log { @for line in &step.log { li { (self::line(line)) } } } }
        p.under {
            (words::micros(step.micros)) ", of that " (words::micros(step.cpu_micros)) " of CPU time"
            @if step.memory_octets > 0 { ", " (words::kib(step.memory_octets)) " of memory" }
        }
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
                    td { (value(&change.before, "absent")) } td { (value(&change.after, "gone")) }
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

fn http(call: &Http) -> Markup {
    html! {
        "HTTP, not made: " strong { (text::shown(&call.method)) " " (text::shown(&call.url)) } ", tag " (text::shown(&call.tag))
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
