//! "Run again here": the call of a message that its rule kept, run again on the version that ran or another, and what is other than
//! it was. Nothing of it happens.

use axum::Form;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::{At, Refused, escaped};
use super::effects::{self, Step};
use super::layout::Tab;
use super::parts::{self, Mood};
use super::rules::{self, Plugin};
use super::text;
use super::visitor::Visitor;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    rule: String,
    plugin: String,
    attempt: String,
}

#[derive(Debug, Deserialize)]
struct Replayed {
    recorded: Recorded,
    plugin: String,
    verdict: String,
    differences: Vec<Difference>,
    unknown: Vec<String>,
    why: Option<String>,
    now: Option<Step>,
}

#[derive(Debug, Deserialize)]
struct Recorded {
    attempt: u64,
    at: String,
    version: String,
    outcome: String,
    case: String,
}

#[derive(Debug, Deserialize)]
struct Difference {
    what: String,
    recorded: String,
    now: String,
}

/// Below what happened to a message that this rule ran on; for those who may.
pub fn section(visitor: &Visitor, of: (&str, &str), plugins: &[Plugin]) -> Markup {
    if !visitor.may("manage") {
        return html! {};
    }
    html! { section.card { h2 { "Run again here" } (form(visitor, of, plugins, &Wish::default())) } }
}

fn form(visitor: &Visitor, (message, rule): (&str, &str), plugins: &[Plugin], wish: &Wish) -> Markup {
    html! {
        p.faint { "With all that it saw then, where rule " (text::shown(rule)) " keeps its calls. Nothing is sent, and nothing is changed." }
        form.filter method="post" action={ (visitor.path("messages")) "/" (escaped(message)) "/replay" } {
            input type="hidden" name="rule" value=(rule);
            label.field { span { "Version" } select name="plugin" {
                (parts::choice("", "the one that ran", &wish.plugin))
                @for label in plugins.iter().map(Plugin::label) { (parts::choice(&label, &label, &wish.plugin)) }
            } }
            (parts::field("Attempt", "attempt", &wish.attempt, "the last"))
            div.buttons { button type="submit" { "Run again" } }
        }
    }
}

pub async fn replay(visitor: Visitor, Path((_, id)): Path<(String, String)>, Form(wish): Form<Wish>) -> Response {
    let at = At::new("/v1/rules").then(&wish.rule).then("replay").with("customer", visitor.customer());
    let mut asked = json!({ "message": id });
    if !wish.plugin.is_empty() {
        asked["plugin"] = json!(wish.plugin);
    }
    if !wish.attempt.trim().is_empty() {
        // What is no number goes on as it is, so that the API says what is wrong with it.
        let attempt = wish.attempt.trim();
        asked["attempt"] = attempt.parse::<u32>().map_or_else(|_| Value::from(attempt), Value::from);
    }
    let (status, said) = match visitor.asker.post::<Replayed>(&at, &asked).await {
        Ok(replayed) => (StatusCode::OK, result(&replayed)),
        Err(refused) if refused.status() == StatusCode::UNAUTHORIZED => {
            return visitor.page("Message", Tab::Messages, Err(refused));
        }
        Err(refused) => (refused.status(), not_run(&visitor, &wish.rule, &refused)),
    };
    let plugins = rules::plugins(&visitor).await;
    let back = format!("{}/{}", visitor.path("messages"), escaped(&id));
    let body = html! {
        h1 { "Message " code { (text::shown(&id)) } " run again" }
        p { a href=(back) { "Back to what happened to it" } }
        (said)
        section.card { h2 { "On another version" } (form(&visitor, (&id, &wish.rule), &plugins, &wish)) }
    };
    (status, visitor.page("Run again", Tab::Messages, Ok(body))).into_response()
}

fn not_run(visitor: &Visitor, rule: &str, refused: &Refused) -> Markup {
    html! {
        (parts::problem(refused))
        @if refused.is("not_kept") {
            p {
                "Without a kept call, the text can be tried in the "
                a href={ (visitor.path("rules")) "/" (escaped(rule)) "/playground" } { "playground of the rule" } "."
            }
        }
    }
}

fn result(replayed: &Replayed) -> Markup {
    let (mood, verdict) = match replayed.verdict.as_str() {
        "same" => (Mood::Good, "It does the same."),
        "changed" => (Mood::Busy, "It does something else."),
        "failed" => (Mood::Bad, "It fails."),
        _ => (Mood::Busy, "It cannot be compared: it asks for what was not kept."),
    };
    let Recorded { attempt, at, version, outcome, case } = &replayed.recorded;
    html! {
        section.card {
            h2 { "On " (text::shown(&replayed.plugin)) }
            p { (parts::badge(mood, &replayed.verdict.replace('_', " "))) " " strong { (verdict) } }
            p.faint { "Recorded: attempt " (attempt) " at " (parts::time(at)) " on " code { (rules::short(version)) } ", which ended as " (text::shown(outcome)) "." }
            @if let Some(why) = &replayed.why { pre { (text::shown(why)) } }
            @if !replayed.unknown.is_empty() {
                p { "What it asked for and was not kept:" }
                ul { @for what in &replayed.unknown { li { (text::shown(what)) } } }
            }
            @if !replayed.differences.is_empty() {
                div.scroll { table {
                    thead { tr { th scope="col" { "What" } th scope="col" { "Then" } th scope="col" { "Now" } } }
                    tbody { @for difference in &replayed.differences { tr {
                        th scope="row" { (text::shown(&difference.what)) }
                        td { (text::shown(&difference.recorded)) } td { (text::shown(&difference.now)) }
                    } } }
                } }
            }
        }
        @if let Some(step) = &replayed.now { section.card { h2 { "What it does now" } p { (effects::outcome(&step.outcome)) } (effects::all(step)) } }
        details.card { summary { "The call as a case of wasmsc plugin test" } pre { (text::shown(case)) } }
    }
}
