//! Many devices at once: CSV that somebody pastes, looked at first if they like.

use axum::extract::Form;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Method};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::ask::read;
use super::devices;
use super::parts;
use super::text;
use super::visitor::Visitor;

/// Refused lines that are shown; whoever has more of them corrects these first.
const REFUSED_MAX: usize = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Import {
    pub csv: String,
    /// `look` or `import`: which button was pressed.
    verb: String,
}

#[derive(Debug, Deserialize)]
struct Report {
    created: u64,
    updated: u64,
    unchanged: u64,
    refused: Vec<Line>,
}

#[derive(Debug, Deserialize)]
struct Line {
    line: u64,
    reason: String,
}

pub async fn import(visitor: Visitor, Form(import): Form<Import>) -> Response {
    let is_look = import.verb != "import";
    let at = visitor.at("/v1/devices:import").with("dry_run", if is_look { "true" } else { "false" });
    let kind = [(CONTENT_TYPE, HeaderValue::from_static("text/csv"))];
    let csv = import.csv.replace("\r\n", "\n");
    let answer = visitor.asker.ask(Method::POST, &at, &kind, csv.into()).await;
    let notice = match read::<Report>(answer).await {
        Ok(report) => told(&report, is_look),
        Err(refused) => parts::problem(&refused),
    };
    // After the real thing an empty form: what was pasted is done.
    let draft = if is_look { import.csv.as_str() } else { "" };
    devices::page(&visitor, &devices::Filter::default(), Some(notice), draft).await
}

fn told(report: &Report, is_look: bool) -> Markup {
    let verb = if is_look { "would be" } else { "are" };
    let summary = html! {
        p {
            (parts::number(report.created)) " " (verb) " new, " (parts::number(report.updated)) " " (verb) " changed, "
            (parts::number(report.unchanged)) " " (verb) " as they were, " (parts::number(report.refused.len() as u64)) " "
            (verb) " refused."
        }
        @if is_look { p { "Nothing is done yet." } }
        @if !report.refused.is_empty() {
            ul { @for line in report.refused.iter().take(REFUSED_MAX) { li { "Line " (line.line) ": " (text::shown(&line.reason)) } } }
        }
    };
    html! { div class={ "notice " (if report.refused.is_empty() { "good" } else { "bad" }) } role="status" { (summary) } }
}

pub fn form(visitor: &Visitor, draft: &str) -> Markup {
    html! {
        details.card open[!draft.is_empty()] {
            summary { "Import" }
            form method="post" action=(visitor.path("devices")) {
                label.field { span { "Lines of CSV, the first one names the columns: " code { "address,tags,status,iccid,imei,attr.NAME" } }
                    textarea.code name="csv" rows="6" required spellcheck="false" placeholder="address,tags,attr.site\n+46701234567,pump;hall-3,Hall 3" { (draft) }
                }
                div.buttons {
                    button type="submit" name="verb" value="look" { "Look first" }
                    button.primary type="submit" name="verb" value="import" { "Import" }
                }
            }
        }
    }
}
