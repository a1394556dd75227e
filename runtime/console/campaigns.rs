//! Campaigns: one message to many devices; how far each is, and what became of it.

use std::collections::BTreeMap;

use axum::extract::{Form, Path, Query};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::ask::{Answer, At, Refused, escaped, read};
use super::layout::Tab;
use super::parts::{self, Mood};
use super::text;
use super::visitor::{Visitor, Who};
use super::words;

const LIMIT: &str = "30";
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

#[derive(Debug, Deserialize)]
struct CampaignList {
    campaigns: Vec<Campaign>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Campaign {
    id: String,
    state: String,
    from: String,
    #[serde(default)]
    tag: String,
    pace: Option<Pace>,
    start_at: String,
    created_at: String,
    counts: Counts,
}

#[derive(Debug, Deserialize)]
struct Pace {
    per_second: u64,
}

#[derive(Debug, Deserialize)]
struct Counts {
    total: u64,
    submitted: u64,
    enroute: u64,
    refused: BTreeMap<String, u64>,
    ended: BTreeMap<String, u64>,
}

impl Counts {
    fn refused(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Devices whose turn has come.
    fn done(&self) -> u64 {
        self.submitted + self.refused()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    cursor: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewCampaign {
    to: String,
    target: String,
    text: String,
    tag: String,
    pace: String,
    once: String,
}

impl NewCampaign {
    fn wish(&self) -> Value {
        let devices: Vec<&str> =
            self.target.split([',', ' ', '\n', '\r']).filter(|device| !device.is_empty()).collect();
        let to = match self.to.as_str() {
            "tag" => json!({ "tag": self.target.trim() }),
            "all" => json!({ "all": true }),
            _ => json!({ "devices": devices }),
        };
        let mut wish = json!({ "to": to, "text": self.text.replace("\r\n", "\n") });
        if !self.tag.is_empty() {
            wish["tag"] = json!(self.tag);
        }
        if !self.pace.is_empty() {
            wish["pace"] =
                json!({ "per_second": self.pace.parse::<u64>().map_or_else(|_| json!(self.pace), |pace| json!(pace)) });
        }
        wish
    }
}

pub async fn list(visitor: Visitor, Query(wanted): Query<Wanted>) -> Response {
    let body = body(&visitor, &wanted.cursor, None, &NewCampaign::default()).await;
    visitor.page("Campaigns", Tab::Campaigns, body)
}

async fn body(visitor: &Visitor, cursor: &str, notice: Option<Markup>, draft: &NewCampaign) -> Answer<Markup> {
    let at = visitor.at("/v1/campaigns").with("limit", LIMIT).with_some("cursor", cursor);
    let found: CampaignList = visitor.asker.get(&at).await?;
    let path = visitor.path("campaigns");
    Ok(html! {
        h1 { "Campaigns" }
        @if let Some(notice) = notice { (notice) }
        @if found.campaigns.is_empty() { (parts::empty("No campaigns yet.", "One message to many devices: by tag, by list, or to all.")) } @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { "Begun" } th scope="col" { "Tag" } th scope="col" { "From" } th scope="col" { "State" } th scope="col" { "How far" }
                } }
                tbody { @for campaign in &found.campaigns { tr {
                    td { a href={ (path) "/" (escaped(&campaign.id)) } { (parts::time(&campaign.created_at)) } }
                    td { (text::shown(&campaign.tag)) } td { (text::shown(&campaign.from)) } td { (state(&campaign.state)) }
                    td { (bar(&campaign.counts)) }
                } } }
            } }
        }
        @if let Some(next) = &found.next { (parts::more(Some(At::new(&path).with("cursor", next).text()), "Older campaigns")) }
        (form(visitor, draft, &parts::once()?))
    })
}

fn state(state: &str) -> Markup {
    let mood = match state {
        "running" => Mood::Busy,
        "done" => Mood::Good,
        _ => Mood::Calm,
    };
    parts::badge(mood, state)
}

fn bar(counts: &Counts) -> Markup {
    html! {
        progress max=(counts.total) value=(counts.done()) aria-label="How far" {}
        " " (parts::number(counts.done())) " of " (parts::number(counts.total))
    }
}

fn form(visitor: &Visitor, draft: &NewCampaign, once: &str) -> Markup {
    if !visitor.may("send") {
        return html! {};
    }
    html! {
        details.card open[!draft.text.is_empty()] {
            summary { "New campaign" }
            form.filter method="post" action=(visitor.path("campaigns")) {
                input type="hidden" name="once" value=(once);
                label.field { span { "To" } select name="to" {
                    (parts::choice("tag", "registered devices with a tag", &draft.to))
                    (parts::choice("devices", "these numbers", &draft.to))
                    (parts::choice("all", "all registered devices", &draft.to))
                } }
                label.field { span { "Tag, or numbers" } textarea name="target" rows="1" spellcheck="false" { (draft.target) } }
                label.field.wide { span { "Text" } textarea name="text" rows="3" required { (draft.text) } }
                (parts::field("What to call it (tag of its messages)", "tag", &draft.tag, "maintenance"))
                label.field { span { "Messages a second, at most" } input type="number" name="pace" min="1" value=(draft.pace) placeholder="as fast as possible"; }
                div.buttons { button.primary type="submit" { "Begin" } }
            }
        }
    }
}

pub async fn begin(visitor: Visitor, Form(draft): Form<NewCampaign>) -> Response {
    let mut wish = draft.wish();
    if let Who::Operator = visitor.who {
        wish["customer"] = json!(visitor.customer());
    }
    let mut headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    headers.extend(
        HeaderValue::from_str(&draft.once).ok().filter(|key| !key.is_empty()).map(|key| (IDEMPOTENCY_KEY, key)),
    );
    let answer = visitor.asker.ask(Method::POST, &At::new("/v1/campaigns"), &headers, wish.to_string().into()).await;
    match read::<Campaign>(answer).await {
        Ok(campaign) => {
            Redirect::to(&format!("{}/{}", visitor.path("campaigns"), escaped(&campaign.id))).into_response()
        }
        Err(refused) if refused.status() == StatusCode::UNAUTHORIZED => {
            visitor.page("Campaigns", Tab::Campaigns, Err(refused))
        }
        Err(refused) => {
            let body = body(&visitor, "", Some(parts::problem(&refused)), &draft).await;
            (refused.status(), visitor.page("Campaigns", Tab::Campaigns, body)).into_response()
        }
    }
}

pub async fn one(visitor: Visitor, Path((_, id)): Path<(String, String)>) -> Response {
    let body = one_body(&visitor, &id).await;
    visitor.page("Campaign", Tab::Campaigns, body)
}

async fn one_body(visitor: &Visitor, id: &str) -> Answer<Markup> {
    let at = At::new("/v1/campaigns").then(id).with("customer", visitor.customer());
    let campaign: Campaign = visitor.asker.get(&at).await?;
    let path = format!("{}/{}", visitor.path("campaigns"), escaped(id));
    let is_open = matches!(campaign.state.as_str(), "running" | "paused");
    Ok(html! {
        h1 { "Campaign " (text::shown(&campaign.tag)) }
        div #now hx-get=[is_open.then_some(&path)] hx-trigger=[is_open.then_some("every 2s")] hx-select="#now" hx-swap="outerHTML" {
            section.card {
                p { (state(&campaign.state)) " " (bar(&campaign.counts)) }
                dl.facts {
                    div { dt { "From" } dd { (text::shown(&campaign.from)) } }
                    div { dt { "Begun" } dd { (parts::time(&campaign.created_at)) } }
                    div { dt { "Starts" } dd { (parts::time(&campaign.start_at)) } }
                    div { dt { "Pace" } dd { @match &campaign.pace { Some(pace) => { (pace.per_second) " a second" }, None => "as fast as possible" } } }
                }
            }
            section.card { h2 { "What became of it" } (ends(&campaign.counts)) }
            @if is_open && visitor.may("send") { div.buttons {
                @if campaign.state == "running" { (verb(&path, "pause", "Pause")) } @else { (verb(&path, "resume", "Resume")) }
                (verb(&path, "cancel", "Cancel the rest"))
            } }
        }
        p.buttons {
            @if !campaign.tag.is_empty() { a.button href={ (visitor.path("messages")) "?tag=" (escaped(&campaign.tag)) } { "Its messages" } }
            a.button href={ (path) "/recipients.csv" } download { "Export whom it is for (CSV)" }
        }
    })
}

/// The API's file, as it comes.
pub async fn export(visitor: Visitor, Path((_, id)): Path<(String, String)>) -> Response {
    let at = At::new(&format!("/v1/campaigns/{}/recipients:export", escaped(&id))).with("customer", visitor.customer());
    let mut answer = visitor.asker.ask(Method::GET, &at.with("format", "csv"), &[], axum::body::Body::empty()).await;
    if !answer.status().is_success() {
        let refused = read::<Value>(answer).await.err();
        let refused = refused.unwrap_or_else(|| Refused::not_found("There is no such campaign."));
        return visitor.page("Campaign", Tab::Campaigns, Err(refused));
    }
    let name = format!("attachment; filename=\"campaign-{}.csv\"", escaped(&id));
    if let Ok(name) = HeaderValue::from_str(&name) {
        answer.headers_mut().insert(CONTENT_DISPOSITION, name);
    }
    answer
}

fn ends(counts: &Counts) -> Markup {
    html! {
        dl.facts {
            div { dt { "On their way" } dd { (parts::number(counts.enroute)) } }
            @for (state, count) in &counts.ended { div { dt { (parts::state(state)) } dd { (parts::number(*count)) } } }
            @for (reason, count) in &counts.refused { div { dt { "Not sent: " code { (reason) } } dd { (parts::number(*count)) } } }
            div { dt { "Still to come" } dd { (words::count(counts.total.saturating_sub(counts.done()), "device", "devices")) } }
        }
    }
}

fn verb(path: &str, verb: &str, label: &str) -> Markup {
    html! { form method="post" action={ (path) "/" (verb) } { button type="submit" { (label) } } }
}

pub async fn turn(visitor: Visitor, Path((_, id, verb)): Path<(String, String, String)>) -> Response {
    let Some(verb) = ["pause", "resume", "cancel"].into_iter().find(|known| *known == verb) else {
        let refused = Refused::not_found("A campaign is paused, resumed or cancelled.");
        return visitor.page("Campaign", Tab::Campaigns, Err(refused));
    };
    let at = At::new("/v1/campaigns").then(&id).then(verb).with("customer", visitor.customer());
    let answer = visitor.asker.ask(Method::POST, &at, &[], axum::body::Body::empty()).await;
    match read::<Campaign>(answer).await {
        Ok(_) => Redirect::to(&format!("{}/{}", visitor.path("campaigns"), escaped(&id))).into_response(),
        Err(refused) => visitor.page("Campaign", Tab::Campaigns, Err(refused)),
    }
}
