//! What rules write while they run, as it comes: lines of a log.

use axum::extract::Query;
use axum::http::HeaderMap;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::ask::escaped;
use super::live::ROWS;
use super::parts::{self, Mood};
use super::relay::{self, Block, Shows};
use super::text;
use super::visitor::Visitor;
use crate::bucket::Bucket;
use crate::clock;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filter {
    rule: String,
}

/// An event `rule.log`.
#[derive(Deserialize)]
struct Told {
    at: String,
    message_id: String,
    device: String,
    rule: String,
    level: String,
    line: String,
    #[serde(default)]
    fields: Vec<Field>,
}

#[derive(Deserialize)]
struct Field {
    name: String,
    value: String,
}

pub async fn stream(visitor: Visitor, headers: HeaderMap, Query(filter): Query<Filter>) -> Response {
    let lines = Lines { base: visitor.path(""), rule: filter.rule, bucket: Bucket::new(ROWS), left_out: 0 };
    relay::events(&visitor, &headers, "rule.log", lines).await
}

struct Lines {
    base: String,
    rule: String,
    bucket: Bucket,
    left_out: u64,
}

impl Shows for Lines {
    fn show(&mut self, block: &Block, text: &mut String) {
        let Ok(told) = serde_json::from_str::<Told>(block.data) else { return };
        // Events name a rule with its customer, who is the one of the page.
        let name = told.rule.split_once('/').map_or(&*told.rule, |(_, name)| name);
        if !self.rule.is_empty() && self.rule != name {
            return;
        }
        if self.bucket.take(clock::instant()) {
            relay::event(text, "row", block.id, &line(&self.base, &told).into_string());
        } else {
            self.left_out += 1;
        }
    }

    fn left_out(&mut self) -> u64 {
        std::mem::take(&mut self.left_out)
    }
}

fn line(base: &str, told: &Told) -> Markup {
    let mood = match told.level.as_str() {
        "error" => Mood::Bad,
        "warn" => Mood::Busy,
        _ => Mood::Calm,
    };
    html! {
        li {
            (parts::time(&told.at)) " " (parts::badge(mood, &told.level)) " "
            a href={ (base) "/messages/" (escaped(&told.message_id)) } { (text::shown(&told.device)) } " "
            (text::shown(&told.line))
            @for field in &told.fields { " " span.pair { (text::shown(&field.name)) "=" (text::shown(&field.value)) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rule_writes_is_shown_and_does_nothing() {
        let mut lines =
            Lines { base: "/console/c/acme".into(), rule: "alarm".into(), bucket: Bucket::new(ROWS), left_out: 0 };
        let mut text = String::new();
        let data = serde_json::json!({ "at": "2026-11-29T16:00:00Z", "message_id": "m1", "device": "+46700000001", "rule": "acme/alarm",
            "level": "warn", "line": "<script>alert(1)</script>\n\nevent: row\u{202e}\u{7}", "fields": [{ "name": "<b>", "value": "</li>" }] });
        lines.show(&Block { id: "e1", data: &data.to_string() }, &mut text);
        assert!(text.starts_with("event: row\nid: e1\ndata: <li>") && text.matches("\n\n").count() == 1, "{text}");
        assert!(!text.contains("<script") && !text.contains("<b>") && text.matches("</li>").count() == 1, "{text}");
        assert!(text.contains("⟦RLO⟧") && text.contains('␇') && !text.contains('\u{202e}'), "{text}");
        let other = serde_json::json!({ "at": "", "message_id": "m1", "device": "", "rule": "acme/other", "level": "info", "line": "x" });
        text.clear();
        lines.show(&Block { id: "e2", data: &other.to_string() }, &mut text);
        assert_eq!(text, "");
    }
}
