//! A server on port 0 with a data directory of its own.
//!
//! Two customers live there: `acme` (7001, devices +4670…) and `beta` (7002, devices +4673…). One network
//! account, `sim` with password `secret`, carries both.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use wasmsc::Server;
use wasmsc::server::ServerError;
use wasmsc_smpp::BindMode;

use super::client::Client;
use super::log;
use super::premises::Premises;

const TABLES: &str = r#"
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
routes = ["+46"]
"#;

/// What a server is started from.
pub struct Setup {
    premises: Premises,
}

/// A server that is up.
pub struct Running {
    setup: Setup,
    server: Server,
    pub smpp: SocketAddr,
}

/// A rule of plugins/, as `cargo xtask plugins` builds it.
pub fn built(plugin: &str) -> PathBuf {
    let name = format!("plugins/target/wasm32-wasip2/release/{plugin}.wasm");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    assert!(file.exists(), "{} is not there: run `cargo xtask plugins` first", file.display());
    file
}

/// The rule `hostile` as one of two versions, which its MO `VERSION` tells apart.
pub fn version(mark: &str) -> Vec<u8> {
    const MARK: &[u8] = b"mark-one";
    assert_eq!(mark.len(), MARK.len(), "a mark of another length would not fit");
    let mut wasm = std::fs::read(built("hostile")).expect("readable");
    let places: Vec<usize> =
        wasm.windows(MARK.len()).enumerate().filter(|(_, w)| *w == MARK).map(|(at, _)| at).collect();
    assert_eq!(places.len(), 1, "the mark is in the component once");
    wasm[places[0]..][..MARK.len()].copy_from_slice(mark.as_bytes());
    wasm
}

impl Setup {
    pub fn new() -> Setup {
        log::install();
        Setup { premises: Premises::new("", TABLES) }
    }

    /// Temporary files of the test may live here, too.
    pub fn folder(&self) -> &Path {
        self.premises.folder()
    }

    /// Adds a rule for the customer's number; `limits` are further lines of its table.
    pub fn rule(mut self, customer: &str, name: &str, component: &Path, limits: &str) -> Setup {
        let number = if customer == "acme" { "7001" } else { "7002" };
        let component = component.display().to_string();
        write!(
            self.premises.tables,
            "[[rule]]\ncustomer = {customer:?}\nname = {name:?}\ncomponent = {component:?}\n\
             numbers = [{number:?}]\n{limits}\n"
        )
        .expect("a String takes everything");
        self
    }

    pub async fn start(self) -> Result<Running, ServerError> {
        let server = self.premises.start().await?;
        let smpp = server.smpp;
        Ok(Running { setup: self, server, smpp })
    }
}

impl Running {
    /// The network, bound as transceiver.
    pub async fn network(&self) -> Client {
        let bound = Client::connect_and_bind(self.smpp, "sim", "secret", BindMode::Transceiver).await;
        bound.expect("the account is in the config")
    }

    /// Ends in order; what it was started from can be started again, on the same data.
    pub async fn stop(self) -> Setup {
        self.server.stop().await.expect("the store closes");
        self.setup
    }
}
