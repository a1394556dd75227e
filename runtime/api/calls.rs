//! Calls of a rule that are kept to be run again, each as a case of `wasmsc plugin test`.
//!
//! What devices wrote and what the rule keeps of them is in it, so that only who may manage the rule sees it.

use std::io;
use std::sync::Arc;

use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::auth::{Caller, Scope};
use super::body::{PathOf, QueryOf, Reply};
use super::dead::{barrier, durable};
use super::error::{Answer, Problem, ProblemDetails};
use super::masking::Texts;
use super::paging::{check_limit, no_cursor};
use super::rfc3339::Time;
use super::tryout::{DidView, did, value};
use super::wanted::address;
use crate::cases::{Known, Recording, Rows, recording};
use crate::message::{Address, MessageId, Timestamp};
use crate::recorded::{Ended, Recorded};
use crate::store::{self, CallPlace, Store};

const LIMIT_MAX: usize = 1_000;
/// Calls that one request looks at.
const SCAN_MAX: usize = 10_000;
/// Octets of cases in one answer; a page ends with the call that reaches them.
const OCTETS_MAX: usize = 4 << 20;

/// A call of a rule that is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleCall)]
pub struct CallView {
    /// The event's: that of the MO, where it was one. Every attempt has the same.
    #[schema(example = "1a209002b4d00000")]
    message_id: String,
    /// 1 on the first attempt.
    attempt: u32,
    /// What the rule was called for: `mo`, `receipt`, `timer`, `http_reply` or `request`.
    event: &'static str,
    device: String,
    /// When it ended.
    at: Time,
    /// Digest of the component that ran.
    version: String,
    /// `done`, `retry`, `reject` or `broken`.
    outcome: &'static str,
    /// Of a call that was rejected or broke.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Where in the rule's code it broke.
    #[serde(skip_serializing_if = "Option::is_none")]
    backtrace: Option<String>,
    /// What it asked for of the device's state and of what the rule's devices share, in its order. Absent without `case`, as is `did`.
    #[serde(skip_serializing_if = "Option::is_none")]
    read: Option<Vec<ReadView>>,
    /// What it did; of a call that was not done, only what it logged.
    #[serde(skip_serializing_if = "Option::is_none")]
    did: Option<DidView>,
    /// All that it was given and did, as a case file of `wasmsc plugin test` (TOML). Values of secrets are not in it. Absent where texts
    /// are masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<String>,
    /// What of its surroundings is known: who runs another version and is asked for more has to guess. Absent without `case`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    known: Option<Known>,
}

/// A value that a call read.
#[derive(Serialize, ToSchema)]
#[schema(as = RuleCallRead)]
struct ReadView {
    /// Of what the rule's devices share, not of the device's state.
    shared: bool,
    name: String,
    /// As case files write octets: text, or `json`, `hex`, `int`. Absent: there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    value: Option<Value>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RuleCalls)]
pub struct CallList {
    /// In the order in which they ended.
    calls: Vec<CallView>,
    /// Of the next page. It may be there though this one is short, or empty. Absent: that was all.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// For the operator; a key's is its own.
    customer: Option<String>,
    /// Ended at or after this.
    #[param(inline)]
    since: Option<Time>,
    /// Ended before this.
    #[param(inline)]
    until: Option<Time>,
    /// Of this event, all attempts.
    #[param(example = "1a209002b4d00000")]
    message: Option<String>,
    /// About this device.
    #[param(example = "+46701234567")]
    device: Option<String>,
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: usize,
    /// `next` of the page before.
    cursor: Option<String>,
}

fn usual_limit() -> usize {
    100
}

/// Which are wanted.
struct Wanted {
    until: Option<Timestamp>,
    message: Option<MessageId>,
    device: Option<Address>,
    limit: usize,
    texts: Texts,
}

impl Wanted {
    fn accepts(&self, call: &Recorded) -> bool {
        self.message.is_none_or(|id| id == call.before.id)
            && self.device.as_ref().is_none_or(|device| *device == call.before.message.source)
    }
}

pub(super) fn view(call: &Recorded, texts: Texts) -> CallView {
    let told = (!texts.are_masked()).then(|| recording(call)).map(|Recording { case, known, before, got }| {
        let before = (&before.0, &before.1);
        ((case, known), (read(call, before), did(&got, before)))
    });
    let (written, seen) = told.unzip();
    let ((case, known), (read, did)) = (written.unzip(), seen.unzip());
    // What broke is said by the house, what was rejected by the rule.
    let why = |why: &str| if matches!(call.ended, Ended::Reject(_)) { texts.words(why) } else { why.to_owned() };
    CallView {
        message_id: call.before.id.to_string(),
        attempt: call.before.attempt,
        event: call.before.occasion.name(),
        device: call.before.message.source.to_string(),
        at: call.at.into(),
        version: call.version.to_string(),
        outcome: call.ended.name(),
        why: call.ended.why().map(why),
        backtrace: call.ended.backtrace().map(str::to_owned),
        read,
        did,
        case,
        known,
    }
}

fn read(call: &Recorded, (state, shared): (&Rows, &Rows)) -> Vec<ReadView> {
    let asked = |is_shared: bool, name: &str| {
        let value = if is_shared { shared } else { state }.get(name).map(|octets| value(octets));
        ReadView { shared: is_shared, name: name.to_owned(), value }
    };
    let own = call.read.names.iter().map(|name| asked(false, name));
    own.chain(call.read.shared.values.iter().map(|(name, _)| asked(true, name))).collect()
}

/// A page from this place on.
fn page(store: &Store, rule: &str, from: CallPlace, wanted: &Wanted) -> io::Result<CallList> {
    let (mut calls, mut next, mut seen, mut octets) = (Vec::new(), None, 0, 0);
    store.recorded(rule, from, |place, call| {
        if wanted.until.is_some_and(|until| until <= place.at) {
            return false;
        }
        if calls.len() == wanted.limit || seen == SCAN_MAX || octets >= OCTETS_MAX {
            next = Some(URL_SAFE_NO_PAD.encode(place.to_octets()));
            return false;
        }
        seen += 1;
        if wanted.accepts(&call) {
            let call = view(&call, wanted.texts);
            octets += call.case.as_ref().map_or(0, String::len);
            calls.push(call);
        }
        true
    })?;
    Ok(CallList { calls, next })
}

/// A call of this event: the attempt that is asked for, or the last one that is kept. It is looked for behind the event's own time,
/// among so many calls as one request looks at.
pub(super) fn find(
    store: &Store,
    rule: &str,
    (id, attempt): (MessageId, Option<u32>),
    since: Option<Timestamp>,
) -> io::Result<Option<Recorded>> {
    let (mut found, mut seen) = (None, 0);
    let from = CallPlace::since(since.unwrap_or_else(|| store::made_at(id)));
    store.recorded(rule, from, |_, call| {
        seen += 1;
        if call.before.id == id && attempt.is_none_or(|attempt| attempt == call.before.attempt) {
            found = Some(call);
        }
        seen < SCAN_MAX && (attempt.is_none() || found.is_none())
    })?;
    Ok(found)
}

fn cursor(text: &str) -> Answer<CallPlace> {
    let octets = URL_SAFE_NO_PAD.decode(text).ok();
    let place = octets.and_then(|octets| CallPlace::from_octets(&octets));
    place.ok_or_else(no_cursor)
}

/// Lists calls of a rule that are kept, in the order in which they ended. They are for `replay_hours` of the rule, and the newest
/// 64 MiB of them.
#[utoipa::path(
    get, path = "/v1/rules/{name}/calls", operation_id = "listRuleCalls", tag = "rules",
    params(("name" = String, Path, description = "The rule's name"), Page),
    responses(
        (status = 200, description = "A page of them", body = CallList),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such rule or customer, or it is another one's key",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be read",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(name): PathOf<String>,
    QueryOf(wanted): QueryOf<Page>,
) -> Answer<Reply<CallList>> {
    let customer = caller.customer_of(&api, wanted.customer.as_deref(), Scope::Manage)?;
    let directory = api.house.directory().clone();
    let customer = &directory.customer_at(customer).id;
    directory.rule(customer, &name).ok_or_else(Problem::not_found)?;
    check_limit(wanted.limit, LIMIT_MAX)?;
    let no_id = || Problem::invalid("message", "message is an id as lists have it, such as 1a209002b4d00000");
    let message = wanted.message.as_deref().map(|id| MessageId::parse(id.as_bytes()).ok_or_else(no_id)).transpose()?;
    let from = match &wanted.cursor {
        Some(text) => cursor(text)?,
        None => CallPlace::since(wanted.since.map_or_else(Timestamp::default, |since| since.0)),
    };
    let rule = format!("{customer}/{name}");
    let (until, limit) = (wanted.until.map(|until| until.0), wanted.limit);
    let texts = caller.texts(&api);
    let wanted = Wanted { until, message, device: address("device", &wanted.device)?, limit, texts };
    let read = api.readers.read(&api.house.store, move |store| page(store, &rule, from, &wanted)).await;
    let listed = read.map_err(Problem::unreadable)?;
    // What was seen is durable before anybody hears of it.
    let seen = api.clone();
    durable(move |done| barrier(&seen, done)).await?;
    Ok(Reply(listed))
}
