//! Signing in with an API key or the operator's token, and out.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::ask::{Asker, At};
use super::layout;
use super::visitor::{Caller, SESSION, Visitor, theme};
use super::{Console, Transport};
use crate::asking::{Claim, ClientAddress};
use crate::clock;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SignIn {
    token: String,
}

pub async fn form(headers: HeaderMap) -> Response {
    layout::bare("Sign in", theme(&headers), sheet(None), StatusCode::OK)
}

fn sheet(why: Option<&str>) -> Markup {
    html! {
        form.sheet method="post" action="/console/sign-in" {
            h1 { "wasmsc" }
            @if let Some(why) = why { p.notice.bad role="alert" { (why) } }
            label.field { span { "API key or operator's token" }
                input type="password" name="token" required autofocus autocomplete="current-password" spellcheck="false";
            }
            button.primary type="submit" { "Sign in" }
            p.faint { "A customer's operator makes keys; the operator's token is in the file " code { "operator-token" } " of the data directory." }
        }
    }
}

pub async fn sign_in(
    State(console): State<Arc<Console>>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    Form(given): Form<SignIn>,
) -> Response {
    let now = clock::now();
    // Every connection has one; without it, all share one.
    let address = address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(client)| client.0.ip());
    let again = |why: &str, status| layout::bare("Sign in", theme(&headers), sheet(Some(why)), status);
    if !console.sessions.may_try(address, now) {
        return again("Too many attempts failed. Wait a minute, then try again.", StatusCode::TOO_MANY_REQUESTS);
    }
    let claim = Claim::of(given.token.trim());
    let asker = Asker { api: console.api.clone(), claim: claim.clone() };
    match asker.get::<Caller>(&At::new("/v1/caller")).await {
        Ok(_) => {}
        Err(refused) if refused.status() == StatusCode::UNAUTHORIZED => {
            console.sessions.failed(address, now);
            return again(
                "This key or token is not valid: it may be mistyped, deleted or expired.",
                StatusCode::UNAUTHORIZED,
            );
        }
        Err(refused) => return again(&refused.detail, refused.status()),
    }
    match console.sessions.begin(claim, now) {
        Ok(secret) => {
            let cookie = cookie(&secret, is_encrypted(&console, &headers));
            (StatusCode::SEE_OTHER, [(LOCATION, "/console/"), (SET_COOKIE, &*cookie)]).into_response()
        }
        Err(error) => again(&format!("no random numbers: {error}"), StatusCode::INTERNAL_SERVER_ERROR),
    }
}

pub async fn sign_out(visitor: Visitor) -> Response {
    visitor.sign_out();
    let cookie = format!("{}; Max-Age=0", cookie("", Transport::Plain));
    (StatusCode::SEE_OTHER, [(LOCATION, "/console/sign-in"), (SET_COOKIE, &*cookie)]).into_response()
}

/// A proxy that ends TLS says so; whoever pretends to be one keeps the cookie off its own plain connections.
fn is_encrypted(console: &Console, headers: &HeaderMap) -> Transport {
    let proxy = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    if proxy { Transport::Tls } else { console.transport }
}

/// It ends with the browser; the server forgets it sooner.
fn cookie(secret: &str, transport: Transport) -> String {
    let secure = if transport == Transport::Tls { "; Secure" } else { "" };
    format!("{SESSION}={secret}; Path=/console; HttpOnly; SameSite=Strict{secure}")
}
