//! What an edit of the policy would have done to the messages of the last hour.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::ask::{Answer, At, escaped, read};
use super::super::parts::{self, Mood};
use super::super::text;
use super::super::visitor::Visitor;
use super::super::words;

#[derive(Debug, Deserialize)]
struct Preview {
    judged: u64,
    since: String,
    sampled: bool,
    refused: u64,
    passed: u64,
    otherwise: u64,
    changes: Vec<Change>,
}

#[derive(Debug, Deserialize)]
struct Change {
    id: String,
    direction: String,
    by: String,
    from: String,
    to: String,
    received_at: String,
    now: Option<Refusal>,
    proposed: Option<Refusal>,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    code: String,
    advice: String,
}

/// `policy`: as it is written in the form.
pub async fn of(visitor: &Visitor, policy: &str) -> Answer<Markup> {
    let at = At::new(&format!("/v1/customers/{}/policy:preview", escaped(visitor.customer())));
    let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    let seen = read(visitor.asker.ask(Method::POST, &at, &json, policy.to_owned().into()).await).await?;
    Ok(shown(visitor, &seen))
}

fn shown(visitor: &Visitor, seen: &Preview) -> Markup {
    let Preview { judged, since, sampled, refused, passed, otherwise, changes } = seen;
    let of = |count: u64| words::count(count, "message", "messages");
    html! {
        section.card #preview role="status" {
            h2 { "What the edit would change" }
            p {
                "Of " (of(*judged)) " since " (parts::time(since)) ": "
                strong { (of(*refused)) } " would have been refused, "
                strong { (of(*passed)) } " would have passed that are refused"
                @if *otherwise > 0 { ", " (of(*otherwise)) " would have been refused for another reason" } "."
            }
            @if *sampled { p { "There were more in the last hour; these are the newest of them." } }
            p.faint { "Judged by the policy as it is and as it is written below, with limits that begin with the first of them. Nothing is changed yet: Save puts it in place." }
            @if !changes.is_empty() {
                div.scroll { table {
                    thead { tr {
                        th scope="col" { "Received" } th scope="col" { "Way" } th scope="col" { "From" } th scope="col" { "To" }
                        th scope="col" { "By" } th scope="col" { "Now" } th scope="col" { "With the edit" }
                    } }
                    tbody { @for change in changes { tr {
                        td.when { a href={ (visitor.path("messages")) "/" (escaped(&change.id)) } { (parts::time(&change.received_at)) } }
                        td { (parts::direction(&change.direction)) }
                        td.address { (text::shown(&change.from)) } td.address { (text::shown(&change.to)) }
                        td { (text::shown(&change.by)) }
                        td { (verdict(change.now.as_ref())) } td { (verdict(change.proposed.as_ref())) }
                    } } }
                } }
                @if (changes.len() as u64) < refused + passed + otherwise { p.faint { "The newest " (changes.len()) " of them." } }
            }
        }
    }
}

fn verdict(refusal: Option<&Refusal>) -> Markup {
    html! {
        @match refusal {
            None => (parts::badge(Mood::Good, "passes")),
            Some(Refusal { code, advice }) => { (parts::badge(Mood::Bad, "refused")) " " code title=(text::plain(advice)) { (code) } },
        }
    }
}
