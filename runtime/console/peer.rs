//! One account or upstream: its settings, to be changed where the API made it, its pause, and what became of its binds. And a new one.

use axum::Form;
use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ask::{Answer, At, Refused, escaped, read};
use super::customers::Object;
use super::layout::Tab;
use super::links::{self, PauseList};
use super::parts::{self, Mood};
use super::text;
use super::visitor::Visitor;

/// What the API has under `/v1/`, and how people call one.
const KINDS: [(&str, &str); 2] = [("accounts", "account"), ("upstreams", "upstream")];

/// One of them, or there is no such page.
fn kind(asked: &str) -> Option<(&'static str, &'static str)> {
    KINDS.into_iter().find(|(path, _)| *path == asked)
}

fn no_kind() -> Refused {
    Refused::not_found(format!("There are {} and {}.", KINDS[0].0, KINDS[1].0))
}

/// What a form has of an account or upstream; those that are empty are not sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Draft {
    name: String,
    password: String,
    role: String,
    customer: String,
    host: String,
    port: String,
    system_id: String,
    routes: String,
    /// All others, as JSON.
    settings: String,
    /// Of what was shown: nobody's change is undone.
    tag: String,
    reason: String,
}

impl Draft {
    /// As the API takes them, or why they cannot be read.
    fn wanted(&self) -> Result<Map<String, Value>, String> {
        let settings = if self.settings.trim().is_empty() { "{}" } else { &self.settings };
        let mut wanted = match serde_json::from_str(settings) {
            Ok(Value::Object(wanted)) => wanted,
            Ok(_) => return Err("they are in braces".to_owned()),
            Err(error) => return Err(error.to_string()),
        };
        let named = [
            ("password", &self.password),
            ("role", &self.role),
            ("customer", &self.customer),
            ("host", &self.host),
            ("system_id", &self.system_id),
        ];
        for (name, value) in named.into_iter().filter(|(_, value)| !value.is_empty()) {
            wanted.insert(name.to_owned(), json!(value));
        }
        if !self.port.is_empty() {
            // What is no number is the API's to say.
            wanted.insert(
                "port".to_owned(),
                self.port.trim().parse::<u16>().map_or(json!(self.port), |port| json!(port)),
            );
        }
        let routes: Vec<&str> = self.routes.split([',', ' ']).filter(|route| !route.is_empty()).collect();
        if !routes.is_empty() {
            wanted.insert("routes".to_owned(), json!(routes));
        }
        Ok(wanted)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Done {
    saved: String,
}

fn no_json(why: &str) -> Refused {
    let detail = format!("{why}; nothing was changed");
    Refused::new(StatusCode::UNPROCESSABLE_ENTITY, "The settings are no JSON", detail)
}

fn path(kind: &str, id: &str) -> String {
    format!("/console/peers/{kind}/{}", escaped(id))
}

pub async fn one(visitor: Visitor, Path((asked, id)): Path<(String, String)>, Query(done): Query<Done>) -> Response {
    let notice = (!done.saved.is_empty()).then(|| parts::done(&html! { "It holds from the next message on." }));
    let body = body(&visitor, (&asked, &id), notice, None).await;
    visitor.page(&id, Tab::Links, body)
}

async fn body(
    visitor: &Visitor,
    (asked, id): (&str, &str),
    notice: Option<Markup>,
    draft: Option<&str>,
) -> Answer<Markup> {
    let (kind, word) = kind(asked).ok_or_else(no_kind)?;
    let answer = visitor.asker.ask(Method::GET, &At::new(&format!("/v1/{kind}")).then(id), &[], Body::empty()).await;
    let tag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
    let object: Object = read(answer).await?;
    let pauses: PauseList = visitor.asker.get(&At::new("/v1/pauses")).await?;
    let events = links::events(visitor, Some(id), "50").await?;
    Ok(html! {
        h1 { (super::words::first_up(word)) " " (text::shown(id)) }
        @if let Some(notice) = notice { (notice) }
        section.card { h2 { "Sending" } (pause(&path(kind, id), pauses.of(id))) }
        (settings(&path(kind, id), &object, &tag, draft))
        section.card { h2 { "What became of its binds" } (links::history(&events)) }
    })
}

fn pause(path: &str, pause: Option<&links::Pause>) -> Markup {
    html! {
        @match pause {
            Some(pause) => {
                p { (parts::badge(Mood::Bad, "paused")) " since " (parts::time(&pause.since)) ": nothing new is sent to it. "
                    @if !pause.reason.is_empty() { "Why: " (text::shown(&pause.reason)) } }
                form method="post" action={ (path) "/resume" } { button.primary type="submit" { "Resume" } }
            }
            None => {
                p.faint { "A pause sends it nothing new, over restarts, too: what is for it waits in its queues, unless somebody else takes from them. "
                    "Its binds stay, and what it submits is taken." }
                form.filter.single method="post" action={ (path) "/pause" } {
                    (parts::field("Why, for whoever finds it paused", "reason", "", "maintenance until 06:00"))
                    div.buttons { button type="submit" { "Pause" } }
                }
            }
        }
    }
}

fn settings(path: &str, object: &Object, tag: &str, draft: Option<&str>) -> Markup {
    let written = serde_json::to_string_pretty(&object.settings).unwrap_or_default();
    html! {
        section.card {
            h2 { "Settings" }
            @if object.declared {
                p { "The config file declares it: change it there, and start the server again." }
                pre { (text::shown(&written)) }
            } @else {
                form method="post" action={ (path) "/save" } {
                    input type="hidden" name="tag" value=(tag);
                    label.field { span { "What is left out has its default" }
                        textarea.code name="settings" rows="12" spellcheck="false" { (draft.unwrap_or(&written)) }
                    }
                    label.field { span { "New password; empty: it stays" }
                        input type="password" name="password" autocomplete="new-password";
                    }
                    p { button.primary type="submit" { "Save" } }
                }
                form method="post" action={ (path) "/delete" } {
                    input type="hidden" name="tag" value=(tag);
                    button.danger type="submit" { "Delete it" }
                }
            }
        }
    }
}

pub async fn new(visitor: Visitor, Path(asked): Path<String>) -> Response {
    let body = if visitor.is_operator() {
        kind(&asked).map(|kind| form(kind, &Draft::default(), None)).ok_or_else(no_kind)
    } else {
        Err(Refused::not_found("Only the operator has accounts and upstreams."))
    };
    visitor.page("New", Tab::Links, body)
}

fn form((kind, word): (&str, &str), draft: &Draft, notice: Option<Markup>) -> Markup {
    html! {
        h1 { "New " (word) }
        @if let Some(notice) = notice { (notice) }
        section.card { form.filter method="post" action={ "/console/peers/" (kind) } {
            @if kind == "accounts" {
                (parts::field("system_id", "name", &draft.name, "acme-app"))
                label.field { span { "Role" } select name="role" {
                    (parts::choice("application", "application: a customer's software", &draft.role))
                    (parts::choice("network", "network: carries devices", &draft.role))
                } }
                (parts::field("Customer, of an application", "customer", &draft.customer, "acme"))
            } @else {
                (parts::field("Name", "name", &draft.name, "carrier"))
                (parts::field("Host", "host", &draft.host, "smsc.example.net"))
                (parts::field("Port", "port", &draft.port, "2775"))
                (parts::field("Our system_id there", "system_id", &draft.system_id, ""))
            }
            label.field { span { "Password" } input type="password" name="password" autocomplete="new-password"; }
            (parts::field("Routes, of a network", "routes", &draft.routes, "+46, +47"))
            label.field.wide { span { "Other settings as JSON, with the names of the config file" }
                textarea.code name="settings" rows="4" spellcheck="false" placeholder="{ \"window\": 64 }" { (draft.settings) }
            }
            div.buttons { button.primary type="submit" { "Make it" } }
        } }
    }
}

pub async fn make(visitor: Visitor, Path(asked): Path<String>, Form(draft): Form<Draft>) -> Response {
    let made = put(&visitor, (&asked, &draft.name), &draft, (IF_NONE_MATCH, "*")).await;
    match made {
        Ok(_) => Redirect::to(&(path(&asked, draft.name.trim()) + "?saved=true")).into_response(),
        Err(refused) if refused.is_about_the_visitor() => visitor.page("New", Tab::Links, Err(refused)),
        Err(refused) => {
            let notice = Some(parts::problem(&in_words(refused.clone())));
            let body = kind(&asked).map(|kind| form(kind, &draft, notice)).ok_or_else(no_kind);
            (refused.status(), visitor.page("New", Tab::Links, body)).into_response()
        }
    }
}

async fn put(
    visitor: &Visitor,
    (asked, id): (&str, &str),
    draft: &Draft,
    (expect, tag): (HeaderName, &str),
) -> Answer<Value> {
    let at = At::new(&format!("/v1/{}", kind(asked).ok_or_else(no_kind)?.0)).then(id.trim());
    let mut headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    headers.extend(HeaderValue::from_str(tag).ok().map(|tag| (expect, tag)));
    let body = Body::from(Value::Object(draft.wanted().map_err(|why| no_json(&why))?).to_string());
    read(visitor.asker.ask(Method::PUT, &at, &headers, body).await).await
}

/// `save`, `delete`, `pause`, `resume`.
pub async fn turn(
    visitor: Visitor,
    Path((asked, id, verb)): Path<(String, String, String)>,
    Form(draft): Form<Draft>,
) -> Response {
    match done(&visitor, (&asked, &id, &verb), &draft).await {
        Ok(to) => Redirect::to(&to).into_response(),
        Err(refused) if refused.is_about_the_visitor() => visitor.page(&id, Tab::Links, Err(refused)),
        Err(refused) => {
            let notice = Some(parts::problem(&in_words(refused.clone())));
            let text = (verb == "save").then_some(draft.settings.as_str());
            let body = body(&visitor, (&asked, &id), notice, text).await;
            (refused.status(), visitor.page(&id, Tab::Links, body)).into_response()
        }
    }
}

/// Where to go then.
async fn done(visitor: &Visitor, (asked, id, verb): (&str, &str, &str), draft: &Draft) -> Answer<String> {
    let (kind, _) = kind(asked).ok_or_else(no_kind)?;
    let (own, paused) = (path(kind, id), At::new("/v1/pauses").then(id));
    match verb {
        "save" => put(visitor, (kind, id), draft, (IF_MATCH, &draft.tag)).await.map(|_| own + "?saved=true"),
        "delete" => {
            let at = At::new(&format!("/v1/{kind}")).then(id);
            let tag = HeaderValue::from_str(&draft.tag).ok().map(|tag| (IF_MATCH, tag));
            let headers: Vec<_> = tag.into_iter().collect();
            let answer = visitor.asker.ask(Method::DELETE, &at, &headers, Body::empty()).await;
            read::<Value>(answer).await.map(|_| "/console/links".to_owned())
        }
        "pause" => {
            let body = json!({ "reason": draft.reason.trim() });
            read::<Value>(visitor.asker.send(Method::PUT, &paused, &body).await).await.map(|_| own)
        }
        "resume" => {
            let answer = visitor.asker.ask(Method::DELETE, &paused, &[], Body::empty()).await;
            read::<Value>(answer).await.map(|_| own)
        }
        _ => Err(Refused::not_found(format!("There is no {verb} of it."))),
    }
}

fn in_words(refused: Refused) -> Refused {
    if refused.is("precondition_failed") {
        let detail = "Somebody changed it meanwhile, or there is one of this name. Open its page again, then change it once more.";
        return Refused { detail: detail.to_owned(), ..refused };
    }
    refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_form_come_on_top_of_the_json() {
        let draft = Draft {
            settings: r#"{"window": 5, "role": "network"}"#.into(),
            password: "p".into(),
            routes: "+46, +47".into(),
            port: "27x".into(),
            ..Draft::default()
        };
        let wanted = Value::Object(draft.wanted().expect("JSON"));
        let told = json!({ "window": 5, "role": "network", "password": "p", "routes": ["+46", "+47"], "port": "27x" });
        assert_eq!(wanted, told);
        for wrong in ["[]", "{", "{\"a\": }"] {
            let draft = Draft { settings: wrong.into(), ..Draft::default() };
            assert!(draft.wanted().is_err(), "{wrong}");
        }
    }
}
