//! SMPP sockets: a listener, one task per link, and the turn from PDU to message and back.
//!
//! A link is a socket with its session. Nothing here decides what a message may do or where it goes.

pub mod core;
mod driver;
mod mailbox;
pub mod server;
mod translate;
