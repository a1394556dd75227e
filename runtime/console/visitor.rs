//! Whoever looks at a page: their session's claim, and who the API says that they are.

use std::sync::Arc;

use axum::RequestPartsExt;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::header::{ACCEPT, COOKIE, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::Markup;
use serde::Deserialize;
use tokio::sync::watch;

use super::Console;
use super::ask::{Answer, Asker, At, Refused, escaped};
use super::layout::{self, Tab};
use super::parts;
use super::session::{SessionId, Use};
use crate::clock;

/// The session's cookie, and the one that says how pages look.
pub const SESSION: &str = "wasmsc_session";
const THEME: &str = "wasmsc_theme";

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Caller {
    Operator { operator: bool, texts: Texts },
    Key(Key),
}

/// Whether the API shows what messages say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Texts {
    Shown,
    Masked,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Key {
    pub name: String,
    pub customer: String,
    pub scopes: Vec<String>,
    pub texts: Texts,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    Operator,
    Key(Key),
}

pub struct Visitor {
    pub who: Who,
    pub texts: Texts,
    pub theme: &'static str,
    pub asker: Asker,
    ended: watch::Receiver<()>,
    console: Arc<Console>,
    session: SessionId,
    /// The customer of the page's path.
    pub customer: Option<String>,
    /// It wants a piece of a page.
    is_piece: bool,
}

impl FromRequestParts<Arc<Console>> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Visitor, Response> {
        let refreshes = parts.method == Method::GET && (is_piece(&parts.headers) || is_stream(&parts.headers));
        let by = if refreshes { Use::Machine } else { Use::Person };
        let secret = cookie(&parts.headers, SESSION);
        let open = secret.and_then(|secret| console.sessions.find(secret, by, clock::now()));
        let Some(open) = open else { return Err(to_sign_in(&parts.headers)) };
        let asker = Asker { api: console.api.clone(), claim: open.claim };
        let (who, texts) = match asker.get(&At::new("/v1/caller")).await {
            Ok(Caller::Operator { texts, .. }) => (Who::Operator, texts),
            Ok(Caller::Key(key)) => {
                let texts = key.texts;
                (Who::Key(key), texts)
            }
            Err(refused) if refused.status() == StatusCode::UNAUTHORIZED => {
                console.sessions.end(&open.id);
                return Err(to_sign_in(&parts.headers));
            }
            Err(refused) => {
                return Err(layout::bare("wasmsc", theme(&parts.headers), parts::problem(&refused), refused.status()));
            }
        };
        let params = parts.extract::<RawPathParams>().await.ok();
        let named = params.iter().flatten().find(|(name, _)| *name == "customer");
        let customer = named.map(|(_, customer)| customer.to_owned());
        Ok(Visitor {
            who,
            texts,
            theme: theme(&parts.headers),
            asker,
            ended: open.ended,
            console: console.clone(),
            session: open.id,
            customer,
            is_piece: is_piece(&parts.headers),
        })
    }
}

impl Visitor {
    pub fn may(&self, scope: &str) -> bool {
        match &self.who {
            Who::Operator => true,
            Who::Key(key) => key.scopes.iter().any(|has| has == scope),
        }
    }

    pub fn sees_texts(&self) -> bool {
        self.texts == Texts::Shown
    }

    pub fn is_operator(&self) -> bool {
        self.who == Who::Operator
    }

    /// It has the page already, and wants its middle again.
    pub fn wants_piece(&self) -> bool {
        self.is_piece
    }

    /// The customer whose page this is; paths of such pages have one.
    pub fn customer(&self) -> &str {
        self.customer.as_deref().unwrap_or_default()
    }

    /// A page of the same customer.
    pub fn path(&self, rest: &str) -> String {
        self.customer_path(self.customer(), rest)
    }

    pub fn customer_path(&self, customer: &str, rest: &str) -> String {
        let slash = if rest.is_empty() { "" } else { "/" };
        format!("/console/c/{}{slash}{rest}", escaped(customer))
    }

    /// A path of the API, about the customer of this page.
    pub fn at(&self, path: &str) -> At {
        At::new(path).with("customer", self.customer())
    }

    /// For what goes on for long.
    pub fn attendance(&self) -> Attendance {
        Attendance { console: self.console.clone(), session: self.session.clone(), ended: self.ended.clone() }
    }

    pub fn sign_out(&self) {
        self.console.sessions.end(&self.session);
    }

    /// A whole page, or its middle for a page that refreshes itself.
    pub fn page(&self, title: &str, tab: Tab, body: Answer<Markup>) -> Response {
        match body {
            Ok(body) if self.is_piece => body.into_response(),
            Ok(body) => layout::page(self, title, tab, body).into_response(),
            Err(refused) => self.refused(title, tab, &refused),
        }
    }

    fn refused(&self, title: &str, tab: Tab, refused: &Refused) -> Response {
        if refused.status() == StatusCode::UNAUTHORIZED {
            self.sign_out();
            return to_sign_in(&HeaderMap::new());
        }
        let body = parts::problem(refused);
        let whole = || layout::page(self, title, tab, maud::html! { h1 { (title) } (body) });
        let page = if self.is_piece { body.clone() } else { whole() };
        (refused.status(), page).into_response()
    }
}

/// Whether whoever asked is still signed in.
pub struct Attendance {
    console: Arc<Console>,
    session: SessionId,
    ended: watch::Receiver<()>,
}

impl Attendance {
    pub fn holds(&self) -> bool {
        self.console.sessions.holds(&self.session, clock::now())
    }

    /// Comes with sign-out. That nobody uses the session any more has to be asked for.
    pub async fn ends(&mut self) {
        // Its sender is dropped with the session, and sends nothing.
        while self.ended.changed().await.is_ok() {}
    }
}

pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// One of those that the style sheet knows.
pub fn theme(headers: &HeaderMap) -> &'static str {
    match cookie(headers, THEME) {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "auto",
    }
}

/// htmx says so of its requests.
fn is_piece(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request")
}

fn is_stream(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).is_some_and(|accept| accept == "text/event-stream")
}

/// htmx would follow a redirect inside the page.
fn to_sign_in(headers: &HeaderMap) -> Response {
    let to = HeaderValue::from_static("/console/sign-in");
    if is_piece(headers) {
        return (StatusCode::UNAUTHORIZED, [("hx-redirect", to)]).into_response();
    }
    if is_stream(headers) {
        return StatusCode::NO_CONTENT.into_response(); // the answer after which browsers do not come again
    }
    (StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response()
}
