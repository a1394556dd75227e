//! Customers are walled off in the console as in the API, and a key does what its scopes allow.

use serde_json::json;

use super::browser::{Browser, site};
use crate::api::client::key;
use crate::smsc::site::DEVICE;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_sees_no_page_of_another_customer_nor_of_the_operator() {
    let (site, operator) = site().await;
    let all = ["read", "send", "manage"];
    let (acme, beta) = (key(&operator, "acme", &all).await, key(&operator, "beta", &all).await);
    let message = json!({ "to": format!("+{DEVICE}"), "text": "for acme's eyes" });
    let id = acme.post("/v1/messages", message).await.expect(202).field("id");
    let own = Browser::signed_in(site.api(), acme.token()).await;
    let other = Browser::signed_in(site.api(), beta.token()).await;
    let paths = ["", "/messages", "/devices", &format!("/messages/{id}"), &format!("/devices/+{DEVICE}")];
    for path in paths {
        let of_acme = own.page(&format!("/console/c/acme{path}")).await;
        for customer in ["acme", "nobody"] {
            let reply = other.get(&format!("/console/c/{customer}{path}")).await.expect(404);
            assert!(reply.text.contains("There is nothing here under this name"), "{path}: {reply:?}");
            assert!(!reply.text.contains("eyes") && !reply.text.contains("7001"), "{path}: {reply:?}");
            // The same as for what is not there, but for the path.
            let of = |text: &str| text.replace("nobody", "acme");
            assert_eq!(of(&reply.text), of(&other.get(&format!("/console/c/nobody{path}")).await.text), "{path}");
        }
        assert!(!of_acme.contains("There is nothing here"), "{path}");
    }
    // By way of its own path, either.
    other.get(&format!("/console/c/beta/messages/{id}")).await.expect(404);
    assert!(!other.page("/console/c/beta/messages").await.contains("eyes"));
    let reply = other.get_with("/console/c/acme/live", &[("accept", "text/event-stream")]).await;
    assert_eq!(reply.status, 204, "a stream that browsers do not ask for again");
    for path in ["/console/overview", "/console/customers", "/console/links"] {
        other.get(path).await.expect(404);
    }
    let to = format!("/console/c/acme/devices/+{DEVICE}");
    let sent = other.post(&to, &[("text", "of beta"), ("from", "")]).await;
    assert!(!sent.status.is_success() && !sent.status.is_redirection(), "{sent:?}");
    assert!(!own.page("/console/c/acme/messages").await.contains("of beta"));
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_without_the_scope_is_told_so_in_words() {
    let (site, operator) = site().await;
    let sender = key(&operator, "acme", &["send"]).await;
    let browser = Browser::signed_in(site.api(), sender.token()).await;
    for path in ["", "/devices"] {
        let reply = browser.get(&format!("/console/c/acme{path}")).await.expect(403);
        assert!(reply.text.contains("This needs a key with the scope"), "{path}: {}", reply.text);
    }
    let reader = key(&operator, "acme", &["read"]).await;
    let browser = Browser::signed_in(site.api(), reader.token()).await;
    let path = format!("/console/c/acme/devices/+{DEVICE}");
    assert!(browser.page(&path).await.contains("has not the scope <code>send</code>"));
    browser.post(&path, &[("text", "no"), ("from", "7001")]).await.expect(403);
    site.end(()).await;
}
