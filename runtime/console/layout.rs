//! What is around every page: head, navigation, and the places that keyboards and screen readers go to.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::assets;
use super::text;
use super::visitor::{Visitor, Who};

/// Where in the navigation a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    House,
    Customers,
    Links,
    Overview,
    Messages,
    Devices,
    Campaigns,
    Rules,
    Dead,
    Firewall,
    Numbers,
    Keys,
    Audit,
    System,
    None,
}

/// Of a customer: path behind the customer's own, and its name.
const OF_CUSTOMER: [(Tab, &str, &str); 9] = [
    (Tab::Overview, "", "Overview"),
    (Tab::Messages, "messages", "Messages"),
    (Tab::Devices, "devices", "Devices"),
    (Tab::Campaigns, "campaigns", "Campaigns"),
    (Tab::Rules, "rules", "Rules"),
    (Tab::Dead, "dead-letters", "Dead letters"),
    (Tab::Firewall, "firewall", "Firewall"),
    (Tab::Numbers, "numbers", "Numbers"),
    (Tab::Keys, "keys", "Keys"),
];
const OF_HOUSE: [(Tab, &str, &str); 5] = [
    (Tab::House, "/console/overview", "House"),
    (Tab::Customers, "/console/customers", "Customers"),
    (Tab::Links, "/console/links", "Links"),
    (Tab::Audit, "/console/audit", "Audit log"),
    (Tab::System, "/console/system", "System"),
];

/// htmx runs no code that comes with HTML, and asks this server only.
const HTMX: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,"selfRequestsOnly":true,"historyCacheSize":0}"#;

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="htmx-config" content=(HTMX);
            title { (title) " – wasmsc" }
            link rel="icon" href=(assets::path("icon.svg")) type="image/svg+xml";
            link rel="stylesheet" href=(assets::path("uPlot.min.css"));
            link rel="stylesheet" href=(assets::path("console.css"));
            script src=(assets::path("htmx.min.js")) defer {}
            script src=(assets::path("uPlot.iife.min.js")) defer {}
            script src=(assets::path("console.js")) defer {}
        }
    }
}

pub fn page(visitor: &Visitor, title: &str, tab: Tab, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" data-theme=(visitor.theme) {
            (head(title))
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/console/" { "wasmsc" }
                    (who(visitor))
                    button #theme type="button" hidden { "Theme" }
                    form method="post" action="/console/sign-out" { button type="submit" { "Sign out" } }
                }
                (navigation(visitor, tab))
                main #main tabindex="-1" { (body) }
            }
        }
    }
}

fn who(visitor: &Visitor) -> Markup {
    html! {
        span.who {
            @match &visitor.who {
                Who::Operator => "Operator",
                Who::Key(key) => { (text::shown(&key.customer)) " · key " (text::shown(&key.name)) },
            }
        }
    }
}

fn navigation(visitor: &Visitor, tab: Tab) -> Markup {
    // Whatever the path says, a key has its own customer's pages.
    let customer = match &visitor.who {
        Who::Key(key) => Some(key.customer.as_str()),
        Who::Operator => visitor.customer.as_deref(),
    };
    let current = |of: Tab| (of == tab).then_some("page");
    html! {
        nav.side aria-label="Pages" {
            @if visitor.is_operator() {
                ul { @for (of, path, name) in OF_HOUSE {
                    li { a href=(path) aria-current=[current(of)] { (name) } }
                } }
            }
            @if let Some(customer) = customer {
                h2 { (text::shown(customer)) }
                ul { @for (of, path, name) in OF_CUSTOMER {
                    li { a href=(visitor.customer_path(customer, path)) aria-current=[current(of)] { (name) } }
                } }
            }
        }
    }
}

/// Of those who are not signed in.
pub fn bare(title: &str, theme: &str, body: Markup, status: StatusCode) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" data-theme=(theme) {
            (head(title))
            body.bare { main #main { (body) } }
        }
    };
    (status, page).into_response()
}
