//! The web console at `/console/`: pages for customers and operators, made of what the API answers.
//!
//! An edge, and a client of `api/` inside the process: a page asks the API's own router with the claim of its session, and
//! shows the answer. So scopes, walls between customers, firewall, audit and limits hold here as they hold there, and the
//! console decides nothing but how things look. It never imports `api/`; `server.rs` puts the two together.
//!
//! One file for each page; `parts` and `text` are what pages are made of, `layout` what is around them, `ask` how they ask.

mod again;
mod ask;
mod assets;
mod audit;
mod called;
mod campaigns;
mod chart;
mod customers;
mod dead;
mod device;
mod devices;
mod effects;
mod entry;
mod fields;
mod firewall;
mod guard;
mod import;
mod kept;
mod keys;
mod layout;
mod links;
mod live;
mod log;
mod message;
mod messages;
mod numbers;
mod opt_outs;
mod overview;
mod parts;
mod pdus;
mod peer;
mod playground;
mod relay;
mod replay;
mod reveal;
mod rule;
mod rule_config;
mod rules;
mod send;
mod session;
mod sign;
mod system;
mod text;
mod visitor;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::http::Uri;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};

use ask::Refused;
use layout::Tab;
use session::Sessions;
use visitor::{Visitor, Who};

/// Whether the connection to the browser is encrypted: cookies are told to stay on such ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Plain,
    Tls,
}

impl Transport {
    pub fn of(is_tls: bool) -> Transport {
        if is_tls { Transport::Tls } else { Transport::Plain }
    }
}

/// What every page may need.
pub struct Console {
    api: Router,
    sessions: Sessions,
    transport: Transport,
}

/// The console's paths. `api` answers what its pages ask.
pub fn router(api: Router, transport: Transport) -> Router {
    let console = Arc::new(Console { api, sessions: Sessions::default(), transport });
    Router::new()
        .route("/console", get(|| async { Redirect::permanent("/console/") }))
        .route("/console/", get(home))
        .route("/console/sign-in", get(sign::form).post(sign::sign_in))
        .route("/console/sign-out", post(sign::sign_out))
        .route("/console/overview", get(overview::of_the_house))
        .route("/console/customers", get(customers::list))
        .route("/console/links", get(links::list))
        .route("/console/links/{id}", get(pdus::of_link))
        .route("/console/links/{id}/drop", post(links::drop_it))
        .route("/console/pdus", get(pdus::decoder).post(pdus::decode))
        .route("/console/peers/{kind}", get(peer::new).post(peer::make))
        .route("/console/peers/{kind}/{id}", get(peer::one))
        .route("/console/peers/{kind}/{id}/{verb}", post(peer::turn))
        .route("/console/c/{customer}", get(overview::of_customer))
        .route("/console/c/{customer}/messages", get(messages::list))
        .route("/console/c/{customer}/messages/{id}", get(message::one))
        .route("/console/c/{customer}/messages/{id}/replay", post(replay::replay))
        .route("/console/c/{customer}/messages/{id}/again", post(again::send))
        .route("/console/c/{customer}/messages/{id}/reveal", post(reveal::show))
        .route("/console/c/{customer}/live", get(live::stream))
        .route("/console/c/{customer}/devices", get(devices::list).post(import::import))
        .route("/console/c/{customer}/devices/{address}", get(device::one).post(send::send))
        .route("/console/c/{customer}/devices/{address}/measure", post(send::measure))
        .route("/console/c/{customer}/rules", get(rules::list).post(rules::make))
        .route("/console/c/{customer}/rules/{name}", get(rule::one))
        .route("/console/c/{customer}/rules/{name}/{verb}", post(rule::turn))
        .route("/console/c/{customer}/rules/{name}/config", get(rule_config::page).post(rule_config::change))
        .route("/console/c/{customer}/rules/{name}/playground", get(playground::of_rule).post(playground::try_rule))
        .route("/console/c/{customer}/plugins", post(rules::upload))
        .route("/console/c/{customer}/plugins/{plugin}", get(playground::of_plugin).post(playground::try_plugin))
        .route("/console/c/{customer}/log", get(log::stream))
        .route("/console/c/{customer}/dead-letters", get(dead::list))
        .route("/console/c/{customer}/dead-letters/{id}", get(dead::one))
        .route("/console/c/{customer}/dead-letters/{id}/{verb}", post(dead::turn))
        .route("/console/c/{customer}/firewall", get(firewall::page).post(firewall::change))
        .route("/console/c/{customer}/firewall/preview", post(firewall::look))
        .route("/console/c/{customer}/opt-outs", get(opt_outs::list).post(opt_outs::take_back))
        .route("/console/c/{customer}/keys", get(keys::list).post(keys::make))
        .route("/console/c/{customer}/keys/{id}/delete", post(keys::delete))
        .route("/console/c/{customer}/numbers", get(numbers::list))
        .route("/console/c/{customer}/campaigns", get(campaigns::list).post(campaigns::begin))
        .route("/console/c/{customer}/campaigns/{id}", get(campaigns::one))
        .route("/console/c/{customer}/campaigns/{id}/recipients.csv", get(campaigns::export))
        .route("/console/c/{customer}/campaigns/{id}/{verb}", post(campaigns::turn))
        .route("/console/audit", get(audit::list))
        .route("/console/system", get(system::page))
        .route("/console/{*rest}", any(unknown))
        .layer(from_fn(guard::same_site))
        .route("/console/assets/{digest}/{name}", get(assets::serve))
        .layer(from_fn(guard::headers))
        .with_state(console)
}

async fn home(visitor: Visitor) -> Redirect {
    match &visitor.who {
        Who::Operator => Redirect::to("/console/overview"),
        Who::Key(key) => Redirect::to(&visitor.customer_path(&key.customer, "")),
    }
}

async fn unknown(visitor: Visitor, uri: Uri) -> Response {
    let refused = Refused::not_found(format!("There is no page {}.", uri.path()));
    visitor.page("Not found", Tab::None, Err(refused)).into_response()
}
