//! "Show text": one message's text for who does not see texts otherwise. The API writes it to the audit.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::ask::{Answer, At, escaped};
use super::fields::Fields;
use super::layout::Tab;
use super::message;
use super::parts::{self, Content};
use super::visitor::Visitor;

#[derive(Debug, Deserialize)]
pub struct Revealed {
    #[serde(flatten)]
    pub content: Content,
    pub fields: Fields,
}

/// Where the text is masked.
pub fn form(visitor: &Visitor, id: &str, content: &Content) -> Markup {
    html! {
        @if content.masked {
            @if visitor.may("reveal") {
                form method="post" action={ (visitor.path("messages")) "/" (escaped(id)) "/reveal" } {
                    p { button type="submit" { "Show text" } " " span.faint { "The audit log says that you did." } }
                }
            } @else {
                p.faint { "Texts are masked for this key. One with the scope " code { "reveal" } " can show them one by one." }
            }
        }
    }
}

pub async fn reveal(visitor: &Visitor, id: &str) -> Answer<Revealed> {
    let at = At::new("/v1/messages").then(id).then("reveal").with("customer", visitor.customer());
    visitor.asker.post(&at, &json!({})).await
}

pub async fn show(visitor: Visitor, Path((_, id)): Path<(String, String)>) -> Response {
    match reveal(&visitor, &id).await {
        Ok(revealed) => message::page(&visitor, &id, None, Some(&revealed)).await,
        Err(refused) if refused.status() == StatusCode::FORBIDDEN => {
            let page = message::page(&visitor, &id, Some(parts::problem(&refused)), None).await;
            (StatusCode::FORBIDDEN, page).into_response()
        }
        Err(refused) => visitor.page("Message", Tab::Messages, Err(refused)),
    }
}
