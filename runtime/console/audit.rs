//! The audit, for the operator: every change of what is set up, with who made it, before and after.

use axum::extract::Query;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::ask::{Answer, At};
use super::layout::Tab;
use super::parts;
use super::text;
use super::visitor::Visitor;

const LIMIT: u64 = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    after: String,
}

#[derive(Debug, Deserialize)]
struct AuditList {
    changes: Vec<Change>,
}

#[derive(Debug, Deserialize)]
struct Change {
    number: u64,
    at: String,
    who: String,
    kind: String,
    id: String,
    before: Option<Value>,
    after: Option<Value>,
}

pub async fn list(visitor: Visitor, Query(wanted): Query<Wanted>) -> Response {
    let body = body(&visitor, &wanted.after).await;
    visitor.page("Audit log", Tab::Audit, body)
}

async fn body(visitor: &Visitor, after: &str) -> Answer<Markup> {
    let at = At::new("/v1/audit").with_some("after", after).with("limit", &LIMIT.to_string());
    let found: AuditList = visitor.asker.get(&at).await?;
    let last = found.changes.last().map(|change| change.number).filter(|_| found.changes.len() as u64 == LIMIT);
    let next = last.map(|last| At::new("/console/audit").with("after", &last.to_string()));
    Ok(html! {
        h1 { "Audit log" }
        p.faint { "The oldest change is first." }
        @if found.changes.is_empty() { (parts::empty("No changes.", "What is set up over the API or here is written down with who did it.")) } @else {
            div.scroll { table {
                thead { tr {
                    th.figure scope="col" { "No." } th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "What" } th scope="col" { "Change" }
                } }
                tbody { @for change in &found.changes { tr {
                    td.figure { (change.number) } td { (parts::time(&change.at)) } td { (text::shown(&change.who)) }
                    td { (change.kind) " " strong { (text::shown(&change.id)) } }
                    td { (difference(change)) }
                } } }
            } }
        }
        (parts::more(next.as_ref().map(At::text), "Later changes"))
    })
}

fn difference(change: &Change) -> Markup {
    let word = match (&change.before, &change.after) {
        (None, Some(after)) if after["revealed"] == true => "revealed",
        (None, Some(_)) => "made",
        (Some(_), None) => "deleted",
        _ => "changed",
    };
    html! {
        details { summary { (word) }
            @if let Some(before) = &change.before { p.faint { "Before" } pre { (text::shown(&pretty(before))) } }
            @if let Some(after) = &change.after { p.faint { "After" } pre { (text::shown(&pretty(after))) } }
        }
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
