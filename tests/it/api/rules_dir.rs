//! A folder of rules: what its files say holds, as soon as they say it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::client::{Client, Reply, TABLE};
use crate::smsc::peer::{Peer, eventually};
use crate::smsc::site::{Plan, Site, mo, read};
use crate::support::server::version;

/// As an editor does it: another file in the place of the old one.
fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    let new = folder.join(format!("{name}.new"));
    fs::write(&new, content).expect("written");
    fs::rename(new, folder.join(name)).expect("renamed");
}

async fn answer(sim: &mut Peer) -> String {
    sim.submitted(mo("VERSION ?")).await;
    let [a, _] = [read(&sim.take().await), read(&sim.take().await)];
    a.split(' ').next().expect("a word").to_owned()
}

async fn shown(operator: &Client) -> Reply {
    operator.get("/v1/rules/echo?customer=acme").await
}

/// Until it is there and active has this digest's plugin.
async fn until(operator: &Client, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let is_so = &is_so;
    eventually(what, async || {
        let reply = shown(operator).await;
        let json = if reply.status == 200 { reply.json() } else { Value::Null };
        is_so(&json).then_some(json)
    })
    .await
}

const RULE: &str = "customer = \"acme\"\nname = \"echo\"\ncomponent = \"echo.wasm\"\nnumbers = [\"7001\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_rules_is_followed_and_a_mistake_changes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    write(path, "echo.wasm", version("mark-one"));
    write(path, "echo.toml", RULE);
    let premises = Plan::network().more(TABLE).premises();
    let top = format!("rules_dir = {:?}\n", path.display().to_string());
    let site = Site::of(premises.above(&top)).await;
    let operator = Client::new(site.api(), Some(&site.operator_token()));
    let mut sim = site.sim().await;
    assert_eq!(answer(&mut sim).await, "mark-one", "it is there from the start");
    let first = shown(&operator).await.expect(200).json();
    assert_eq!(first["declared"], true);
    let digest = |rule: &Value| rule["active"]["digest"].clone();
    // Another component under the same name.
    write(path, "echo.wasm", version("mark-two"));
    until(&operator, "the other component", |rule| digest(rule) != digest(&first)).await;
    assert_eq!(answer(&mut sim).await, "mark-two");
    // Mistakes: of the file, then of the component.
    write(path, "echo.toml", format!("{RULE}deadline = 5\n"));
    write(path, "other.toml", RULE.replace("echo\"\nc", "other\"\nkeyword = \"OTHER\"\nc"));
    let other = async || operator.get("/v1/rules/other?customer=acme").await;
    eventually("the other rule", async || (other().await.status == 200).then_some(())).await;
    assert_eq!(answer(&mut sim).await, "mark-two", "a mistake changes nothing");
    write(path, "echo.wasm", b"no component");
    write(path, "echo.toml", format!("{RULE}config = {{ k = \"v\" }}\n"));
    fs::remove_file(path.join("other.toml")).expect("removed");
    eventually("no other rule", async || (other().await.status == 404).then_some(())).await;
    assert_eq!(answer(&mut sim).await, "mark-two", "a broken component changes nothing");
    write(path, "echo.wasm", version("mark-six"));
    let shown = until(&operator, "the mended rule", |rule| rule["settings"]["config"] == json!({ "k": "v" })).await;
    assert_eq!(shown["state"], "running");
    assert_ne!(digest(&shown), digest(&first));
    assert_eq!(answer(&mut sim).await, "mark-six");
    let refused = operator.delete("/v1/rules/echo?customer=acme").await;
    assert_eq!(refused.problem(409), "declared");
    site.end(sim).await;
}
