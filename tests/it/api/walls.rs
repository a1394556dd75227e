//! Customers are walled off, tried at every address that the served OpenAPI document names: one that this test does
//! not know how to ask makes it fail.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wasmsc_smpp::CommandStatus;

use super::client::{Client, Reply, key, start};
use super::messages::at;
use crate::smsc::peer::eventually;
use crate::smsc::site::{DEVICE, Plan, Site, mo};
use crate::support::server::version;

/// Who may ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Open {
    All,
    Operator,
    /// Whoever has a token: it is about them.
    Callers,
    /// A key that has one of these scopes.
    Scopes(&'static [&'static str]),
}

const READ: Open = Open::Scopes(&["read"]);
const SEND: Open = Open::Scopes(&["send"]);
const RECEIVE: Open = Open::Scopes(&["receive"]);
const MANAGE: Open = Open::Scopes(&["manage"]);
const REVEAL: Open = Open::Scopes(&["reveal"]);
const ALL_SCOPES: [&str; 5] = ["read", "send", "receive", "manage", "reveal"];

/// Every operation of the API by its id.
const OPERATIONS: [(&str, Open); 105] = [
    ("alive", Open::All),
    ("ready", Open::All),
    ("metrics", Open::Operator),
    ("listAccounts", Open::Operator),
    ("getAccount", Open::Operator),
    ("putAccount", Open::Operator),
    ("deleteAccount", Open::Operator),
    ("apply", Open::Operator),
    ("listAudit", Open::Operator),
    ("makeBackup", Open::Operator),
    ("listCustomers", Open::Operator),
    ("putCustomer", Open::Operator),
    ("deleteCustomer", Open::Operator),
    ("listLinks", Open::Operator),
    ("listLinkHistory", Open::Operator),
    ("dropLink", Open::Operator),
    ("listLinkPdus", Open::Operator),
    ("decodePdus", Open::Operator),
    ("listPauses", Open::Operator),
    ("putPause", Open::Operator),
    ("deletePause", Open::Operator),
    ("listQueues", Open::Operator),
    ("listUpstreams", Open::Operator),
    ("getUpstream", Open::Operator),
    ("putUpstream", Open::Operator),
    ("deleteUpstream", Open::Operator),
    ("listSharedNumbers", Open::Operator),
    ("getSharedNumber", Open::Operator),
    ("putSharedNumber", Open::Operator),
    ("deleteSharedNumber", Open::Operator),
    ("getCustomer", READ),
    ("listKeys", MANAGE),
    ("makeKey", MANAGE),
    ("deleteKey", MANAGE),
    ("getPolicy", Open::Scopes(&["read", "manage"])),
    ("putPolicy", MANAGE),
    ("previewPolicy", MANAGE),
    ("listRuleCalls", MANAGE),
    ("replayRule", MANAGE),
    ("tryRule", MANAGE),
    ("tryPlugin", MANAGE),
    ("getComponent", MANAGE),
    ("listNumbers", READ),
    ("listDevices", READ),
    ("getDevice", READ),
    ("listDeviceState", MANAGE),
    ("listDeviceTimers", READ),
    ("listOptOuts", READ),
    ("deleteOptOut", MANAGE),
    ("putDevice", MANAGE),
    ("patchDevice", MANAGE),
    ("deleteDevice", MANAGE),
    ("importDevices", MANAGE),
    ("listCampaigns", READ),
    ("getCampaign", READ),
    ("exportCampaign", READ),
    ("beginCampaign", SEND),
    ("pauseCampaign", SEND),
    ("resumeCampaign", SEND),
    ("cancelCampaign", SEND),
    ("listMessages", READ),
    ("exportMessages", READ),
    ("lookUpMessage", READ),
    ("tellMessage", READ),
    ("revealMessage", REVEAL),
    ("sendMessage", SEND),
    ("cancelMessage", SEND),
    ("explainRoute", READ),
    ("pollInbox", RECEIVE),
    ("acknowledgeInbox", RECEIVE),
    ("streamEvents", READ),
    ("listPlugins", READ),
    ("getPlugin", READ),
    ("uploadPlugin", MANAGE),
    ("deletePlugin", MANAGE),
    ("listRules", READ),
    ("getRule", READ),
    ("putRule", MANAGE),
    ("deleteRule", MANAGE),
    ("activateRule", MANAGE),
    ("rollBackRule", MANAGE),
    ("setCanary", MANAGE),
    ("endCanary", MANAGE),
    ("setShadow", MANAGE),
    ("endShadow", MANAGE),
    ("askRule", SEND),
    ("getRuleAnswer", SEND),
    ("listWebhooks", READ),
    ("getWebhook", READ),
    ("listDeadEvents", READ),
    ("makeWebhook", MANAGE),
    ("putWebhook", MANAGE),
    ("deleteWebhook", MANAGE),
    ("replayDeadEvents", MANAGE),
    ("listUsage", READ),
    ("listDeadLetters", READ),
    ("getDeadLetter", READ),
    ("retryDeadLetter", MANAGE),
    ("dropDeadLetter", MANAGE),
    ("retryDeadLetters", MANAGE),
    ("dropDeadLetters", MANAGE),
    ("getCaller", Open::Callers),
    ("getOverview", READ),
    ("measureMessage", SEND),
    ("describe", Open::All),
];

/// What is in no answer to anybody but its customer.
const MARK: &str = "zebra";

/// Everything that `acme` has, by the name that paths and queries give it.
struct Theirs {
    ids: BTreeMap<&'static str, String>,
}

impl Theirs {
    /// One of each kind of thing.
    async fn new(site: &Site, operator: &Client) -> Theirs {
        let acme = key(operator, "acme", &ALL_SCOPES).await;
        let device = format!("+{DEVICE}");
        let settings = json!({ "tags": [MARK], "attributes": { "place": MARK } });
        let put = acme.request("PUT", &format!("/v1/devices/{device}"), &[], Some(&settings.to_string())).await;
        put.expect(201);
        let later = json!({ "to": device, "text": MARK, "tag": MARK, "schedule_at": at(3_600) });
        let message = acme.post("/v1/messages", later).await.expect(202).field("id");
        let campaign = json!({ "to": { "devices": [device] }, "text": MARK, "tag": MARK, "start_at": at(3_600) });
        let campaign = acme.post("/v1/campaigns", campaign).await.expect(201).field("id");
        let hook = json!({ "url": format!("https://{MARK}.example.net/"), "types": ["link.*"] });
        let webhook = acme.post("/v1/webhooks", hook).await.expect(201).field("id");
        acme.upload(("stripes", "1"), "", version("mark-one")).await.expect(201);
        let rule =
            json!({ "plugin": "stripes@1", "numbers": ["7001"], "keyword": "alarm", "config": { "place": MARK } });
        acme.request("PUT", "/v1/rules/alarm", &[], Some(&rule.to_string())).await.expect(201);
        // It gives the request up, and that is an answer, too.
        let path = format!("/v1/rules/alarm/devices/{}/requests/ping?wait=10", device.replace('+', "%2B"));
        let request = acme.post(&path, json!({})).await.expect(200).field("id");
        let mut sim = site.sim().await;
        let in_inbox = sim.submitted(mo(MARK)).await;
        let keys = operator.get("/v1/customers/acme/keys").await.expect(200).json();
        let key_id = keys["keys"][0]["id"].as_str().expect("an id").to_owned();
        let cursor = acme.get("/v1/inbox").await.expect(200).field("cursor");
        let refused = json!({ "to": device, "text": MARK });
        let dead = acme.post("/v1/messages", refused).await.expect(202).field("id");
        sim.refuse(CommandStatus::ESME_RINVDSTADR).await;
        eventually("the message is a dead letter", || async {
            let reply = operator.get(&format!("/v1/dead-letters/{dead}?customer=acme")).await;
            (reply.status == 200).then_some(())
        })
        .await;
        drop(sim);
        let ids = [
            ("customer", "acme".to_owned()),
            ("device", device),
            ("message", message),
            ("campaign", campaign),
            ("webhook", webhook),
            ("key", key_id),
            ("account", "app".to_owned()),
            ("link", "1-1".to_owned()),
            ("upstream", "up".to_owned()),
            ("plugin", "stripes@1".to_owned()),
            ("rule", "alarm".to_owned()),
            ("rule-request", request),
            ("number", "7009".to_owned()),
            ("mo", in_inbox),
            ("dead-letter", dead),
            ("cursor", cursor),
        ];
        Theirs { ids: ids.into() }
    }

    fn of(&self, name: &str) -> &str {
        &self.ids[name]
    }

    /// A path of the document with their things in the place of its names.
    fn path(&self, path: &str) -> String {
        let kind = |name: &str| match name {
            "customer" => "customer",
            "key" => "key",
            "number" => "number",
            "account" => "account",
            "address" => "device",
            "plugin" => "plugin",
            "name" | "rule" => "rule",
            "device" => "device",
            "id" => {
                let room = path.split('/').nth(2).expect("behind /v1");
                room.strip_suffix('s').expect("rooms have names in the plural")
            }
            other => panic!("{path}: what is {{{other}}}? Tell this test."),
        };
        let mut parts = path.split(['{', '}']);
        let mut filled = parts.next().expect("a beginning").to_owned();
        while let (Some(name), Some(rest)) = (parts.next(), parts.next()) {
            filled += &self.of(kind(name)).replace('+', "%2B");
            filled += rest;
        }
        filled
    }

    /// A body that would be right if one were `acme`.
    fn body(&self, operation: &str) -> Option<(&'static str, String)> {
        let device = self.of("device");
        let body = match operation {
            "putAccount" => json!({ "password": "p", "role": "application", "customer": "acme" }),
            "putUpstream" => json!({ "host": "127.0.0.1", "port": 1, "system_id": "x", "password": "p" }),
            "putSharedNumber" => json!({ "default_customer": "beta" }),
            "putPause" => json!({}),
            "decodePdus" => json!({ "hex": "00" }),
            "putCustomer" => json!({ "numbers": ["7001"] }),
            "apply" => json!({ "customers": [] }),
            "makeKey" => json!({ "name": "n", "scopes": ["read"] }),
            "putPolicy" | "previewPolicy" | "askRule" => json!({}),
            "putDevice" | "patchDevice" => json!({ "tags": ["mine"] }),
            "importDevices" => return Some(("text/csv", format!("address\n{device}\n"))),
            "beginCampaign" => json!({ "customer": "acme", "to": { "devices": [device] }, "text": "hi" }),
            "sendMessage" | "measureMessage" => json!({ "from": "7001", "to": device, "text": "hi" }),
            "explainRoute" => json!({ "from": "7001", "to": device, "text": "hi" }),
            "acknowledgeInbox" => json!({ "ids": [self.of("mo")] }),
            "retryDeadLetter" | "retryDeadLetters" | "dropDeadLetters" => json!({}),
            "uploadPlugin" => return Some(("application/wasm", "\0asm no component".to_owned())),
            "putRule" => json!({ "plugin": "stripes@1", "numbers": ["7001"] }),
            "activateRule" | "setShadow" => json!({ "plugin": "stripes@2" }),
            "tryRule" => json!({ "given": { "device": device }, "as_is": true, "events": [{ "mo": "hi" }] }),
            "tryPlugin" => json!({ "events": [{ "mo": "hi" }] }),
            "replayRule" => json!({ "message": self.of("mo") }),
            "setCanary" => json!({ "plugin": "stripes@2", "percent": 10 }),
            "makeWebhook" | "putWebhook" => json!({ "url": "https://example.net/", "types": [] }),
            _ => return None,
        };
        Some(("application/json", body.to_string()))
    }

    async fn ask(&self, who: &Client, call: &Call, query: &str) -> Reply {
        let mut path = format!("{}{query}", self.path(&call.path));
        let needed = match call.operation.as_str() {
            "exportMessages" | "exportCampaign" => "format=csv",
            "uploadPlugin" => "name=mine&version=1",
            _ => "",
        };
        if !needed.is_empty() {
            path += &format!("{}{needed}", if query.is_empty() { "?" } else { "&" });
        }
        match self.body(&call.operation) {
            Some((kind, body)) => who.request(&call.method, &path, &[("content-type", kind)], Some(&body)).await,
            None => who.request(&call.method, &path, &[], None).await,
        }
    }

    /// All that the operator sees of it.
    async fn seen(&self, operator: &Client) -> Vec<Value> {
        let mut paths: Vec<String> =
            ["devices", "campaigns", "webhooks", "messages", "inbox", "numbers", "plugins", "rules", "dead-letters"]
                .map(|kind| format!("/v1/{kind}?customer=acme"))
                .to_vec();
        paths.extend(["/v1/customers/acme", "/v1/customers/acme/policy", "/v1/customers/acme/keys"].map(str::to_owned));
        let mut seen = Vec::new();
        for path in paths {
            let mut json = operator.get(&path).await.expect(200).json();
            // Keys are used by this test itself.
            for key in json["keys"].as_array_mut().into_iter().flatten() {
                key.as_object_mut().expect("an object").remove("last_used_at");
            }
            seen.push(json);
        }
        seen
    }
}

/// An operation of the document.
#[derive(Debug)]
struct Call {
    method: String,
    path: String,
    operation: String,
    open: Open,
    has_customer: bool,
    /// Something in its path is somebody's.
    is_of_somebody: bool,
}

async fn document(client: &Client) -> Vec<Call> {
    let document = client.get("/v1/openapi.json").await.expect(200).json();
    let mut calls = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let id = operation["operationId"].as_str().expect("an id").to_owned();
            let known = OPERATIONS.iter().find(|(known, _)| *known == id);
            let open = known.unwrap_or_else(|| panic!("{id} is new: who may ask it? Tell this test.")).1;
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            for parameter in &parameters {
                let (place, name) = (&parameter["in"], parameter["name"].as_str().expect("a name"));
                assert_eq!(*place == "path", path.contains(&format!("{{{name}}}")), "{id}: {parameter}");
            }
            let has_customer = parameters.iter().any(|p| p["in"] == "query" && p["name"] == "customer");
            let (path, method) = (path.clone(), method.to_uppercase());
            let is_of_somebody = path.contains('{');
            calls.push(Call { method, path, operation: id, open, has_customer, is_of_somebody });
        }
    }
    assert!(calls.len() >= OPERATIONS.len() - 1, "{} operations only", calls.len());
    calls
}

fn plan() -> Plan {
    let plan = Plan { acme: "inbox = true\n".into(), beta: "inbox = true\n".into(), ..Plan::network() };
    plan.more("\n[[shared_number]]\nnumber = \"7009\"\ndefault_customer = \"acme\"\n[history]\ndays = 1\n[events]\nhours = 1\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_address_shows_or_changes_what_is_another_customers() {
    let (site, operator) = start(plan()).await;
    let theirs = Theirs::new(&site, &operator).await;
    let beta = key(&operator, "beta", &ALL_SCOPES).await;
    let before = theirs.seen(&operator).await;
    for call in document(&operator).await {
        let named = match call.has_customer {
            true => vec!["", "?customer=acme"],
            false => vec![""],
        };
        for query in named {
            let is_theirs = call.is_of_somebody || !query.is_empty();
            if call.operation == "streamEvents" && query.is_empty() {
                continue; // it does not end; tests/it/api/events.rs reads it
            }
            let reply = theirs.ask(&beta, &call, query).await;
            let told = format!("{call:?} {query}: {reply:?}");
            let status = reply.status.as_u16();
            match (call.open, call.operation.as_str()) {
                (Open::All, _) => assert!(status < 300, "{told}"),
                // Somebody else's device is a number like any other to `putDevice`: it may not be registered twice.
                (_, "putDevice") if query.is_empty() => assert_eq!(status, 409, "{told}"),
                // A device of others may write to one's own rules, which know nothing of what theirs keep.
                (_, "listDeviceState" | "listDeviceTimers") if query.is_empty() => {
                    assert!(status == 200 && reply.text.contains("[]"), "{told}");
                }
                // A rule of one's own may have any name.
                (_, "putRule") if query.is_empty() => assert_eq!(status, 409, "{told}"),
                (Open::Operator, _) => assert_eq!(status, 404, "{told}"),
                _ if is_theirs => assert_eq!(status, 404, "{told}"),
                (_, "beginCampaign") => assert_eq!(status, 404, "{told}"),
                (_, "sendMessage") => assert_eq!(status, 403, "{told}"),
                (_, "explainRoute") => assert_eq!(status, 422, "{told}"),
                (_, "importDevices") => assert_eq!(reply.json()["refused"].as_array().map(Vec::len), Some(1), "{told}"),
                (_, "acknowledgeInbox") => assert_eq!(reply.json()["acknowledged"], 0, "{told}"),
                (_, "uploadPlugin") => assert_eq!(status, 422, "{told}"),
                (_, "makeWebhook") => assert_eq!(status, 201, "{told}"),
                (_, "retryDeadLetters" | "dropDeadLetters") => assert_eq!(reply.json()["changed"], 0, "{told}"),
                _ => assert!(status < 300, "{told}"),
            }
            assert!(!reply.text.contains(MARK), "{told}");
            for id in ["message", "campaign", "webhook", "key", "mo", "dead-letter"] {
                assert!(!reply.text.contains(theirs.of(id)) || is_theirs, "{told}");
            }
        }
    }
    assert_eq!(theirs.seen(&operator).await, before, "something of theirs changed");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn places_in_another_customers_lists_lead_nowhere() {
    let (site, operator) = start(plan()).await;
    let theirs = Theirs::new(&site, &operator).await;
    let beta = key(&operator, "beta", &ALL_SCOPES).await;
    let before = theirs.seen(&operator).await;
    let cursor = theirs.of("cursor");
    for path in ["inbox", "messages", "devices", "campaigns", "dead-letters", "opt-outs"] {
        let reply = beta.get(&format!("/v1/{path}?cursor={cursor}")).await;
        assert!([200, 400].contains(&reply.status.as_u16()) && !reply.text.contains(MARK), "{path}: {reply:?}");
    }
    let acknowledged = beta.post("/v1/inbox:ack", json!({ "up_to": cursor })).await;
    assert!(acknowledged.status != 200 || acknowledged.json()["acknowledged"] == 0, "{acknowledged:?}");
    assert_eq!(theirs.seen(&operator).await, before, "something of theirs changed");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_the_scope_gets_403_for_its_own_things() {
    let (site, operator) = start(plan()).await;
    let theirs = Theirs::new(&site, &operator).await;
    let before = theirs.seen(&operator).await;
    let mut lesser: BTreeMap<&[&str], Client> = BTreeMap::new();
    for call in document(&operator).await {
        let Open::Scopes(needed) = call.open else { continue };
        if !lesser.contains_key(needed) {
            let others: Vec<&str> = ALL_SCOPES.into_iter().filter(|scope| !needed.contains(scope)).collect();
            lesser.insert(needed, key(&operator, "acme", &others).await);
        }
        let reply = theirs.ask(&lesser[needed], &call, "").await;
        assert_eq!(reply.status.as_u16(), 403, "{call:?} {reply:?}");
        assert!(!reply.text.contains(MARK) && reply.field("code") == "forbidden", "{call:?} {reply:?}");
    }
    let ids = |seen: Vec<Value>| seen.into_iter().filter(|seen| seen.get("keys").is_none()).collect::<Vec<_>>();
    assert_eq!(ids(theirs.seen(&operator).await), ids(before), "something changed");
    site.end(()).await;
}
