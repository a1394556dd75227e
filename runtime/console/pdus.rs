//! PDUs in pieces: the last ones of a link, and those that somebody pastes.

use axum::Form;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use super::ask::{Answer, At, escaped};
use super::layout::Tab;
use super::parts::{self, Mood};
use super::text;
use super::visitor::Visitor;

/// Octets in a line of raw ones.
const LINE: usize = 16;

#[derive(Debug, Deserialize)]
struct LinkPdus {
    account: String,
    watched_since: String,
    pdus: Vec<LinkPdu>,
}

#[derive(Debug, Deserialize)]
struct LinkPdu {
    number: u64,
    at: String,
    way: String,
    #[serde(flatten)]
    pdu: Pdu,
}

#[derive(Debug, Deserialize)]
struct PduList {
    pdus: Vec<Pdu>,
}

#[derive(Debug, Deserialize)]
struct Pdu {
    command: Option<String>,
    command_status: String,
    sequence_number: u32,
    length: usize,
    octets: String,
    fields: Vec<Field>,
    message: Option<Message>,
    error: Option<Wrong>,
}

#[derive(Debug, Deserialize)]
struct Field {
    name: String,
    at: usize,
    length: usize,
    value: Option<String>,
    #[serde(default)]
    meaning: String,
    optional: bool,
}

#[derive(Debug, Deserialize)]
struct Message {
    octets: usize,
    text: Option<String>,
    #[serde(default)]
    udh: Vec<String>,
    #[serde(default)]
    udh_broken: bool,
    part: Option<String>,
    receipt: Option<Receipt>,
}

#[derive(Debug, Deserialize)]
struct Receipt {
    message_id: String,
    state: Option<String>,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Wrong {
    at: usize,
    field: String,
    command_status: String,
    why: String,
}

pub async fn of_link(visitor: Visitor, Path(id): Path<String>) -> Response {
    let body = link(&visitor, &id).await;
    visitor.page("PDUs of a link", Tab::Links, body)
}

async fn link(visitor: &Visitor, id: &str) -> Answer<Markup> {
    let found: LinkPdus = visitor.asker.get(&At::new("/v1/links").then(id).then("pdus")).await?;
    let path = format!("/console/links/{}", escaped(id));
    Ok(html! {
        h1 { "PDUs of " (text::shown(&found.account)) }
        p { a href="/console/links" { "Links" } " · " a href="/console/pdus" { "Decode a PDU" } }
        div #now hx-get=(path) hx-trigger="every 2s" hx-select="#now" hx-swap="outerHTML" {
            p.faint {
                "All PDUs since " (parts::time(&found.watched_since)) ", the newest first, 100 at most, while this page is open; of those before, how it was bound. "
                "Passwords and texts are hidden."
            }
            @for one in &found.pdus { (of_traced(one)) }
            @if found.pdus.is_empty() { (parts::empty("No PDU yet.", "They appear as they come.")) }
        }
    })
}

/// It never changes: htmx keeps it as it is, open or not.
fn of_traced(one: &LinkPdu) -> Markup {
    let (mood, way) = if one.way == "sent" { (Mood::Busy, "sent") } else { (Mood::Calm, "received") };
    html! {
        details.card.pdu id={ "pdu-" (one.number) } hx-preserve {
            summary { (parts::time(&one.at)) " " (parts::badge(mood, way)) " " (head(&one.pdu)) }
            (pieces(&one.pdu))
        }
    }
}

fn head(pdu: &Pdu) -> Markup {
    html! {
        strong { (text::shown(pdu.command.as_deref().unwrap_or("no PDU"))) } " "
        code { "#" (pdu.sequence_number) } " "
        @if !pdu.command_status.starts_with("ESME_ROK") { (parts::badge(Mood::Bad, &pdu.command_status)) " " }
        @if pdu.error.is_some() { (parts::badge(Mood::Bad, "malformed")) " " }
        @if let Some(receipt) = &pdu.message.as_ref().and_then(|message| message.receipt.as_ref()) {
            "receipt " (text::shown(receipt.state.as_deref().unwrap_or("without a state"))) " "
        }
        span.faint { (pdu.length) " octets" }
    }
}

fn pieces(pdu: &Pdu) -> Markup {
    html! {
        @if let Some(wrong) = &pdu.error {
            div.notice.bad role="status" {
                p { "It cannot be read: " code { (wrong.field) } " at octet " (wrong.at) ": " (text::shown(&wrong.why)) "." }
                p.faint { "A peer that sends it is answered " code { (wrong.command_status) } "." }
            }
        }
        @if let Some(message) = &pdu.message { (carried(message)) }
        div.scroll { table {
            thead { tr {
                th.figure scope="col" { "Octet" } th scope="col" { "Field" } th scope="col" { "Value" } th scope="col" { "Meaning" }
            } }
            tbody { @for field in &pdu.fields { tr {
                td.figure { (field.at) }
                td { code { (text::shown(&field.name)) } @if field.optional { " " span.tag { "TLV" } } }
                td { @match &field.value {
                    Some(value) if value.is_empty() => span.faint { "empty" },
                    Some(value) => code { (text::shown(value)) },
                    None => span.faint { "hidden, " (field.length) " octets" },
                } }
                td { (text::shown(&field.meaning)) }
            } } }
        } }
        pre.octets { (raw(&pdu.octets)) }
    }
}

fn carried(message: &Message) -> Markup {
    html! {
        dl.facts {
            div { dt { "Message" } dd { (message.octets) " octets" } }
            @if let Some(said) = &message.text { div { dt { "Text" } dd { (text::shown(said)) } } }
            @if let Some(part) = &message.part { div { dt { "Long message" } dd { (part) } } }
            @if !message.udh.is_empty() { div { dt { "User data header" } dd { code { (message.udh.join(", ")) } } } }
            @if message.udh_broken { div { dt { "User data header" } dd { (parts::badge(Mood::Bad, "longer than the message")) } } }
            @if let Some(receipt) = &message.receipt {
                div { dt { "Receipt for" } dd { code { (text::shown(&receipt.message_id)) } } }
                @if let Some(state) = &receipt.state { div { dt { "State" } dd { (state) } } }
                @if let Some(error) = &receipt.error { div { dt { "err" } dd { (text::shown(error)) } } }
            }
        }
    }
}

/// Lines with the place of their first octet.
fn raw(octets: &str) -> String {
    let pairs: Vec<&str> = (0..octets.len()).step_by(2).filter_map(|at| octets.get(at..at + 2)).collect();
    let lines = pairs.chunks(LINE).enumerate();
    lines.map(|(number, line)| format!("{:04x}  {}\n", number * LINE, line.join(" "))).collect()
}

/// What is pasted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pasted {
    hex: String,
}

pub async fn decoder(visitor: Visitor) -> Response {
    let body = if visitor.is_operator() { Ok(form("", None)) } else { decoded(&visitor, "00").await };
    visitor.page("Decode a PDU", Tab::Links, body)
}

pub async fn decode(visitor: Visitor, Form(pasted): Form<Pasted>) -> Response {
    let body = decoded(&visitor, &pasted.hex).await;
    match body {
        Err(refused) if !refused.is_about_the_visitor() => {
            let page = form(&pasted.hex, Some(parts::problem(&refused)));
            (refused.status(), visitor.page("Decode a PDU", Tab::Links, Ok(page))).into_response()
        }
        body => visitor.page("Decode a PDU", Tab::Links, body),
    }
}

async fn decoded(visitor: &Visitor, hex: &str) -> Answer<Markup> {
    let found: PduList = visitor.asker.post(&At::new("/v1/pdus:decode"), &json!({ "hex": hex })).await?;
    let pdus = html! { @for pdu in &found.pdus { section.card.pdu { h2 { (head(pdu)) } (pieces(pdu)) } } };
    Ok(form(hex, Some(pdus)))
}

fn form(hex: &str, found: Option<Markup>) -> Markup {
    html! {
        h1 { "Decode a PDU" }
        section.card {
            form method="post" action="/console/pdus" {
                label.field { span { "Octets in hex: one PDU or several, as a log or a sniffer has them" }
                    textarea.code name="hex" rows="5" spellcheck="false" required placeholder="00000010 00000015 00000000 00000001" { (hex) }
                }
                p { button.primary type="submit" { "Decode" } }
                p.faint { "Nothing is sent, and nothing of it is kept." }
            }
        }
        @if let Some(found) = found { (found) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_octets_stand_in_lines_with_their_places() {
        let octets = "00".repeat(17) + "**";
        assert_eq!(raw(&octets), format!("0000  {}\n0010  00 **\n", ["00"; 16].join(" ")));
    }
}
