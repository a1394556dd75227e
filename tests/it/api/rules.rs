//! Rules that are made and changed while messages flow.

use serde_json::{Value, json};

use super::client::{Client, key, start};
use crate::smsc::peer::Peer;
use crate::smsc::site::{NUMBER, Plan, Site, mo, read};
use crate::support::server::{built, version};

const SCOPES: [&str; 2] = ["read", "manage"];
const RULE: &str = "/v1/rules/echo";

/// A site with `acme`'s key, its network, and two versions of a plugin.
struct Scene {
    site: Site,
    operator: Client,
    acme: Client,
    sim: Peer,
}

impl Scene {
    async fn new() -> Scene {
        let (site, operator) = start(Plan::network()).await;
        let acme = key(&operator, "acme", &SCOPES).await;
        for (number, mark) in [("1", "mark-one"), ("2", "mark-two")] {
            acme.upload(("echo", number), "", version(mark)).await.expect(201);
        }
        let sim = site.sim().await;
        Scene { site, operator, acme, sim }
    }

    async fn put(&self, settings: Value) -> super::client::Reply {
        self.acme.request("PUT", RULE, &[], Some(&settings.to_string())).await
    }

    async fn activate(&self, plugin: &str) -> super::client::Reply {
        self.acme.post(&format!("{RULE}/activate"), json!({ "plugin": plugin })).await
    }

    async fn shown(&self) -> Value {
        self.acme.get(RULE).await.expect(200).json()
    }

    /// Which version answers.
    async fn answers(&mut self) -> String {
        self.sim.submitted(mo("VERSION ?")).await;
        self.answer().await
    }

    async fn answer(&mut self) -> String {
        let [a, b] = [read(&self.sim.take().await), read(&self.sim.take().await)];
        let mark = a.split(' ').next().expect("a word").to_owned();
        assert_eq!((a, b), (format!("{mark} a ?"), format!("{mark} b ?")), "one event, one version");
        mark
    }

    async fn restart(self, between: impl FnOnce(&Site)) -> Scene {
        let Scene { site, operator, acme, sim } = self;
        drop(sim);
        between(&site);
        let site = site.restart().await;
        let (operator, acme) =
            (Client::new(site.api(), Some(operator.token())), Client::new(site.api(), Some(acme.token())));
        let sim = site.sim().await;
        Scene { site, operator, acme, sim }
    }

    async fn end(self) {
        self.site.end(self.sim).await;
    }
}

fn settings(plugin: &str) -> Value {
    json!({ "plugin": plugin, "numbers": [NUMBER] })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answers_change_without_a_restart_and_go_back_at_once() {
    let mut scene = Scene::new().await;
    let made = scene.put(settings("echo@1")).await.expect(201).json();
    assert_eq!((&made["state"], &made["active"]["plugin"]), (&json!("running"), &json!("echo@1")), "{made}");
    assert_eq!(scene.answers().await, "mark-one");
    let shown = scene.activate("echo@2").await.expect(200).json();
    assert_eq!((&shown["active"]["plugin"], &shown["previous"]["plugin"]), (&json!("echo@2"), &json!("echo@1")));
    assert_eq!(scene.answers().await, "mark-two");
    assert_eq!(scene.activate("echo@2").await.problem(409), "does_not_fit");
    scene.acme.post(&format!("{RULE}/rollback"), Value::Null).await.expect(200);
    assert_eq!(scene.answers().await, "mark-one");
    // By its digest, and over a change of the settings.
    let digest = scene.acme.get("/v1/plugins/echo@2").await.expect(200).field("digest");
    scene.put(json!({ "plugin": digest, "numbers": [NUMBER], "config": { "k": "v" } })).await.expect(200);
    assert_eq!(scene.answers().await, "mark-two");
    let shown = scene.shown().await;
    let history: Vec<_> = shown["history"].as_array().expect("a list").iter().map(|step| &step["what"]).collect();
    assert_eq!(history, ["set", "activated", "rolled_back", "set"]);
    assert!(shown["history"][1]["who"].as_str().expect("text").starts_with("key "), "{shown}");
    let mut scene = scene.restart(|_| {}).await;
    assert_eq!(scene.answers().await, "mark-two", "also after a restart");
    let shown = scene.shown().await;
    assert_eq!((&shown["previous"]["plugin"], &shown["active"]["runs"]), (&json!("echo@1"), &json!(1)), "{shown}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_loaded_changes_nothing() {
    let mut scene = Scene::new().await;
    scene.put(settings("echo@1")).await.expect(201);
    let before = scene.shown().await;
    let missing = scene.activate("echo@3").await;
    assert!(missing.field("detail").contains("no such plugin"), "{missing:?}");
    assert_eq!(missing.problem(422), "plugin_unfit");
    // A rule that checks its config says what is wrong with it.
    let checker = std::fs::read(built("conformance")).expect("readable");
    scene.acme.upload(("checker", "1"), "", checker).await.expect(201);
    let bad = scene.put(json!({ "plugin": "checker@1", "numbers": [NUMBER], "config": { "bad": "1" } })).await;
    assert!(bad.field("detail").contains("bad is set"), "{bad:?}");
    assert_eq!(bad.problem(422), "plugin_unfit");
    assert_eq!(scene.put(json!({ "plugin": "echo@2", "numbers": ["7002"] })).await.problem(409), "does_not_fit");
    assert_eq!(scene.put(json!({ "numbers": [NUMBER] })).await.problem(422), "invalid_field");
    let file = json!({ "component": "/etc/passwd", "numbers": [NUMBER] });
    assert_eq!(scene.put(file).await.problem(422), "invalid_field");
    for (field, value) in [("deadline_ms", 1_001), ("memory_mib", 257), ("attempts_max", 1_000)] {
        let greedy = scene.put(json!({ "plugin": "echo@2", "numbers": [NUMBER], field: value })).await;
        assert_eq!((greedy.field("field"), greedy.problem(422)), (field.to_owned(), "invalid_field".to_owned()));
    }
    assert_eq!(scene.shown().await, before);
    assert_eq!(scene.answers().await, "mark-one");
    assert_eq!(scene.acme.delete("/v1/plugins/echo@1").await.problem(409), "does_not_fit");
    scene.acme.delete("/v1/plugins/echo@2").await.expect(204);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_rule_that_cannot_run_wait_and_run_when_it_can() {
    let mut scene = Scene::new().await;
    scene.put(settings("echo@1")).await.expect(201);
    assert_eq!(scene.answers().await, "mark-one");
    // Its component is gone from the disk: the server starts all the same.
    let mut scene =
        scene.restart(|site| std::fs::remove_dir_all(site.folder().join("data/plugins")).expect("removed")).await;
    let shown = scene.shown().await;
    assert_eq!(shown["state"], "failed");
    assert!(shown["why"].as_str().expect("text").contains("echo@1"), "{shown}");
    scene.sim.submitted(mo("VERSION ?")).await;
    scene.acme.upload(("echo", "3"), "", version("mark-six")).await.expect(201);
    scene.activate("echo@3").await.expect(200);
    assert_eq!(scene.answer().await, "mark-six", "what waited runs");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_rule_that_is_gone_runs_when_it_is_back() {
    let scene = Scene::new().await;
    scene.put(settings("echo@1")).await.expect(201);
    let mut scene =
        scene.restart(|site| std::fs::remove_dir_all(site.folder().join("data/plugins")).expect("removed")).await;
    scene.sim.submitted(mo("VERSION ?")).await;
    scene.acme.delete(RULE).await.expect(204);
    scene.acme.get(RULE).await.problem(404);
    scene.acme.upload(("echo", "3"), "", version("mark-six")).await.expect(201);
    scene.put(settings("echo@3")).await.expect(201);
    assert_eq!(scene.answer().await, "mark-six", "the same life");
    // Over a restart in which nobody knows the rule.
    let mut scene =
        scene.restart(|site| std::fs::remove_dir_all(site.folder().join("data/plugins")).expect("removed")).await;
    scene.sim.submitted(mo("VERSION ?")).await;
    scene.acme.delete(RULE).await.expect(204);
    let mut scene = scene.restart(|_| {}).await;
    scene.acme.upload(("echo", "4"), "", version("mark-ten")).await.expect(201);
    scene.put(settings("echo@4")).await.expect(201);
    assert_eq!(scene.answer().await, "mark-ten", "the next life");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_declared_or_made_and_tagged_and_audited_as_other_objects_are() {
    let component = built("hostile").display().to_string();
    let table =
        format!("[[rule]]\ncustomer = \"beta\"\nname = \"fixed\"\ncomponent = {component:?}\nnumbers = [\"7002\"]\n");
    let (site, operator) = start(Plan::network().more(&table)).await;
    operator.upload(("echo", "1"), "", version("mark-one")).await.expect(201);
    let beta = key(&operator, "beta", &SCOPES).await;
    let fixed = beta.get("/v1/rules/fixed").await.expect(200).json();
    assert_eq!((&fixed["declared"], &fixed["settings"]["component"]), (&json!(true), &Value::Null), "{fixed}");
    assert!(!fixed.to_string().contains("hostile.wasm"), "files of the server are the operator's: {fixed}");
    let refused = beta.post("/v1/rules/fixed/activate", json!({ "plugin": "echo@1" })).await;
    assert_eq!(refused.problem(409), "declared");
    let body = settings("echo@1").to_string();
    let put = async |headers: &[(&str, &str)], body: &str| {
        operator.request("PUT", "/v1/rules/echo?customer=acme", headers, Some(body)).await
    };
    let made = put(&[("if-none-match", "*")], &body).await.expect(201);
    let tag = made.headers["etag"].to_str().expect("text").to_owned();
    put(&[("if-none-match", "*")], &body).await.problem(412);
    let changed = settings("echo@1").as_object_mut().map(|map| {
        map.insert("keyword".into(), "VERSION".into());
        Value::Object(map.clone()).to_string()
    });
    put(&[("if-match", &tag)], &changed.expect("an object")).await.expect(200);
    put(&[("if-match", &tag)], &body).await.problem(412);
    let wanted = json!({ "rules": [
        { "customer": "acme", "name": "second", "plugin": "echo@1", "numbers": [NUMBER], "keyword": "SECOND" },
    ], "prune": true });
    let difference = operator.post("/v1/apply", wanted).await.expect(200).json();
    let changes: Vec<_> =
        difference["changes"].as_array().expect("a list").iter().map(|c| (&c["id"], &c["action"])).collect();
    assert_eq!(changes, [(&json!("acme/second"), &json!("create")), (&json!("acme/echo"), &json!("delete"))]);
    let audit = operator.get("/v1/audit?limit=1000").await.expect(200).json();
    let rows = audit["changes"].as_array().expect("a list").iter().filter(|row| row["kind"] == "rule");
    let ids: Vec<_> = rows.map(|row| row["id"].as_str().expect("text")).collect();
    assert_eq!(ids, ["acme/echo", "acme/echo", "acme/second", "acme/echo"]);
    let names: Vec<Value> = operator.get("/v1/rules").await.expect(200).json()["rules"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|rule| rule["name"].clone())
        .collect();
    assert_eq!(names, ["second", "fixed"]);
    site.end(()).await;
}
