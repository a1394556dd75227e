//! What came of a try, for people and programs. Octets are written as case files write them: text, or `json`, `hex`, `int`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::super::rfc3339::Time;
use crate::cases::{
    Body, Fields, Got, Handler, HttpCall, LogLine, Message, Octets, Outcome, Played, Rows, Written, update,
};
use crate::rules::{ToTry, Tried};

/// What came of a try. Nothing of it was done.
#[derive(Serialize, ToSchema)]
#[schema(as = Tried)]
pub struct TriedView {
    /// What ran.
    #[schema(example = "alarm@1.3.0")]
    plugin: String,
    digest: String,
    /// What its config-check says against the config; a rule with it would not be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    config_fault: Option<String>,
    /// What was there before the first event: what was asked for, and what was filled in.
    #[schema(value_type = Object)]
    given: Fields,
    /// There was more of these than is taken from the house: `state` (none of it was), `shared`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cut: Vec<&'static str>,
    /// What each event led to.
    steps: Vec<StepView>,
    /// Why the events behind the last step did not happen.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<String>,
    after: AfterView,
    /// The same as a case file of `wasmsc plugin test`: what came out is what it expects.
    case: String,
}

/// What one event led to.
#[derive(Serialize, ToSchema)]
#[schema(as = TriedStep)]
pub struct StepView {
    /// What the plugin was called for: `mo`, `receipt`, `timer`, `http_reply`, `request` or `check`.
    event: &'static str,
    /// `done`, `retry`, `reject` or `broken`. All effects are those of a call that is done.
    outcome: &'static str,
    /// Why it was rejected or broke.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Where in the plugin's code it broke.
    #[serde(skip_serializing_if = "Option::is_none")]
    backtrace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u32>,
    #[serde(flatten)]
    did: DidView,
    /// How long the call took, with its fresh instance.
    micros: u64,
    /// CPU time of that.
    cpu_micros: u64,
    /// The most that it had of linear memory.
    memory_octets: u64,
}

/// The effects of a call, and what it logged.
#[derive(Serialize, ToSchema)]
#[schema(as = Did)]
pub struct DidView {
    /// MTs.
    sent: Vec<SentView>,
    /// What it changed in the device's state.
    state: Vec<ChangeView>,
    /// What it changed in what the rule's devices share.
    shared: Vec<ChangeView>,
    timers: Vec<TimerView>,
    /// HTTP calls.
    http: Vec<HttpView>,
    /// To a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<ResponseView>,
    log: Vec<LineView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TriedMessage)]
struct SentView {
    from: String,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    /// It asks for a receipt.
    receipt: bool,
    delay_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    validity_ms: Option<u64>,
    priority: u64,
    /// Tags and values, in hex.
    tlvs: BTreeMap<String, String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TriedChange)]
struct ChangeView {
    name: String,
    /// Absent: it was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    before: Option<Value>,
    /// Absent: it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TriedTimer)]
struct TimerView {
    name: String,
    /// Absent: it is cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    payload: Option<Value>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TriedHttpCall)]
struct HttpView {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    body: Option<Value>,
    /// Name of the secret that would be put into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization: Option<String>,
    tag: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TriedResponse)]
struct ResponseView {
    status: u16,
    #[schema(value_type = Object)]
    body: Value,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TriedLine)]
struct LineView {
    level: String,
    text: String,
    fields: Vec<(String, String)>,
}

/// What stands after the last event.
#[derive(Serialize, ToSchema)]
#[schema(as = TriedAfter)]
struct AfterView {
    now: Time,
    #[schema(value_type = Object)]
    state: Map<String, Value>,
    #[schema(value_type = Object)]
    shared: Map<String, Value>,
    /// Timers that are set: `{ "timer": name }` lets one fire.
    timers: Vec<DueView>,
    /// Tags of HTTP calls whose replies are awaited: `{ "http_reply": { "tag": tag, "status": 200 } }` brings one.
    http_calls: Vec<String>,
    /// Messages whose receipts are awaited: `{ "receipt": { "of": of, "state": "delivered" } }` brings one.
    receipts: Vec<AwaitedView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TriedDue)]
struct DueView {
    name: String,
    due_at: Time,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TriedAwaited)]
struct AwaitedView {
    of: usize,
    to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
}

pub fn tried(version: &ToTry, given: Fields, written: &Written, tried: Tried, cut: Vec<&'static str>) -> TriedView {
    let Tried { played: Played { steps, stopped, world }, config_fault } = tried;
    let got: Vec<Got> = steps.iter().map(|(_, got)| got.clone()).collect();
    let case = update(&written.text, &written.case, &got).unwrap_or_else(|_| written.text.clone());
    let octets = |values: &BTreeMap<String, Octets>| -> Rows {
        values.iter().map(|(name, value)| (name.clone(), value.to_vec())).collect()
    };
    let (mut state, mut shared) = (octets(&written.case.given.state), octets(&written.case.given.shared));
    let steps = steps.into_iter().map(|(handler, got)| {
        let view = step(handler, &got, (&state, &shared));
        (state, shared) = (got.state, got.shared);
        view
    });
    let steps = steps.collect();
    let awaited = world.receipts().enumerate().filter(|(_, (.., has_come))| !has_come);
    let after = AfterView {
        now: Time(world.now),
        state: shown(&world.state),
        shared: shown(&world.shared),
        timers: world.timers.iter().map(|(name, due)| DueView { name: name.clone(), due_at: Time(due.at) }).collect(),
        http_calls: world.http_calls().map(str::to_owned).collect(),
        receipts: awaited
            .map(|(index, (tag, to, _))| AwaitedView { of: index + 1, to: to.into(), tag: tag.map(Into::into) })
            .collect(),
    };
    let (plugin, digest) = (version.plugin.clone(), version.digest.to_string());
    TriedView { plugin, digest, config_fault, given, cut, steps, stopped, after, case }
}

/// `before`: state of the device and what is shared, before the event.
pub fn step(handler: Handler, got: &Got, (state, shared): (&Rows, &Rows)) -> StepView {
    let (outcome, retry_after_ms) = match &got.outcome {
        Outcome::Done => ("done", None),
        Outcome::Retry(after) => ("retry", *after),
        Outcome::Reject(_) => ("reject", None),
        Outcome::Broken(_) => ("broken", None),
    };
    // A backtrace stands on the lines behind the reason.
    let (why, backtrace) = match (got.outcome.why(), &got.outcome) {
        (Some(why), Outcome::Broken(_)) => {
            let (why, backtrace) = why.split_once('\n').unwrap_or((why, ""));
            (Some(why.to_owned()), (!backtrace.is_empty()).then(|| backtrace.to_owned()))
        }
        (why, _) => (why.map(str::to_owned), None),
    };
    let micros = |duration: std::time::Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    StepView {
        event: handler.key(),
        outcome,
        why,
        backtrace,
        retry_after_ms,
        did: did(got, (state, shared)),
        micros: micros(got.took),
        cpu_micros: micros(got.cpu),
        memory_octets: got.memory_octets,
    }
}

/// `before`: state of the device and what is shared, before the call.
pub fn did(got: &Got, (state, shared): (&Rows, &Rows)) -> DidView {
    let line =
        |line: &LogLine| LineView { level: line.level.clone(), text: line.text.clone(), fields: line.fields.clone() };
    DidView {
        sent: got.sent.iter().map(sent).collect(),
        state: changes(state, &got.state),
        shared: changes(shared, &got.shared),
        timers: got
            .timers
            .iter()
            .map(|effect| TimerView {
                name: effect.name.clone(),
                in_ms: effect.set.as_ref().map(|set| set.in_ms),
                payload: effect.set.as_ref().filter(|set| !set.payload.is_empty()).map(|set| value(&set.payload)),
            })
            .collect(),
        http: got.http.iter().map(http).collect(),
        response: got.response.as_ref().map(|answer| ResponseView { status: answer.status, body: value(&answer.body) }),
        log: got.log.iter().map(line).collect(),
    }
}

pub fn value(octets: &[u8]) -> Value {
    Octets::like(octets, None).to_json()
}

fn shown(rows: &Rows) -> Map<String, Value> {
    rows.iter().map(|(name, octets)| (name.clone(), Octets::exact(octets).to_json())).collect()
}

fn changes(before: &Rows, after: &Rows) -> Vec<ChangeView> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let of = |rows: &Rows, name: &String| rows.get(name).map(|octets| value(octets));
    changed.map(|name| ChangeView { name: name.clone(), before: of(before, name), after: of(after, name) }).collect()
}

fn sent(message: &Message) -> SentView {
    let (text, hex) = match &message.body {
        Body::Text(text) => (Some(text.clone()), None),
        Body::Binary(octets) => (None, Some(hex(octets))),
    };
    SentView {
        from: message.from.clone(),
        to: message.to.clone(),
        text,
        hex,
        tag: message.tag.clone(),
        receipt: message.receipt,
        delay_ms: message.delay_ms,
        validity_ms: message.validity_ms,
        priority: message.priority,
        tlvs: message.tlvs.iter().map(|(tag, value)| (format!("{tag:04x}"), self::hex(value))).collect(),
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn http(call: &HttpCall) -> HttpView {
    HttpView {
        method: call.method.clone(),
        url: call.url.clone(),
        headers: call.headers.clone(),
        body: call.body.as_deref().map(value),
        authorization: call.authorization.clone(),
        tag: call.tag.clone(),
    }
}
