//! The API's events on their way to a page, each made into what the page shows.
//!
//! A page can show some in a second and no more. What is above is counted, and the page says how much it was; nothing is
//! queued for it. The stream ends with the session.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::time::Instant;

use super::visitor::{Attendance, Visitor};
use crate::clock;
use crate::stream::{self, Piece};

/// How often at most the page hears of what was left out.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// An event is a message of ten SMS at most, in JSON, or a line of a log.
const EVENT_MAX_OCTETS: usize = 1 << 20;
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// An event of the API.
pub struct Block<'b> {
    pub id: &'b str,
    pub data: &'b str,
}

/// Makes events into what a page shows.
pub trait Shows: Send + 'static {
    /// Adds what the page is sent for it, if anything.
    fn show(&mut self, block: &Block, text: &mut String);

    /// How many were not shown because they came too fast, since the last time.
    fn left_out(&mut self) -> u64;
}

/// Events of these types, about the customer of the page.
pub async fn events(visitor: &Visitor, headers: &HeaderMap, types: &str, shows: impl Shows) -> Response {
    let at = visitor.at("/v1/events").with("types", types);
    let mut asked = vec![(ACCEPT, HeaderValue::from_static("text/event-stream"))];
    asked.extend(headers.get(&LAST_EVENT_ID).map(|id| (LAST_EVENT_ID, id.clone())));
    let answer = visitor.asker.ask(Method::GET, &at, &asked, Body::empty()).await;
    if !answer.status().is_success() {
        // After which browsers do not come again; the page says that there is nothing to follow.
        return StatusCode::NO_CONTENT.into_response();
    }
    let relay = Relay {
        events: answer.into_body(),
        octets: BytesMut::new(),
        shows,
        left_out: 0,
        told: Instant::from_std(clock::instant()),
        attendance: visitor.attendance(),
    };
    let head = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    (head, stream::body(relay, Relay::next)).into_response()
}

struct Relay<S> {
    events: Body,
    /// Of an event that has not come as a whole.
    octets: BytesMut,
    shows: S,
    left_out: u64,
    /// When the page last heard of what was left out.
    told: Instant,
    attendance: Attendance,
}

impl<S: Shows> Relay<S> {
    async fn next(mut self) -> Piece<Relay<S>> {
        loop {
            // The API sends a sign of life every some seconds: no session is over for longer than that.
            if !self.attendance.holds() {
                return None;
            }
            let mut text = String::new();
            while let Some(block) = whole_event(&mut self.octets) {
                show(&mut self.shows, &block, &mut text);
            }
            self.left_out += self.shows.left_out();
            let now = Instant::from_std(clock::instant());
            if self.left_out > 0 && now >= self.told + TELL_EVERY {
                self.told = now;
                event(&mut text, "left-out", "", &std::mem::take(&mut self.left_out).to_string());
            }
            if !text.is_empty() {
                return Some((Ok(Bytes::from(text)), self));
            }
            if self.octets.len() > EVENT_MAX_OCTETS {
                return None;
            }
            let tell_at = self.told + TELL_EVERY;
            tokio::select! {
                () = self.attendance.ends() => return None,
                () = tokio::time::sleep_until(tell_at), if self.left_out > 0 => {}
                frame = self.events.frame() => match frame {
                    None => return None,
                    Some(Err(error)) => return Some((Err(io::Error::other(error)), self)),
                    Some(Ok(frame)) => self.octets.extend(frame.into_data().unwrap_or_default()),
                },
            }
        }
    }
}

/// The next event that is there as a whole.
fn whole_event(octets: &mut BytesMut) -> Option<String> {
    let end = octets.windows(2).position(|pair| pair == b"\n\n")?;
    let block = octets.split_to(end + 2);
    Some(String::from_utf8_lossy(&block[..end]).into_owned())
}

fn show(shows: &mut impl Shows, block: &str, text: &mut String) {
    let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
    let id = line("id: ").unwrap_or_default();
    match (line("event: "), line("data: ")) {
        (Some("gap"), _) => event(text, "gap", id, ""),
        (Some(_), Some(data)) => shows.show(&Block { id, data }, text),
        // A comment: the place where a reader who is cut off goes on, and a sign of life.
        _ => text.push_str(&format!(": alive\nid: {id}\n\n")),
    }
}

/// Each line of the data is one of the event. Without an id, the place of the one before holds.
pub fn event(text: &mut String, name: &str, id: &str, data: &str) {
    text.push_str(&format!("event: {name}\n"));
    if !id.is_empty() {
        text.push_str(&format!("id: {id}\n"));
    }
    data.split('\n').for_each(|line| text.push_str(&format!("data: {line}\n")));
    text.push('\n');
}
