//! `kill -9` of the real binary while the API is at work: nothing that was told is lost, nothing is half done.
//!
//! The moments of the kills are drawn from a seed and counted in what was told.

mod campaigns;
mod hooks;
mod objects;
mod rules;

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::client::{Client, Reply, TABLE};
use crate::support::process::Process;

/// A busy machine may take its time.
const READY_PATIENCE: Duration = Duration::from_secs(60);

const CONFIG: &str = r#"data_dir = "data"
[smpp]
listen = "127.0.0.1:0"
system_id = "wasmsc"
[[customer]]
id = "acme"
numbers = ["7001"]
devices = ["+46700*"]
[[account]]
system_id = "sim"
password = "secret"
role = "network"
routes = ["+46"]
message_id_tlv = 5377
[events]
hours = 1
[webhooks]
allow_http = true
allow_private = true
"#;

/// One data directory, and all the lives of the server on it.
struct Premises {
    folder: TempDir,
    token: String,
}

/// A server that is up.
struct Life {
    process: Process,
    smpp: SocketAddr,
    operator: Client,
}

impl Premises {
    fn new() -> Premises {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on a real disk");
        fs::write(folder.path().join("wasmsc.toml"), format!("{CONFIG}{TABLE}")).expect("written");
        Premises { folder, token: String::new() }
    }

    fn live(&mut self) -> Life {
        let process = Process::spawn(self.folder.path(), &[]);
        let ready = process.ready(READY_PATIENCE).unwrap_or_else(|why| panic!("{why:?}: {}", process.log()));
        if self.token.is_empty() {
            let line = process.line(READY_PATIENCE);
            self.token = line.strip_prefix("operator_token=").expect("the first start prints it").to_owned();
        }
        let operator = Client::new(ready.api.expect("[api] is there"), Some(&self.token));
        Life { process, smpp: ready.smpp.parse().expect("an address"), operator }
    }
}

/// So many turns of the client's tasks at most pass between a request and the kill.
const PATIENCE_MAX: u32 = 400;

impl Life {
    /// Kills it while it has this request; what it answered, if it did.
    async fn killed_while(
        &mut self,
        client: &Client,
        (method, path): (&'static str, &'static str),
        once: &str,
        body: Value,
        patience: u32,
    ) -> Option<Reply> {
        let (client, once) = (client.clone(), once.to_owned());
        let asked = tokio::spawn(async move {
            client.try_request(method, path, &[("idempotency-key", &once)], &body.to_string()).await
        });
        for _ in 0..patience {
            tokio::task::yield_now().await;
        }
        self.process.kill();
        asked.await.expect("it does not panic")
    }

    /// Whatever it says in its log at the start is no complaint.
    fn is_content(&self) {
        let log = self.process.whole_log();
        let complaint = log.lines().find(|line| line.contains("ERROR") || line.contains("panicked"));
        assert_eq!(complaint, None, "{}", self.process.log());
    }
}
