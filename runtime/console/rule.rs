//! One rule: what runs, what ran before, what is being tried, what was done to it, its log.

use axum::Form;
use axum::extract::Path;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::{Answer, At, Refused, escaped, read};
use super::layout::Tab;
use super::parts::{self, Mood};
use super::rules::{Canary, PluginList, Rule, Shadow, Step, Version, short, state};
use super::text;
use super::visitor::Visitor;
use super::words;

/// What the forms of the page say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wish {
    plugin: String,
    percent: String,
    steps: String,
    every_secs: String,
}

pub async fn one(visitor: Visitor, Path((_, name)): Path<(String, String)>) -> Response {
    let body = body(&visitor, &name, None).await;
    visitor.page(&text::plain(&name), Tab::Rules, body)
}

async fn body(visitor: &Visitor, name: &str, notice: Option<Markup>) -> Answer<Markup> {
    let at = At::new("/v1/rules").then(name).with("customer", visitor.customer());
    let rule: Rule = visitor.asker.get(&at).await?;
    let plugins: PluginList = visitor.asker.get(&visitor.at("/v1/plugins")).await?;
    let labels: Vec<String> = plugins.plugins.iter().map(|plugin| plugin.label()).collect();
    let path = format!("{}/{}", visitor.path("rules"), escaped(name));
    let log = At::new(&visitor.path("log")).with("rule", name);
    Ok(html! {
        h1 { "Rule " (text::shown(name)) }
        @if let Some(notice) = notice { (notice) }
        @if let Some(why) = &rule.why { div.notice.bad { p { (text::shown(why)) } } }
        section.card {
            dl.facts {
                div { dt { "State" } dd { (state(&rule)) } }
                div { dt { "Answers" } dd { (text::shown(&rule.trigger())) } }
                div { dt { "Set up by" } dd { @if rule.declared { "the config file" } @else { "API or console" } } }
                div { dt { "Calls a second" } dd { (words::rate(rule.lately.calls_per_sec)) } }
                div { dt { "Half take up to" } dd { (words::some_micros(rule.lately.p50_micros)) " " span.faint { "(p50)" } } }
                div { dt { "99 of 100 take up to" } dd { (words::some_micros(rule.lately.p99_micros)) " " span.faint { "(p99)" } } }
            }
        }
        section.card { h2 { "Versions" } (versions(&rule)) }
        @if let Some(canary) = &rule.canary { (canary_card(canary, rule.active.as_ref())) }
        @if let Some(shadow) = &rule.shadow { (shadow_card(shadow, rule.active.as_ref())) }
        @if rule.declared {
            p.faint { "The config file declares this rule: its versions are changed there." }
        } @else if visitor.may("manage") { (verbs(&path, &rule, &labels)) }
        section.card {
            h2 { "Log" }
            div.follow hidden data-follow=(log.text()) data-into="log" { button type="button" aria-pressed="false" { "Follow" } span role="status" {} }
            ol #log.log {}
            noscript { p.faint { "The live log needs scripts; " code { "GET /v1/events?types=rule.log" } " has it, too." } }
        }
        p.buttons {
            a.button href={ (path) "/playground" } { "Try it in the playground" }
            a.button href={ (path) "/config" } { "Config" }
            a.button href={ (visitor.path("dead-letters")) "?rule=" (escaped(name)) } { "Dead letters of this rule" }
        }
        details.card { summary { "Settings" } pre.settings { (text::shown(&settings(&rule.settings))) } }
        section.card { h2 { "What was done" } (history(&rule.history)) }
    })
}

fn settings(settings: &Value) -> String {
    serde_json::to_string_pretty(settings).unwrap_or_default()
}

fn versions(rule: &Rule) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th scope="col" { "Version" } th scope="col" { "Role" } th.figure scope="col" { "Runs" } th.figure scope="col" { "Rejected" }
                th.figure scope="col" { "Broken" } th.figure scope="col" { "Retried" } th.figure scope="col" { "Mean" }
                th.figure scope="col" { "Calls/s" } th.figure scope="col" { "p50" } th.figure scope="col" { "p99" }
            } }
            tbody {
                @if let Some(version) = &rule.active { (version_row(version, Mood::Good, "active")) }
                @if let Some(canary) = &rule.canary { (version_row(&canary.version, Mood::Busy, "canary")) }
                @if let Some(shadow) = &rule.shadow { (version_row(&shadow.version, Mood::Busy, "shadow")) }
                @if let Some(version) = &rule.previous { (version_row(version, Mood::Calm, "the one before")) }
            }
        } }
        p.faint { "Runs since each was loaded; calls a second, p50 and p99 of the last five to ten minutes. A run is broken when it traps or overruns a limit." }
    }
}

fn version_row(version: &Version, mood: Mood, role: &str) -> Markup {
    html! {
        tr {
            td { (text::shown(&version.plugin)) br; code.faint { (short(&version.digest)) } }
            td { (parts::badge(mood, role)) }
            td.figure { (parts::number(version.runs)) } td.figure { (parts::number(version.rejected)) }
            td.figure { (parts::number(version.broken)) } td.figure { (parts::number(version.retried)) }
            td.figure { (words::micros(version.mean_micros)) } td.figure { (words::rate(version.lately.calls_per_sec)) }
            td.figure { (words::some_micros(version.lately.p50_micros)) } td.figure { (words::some_micros(version.lately.p99_micros)) }
        }
    }
}

fn canary_card(canary: &Canary, active: Option<&Version>) -> Markup {
    let failed = canary.version.rejected + canary.version.broken;
    html! {
        section.card {
            h2 { "Canary: " (canary.percent) " % of the devices" }
            p {
                "Since " (parts::time(&canary.since)) ". "
                @if !canary.steps.is_empty() {
                    "Next: " (canary.steps.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")) " %, "
                    (words::duration_ms(canary.every_secs * 1_000)) " apart."
                }
            }
            meter min="0" max="100" value=(canary.percent) aria-label="Share of the devices" {}
            div.scroll { table {
                thead { tr { th scope="col" { "Since then" } th.figure scope="col" { "Runs" } th.figure scope="col" { "Failed" } th.figure scope="col" { "Mean" } } }
                tbody {
                    tr { td { (text::shown(&canary.version.plugin)) } td.figure { (canary.version.runs) } td.figure { (failed) } td.figure { (words::micros(canary.version.mean_micros)) } }
                    tr { td { (text::shown(active.map_or("active", |version| &version.plugin))) } td.figure { (canary.active_runs) } td.figure { (canary.active_failed) } td.figure { (words::micros(canary.active_mean_micros)) } }
                }
            } }
        }
    }
}

fn shadow_card(shadow: &Shadow, active: Option<&Version>) -> Markup {
    let both = active.into_iter().chain([&shadow.version]);
    html! {
        section.card {
            h2 { "Shadow: " (text::shown(&shadow.version.plugin)) }
            div.scroll { table {
                thead { tr {
                    th scope="col" { "Side by side" } th.figure scope="col" { "Runs" } th.figure scope="col" { "Rejected" } th.figure scope="col" { "Broken" }
                    th.figure scope="col" { "Retried" } th.figure scope="col" { "p50" } th.figure scope="col" { "p99" }
                } }
                tbody { @for version in both { tr {
                    th scope="row" { (text::shown(&version.plugin)) }
                    td.figure { (parts::number(version.runs)) } td.figure { (parts::number(version.rejected)) }
                    td.figure { (parts::number(version.broken)) } td.figure { (parts::number(version.retried)) }
                    td.figure { (words::some_micros(version.lately.p50_micros)) } td.figure { (words::some_micros(version.lately.p99_micros)) }
                } } }
            } }
            dl.facts {
                div { dt { "Came to the same" } dd { (parts::number(shadow.same)) } }
                div { dt { "Differed" } dd { (parts::number(shadow.differed)) } }
                div { dt { "Cannot be compared" } dd { (parts::number(shadow.unsure)) } }
                div { dt { "No time for" } dd { (parts::number(shadow.skipped)) } }
            }
            @if !shadow.differences.is_empty() { h3 { "What the shadow did otherwise, the newest first" } ul { @for difference in shadow.differences.iter().rev() { li { (text::shown(difference)) } } } }
        }
    }
}

fn verbs(path: &str, rule: &Rule, labels: &[String]) -> Markup {
    let plugin = html! { label.field { span { "Version" } select name="plugin" { @for label in labels { (parts::choice(label, label, "")) } } } };
    html! {
        section.card {
            h2 { "Another version" }
            div.verbs {
                form method="post" action={ (path) "/activate" } { (plugin) button.primary type="submit" { "Activate for all" } }
                form method="post" action={ (path) "/canary" } {
                    (plugin)
                    label.field {
                        span { "Percent of the devices: " output {} }
                        input type="range" name="percent" min="1" max="99" value="10";
                    }
                    label.field { span { "Then, percent" } input type="text" name="steps" placeholder="50, 100" autocomplete="off"; }
                    label.field { span { "Seconds between" } input type="number" name="every_secs" min="0" placeholder="3600"; }
                    button type="submit" { "Set canary" }
                }
                form method="post" action={ (path) "/shadow" } { (plugin) button type="submit" { "Run as shadow" } }
            }
            div.buttons {
                @if let Some(previous) = &rule.previous { (verb(path, "rollback", &format!("Roll back to {}", text::plain(&previous.plugin)))) }
                @if rule.canary.is_some() { (verb(path, "end-canary", "End the canary")) }
                @if rule.shadow.is_some() { (verb(path, "end-shadow", "End the shadow")) }
            }
        }
    }
}

fn verb(path: &str, verb: &str, label: &str) -> Markup {
    html! { form method="post" action={ (path) "/" (verb) } { button.danger type="submit" { (label) } } }
}

fn history(steps: &[Step]) -> Markup {
    html! {
        @if steps.is_empty() { p.faint { "Nothing yet." } } @else {
            ol.timeline { @for step in steps.iter().rev() {
                li.calm { (parts::time(&step.at)) " " div {
                    strong { (words::first_up(&step.what.replace('_', " "))) } " " (text::shown(&step.plugin))
                    @if let Some(percent) = step.percent { ", " (percent) " %" }
                    ", by " (text::shown(&step.who))
                    @if let Some(why) = &step.why { ": " (text::shown(why)) }
                } }
            } }
        }
    }
}

/// What a form asks for, as the API is asked.
fn request(verb: &str, wish: &Wish) -> Option<(Method, &'static str, Value)> {
    let plugin = json!({ "plugin": wish.plugin });
    Some(match verb {
        "activate" => (Method::POST, "activate", plugin),
        "rollback" => (Method::POST, "rollback", Value::Null),
        "shadow" => (Method::POST, "shadow", plugin),
        "end-shadow" => (Method::DELETE, "shadow", Value::Null),
        "end-canary" => (Method::DELETE, "canary", Value::Null),
        "canary" => {
            let mut canary = plugin;
            canary["percent"] = number(&wish.percent);
            let steps: Vec<Value> = wish.steps.split([',', ' ']).filter(|step| !step.is_empty()).map(number).collect();
            if !steps.is_empty() {
                canary["steps"] = Value::from(steps);
                canary["every_secs"] = number(&wish.every_secs);
            }
            (Method::POST, "canary", canary)
        }
        _ => return None,
    })
}

/// What is none goes on as it is, so that the API says what is wrong with it.
fn number(text: &str) -> Value {
    text.trim().parse::<u64>().map_or_else(|_| Value::from(text), Value::from)
}

pub async fn turn(
    visitor: Visitor,
    Path((_, name, verb)): Path<(String, String, String)>,
    Form(wish): Form<Wish>,
) -> Response {
    let Some((method, last, body)) = request(&verb, &wish) else {
        let refused = Refused::not_found(format!("There is nothing called {verb} to do with a rule."));
        return visitor.page("Rule", Tab::Rules, Err(refused));
    };
    let at = At::new("/v1/rules").then(&name).then(last).with("customer", visitor.customer());
    let answer = if body.is_null() {
        visitor.asker.ask(method, &at, &[], axum::body::Body::empty()).await
    } else {
        visitor.asker.send(method, &at, &body).await
    };
    match read::<Value>(answer).await {
        Ok(_) => Redirect::to(&format!("{}/{}", visitor.path("rules"), escaped(&name))).into_response(),
        Err(refused) if refused.status() == StatusCode::UNAUTHORIZED => visitor.page("Rule", Tab::Rules, Err(refused)),
        Err(refused) => {
            let status = refused.status();
            let body = self::body(&visitor, &name, Some(parts::problem(&refused))).await;
            (status, visitor.page(&text::plain(&name), Tab::Rules, body)).into_response()
        }
    }
}
