//! Rules and plugins that somebody tries: what they would do is shown, nothing of it is done, and nobody else's events wait.

use serde_json::{Value, json};

use super::client::{Client, Reply, key, start};
use crate::cli::Shell;
use crate::smsc::peer::{Peer, eventually};
use crate::smsc::site::{DEVICE, NUMBER, Plan, Site, mo, read};
use crate::support::server::{built, version};

const TRY: &str = "/v1/rules/echo/try";

struct Scene {
    site: Site,
    operator: Client,
    acme: Client,
    sim: Peer,
}

impl Scene {
    /// `acme` has the rule `echo`, of the plugin that does what it is told.
    async fn new() -> Scene {
        let (site, operator) = start(Plan::network().more("\n[history]\ndays = 1\n[events]\nhours = 1\n")).await;
        let acme = key(&operator, "acme", &["read", "manage"]).await;
        acme.upload(("echo", "1"), "", std::fs::read(built("conformance")).expect("built")).await.expect(201);
        acme.upload(("echo", "2"), "", version("mark-two")).await.expect(201);
        let rule = json!({
            "plugin": "echo@1", "numbers": [NUMBER], "config": { "greeting": "hej" }, "deadline_ms": 400,
            "secrets": { "token": "Bearer s3cret" }, "http_hosts": ["api.example.net"], "breaker": { "failures": 0 },
        });
        acme.request("PUT", "/v1/rules/echo", &[], Some(&rule.to_string())).await.expect(201);
        let sim = site.sim().await;
        Scene { site, operator, acme, sim }
    }

    async fn answer(&mut self, text: &str) -> String {
        self.sim.submitted(mo(text)).await;
        read(&self.sim.take().await)
    }

    async fn tried(&self, given: Value, events: Value) -> Value {
        self.acme.post(TRY, json!({ "given": given, "events": events })).await.expect(200).json()
    }

    async fn refused(&self, body: Value) -> Reply {
        let reply = self.acme.post(TRY, body).await;
        reply.expect(422)
    }

    async fn end(self) {
        self.site.end(self.sim).await;
    }
}

fn texts(tried: &Value) -> Vec<&str> {
    let steps = tried["steps"].as_array().expect("steps").iter();
    steps.map(|step| step["sent"][0]["text"].as_str().unwrap_or_default()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_tried_as_the_device_is_and_nothing_of_it_is_done() {
    let mut scene = Scene::new().await;
    let device = format!("+{DEVICE}");
    let settings = json!({ "attributes": { "place": "Kiruna" }, "tags": ["cold"] }).to_string();
    scene.acme.request("PUT", &format!("/v1/devices/{device}"), &[], Some(&settings)).await.expect(201);
    let away = json!({ "status": "suspended" }).to_string();
    scene.acme.request("PUT", "/v1/devices/+46700000009", &[], Some(&away)).await.expect(201);
    assert_eq!(scene.answer("COUNT").await, "1");
    assert_eq!(scene.answer("SADD total 40").await, "ok");
    assert_eq!(scene.answer("TIMER later 86400000 wake up").await, "ok");
    let events = [
        json!({ "mo": "COUNT" }),
        json!({ "mo": "SADD total 2" }),
        json!({ "mo": "SGET total" }),
        json!({ "mo": "DEVICE place" }),
        json!({ "mo": "CONFIG greeting" }),
        json!({ "mo": "SECRET token" }),
        json!({ "mo": "HTTP https://api.example.net/report" }),
        json!({ "http_reply": { "tag": "h1", "status": 204 } }),
        json!({ "mo": "SEND +46700000009 hello" }),
        json!({ "timer": "later" }),
        json!({ "mo": "DRAFT" }),
        json!({ "receipt": { "state": "delivered" } }),
        json!({ "request": { "name": "ping" } }),
        json!({ "mo": "LOG remember" }),
        json!({ "mo": "TRAP" }),
        json!({ "mo": { "hex": "00ff" }, "after": "1h" }),
    ];
    let wish = json!({ "given": { "device": device }, "as_is": true, "events": events });
    let tried = scene.acme.post(TRY, wish).await.expect(200).json();
    let steps = tried["steps"].as_array().expect("steps");
    assert_eq!(tried["stopped"], Value::Null, "{tried}");
    let said = ["2", "ok", "42", "+46700000001 Kiruna cold", "hej", "12", "ok", "http h1 204", "not-permitted"];
    assert_eq!(texts(&tried)[..9], said, "{tried}");
    assert_eq!(texts(&tried)[9..13], ["timer later wake up", "draft", "receipt t1 delivered", ""], "{tried}");
    assert_eq!(steps[0]["state"], json!([{ "name": "n", "before": { "int": 1 }, "after": { "int": 2 } }]));
    assert_eq!(steps[1]["shared"][0]["after"], json!({ "int": 42 }));
    let call = &steps[6]["http"][0];
    assert_eq!((&call["url"], &call["authorization"]), (&json!("https://api.example.net/report"), &json!("token")));
    assert_eq!((&steps[10]["sent"][0]["tag"], &steps[10]["sent"][0]["delay_ms"]), (&json!("t1"), &json!(1_000)));
    assert_eq!((&steps[12]["response"]["status"], &steps[12]["event"]), (&json!(200), &json!("request")));
    assert_eq!((&steps[13]["log"][0]["text"], &steps[13]["log"][0]["level"]), (&json!("remember"), &json!("warn")));
    assert_eq!((&steps[14]["outcome"], &steps[14]["sent"]), (&json!("broken"), &json!([])));
    assert!(steps[14]["backtrace"].as_str().expect("of a trap").contains("handle-mo"), "{}", steps[14]);
    assert_eq!(steps[15]["sent"][0]["hex"], "00ff");
    assert!(steps[0]["micros"].as_u64() > Some(0) && steps[0]["memory_octets"].as_u64() > Some(0), "{}", steps[0]);
    assert_eq!(tried["after"]["state"]["n"], json!({ "int": 2 }));
    assert_eq!((&tried["after"]["timers"], &tried["plugin"]), (&json!([]), &json!("echo@1")));
    assert!(!tried.to_string().contains("s3cret"), "a secret is shown: {tried}");
    // Of all that nothing has happened.
    assert_eq!(scene.answer("COUNT").await, "2");
    assert_eq!(scene.answer("SGET total").await, "40");
    assert_eq!(scene.answer("CANCEL later").await, "true");
    let rule = scene.acme.get("/v1/rules/echo").await.expect(200).json();
    assert_eq!((&rule["active"]["runs"], &rule["active"]["broken"]), (&json!(6), &json!(0)), "{rule}");
    // A call is charged behind its answer.
    eventually("the calls are charged, and no other", || async {
        let total = scene.acme.get("/v1/usage").await.expect(200).json()["total"].clone();
        (total["calls"] == 6 && total["log_lines"] == 0).then_some(())
    })
    .await;
    // Those are shown with how often the rule was called, and how long that took.
    for lately in [&rule["lately"], &rule["active"]["lately"]] {
        assert!(lately["calls"] == 6 && lately["calls_per_sec"].as_f64() > Some(0.0), "{rule}");
        assert!(
            lately["p50_micros"].as_u64() > Some(0) && lately["p99_micros"].as_u64() >= lately["p50_micros"].as_u64()
        );
    }
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_version_is_tried_with_any_config_and_what_came_out_is_a_case_that_passes() {
    let scene = Scene::new().await;
    let mo = |text: &str| json!([{ "mo": text }]);
    let other = json!({ "plugin": "echo@2", "events": mo("VERSION ?") });
    let tried = scene.acme.post(TRY, other).await.expect(200).json();
    assert_eq!((texts(&tried)[0], &tried["plugin"]), ("mark-two a ?", &json!("echo@2")));
    let config = json!({ "config": { "greeting": "tjena", "bad": "1" } });
    let tried = scene.tried(config, mo("CONFIG greeting")).await;
    assert_eq!((texts(&tried)[0], &tried["config_fault"]), ("tjena", &json!("bad is set")));
    // State as it is written, and time as it is told.
    let given = json!({
        "now": "2026-03-01T08:00:00Z", "state": { "n": { "int": 41 }, "k": "old" },
        "timers": [{ "set": "t", "at": "2026-03-01T09:00:00Z", "payload": "p" }],
    });
    let events =
        json!([{ "mo": "COUNT" }, { "mo": "GET k" }, { "mo": "DEL k" }, { "timer": "t" }, { "mo": "REJECT no" }]);
    let tried = scene.tried(given.clone(), events.clone()).await;
    assert_eq!(texts(&tried)[..4], ["42", "old", "ok", "timer t p"], "{tried}");
    assert_eq!(tried["steps"][2]["state"], json!([{ "name": "k", "before": "old" }]));
    assert_eq!((&tried["after"]["now"], &tried["steps"][4]["why"]), (&json!("2026-03-01T09:00:00Z"), &json!("no")));
    let cases = scene.site.folder().join("cases");
    std::fs::create_dir_all(&cases).expect("made");
    std::fs::write(cases.join("tried.toml"), tried["case"].as_str().expect("a case")).expect("written");
    let shell = Shell::new(scene.site.api(), &scene.acme);
    let line =
        ["plugin", "test", &cases.display().to_string(), "--component", &built("conformance").display().to_string()];
    assert!(shell.prints(&line).contains("1 passed, 0 failed"));
    // A plugin alone, of nobody's rule.
    let wish = json!({ "given": given, "events": events });
    let alone = scene.acme.post("/v1/plugins/echo@1/try", wish).await.expect(200).json();
    assert_eq!((texts(&alone), &alone["steps"][2]["state"]), (texts(&tried), &tried["steps"][2]["state"]), "{alone}");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_tried_is_told_where_it_is_wrong() {
    let scene = Scene::new().await;
    let events = json!([{ "mo": "x" }]);
    for (field, body) in [
        ("events[1]", json!({ "events": [{ "mo": "x" }, { "mu": "x" }] })),
        ("events[0]", json!({ "events": [{ "mo": "x", "sent": [] }] })),
        ("events", json!({ "events": [] })),
        ("events", json!({ "events": vec![json!({ "mo": "x" }); 33] })),
        ("given", json!({ "given": { "device": "7001" }, "events": events })),
        ("given", json!({ "given": { "refused": ["+46700000009"] }, "events": events })),
        ("given", json!({ "as_is": true, "events": events })),
        ("deadline_ms", json!({ "given": { "limits": { "deadline_ms": 60_000 } }, "events": events })),
        ("plugin", json!({ "plugin": "echo@9", "events": events })),
    ] {
        assert_eq!(scene.refused(body.clone()).await.field("field"), field, "{body}");
    }
    assert_eq!(scene.acme.post("/v1/plugins/echo@9/try", json!({ "events": events })).await.problem(404), "not_found");
    assert_eq!(scene.acme.post("/v1/rules/none/try", json!({ "events": events })).await.problem(404), "not_found");
    // An event that cannot happen ends the try; those before it happened.
    let tried = scene.tried(json!({}), json!([{ "mo": "ECHO a" }, { "timer": "none" }, { "mo": "ECHO b" }])).await;
    assert_eq!((texts(&tried), &tried["stopped"]), (vec!["a"], &json!("no timer \"none\" is set; none is")));
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_that_never_end_keep_no_rule_from_its_events() {
    let mut scene = Scene::new().await;
    let spin = json!({ "given": { "limits": { "deadline_ms": 1_000 } }, "events": vec![json!({ "mo": "SPIN" }); 32] });
    // Whichever comes last of three of the same customer has no place, and hears so at once.
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (acme, spin) = (scene.acme.clone(), spin.clone());
        tries.spawn(async move { acme.post(TRY, spin).await });
    }
    let third = tries.join_next().await.expect("three").expect("an answer");
    assert!(third.headers.contains_key("retry-after"));
    assert_eq!(third.problem(429), "too_many_tries");
    for n in 0..20 {
        assert_eq!(scene.answer(&format!("ECHO {n}")).await, n.to_string());
    }
    assert!(tries.try_join_next().is_none(), "they were over before the rule was called");
    for reply in tries.join_all().await {
        let tried = reply.expect(200).json();
        let steps = tried["steps"].as_array().expect("steps");
        assert!(steps.len() < 32 && tried["stopped"].as_str().expect("cut").contains("longer than 5 s"), "{tried}");
        assert!(steps[0]["why"].as_str().expect("broken").contains("deadline of 1000 ms"), "{}", steps[0]);
    }
    // Another customer's key may not even know of the rule.
    let beta = key(&scene.operator, "beta", &["read", "manage"]).await;
    assert_eq!(beta.post(TRY, json!({ "events": [{ "mo": "x" }] })).await.problem(404), "not_found");
    scene.end().await;
}
