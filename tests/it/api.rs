//! The REST API over real sockets: a server in this process or as a process of its own, and a plain HTTP client.

mod campaigns;
pub mod client;
mod dead;
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
mod policy;
mod process;
mod tenants;
mod tls;
mod traces;
mod usage;
mod walls;
mod webhooks;
