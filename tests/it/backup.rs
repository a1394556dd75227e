//! A backup of a server that works, and a server that starts from it.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use serde_json::json;

use crate::api::client::{Client, key};
use crate::smsc::site::{Plan, Site};
use crate::support::server::version;

/// Clients that send meanwhile.
const CLIENTS: usize = 4;
/// Messages that were acknowledged before the backup begins, at least.
const BEFORE: usize = 200;

fn wasmsc(line: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasmsc"));
    command.args(line).stdin(Stdio::null()).output().expect("the binary runs")
}

fn plan(backups: &Path) -> Plan {
    Plan::network().more(&format!("[api]\nlisten = \"127.0.0.1:0\"\nbackup_dir = {backups:?}\n"))
}

/// Sends until it is told to stop; ids in the order in which they were acknowledged.
async fn send(acme: Client, sent: Arc<Mutex<Vec<String>>>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let body = json!({ "to": "+46700000001", "text": "hi" });
        let id = acme.post("/v1/messages", body).await.expect(202).field("id");
        sent.lock().push(id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_was_acknowledged_before_a_backup_is_in_the_server_that_starts_from_it() {
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let backups = home.path().join("backups");
    let site = plan(&backups).start().await;
    let operator = Client::new(site.api(), Some(&site.operator_token()));
    let acme = key(&operator, "acme", &["send", "read"]).await;
    let (sent, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(send(acme.clone(), sent.clone(), stop.clone()))).collect();
    while sent.lock().len() < BEFORE {
        tokio::task::yield_now().await;
    }
    let acknowledged = sent.lock().clone();
    let url = format!("http://{}", site.api());
    let line = ["backup", "--api", &url, "--token", operator.token()];
    let made = tokio::task::block_in_place(|| wasmsc(&line));
    assert!(made.status.success(), "{made:?}");
    assert!(made.stderr.is_empty(), "how far it is, is for terminals: {made:?}");
    let directory = String::from_utf8(made.stdout).expect("text").trim_end().to_owned();
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.expect("it sent to the end");
    }
    let premises = site.leave(()).await;

    let data = premises.folder().join("data");
    let config = premises.folder().join("wasmsc.toml");
    std::fs::write(&config, premises.text()).expect("written");
    let restore = ["restore", &directory, "--config", config.to_str().expect("text")];
    let refused = wasmsc(&restore);
    assert_eq!(refused.status.code(), Some(1), "the old data are still there: {refused:?}");
    let token = std::fs::read(data.join("operator-token")).expect("readable");
    std::fs::remove_dir_all(&data).expect("removed");
    let restored = wasmsc(&restore);
    assert!(restored.status.success(), "{restored:?}");
    std::fs::write(data.join("operator-token"), token).expect("written");
    let server = premises.start().await.expect("starts from the backup");
    let acme = Client::new(server.api.expect("an API"), Some(acme.token()));
    for id in &acknowledged {
        acme.get(&format!("/v1/messages/{id}")).await.expect(200);
    }
    let after = acme.post("/v1/messages", json!({ "to": "+46700000001", "text": "hi" })).await.expect(202).field("id");
    assert!(!sent.lock().contains(&after), "an id came twice");
    server.stop().await.expect("closes");
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_are_the_operators_and_need_a_folder() {
    let (site, operator) = crate::api::client::start(Plan::network()).await;
    let acme = key(&operator, "acme", &["read", "send", "manage"]).await;
    let path = "/v1/backup";
    assert_eq!(acme.request("POST", path, &[], None).await.problem(404), "not_found");
    assert_eq!(operator.request("POST", path, &[], None).await.problem(409), "no_backup_dir");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_has_the_plugins_and_the_rules_that_name_them() {
    let home = tempfile::tempdir().expect("a temporary folder can be made");
    let site = plan(&home.path().join("backups")).start().await;
    let operator = Client::new(site.api(), Some(&site.operator_token()));
    operator.upload(("echo", "1"), "", version("mark-one")).await.expect(201);
    let rule = json!({ "plugin": "echo@1", "numbers": ["7001"] }).to_string();
    operator.request("PUT", "/v1/rules/echo?customer=acme", &[], Some(&rule)).await.expect(201);
    let made = operator.request("POST", "/v1/backup", &[], None).await.expect(201).field("directory");
    let premises = site.leave(()).await;
    let data = premises.folder().join("data");
    let token = std::fs::read_to_string(data.join("operator-token")).expect("readable");
    std::fs::remove_dir_all(&data).expect("removed");
    wasmsc::store::backup::restore(Path::new(&made), &data).expect("restored");
    std::fs::write(data.join("operator-token"), &token).expect("written");
    let site = Site::of(premises).await;
    let operator = Client::new(site.api(), Some(token.trim()));
    let shown = operator.get("/v1/rules/echo?customer=acme").await.expect(200).json();
    assert_eq!((&shown["state"], &shown["active"]["plugin"]), (&json!("running"), &json!("echo@1")), "{shown}");
    site.end(()).await;
}
