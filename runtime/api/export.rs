//! The history as a file, as long as it may be: CSV for spreadsheets, JSON Lines for programs.
//!
//! A spreadsheet runs a cell that begins with `=`, `+`, `-` or `@` as a formula, and anybody with a phone can send such a
//! text. In CSV such a cell gets a `'` before it, which spreadsheets do not run; so does one that begins with `'` already,
//! so that taking one away gives the text back. Numbers such as `+46701234567` stay: a sign and digits do nothing.

use std::io;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use bytes::Bytes;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Api;
use super::auth::{Caller, Validity};
use super::body::QueryOf;
use super::compose::Octets;
use super::error::{Answer, ProblemDetails};
use super::history::{MessageEntry, SCAN_MAX, page};
use super::masking::Texts;
use super::rfc3339::Time;
use super::wanted::query;
use crate::clock;
use crate::message::{MessageId, Timestamp};
use crate::store::Bounds;
use crate::stream::{self, Piece};
use crate::timeline::Filter;

/// Messages that are read at once.
const PAGE: usize = 500;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Csv,
    Jsonl,
}

impl Format {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Jsonl => "application/jsonl",
        }
    }

    fn write(self, entry: &MessageEntry, out: &mut String) -> io::Result<()> {
        match self {
            Format::Csv => csv(entry, out),
            Format::Jsonl => out.extend([&*serde_json::to_string(entry)?, "\n"]),
        }
        Ok(())
    }
}

query! {
    Export {
        #[param(inline)]
        format: Format,
    }
}

/// Where an export stands.
struct Exporting {
    validity: Validity,
    api: Arc<Api>,
    customer: Arc<str>,
    filter: Arc<Filter>,
    format: Format,
    texts: Texts,
    now: Timestamp,
    next: Next,
}

enum Next {
    /// Nothing is written yet.
    Head,
    Behind(Option<MessageId>),
    End,
}

/// Exports messages that the history has, the newest first. A connection that breaks off has not shown all of them.
#[utoipa::path(
    get, path = "/v1/messages:export", operation_id = "exportMessages", tag = "messages",
    params(Export),
    responses(
        (status = 200, description = "One message in each line", content(
            (String = "text/csv"), (String = "application/jsonl"))),
        (status = 403, description = "The key has not the scope for this",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "There is no such customer, or it is another one than the key's",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "The server keeps no history",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = "default", description = "Why not", body = ProblemDetails, content_type = "application/problem+json"),
    ),
)]
pub async fn export(
    State(api): State<Arc<Api>>,
    caller: Caller,
    QueryOf(wanted): QueryOf<Export>,
) -> Answer<impl IntoResponse> {
    let (customer, since) = api.history_of(&caller, wanted.customer.as_deref())?;
    let now = clock::now();
    let texts = caller.texts(&api);
    let filter = Arc::new(wanted.filter(&customer, texts, now)?.not_before(since));
    let headers = [(header::CONTENT_TYPE, wanted.format.content_type()), (header::CACHE_CONTROL, "no-store")];
    let export = Exporting {
        validity: caller.validity(&api),
        api,
        customer,
        filter,
        format: wanted.format,
        texts,
        now,
        next: Next::Head,
    };
    Ok((headers, stream::body(export, Exporting::piece)))
}

impl Exporting {
    async fn piece(mut self) -> Piece<Exporting> {
        let after = match self.next {
            Next::Head if self.format == Format::Csv => {
                self.next = Next::Behind(None);
                let end = if self.texts.are_masked() { MASKED_HEAD_END } else { HEAD_END };
                return Some((Ok(Bytes::from(format!("{HEAD}{end}"))), self));
            }
            Next::Head => None,
            Next::Behind(after) => after,
            Next::End => return None,
        };
        if !self.validity.holds(&self.api) {
            return Some((Err(io::Error::other("the key is not valid any more")), self));
        }
        let bounds = Bounds { limit: PAGE, scan_max: SCAN_MAX };
        let found = match page(&self.api, &self.customer, &self.filter, (after, bounds)).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(customer = &*self.customer, "an export breaks off: {error}");
                return Some((Err(error), self));
            }
        };
        self.next = found.next.map_or(Next::End, |id| Next::Behind(Some(id)));
        let mut lines = String::new();
        for listed in &found.messages {
            let entry = MessageEntry::of(listed, self.now, self.texts);
            if let Err(error) = self.format.write(&entry, &mut lines) {
                return Some((Err(error), self));
            }
        }
        Some((Ok(lines.into()), self))
    }
}

/// The names of the columns are those of the fields of JSON.
const HEAD: &str = "id,direction,by,from,to,state,error,received_at,due_at,ended_at,attempts,cause,tag,";
const HEAD_END: &str = "text,binary\r\n";
/// So that nobody takes a message whose text is masked for an empty one.
const MASKED_HEAD_END: &str = "masked\r\n";

/// One line as RFC 4180 has it.
fn csv(entry: &MessageEntry, out: &mut String) {
    let time = |at: Option<Time>| at.map(Time::text).unwrap_or_default();
    let hex = match &entry.content.binary {
        Some(Octets::Hex(hex)) => hex,
        _ => "",
    };
    let mut cells = vec![
        entry.id.clone(),
        entry.direction.name().to_owned(),
        cell(&entry.by),
        cell(&entry.from),
        cell(&entry.to),
        entry.state.name().to_owned(),
        entry.error.map(|error| error.to_string()).unwrap_or_default(),
        time(Some(entry.received_at)),
        time(entry.due_at),
        time(entry.ended_at),
        entry.attempts.to_string(),
        entry.cause.clone().unwrap_or_default(),
        cell(&entry.tag),
    ];
    match entry.content.masked {
        Some(masked) => cells.push(masked.to_string()),
        None => cells.extend([cell(entry.content.text.as_deref().unwrap_or_default()), hex.to_owned()]),
    }
    out.push_str(&cells.join(","));
    out.push_str("\r\n");
}

/// What others wrote.
pub(super) fn cell(text: &str) -> String {
    let guard = if may_run(text) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

/// A spreadsheet could take it for a formula; or it begins as what we make of one.
fn may_run(text: &str) -> bool {
    const BEGINNINGS: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '\'', '＝', '＋', '－', '＠'];
    let digits = text.strip_prefix(['+', '-']).unwrap_or_default();
    let is_number = !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_digit());
    text.starts_with(BEGINNINGS) && !is_number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_every_one_can_be_read_back() {
        for (text, written) in [
            ("hello", "\"hello\""),
            ("say \"hi\", and\nleave", "\"say \"\"hi\"\", and\nleave\""),
            ("+46701234567", "\"+46701234567\""),
            ("-1", "\"-1\""),
            ("+46*2", "\"'+46*2\""),
            ("+", "\"'+\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("＝1", "\"'＝1\""),
            ("'=1", "\"''=1\""),
            ("", "\"\""),
        ] {
            assert_eq!(cell(text), written);
            let inner = written[1..written.len() - 1].replace("\"\"", "\"");
            assert_eq!(inner.strip_prefix('\'').unwrap_or(&inner), text);
        }
    }
}
