//! A customer's numbers, and who takes what is sent to them.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::ask::{Answer, escaped};
use super::layout::Tab;
use super::parts::{self, Mood};
use super::text;
use super::visitor::Visitor;

#[derive(Debug, Deserialize)]
struct NumberList {
    numbers: Vec<Number>,
}

#[derive(Debug, Deserialize)]
struct Number {
    number: String,
    shared: bool,
    #[serde(default)]
    words: Vec<String>,
    is_default: bool,
    rules: Vec<Rule>,
    application: Option<String>,
    inbox: bool,
}

#[derive(Debug, Deserialize)]
struct Rule {
    name: String,
    keyword: Option<String>,
}

pub async fn list(visitor: Visitor) -> Response {
    let body = body(&visitor).await;
    visitor.page("Numbers", Tab::Numbers, body)
}

async fn body(visitor: &Visitor) -> Answer<Markup> {
    let found: NumberList = visitor.asker.get(&visitor.at("/v1/numbers")).await?;
    Ok(html! {
        h1 { "Numbers" }
        @if found.numbers.is_empty() { (parts::empty("No numbers.", "The operator gives a customer its numbers.")) } @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { "Number" } th scope="col" { "Kind" } th scope="col" { "Rules, in the order in which they are asked" }
                    th scope="col" { "Then" } th scope="col" { "Inbox" }
                } }
                tbody { @for number in &found.numbers { tr {
                    td { strong { (text::shown(&number.number)) } }
                    td { (kind(number)) }
                    td { @for rule in &number.rules { (rule_of(visitor, rule)) " " } @if number.rules.is_empty() { span.faint { "none" } } }
                    td { @match &number.application { Some(account) => { "account " (text::shown(account)) }, None => span.faint { "nobody" } } }
                    td { @if number.inbox { (parts::badge(Mood::Good, "on")) } @else { (parts::badge(Mood::Calm, "off")) } }
                } } }
            } }
        }
    })
}

fn kind(number: &Number) -> Markup {
    html! {
        @if !number.shared { "its own" } @else {
            "shared"
            @if !number.words.is_empty() { ", words " (text::shown(&number.words.join(", "))) }
            @if number.is_default { ", and what begins with nobody's word" }
        }
    }
}

fn rule_of(visitor: &Visitor, rule: &Rule) -> Markup {
    html! {
        a href={ (visitor.path("rules")) "/" (escaped(&rule.name)) } { (text::shown(&rule.name)) }
        @if let Some(keyword) = &rule.keyword { " (" (text::shown(keyword)) ")" }
    }
}
