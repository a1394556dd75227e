//! What a customer's rules keep about one device: state, and timers that are set.
//!
//! State may hold what a rule has to keep to itself, codes that it sent or will send, so that who sees it is who manages rules.

use std::sync::Arc;

use axum::extract::State;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::address;
use crate::api::Api;
use crate::api::auth::{Caller, Scope};
use crate::api::body::{PathOf, QueryOf, Reply};
use crate::api::compose::Octets;
use crate::api::error::{Answer, Code, Problem, ProblemDetails};
use crate::api::masking::Texts;
use crate::api::paging::{check_limit, no_cursor};
use crate::api::rfc3339::Time;
use crate::store::{OfDeviceNext, OfDevicePage, Store};

const LIMIT_MAX: usize = 1_000;
/// Rules that one request looks at: each is a look into the store, of some microseconds.
const RULES_MAX: usize = 1_000;
/// Of one value; longer ones are cut, and `size` says so.
const VALUE_MAX_OCTETS: usize = 16 << 10;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    /// For the operator; a key's is its own.
    customer: Option<String>,
    /// Only what this rule keeps.
    #[param(example = "water-meter")]
    rule: Option<String>,
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: usize,
    /// `next` of the page before.
    cursor: Option<String>,
}

fn usual_limit() -> usize {
    100
}

/// A value that a rule keeps about the device.
#[derive(Serialize, ToSchema)]
#[schema(as = DeviceStateValue)]
struct ValueView {
    #[schema(example = "water-meter")]
    rule: String,
    #[schema(example = "meter")]
    name: String,
    /// Octets of the whole value.
    size: usize,
    /// Where it is UTF-8 without control characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// Where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    octets: Option<Octets>,
    /// True where the value is not shown to whoever asks: it may quote texts.
    #[serde(skip_serializing_if = "Option::is_none")]
    masked: Option<bool>,
}

/// A page of what rules keep about a device.
#[derive(Serialize, ToSchema)]
#[schema(as = DeviceState)]
pub struct StateList {
    state: Vec<ValueView>,
    /// Of the next page, which may be there though this one is short. Absent: that was all.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A timer that is set.
#[derive(Serialize, ToSchema)]
#[schema(as = DeviceTimer)]
struct TimerView {
    #[schema(example = "water-meter")]
    rule: String,
    #[schema(example = "silent")]
    name: String,
    /// The rule is called then, or as soon after it as its events before are done.
    due_at: Time,
}

/// A page of timers that are set for a device.
#[derive(Serialize, ToSchema)]
#[schema(as = DeviceTimers)]
pub struct TimerList {
    timers: Vec<TimerView>,
    /// Of the next page, which may be there though this one is short. Absent: that was all.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl ValueView {
    fn of(rule: &str, name: String, value: &[u8], texts: Texts) -> ValueView {
        if texts.are_masked() {
            return ValueView {
                rule: bare(rule),
                name,
                size: value.len(),
                text: None,
                octets: None,
                masked: Some(true),
            };
        }
        let is_whole = value.len() <= VALUE_MAX_OCTETS;
        let begin = &value[..value.len().min(VALUE_MAX_OCTETS)];
        let utf8 = match std::str::from_utf8(begin) {
            Ok(text) => Some(text),
            // The cut may be in the middle of a character.
            Err(error) if !is_whole && error.error_len().is_none() => {
                std::str::from_utf8(&begin[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        let is_text = |text: &&str| !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'));
        let text = utf8.filter(is_text).map(str::to_owned);
        let octets = text.is_none().then(|| Octets::of(begin));
        ValueView { rule: bare(rule), name, size: value.len(), text, octets, masked: None }
    }
}

/// Without the customer.
fn bare(rule: &str) -> String {
    rule.split_once('/').map_or(rule, |(_, name)| name).to_owned()
}

fn cursor(next: OfDeviceNext) -> Option<String> {
    let (rule, row) = next?;
    let text = row.map_or_else(|| rule.clone(), |row| format!("{rule}\0{row}"));
    Some(URL_SAFE_NO_PAD.encode(text))
}

fn behind(cursor: &str) -> Answer<(String, Option<String>)> {
    let read = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|octets| String::from_utf8(octets).ok());
    let read = read.ok_or_else(no_cursor)?;
    Ok(match read.split_once('\0') {
        Some((rule, row)) => (rule.to_owned(), Some(row.to_owned())),
        None => (read, None),
    })
}

/// Asks the store for a page of something about a device.
async fn page<T: Send + 'static>(
    api: &Arc<Api>,
    caller: &Caller,
    (number, wanted, scope): (&str, Wanted, Scope),
    question: impl FnOnce(&Store, &str, &str, &OfDevicePage<'_>) -> std::io::Result<T> + Send + 'static,
) -> Answer<T> {
    let customer = caller.customer_of(api, wanted.customer.as_deref(), scope)?;
    let device = address(number)?.to_string();
    check_limit(wanted.limit, LIMIT_MAX)?;
    let customer = api.house.directory().customer_at(customer).id.clone();
    let after = wanted.cursor.as_deref().map(behind).transpose()?;
    let rule = wanted.rule.map(|rule| format!("{customer}/{rule}"));
    // A cursor names a rule, and whoever sends one may have written it: what is not this customer's begins nowhere.
    let is_own = |rule: &str| rule.split_once('/').is_some_and(|(owner, _)| *owner == *customer);
    if after.as_ref().is_some_and(|(rule, _)| !is_own(rule)) {
        return Err(Problem::new(Code::MalformedRequest, "the cursor is of another question"));
    }
    let read = api.readers.read(&api.house.store, move |store| {
        let after = after.as_ref().map(|(rule, row)| (&**rule, row.as_deref()));
        let page = OfDevicePage { after, rule: rule.as_deref(), limit: wanted.limit, rules_max: RULES_MAX };
        question(store, &customer, &device, &page)
    });
    read.await.map_err(Problem::unreadable)
}

/// Lists what rules keep about a device, rule by rule, whether it is registered or not: as their last calls left it.
#[utoipa::path(
    get, path = "/v1/devices/{address}/state", operation_id = "listDeviceState", tag = "devices",
    params(("address" = String, Path, description = "Its number", example = "+46701234567"), Wanted),
    responses(
        (status = 200, description = "A page of it", body = StateList),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be read",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn state(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(number): PathOf<String>,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Answer<Reply<StateList>> {
    let asked = (&*number, wanted, Scope::Manage);
    let (found, next) =
        page(&api, &caller, asked, |store, customer, device, page| store.state_of_device(customer, device, page))
            .await?;
    let texts = caller.texts(&api);
    let state = found.into_iter().map(|shown| ValueView::of(&shown.rule, shown.name, &shown.value, texts)).collect();
    Ok(Reply(StateList { state, next: cursor(next) }))
}

/// Lists timers that rules have set for a device, rule by rule, whether it is registered or not.
#[utoipa::path(
    get, path = "/v1/devices/{address}/timers", operation_id = "listDeviceTimers", tag = "devices",
    params(("address" = String, Path, description = "Its number", example = "+46701234567"), Wanted),
    responses(
        (status = 200, description = "A page of them", body = TimerList),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be read",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn timers(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(number): PathOf<String>,
    QueryOf(wanted): QueryOf<Wanted>,
) -> Answer<Reply<TimerList>> {
    let asked = (&*number, wanted, Scope::Read);
    let (found, next) =
        page(&api, &caller, asked, |store, customer, device, page| store.timers_of_device(customer, device, page))
            .await?;
    let view = |(rule, name, due): (String, String, _)| TimerView { rule: bare(&rule), name, due_at: Time(due) };
    Ok(Reply(TimerList { timers: found.into_iter().map(view).collect(), next: cursor(next) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_text_or_octets_and_never_longer_than_so() {
        let view = |value: &[u8]| {
            let view = ValueView::of("acme/wm", "n".into(), value, Texts::Shown);
            assert_eq!((&*view.rule, view.size), ("wm", value.len()));
            (view.text, view.octets.map(|octets| serde_json::to_value(octets).expect("JSON")))
        };
        let hex = |hex: &str| Some(serde_json::json!({ "hex": hex }));
        assert_eq!(view(b"{\"a\":\n1}"), (Some("{\"a\":\n1}".into()), None));
        assert_eq!(view(b""), (Some(String::new()), None));
        assert_eq!(view(b"\xff\x00"), (None, hex("ff00")));
        assert_eq!(view(b"a\x07"), (None, hex("6107")));
        let long = "å".repeat(VALUE_MAX_OCTETS);
        let (text, octets) = view(format!("x{long}").as_bytes());
        assert_eq!((text.expect("text").len(), octets), (VALUE_MAX_OCTETS - 1, None));
    }

    #[test]
    fn cursors_name_a_rule_and_maybe_a_row() {
        for next in [
            ("acme/wm".to_owned(), None),
            ("acme/wm".to_owned(), Some(String::new())),
            ("a/b".to_owned(), Some("x\0y".into())),
        ] {
            assert_eq!(behind(&cursor(Some(next.clone())).expect("a cursor")).expect("reads"), next);
        }
        assert!(cursor(None).is_none() && behind("%%").is_err());
    }
}
