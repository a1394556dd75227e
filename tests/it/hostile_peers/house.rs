//! A server without rules and two customers: `acme`, whose peers misbehave, and `beta`, whose do not.
//!
//! Of each customer an MO goes to its own application, and an MT from there to its own network.

use std::net::SocketAddr;
use std::time::Duration;

use wasmsc::Server;
use wasmsc::clock;

use super::neighbours::Neighbours;
use super::peer::{BIND_TRANSCEIVER, Peer};
use crate::support::premises::Premises;

/// A device and the number of `acme`.
pub const DEVICE: &str = "46700000001";
pub const NUMBER: &str = "7001";

/// Timers that no test reaches, unless it sets its own.
const SMPP: &[(&str, &str)] =
    &[("session_init_timeout_secs", "60"), ("enquire_link_secs", "60"), ("response_timeout_secs", "60")];

const ACCOUNTS: &str = r#"
[[customer]]
id = "acme"
numbers = ["7001"]
devices = ["+4670*"]
[[customer]]
id = "beta"
numbers = ["7002"]
devices = ["+4673*"]
[[account]]
system_id = "sim"
password = "secret"
role = "network"
routes = ["+4670"]
# It takes what is far too long for 255 parts.
long_messages = "payload"
[[account]]
system_id = "app"
password = "secret"
role = "application"
customer = "acme"
[[account]]
system_id = "sat"
password = "secret"
role = "network"
routes = ["+4673"]
[[account]]
system_id = "desk"
password = "secret"
role = "application"
customer = "beta"
"#;

/// The server with its good peers.
pub struct House {
    premises: Premises,
    server: Server,
    pub smpp: SocketAddr,
    neighbours: Neighbours,
}

impl House {
    pub async fn new() -> House {
        House::with(&[]).await
    }

    /// With further settings of `[smpp]`.
    pub async fn with(settings: &[(&str, u32)]) -> House {
        let premises = Premises::new(smpp(settings), ACCOUNTS);
        let server = premises.start().await.expect("the server starts");
        let smpp = server.smpp;
        House { premises, server, smpp, neighbours: Neighbours::new(smpp).await }
    }

    pub async fn connect(&self) -> Peer {
        Peer::connect(self.smpp).await
    }

    /// The network of `acme`, bound as transceiver.
    pub async fn network(&self) -> Peer {
        Peer::bound(self.smpp, BIND_TRANSCEIVER, "sim").await
    }

    /// The application of `acme`, bound as transceiver.
    pub async fn application(&self) -> Peer {
        Peer::bound(self.smpp, BIND_TRANSCEIVER, "app").await
    }

    /// Nobody was harmed: the good peers have had all their messages, and have the next ones, too.
    pub async fn ends_well(self) {
        self.neighbours.are_well().await;
        // Not stopped: peers of the test that ignore unbind would hold it up; `pressure` has a test for that.
        drop((self.server, self.premises));
    }

    /// How long the server takes to end in order.
    pub async fn stop(self) -> Duration {
        self.neighbours.are_well().await;
        let start = clock::instant();
        self.server.stop().await.expect("the store closes");
        clock::instant() - start
    }
}

fn smpp(settings: &[(&str, u32)]) -> String {
    let defaults = SMPP.iter().filter(|(name, _)| !settings.iter().any(|(set, _)| set == name));
    let defaults = defaults.map(|(name, value)| format!("{name} = {value}\n"));
    defaults.chain(settings.iter().map(|(name, value)| format!("{name} = {value}\n"))).collect()
}
