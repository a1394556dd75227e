//! A customer's registered devices.

use std::collections::BTreeMap;

use axum::extract::Query;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::ask::{Answer, At, escaped};
use super::import;
use super::layout::Tab;
use super::parts::{self, Mood};
use super::text;
use super::visitor::Visitor;

const LIMIT: &str = "50";

#[derive(Debug, Deserialize)]
pub struct Device {
    pub address: String,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    pub status: String,
    pub iccid: Option<String>,
    pub imei: Option<String>,
    pub created_at: String,
    pub last_seen_at: Option<String>,
}

#[derive(Debug, Deserialize)]
struct DeviceList {
    devices: Vec<Device>,
    next: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filter {
    prefix: String,
    tag: String,
    status: String,
    cursor: String,
}

impl Filter {
    fn on(&self, at: At) -> At {
        at.with_some("prefix", &self.prefix).with_some("tag", &self.tag).with_some("status", &self.status)
    }
}

pub async fn list(visitor: Visitor, Query(filter): Query<Filter>) -> Response {
    page(&visitor, &filter, None, "").await
}

/// `draft` is an import that is not done.
pub async fn page(visitor: &Visitor, filter: &Filter, notice: Option<Markup>, draft: &str) -> Response {
    let body = body(visitor, filter, notice, draft).await;
    visitor.page("Devices", Tab::Devices, body)
}

async fn body(visitor: &Visitor, filter: &Filter, notice: Option<Markup>, draft: &str) -> Answer<Markup> {
    let at = filter.on(visitor.at("/v1/devices").with("limit", LIMIT)).with_some("cursor", &filter.cursor);
    let found = visitor.asker.get::<DeviceList>(&at).await;
    let older = |next: &str| filter.on(At::new(&visitor.path("devices"))).with("cursor", next);
    if let Err(refused) = &found
        && refused.is_about_the_visitor()
    {
        return Err(refused.clone());
    }
    Ok(html! {
        h1 { "Devices" }
        @if let Some(notice) = notice { (notice) }
        (form(visitor, filter))
        @match found {
            Err(refused) => (parts::problem(&refused)),
            Ok(found) => {
                @if found.devices.is_empty() {
                    (parts::empty(
                        "No registered devices.",
                        "Devices in the customer's ranges work without being registered: type a number above to see its conversation.",
                    ))
                } @else { (table(visitor, &found.devices)) }
                @if let Some(next) = &found.next { (parts::more(Some(older(next).text()), "More devices")) }
            }
        }
        @if visitor.may("manage") { (import::form(visitor, draft)) }
    })
}

fn form(visitor: &Visitor, filter: &Filter) -> Markup {
    html! {
        form.filter method="get" action=(visitor.path("devices")) role="search" {
            (parts::field("Number begins with", "prefix", &filter.prefix, "+4670"))
            (parts::field("Tag", "tag", &filter.tag, "pump"))
            label.field { span { "Status" } select name="status" {
                (parts::choice("", "any", &filter.status))
                (parts::choice("active", "active", &filter.status))
                (parts::choice("suspended", "suspended", &filter.status))
            } }
            div.buttons {
                button.primary type="submit" { "Search" }
                @if !filter.prefix.is_empty() {
                    a.button href={ (visitor.path("devices")) "/" (escaped(&filter.prefix)) } { "Open " (text::shown(&filter.prefix)) }
                }
            }
        }
    }
}

fn table(visitor: &Visitor, devices: &[Device]) -> Markup {
    html! {
        div.scroll { table {
            thead { tr {
                th scope="col" { "Number" } th scope="col" { "Status" } th scope="col" { "Tags" }
                th scope="col" { "Attributes" } th scope="col" { "Last seen" }
            } }
            tbody { @for device in devices { tr {
                td.address { a href={ (visitor.path("devices")) "/" (escaped(&device.address)) } { (device.address) } }
                td { (status(&device.status)) }
                td { (tags(&device.tags)) }
                td { (attributes(&device.attributes)) }
                td { (parts::some_time(device.last_seen_at.as_deref())) }
            } } }
        } }
    }
}

pub fn status(status: &str) -> Markup {
    parts::badge(if status == "active" { Mood::Good } else { Mood::Bad }, status)
}

pub fn tags(tags: &[String]) -> Markup {
    html! { @for tag in tags { span.tag { (text::shown(tag)) } " " } }
}

pub fn attributes(attributes: &BTreeMap<String, String>) -> Markup {
    html! { @for (name, value) in attributes { span.pair { (text::shown(name)) ": " (text::shown(value)) } " " } }
}
