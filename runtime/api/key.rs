//! API keys of customers: what is stored of them, and the requests that make, list and delete them.
//!
//! A key is shown once, when it is made. To rotate it, make another one, let the software use it, then delete the
//! old one: both are valid in between.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::Api;
use super::auth::Caller;
use super::body::{Json, PathOf, Reply};
use super::error::{Answer, Code, Problem, ProblemDetails};
use super::idempotency;
use super::masking::Texts;
use super::rfc3339::Time;
use crate::asking::KEY_PREFIX;
use crate::clock;
use crate::message::Timestamp;
use crate::secret::{Digest, Secret};
use crate::store::{Control, Edit, Store, StoreFailed};

/// The kind of control object that keys are.
pub const KIND: &str = "key";
/// Random octets of an id, written as twice as many digits.
const ID_OCTETS: usize = 8;
/// Keys of one customer: some for each of its programs, and for the change from one to the next.
const KEYS_MAX: usize = 100;
const NAME_MAX_CHARS: usize = 100;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// See messages.
    Read,
    /// Send and cancel messages.
    Send,
    /// Take MOs out of the inbox.
    Receive,
    /// Make and delete keys.
    Manage,
    /// See one message's text where texts are masked; each time is in the audit.
    Reveal,
}

impl Scope {
    pub fn name(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Send => "send",
            Scope::Receive => "receive",
            Scope::Manage => "manage",
            Scope::Reveal => "reveal",
        }
    }
}

/// A key as it is stored. Fields may be added, with a default.
#[derive(Serialize, Deserialize)]
pub struct Key {
    pub customer: String,
    pub name: String,
    pub scopes: Vec<Scope>,
    #[serde(default)]
    pub texts: Texts,
    /// SHA-256 of the whole key.
    digest: String,
    created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

impl Key {
    pub fn read(store: &Store, id: &str) -> Option<Key> {
        serde_json::from_str(&store.control(KIND, id)?.json).ok()
    }

    pub fn is(&self, digest: &Digest) -> bool {
        Digest::from_text(&self.digest).is_some_and(|stored| stored.is(digest))
    }

    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

/// A key that is to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// For people: what uses it.
    #[schema(example = "billing", max_length = 100)]
    name: String,
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
    /// Whether it sees what messages say. A key for which they are masked makes such keys only.
    #[serde(default)]
    #[schema(default = Texts::default)]
    texts: Texts,
    /// Not valid from then on; without it, valid until it is deleted.
    expires_at: Option<Time>,
}

/// A key without its secret.
#[derive(Serialize, ToSchema)]
pub struct KeyView {
    #[schema(example = "5f2b8c1d9e3a7046")]
    id: String,
    name: String,
    scopes: Vec<Scope>,
    texts: Texts,
    created_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Time>,
    /// To within a minute after a crash.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Time>,
}

/// A key that was made. This is the only time that it is shown.
#[derive(Serialize, ToSchema)]
pub struct MadeKey {
    #[serde(flatten)]
    view: KeyView,
    /// What to send behind `Authorization: Bearer`.
    #[schema(example = "wsk_5f2b8c1d9e3a7046_…")]
    key: String,
}

#[derive(Serialize, ToSchema)]
pub struct KeyList {
    keys: Vec<KeyView>,
}

fn view(store: &Store, id: &str, key: Key) -> KeyView {
    KeyView {
        id: id.to_owned(),
        name: key.name,
        scopes: key.scopes,
        texts: key.texts,
        created_at: key.created_at.into(),
        expires_at: key.expires_at.map(Time),
        last_used_at: store.control_used_at(KIND, id).map(Time),
    }
}

fn keys_of(store: &Store, customer: &str) -> Vec<(Box<str>, Key)> {
    let all = store.controls(KIND, |_| true).into_iter();
    let read = all.filter_map(|(id, control)| Some((id, serde_json::from_str::<Key>(&control.json).ok()?)));
    read.filter(|(_, key)| key.customer == customer).collect()
}

/// Makes a key of a customer.
#[utoipa::path(
    post, path = "/v1/customers/{customer}/keys", operation_id = "makeKey", tag = "keys",
    params(
        ("customer" = String, Path, description = "Its id", example = "acme"),
        ("Idempotency-Key" = Option<String>, Header, description = "Sent again, it makes no second key and gets 409, which \
        names the first one: its secret cannot be shown again. 1 to 255 visible ASCII characters"),
    ),
    request_body = NewKey,
    responses(
        (status = 201, description = "Made, and durable", body = MadeKey),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The customer has as many as it may, or this request made one before",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn make(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(customer): PathOf<String>,
    headers: HeaderMap,
    body: Json<NewKey>,
) -> Answer<impl IntoResponse> {
    caller.customer(&api, &customer, Scope::Manage)?;
    let (now, store) = (clock::now(), &api.house.store);
    let mut new = body.value;
    check(&mut new, now)?;
    must_not_see_more(&caller, &new)?;
    if keys_of(store, &customer).len() >= KEYS_MAX {
        let detail = format!("this customer has {KEYS_MAX} keys already; delete those that nobody uses");
        return Err(Problem::new(Code::TooMany, detail));
    }
    let id = match idempotency::key(&headers)? {
        Some(key) => hex(idempotency::name(&customer, &key)),
        None => new_id().map_err(Problem::no_chance)?,
    };
    let token = Secret::new().map_err(Problem::no_chance)?.with_prefix(&format!("{KEY_PREFIX}{id}_"));
    let key = Key {
        customer,
        name: new.name,
        scopes: new.scopes,
        texts: new.texts,
        digest: Digest::of(&token).to_text(),
        created_at: now,
        expires_at: new.expires_at.map(|at| at.0),
    };
    let json = serde_json::to_string(&key).expect("strings and numbers are JSON");
    let edit = Edit { kind: KIND, id: &id, who: &caller.name(), now };
    let decide = |before: Option<&Control>| match before {
        Some(_) => Err(made_before(&id)),
        None => Ok(Some(json)),
    };
    durable(|done| store.change_control(edit, decide, done)).await?;
    let made = MadeKey { view: view(store, &id, key), key: token };
    Ok((StatusCode::CREATED, Reply(made)))
}

/// Nobody for whom texts are masked makes a key that shows them.
fn must_not_see_more(caller: &Caller, new: &NewKey) -> Result<(), Problem> {
    let Caller::Key(key) = caller else { return Ok(()) };
    if key.texts.are_masked() && !new.texts.are_masked() {
        return Err(Problem::new(
            Code::Forbidden,
            "texts are masked for this key, so that it makes keys with texts = \"masked\" only",
        ));
    }
    if key.texts.are_masked() && new.scopes.contains(&Scope::Reveal) {
        key.must_have(Scope::Reveal)?;
    }
    Ok(())
}

fn check(new: &mut NewKey, now: Timestamp) -> Result<(), Problem> {
    let chars = new.name.chars().count();
    if chars == 0 || chars > NAME_MAX_CHARS || new.name.chars().any(char::is_control) {
        return Err(Problem::invalid("name", format!("a name has 1 to {NAME_MAX_CHARS} characters, none to control")));
    }
    new.scopes.sort_unstable();
    new.scopes.dedup();
    if new.scopes.is_empty() {
        return Err(Problem::invalid("scopes", "a key without a scope could do nothing"));
    }
    if new.expires_at.is_some_and(|at| at.0 <= now) {
        return Err(Problem::invalid("expires_at", "that time is over already"));
    }
    Ok(())
}

pub fn new_id() -> std::io::Result<String> {
    let mut octets = [0; ID_OCTETS];
    getrandom::fill(&mut octets).map_err(std::io::Error::other)?;
    Ok(hex(octets))
}

fn hex(id: [u8; ID_OCTETS]) -> String {
    format!("{:016x}", u64::from_be_bytes(id))
}

fn made_before(id: &str) -> Problem {
    let detail = format!(
        "this Idempotency-Key made the key {id}, which was shown then and is not kept; if that answer was lost, delete \
         the key and make another"
    );
    Problem::new(Code::MadeBefore, detail)
}

/// Waits until a change of a control object is durable.
pub async fn durable(
    change: impl FnOnce(Box<dyn FnOnce(Result<(), StoreFailed>) + Send>) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let (sender, receiver) = oneshot::channel();
    change(Box::new(move |result| {
        let _ = sender.send(result); // a client that is gone
    }))?;
    match receiver.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(failed)) => Err(Problem::store_failed(&failed)),
        Err(_) => Err(Problem::no_answer()),
    }
}

/// Lists the keys of a customer.
#[utoipa::path(
    get, path = "/v1/customers/{customer}/keys", operation_id = "listKeys", tag = "keys",
    params(("customer" = String, Path, description = "Its id", example = "acme")),
    responses(
        (status = 200, description = "Without their secrets", body = KeyList),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn list(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf(customer): PathOf<String>,
) -> Answer<Reply<KeyList>> {
    caller.customer(&api, &customer, Scope::Manage)?;
    let store = &api.house.store;
    let keys = keys_of(store, &customer).into_iter().map(|(id, key)| view(store, &id, key)).collect();
    Ok(Reply(KeyList { keys }))
}

/// Deletes a key; it is refused from then on.
#[utoipa::path(
    delete, path = "/v1/customers/{customer}/keys/{key}", operation_id = "deleteKey", tag = "keys",
    params(("customer" = String, Path, description = "Its id", example = "acme"), ("key" = String, Path, description = "The key's id")),
    responses(
        (status = 204, description = "Gone, and durably so"),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn delete(
    State(api): State<Arc<Api>>,
    caller: Caller,
    PathOf((customer, id)): PathOf<(String, String)>,
) -> Answer<StatusCode> {
    caller.customer(&api, &customer, Scope::Manage)?;
    let edit = Edit { kind: KIND, id: &id, who: &caller.name(), now: clock::now() };
    let is_own = |key: &Key| key.customer == customer;
    durable(|done| {
        let decide = |before: Option<&crate::store::Control>| {
            let key = before.and_then(|control| serde_json::from_str::<Key>(&control.json).ok());
            if key.as_ref().is_some_and(is_own) { Ok(None) } else { Err(Problem::not_found()) }
        };
        api.house.store.change_control(edit, decide, done)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_before_texts_could_be_masked_sees_them() {
        let stored = |more: &str| {
            let json = format!(
                "{{\"customer\":\"acme\",\"name\":\"n\",\"scopes\":[\"read\"]{more},\"digest\":\"\",\"created_at\":1,\"expires_at\":null}}"
            );
            serde_json::from_str::<Key>(&json).expect("a key").texts
        };
        assert_eq!((stored(""), stored(",\"texts\":\"masked\"")), (Texts::Shown, Texts::Masked));
    }
}
