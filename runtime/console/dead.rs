//! Dead letters: what a rule failed on for good, and what no peer took; each tried again or dropped.

use axum::Form;
use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::{Answer, At, Refused, escaped};
use super::layout::Tab;
use super::parts::{self, Content, Mood};
use super::text;
use super::visitor::Visitor;
use super::words;

const LIMIT: &str = "50";

#[derive(Debug, Deserialize)]
struct Letters {
    dead_letters: Vec<Letter>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Letter {
    id: String,
    kind: String,
    device: String,
    number: String,
    died_at: String,
    attempts: u32,
    reason: String,
    rule: Option<String>,
    queue: Option<String>,
    backtrace: Option<String>,
    #[serde(flatten)]
    content: Content,
}

#[derive(Debug, Deserialize)]
struct Changed {
    changed: u64,
    left: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filter {
    rule: String,
    device: String,
    cursor: String,
    /// What was done just now, and to how many.
    did: String,
    changed: String,
    left: String,
}

impl Filter {
    fn on(&self, at: At) -> At {
        at.with_some("rule", &self.rule).with_some("device", &self.device)
    }
}

pub async fn list(visitor: Visitor, Query(filter): Query<Filter>) -> Response {
    let body = body(&visitor, &filter).await;
    visitor.page("Dead letters", Tab::Dead, body)
}

async fn body(visitor: &Visitor, filter: &Filter) -> Answer<Markup> {
    let at = filter.on(visitor.at("/v1/dead-letters").with("limit", LIMIT)).with_some("cursor", &filter.cursor);
    let found: Letters = visitor.asker.get(&at).await?;
    let path = visitor.path("dead-letters");
    Ok(html! {
        h1 { "Dead letters" }
        (done(filter))
        form.filter method="get" action=(path) role="search" {
            (parts::field("Rule", "rule", &filter.rule, ""))
            (parts::field("Device", "device", &filter.device, "+46701234567"))
            div.buttons { button.primary type="submit" { "Search" } a.button href=(path) { "Clear" } }
        }
        @if found.dead_letters.is_empty() { (parts::empty("No dead letters.", "What fails for good is kept here, with its reason.")) }
        @else {
            @if visitor.may("manage") && filter.cursor.is_empty() { (all(visitor, filter)) }
            @for letter in &found.dead_letters { (card(visitor, letter)) }
        }
        @if let Some(next) = &found.next { (parts::more(Some(filter.on(At::new(&path)).with("cursor", next).text()), "More")) }
    })
}

/// With the backtrace, which the list has not.
pub async fn one(visitor: Visitor, Path((_, id)): Path<(String, String)>) -> Response {
    let at = At::new("/v1/dead-letters").then(&id).with("customer", visitor.customer());
    let letter = visitor.asker.get::<Letter>(&at).await;
    let body = letter.map(|letter| {
        html! {
            h1 { "Dead letter " code { (text::shown(&letter.id)) } }
            (card(&visitor, &letter))
        }
    });
    visitor.page("Dead letter", Tab::Dead, body)
}

/// Of numbers alone: whoever makes a link can put no words into the page.
fn done(filter: &Filter) -> Markup {
    let what = match filter.did.as_str() {
        "retry" => "tried again",
        "drop" => "dropped",
        _ => return html! {},
    };
    let [changed, left] = [&filter.changed, &filter.left].map(|count| count.parse::<u64>().unwrap_or_default());
    parts::done(&html! {
        (words::count(changed, "dead letter is ", "dead letters are ")) (what) "."
        @if left > 0 { " " (parts::number(left)) " stay, since they cannot be." }
    })
}

fn all(visitor: &Visitor, filter: &Filter) -> Markup {
    html! {
        form.buttons method="post" action={ (visitor.path("dead-letters")) "/all/retry" } {
            input type="hidden" name="rule" value=(filter.rule); input type="hidden" name="device" value=(filter.device);
            button type="submit" { "Try all of these again" }
        }
    }
}

fn card(visitor: &Visitor, letter: &Letter) -> Markup {
    let path = format!("{}/{}", visitor.path("dead-letters"), escaped(&letter.id));
    html! {
        section.card {
            p { (parts::badge(Mood::Bad, &letter.kind)) " " strong { (text::shown(&letter.reason)) } }
            p.speech { (parts::content(&letter.content)) }
            p.faint {
                (text::shown(&letter.device)) " · " (text::shown(&letter.number)) " · died " (parts::time(&letter.died_at))
                " after " (words::count(u64::from(letter.attempts), "attempt", "attempts"))
                @if let Some(rule) = &letter.rule { " of rule " a href={ (visitor.path("rules")) "/" (escaped(rule)) } { (text::shown(rule)) } }
                @if let Some(queue) = &letter.queue { " in queue " (text::shown(queue)) }
                " · " a href={ (visitor.path("messages")) "/" (escaped(&letter.id)) } { "all that happened" }
                @if letter.backtrace.is_none() && letter.kind == "event" { " · " a href=(path) { "backtrace" } }
            }
            @if let Some(backtrace) = &letter.backtrace { details { summary { "Backtrace" } pre { (text::shown(backtrace)) } } }
            @if visitor.may("manage") {
                div.buttons {
                    @if letter.kind != "part" { form method="post" action={ (path) "/retry" } { button type="submit" { "Try again" } } }
                    form method="post" action={ (path) "/drop" } { button.danger type="submit" { "Drop for good" } }
                }
            }
        }
    }
}

/// `id` is a letter's, or `all` of those that the form names.
pub async fn turn(
    visitor: Visitor,
    Path((_, id, verb)): Path<(String, String, String)>,
    Form(filter): Form<Filter>,
) -> Response {
    let Some(verb) = ["retry", "drop"].into_iter().find(|known| *known == verb) else {
        return visitor.page(
            "Dead letters",
            Tab::Dead,
            Err(Refused::not_found("A dead letter is tried again or dropped.")),
        );
    };
    let mut body = json!({});
    let at = if id == "all" {
        for (name, value) in [("rule", &filter.rule), ("device", &filter.device)] {
            if !value.is_empty() {
                body[name] = Value::from(value.as_str());
            }
        }
        At::new(&format!("/v1/dead-letters:{verb}"))
    } else {
        At::new("/v1/dead-letters").then(&id).then(verb)
    };
    match visitor.asker.post::<Changed>(&at.with("customer", visitor.customer()), &body).await {
        Ok(Changed { changed, left }) => {
            let path = filter.on(At::new(&visitor.path("dead-letters"))).with("did", verb);
            let path = path.with("changed", &changed.to_string()).with("left", &left.to_string());
            Redirect::to(path.text()).into_response()
        }
        Err(refused) => visitor.page("Dead letters", Tab::Dead, Err(refused)),
    }
}
