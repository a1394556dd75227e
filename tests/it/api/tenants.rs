//! Customers are walled off: for a key, what is another customer's does not exist.

use serde_json::json;

use super::client::{key, start};
use crate::smsc::site::{DEVICE, Plan, mt};

#[tokio::test(flavor = "multi_thread")]
async fn another_customers_key_gets_404_everywhere_and_the_same_one_as_for_what_is_not_there() {
    let (site, operator) = start(Plan::network()).await;
    let all = ["read", "send", "manage"];
    let (acme, beta) = (key(&operator, "acme", &all).await, key(&operator, "beta", &all).await);
    let message = json!({ "to": format!("+{DEVICE}"), "text": "hi", "schedule_at": in_an_hour() });
    let id = acme.post("/v1/messages", message).await.expect(202).field("id");
    let mut app = site.app().await;
    let of_smpp = app.submitted(mt("over SMPP")).await;
    let key_id = acme.get("/v1/customers/acme/keys").await.expect(200).json()["keys"][0]["id"].clone();
    let key_id = key_id.as_str().expect("an id");
    let new_key = json!({ "name": "x", "scopes": ["send"] });
    for customer in ["acme", "nobody"] {
        let keys = format!("/v1/customers/{customer}/keys");
        let answers = [
            beta.get(&keys).await,
            beta.post(&keys, new_key.clone()).await,
            beta.delete(&format!("{keys}/{key_id}")).await,
        ];
        for answer in answers {
            let detail = answer.field("detail");
            assert_eq!(
                (answer.problem(404).as_str(), detail.as_str()),
                ("not_found", "there is nothing here under this name")
            );
        }
    }
    // Not by way of its own path, either.
    assert_eq!(beta.delete(&format!("/v1/customers/beta/keys/{key_id}")).await.problem(404), "not_found");
    for id in [&*id, &*of_smpp, "0123456789abcdef", "nonsense"] {
        let path = format!("/v1/messages/{id}");
        for answer in [beta.get(&path).await, beta.delete(&path).await] {
            let detail = answer.field("detail");
            assert_eq!(
                (answer.problem(404).as_str(), detail.as_str()),
                ("not_found", "there is nothing here under this name")
            );
        }
    }
    for path in [format!("/v1/messages/{id}"), format!("/v1/messages/{of_smpp}")] {
        acme.get(&path).await.expect(200);
        assert_eq!(operator.get(&path).await.expect(200).field("customer"), "acme");
    }
    operator.delete(&format!("/v1/messages/{id}")).await.expect(204);
    site.end(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_is_the_customers_own() {
    let (site, operator) = start(Plan::default().sim("routes = [\"+46\"]")).await;
    let (acme, beta) = (key(&operator, "acme", &["send"]).await, key(&operator, "beta", &["send"]).await);
    let first = acme.post_once("/v1/messages", "k1", &json!({ "to": "+46700000001", "text": "a" })).await.expect(202);
    let other = beta.post_once("/v1/messages", "k1", &json!({ "to": "+46730000001", "text": "b" })).await.expect(202);
    assert_ne!(first.field("id"), other.field("id"));
    site.end(()).await;
}

fn in_an_hour() -> String {
    super::messages::at(3_600)
}
