//! One message: what it says, and all that happened to it, in words.

use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::again;
use super::ask::{Answer, At, escaped};
use super::called::{self, Calls};
use super::entry::{self, Entry};
use super::fields::{self, Fields};
use super::layout::Tab;
use super::parts::{self, Content, Mood};
use super::replay;
use super::reveal::{self, Revealed};
use super::rules;
use super::text;
use super::visitor::Visitor;
use super::words;

/// Answers of a rule that a page shows.
const ANSWERS_MAX: u64 = 20;

#[derive(Debug, Deserialize)]
pub struct Timeline {
    events: Vec<Happened>,
}

#[derive(Debug, Deserialize)]
struct Happened {
    at: String,
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum What {
    Received {
        message: Box<Entry>,
        fields: Box<Fields>,
    },
    Ran {
        rule: String,
        sent: u64,
    },
    Failed {
        by: String,
        attempt: u32,
        error: u16,
        why: String,
        again_at: Option<String>,
    },
    Sent {
        peer: String,
        ids: Vec<String>,
    },
    Receipt {
        peer: String,
        sms: u16,
        state: String,
        error: u16,
    },
    Replaced {
        due_at: String,
        #[serde(flatten)]
        content: Content,
        fields: Box<Fields>,
    },
    Refused {
        reason: String,
    },
    Dead {
        by: String,
        attempts: u32,
        why: String,
    },
    Retried {
        by: String,
        edited: bool,
    },
    Dropped {
        by: String,
    },
    Ended {
        state: String,
        error: u16,
    },
    /// Of a newer API.
    #[serde(other)]
    Other,
}

impl Timeline {
    pub async fn of(visitor: &Visitor, id: &str) -> Answer<Timeline> {
        let at = At::new("/v1/messages").then(id).then("timeline").with("customer", visitor.customer());
        visitor.asker.get(&at).await
    }

    pub fn message(&self) -> Option<&Entry> {
        self.events.iter().find_map(|happened| match &happened.what {
            What::Received { message, .. } => Some(&**message),
            _ => None,
        })
    }

    /// What it says, and how that is written, after the last change.
    pub fn content(&self) -> Option<(&Content, &Fields)> {
        self.events.iter().rev().find_map(|happened| match &happened.what {
            What::Received { message, fields } => Some((&message.content, &**fields)),
            What::Replaced { content, fields, .. } => Some((content, &**fields)),
            _ => None,
        })
    }

    /// As lists show it.
    fn into_entry(self) -> Option<Entry> {
        let state = self.state().map(str::to_owned);
        let received = self.events.into_iter().find_map(|happened| match happened.what {
            What::Received { message, .. } => Some(*message),
            _ => None,
        })?;
        Some(Entry { state: state.unwrap_or_else(|| received.state.clone()), ..received })
    }

    fn state(&self) -> Option<&str> {
        self.events.iter().rev().find_map(|happened| match &happened.what {
            What::Ended { state, .. } => Some(state.as_str()),
            _ => None,
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// It is the message that was sent again just now.
    again: String,
}

pub async fn one(visitor: Visitor, Path((_, id)): Path<(String, String)>, Query(wanted): Query<Wanted>) -> Response {
    let notice = (!wanted.again.is_empty()).then(|| {
        let before = format!("{}/messages/{}", visitor.path(""), escaped(&wanted.again));
        parts::done(&html! { "Sent again, as this new message. " a href=(before) { "The one before" } })
    });
    page(&visitor, &id, notice, None).await
}

/// `revealed` is what this visitor sees this once.
pub async fn page(visitor: &Visitor, id: &str, notice: Option<Markup>, revealed: Option<&Revealed>) -> Response {
    let body = body(visitor, id, notice, revealed).await;
    visitor.page("Message", Tab::Messages, body)
}

async fn body(visitor: &Visitor, id: &str, notice: Option<Markup>, revealed: Option<&Revealed>) -> Answer<Markup> {
    let timeline = Timeline::of(visitor, id).await?;
    let message = timeline.message();
    let content = revealed.map(|shown| (&shown.content, &shown.fields)).or_else(|| timeline.content());
    let is_attempt = |what: &What| matches!(what, What::Ran { .. } | What::Failed { .. } | What::Sent { .. });
    let attempts = timeline.events.iter().filter(|happened| is_attempt(&happened.what)).count();
    let answers = match message {
        Some(message) if message.is_mo() => answers(visitor, id, &timeline.events).await?,
        _ => Vec::new(),
    };
    let (seen, run_again) = match calls(id, &timeline.events) {
        Some(calls) => {
            let plugins = rules::plugins(visitor).await;
            (called::section(visitor, &calls, &plugins).await, replay::section(visitor, (id, calls.rule), &plugins))
        }
        None => (html! {}, html! {}),
    };
    Ok(html! {
        h1 { "Message " code { (id) } }
        @if let Some(notice) = notice { (notice) }
        @if let (Some(message), Some((content, _))) = (message, content) {
            (card(visitor, message, content, (timeline.state(), attempts)))
            (reveal::form(visitor, id, content))
            (again::form(visitor, message)?)
        }
        section.card {
            h2 { "What happened" }
            ol.timeline { @for happened in &timeline.events {
                @let (mood, said) = said(&happened.what);
                li class=(mood.class()) { (parts::time(&happened.at)) " " div { (said) } }
            } }
        }
        @if !answers.is_empty() {
            section.card { h2 { "Sent by the rule for it" } (entry::table(&visitor.path(""), &answers, "answers")) }
        }
        (seen)
        (run_again)
        @if let Some((_, fields)) = content { (fields::card(fields)) }
    })
}

/// The rule that was called for it last, and when.
fn calls<'t>(id: &'t str, events: &'t [Happened]) -> Option<Calls<'t>> {
    let by = |happened: &'t Happened| match &happened.what {
        What::Ran { rule, .. } => Some((rule.as_str(), happened.at.as_str())),
        What::Failed { by, .. } => Some((by.as_str(), happened.at.as_str())),
        _ => None,
    };
    let (full, last) = events.iter().rev().find_map(by)?;
    let count = events.iter().filter_map(by).filter(|(rule, _)| *rule == full).count();
    // Others that could not are peers, whose names have no customer.
    let (_, rule) = full.split_once('/')?;
    Some(Calls { message: id, rule, since: &events.first()?.at, last, count })
}

/// What the rule sent for an MO: each has the MO's id and its own number behind it.
async fn answers(visitor: &Visitor, mo: &str, events: &[Happened]) -> Answer<Vec<Entry>> {
    let sent = events.iter().map(|happened| if let What::Ran { sent, .. } = &happened.what { *sent } else { 0 }).max();
    let mut answers = Vec::new();
    for number in 1..=sent.unwrap_or_default().min(ANSWERS_MAX) {
        match Timeline::of(visitor, &format!("{mo}{number:04x}")).await {
            Ok(timeline) => answers.extend(timeline.into_entry()),
            Err(refused) if refused.status() == StatusCode::NOT_FOUND => {} // its history is over
            Err(refused) => return Err(refused),
        }
    }
    Ok(answers)
}

fn card(visitor: &Visitor, message: &Entry, content: &Content, (state, attempts): (Option<&str>, usize)) -> Markup {
    let base = visitor.path("");
    html! {
        section.card {
            p.speech { (parts::content(content)) }
            dl.facts {
                div { dt { "State" } dd { (parts::state(state.unwrap_or(&message.state))) } }
                div { dt { "Way" } dd { (parts::direction(&message.direction)) } }
                div { dt { "From" } dd { (text::shown(&message.from)) } }
                div { dt { "To" } dd { (text::shown(&message.to)) } }
                div { dt { "Received" } dd { (parts::time(&message.received_at)) } }
                div { dt { "By" } dd { (text::shown(&message.by)) } }
                div { dt { "Attempts" } dd { (attempts) } }
                @if let Some(due) = &message.due_at { div { dt { "Not before" } dd { (parts::time(due)) } } }
                @if !message.tag.is_empty() { div { dt { "Tag" } dd { (text::shown(&message.tag)) } } }
                @if let Some(cause) = &message.cause {
                    div { dt { "Answers" } dd { a href={ (base) "/messages/" (escaped(cause)) } { "MO " code { (cause) } } } }
                }
            }
            p { a.button href={ (base) "/devices/" (escaped(message.device())) } { "Conversation with the device" } }
        }
    }
}

fn error(code: u16) -> Markup {
    html! { @if code != 0 { " (error " code { (code) } ")" } }
}

/// In words, and how good or bad it is.
fn said(what: &What) -> (Mood, Markup) {
    match what {
        What::Received { message, .. } => {
            let from = html! { "Received from " strong { (text::shown(&message.by)) } "; the firewall let it pass." };
            (Mood::Calm, from)
        }
        What::Ran { rule, sent } => {
            let said = html! { "Rule " strong { (text::shown(rule)) } " ran and sent " (words::count(*sent, "message", "messages")) "." };
            (Mood::Good, said)
        }
        What::Failed { by, attempt, error: code, why, again_at } => {
            let said = html! {
                strong { (text::shown(by)) } " could not, attempt " (attempt) (error(*code)) ": " (text::shown(why)) ". "
                @if let Some(at) = again_at { "Tried again at " (parts::time(at)) "." } @else { "Not tried again." }
            };
            (Mood::Bad, said)
        }
        What::Sent { peer, ids } => {
            let said = html! {
                strong { (text::shown(peer)) } " took it"
                @if !ids.is_empty() { " as " @for (at, id) in ids.iter().enumerate() { @if at > 0 { ", " } code { (text::shown(id)) } } }
                "."
            };
            (Mood::Good, said)
        }
        What::Receipt { peer, sms, state, error: code } => {
            let said = html! { "Receipt of " strong { (text::shown(peer)) } " for SMS " (sms) ": " (parts::state(state)) (error(*code)) };
            (words::mood(state), said)
        }
        What::Replaced { due_at, content, .. } => {
            let said = html! { "Replaced, to leave at " (parts::time(due_at)) ": " (parts::content(content)) };
            (Mood::Calm, said)
        }
        What::Refused { reason } => (Mood::Bad, html! { "The firewall refused it: " code { (reason) } "." }),
        What::Dead { by, attempts, why } => {
            let said = html! { "A dead letter after " (attempts) " attempts of " strong { (text::shown(by)) } ": " (text::shown(why)) };
            (Mood::Bad, said)
        }
        What::Retried { by, edited } => {
            let said = html! { (text::shown(by)) " has it tried again" @if *edited { ", with another text" } "." };
            (Mood::Busy, said)
        }
        What::Dropped { by } => (Mood::Calm, html! { (text::shown(by)) " dropped it." }),
        What::Ended { state, error: code } => {
            (words::mood(state), html! { "Ended: " (parts::state(state)) (error(*code)) })
        }
        What::Other => (Mood::Calm, html! { "Something that this console has no words for." }),
    }
}
