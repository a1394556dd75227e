//! A message as the API lists it, and as a row.

use maud::{Markup, html};
use serde::Deserialize;

use super::ask::escaped;
use super::parts::{self, Content};
use super::text;

#[derive(Debug, Deserialize)]
pub struct Entry {
    pub id: String,
    pub direction: String,
    pub by: String,
    pub from: String,
    pub to: String,
    pub state: String,
    pub received_at: String,
    pub due_at: Option<String>,
    pub cause: Option<String>,
    #[serde(default)]
    pub tag: String,
    #[serde(flatten)]
    pub content: Content,
}

#[derive(Debug, Deserialize)]
pub struct EntryList {
    pub messages: Vec<Entry>,
    pub next: Option<String>,
}

impl Entry {
    pub fn is_mo(&self) -> bool {
        self.direction == "mo"
    }

    pub fn device(&self) -> &str {
        if self.is_mo() { &self.from } else { &self.to }
    }
}

/// `base` is the customer's path: `/console/c/acme`.
pub fn table(base: &str, entries: &[Entry], id: &str) -> Markup {
    html! {
        div.scroll {
            table.messages {
                thead { tr {
                    th scope="col" { "Received" } th scope="col" { "Way" } th scope="col" { "From" } th scope="col" { "To" }
                    th scope="col" { "Text" } th scope="col" { "By" } th scope="col" { "State" }
                } }
                tbody id=(id) { @for entry in entries { (row(base, entry)) } }
            }
        }
    }
}

pub fn row(base: &str, entry: &Entry) -> Markup {
    html! {
        tr id={ "m-" (entry.id) } {
            td.when { a href={ (base) "/messages/" (escaped(&entry.id)) } { (parts::time(&entry.received_at)) } }
            td { (parts::direction(&entry.direction)) }
            td.address { (end(base, entry, &entry.from, entry.is_mo())) }
            td.address { (end(base, entry, &entry.to, !entry.is_mo())) }
            td.text { (parts::content(&entry.content)) }
            td.by { (text::shown(&entry.by)) }
            td.state { (parts::state(&entry.state)) }
        }
    }
}

/// The device leads to its page.
fn end(base: &str, entry: &Entry, address: &str, is_device: bool) -> Markup {
    html! {
        @if is_device { a href={ (base) "/devices/" (escaped(entry.device())) } { (text::shown(address)) } }
        @else { (text::shown(address)) }
    }
}
