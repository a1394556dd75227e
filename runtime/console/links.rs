//! Links, for the operator: who may be bound, who is, and what waits for them.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::ask::{Answer, At};
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
    account: String,
    mode: String,
    address: String,
    window: u64,
    window_in_use: u64,
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
    Ok(html! {
        h1 { "Links" }
        div #now hx-get="/console/links" hx-trigger="every 5s" hx-select="#now" hx-swap="outerHTML" {
            section.card { h2 { "Binds that are up" } (binds(&links.links)) }
            section.card { h2 { "Accounts: they bind to us" } (accounts_table(&accounts.objects, &links.links)) }
            section.card { h2 { "Upstreams: we bind to them" } (upstreams_table(&upstreams.objects, &links.links)) }
            section.card { h2 { "Queues" } (queues_table(&queues.queues)) }
        }
    })
}

fn binds(links: &[Link]) -> Markup {
    html! {
        @if links.is_empty() { (parts::empty("Nobody is bound.", "The log says why a bind was refused.")) } @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { "Account" } th scope="col" { "Mode" } th scope="col" { "Address" }
                    th.figure scope="col" { "Window in use" }
                } }
                tbody { @for link in links { tr {
                    td { (text::shown(&link.account)) } td { (link.mode) } td { code { (link.address) } }
                    td.figure { (link.window_in_use) " of " (link.window) " "
                        meter min="0" max=(link.window) value=(link.window_in_use) aria-label="Window in use" {}
                    }
                } } }
            } }
        }
    }
}

fn up(name: &str, links: &[Link]) -> Markup {
    let count = links.iter().filter(|link| link.account == name).count() as u64;
    if count > 0 {
        parts::badge(Mood::Good, &words::count(count, "bind", "binds"))
    } else {
        parts::badge(Mood::Bad, "not bound")
    }
}

fn accounts_table(accounts: &[Object], links: &[Link]) -> Markup {
    html! {
        @if accounts.is_empty() { p.faint { "None." } } @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { "system_id" } th scope="col" { "Role" } th scope="col" { "Customer" }
                    th scope="col" { "Routes" } th scope="col" { "State" }
                } }
                tbody { @for account in accounts { tr {
                    td { (text::shown(&account.id)) } td { (account.word("role")) } td { (text::shown(account.word("customer"))) }
                    td { (text::shown(&account.list("routes").join(", "))) } td { (up(&account.id, links)) }
                } } }
            } }
        }
    }
}

fn upstreams_table(upstreams: &[Object], links: &[Link]) -> Markup {
    html! {
        @if upstreams.is_empty() { p.faint { "None." } } @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { "Name" } th scope="col" { "Host" } th scope="col" { "Routes" } th scope="col" { "State" }
                } }
                tbody { @for upstream in upstreams { tr {
                    td { (text::shown(&upstream.id)) }
                    td { code { (upstream.word("host")) ":" (upstream.settings["port"]) } }
                    td { (text::shown(&upstream.list("routes").join(", "))) } td { (up(&upstream.id, links)) }
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
