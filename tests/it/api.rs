//! The REST API over real sockets: a server in this process or as a process of its own, and a plain HTTP client.

mod campaigns;
mod canaries;
pub mod client;
mod devices;
mod docs;
mod errors;
mod events;
mod history;
mod inbox;
mod keys;
mod killed;
pub mod messages;
mod objects;
mod operation;
mod plugins;
mod policy;
mod process;
mod rule_events;
mod rules;
mod rules_dir;
mod switches;
mod tenants;
mod tls;
mod traces;
mod walls;
mod webhooks;
