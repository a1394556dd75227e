//! A device as a conversation, as in a phone: what it said, what it was told, and a place to write.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::ask::{Answer, At, escaped};
use super::devices::{self, Device};
use super::entry::{Entry, EntryList};
use super::kept;
use super::layout::Tab;
use super::parts;
use super::send;
use super::text;
use super::visitor::Visitor;

const LIMIT: &str = "40";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    cursor: String,
    /// The message that was sent just now.
    sent: String,
}

pub async fn one(
    visitor: Visitor,
    Path((_, address)): Path<(String, String)>,
    Query(wanted): Query<Wanted>,
) -> Response {
    let notice = (!wanted.sent.is_empty()).then(|| {
        let to = format!("{}/messages/{}", visitor.path(""), escaped(&wanted.sent));
        parts::done(&html! { "On its way. " a href=(to) { "What happens to it" } })
    });
    let body = body(&visitor, &address, &wanted.cursor, notice, "").await;
    visitor.page(&text::plain(&address), Tab::Devices, body)
}

/// `draft` is what somebody wrote and could not send.
pub async fn body(
    visitor: &Visitor,
    address: &str,
    cursor: &str,
    notice: Option<Markup>,
    draft: &str,
) -> Answer<Markup> {
    let at = At::new("/v1/devices").then(address).with("customer", visitor.customer());
    let device = match visitor.asker.get::<Device>(&at).await {
        Ok(device) => Some(device),
        Err(refused) if refused.status() == StatusCode::NOT_FOUND => None,
        Err(refused) => return Err(refused),
    };
    let at = visitor.at("/v1/messages").with("device", address).with("limit", LIMIT).with_some("cursor", cursor);
    let said = visitor.asker.get::<EntryList>(&at).await;
    let path = format!("{}/devices/{}", visitor.path(""), escaped(address));
    let live = At::new(&visitor.path("live")).with("device", address);
    if let Err(refused) = &said
        && refused.is_about_the_visitor()
    {
        return Err(refused.clone());
    }
    Ok(html! {
        h1 { (text::shown(address)) }
        (card(device.as_ref()))
        @if let Some(notice) = notice { (notice) }
        @match said {
            Err(refused) => (parts::problem(&refused)),
            Ok(said) => {
                @if let Some(next) = &said.next {
                    @let older = At::new(&path).with("cursor", next);
                    (parts::more(Some(older.text()), "Earlier messages"))
                }
                section #conversation.conversation aria-label="Conversation" data-refresh-on=(live.text())
                    hx-get=(path) hx-trigger="refresh" hx-select="#conversation" hx-swap="outerHTML" {
                    @if said.messages.is_empty() { (parts::empty("Nothing was said yet.", "")) }
                    ol { @for entry in said.messages.iter().rev() { (bubble(visitor, entry)) } }
                }
            }
        }
        (send::composer(visitor, &path, draft).await?)
        @if cursor.is_empty() && !visitor.wants_piece() { (kept::cards(visitor, address).await?) }
    })
}

fn card(device: Option<&Device>) -> Markup {
    html! {
        section.card {
            @match device {
                None => p.faint { "Not registered: it has no tags and attributes here. Devices in the customer's ranges work all the same." },
                Some(device) => dl.facts {
                    div { dt { "Status" } dd { (devices::status(&device.status)) } }
                    div { dt { "Last seen" } dd { (parts::some_time(device.last_seen_at.as_deref())) } }
                    @if !device.tags.is_empty() { div { dt { "Tags" } dd { (devices::tags(&device.tags)) } } }
                    @for (name, value) in &device.attributes { div { dt { (text::shown(name)) } dd { (text::shown(value)) } } }
                    @if let Some(iccid) = &device.iccid { div { dt { "ICCID" } dd { code { (iccid) } } } }
                    @if let Some(imei) = &device.imei { div { dt { "IMEI" } dd { code { (imei) } } } }
                    div { dt { "Registered" } dd { (parts::time(&device.created_at)) } }
                },
            }
        }
    }
}

fn bubble(visitor: &Visitor, entry: &Entry) -> Markup {
    let number = if entry.is_mo() { &entry.to } else { &entry.from };
    html! {
        li class=(entry.direction) {
            p.speech { (parts::content(&entry.content)) }
            p.under {
                a href={ (visitor.path("messages")) "/" (escaped(&entry.id)) } { (parts::time(&entry.received_at)) }
                " " @if entry.is_mo() { "to " } @else { "from " } (text::shown(number))
                @if !entry.is_mo() { " by " (text::shown(&entry.by)) }
                " " (parts::state(&entry.state))
            }
        }
    }
}
