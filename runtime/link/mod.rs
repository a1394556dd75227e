//! SMPP sockets: listeners, links to upstreams, one task per link, and the turn from PDU to message and back.
//!
//! A link is a socket with its session. Nothing here decides what a message may do or where it goes.

mod client;
pub mod core;
mod driver;
pub mod limits;
mod mailbox;
mod outbind;
mod parts;
mod sending;
pub mod server;
mod told;
mod translate;
mod transport;
