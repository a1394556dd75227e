//! The REST API, v1: HTTP in, calls of the relay and of the store's control objects, JSON out.
//!
//! An edge, beside `link`: it decides who asks and whether the request can be read; what may happen to a
//! message is the relay's matter. `error` alone turns our errors into HTTP. No handler answers 2xx before
//! what it did is synced.
mod apply;
mod audit;
mod auth;
mod backup;
mod body;
mod caller;
mod calls;
mod campaign;
mod compose;
mod dead;
mod device;
mod error;
mod event;
mod events;
mod explain;
mod export;
mod fields;
mod health;
mod history;
mod idempotency;
mod inbox;
mod key;
mod links;
mod masking;
mod message;
mod number;
mod object;
mod openapi;
mod operator;
mod opt_out;
mod overview;
mod paging;
mod pause;
mod pdu;
mod plugin;
mod policy;
mod queue;
mod rates;
mod replay;
mod rfc3339;
mod router;
mod rule;
mod rule_request;
mod scrape;
mod serve;
mod statuses;
mod tryout;
mod usage;
mod wanted;
mod webhook;

use std::path::PathBuf;
use std::sync::Arc;

use crate::config;
use crate::relay::House;
use crate::setup::Setup;
use operator::OperatorToken;

pub use event::{event_json, gap_json};
pub use router::description;
pub use serve::Server;

#[cfg(test)]
mod tests;

/// What every request may need.
pub struct Api {
    house: Arc<House>,
    setup: Arc<Setup>,
    operator: OperatorToken,
    operator_texts: masking::Texts,
    body_max_octets: usize,
    backup_dir: Option<PathBuf>,
    streams: Arc<events::Streams>,
    rates: rates::Rates,
    readers: history::Readers,
    waiting: inbox::Waiting,
    uploads: plugin::Uploads,
}

impl Api {
    fn new(config: &config::Api, house: Arc<House>, setup: Arc<Setup>, operator: OperatorToken) -> Api {
        Api {
            house,
            setup,
            operator,
            operator_texts: config.operator_texts.into(),
            body_max_octets: config.body_max_octets,
            backup_dir: config.backup_dir.clone(),
            rates: rates::Rates::new(config.requests_per_sec),
            readers: history::Readers::default(),
            waiting: inbox::Waiting::default(),
            uploads: plugin::Uploads::default(),
            streams: events::Streams::new(config.event_streams_max),
        }
    }
}
