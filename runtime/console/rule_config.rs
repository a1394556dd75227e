//! The config of a rule, edited: what would change is shown first, side by side, and put in place by a second click.

use std::collections::BTreeSet;

use axum::Form;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::ask::{Answer, At, Refused, escaped, read};
use super::layout::Tab;
use super::parts::{self, Mood};
use super::rules::{Rule, pairs};
use super::text;
use super::visitor::Visitor;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Edit {
    config: String,
    /// Of what was shown: nobody's change is undone.
    tag: String,
    /// `look`, or `put`.
    act: String,
}

/// Config as the form has it.
pub fn lines(config: &Value) -> String {
    let config = config.as_object().into_iter().flatten();
    config.map(|(name, value)| format!("{name} = {}\n", value.as_str().unwrap_or_default())).collect()
}

fn at(visitor: &Visitor, name: &str) -> At {
    At::new("/v1/rules").then(name).with("customer", visitor.customer())
}

async fn rule(visitor: &Visitor, name: &str) -> Answer<(Rule, String)> {
    let answer = visitor.asker.ask(Method::GET, &at(visitor, name), &[], Body::empty()).await;
    let tag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
    Ok((read(answer).await?, tag))
}

pub async fn page(visitor: Visitor, Path((_, name)): Path<(String, String)>) -> Response {
    let body = rule(&visitor, &name).await.map(|(rule, tag)| {
        let edit = Edit { config: lines(&rule.settings["config"]), tag, ..Edit::default() };
        body(&visitor, &name, &rule, &edit, None)
    });
    visitor.page(&text::plain(&format!("Config of {name}")), Tab::Rules, body)
}

pub async fn change(visitor: Visitor, Path((_, name)): Path<(String, String)>, Form(edit): Form<Edit>) -> Response {
    let title = text::plain(&format!("Config of {name}"));
    let (rule, _) = match rule(&visitor, &name).await {
        Ok(found) => found,
        Err(refused) => return visitor.page(&title, Tab::Rules, Err(refused)),
    };
    if edit.act != "put" {
        let diff = diff(&rule.settings["config"], &Value::Object(pairs(&edit.config)));
        return visitor.page(&title, Tab::Rules, Ok(body(&visitor, &name, &rule, &edit, Some(diff))));
    }
    match put(&visitor, &name, &rule, &edit).await {
        Ok(_) => Redirect::to(&format!("{}/{}", visitor.path("rules"), escaped(&name))).into_response(),
        Err(refused) if refused.status() == StatusCode::UNAUTHORIZED => visitor.page(&title, Tab::Rules, Err(refused)),
        Err(refused) => {
            let notice = parts::problem(&in_words(refused.clone()));
            let body = body(&visitor, &name, &rule, &edit, Some(notice));
            (refused.status(), visitor.page(&title, Tab::Rules, Ok(body))).into_response()
        }
    }
}

/// All settings as they are but the config; secrets that are left out stay.
async fn put(visitor: &Visitor, name: &str, rule: &Rule, edit: &Edit) -> Answer<Value> {
    let mut settings = rule.settings.clone();
    settings["config"] = Value::Object(pairs(&edit.config));
    if let Some(settings) = settings.as_object_mut() {
        settings.remove("secrets");
    }
    let mut headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    headers.extend(HeaderValue::from_str(&edit.tag).ok().map(|tag| (IF_MATCH, tag)));
    read(visitor.asker.ask(Method::PUT, &at(visitor, name), &headers, settings.to_string().into()).await).await
}

fn in_words(refused: Refused) -> Refused {
    if refused.is("precondition_failed") {
        let detail = "Somebody changed the rule meanwhile. Open the page again to see it, then change it once more.";
        return Refused { detail: detail.to_owned(), ..refused };
    }
    refused
}

fn body(visitor: &Visitor, name: &str, rule: &Rule, edit: &Edit, notice: Option<Markup>) -> Markup {
    let path = format!("{}/{}", visitor.path("rules"), escaped(name));
    html! {
        h1 { "Config of rule " (text::shown(name)) }
        p { a href=(path) { "Back to the rule" } }
        @if let Some(notice) = notice { (notice) }
        @if rule.declared || !visitor.may("manage") {
            p.faint { @if rule.declared { "The config file declares this rule: its config is changed there." } @else { "Changing it needs a key with the scope " code { "manage" } "." } }
            pre { (text::shown(&edit.config)) }
        } @else {
            form.card method="post" action={ (path) "/config" } {
                input type="hidden" name="tag" value=(edit.tag);
                label.field.wide { span { "A line for each: name = value" }
                    textarea.code name="config" rows="12" spellcheck="false" { (edit.config) }
                }
                p.faint { "New events run with it as soon as it is put in place; a plugin that checks its config is asked first." }
                div.buttons {
                    button.primary type="submit" name="act" value="look" { "Look first" }
                    button type="submit" name="act" value="put" { "Put in place" }
                }
            }
        }
    }
}

/// What changes, name by name.
fn diff(before: &Value, after: &Value) -> Markup {
    let none = Map::new();
    let (before, after) = (before.as_object().unwrap_or(&none), after.as_object().unwrap_or(&none));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let (same, changed): (Vec<&String>, Vec<_>) =
        names.into_iter().partition(|name| before.get(*name) == after.get(*name));
    let cell = |value: Option<&Value>| {
        html! { @match value.and_then(Value::as_str) { Some(text) => (text::shown(text)), None => span.faint { "absent" } } }
    };
    html! {
        section.card #diff role="status" {
            h2 { "What would change" }
            @if changed.is_empty() { p { "Nothing: this is the config as it is." } } @else {
                div.scroll { table {
                    thead { tr { th scope="col" { "Name" } th scope="col" { "" } th scope="col" { "Now" } th scope="col" { "With the edit" } } }
                    tbody { @for name in &changed { tr {
                        th scope="row" { (text::shown(name)) }
                        td { @match (before.get(*name), after.get(*name)) {
                            (None, _) => (parts::badge(Mood::Good, "new")),
                            (_, None) => (parts::badge(Mood::Bad, "gone")),
                            _ => (parts::badge(Mood::Busy, "changed")),
                        } }
                        td { (cell(before.get(*name))) } td { (cell(after.get(*name))) }
                    } } }
                } }
                p.faint { @match same.len() { 1 => "1 other stays as it is.", count => { (count) " others stay as they are." } } }
            }
        }
    }
}
