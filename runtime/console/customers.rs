//! Every customer, for the operator: the way to their pages.

use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::ask::{Answer, At};
use super::layout::Tab;
use super::parts::{self, Mood};
use super::text;
use super::visitor::Visitor;

/// Objects that are set up, as the API lists them.
#[derive(Debug, Deserialize)]
pub struct ObjectList {
    pub objects: Vec<Object>,
}

#[derive(Debug, Deserialize)]
pub struct Object {
    pub id: String,
    pub declared: bool,
    pub settings: Value,
}

impl Object {
    /// A list of texts among its settings.
    pub fn list(&self, name: &str) -> Vec<&str> {
        self.settings[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub fn word(&self, name: &str) -> &str {
        self.settings[name].as_str().unwrap_or_default()
    }
}

pub async fn list(visitor: Visitor) -> Response {
    let body = body(&visitor).await;
    visitor.page("Customers", Tab::Customers, body)
}

async fn body(visitor: &Visitor) -> Answer<Markup> {
    let all: ObjectList = visitor.asker.get(&At::new("/v1/customers")).await?;
    Ok(html! {
        h1 { "Customers" }
        @if all.objects.is_empty() {
            (parts::empty("No customers yet.", "Declare one in the config file, or PUT /v1/customers/{id}."))
        } @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { "Customer" } th scope="col" { "Numbers" } th scope="col" { "Devices" } th scope="col" { "Set up by" }
                } }
                tbody { @for customer in &all.objects { tr {
                    td { a href=(visitor.customer_path(&customer.id, "")) { (text::shown(&customer.id)) } }
                    td { (text::shown(&customer.list("numbers").join(", "))) }
                    td { (text::shown(&customer.list("devices").join(", "))) }
                    td { (set_up(customer.declared)) }
                } } }
            } }
        }
    })
}

pub fn set_up(declared: bool) -> Markup {
    if declared { parts::badge(Mood::Calm, "config file") } else { parts::badge(Mood::Calm, "API") }
}
