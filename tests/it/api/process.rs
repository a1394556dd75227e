//! The real binary: what it prints, and what a `kill -9` leaves.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::client::{Client, TABLE, key};
use crate::support::PATIENCE;
use crate::support::process::Process;

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
"#;

fn start(folder: &Path) -> (Process, Client) {
    let process = Process::spawn(folder, &[]);
    let ready = process.ready(PATIENCE).unwrap_or_else(|why| panic!("{why:?}: {}", process.log()));
    (process, Client::new(ready.api.expect("[api] is there"), None))
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_messages_and_idempotency_keys_that_were_told_survive_kill_9() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    fs::write(folder.path().join("wasmsc.toml"), format!("{CONFIG}{TABLE}")).expect("written");
    let (mut first, nobody) = start(folder.path());
    let line = first.line(PATIENCE);
    let token = line.strip_prefix("operator_token=").unwrap_or_else(|| panic!("unexpected line {line:?}"));
    let file = fs::read_to_string(folder.path().join("data/operator-token")).expect("the file is there");
    assert_eq!(file.trim(), token);
    let operator = nobody.with_token(token);
    let acme = key(&operator, "acme", &["send", "read"]).await;
    let deleted = key(&operator, "acme", &["send", "read"]).await;
    let keys = operator.get("/v1/customers/acme/keys").await.expect(200).json();
    let id = deleted.token().split('_').nth(1).expect("an id").to_owned();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(2));
    operator.delete(&format!("/v1/customers/acme/keys/{id}")).await.expect(204);
    let body = json!({ "to": "+46700000001", "text": "hi" });
    let answer = acme.post_once("/v1/messages", "order-1", &body).await.expect(202);
    first.kill();

    let (mut second, nobody) = start(folder.path());
    let acme = nobody.with_token(acme.token());
    let again = acme.post_once("/v1/messages", "order-1", &body).await.expect(202);
    assert_eq!(again.text, answer.text);
    acme.get(&format!("/v1/messages/{}", answer.field("id"))).await.expect(200);
    let refused = nobody.with_token(deleted.token()).get("/v1/messages/0123456789abcdef").await;
    assert_eq!(refused.problem(401), "unauthorized");
    nobody.with_token(token).get("/v1/customers/acme/keys").await.expect(200);
    second.kill();
}
