//! What rules keep about a device, on its page: state, timers, and numbers that it wants nothing of.

use axum::http::StatusCode;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::ask::{Answer, At, escaped};
use super::opt_outs::OptOutList;
use super::parts::{self, Mood, Octets};
use super::text;
use super::visitor::Visitor;
use super::words;

/// More than that of one device is for the API.
const LIMIT: &str = "50";

#[derive(Debug, Deserialize)]
struct StateList {
    state: Vec<Kept>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Kept {
    rule: String,
    name: String,
    size: u64,
    text: Option<String>,
    octets: Option<Octets>,
    #[serde(default)]
    masked: bool,
}

#[derive(Debug, Deserialize)]
struct TimerList {
    timers: Vec<Timer>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Timer {
    rule: String,
    name: String,
    due_at: String,
}

fn at(visitor: &Visitor, address: &str, what: &str) -> At {
    At::new("/v1/devices").then(address).then(what).with("customer", visitor.customer()).with("limit", LIMIT)
}

/// Nothing where there is nothing.
pub async fn cards(visitor: &Visitor, address: &str) -> Answer<Markup> {
    let timers = visitor.asker.get::<TimerList>(&at(visitor, address, "timers")).await;
    let timers = match timers {
        Ok(timers) => timers,
        // No number: nothing is kept about such a thing.
        Err(refused) if refused.status() == StatusCode::NOT_FOUND => return Ok(html! {}),
        Err(refused) => return Err(refused),
    };
    let opt_outs = At::new("/v1/opt-outs").with("customer", visitor.customer()).with("device", address);
    let opt_outs: OptOutList = visitor.asker.get(&opt_outs).await?;
    let state = match visitor.may("manage") {
        true => Some(visitor.asker.get::<StateList>(&at(visitor, address, "state")).await?),
        false => None,
    };
    Ok(html! {
        (opted_out(visitor, &opt_outs))
        @if !timers.timers.is_empty() { (of_timers(visitor, &timers)) }
        @if let Some(state) = state.filter(|state| !state.state.is_empty()) { (of_state(visitor, &state)) }
    })
}

fn opted_out(visitor: &Visitor, opt_outs: &OptOutList) -> Markup {
    html! {
        @if !opt_outs.opt_outs.is_empty() {
            section.card {
                h2 { "Opted out" }
                @for opt_out in &opt_outs.opt_outs {
                    p {
                        (parts::badge(Mood::Bad, "no messages")) " of " strong { (text::shown(&opt_out.number)) }
                        " since " (parts::time(&opt_out.at)) "."
                    }
                }
                p { a href=(visitor.path("opt-outs")) { "All opt-outs" } }
            }
        }
    }
}

fn rule(visitor: &Visitor, name: &str) -> Markup {
    html! { a href={ (visitor.path("rules")) "/" (escaped(name)) } { (text::shown(name)) } }
}

fn of_timers(visitor: &Visitor, list: &TimerList) -> Markup {
    html! {
        section.card {
            h2 { "Timers" }
            div.scroll { table {
                thead { tr { th scope="col" { "Due" } th scope="col" { "Name" } th scope="col" { "Rule" } } }
                tbody { @for timer in &list.timers { tr {
                    td.when { (parts::time(&timer.due_at)) }
                    td { (text::shown(&timer.name)) }
                    td { (rule(visitor, &timer.rule)) }
                } } }
            } }
            @if list.next.is_some() { p.faint { "There are more; the API lists all." } }
        }
    }
}

fn of_state(visitor: &Visitor, list: &StateList) -> Markup {
    html! {
        details.card {
            summary { "What rules keep: " (words::count(list.state.len() as u64, "value", "values")) @if list.next.is_some() { " and more" } }
            div.scroll { table {
                thead { tr {
                    th scope="col" { "Rule" } th scope="col" { "Name" } th scope="col" { "Value" } th.figure scope="col" { "Octets" }
                } }
                tbody { @for kept in &list.state { tr {
                    td { (rule(visitor, &kept.rule)) }
                    td { (text::shown(&kept.name)) }
                    td.text { (value(kept)) }
                    td.figure { (parts::number(kept.size)) }
                } } }
            } }
            @if list.next.is_some() { p.faint { "The API lists all." } }
        }
    }
}

fn value(kept: &Kept) -> Markup {
    if kept.masked {
        return parts::masked();
    }
    let shown =
        kept.text.as_ref().map_or(0, String::len) + kept.octets.as_ref().map_or(0, |octets| octets.hex.len() / 2);
    html! {
        @match (&kept.text, &kept.octets) {
            (Some(text), _) if text.is_empty() => span.faint { "empty" },
            (Some(text), _) => @match json(text) {
                Some(pretty) => pre { (text::shown(&pretty)) },
                None => (text::shown(text)),
            },
            (None, Some(octets)) => code.hex { (parts::spaced(&octets.hex)) },
            (None, None) => span.faint { "nothing" },
        }
        @if (shown as u64) < kept.size { " " span.faint { "… cut" } }
    }
}

/// Objects and lists are easier to read line by line.
fn json(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    (value.is_object() || value.is_array()).then(|| serde_json::to_string_pretty(&value).ok()).flatten()
}
