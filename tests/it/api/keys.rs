//! API keys: who may make them, what they allow, and when they end.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Client, Reply, key, start};
use super::events::Listener;
use super::messages::at;
use crate::smsc::peer::eventually;
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

/// Much less than what a poll may wait, and than a heartbeat of a stream; much for a machine that is busy.
const AT_ONCE: Duration = Duration::from_secs(5);
/// Polls of one customer that may wait at once.
const WAITING_MAX: usize = 20;

async fn made(operator: &Client, customer: &str, more: Value) -> (String, Client) {
    let mut wanted = json!({ "name": "poller", "scopes": ["read", "receive"] });
    wanted.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let made = operator.post(&format!("/v1/customers/{customer}/keys"), wanted).await.expect(201);
    (made.field("id"), operator.with_token(&made.field("key")))
}

fn polls(client: &Client) -> tokio::task::JoinHandle<Reply> {
    let client = client.clone();
    tokio::spawn(async move {
        loop {
            let reply = client.get("/v1/inbox?wait=30").await;
            if reply.status != 429 {
                return reply; // or else the one that looks for a place had it
            }
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_for_long_ends_at_once_when_its_key_is_deleted() {
    let (site, operator) = start(Plan::network().acme("inbox = true\n")).await;
    let (old_id, old) = made(&operator, "acme", json!({})).await;
    let (_, new) = made(&operator, "acme", json!({})).await;
    let (ending, staying) =
        (Listener::at(site.api(), &old, "", "").await, Listener::at(site.api(), &new, "", "").await);
    let waiting: Vec<_> = (0..WAITING_MAX).map(|_| polls(&old)).collect();
    eventually("polls that wait", || async { (new.get("/v1/inbox?wait=1").await.status == 429).then_some(()) }).await;
    operator.delete(&format!("{KEYS}/{old_id}")).await.expect(204);
    let all = async {
        ending.ends().await;
        for poll in waiting {
            assert_eq!(poll.await.expect("an answer").problem(401), "unauthorized");
        }
    };
    tokio::time::timeout(AT_ONCE, all).await.expect("they end with the key");
    new.get("/v1/inbox?wait=1").await.expect(200);
    site.end(()).await;
    tokio::time::timeout(AT_ONCE, staying.ends()).await.expect("it ended with the house");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_for_long_ends_when_its_key_expires_or_its_customer_goes() {
    let (site, operator) = start(Plan::network().acme("inbox = true\n")).await;
    let (_, brief) = made(&operator, "acme", json!({ "expires_at": at(2) })).await;
    let (stream, poll) = (Listener::at(site.api(), &brief, "", "").await, polls(&brief));
    let both = async {
        stream.ends().await;
        assert_eq!(poll.await.expect("an answer").problem(401), "unauthorized");
    };
    tokio::time::timeout(AT_ONCE, both).await.expect("they end with the key");
    let gamma = "/v1/customers/gamma";
    operator.request("PUT", gamma, &[], Some("{}")).await.expect(201);
    let (_, its) = made(&operator, "gamma", json!({})).await;
    let stream = Listener::at(site.api(), &its, "", "").await;
    operator.delete(gamma).await.expect(204);
    tokio::time::timeout(AT_ONCE, stream.ends()).await.expect("it ends with the customer");
    site.end(()).await;
}
