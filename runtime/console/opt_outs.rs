//! Who wants no more messages of a customer's numbers, and taking one of them back.

use axum::body::Body;
use axum::extract::{Form, Query};
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::ask::{Answer, At, escaped, read};
use super::layout::Tab;
use super::parts;
use super::text;
use super::visitor::Visitor;

const LIMIT: &str = "50";

#[derive(Debug, Deserialize)]
pub struct OptOutList {
    pub opt_outs: Vec<OptOut>,
    pub next: Option<String>,
}

#[derive(Debug, Deserialize)]
pub struct OptOut {
    pub number: String,
    pub device: String,
    pub at: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filter {
    number: String,
    device: String,
    cursor: String,
    /// Whose opt-out was taken back just now.
    back: String,
}

impl Filter {
    fn on(&self, at: At) -> At {
        at.with_some("number", &self.number).with_some("device", &self.device)
    }
}

pub async fn list(visitor: Visitor, Query(filter): Query<Filter>) -> Response {
    let notice = (!filter.back.is_empty())
        .then(|| parts::done(&html! { "Messages to " strong { (text::shown(&filter.back)) } " pass again." }));
    let body = body(&visitor, &filter, notice).await;
    visitor.page("Opt-outs", Tab::Firewall, body)
}

async fn body(visitor: &Visitor, filter: &Filter, notice: Option<Markup>) -> Answer<Markup> {
    let at = filter.on(visitor.at("/v1/opt-outs").with("limit", LIMIT)).with_some("cursor", &filter.cursor);
    let found = visitor.asker.get::<OptOutList>(&at).await;
    if let Err(refused) = &found
        && refused.is_about_the_visitor()
    {
        return Err(refused.clone());
    }
    let more = |next: &str| filter.on(At::new(&visitor.path("opt-outs"))).with("cursor", next);
    Ok(html! {
        h1 { "Opt-outs" }
        p.faint { "Devices that said STOP to a number of the customer: nothing passes from it to them until they say START." }
        @if let Some(notice) = notice { (notice) }
        (form(visitor, filter))
        @match found {
            Err(refused) => (parts::problem(&refused)),
            Ok(found) => {
                @if found.opt_outs.is_empty() { (parts::empty("No opt-outs.", "")) }
                @else { (table(visitor, &found.opt_outs)) }
                @if let Some(next) = &found.next { (parts::more(Some(more(next).text()), "More opt-outs")) }
            }
        }
    })
}

fn form(visitor: &Visitor, filter: &Filter) -> Markup {
    html! {
        form.filter method="get" action=(visitor.path("opt-outs")) role="search" {
            (parts::field("Number", "number", &filter.number, "7001"))
            (parts::field("Device", "device", &filter.device, "+46701234567"))
            div.buttons {
                button.primary type="submit" { "Search" }
                a.button href=(visitor.path("opt-outs")) { "Clear" }
            }
        }
    }
}

fn table(visitor: &Visitor, opt_outs: &[OptOut]) -> Markup {
    let may_take_back = visitor.may("manage");
    html! {
        div.scroll { table {
            thead { tr {
                th scope="col" { "Device" } th scope="col" { "Number" } th scope="col" { "Since" }
                @if may_take_back { th scope="col" { "Take back" } }
            } }
            tbody { @for opt_out in opt_outs { tr {
                td.address { a href={ (visitor.path("devices")) "/" (escaped(&opt_out.device)) } { (text::shown(&opt_out.device)) } }
                td.address { (text::shown(&opt_out.number)) }
                td.when { (parts::time(&opt_out.at)) }
                @if may_take_back { td { (take_back_form(visitor, opt_out)) } }
            } } }
        } }
    }
}

/// It is opened first: whoever opted out must have said so.
fn take_back_form(visitor: &Visitor, opt_out: &OptOut) -> Markup {
    html! {
        details {
            summary { "Take back …" }
            form method="post" action=(visitor.path("opt-outs")) {
                input type="hidden" name="number" value=(opt_out.number);
                input type="hidden" name="device" value=(opt_out.device);
                p { "Only for whoever asked for it. The audit log says that you did it." }
                button.danger type="submit" { "Let messages pass to " (text::shown(&opt_out.device)) }
            }
        }
    }
}

#[derive(Debug, Deserialize)]
pub struct Back {
    number: String,
    device: String,
}

pub async fn take_back(visitor: Visitor, Form(back): Form<Back>) -> Response {
    let at = At::new("/v1/opt-outs").then(&back.number).then(&back.device).with("customer", visitor.customer());
    let answer = visitor.asker.ask(Method::DELETE, &at, &[], Body::empty()).await;
    match read::<()>(answer).await {
        Ok(()) => {
            let to = At::new(&visitor.path("opt-outs")).with("back", &back.device);
            Redirect::to(to.text()).into_response()
        }
        Err(refused) => visitor.page("Opt-outs", Tab::Firewall, Err(refused)),
    }
}
