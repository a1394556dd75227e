//! The firewall of a customer: its policy as a table and as JSON, and what would happen to a message, check by check.

mod preview;

use axum::Form;
use axum::body::Body;
use axum::extract::Query;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::{Answer, At, Refused, read};
use super::layout::Tab;
use super::parts::{self, Mood};
use super::text;
use super::visitor::Visitor;
use crate::firewall::{Kind, Policy, Side, table};

/// A question to the firewall; without `from` none is asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Question {
    from: String,
    to: String,
    text: String,
    /// The policy was, just now.
    saved: String,
}

#[derive(Debug, Deserialize)]
struct View {
    declared: bool,
    policy: Value,
}

#[derive(Debug, Deserialize)]
struct Explanation {
    kind: String,
    allowed: bool,
    refusal: Option<Refusal>,
    keyword: Option<String>,
    goes_to: Option<Value>,
    steps: Vec<Check>,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    code: String,
    side: String,
    advice: String,
    command_status: String,
    http_status: u16,
}

#[derive(Debug, Deserialize)]
struct Check {
    check: String,
    side: String,
    outcome: String,
    code: Option<String>,
    why: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Changed {
    policy: String,
    /// Of what was shown: nobody's change is undone.
    tag: String,
}

pub async fn page(visitor: Visitor, Query(question): Query<Question>) -> Response {
    let notice =
        (!question.saved.is_empty()).then(|| parts::done(&html! { "The policy holds from the next message on." }));
    let body = body(&visitor, &question, notice, None).await;
    visitor.page("Firewall", Tab::Firewall, body)
}

async fn body(visitor: &Visitor, question: &Question, notice: Option<Markup>, draft: Option<&str>) -> Answer<Markup> {
    let at = At::new("/v1/customers").then(visitor.customer()).then("policy");
    let answer = visitor.asker.ask(Method::GET, &at, &[], Body::empty()).await;
    let tag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).unwrap_or_default().to_owned();
    let view: View = read(answer).await?;
    let explained = explain(visitor, question).await;
    Ok(html! {
        h1 { "Firewall" }
        @if let Some(notice) = notice { (notice) }
        p { a href=(visitor.path("opt-outs")) { "Opt-outs" } ": who said STOP to which number" }
        section.card { h2 { "What passes" } (matrix(&view.policy)) }
        section.card {
            h2 { "What would happen to a message" }
            form.filter method="get" action=(visitor.path("firewall")) {
                (parts::field("From", "from", &question.from, "+46701234567"))
                (parts::field("To", "to", &question.to, "7001"))
                (parts::field("Text", "text", &question.text, ""))
                div.buttons { button.primary type="submit" { "Explain" } }
            }
            p.faint { "Nothing is sent, and no limit is used up." }
            @match explained {
                None => {},
                Some(Err(refused)) => (parts::problem(&refused)),
                Some(Ok(explained)) => (verdict(&explained)),
            }
        }
        (policy(visitor, &view, &tag, draft))
    })
}

async fn explain(visitor: &Visitor, question: &Question) -> Option<Answer<Explanation>> {
    if question.from.is_empty() && question.to.is_empty() {
        return None;
    }
    let mut asked = json!({ "from": question.from.trim(), "to": question.to.trim() });
    if !question.text.is_empty() {
        asked["text"] = json!(question.text);
    }
    Some(visitor.asker.post(&At::new("/v1/route:explain"), &asked).await)
}

fn matrix(policy: &Value) -> Markup {
    let Ok(policy) = Policy::parse(&policy.to_string()) else {
        return html! { p.faint { "The policy cannot be read." } };
    };
    let way = |kind, side| match (kind, side) {
        (Kind::Mo, _) => ("MO", "a device writes to a number"),
        (Kind::Mt, _) => ("MT", "a number writes to a device"),
        (Kind::P2p, Side::Sender) => ("P2P", "its device writes to a device"),
        (Kind::P2p, Side::Receiver) => ("P2P", "a device writes to its device"),
    };
    html! {
        div.scroll { table.matrix {
            thead { tr {
                th scope="col" { "Message" } th scope="col" { "of its own" } th scope="col" { "of other customers" } th scope="col" { "of nobody here" }
            } }
            tbody { @for row in table(&policy) {
                @let (kind, what) = way(row.kind, row.side);
                tr {
                    th scope="row" { strong { (kind) } " " span.faint { (what) } }
                    @for cell in row.cells { td {
                        @match cell {
                            None => (parts::badge(Mood::Good, "passes")),
                            Some(reason) => { (parts::badge(Mood::Bad, "refused")) " " code { (reason.code()) } },
                        }
                    } }
                }
            } }
        } }
        (limits(&policy))
    }
}

/// What comes on top of the table.
fn limits(policy: &Policy) -> Markup {
    let settings = serde_json::to_value(policy).unwrap_or_default();
    let lists = ["sources", "destinations"].map(|name| (name, &settings[name]));
    html! {
        dl.facts {
            @for (name, list) in lists { @for what in ["block", "allow"] {
                @let entries = words(&list[what]);
                @if !entries.is_empty() { div { dt { (name) ", " (what) } dd { (text::shown(&entries)) } } }
            } }
            @for pattern in &policy.content { div { dt { "Text may not contain" } dd { (text::shown(&settings_word(pattern))) } } }
            @for (name, rate) in settings["rates"].as_object().into_iter().flatten().filter(|(_, rate)| !rate.is_null()) {
                div { dt { "Rate, " (name) } dd { (rate["per_minute"]) " a minute" } }
            }
            @for (name, quota) in settings["quotas"].as_object().into_iter().flatten().filter(|(_, quota)| !quota.is_null()) {
                div { dt { "A day, " (name) } dd { (quota) } }
            }
            div { dt { "Overrides" } dd { (policy.tags.len()) " by tag, " (policy.devices.len()) " by device" } }
        }
    }
}

fn words(list: &Value) -> String {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn settings_word(pattern: &impl serde::Serialize) -> String {
    let pattern = serde_json::to_value(pattern).unwrap_or_default();
    pattern["pattern"].as_str().unwrap_or_default().to_owned()
}

fn verdict(explained: &Explanation) -> Markup {
    html! {
        @match &explained.refusal {
            Some(refusal) => div.notice.bad role="status" {
                p { strong { "Refused: " code { (refusal.code) } } ", by the " (refusal.side) "'s side." }
                p { (text::shown(&refusal.advice)) }
                p.faint { "Over SMPP " code { (refusal.command_status) } ", over HTTP " (refusal.http_status) "." }
            },
            None => div.notice.good role="status" {
                p { strong { @if explained.allowed { "It would pass" } @else { "It would not go on" } } ", as " (explained.kind.to_uppercase()) "." }
                @if let Some(keyword) = &explained.keyword { p { "It is the opt-out keyword " (keyword) ", which is answered instead." } }
                @if let Some(place) = &explained.goes_to { p { (place_of(place)) } } @else { p { "Nothing leads there." } }
            },
        }
        ol.timeline { @for check in &explained.steps {
            @let mood = match check.outcome.as_str() { "passed" => Mood::Good, "refused" => Mood::Bad, _ => Mood::Calm };
            li class=(mood.class()) {
                span { (parts::badge(mood, &check.outcome)) }
                div {
                    strong { (check.check.replace('_', " ")) } ", " (check.side) ": " (text::shown(&check.why))
                    @if let Some(code) = &check.code { " (" code { (code) } ")" }
                }
            }
        } }
    }
}

fn place_of(place: &Value) -> Markup {
    let named = place.as_object().and_then(|place| place.iter().next());
    html! { @if let Some((kind, name)) = named { "It goes to " (kind) " " strong { (text::shown(name.as_str().unwrap_or_default())) } "." } }
}

fn policy(visitor: &Visitor, view: &View, tag: &str, draft: Option<&str>) -> Markup {
    let written = serde_json::to_string_pretty(&view.policy).unwrap_or_default();
    html! {
        details.card open[draft.is_some()] {
            summary { "The policy as JSON" }
            @if view.declared {
                p.faint { "The config file declares this customer: its policy is changed there." }
                pre { (text::shown(&written)) }
            } @else if visitor.may("manage") {
                form method="post" action=(visitor.path("firewall")) {
                    input type="hidden" name="tag" value=(tag);
                    label.field { span { "What it leaves out has its default" }
                        textarea.code name="policy" rows="16" spellcheck="false" { (draft.unwrap_or(&written)) }
                    }
                    div.buttons {
                        button.primary type="submit" { "Save" }
                        button type="submit" formaction={ (visitor.path("firewall")) "/preview" } { "Look first" }
                    }
                }
            } @else { pre { (text::shown(&written)) } }
        }
    }
}

/// What the edit would change, with the edit still in the form.
pub async fn look(visitor: Visitor, Form(changed): Form<Changed>) -> Response {
    match preview::of(&visitor, &changed.policy).await {
        Ok(seen) => {
            let body = body(&visitor, &Question::default(), Some(seen), Some(&changed.policy)).await;
            visitor.page("Firewall", Tab::Firewall, body)
        }
        Err(refused) => not_done(&visitor, refused, &changed.policy).await,
    }
}

pub async fn change(visitor: Visitor, Form(changed): Form<Changed>) -> Response {
    let at = At::new("/v1/customers").then(visitor.customer()).then("policy");
    let mut headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    headers.extend(HeaderValue::from_str(&changed.tag).ok().map(|tag| (IF_MATCH, tag)));
    let answer = visitor.asker.ask(Method::PUT, &at, &headers, changed.policy.clone().into()).await;
    match read::<View>(answer).await {
        Ok(_) => Redirect::to(&format!("{}?saved=true", visitor.path("firewall"))).into_response(),
        Err(refused) => not_done(&visitor, refused, &changed.policy).await,
    }
}

/// The draft stays.
async fn not_done(visitor: &Visitor, refused: Refused, draft: &str) -> Response {
    let status = refused.status();
    if status == StatusCode::UNAUTHORIZED {
        return visitor.page("Firewall", Tab::Firewall, Err(refused));
    }
    let notice = Some(parts::problem(&in_words(refused)));
    let body = body(visitor, &Question::default(), notice, Some(draft)).await;
    (status, visitor.page("Firewall", Tab::Firewall, body)).into_response()
}

fn in_words(refused: Refused) -> Refused {
    if refused.is("precondition_failed") {
        let detail = "Somebody changed the policy meanwhile. Open the page again to see it, then change it once more.";
        return Refused { detail: detail.to_owned(), ..refused };
    }
    refused
}
