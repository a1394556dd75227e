//! Who asks: the operator, or a customer's API key with its scopes.
//!
//! `Authorization: Bearer …` and nothing else; what fails is 401 without a word about why. Another customer's
//! things do not exist for a key: 404, never 403.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use super::Api;
use super::error::{Code, Problem};
pub use super::key::Scope;
use super::key::{self, Key};
use super::secret::Digest;
use crate::clock;
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
}

impl Caller {
    /// As the audit names it.
    pub fn name(&self) -> String {
        match self {
            Caller::Operator => "operator".to_owned(),
            Caller::Key(key) => format!("key {}", key.id),
        }
    }

    pub fn must_be_operator(&self) -> Result<(), Problem> {
        match self {
            Caller::Operator => Ok(()),
            // Not "forbidden": what only operators have does not exist for others.
            Caller::Key(_) => Err(Problem::not_found()),
        }
    }

    /// Whether the key is still there, and not over; for answers that go on for long.
    pub fn still_may(&self, api: &Api) -> bool {
        match self {
            Caller::Operator => true,
            Caller::Key(key) => {
                let customer = api.house.directory().customer_at(key.customer).id.clone();
                let is_there = api.house.directory().customer_named(&customer).is_some();
                is_there && Key::read(&api.house.store, &key.id).is_some_and(|key| !key.is_expired(clock::now()))
            }
        }
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
        let refused = || Problem::new(Code::Unauthorized, "send Authorization: Bearer and a token that is valid");
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, token) = header.and_then(|value| value.split_once(' ')).ok_or_else(refused)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(refused());
        }
        let caller = identify(api, token.trim()).ok_or_else(refused)?;
        if let Caller::Key(key) = &caller {
            api.rates.take(key.customer, clock::instant())?;
        }
        Ok(caller)
    }
}

fn identify(api: &Api, token: &str) -> Option<Caller> {
    let digest = Digest::of(token);
    if api.operator.is(&digest) {
        return Some(Caller::Operator);
    }
    let id = key::id_of(token)?;
    let key = Key::read(&api.house.store, id)?;
    let now = clock::now();
    if !key.is(&digest) || key.is_expired(now) {
        return None;
    }
    let customer = api.house.directory().customer_named(&key.customer)?;
    api.house.store.use_control(key::KIND, id, now);
    Some(Caller::Key(CallerKey { id: id.to_owned(), customer, scopes: key.scopes }))
}
