//! A customer's API keys: made, shown once, deleted.

use axum::body::Body;
use axum::extract::{Form, Path};
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::{Answer, At, escaped, read};
use super::layout::Tab;
use super::parts;
use super::text;
use super::visitor::{Texts, Visitor};

const SCOPES: [(&str, &str); 5] = [
    ("read", "look messages, devices and rules up"),
    ("send", "send and cancel messages, campaigns"),
    ("receive", "take MOs out of the inbox"),
    ("manage", "keys, devices, plugins, rules, dead letters, policy"),
    ("reveal", "show the text of one message where texts are masked; the audit log has it"),
];

#[derive(Debug, Deserialize)]
struct KeyList {
    keys: Vec<Key>,
}

#[derive(Debug, Deserialize)]
struct Key {
    id: String,
    name: String,
    scopes: Vec<String>,
    texts: Texts,
    created_at: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Made {
    key: String,
}

/// A box that is not ticked is no field at all.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewKey {
    name: String,
    read: String,
    send: String,
    receive: String,
    manage: String,
    reveal: String,
    masked: String,
}

impl NewKey {
    fn scopes(&self) -> Vec<&'static str> {
        let ticked = [&self.read, &self.send, &self.receive, &self.manage, &self.reveal];
        SCOPES.iter().zip(ticked).filter(|(_, ticked)| !ticked.is_empty()).map(|((scope, _), _)| *scope).collect()
    }
}

fn keys_of(visitor: &Visitor) -> At {
    At::new("/v1/customers").then(visitor.customer()).then("keys")
}

pub async fn list(visitor: Visitor) -> Response {
    let body = body(&visitor, None).await;
    visitor.page("Keys", Tab::Keys, body)
}

async fn body(visitor: &Visitor, notice: Option<Markup>) -> Answer<Markup> {
    let found: KeyList = visitor.asker.get(&keys_of(visitor)).await?;
    let path = visitor.path("keys");
    Ok(html! {
        h1 { "API keys" }
        @if let Some(notice) = notice { (notice) }
        @if found.keys.is_empty() { (parts::empty("No keys yet.", "Make one below.")) } @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { "Name" } th scope="col" { "Scopes" } th scope="col" { "Made" } th scope="col" { "Last used" }
                    th scope="col" { "Expires" } th scope="col" { "Delete" }
                } }
                tbody { @for key in &found.keys { tr {
                    td { (text::shown(&key.name)) br; code.faint { (key.id) } }
                    td {
                        @for scope in &key.scopes { span.tag { (scope) } " " }
                        @if key.texts == Texts::Masked { br; span.faint { "texts masked" } }
                    }
                    td { (parts::time(&key.created_at)) }
                    td { (parts::some_time(key.last_used_at.as_deref())) }
                    td { @if let Some(at) = &key.expires_at { (parts::time(at)) } @else { "never" } }
                    td { form method="post" action={ (path) "/" (escaped(&key.id)) "/delete" } {
                        button.danger type="submit" aria-label={ "Delete the key " (text::plain(&key.name)) } { "Delete" }
                    } }
                } } }
            } }
        }
        section.card {
            h2 { "New key" }
            form method="post" action=(path) {
                (parts::field("What uses it", "name", "", "billing"))
                fieldset { legend { "Scopes" }
                    @for (scope, what) in SCOPES {
                        label.tick { input type="checkbox" name=(scope) value="yes"; " " strong { (scope) } " " span.faint { (what) } }
                    }
                }
                fieldset { legend { "Texts" }
                    label.tick {
                        input type="checkbox" name="masked" value="yes" checked[!visitor.sees_texts() && !visitor.is_operator()];
                        " " strong { "masked" } " " span.faint { "it does not see what messages say" }
                    }
                }
                p { button.primary type="submit" { "Make the key" } }
            }
        }
    })
}

pub async fn make(visitor: Visitor, Form(new): Form<NewKey>) -> Response {
    let texts = if new.masked.is_empty() { "shown" } else { "masked" };
    let wanted = json!({ "name": new.name, "scopes": new.scopes(), "texts": texts });
    let notice = match visitor.asker.post::<Made>(&keys_of(&visitor), &wanted).await {
        Ok(made) => parts::done(&html! {
            p { strong { "This is the only time that the key is shown." } " Copy it now:" }
            p { code.secret { (made.key) } }
        }),
        Err(refused) => parts::problem(&refused),
    };
    let body = body(&visitor, Some(notice)).await;
    visitor.page("Keys", Tab::Keys, body)
}

pub async fn delete(visitor: Visitor, Path((_, id)): Path<(String, String)>) -> Response {
    let answer = visitor.asker.ask(Method::DELETE, &keys_of(&visitor).then(&id), &[], Body::empty()).await;
    match read::<Value>(answer).await {
        Ok(_) => Redirect::to(&visitor.path("keys")).into_response(),
        Err(refused) => visitor.page("Keys", Tab::Keys, Err(refused)),
    }
}
