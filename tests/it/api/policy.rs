//! A customer's policy by itself: who may see and change it, what stays the operator's, and what a mistake is told.

use serde_json::{Value, json};

use super::client::{Client, Reply, key, start};
use crate::smsc::site::{Plan, Site};

const GAMMA: &str = "/v1/customers/gamma";
const POLICY: &str = "/v1/customers/gamma/policy";

async fn put(caller: &Client, headers: &[(&str, &str)], policy: Value) -> Reply {
    caller.request("PUT", POLICY, headers, Some(&policy.to_string())).await
}

async fn with_gamma(policy: Value) -> (Site, Client) {
    let (site, operator) = start(Plan::network()).await;
    let body = json!({ "numbers": ["7003"], "devices": ["+4674*"], "policy": policy });
    operator.request("PUT", GAMMA, &[], Some(&body.to_string())).await.expect(201);
    (site, operator)
}

async fn shown(caller: &Client) -> Value {
    caller.get(POLICY).await.expect(200).json()["policy"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_changes_its_own_policy_and_it_holds_at_once_and_after_a_restart() {
    let (site, operator) = with_gamma(json!({})).await;
    let gamma = key(&operator, "gamma", &["manage", "read"]).await;
    let before = gamma.get(POLICY).await.expect(200);
    let tag = before.headers["etag"].to_str().expect("ASCII").to_owned();
    assert_eq!((&before.json()["policy"], &before.json()["declared"]), (&json!({}), &json!(false)));
    let changed = put(&gamma, &[("if-match", &tag)], json!({ "messaging": "off" })).await.expect(200);
    assert_ne!(changed.headers["etag"], tag.as_str());
    assert_eq!(changed.json()["policy"], json!({ "messaging": "off" }));
    assert_eq!(put(&gamma, &[("if-match", &tag)], json!({})).await.problem(412), "precondition_failed");
    let question = json!({ "from": "+46740000001", "to": "7003" });
    let told = gamma.post("/v1/route:explain", question).await.expect(200).json();
    assert_eq!(told["refusal"]["code"], "messaging_off");
    // The rest of the customer is as it was, and the audit has both.
    let settings = operator.get(GAMMA).await.expect(200).json()["settings"].clone();
    assert_eq!((&settings["numbers"], &settings["devices"]), (&json!(["7003"]), &json!(["+4674*"])));
    let audit = operator.get("/v1/audit").await.expect(200).json();
    let last = audit["changes"].as_array().and_then(|changes| changes.last()).expect("a change");
    assert_eq!((&last["before"]["policy"], &last["after"]["policy"]), (&json!({}), &json!({ "messaging": "off" })));
    assert!(last["who"].as_str().is_some_and(|who| who.starts_with("key ")), "{last}");

    let site = site.restart().await;
    let gamma = Client::new(site.api(), Some(gamma.token()));
    assert_eq!(shown(&gamma).await, json!({ "messaging": "off" }));
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_and_customers_are_kept_apart_and_what_the_file_declares_is_changed_there() {
    let (site, operator) = with_gamma(json!({})).await;
    let [reader, manager] = [["read"], ["manage"]];
    let (reader, manager) = (key(&operator, "gamma", &reader).await, key(&operator, "gamma", &manager).await);
    let (sender, other) = (key(&operator, "gamma", &["send"]).await, key(&operator, "acme", &["manage", "read"]).await);
    assert_eq!((shown(&reader).await, shown(&manager).await), (json!({}), json!({})));
    assert_eq!(put(&reader, &[], json!({})).await.problem(403), "forbidden");
    assert_eq!(sender.get(POLICY).await.problem(403), "forbidden");
    assert_eq!(other.get(POLICY).await.problem(404), "not_found");
    assert_eq!(put(&other, &[], json!({})).await.problem(404), "not_found");
    let acme = "/v1/customers/acme/policy";
    assert_eq!(other.get(acme).await.expect(200).json()["declared"], true);
    for caller in [&operator, &other] {
        assert_eq!(caller.request("PUT", acme, &[], Some("{}")).await.problem(409), "declared");
    }
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_bounds_the_customer_as_a_whole_is_the_operators() {
    let limits = json!({ "rates": { "customer": { "per_minute": 60 } }, "quotas": { "customer": 1000 } });
    let (site, operator) = with_gamma(limits.clone()).await;
    let gamma = key(&operator, "gamma", &["manage", "read"]).await;
    put(&gamma, &[], json!({ "p2p": "own_only", "quotas": { "device": 5 } })).await.expect(200);
    let kept = json!({ "p2p": "own_only", "quotas": { "customer": 1000, "device": 5 }, "rates": limits["rates"] });
    assert_eq!(shown(&gamma).await, kept);
    put(&gamma, &[], kept.clone()).await.expect(200);
    for (field, wanted) in [
        ("quotas.customer", json!({ "quotas": { "customer": 1001 } })),
        ("quotas.customer", json!({ "quotas": { "customer": null } })),
        ("rates.customer", json!({ "rates": { "customer": { "per_minute": 61 } } })),
    ] {
        let refused = put(&gamma, &[], wanted).await;
        assert_eq!(refused.field("field"), field);
        assert_eq!(refused.problem(422), "invalid_field");
    }
    assert_eq!(shown(&gamma).await, kept);
    put(&operator, &[], json!({ "quotas": { "customer": 2000 } })).await.expect(200);
    assert_eq!(shown(&gamma).await, json!({ "quotas": { "customer": 2000 } }));
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_is_told_with_its_field_and_changes_nothing() {
    let (site, operator) = with_gamma(json!({ "p2p": "own_only" })).await;
    for (field, policy) in [
        ("p2p", json!({ "p2p": "own_onli" })),
        ("p2q", json!({ "p2q": "off" })),
        ("content", json!({ "content": [{ "name": "links", "pattern": "(" }] })),
        ("rates.mo", json!({ "rates": { "mo": { "per_minute": 0 } } })),
        ("tags[0].set.sources.allow", json!({ "tags": [{ "tag": "a", "set": { "sources": { "allow": ["+"] } } }] })),
    ] {
        let refused = put(&operator, &[], policy.clone()).await;
        assert_eq!(refused.field("field"), field, "{policy}: {refused:?}");
        assert!(refused.field("detail").len() > field.len() + 10, "{refused:?}");
        assert_eq!(refused.problem(422), "invalid_field");
        let body = json!({ "numbers": ["7003"], "policy": policy });
        let refused = operator.request("PUT", GAMMA, &[], Some(&body.to_string())).await;
        assert!(refused.field("field").ends_with(field), "{refused:?}");
        assert_eq!(refused.problem(422), "invalid_field");
    }
    assert_eq!(put(&operator, &[], json!([])).await.status, 422);
    assert_eq!(shown(&operator).await, json!({ "p2p": "own_only" }));
    site.end(()).await;
}
