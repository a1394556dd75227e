//! Who asks: the operator, or a customer's API key with its scopes.
//!
//! `Authorization: Bearer …`, or, from inside this process, the claim that was made of such a token; what fails is 401 without a word about why. Another customer's
//! things do not exist for a key: 404, never 403.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use super::Api;
use super::error::{Code, Problem};
pub use super::key::Scope;
use super::key::{self, Key};
use super::masking::Texts;
use crate::asking::Claim;
use crate::bells::Bell;
use crate::clock;
use crate::message::Timestamp;
use crate::route::CustomerIndex;

/// Whoever sent the request.
#[derive(Debug, Clone)]
pub enum Caller {
    Operator,
    Key(CallerKey),
}

/// A key that is valid now.
#[derive(Debug, Clone)]
pub struct CallerKey {
    pub id: String,
    pub customer: CustomerIndex,
    scopes: Vec<Scope>,
    pub texts: Texts,
    expires_at: Option<Timestamp>,
}

/// For answers that go on for long: whether whoever asked may still hear them.
pub struct Validity {
    /// None: the operator's token is valid as long as the server runs.
    key: Option<(CallerKey, Bell)>,
}

impl Validity {
    pub fn holds(&self, api: &Api) -> bool {
        self.key.as_ref().is_none_or(|(key, _)| key.is_valid(api))
    }

    /// Comes when it does not hold any more: at once when the key is deleted, and when its time is over.
    pub async fn ends(&mut self, api: &Api) {
        let Some((key, changes)) = &mut self.key else { return std::future::pending().await };
        loop {
            changes.mark_unchanged();
            if !key.is_valid(api) {
                return;
            }
            tokio::select! {
                changed = changes.changed() => if changed.is_err() { return },
                () = key.expires() => {}
            }
        }
    }
}

impl Caller {
    /// As the audit names it.
    pub fn name(&self) -> String {
        match self {
            Caller::Operator => "operator".to_owned(),
            Caller::Key(key) => format!("key {}", key.id),
        }
    }

    /// Whether they see what messages say.
    pub fn texts(&self, api: &Api) -> Texts {
        match self {
            Caller::Operator => api.operator_texts,
            Caller::Key(key) => key.texts,
        }
    }

    pub fn must_be_operator(&self) -> Result<(), Problem> {
        match self {
            Caller::Operator => Ok(()),
            // Not "forbidden": what only operators have does not exist for others.
            Caller::Key(_) => Err(Problem::not_found()),
        }
    }

    pub fn validity(&self, api: &Api) -> Validity {
        let key = match self {
            Caller::Operator => None,
            Caller::Key(key) => Some((key.clone(), api.house.bell_of_changes(key::KIND))),
        };
        Validity { key }
    }

    /// The customer of a path, if this caller may do such things to it.
    pub fn customer(&self, api: &Api, id: &str, scope: Scope) -> Result<CustomerIndex, Problem> {
        let named = api.house.directory().customer_named(id).ok_or_else(Problem::not_found)?;
        match self {
            Caller::Operator => Ok(named),
            Caller::Key(key) if key.customer != named => Err(Problem::not_found()),
            Caller::Key(key) => key.must_have(scope).map(|()| named),
        }
    }

    /// The customer that a query names, if this caller may do such things to it; a key may leave its own out.
    pub fn customer_of(&self, api: &Api, named: Option<&str>, scope: Scope) -> Result<CustomerIndex, Problem> {
        match (self, named) {
            (_, Some(id)) => self.customer(api, id, scope),
            (Caller::Key(key), None) => key.must_have(scope).map(|()| key.customer),
            (Caller::Operator, None) => {
                Err(Problem::new(Code::MalformedRequest, "name the customer, such as ?customer=acme"))
            }
        }
    }
}

impl CallerKey {
    /// With its customer its keys go.
    fn is_valid(&self, api: &Api) -> bool {
        Key::read(&api.house.store, &self.id).is_some_and(|key| !key.is_expired(clock::now()))
    }

    async fn expires(&self) {
        match self.expires_at {
            Some(at) => tokio::time::sleep(Duration::from_millis(at.0.saturating_sub(clock::now().0))).await,
            None => std::future::pending().await,
        }
    }

    pub fn must_have(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.contains(&scope) {
            return Ok(());
        }
        Err(Problem::new(Code::Forbidden, format!("this needs a key with the scope {:?}", scope.name())))
    }
}

impl FromRequestParts<Arc<Api>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Caller, Problem> {
        let caller = match parts.extensions.get::<Claim>() {
            Some(claim) => identify(api, claim).ok_or_else(refused)?,
            None => identify(api, &claim_of(parts)?).ok_or_else(refused)?,
        };
        if let Caller::Key(key) = &caller {
            api.rates.take(key.customer, clock::instant())?;
        }
        Ok(caller)
    }
}

/// What the header Authorization claims.
fn claim_of(parts: &Parts) -> Result<Claim, Problem> {
    let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, token) = header.and_then(|value| value.split_once(' ')).ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refused());
    }
    Ok(Claim::of(token.trim()))
}

pub fn refused() -> Problem {
    Problem::new(Code::Unauthorized, "send Authorization: Bearer and a token that is valid")
}

fn identify(api: &Api, claim: &Claim) -> Option<Caller> {
    if api.operator.is(&claim.digest) {
        return Some(Caller::Operator);
    }
    let id = claim.key.as_deref()?;
    let key = Key::read(&api.house.store, id)?;
    let now = clock::now();
    if !key.is(&claim.digest) || key.is_expired(now) {
        return None;
    }
    let customer = api.house.directory().customer_named(&key.customer)?;
    api.house.store.use_control(key::KIND, id, now);
    let Key { scopes, texts, expires_at, .. } = key;
    Some(Caller::Key(CallerKey { id: id.to_owned(), customer, scopes, texts, expires_at }))
}
