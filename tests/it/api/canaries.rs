//! A version for some devices first: always the same ones, by its steps, and back by itself when it is worse.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::client::{Client, key, start};
use crate::smsc::peer::{Peer, eventually, octets};
use crate::smsc::site::{NUMBER, Plan, Site, mo, read};
use crate::support::server::version;
use wasmsc_smpp::Sm;

const RULE: &str = "/v1/rules/echo";
const CANARY: &str = "/v1/rules/echo/canary";
const DEVICES: usize = 60;

struct Scene {
    site: Site,
    acme: Client,
    sim: Peer,
}

impl Scene {
    async fn new() -> Scene {
        let (site, operator) = start(Plan::network()).await;
        let acme = key(&operator, "acme", &["read", "manage"]).await;
        for (number, mark) in [("1", "mark-one"), ("2", "mark-two"), ("3", "mark-bad")] {
            acme.upload(("echo", number), "", version(mark)).await.expect(201);
        }
        let rule = json!({ "plugin": "echo@1", "numbers": [NUMBER] }).to_string();
        acme.request("PUT", RULE, &[], Some(&rule)).await.expect(201);
        let sim = site.sim().await;
        Scene { site, acme, sim }
    }

    async fn send_from_all(&mut self) {
        for device in 0..DEVICES {
            let from = octets(&format!("4670000{device:04}"));
            self.sim.submitted(Sm { source_addr: from, ..mo("VERSION ?") }).await;
        }
    }

    /// The mark that each device got.
    async fn marks(&mut self) -> BTreeMap<String, String> {
        let mut marks = BTreeMap::new();
        for _ in 0..DEVICES * 2 {
            let sm = self.sim.take().await;
            let device = String::from_utf8(sm.destination_addr.to_vec()).expect("digits");
            let mark = read(&sm).split(' ').next().expect("a word").to_owned();
            let first = marks.entry(device.clone()).or_insert_with(|| mark.clone());
            assert_eq!(*first, mark, "{device} got two versions");
        }
        marks
    }

    async fn round(&mut self) -> BTreeMap<String, String> {
        self.send_from_all().await;
        self.marks().await
    }

    async fn shown(&self) -> Value {
        self.acme.get(RULE).await.expect(200).json()
    }

    async fn canary(&self, body: Value) -> Value {
        self.acme.post(CANARY, body).await.expect(200).json()
    }

    fn steps(shown: &Value) -> Vec<&str> {
        shown["history"].as_array().expect("a list").iter().map(|step| step["what"].as_str().expect("text")).collect()
    }
}

fn with(marks: &BTreeMap<String, String>, wanted: &str) -> Vec<String> {
    marks.iter().filter(|(_, mark)| *mark == wanted).map(|(device, _)| device.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_has_the_same_devices_always_and_more_when_it_is_raised() {
    let mut scene = Scene::new().await;
    let shown = scene.canary(json!({ "plugin": "echo@2", "percent": 30 })).await;
    assert_eq!((&shown["canary"]["percent"], &shown["active"]["plugin"]), (&json!(30), &json!("echo@1")), "{shown}");
    let first = scene.round().await;
    let few = with(&first, "mark-two");
    assert!((6..=32).contains(&few.len()), "30 % of {DEVICES} are {}", few.len());
    assert_eq!(scene.round().await, first, "the same devices");
    scene.canary(json!({ "plugin": "echo@2", "percent": 70 })).await;
    let many = with(&scene.round().await, "mark-two");
    assert!(many.len() > few.len() && few.iter().all(|device| many.contains(device)), "{few:?} {many:?}");
    let shown = scene.shown().await;
    let runs = |version: &Value| version["runs"].as_u64().expect("a number") as usize;
    assert_eq!(runs(&shown["canary"]["version"]), few.len() * 2 + many.len(), "{shown}");
    assert_eq!(scene.acme.delete("/v1/plugins/echo@2").await.problem(409), "does_not_fit");
    scene.acme.delete(CANARY).await.expect(200);
    assert_eq!(with(&scene.round().await, "mark-one").len(), DEVICES);
    assert_eq!(scene.acme.delete(CANARY).await.problem(409), "does_not_fit");
    for (percent, steps) in [(0, vec![]), (100, vec![]), (50, vec![20])] {
        let body = json!({ "plugin": "echo@2", "percent": percent, "steps": steps, "every_secs": 1 });
        assert_eq!(scene.acme.post(CANARY, body).await.problem(409), "does_not_fit");
    }
    assert_eq!(Scene::steps(&scene.shown().await), ["set", "canary_set", "canary_set", "canary_ended"]);
    scene.site.end(scene.sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_takes_its_steps_by_itself_and_becomes_the_version_of_all() {
    let mut scene = Scene::new().await;
    scene.canary(json!({ "plugin": "echo@2", "percent": 50, "steps": [90, 100], "every_secs": 1 })).await;
    scene.round().await;
    let scene_ref = &scene;
    eventually("version of all", async || {
        let shown = scene_ref.shown().await;
        (shown["active"]["plugin"] == "echo@2" && shown["canary"].is_null()).then_some(())
    })
    .await;
    assert_eq!(with(&scene.round().await, "mark-two").len(), DEVICES);
    let shown = scene.shown().await;
    assert_eq!(Scene::steps(&shown), ["set", "canary_set", "canary_set", "activated"]);
    assert_eq!((&shown["history"][3]["who"], &shown["previous"]["plugin"]), (&json!("wasmsc"), &json!("echo@1")));
    scene.site.end(scene.sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_that_breaks_is_rolled_back_and_its_events_are_answered_all_the_same() {
    let mut scene = Scene::new().await;
    scene.canary(json!({ "plugin": "echo@3", "percent": 40, "steps": [100], "every_secs": 3_600 })).await;
    scene.send_from_all().await;
    assert_eq!(with(&scene.marks().await, "mark-one").len(), DEVICES, "those that broke ran again on the old version");
    let shown = scene.shown().await;
    assert!(shown["canary"].is_null() && shown["active"]["plugin"] == "echo@1", "{shown}");
    let last = shown["history"].as_array().and_then(|steps| steps.last()).expect("a step");
    assert_eq!((&last["what"], &last["who"]), (&json!("canary_rolled_back"), &json!("wasmsc")));
    assert!(last["why"].as_str().expect("text").contains("runs failed"), "{last}");
    scene.site.end(scene.sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_is_compared_and_never_performed() {
    let mut scene = Scene::new().await;
    let shadow = "/v1/rules/echo/shadow";
    // The same component under another name does the same; another mark is another message.
    scene.acme.upload(("same", "1"), "", version("mark-one")).await.expect(201);
    scene.acme.post(shadow, json!({ "plugin": "same@1" })).await.expect(200);
    assert_eq!(with(&scene.round().await, "mark-one").len(), DEVICES);
    let compared = async |scene: &Scene, wanted: usize| {
        eventually("comparisons", async || {
            let shown = scene.shown().await;
            let count = |name: &str| shown["shadow"][name].as_u64().expect("a number") as usize;
            let all = count("same") + count("differed") + count("unsure") + count("skipped");
            (all == wanted).then(|| (count("same"), count("differed"), shown.clone()))
        })
        .await
    };
    let (same, differed, _) = compared(&scene, DEVICES).await;
    assert!(same > 0 && differed == 0, "{same} {differed}");
    scene.acme.post(shadow, json!({ "plugin": "echo@2" })).await.expect(200);
    assert_eq!(with(&scene.round().await, "mark-one").len(), DEVICES, "only the active version answers");
    let (same, differed, shown) = compared(&scene, DEVICES).await;
    assert!(same == 0 && differed > 0, "{shown}");
    let text = shown["shadow"]["differences"].to_string();
    assert!(text.contains("other messages") && !text.contains("mark"), "{text}");
    scene.acme.delete(shadow).await.expect(200);
    assert!(scene.shown().await["shadow"].is_null());
    scene.acme.delete(shadow).await.problem(409);
    scene.site.end(scene.sim).await;
}
