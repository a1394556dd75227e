//! The firewall's page: the table, the explanation, and changes of the policy.

use serde_json::json;

use super::browser::{Browser, attribute, leads_to, site};
use crate::api::client::{Client, key};
use crate::smsc::peer::eventually;
use crate::smsc::site::DEVICE;

/// A customer that the API made: the config's are changed in the config.
async fn gamma(operator: &Client) -> Client {
    let settings = json!({ "numbers": ["7003"], "devices": ["+4674*"] });
    operator.request("PUT", "/v1/customers/gamma", &[], Some(&settings.to_string())).await.expect(201);
    key(operator, "gamma", &["read", "manage"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_is_the_policys_and_changes_with_it() {
    let (site, operator) = site().await;
    let browser = Browser::signed_in(site.api(), gamma(&operator).await.token()).await;
    let path = "/console/c/gamma/firewall";
    let page = browser.page(path).await;
    assert_eq!(page.matches(">passes</span>").count(), 2, "of an MO and an MT with its own: {page}");
    assert_eq!(page.matches("<code>p2p_off</code>").count(), 6, "{page}");
    let tag = attribute(&page, "name=\"tag\" value=\"").replace("&quot;", "\"");
    let policy = r#"{ "p2p": "no_incoming", "content": [{ "name": "html", "pattern": "<b>x" }] }"#;
    leads_to(&browser.post(path, &[("tag", &tag), ("policy", policy)]).await, &format!("{path}?saved=true"));
    let page = browser.page(path).await;
    assert_eq!(page.matches("<code>p2p_no_incoming</code>").count(), 3, "{page}");
    assert!(!page.contains("<b>x") && page.contains("&lt;b&gt;x"), "{page}");
    // What was read before that change is old now.
    let stale = browser.post(path, &[("tag", &tag), ("policy", "{}")]).await.expect(412).text;
    assert!(stale.contains("Somebody changed the policy meanwhile"), "{stale}");
    let wrong = browser.post(path, &[("tag", ""), ("policy", "{ \"p2p\": \"opne\" }</textarea>")]).await;
    assert!(wrong.status.is_client_error() && wrong.text.contains("opne&quot; }&lt;/textarea&gt;"), "{wrong:?}");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_explained_check_by_check() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let path = "/console/c/acme/firewall";
    let page = browser.page(&format!("{path}?from=%2B{DEVICE}&to=7001&text=hi")).await;
    assert!(page.contains("It would pass") && page.contains("<span class=\"badge good\">passed</span>"), "{page}");
    let page = browser.page(&format!("{path}?from=%2B{DEVICE}&to=%2B46700000002&text=")).await;
    assert!(page.contains("Refused: <code>p2p_off</code>") && page.contains("ESME_RINVDSTADR"), "{page}");
    let page = browser.page(&format!("{path}?from=%3Cscript%3E&to=x")).await;
    assert!(page.contains("role=\"alert\"") && !page.contains("<script>"), "{page}");
    assert!(page.contains("The config file declares this customer") && !page.contains("name=\"policy\""), "{page}");
    browser.post(path, &[("tag", ""), ("policy", "{}")]).await.expect(403);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_looked_at_before_it_is_put_in_place() {
    let (site, operator) = site().await;
    let gamma = gamma(&operator).await;
    let sender = key(&operator, "gamma", &["send"]).await;
    let browser = Browser::signed_in(site.api(), gamma.token()).await;
    let path = "/console/c/gamma/firewall";
    // Somebody's who is no customer's here: the policy alone is in the way.
    let refused = json!({ "to": "+491234567", "text": "for a stranger" });
    sender.post("/v1/messages", refused).await.expect(403);
    let open = [("tag", ""), ("policy", "{ \"a2p\": \"open\" }")];
    let page = eventually("it is in the history", || async {
        let page = browser.post(&format!("{path}/preview"), &open).await.expect(200).text;
        page.contains("Of 1 message").then_some(page)
    })
    .await;
    assert!(page.contains("<strong>1 message</strong> would have passed that are refused"), "{page}");
    assert!(page.contains("not_a_device</code>") || page.contains("a2p_own_only</code>"), "the reason: {page}");
    assert!(page.contains("&quot;open&quot; }</textarea>"), "the draft stays: {page}");
    assert_eq!(gamma.get("/v1/customers/gamma/policy").await.json()["policy"], json!({}), "nothing is changed");
    let wrong =
        browser.post(&format!("{path}/preview"), &[("tag", ""), ("policy", "{ \"a2p\": 1 }")]).await.expect(422);
    assert!(wrong.text.contains("Field: <code>a2p</code>"), "{}", wrong.text);
    site.end(()).await;
}
