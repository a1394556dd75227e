//! "Send again": the same message to the same device, as a new one that goes the way of any other.

use std::io;

use axum::extract::{Form, Path};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::{Answer, At, Refused, escaped, read};
use super::entry::Entry;
use super::fields::Fields;
use super::layout::Tab;
use super::message::{self, Timeline};
use super::parts::{self, Content};
use super::reveal;
use super::send::{Accepted, IDEMPOTENCY_KEY};
use super::text;
use super::visitor::{Visitor, Who};

/// `data_coding` of UCS-2.
const UCS_2: u8 = 8;

#[derive(Debug, Deserialize)]
pub struct Wish {
    /// The same as often as the form is sent: a second click makes no second message.
    #[serde(default)]
    once: String,
}

/// For whoever may send, below an MT. It is opened first, so that no click sends by mistake.
pub fn form(visitor: &Visitor, message: &Entry) -> io::Result<Markup> {
    let sees = visitor.sees_texts() || visitor.may("reveal");
    if message.is_mo() || !matches!(visitor.who, Who::Key(_)) || !visitor.may("send") || !sees {
        return Ok(html! {});
    }
    let once = parts::once()?;
    Ok(html! {
        details.card {
            summary { "Send again" }
            form method="post" action={ (visitor.path("messages")) "/" (escaped(&message.id)) "/again" } {
                input type="hidden" name="once" value=(once);
                p {
                    "The same to " strong { (text::shown(&message.to)) } " from " strong { (text::shown(&message.from)) }
                    ", as a new message: the firewall and all limits are asked again, and the device may have it twice."
                    @if !visitor.sees_texts() { " Its text is shown for that, and the audit log says so." }
                }
                button.primary type="submit" { "Send it again" }
            }
        }
    })
}

/// As it was written, so that it reads the same.
fn composed(message: &Entry, content: &Content, fields: &Fields) -> Value {
    let mut body = json!({ "from": message.from, "to": message.to, "tag": message.tag });
    match (&content.text, &fields.udh) {
        (Some(text), None) => {
            body["text"] = json!(text);
            if fields.data_coding == UCS_2 {
                body["encoding"] = json!("ucs2");
            }
        }
        // What has a header is sent octet by octet: a part of a long text, one in a national alphabet, a picture.
        (_, udh) => {
            let hex = fields.octets.as_ref().map_or("", |octets| &octets.hex);
            body["binary"] = json!({ "hex": hex });
            body["data_coding"] = json!(fields.data_coding);
            if let Some(udh) = udh {
                body["udh"] = json!({ "hex": udh.hex });
            }
        }
    }
    body
}

pub async fn send(visitor: Visitor, Path((_, id)): Path<(String, String)>, Form(wish): Form<Wish>) -> Response {
    match sent(&visitor, &id, &wish.once).await {
        Ok(accepted) => {
            let path = format!("{}/{}?again={}", visitor.path("messages"), escaped(&accepted.id), escaped(&id));
            (StatusCode::SEE_OTHER, [(LOCATION, path)]).into_response()
        }
        Err(refused) if matches!(refused.status(), StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND) => {
            visitor.page("Message", Tab::Messages, Err(refused))
        }
        Err(refused) => {
            let page = message::page(&visitor, &id, Some(parts::problem(&refused)), None).await;
            (refused.status(), page).into_response()
        }
    }
}

async fn sent(visitor: &Visitor, id: &str, once: &str) -> Answer<Accepted> {
    // Without it nothing would keep a second click from sending twice.
    let no_key = || Refused::new(StatusCode::BAD_REQUEST, "The form is not whole", "open the message's page again");
    let key = HeaderValue::from_str(once).ok().filter(|key| !key.is_empty()).ok_or_else(no_key)?;
    let timeline = Timeline::of(visitor, id).await?;
    let is_mt = timeline.message().filter(|message| !message.is_mo());
    let (Some(message), Some((content, fields))) = (is_mt, timeline.content()) else {
        return Err(Refused::not_found("Only an MT can be sent again."));
    };
    let revealed = if content.masked { Some(reveal::reveal(visitor, id).await?) } else { None };
    let (content, fields) = revealed.as_ref().map_or((content, fields), |shown| (&shown.content, &shown.fields));
    let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json")), (IDEMPOTENCY_KEY, key)];
    let body = composed(message, content, fields).to_string();
    read(visitor.asker.ask(Method::POST, &At::new("/v1/messages"), &headers, body.into()).await).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_the_first_one_was() {
        let entry = |said: Value| {
            let mut entry = json!({ "id": "m1", "direction": "mt", "by": "api", "from": "7001", "to": "+46700000001",
                "state": "delivered", "received_at": "2026-11-29T16:00:00Z", "tag": "order 7" });
            entry.as_object_mut().expect("an object").extend(said.as_object().expect("an object").clone());
            serde_json::from_value::<Entry>(entry).expect("an entry")
        };
        let fields = |data_coding: u8, udh: Value| {
            let fields = json!({ "esm_class": 0, "protocol_id": 0, "priority_flag": 0, "data_coding": data_coding, "length": 2,
                "udh": udh, "octets": { "hex": "6869" } });
            serde_json::from_value::<Fields>(fields).expect("fields")
        };
        let ends = json!({ "from": "7001", "to": "+46700000001", "tag": "order 7" });
        for (said, coding, udh, written) in [
            (json!({ "text": "hi" }), 0, Value::Null, json!({ "text": "hi" })),
            (json!({ "text": "hi" }), 8, Value::Null, json!({ "text": "hi", "encoding": "ucs2" })),
            (
                json!({ "text": "hi" }),
                0,
                json!({ "hex": "0500030a0201" }),
                json!({ "binary": { "hex": "6869" }, "data_coding": 0, "udh": { "hex": "0500030a0201" } }),
            ),
            (
                json!({ "binary": { "hex": "6869" } }),
                0xF5,
                Value::Null,
                json!({ "binary": { "hex": "6869" }, "data_coding": 0xF5 }),
            ),
        ] {
            let message = entry(said);
            let mut expected = ends.clone();
            expected.as_object_mut().expect("an object").extend(written.as_object().expect("an object").clone());
            assert_eq!(composed(&message, &message.content, &fields(coding, udh)), expected);
        }
    }
}
