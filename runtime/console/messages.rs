//! Messages: the history by filter, and what comes in now.

use axum::extract::Query;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use wasmsc_smpp::receipt::MessageState;

use super::ask::{Answer, At};
use super::entry::{self, EntryList};
use super::layout::Tab;
use super::parts;
use super::visitor::Visitor;

/// Of one page: a screen or two.
const LIMIT: &str = "50";

/// What the form says; empty fields say nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filter {
    device: String,
    number: String,
    direction: String,
    rule: String,
    state: String,
    text: String,
    tag: String,
    since: String,
    until: String,
    cursor: String,
}

impl Filter {
    /// As the API is asked, and as the page's own links say it.
    fn on(&self, at: At) -> At {
        at.with_some("device", &self.device)
            .with_some("number", &self.number)
            .with_some("direction", &self.direction)
            .with_some("rule", self.rule.trim())
            .with_some("state", &self.state)
            .with_some("text", &self.text)
            .with_some("tag", &self.tag)
    }

    fn times(&self, at: At) -> At {
        at.with_some("since", &instant(&self.since)).with_some("until", &instant(&self.until))
    }
}

/// What a browser's field for a time gives has no zone and maybe no seconds: UTC, as the page says.
fn instant(typed: &str) -> String {
    match typed.len() {
        16 => format!("{typed}:00Z"),
        19 => format!("{typed}Z"),
        _ => typed.to_owned(),
    }
}

pub async fn list(visitor: Visitor, Query(filter): Query<Filter>) -> Response {
    let body = body(&visitor, &filter).await;
    visitor.page("Messages", Tab::Messages, body)
}

async fn body(visitor: &Visitor, filter: &Filter) -> Answer<Markup> {
    let at = filter.times(filter.on(visitor.at("/v1/messages").with("limit", LIMIT)));
    let found = visitor.asker.get::<EntryList>(&at.with_some("cursor", &filter.cursor)).await;
    let base = visitor.path("");
    let live = filter.on(At::new(&visitor.path("live")));
    if let Err(refused) = &found
        && refused.is_about_the_visitor()
    {
        return Err(refused.clone());
    }
    Ok(html! {
        h1 { "Messages" }
        (form(visitor, filter))
        @match found {
            // The form stays, so that what is wrong with it can be changed.
            Err(refused) => (parts::problem(&refused)),
            Ok(found) => {
                @if filter.cursor.is_empty() { (follow(&live)) }
                (entry::table(&base, &found.messages, "messages"))
                @if found.messages.is_empty() {
                    @if found.next.is_some() {
                        (parts::empty("Nothing in this part of the history.", "There may be more further back."))
                    } @else {
                        (parts::empty("No messages.", "None that is kept fits the filter."))
                    }
                }
                @if let Some(next) = &found.next { (parts::more(Some(older(visitor, filter, next).text()), "Older messages")) }
            }
        }
    })
}

fn older(visitor: &Visitor, filter: &Filter, next: &str) -> At {
    let at = filter.on(At::new(&visitor.path("messages")));
    at.with_some("since", &filter.since).with_some("until", &filter.until).with("cursor", next)
}

/// Hidden where no script runs: then there is nothing to follow with.
fn follow(live: &At) -> Markup {
    html! {
        div.follow hidden data-follow=(live.text()) data-into="messages" {
            button type="button" aria-pressed="false" { "Follow" }
            span role="status" {}
        }
    }
}

fn form(visitor: &Visitor, filter: &Filter) -> Markup {
    html! {
        form.filter method="get" action=(visitor.path("messages")) role="search" {
            (parts::field("Device", "device", &filter.device, "+46701234567"))
            (parts::field("Number", "number", &filter.number, "7001"))
            @if visitor.sees_texts() { (parts::field("Text", "text", &filter.text, "")) }
            label.field { span { "Way" } select name="direction" {
                (parts::choice("", "both", &filter.direction))
                (parts::choice("mo", "MO, from devices", &filter.direction))
                (parts::choice("mt", "MT, to devices", &filter.direction))
            } }
            (parts::field("Rule", "rule", &filter.rule, "water-meter"))
            label.field { span { "State" } select name="state" {
                (parts::choice("", "any", &filter.state))
                @for state in MessageState::WORDS { (parts::choice(state, state, &filter.state)) }
            } }
            (parts::field("Tag", "tag", &filter.tag, ""))
            label.field { span { "From (UTC)" } input type="datetime-local" name="since" value=(filter.since); }
            label.field { span { "Before (UTC)" } input type="datetime-local" name="until" value=(filter.until); }
            div.buttons {
                button.primary type="submit" { "Search" }
                a.button href=(visitor.path("messages")) { "Clear" }
            }
        }
    }
}
