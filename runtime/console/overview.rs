//! How a customer, or the whole house, is doing: counts of now, charts, and what is wrong in plain words.

use std::collections::BTreeMap;

use axum::extract::Query;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::ask::{Answer, At, escaped};
use super::chart::{self, Series};
use super::layout::Tab;
use super::links::{Pause, PauseList, Queue, QueueList};
use super::parts::{self, Mood};
use super::text;
use super::visitor::Visitor;
use super::words;

/// Messages that wait longer than this are worth a word.
const LATE_MS: u64 = 30_000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    span: String,
}

#[derive(Debug, Deserialize)]
struct Overview {
    mo: Counts,
    mt: Counts,
    mo_per_sec: f64,
    mt_per_sec: f64,
    refused: BTreeMap<String, u64>,
    mos_waiting: u64,
    dead_letters: u64,
    rules: Vec<RuleNow>,
    accounts: Vec<AccountNow>,
    series: Series,
}

#[derive(Debug, Deserialize)]
struct Counts {
    accepted: u64,
    refused: u64,
    delivered: u64,
    undeliverable: u64,
    expired: u64,
}

#[derive(Debug, Deserialize)]
struct RuleNow {
    customer: String,
    name: String,
    calls: u64,
    mean_micros: u64,
    waiting: u64,
    breaker: String,
    open_until: Option<String>,
    last_calls: u32,
    last_failures: u32,
}

#[derive(Debug, Deserialize)]
struct AccountNow {
    account: String,
    binds: u64,
}

/// Something that somebody should look at.
struct Problem {
    mood: Mood,
    said: Markup,
}

pub async fn of_the_house(visitor: Visitor, Query(wanted): Query<Wanted>) -> Response {
    let body = house(&visitor, chart::span(&wanted.span)).await;
    visitor.page("House", Tab::House, body)
}

pub async fn of_customer(visitor: Visitor, Query(wanted): Query<Wanted>) -> Response {
    let body = customer(&visitor, chart::span(&wanted.span)).await;
    visitor.page("Overview", Tab::Overview, body)
}

async fn house(visitor: &Visitor, span: &str) -> Answer<Markup> {
    let at = At::new("/v1/overview").with("span", span);
    let now: Overview = visitor.asker.get(&at).await?;
    let queues: QueueList = visitor.asker.get(&At::new("/v1/queues")).await?;
    let mut problems = problems(&now, visitor);
    problems.extend(queues.queues.iter().filter_map(late));
    let pauses: PauseList = visitor.asker.get(&At::new("/v1/pauses")).await?;
    problems.extend(pauses.pauses.iter().map(paused));
    Ok(html! {
        h1 { "House" }
        (refreshed("/console/overview", span, html! {
            (tiles(&now, Some(&queues.queues)))
            (list(&problems))
            (rules(&now.rules, visitor, true))
            (accounts(&now.accounts))
        }))
        (chart::chart(&now.series, span, "/console/overview"))
    })
}

async fn customer(visitor: &Visitor, span: &str) -> Answer<Markup> {
    let now: Overview = visitor.asker.get(&visitor.at("/v1/overview").with("span", span)).await?;
    let path = visitor.path("");
    let problems = problems(&now, visitor);
    Ok(html! {
        h1 { "Overview" }
        (refreshed(&path, span, html! {
            (tiles(&now, None))
            (list(&problems))
            (rules(&now.rules, visitor, false))
            (accounts(&now.accounts))
        }))
        (chart::chart(&now.series, span, &path))
    })
}

/// Asked for again every few seconds, while somebody looks.
fn refreshed(path: &str, span: &str, now: Markup) -> Markup {
    html! {
        div #now hx-get={ (path) "?span=" (span) } hx-trigger="every 5s" hx-select="#now" hx-swap="outerHTML" {
            (now)
        }
    }
}

fn tile(label: &str, value: &str, mood: Mood, hint: &str) -> Markup {
    html! {
        div class={ "tile " (mood.class()) } {
            dt { (label) }
            dd { (value) @if !hint.is_empty() { small { (hint) } } }
        }
    }
}

fn tiles(now: &Overview, queues: Option<&[Queue]>) -> Markup {
    let failed = now.mt.undeliverable + now.mt.expired + now.mo.expired;
    let refused = now.mo.refused + now.mt.refused;
    let bad_if = |count: u64| if count > 0 { Mood::Bad } else { Mood::Calm };
    let rate = |per_sec: f64| format!("{per_sec:.1}");
    html! {
        dl.tiles {
            (tile("MO", &rate(now.mo_per_sec), Mood::Calm, "a second"))
            (tile("MT", &rate(now.mt_per_sec), Mood::Calm, "a second"))
            (tile("Delivered", &parts::number(now.mt.delivered), Mood::Good, &format!("of {}", parts::number(now.mt.accepted))))
            (tile("Failed", &parts::number(failed), bad_if(failed), "did not arrive"))
            (tile("Refused", &parts::number(refused), Mood::Calm, "by the firewall"))
            (tile("MOs waiting", &parts::number(now.mos_waiting), Mood::Calm, "for a rule"))
            @if let Some(queues) = queues {
                @let waiting = queues.iter().map(|queue| queue.messages).sum::<u64>();
                @let oldest = queues.iter().map(|queue| queue.overdue_ms).max().unwrap_or_default();
                (tile("MTs waiting", &parts::number(waiting), Mood::Calm, &format!("oldest {}", words::duration_ms(oldest))))
            }
            (tile("Dead letters", &parts::number(now.dead_letters), bad_if(now.dead_letters), ""))
        }
        p.faint { "Counted since the start of the server; rates over the last ten seconds." }
    }
}

fn problems(now: &Overview, visitor: &Visitor) -> Vec<Problem> {
    let mut problems = Vec::new();
    for rule in now.rules.iter().filter(|rule| rule.breaker != "closed") {
        let said = html! {
            "Rule " (rule_link(visitor, rule)) " of " (text::shown(&rule.customer)) " is not called"
            @if let Some(until) = &rule.open_until { " until " (parts::time(until)) }
            ": " (rule.last_failures) " of its last " (rule.last_calls) " calls failed. Its events wait, none is lost. "
            "Roll it back, or correct and upload it."
        };
        problems.push(Problem { mood: Mood::Bad, said });
    }
    if now.dead_letters > 0 {
        let said = html! {
            (words::count(now.dead_letters, "dead letter waits", "dead letters wait"))
            " for somebody to decide: try again, or drop. "
            @if visitor.customer.is_some() { a href=(visitor.path("dead-letters")) { "Dead letters" } }
        };
        problems.push(Problem { mood: Mood::Bad, said });
    }
    let failed = now.mt.undeliverable + now.mt.expired;
    if failed > 0 {
        let said = html! {
            (words::count(failed, "message", "messages")) " did not arrive. "
            @if visitor.customer.is_some() {
                a href={ (visitor.path("messages")) "?state=undeliverable" } { "Undeliverable ones" } ", "
                a href={ (visitor.path("messages")) "?state=expired" } { "expired ones" } "."
            }
        };
        problems.push(Problem { mood: Mood::Busy, said });
    }
    for (reason, count) in &now.refused {
        let said = html! { "The firewall refused " (words::count(*count, "message", "messages")) ": " code { (reason) } ". "
            @if visitor.customer.is_some() { a href=(visitor.path("firewall")) { "Firewall" } }
        };
        problems.push(Problem { mood: Mood::Busy, said });
    }
    problems
}

fn late(queue: &Queue) -> Option<Problem> {
    let said = html! {
        (words::count(queue.messages, "message waits", "messages wait")) " in queue " strong { (text::shown(&queue.name)) }
        " for " (words::duration_ms(queue.overdue_ms)) ": "
        @if queue.links == 0 { "nobody is bound who takes them." } @else { "its peers are slow." }
        " " a href="/console/links" { "Links" }
    };
    (queue.overdue_ms > LATE_MS).then_some(Problem { mood: Mood::Bad, said })
}

fn paused(pause: &Pause) -> Problem {
    let said = html! {
        strong { (text::shown(&pause.account)) } " is paused since " (parts::time(&pause.since)) ": nothing new is sent to it. "
        (text::shown(&pause.reason)) " " a href="/console/links" { "Links" }
    };
    Problem { mood: Mood::Busy, said }
}

fn list(problems: &[Problem]) -> Markup {
    html! {
        section.card {
            h2 { "What needs a look" }
            @if problems.is_empty() { p { (parts::badge(Mood::Good, "fine")) " Nothing." } }
            @else {
                ul.problems { @for problem in problems {
                    li { (parts::badge(problem.mood, if problem.mood == Mood::Bad { "problem" } else { "note" })) " " span { (problem.said) } }
                } }
            }
        }
    }
}

fn rules(rules: &[RuleNow], visitor: &Visitor, with_customer: bool) -> Markup {
    html! {
        section.card {
            h2 { "Rules" }
            @if rules.is_empty() { p.faint { "No rule answers MOs yet." } } @else {
                div.scroll { table {
                    thead { tr {
                        @if with_customer { th scope="col" { "Customer" } }
                        th scope="col" { "Rule" } th scope="col" { "State" } th.figure scope="col" { "Calls" }
                        th.figure scope="col" { "Mean" } th.figure scope="col" { "Waiting" } th.figure scope="col" { "Failed lately" }
                    } }
                    tbody { @for rule in rules { tr {
                        @if with_customer { td { a href=(visitor.customer_path(&rule.customer, "")) { (text::shown(&rule.customer)) } } }
                        td { (rule_link(visitor, rule)) }
                        td { (breaker(&rule.breaker)) }
                        td.figure { (parts::number(rule.calls)) }
                        td.figure { (words::micros(rule.mean_micros)) }
                        td.figure { (parts::number(rule.waiting)) }
                        td.figure { (rule.last_failures) " of " (rule.last_calls) }
                    } } }
                } }
            }
        }
    }
}

fn rule_link(visitor: &Visitor, rule: &RuleNow) -> Markup {
    let path = format!("{}/{}", visitor.customer_path(&rule.customer, "rules"), escaped(&rule.name));
    html! { a href=(path) { (text::shown(&rule.name)) } }
}

fn breaker(state: &str) -> Markup {
    match state {
        "closed" => parts::badge(Mood::Good, "called"),
        "half_open" => parts::badge(Mood::Busy, "tried"),
        _ => parts::badge(Mood::Bad, "stopped"),
    }
}

fn accounts(accounts: &[AccountNow]) -> Markup {
    html! {
        section.card {
            h2 { "Links" }
            @if accounts.is_empty() { p.faint { "No SMPP accounts." } } @else {
                ul.chips { @for account in accounts {
                    li {
                        (text::shown(&account.account)) " "
                        @if account.binds > 0 { (parts::badge(Mood::Good, &words::count(account.binds, "bind", "binds"))) }
                        @else { (parts::badge(Mood::Calm, "not bound")) }
                    }
                } }
            }
        }
    }
}
