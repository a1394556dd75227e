//! Uploads: what is taken is compiled, listed and kept; what is not leaves nothing but a clear error.

use std::path::Path;

use serde_json::{Value, json};

use super::client::{Client, key, start};
use crate::smsc::site::{Plan, Site};
use crate::support::server::{built, version};

const SCOPES: [&str; 2] = ["read", "manage"];

/// Names of the files of plugins.
fn files(site: &Site) -> Vec<String> {
    let folder = site.folder().join("data/plugins");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("it is there")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    names
}

fn wat(name: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/hostile/wat").join(format!("{name}.wat"));
    wat::parse_file(file).expect("the text is a component or module")
}

async fn refused(client: &Client, octets: Vec<u8>, status: u16, parts: &[&str]) {
    let reply = client.upload(("bad", "1"), "", octets).await;
    let detail = reply.field("detail");
    for part in parts {
        assert!(detail.contains(part), "{part:?} is not in {detail:?}");
    }
    reply.problem(status);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_listed_with_what_it_shows_of_itself_and_kept_once() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &SCOPES).await;
    let wasm = version("mark-one");
    let made = acme.upload(("alarm", "1.2.0"), "", wasm.clone()).await.expect(201).json();
    assert_eq!(
        (&made["name"], &made["version"], &made["customer"]),
        (&json!("alarm"), &json!("1.2.0"), &json!("acme"))
    );
    assert_eq!((&made["octets"], &made["used_by"]), (&json!(wasm.len()), &json!([])));
    let has = |field: &str, name: &str| made[field].as_array().expect("a list").iter().any(|one| one == name);
    assert!(has("exports", "wasmsc:plugin/mo-handler@0.1.0") && has("imports", "wasmsc:plugin/outbox@0.1.0"), "{made}");
    assert_eq!(acme.upload(("alarm", "1.2.0"), "", wasm.clone()).await.expect(200).json(), made);
    let other = acme.upload(("alarm", "1.2.0"), "", version("mark-two")).await;
    assert_eq!(other.problem(409), "version_exists");
    let digest = made["digest"].as_str().expect("text");
    for reference in ["alarm@1.2.0", digest] {
        assert_eq!(acme.get(&format!("/v1/plugins/{reference}")).await.expect(200).json(), made);
    }
    // Another customer's is the same file, and nobody else's to see.
    let beta = key(&operator, "beta", &SCOPES).await;
    assert_eq!(beta.get(&format!("/v1/plugins/{digest}")).await.problem(404), "not_found");
    beta.upload(("mine", "7"), "", wasm).await.expect(201);
    let names =
        |list: Value| list["plugins"].as_array().expect("a list").iter().map(|p| p["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(beta.get("/v1/plugins").await.expect(200).json()), ["mine"]);
    assert_eq!(names(operator.get("/v1/plugins").await.expect(200).json()), ["alarm", "mine"]);
    let (stem, files) = (digest.trim_start_matches("sha256:"), files(&site));
    assert_eq!(files.len(), 2, "{files:?}");
    assert!(files.iter().all(|name| name.starts_with(stem)), "{files:?}");
    assert_eq!(acme.delete("/v1/plugins/alarm@1.2.0").await.expect(204).text, "");
    acme.get("/v1/plugins/alarm@1.2.0").await.problem(404);
    beta.get("/v1/plugins/mine@7").await.expect(200);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_plugins_are_for_all_and_only_the_operator_changes_them() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &SCOPES).await;
    operator.upload(("meter", "1"), "", version("mark-one")).await.expect(201);
    acme.get("/v1/plugins/meter@1").await.expect(200);
    assert_eq!(acme.delete("/v1/plugins/meter@1").await.problem(403), "forbidden");
    assert_eq!(acme.upload(("meter", "2"), "", version("mark-two")).await.problem(409), "version_exists");
    let of_acme = operator.upload(("own", "1"), "&customer=acme", version("mark-two")).await.expect(201);
    assert_eq!(of_acme.field("customer"), "acme");
    assert_eq!(acme.upload(("own", "1"), "&customer=beta", version("mark-two")).await.problem(404), "not_found");
    let reader = key(&operator, "acme", &["read"]).await;
    assert_eq!(reader.upload(("own", "2"), "", version("mark-two")).await.problem(403), "forbidden");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_plugin_is_refused_in_words_for_its_author_and_leaves_nothing() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &SCOPES).await;
    refused(&acme, Vec::new(), 422, &["empty"]).await;
    refused(&acme, b"#!/bin/sh\necho\n".to_vec(), 422, &["does not begin with"]).await;
    refused(&acme, b"\x7fELF\x02\x01\x01\0\0\0\0\0".to_vec(), 422, &["compiled already", "upload the component"]).await;
    refused(&acme, wat("core-module"), 422, &["core module", "wasm32-wasip2"]).await;
    refused(&acme, b"\0asm\x0d\0\x01\0garbage".to_vec(), 422, &["no WebAssembly component"]).await;
    let mut broken = version("mark-one");
    let half = broken.len() / 2;
    broken.truncate(half);
    refused(&acme, broken, 422, &["no WebAssembly component"]).await;
    refused(&acme, wat("imports-evil"), 422, &["evil:host/steal@1.0.0", "does not give"]).await;
    refused(&acme, wat("exports-nothing"), 422, &["exports no", "mo-handler"]).await;
    refused(&acme, wat("exports-wrong-type"), 422, &["type differs", "handle-mo"]).await;
    // A compiled form of our own, out of the data directory.
    acme.upload(("good", "1"), "", version("mark-one")).await.expect(201);
    let compiled = files(&site).into_iter().find(|name| name.ends_with(".cwasm")).expect("it was compiled");
    let compiled = std::fs::read(site.folder().join("data/plugins").join(compiled)).expect("readable");
    refused(&acme, compiled, 422, &["compiled already"]).await;
    for (name, version) in [("a%2Fb", "1"), ("", "1"), ("a", "1%402"), ("..", "1")] {
        let reply = acme.upload((name, version), "", version_of_nothing()).await;
        assert_eq!(reply.problem(422), "invalid_field", "{name} {version}");
    }
    let left = files(&site);
    assert_eq!(left.len(), 2, "only the good one is left: {left:?}");
    site.end(()).await;
}

fn version_of_nothing() -> Vec<u8> {
    b"\0asm\x0d\0\x01\0".to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_too_large_is_cut_off() {
    let (site, operator) = start(Plan::network().more("\n[plugins]\nupload_max_mib = 1\n")).await;
    let mut large = b"\0asm\x0d\0\x01\0".to_vec();
    large.resize(8 << 20, 0);
    let reply = operator.upload(("large", "1"), "", large).await;
    assert!(reply.field("detail").contains("upload_max_mib"), "{reply:?}");
    assert_eq!(reply.problem(413), "body_too_large");
    assert_eq!(files(&site), [""; 0]);
    site.end(()).await;
}

/// A component that takes a compiler long: a module with many long functions.
fn bomb() -> Vec<u8> {
    let body = "local.get 0 i64.const 3 i64.mul local.get 0 i64.xor local.set 0 ".repeat(2_000);
    let functions: String =
        (0..600).map(|n| format!("(func (export \"f{n}\") (param i64) (result i64) {body} local.get 0)")).collect();
    let text = format!("(component (core module $m {functions}) (core instance (instantiate $m)))");
    wat::parse_str(text).expect("it is a component")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compile_bomb_ends_in_its_own_process() {
    let plan = Plan::network().more("\n[plugins]\ncompile_cpu_secs = 1\n");
    let (site, operator) = start(plan).await;
    let reply = operator.upload(("bomb", "1"), "", bomb()).await;
    assert!(reply.field("detail").contains("more than 1 s of CPU time"), "{reply:?}");
    assert_eq!(reply.problem(422), "plugin_unfit");
    assert_eq!(files(&site), [""; 0]);
    let site = site.restart_with(|premises| {
        premises.tables = premises.tables.replace("compile_cpu_secs = 1", "compile_memory_mib = 40");
    });
    let site = site.await;
    let operator = Client::new(site.api(), Some(operator.token()));
    let reply = operator.upload(("bomb", "1"), "", bomb()).await;
    assert!(reply.field("detail").contains("more than 40 MiB"), "{reply:?}");
    assert_eq!(reply.problem(422), "plugin_unfit");
    assert_eq!(files(&site), [""; 0]);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_of_the_config_file_is_compiled_once() {
    let component = built("hostile").display().to_string();
    let rule =
        format!("[[rule]]\ncustomer = \"acme\"\nname = \"r\"\ncomponent = {component:?}\nnumbers = [\"7001\"]\n");
    let (site, operator) = start(Plan::network().more(&rule)).await;
    let compiled = site.folder().join("data/plugins").join(&files(&site)[0]);
    let made = std::fs::metadata(&compiled).expect("there").modified().expect("a time");
    let site = site.restart().await;
    assert_eq!(std::fs::metadata(&compiled).expect("there").modified().expect("a time"), made);
    // One that a crash or a disk has spoiled is made again. Not in place: this process may still have the old one mapped.
    let spoiled = site.folder().join("spoiled");
    std::fs::write(&spoiled, b"\x7fELF spoiled").expect("written");
    std::fs::rename(&spoiled, &compiled).expect("renamed");
    let site = site.restart().await;
    let operator = Client::new(site.api(), Some(operator.token()));
    let rules = operator.get("/v1/rules").await.expect(200).json();
    assert_eq!(rules["rules"][0]["state"], "running", "{rules}");
    assert!(std::fs::metadata(&compiled).expect("there").len() > 10_000);
    site.end(()).await;
}
