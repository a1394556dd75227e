//! Texts are masked: no address tells one to who does not see texts, and whoever reveals one is in the audit.

use serde_json::{Value, json};
use wasmsc_smpp::{Body, CommandStatus, EsmClass, ReplaceSm, Sm, Tlv, tlv::tag};

use super::client::{Client, TABLE, key, start};
use super::events::Listener;
use crate::smsc::peer::{Peer, eventually, octets};
use crate::smsc::site::{DEVICE, NUMBER, Plan, Site, mo, mt as mt_of};
use crate::support::server::built;

/// In texts only, and in what quotes them.
const WORD: &str = "giraffe";
/// The same as octets of a text.
const OCTETS: &str = "67697261666665";

fn plan() -> Plan {
    Plan { acme: "inbox = true\n".into(), ..Plan::network() }.more("\n[history]\ndays = 1\n[events]\nhours = 1\n")
}

fn has_word(said: &str) -> bool {
    said.contains(WORD) || said.to_lowercase().contains(OCTETS) || said.contains("Z2lyYWZm")
}

/// Everything that may quote a text.
struct Told {
    mo: String,
    rejected: String,
    mt: String,
    replaced: String,
}

impl Told {
    async fn by(site: &Site, operator: &Client, acme: &Client) -> (Told, Peer) {
        for (number, plugin) in [("1", "conformance"), ("2", "hostile")] {
            let octets = std::fs::read(built(plugin)).expect("readable");
            acme.upload(("odd", number), "", octets).await.expect(201);
        }
        let rule = json!({ "plugin": "odd@1", "numbers": [NUMBER], "replay_hours": 1, "attempts_max": 1 });
        acme.request("PUT", "/v1/rules/odd", &[], Some(&rule.to_string())).await.expect(201);
        acme.post("/v1/rules/odd/shadow", json!({ "plugin": "odd@2" })).await.expect(200);
        let (mut sim, mut app) = (site.sim().await, site.app().await);
        sim.submitted(mo(&format!("SET kept {WORD}"))).await;
        sim.take().await;
        let mut sm = mo(&format!("LOG the {WORD} was seen"));
        sm.tlvs.push(Tlv { tag: tag::CALLBACK_NUM, value: WORD.as_bytes().to_vec().into() });
        let logged = sim.submitted(sm).await;
        sim.take().await;
        let rejected = sim.submitted(mo(&format!("REJECT no {WORD}"))).await;
        let header = [&b"\x06\x05\x04\x15\x81\x15\x8a"[..], WORD.as_bytes()].concat();
        let sm = Sm { esm_class: EsmClass::UDHI, short_message: header.into(), ..mt_of("") };
        let mt = app.submitted(sm).await;
        sim.take().await;
        let sm = Sm { schedule_delivery_time: octets("000001000000000R"), ..mt_of(WORD) };
        let replaced = app.submitted(sm).await;
        let replace = ReplaceSm {
            message_id: octets(&replaced),
            source_addr: octets(NUMBER),
            short_message: octets(&format!("another {WORD}")),
            ..ReplaceSm::default()
        };
        assert_eq!(app.ask(Body::ReplaceSm(replace)).await.0, CommandStatus::ESME_ROK);
        eventually("the dead letter", || async {
            let reply = operator.get(&format!("/v1/dead-letters/{rejected}?customer=acme")).await;
            (reply.status == 200).then_some(())
        })
        .await;
        eventually("the shadow ran", || async {
            let rule = operator.get("/v1/rules/odd?customer=acme").await.json();
            (rule["shadow"]["differences"].as_array().map_or(0, Vec::len) > 0).then_some(())
        })
        .await;
        drop(app);
        (Told { mo: logged, rejected, mt, replaced }, sim)
    }

    /// Where somebody who sees texts sees this one.
    fn paths(&self) -> Vec<String> {
        let Told { mo, rejected, mt, replaced } = self;
        [
            "messages".to_owned(),
            "messages:export?format=csv".into(),
            "messages:export?format=jsonl".into(),
            format!("messages/{mo}/timeline"),
            format!("messages/{rejected}/timeline"),
            format!("messages/{mt}/timeline"),
            format!("messages/{replaced}/timeline"),
            "inbox".into(),
            "dead-letters".into(),
            format!("dead-letters/{rejected}"),
            "rules/odd/calls".into(),
            format!("devices/%2B{DEVICE}/state"),
        ]
        .map(|path| format!("/v1/{path}"))
        .into()
    }

    /// A path of the API's description, with what is there in the place of its names.
    fn filled(&self, path: &str) -> String {
        let value = |name: &str| match name {
            "customer" => "acme",
            "key" => "0123456789abcdef",
            "account" => "app",
            "number" => "7001",
            "address" | "device" => "%2B46700000001",
            "plugin" => "odd@1",
            "name" | "rule" => "odd",
            "id" if path.contains("/customers/") => "acme",
            "id" if path.contains("/accounts/") => "app",
            "id" if path.contains("dead-letters") => &*self.rejected,
            "id" => &*self.mo,
            other => panic!("{path}: what is {{{other}}}? Tell this test."),
        };
        let mut parts = path.split(['{', '}']);
        let mut filled = parts.next().expect("a beginning").to_owned();
        while let (Some(name), Some(rest)) = (parts.next(), parts.next()) {
            filled.extend([value(name), rest]);
        }
        filled
    }
}

/// A house in which texts are everywhere, and two keys with all scopes: one sees texts, one does not.
struct Scene {
    site: Site,
    operator: Client,
    acme: Client,
    masked: Client,
    told: Told,
    sim: Peer,
}

impl Scene {
    async fn new() -> Scene {
        let (site, operator) = start(plan()).await;
        let all = ["read", "send", "receive", "manage"];
        let acme = key(&operator, "acme", &all).await;
        let (told, sim) = Told::by(&site, &operator, &acme).await;
        let masked = masked_key(&operator, &all).await;
        Scene { site, operator, acme, masked, told, sim }
    }
}

/// All events up to the one that came last.
async fn events(site: &Site, who: &Client, query: &str) -> Vec<Value> {
    let mut listener = Listener::at(site.api(), who, &format!("?after=oldest{query}"), "").await;
    let mut told = vec![listener.next().await];
    while told.last().is_some_and(|event| event["type"] != "message.replaced") {
        told.push(listener.next().await);
    }
    told
}

async fn masked_key(operator: &Client, scopes: &[&str]) -> Client {
    let body = json!({ "name": "masked", "scopes": scopes, "texts": "masked" });
    let made = operator.post("/v1/customers/acme/keys", body).await.expect(201);
    assert_eq!(made.field("texts"), "masked");
    operator.with_token(&made.field("key"))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_address_tells_a_text_to_whom_it_is_masked() {
    let Scene { site, operator, acme, masked, told, sim } = Scene::new().await;
    for path in told.paths() {
        let shown = acme.get(&path).await.expect(200);
        assert!(has_word(&shown.text), "this test is worth nothing where nobody sees it: {path} {shown:?}");
        let with = |more: &str| format!("{path}{}{more}", if path.contains('?') { "&" } else { "?" });
        for reply in [masked.get(&path).await, operator.get(&with("customer=acme")).await] {
            let reply = reply.expect(200);
            assert!(!has_word(&reply.text), "{path}: {reply:?}");
        }
    }
    let seen = events(&site, &acme, "").await;
    for kind in ["message.received", "message.replaced", "rule.log"] {
        let of_kind = seen.iter().find(|event| event["type"] == kind).unwrap_or_else(|| panic!("{kind} in {seen:?}"));
        assert!(has_word(&of_kind.to_string()), "{of_kind}");
    }
    for told in [events(&site, &masked, "").await, events(&site, &operator, "&customer=acme").await] {
        for event in told {
            assert!(!has_word(&event.to_string()), "{event}");
        }
    }
    // And whatever else can be looked at.
    let document = operator.get("/v1/openapi.json").await.expect(200).json();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let Some(operation) = item.get("get").filter(|get| get["operationId"] != "streamEvents") else { continue };
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let has_customer = parameters.iter().any(|p| p["in"] == "query" && p["name"] == "customer");
        let query = if has_customer { "?customer=acme" } else { "" };
        let path = format!("{}{query}", told.filled(path));
        for who in [&masked, &operator] {
            let octets = who.octets(&path).await;
            let is_component = path.contains("/component");
            assert!(is_component || !has_word(&String::from_utf8_lossy(&octets)), "{path}");
        }
    }
    site.end(sim).await;
}

/// The changes whose answers could quote a text, as somebody asks for them who sees none, with what comes back.
fn changes(told: &Told) -> [(&'static str, Value, u16); 16] {
    let events = json!([{ "mo": "GET kept" }]);
    let as_is = json!({ "as_is": true, "given": { "device": format!("+{DEVICE}") }, "events": events });
    [
        ("revealMessage", json!({}), 403),
        ("replayRule", json!({ "message": told.mo }), 403),
        ("tryRule", as_is, 403),
        ("tryPlugin", json!({ "events": events }), 200),
        ("previewPolicy", json!({}), 403),
        ("askRule", json!({}), 200),
        ("retryDeadLetter", json!({}), 200),
        ("retryDeadLetters", json!({}), 200),
        ("dropDeadLetters", json!({}), 200),
        ("acknowledgeInbox", json!({ "ids": [] }), 200),
        ("setShadow", json!({ "plugin": "odd@2" }), 200),
        ("setCanary", json!({ "plugin": "odd@2", "percent": 50 }), 200),
        ("activateRule", json!({ "plugin": "odd@2" }), 200),
        ("rollBackRule", json!({}), 200),
        ("putDevice", json!({ "tags": ["cold"] }), 201),
        ("patchDevice", json!({ "tags": ["warm"] }), 200),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_to_a_change_tells_a_text_to_whom_it_is_masked() {
    let Scene { site, operator, masked, told, sim, .. } = Scene::new().await;
    let document = operator.get("/v1/openapi.json").await.expect(200).json();
    let paths = document["paths"].as_object().expect("paths");
    let operations: Vec<(String, String, &str)> = paths
        .iter()
        .flat_map(|(path, item)| item.as_object().expect("operations").iter().map(move |of| (path, of)))
        .filter(|(_, (method, _))| *method != "get")
        .map(|(path, (method, of))| (method.to_uppercase(), told.filled(path), of["operationId"].as_str().expect("id")))
        .collect();
    let named = |name: &str| operations.iter().find(|(_, _, id)| *id == name).unwrap_or_else(|| panic!("no {name}"));
    let mut others = Vec::new();
    for (name, body, status) in changes(&told) {
        let (method, path, _) = named(name);
        let reply = masked.request(method, path, &[], Some(&body.to_string())).await;
        assert!(!has_word(&reply.text), "{name}: {reply:?}");
        if reply.status.as_u16() != status {
            others.push(format!("{name}: {reply:?}"));
        }
    }
    assert!(others.is_empty(), "not what the test means to ask for: {others:#?}");
    // And all others, those that take something away last.
    for is_end in [false, true] {
        for (method, path, name) in operations.iter().filter(|(method, ..)| (method == "DELETE") == is_end) {
            let reply = masked.request(method, path, &[], (!is_end).then_some("{}")).await;
            assert!(!has_word(&reply.text), "{name}: {reply:?}");
        }
    }
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_cannot_be_searched_and_keys_cannot_be_widened_by_whom_they_are_masked_to() {
    let (site, operator) = start(plan()).await;
    let masked = masked_key(&operator, &["read", "manage"]).await;
    for path in ["/v1/messages?text=", "/v1/messages:export?format=csv&text="] {
        for text in ["a", ""] {
            assert_eq!(masked.get(&format!("{path}{text}")).await.problem(403), "forbidden");
            assert_eq!(operator.get(&format!("{path}{text}&customer=acme")).await.problem(403), "forbidden");
        }
    }
    let keys = "/v1/customers/acme/keys";
    for (body, status) in [
        (json!({ "name": "n", "scopes": ["read"] }), 403),
        (json!({ "name": "n", "scopes": ["read"], "texts": "shown" }), 403),
        (json!({ "name": "n", "scopes": ["reveal"], "texts": "masked" }), 403),
        (json!({ "name": "n", "scopes": ["read"], "texts": "masked" }), 201),
        (json!({ "name": "n", "scopes": ["read"], "texts": "bold" }), 422),
    ] {
        let reply = masked.post(keys, body.clone()).await;
        assert_eq!(reply.status.as_u16(), status, "{body}: {reply:?}");
    }
    let revealing = masked_key(&operator, &["manage", "reveal"]).await;
    revealing.post(keys, json!({ "name": "n", "scopes": ["reveal"], "texts": "masked" })).await.expect(201);
    let hook = json!({ "url": "https://example.net/", "types": [] });
    assert_eq!(masked.post("/v1/webhooks", hook.clone()).await.problem(403), "forbidden");
    let acme = key(&operator, "acme", &["manage", "read"]).await;
    let id = acme.post("/v1/webhooks", hook.clone()).await.expect(201).field("id");
    let put = masked.request("PUT", &format!("/v1/webhooks/{id}"), &[], Some(&hook.to_string())).await;
    assert_eq!(put.problem(403), "forbidden");
    // Nothing is run for it that would tell what they say.
    let replay = ("/v1/rules/odd/replay", json!({ "message": "1a209002b4d00000" }));
    let tried = ("/v1/rules/odd/try", json!({ "as_is": true, "events": [] }));
    for (path, body) in [replay, tried, ("/v1/customers/acme/policy:preview", json!({}))] {
        assert_eq!(masked.post(path, body).await.problem(403), "forbidden", "{path}");
    }
    // Who a token is says what it sees.
    assert_eq!(acme.get("/v1/caller").await.expect(200).field("texts"), "shown");
    assert_eq!(masked.get("/v1/caller").await.expect(200).field("texts"), "masked");
    assert_eq!(operator.get("/v1/caller").await.expect(200).json(), json!({ "operator": true, "texts": "masked" }));
    let export = masked.get("/v1/messages:export?format=csv").await.expect(200).text;
    assert!(export.ends_with(",tag,masked\r\n"), "{export}");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_reveals_one_text_at_a_time_and_the_audit_has_it() {
    let (site, operator) = start(plan()).await;
    let acme = key(&operator, "acme", &["read", "send"]).await;
    let text = json!({ "to": format!("+{DEVICE}"), "text": "the giraffe, €" });
    let id = acme.post("/v1/messages", text.clone()).await.expect(202).field("id");
    let other = acme.post("/v1/messages", text).await.expect(202).field("id");
    let revealing = masked_key(&operator, &["read", "reveal"]).await;
    let path = format!("/v1/messages/{id}/reveal");
    let shown = eventually("the message in the history", || async {
        let reply = revealing.post(&path, json!({})).await;
        (reply.status == 200).then(|| reply.json())
    })
    .await;
    assert_eq!((&shown["id"], &shown["text"], &shown["masked"]), (&json!(id), &json!("the giraffe, €"), &Value::Null));
    assert_eq!(shown["fields"]["data_coding"], 0);
    let by_operator = operator.post(&format!("{path}?customer=acme"), json!({})).await.expect(200).json();
    assert_eq!(by_operator, shown);
    // Only that one, and only then.
    let list = revealing.get("/v1/messages").await.expect(200).text;
    assert!(!has_word(&list) && list.contains(&id) && list.contains(&other), "{list}");
    let timeline = revealing.get(&format!("/v1/messages/{id}/timeline")).await.expect(200).text;
    assert!(!has_word(&timeline), "{timeline}");

    let audit = operator.get("/v1/audit").await.expect(200).json();
    let of_messages: Vec<Value> =
        audit["changes"].as_array().expect("a list").iter().filter(|row| row["kind"] == "message").cloned().collect();
    let who: Vec<&str> = of_messages.iter().filter_map(|row| row["who"].as_str()).collect();
    let key_id = revealing.token().split('_').nth(1).expect("an id");
    assert_eq!((who.first(), who.last()), (Some(&&*format!("key {key_id}")), Some(&"operator")), "{of_messages:?}");
    assert!(of_messages.iter().all(|row| row["id"] == format!("acme/{id}") && row["after"]["revealed"] == true));
    assert!(!has_word(&audit.to_string()), "{audit}");

    let count = of_messages.len();
    let masked = masked_key(&operator, &["read", "send", "receive", "manage"]).await;
    assert_eq!(masked.post(&path, json!({})).await.problem(403), "forbidden");
    assert_eq!(acme.post(&path, json!({})).await.problem(403), "forbidden");
    let beta = key(&operator, "beta", &["read", "reveal"]).await;
    for path in [path.clone(), format!("{path}?customer=acme"), "/v1/messages/x/reveal".into()] {
        assert_eq!(beta.post(&path, json!({})).await.problem(404), "not_found");
    }
    let audit = operator.get("/v1/audit").await.expect(200).json();
    let rows = audit["changes"].as_array().expect("a list").iter().filter(|row| row["kind"] == "message").count();
    assert_eq!(rows, count, "what is refused is no revealing");
    // The next change has the next number.
    let numbers: Vec<u64> =
        audit["changes"].as_array().expect("a list").iter().filter_map(|row| row["number"].as_u64()).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_config_shows_texts_to_the_operator() {
    let site = plan().more(TABLE).more("operator_texts = \"shown\"\n").start().await;
    let operator = Client::new(site.api(), Some(&site.operator_token()));
    let acme = key(&operator, "acme", &["read", "send"]).await;
    acme.post("/v1/messages", json!({ "to": format!("+{DEVICE}"), "text": WORD })).await.expect(202);
    eventually("the message in the history", || async {
        let list = operator.get("/v1/messages?customer=acme&text=GIR").await.expect(200);
        has_word(&list.text).then_some(())
    })
    .await;
    assert_eq!(operator.get("/v1/caller").await.expect(200).json(), json!({ "operator": true, "texts": "shown" }));
    site.end(()).await;
}
