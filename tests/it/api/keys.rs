//! API keys: who may make them, what they allow, and when they end.

use serde_json::{Value, json};

use super::client::{Client, key, start};
use crate::smsc::site::Plan;

const KEYS: &str = "/v1/customers/acme/keys";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_stored_hashed_and_works_after_a_restart() {
    let (site, operator) = start(Plan::network()).await;
    let made = operator.post(KEYS, json!({ "name": "billing", "scopes": ["send", "read", "send"] })).await.expect(201);
    let (token, id) = (made.field("key"), made.field("id"));
    assert_eq!(made.json()["scopes"], json!(["read", "send"]));
    let listed = operator.get(KEYS).await.expect(200);
    assert!(!listed.text.contains(&token), "{listed:?}");
    let first = &listed.json()["keys"][0];
    assert_eq!((&first["id"], &first["name"], &first["last_used_at"]), (&json!(id), &json!("billing"), &Value::Null));
    let site = site.restart().await;
    let operator_again = Client::new(site.api(), Some(operator.token()));
    let acme = operator_again.with_token(&token);
    assert_eq!(acme.get("/v1/messages/0123456789abcdef").await.problem(404), "not_found");
    let listed = operator_again.get(KEYS).await.expect(200).json();
    assert!(listed["keys"][0]["last_used_at"].is_string(), "{listed}");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_a_key_that_comes_twice_makes_one() {
    let (site, operator) = start(Plan::network()).await;
    let wanted = json!({ "name": "billing", "scopes": ["send"] });
    let made = operator.post_once(KEYS, "rotation-7", &wanted).await.expect(201);
    let again = operator.post_once(KEYS, "rotation-7", &wanted).await;
    assert!(again.field("detail").contains(&made.field("id")) && !again.text.contains(&made.field("key")), "{again:?}");
    assert_eq!(again.problem(409), "made_before");
    operator.post_once("/v1/customers/beta/keys", "rotation-7", &wanted).await.expect(201);
    let keys = operator.get(KEYS).await.expect(200).json();
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1));
    operator.delete(&format!("{KEYS}/{}", made.field("id"))).await.expect(204);
    operator.post_once(KEYS, "rotation-7", &wanted).await.expect(201);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_bound_what_a_key_may_do() {
    let (site, operator) = start(Plan::network()).await;
    let (reader, sender) = (key(&operator, "acme", &["read"]).await, key(&operator, "acme", &["send"]).await);
    let message = json!({ "to": "+46700000001", "text": "hi" });
    assert_eq!(reader.post("/v1/messages", message.clone()).await.problem(403), "forbidden");
    let id = sender.post("/v1/messages", message.clone()).await.expect(202).field("id");
    assert_eq!(sender.get(&format!("/v1/messages/{id}")).await.problem(403), "forbidden");
    reader.get(&format!("/v1/messages/{id}")).await.expect(200);
    assert_eq!(reader.delete(&format!("/v1/messages/{id}")).await.problem(403), "forbidden");
    for key in [&reader, &sender] {
        assert_eq!(key.get(KEYS).await.problem(403), "forbidden");
        assert_eq!(key.post(KEYS, json!({ "name": "x", "scopes": ["send"] })).await.problem(403), "forbidden");
    }
    assert_eq!(operator.post("/v1/messages", message).await.problem(403), "customer_key_needed");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_rotated_without_a_gap_and_a_deleted_one_is_refused_at_once() {
    let (site, operator) = start(Plan::network()).await;
    let old = operator.post(KEYS, json!({ "name": "old", "scopes": ["manage"] })).await.expect(201);
    let old_key = operator.with_token(&old.field("key"));
    let new = old_key.post(KEYS, json!({ "name": "new", "scopes": ["manage", "send"] })).await.expect(201);
    let new_key = operator.with_token(&new.field("key"));
    old_key.get(KEYS).await.expect(200);
    new_key.delete(&format!("{KEYS}/{}", old.field("id"))).await.expect(204);
    assert_eq!(old_key.get(KEYS).await.problem(401), "unauthorized");
    assert_eq!(new_key.delete(&format!("{KEYS}/{}", old.field("id"))).await.problem(404), "not_found");
    let left = new_key.get(KEYS).await.expect(200).json();
    assert_eq!(left["keys"].as_array().map(Vec::len), Some(1), "{left}");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_make_no_sense_are_refused() {
    let (site, operator) = start(Plan::network()).await;
    for (body, field) in [
        (json!({ "name": "", "scopes": ["send"] }), "name"),
        (json!({ "name": "n".repeat(101), "scopes": ["send"] }), "name"),
        (json!({ "name": "x", "scopes": [] }), "scopes"),
        (json!({ "name": "x", "scopes": ["root"] }), "scopes[0]"),
        (json!({ "name": "x", "scopes": ["send"], "expires_at": "2020-01-01T00:00:00Z" }), "expires_at"),
        (json!({ "scopes": ["send"] }), "name"),
    ] {
        let reply = operator.post(KEYS, body.clone()).await;
        assert_eq!(reply.json()["field"], field, "{body}: {reply:?}");
        assert_eq!(reply.problem(422), "invalid_field");
    }
    assert_eq!(
        operator.post("/v1/customers/nobody/keys", json!({ "name": "x", "scopes": ["send"] })).await.problem(404),
        "not_found"
    );
    operator
        .post(KEYS, json!({ "name": "x", "scopes": ["send"], "expires_at": "2999-01-01T00:00:00Z" }))
        .await
        .expect(201);
    site.end(()).await;
}
