//! What happens to a customer's messages, as it happens: the API's events, made into rows of the list of messages.

use std::collections::VecDeque;

use axum::extract::Query;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use super::entry::{self, Entry};
use super::parts;
use super::relay::{self, Block, Shows};
use super::visitor::Visitor;
use crate::bucket::{Bucket, Rate};
use crate::clock;

/// Rows in a second, and at once: as many as somebody can see pass.
pub const ROWS: Rate = Rate { per_sec: 20, burst: 40 };
/// Rows whose later states are told: as many as the page keeps.
const SHOWN_MAX: usize = 200;
const TYPES: &str = "message.received,message.accepted,message.ended";
/// Which rule an MO is for is known when it has run.
const TYPES_OF_RULE: &str = "message.received,message.accepted,message.ran,message.failed,message.ended";
/// MOs whose rule is not known yet: more than that would be a rule that cannot keep up, and are left out.
const WAITING_MAX: usize = 1_000;

/// Empty fields say nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filter {
    device: String,
    number: String,
    direction: String,
    text: String,
    state: String,
    tag: String,
    rule: String,
}

impl Filter {
    fn wants(&self, entry: &Entry) -> bool {
        let number = if entry.is_mo() { &entry.to } else { &entry.from };
        let says = || entry.content.text.as_deref().unwrap_or_default().to_lowercase();
        let is = |wanted: &str, found: &str| {
            wanted.is_empty() || wanted.trim_start_matches('+') == found.trim_start_matches('+')
        };
        is(&self.device, entry.device())
            && is(&self.number, number)
            && is(&self.direction, &entry.direction)
            && is(&self.state, &entry.state)
            && is(&self.tag, &entry.tag)
            && (self.text.is_empty() || says().contains(&self.text.to_lowercase()))
    }

    /// Rules are `customer/name` where they send, and may be the name alone where they fail.
    fn is_of_rule(&self, by: &str) -> bool {
        by.rsplit_once('/').map_or(by, |(_, name)| name) == self.rule
    }
}

/// An event, as far as it is shown.
#[derive(Deserialize)]
struct Told {
    message_id: String,
    message: Option<Entry>,
    state: Option<String>,
    /// That ran.
    rule: Option<String>,
    /// That could not.
    by: Option<String>,
    error: Option<u16>,
}

pub async fn stream(visitor: Visitor, headers: HeaderMap, Query(filter): Query<Filter>) -> Response {
    let types = if filter.rule.is_empty() { TYPES } else { TYPES_OF_RULE };
    let rows = Rows::new(visitor.path(""), filter, ROWS);
    relay::events(&visitor, &headers, types, rows).await
}

/// Makes events into rows, as many as can be seen.
struct Rows {
    base: String,
    filter: Filter,
    bucket: Bucket,
    /// Ids of the last messages that were shown.
    shown: VecDeque<String>,
    /// MOs that are wanted if the wanted rule runs on them.
    waiting: VecDeque<Entry>,
    left_out: u64,
}

impl Rows {
    fn new(base: String, filter: Filter, rate: Rate) -> Rows {
        let (shown, waiting) = (VecDeque::new(), VecDeque::new());
        Rows { base, filter, bucket: Bucket::new(rate), shown, waiting, left_out: 0 }
    }

    /// A message that came in.
    fn came(&mut self, entry: Entry, id: &str, text: &mut String) {
        if !self.filter.wants(&entry) {
            return;
        }
        // An account may be called like the rule.
        let is_sent_by_rule = || !entry.is_mo() && entry.by.contains('/') && self.filter.is_of_rule(&entry.by);
        if self.filter.rule.is_empty() || is_sent_by_rule() {
            self.row(&entry, id, text);
        } else if entry.is_mo() {
            self.waiting.push_back(entry);
            if self.waiting.len() > WAITING_MAX {
                self.waiting.pop_front();
                self.left_out += 1;
            }
        }
    }

    /// A rule was called for a message.
    fn called(&mut self, rule: &str, message: &str, id: &str, text: &mut String) {
        let Some(at) = self.waiting.iter().position(|entry| entry.id == message) else { return };
        let entry = self.waiting.remove(at);
        if let Some(entry) = entry.filter(|_| self.filter.is_of_rule(rule)) {
            self.row(&entry, id, text);
        }
    }

    fn row(&mut self, entry: &Entry, id: &str, text: &mut String) {
        if !self.bucket.take(clock::instant()) {
            self.left_out += 1;
            return;
        }
        self.shown.push_back(entry.id.clone());
        if self.shown.len() > SHOWN_MAX {
            self.shown.pop_front();
        }
        relay::event(text, "row", id, &entry::row(&self.base, entry).into_string());
    }
}

impl Shows for Rows {
    fn show(&mut self, block: &Block, text: &mut String) {
        let Ok(told) = serde_json::from_str::<Told>(block.data) else { return };
        // Peers that could not have an error of SMPP.
        let failed = told.by.filter(|_| told.error == Some(0));
        if let Some(entry) = told.message {
            self.came(entry, block.id, text);
        } else if let Some(state) = told.state {
            // One that no rule was called for is not waited for any more.
            self.waiting.retain(|entry| entry.id != told.message_id);
            if self.shown.contains(&told.message_id) {
                let row = serde_json::json!({ "id": told.message_id, "html": parts::state(&state).into_string() });
                relay::event(text, "state", block.id, &row.to_string());
            }
        } else if let Some(rule) = told.rule.or(failed) {
            self.called(&rule, &told.message_id, block.id, text);
        }
    }

    fn left_out(&mut self) -> u64 {
        std::mem::take(&mut self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows {
        Rows::new("/console/c/acme".into(), Filter::default(), Rate { per_sec: 1, burst: 3 })
    }

    fn tell(rows: &mut Rows, data: &str, text: &mut String) {
        rows.show(&Block { id: "e1", data }, text);
    }

    fn received(id: &str, said: &str) -> String {
        let message = serde_json::json!({ "id": id, "direction": "mo", "by": "sim", "from": "+46700000001", "to": "7001",
            "state": "enroute", "received_at": "2026-11-29T16:00:00Z", "attempts": 0, "text": said });
        serde_json::json!({ "type": "message.received", "id": "e1", "message_id": id, "message": message }).to_string()
    }

    #[test]
    fn what_nobody_could_see_pass_is_counted_and_not_sent() {
        let (mut rows, mut text) = (rows(), String::new());
        (0..10_000).for_each(|n| tell(&mut rows, &received(&format!("m{n}"), "hi"), &mut text));
        let sent = text.matches("event: row").count();
        assert!((3..100).contains(&sent), "{sent}");
        assert_eq!(rows.left_out, 10_000 - sent as u64);
    }

    #[test]
    fn a_text_cannot_end_its_event_and_begin_another() {
        let (mut rows, mut text) = (rows(), String::new());
        tell(&mut rows, &received("m1", "a\n\nevent: row\ndata: <b>x</b>\r\n"), &mut text);
        assert_eq!(text.matches("\n\n").count(), 1, "{text}");
        let (events, datas): (Vec<&str>, Vec<&str>) = text.trim().lines().partition(|line| !line.starts_with("data: "));
        assert_eq!(events, ["event: row", "id: e1"]);
        assert!(!datas.join("\n").contains("<b>") && !text.contains('\r'), "{text}");
    }

    #[test]
    fn an_mo_is_shown_when_the_wanted_rule_was_called_for_it() {
        let mut rows = rows();
        rows.filter.rule = "meter".into();
        let mut text = String::new();
        for id in ["m1", "m2", "m3", "m4"] {
            tell(&mut rows, &received(id, "hi"), &mut text);
        }
        let ran = |id: &str, rule: &str| format!("{{\"message_id\":{id:?},\"rule\":{rule:?},\"sent\":0}}");
        tell(&mut rows, &ran("m2", "acme/other"), &mut text);
        tell(&mut rows, "{\"message_id\":\"m3\",\"state\":\"delivered\",\"error\":0}", &mut text);
        tell(&mut rows, &ran("m3", "acme/meter"), &mut text);
        tell(&mut rows, "{\"message_id\":\"m4\",\"by\":\"meter\",\"error\":8}", &mut text);
        assert_eq!(text, "");
        tell(&mut rows, &ran("m1", "acme/meter"), &mut text);
        tell(&mut rows, "{\"message_id\":\"m4\",\"by\":\"meter\",\"error\":0}", &mut text);
        assert_eq!(text.matches("event: row").count(), 2, "{text}");
        assert!(text.contains("id=\"m-m1\"") && text.contains("id=\"m-m4\""), "{text}");
        let by_account = received("m5", "hi").replace("\"mo\"", "\"mt\"").replace("\"sim\"", "\"acme/other\"");
        text.clear();
        tell(&mut rows, &by_account, &mut text);
        tell(&mut rows, &by_account.replace("acme/other", "meter"), &mut text);
        assert_eq!(text, "");
        tell(&mut rows, &by_account.replace("other", "meter").replace("m5", "m6"), &mut text);
        assert!(text.contains("m-m6"), "{text}");
    }

    #[test]
    fn states_are_told_of_what_the_page_shows_only() {
        let (mut rows, mut text) = (rows(), String::new());
        tell(&mut rows, &received("m1", "hi"), &mut text);
        let ended = |id: &str| format!("{{\"message_id\":{id:?},\"state\":\"delivered\"}}");
        text.clear();
        tell(&mut rows, &ended("m2"), &mut text);
        assert_eq!(text, "");
        tell(&mut rows, &ended("m1"), &mut text);
        assert!(text.starts_with("event: state\nid: e1\ndata: {") && text.contains("delivered"), "{text}");
    }
}
