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
}

/// An event, as far as it is shown.
#[derive(Deserialize)]
struct Told {
    message_id: String,
    message: Option<Entry>,
    state: Option<String>,
}

pub async fn stream(visitor: Visitor, headers: HeaderMap, Query(filter): Query<Filter>) -> Response {
    let base = visitor.path("");
    let rows = Rows { base, filter, bucket: Bucket::new(ROWS), shown: VecDeque::new(), left_out: 0 };
    relay::events(&visitor, &headers, TYPES, rows).await
}

/// Makes events into rows, as many as can be seen.
struct Rows {
    base: String,
    filter: Filter,
    bucket: Bucket,
    /// Ids of the last messages that were shown.
    shown: VecDeque<String>,
    left_out: u64,
}

impl Shows for Rows {
    fn show(&mut self, block: &Block, text: &mut String) {
        let Ok(told) = serde_json::from_str::<Told>(block.data) else { return };
        if let Some(entry) = told.message {
            if !self.filter.wants(&entry) {
                return;
            }
            if !self.bucket.take(clock::instant()) {
                self.left_out += 1;
                return;
            }
            self.shown.push_back(told.message_id);
            if self.shown.len() > SHOWN_MAX {
                self.shown.pop_front();
            }
            relay::event(text, "row", block.id, &entry::row(&self.base, &entry).into_string());
        } else if let Some(state) = told.state.filter(|_| self.shown.contains(&told.message_id)) {
            let row = serde_json::json!({ "id": told.message_id, "html": parts::state(&state).into_string() });
            relay::event(text, "state", block.id, &row.to_string());
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
        Rows {
            base: "/console/c/acme".into(),
            filter: Filter::default(),
            bucket: Bucket::new(Rate { per_sec: 1, burst: 3 }),
            shown: VecDeque::new(),
            left_out: 0,
        }
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
