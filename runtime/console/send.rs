//! Writing to a device: the composer with its counter, and what happens when it is sent.

use axum::extract::{Form, Path};
use axum::http::header::LOCATION;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::{Answer, At, escaped, read};
use super::device;
use super::layout::Tab;
use super::parts;
use super::text;
use super::visitor::{Visitor, Who};
use super::words;

pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

#[derive(Debug, Deserialize)]
struct NumberList {
    numbers: Vec<Number>,
}

#[derive(Debug, Deserialize)]
struct Number {
    number: String,
}

#[derive(Debug, Deserialize)]
pub struct Draft {
    #[serde(default)]
    from: String,
    #[serde(default)]
    text: String,
    /// The same as often as the form is sent: a second click makes no second message.
    #[serde(default)]
    once: String,
}

impl Draft {
    fn message(&self, to: &str) -> Value {
        let mut message = json!({ "to": to, "text": self.text.replace("\r\n", "\n") });
        if !self.from.is_empty() {
            message["from"] = json!(self.from);
        }
        message
    }
}

#[derive(Debug, Deserialize)]
pub struct Accepted {
    pub id: String,
}

#[derive(Debug, Deserialize)]
struct Measured {
    segments: u64,
    encoding: String,
}

/// `path` is the device's.
pub async fn composer(visitor: &Visitor, path: &str, draft: &str) -> Answer<Markup> {
    if let Who::Operator = visitor.who {
        return Ok(html! { p.faint { "Messages are a customer's: sign in with one of its keys to write." } });
    }
    if !visitor.may("send") {
        return Ok(html! { p.faint { "This key has not the scope " code { "send" } ": it cannot write." } });
    }
    let numbers: NumberList = visitor.asker.get(&visitor.at("/v1/numbers")).await?;
    let once = parts::once()?;
    Ok(html! {
        form.composer method="post" action=(path) {
            input type="hidden" name="once" value=(once);
            label.field { span { "From" } select name="from" {
                @for number in &numbers.numbers { option value=(number.number) { (text::plain(&number.number)) } }
            } }
            label.field { span { "Text" }
                textarea name="text" rows="3" required hx-post={ (path) "/measure" } hx-trigger="input changed delay:200ms"
                    hx-target="#measured" { (draft) }
            }
            p #measured.faint role="status" { "Encoding and number of SMS are shown as you type." }
            button.primary type="submit" { "Send" }
        }
    })
}

/// What the text would become, for the counter.
pub async fn measure(visitor: Visitor, Path((_, address)): Path<(String, String)>, Form(draft): Form<Draft>) -> Markup {
    if draft.text.is_empty() {
        return html! { "Nothing is written yet." };
    }
    let measured = visitor.asker.post::<Measured>(&At::new("/v1/messages:measure"), &draft.message(&address)).await;
    let chars = draft.text.chars().count() as u64;
    match measured {
        Ok(measured) => html! {
            (words::count(chars, "character", "characters")) ", " strong { (words::count(measured.segments, "SMS", "SMS")) } ", "
            (match measured.encoding.as_str() {
                "gsm" => "in the GSM alphabet",
                "ucs2" => "in UCS-2, which has room for fewer characters",
                _ => "as octets",
            })
        },
        Err(refused) => {
            html! { (parts::badge(parts::Mood::Bad, "not so")) " " (text::shown(&words::first_up(&refused.detail))) }
        }
    }
}

pub async fn send(visitor: Visitor, Path((_, address)): Path<(String, String)>, Form(draft): Form<Draft>) -> Response {
    let key = HeaderValue::from_str(&draft.once).ok().filter(|key| !key.is_empty());
    let mut headers = vec![(axum::http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    headers.extend(key.map(|key| (IDEMPOTENCY_KEY, key)));
    let body = draft.message(&address).to_string().into();
    let answer = visitor.asker.ask(Method::POST, &At::new("/v1/messages"), &headers, body).await;
    match read::<Accepted>(answer).await {
        Ok(accepted) => {
            let path = format!("{}/devices/{}?sent={}", visitor.path(""), escaped(&address), escaped(&accepted.id));
            (StatusCode::SEE_OTHER, [(LOCATION, path)]).into_response()
        }
        Err(refused) if refused.status() == StatusCode::UNAUTHORIZED => {
            visitor.page("Device", Tab::Devices, Err(refused))
        }
        Err(refused) => {
            let body = device::body(&visitor, &address, "", Some(parts::problem(&refused)), &draft.text).await;
            (refused.status(), visitor.page(&text::plain(&address), Tab::Devices, body)).into_response()
        }
    }
}
