//! Links, for the operator: who may be bound, who is, and what waits for them.

use axum::body::Body;
use axum::extract::Path;
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::ask::{Answer, At, escaped, read};
use super::customers::{Object, ObjectList};
use super::layout::Tab;
use super::parts::{self, Mood};
use super::text;
use super::visitor::Visitor;
use super::words;

#[derive(Debug, Deserialize)]
struct LinkList {
    links: Vec<Link>,
}

#[derive(Debug, Deserialize)]
struct Link {
    id: String,
    account: String,
    mode: String,
    address: String,
    since: String,
    window: u64,
    window_in_use: u64,
}

#[derive(Debug, Deserialize)]
pub struct PauseList {
    pub pauses: Vec<Pause>,
}

#[derive(Debug, Deserialize)]
pub struct Pause {
    pub account: String,
    pub since: String,
    pub reason: String,
}

impl PauseList {
    pub fn of(&self, account: &str) -> Option<&Pause> {
        self.pauses.iter().find(|pause| pause.account == account)
    }
}

#[derive(Debug, Deserialize)]
pub struct LinkHistory {
    events: Vec<LinkEvent>,
}

#[derive(Debug, Deserialize)]
struct LinkEvent {
    at: String,
    account: String,
    what: String,
    mode: Option<String>,
    address: Option<String>,
    #[serde(default)]
    why: String,
}

#[derive(Debug, Deserialize)]
pub struct QueueList {
    pub queues: Vec<Queue>,
}

#[derive(Debug, Deserialize)]
pub struct Queue {
    pub name: String,
    pub peers: Vec<String>,
    pub links: u64,
    pub messages: u64,
    pub overdue_ms: u64,
}

pub async fn list(visitor: Visitor) -> Response {
    let body = body(&visitor).await;
    visitor.page("Links", Tab::Links, body)
}

async fn body(visitor: &Visitor) -> Answer<Markup> {
    let links: LinkList = visitor.asker.get(&At::new("/v1/links")).await?;
    let queues: QueueList = visitor.asker.get(&At::new("/v1/queues")).await?;
    let accounts: ObjectList = visitor.asker.get(&At::new("/v1/accounts")).await?;
    let upstreams: ObjectList = visitor.asker.get(&At::new("/v1/upstreams")).await?;
    let pauses: PauseList = visitor.asker.get(&At::new("/v1/pauses")).await?;
    let events = events(visitor, None, "20").await?;
    let state = |name: &str| up(name, &links.links, &pauses);
    Ok(html! {
        h1 { "Links" }
        p.buttons {
            a.button href="/console/peers/accounts" { "New account" } a.button href="/console/peers/upstreams" { "New upstream" }
            a.button href="/console/pdus" { "Decode a PDU" }
        }
        div #now hx-get="/console/links" hx-trigger="every 5s" hx-select="#now" hx-swap="outerHTML" {
            section.card { h2 { "Binds that are up" } (binds(&links.links)) }
            section.card { h2 { "Accounts: they bind to us" } (accounts_table(&accounts.objects, state)) }
            section.card { h2 { "Upstreams: we bind to them" } (upstreams_table(&upstreams.objects, state)) }
            section.card { h2 { "Queues" } (queues_table(&queues.queues)) }
            section.card { h2 { "What became of binds" } (history(&events)) }
        }
    })
}

fn binds(links: &[Link]) -> Markup {
    html! {
        @if links.is_empty() { (parts::empty("Nobody is bound.", "The log says why a bind was refused.")) } @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { "Account" } th scope="col" { "Mode" } th scope="col" { "Address" }
                    th scope="col" { "Since" } th.figure scope="col" { "Window in use" } th scope="col" { "PDUs" } th scope="col" { "Drop" }
                } }
                tbody { @for link in links { tr {
                    td { (text::shown(&link.account)) } td { (link.mode) } td { code { (link.address) } }
                    td { (parts::time(&link.since)) }
                    td.figure { (link.window_in_use) " of " (link.window) " "
                        meter min="0" max=(link.window) value=(link.window_in_use) aria-label="Window in use" {}
                    }
                    td { a href={ "/console/links/" (escaped(&link.id)) } { "PDUs" } }
                    td { form method="post" action={ "/console/links/" (escaped(&link.id)) "/drop" } {
                        button.danger type="submit" id={ "drop-" (link.id) } aria-label={ "Drop the bind of " (text::plain(&link.account)) " from " (link.address) } { "Drop" }
                    } }
                } } }
            } }
        }
    }
}

fn up(name: &str, links: &[Link], pauses: &PauseList) -> Markup {
    let count = links.iter().filter(|link| link.account == name).count() as u64;
    html! {
        @if count > 0 { (parts::badge(Mood::Good, &words::count(count, "bind", "binds"))) }
        @else { (parts::badge(Mood::Bad, "not bound")) }
        @if pauses.of(name).is_some() { " " (parts::badge(Mood::Bad, "paused")) }
    }
}

/// The newest of an account, or of all.
pub async fn events(visitor: &Visitor, account: Option<&str>, limit: &str) -> Answer<LinkHistory> {
    let at = At::new("/v1/links/history").with_some("account", account.unwrap_or_default()).with("limit", limit);
    visitor.asker.get(&at).await
}

pub fn history(found: &LinkHistory) -> Markup {
    let mood = |what: &str| match what {
        "bound" => Mood::Good,
        "unbound" => Mood::Calm,
        _ => Mood::Bad,
    };
    html! {
        @if found.events.is_empty() { p.faint { "Nothing since the start of the server." } } @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { "At" } th scope="col" { "Account" } th scope="col" { "What" } th scope="col" { "Mode" }
                    th scope="col" { "Address" } th scope="col" { "Why" }
                } }
                tbody { @for event in &found.events { tr {
                    td.when { (parts::time(&event.at)) } td { (text::shown(&event.account)) }
                    td { (parts::badge(mood(&event.what), &event.what)) } td { (event.mode.as_deref().unwrap_or("–")) }
                    td { code { (event.address.as_deref().unwrap_or("–")) } } td { (text::shown(&event.why)) }
                } } }
            } }
            p.faint { "Since the start of the server, the last hundred of each account; the log has all." }
        }
    }
}

pub async fn drop_it(visitor: Visitor, Path(id): Path<String>) -> Response {
    let answer = visitor.asker.ask(Method::DELETE, &At::new("/v1/links").then(&id), &[], Body::empty()).await;
    match read::<Value>(answer).await {
        Ok(_) => Redirect::to("/console/links").into_response(),
        Err(refused) => visitor.page("Links", Tab::Links, Err(refused)),
    }
}

fn peer_link(kind: &str, id: &str) -> Markup {
    html! { a href={ "/console/peers/" (kind) "/" (escaped(id)) } { (text::shown(id)) } }
}

fn accounts_table(accounts: &[Object], state: impl Fn(&str) -> Markup) -> Markup {
    html! {
        @if accounts.is_empty() { p.faint { "None." } } @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { "system_id" } th scope="col" { "Role" } th scope="col" { "Customer" }
                    th scope="col" { "Routes" } th scope="col" { "State" }
                } }
                tbody { @for account in accounts { tr {
                    td { (peer_link("accounts", &account.id)) } td { (account.word("role")) } td { (text::shown(account.word("customer"))) }
                    td { (text::shown(&account.list("routes").join(", "))) } td { (state(&account.id)) }
                } } }
            } }
        }
    }
}

fn upstreams_table(upstreams: &[Object], state: impl Fn(&str) -> Markup) -> Markup {
    html! {
        @if upstreams.is_empty() { p.faint { "None." } } @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { "Name" } th scope="col" { "Host" } th scope="col" { "Routes" } th scope="col" { "State" }
                } }
                tbody { @for upstream in upstreams { tr {
                    td { (peer_link("upstreams", &upstream.id)) }
                    td { code { (upstream.word("host")) ":" (upstream.settings["port"]) } }
                    td { (text::shown(&upstream.list("routes").join(", "))) } td { (state(&upstream.id)) }
                } } }
            } }
        }
    }
}

fn queues_table(queues: &[Queue]) -> Markup {
    html! {
        @if queues.is_empty() { p.faint { "None." } } @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { "Queue" } th scope="col" { "Taken by" } th.figure scope="col" { "Links" }
                    th.figure scope="col" { "Messages" } th.figure scope="col" { "Oldest overdue for" }
                } }
                tbody { @for queue in queues { tr {
                    td { (text::shown(&queue.name)) } td { (text::shown(&queue.peers.join(", "))) }
                    td.figure { (queue.links) } td.figure { (parts::number(queue.messages)) }
                    td.figure { @if queue.overdue_ms > 0 { (words::duration_ms(queue.overdue_ms)) } @else { "–" } }
                } } }
            } }
        }
    }
}
