//! The web console over real sockets, as a browser without scripts sees it. `cargo xtask console` walks through it with a real
//! browser.

mod browser;
mod campaigns;
mod dead;
mod firewall;
mod house;
mod import;
mod kept;
mod keys;
mod links;
mod live;
mod masking;
mod message;
mod pages;
mod playground;
mod rules;
mod said;
mod sending;
mod sign_in;
mod vendor;
mod walls;
