//! Pages of who does not see texts, and the button that shows one.

use serde_json::json;

use super::browser::{Browser, attribute, site};
use crate::api::client::{Client, key};
use crate::smsc::peer::eventually;
use crate::smsc::site::{DEVICE, mo, mt, read};

const MESSAGES: &str = "/console/c/acme/messages";

async fn masked(operator: &Client, scopes: &[&str]) -> Client {
    let body = json!({ "name": "masked", "scopes": scopes, "texts": "masked" });
    let made = operator.post("/v1/customers/acme/keys", body).await.expect(201);
    operator.with_token(&made.field("key"))
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_mask_texts_and_one_is_shown_by_its_button_and_written_down() {
    let (site, operator) = site().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let id = app.submitted(mt("the giraffe is down")).await;
    sim.take().await;
    sim.submitted(mo("the giraffe is up")).await;
    app.take().await;
    let may = Browser::signed_in(site.api(), masked(&operator, &["read", "send", "reveal"]).await.token()).await;
    let may_not = Browser::signed_in(site.api(), masked(&operator, &["read", "send", "manage"]).await.token()).await;
    let house = Browser::signed_in(site.api(), operator.token()).await;
    let one = format!("{MESSAGES}/{id}");
    eventually("the message in the history", || async {
        let reply = may.get(&one).await;
        (reply.status == 200).then_some(())
    })
    .await;
    for browser in [&may, &may_not, &house] {
        for path in [MESSAGES, &one, &format!("/console/c/acme/devices/+{DEVICE}"), "/console/c/acme/dead-letters"] {
            let page = browser.page(path).await;
            assert!(!page.contains("giraffe") && !page.contains("67 69 72"), "{path}: {page}");
            assert!(path.ends_with("dead-letters") || page.contains("class=\"masked\""), "{path}: {page}");
        }
        assert!(!browser.page(MESSAGES).await.contains("name=\"text\""), "there is nothing to search");
        browser.get(&format!("{MESSAGES}?text=giraffe")).await.expect(403);
    }
    let reveal = format!("{one}/reveal");
    assert!(!may_not.page(&one).await.contains("Show text") && !may_not.page(&one).await.contains("Send again"));
    let refused = may_not.post(&reveal, &[]).await.expect(403).text;
    assert!(refused.contains("role=\"alert\"") && !refused.contains("giraffe"), "{refused}");
    for browser in [&may, &house] {
        assert!(browser.page(&one).await.contains("Show text"));
        let page = browser.post(&reveal, &[]).await.expect(200).text;
        assert!(
            page.contains("the giraffe is down") && page.contains("67 69 72") && !page.contains("Show text"),
            "{page}"
        );
        assert!(!browser.page(&one).await.contains("giraffe"), "this once");
    }
    let audit = house.page("/console/audit").await;
    assert!(
        audit.matches("<summary>revealed</summary>").count() == 2 && audit.contains(&format!("acme/{id}")),
        "{audit}"
    );

    // What cannot be seen can be sent again by who may see it, and that is written down, too.
    let page = may.page(&one).await;
    let once = attribute(&page, "name=\"once\" value=\"");
    may.post(&format!("{one}/again"), &[("once", once)]).await.expect(303);
    assert_eq!(read(&sim.take().await), "the giraffe is down");
    may_not.post(&format!("{one}/again"), &[("once", "k1")]).await.expect(403);
    assert_eq!(house.page("/console/audit").await.matches("<summary>revealed</summary>").count(), 3);
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_with_masked_texts_are_made_and_told_from_others() {
    let (site, operator) = site().await;
    let manager = key(&operator, "acme", &["manage"]).await;
    let browser = Browser::signed_in(site.api(), manager.token()).await;
    let path = "/console/c/acme/keys";
    let made = browser.post(path, &[("name", "support"), ("read", "yes"), ("reveal", "yes"), ("masked", "yes")]).await;
    let made = made.expect(200).text;
    assert!(made.contains("texts masked") && made.contains("<span class=\"tag\">reveal</span>"), "{made}");
    let token = made.split("<code class=\"secret\">").nth(1).and_then(|rest| rest.split('<').next()).expect("the key");
    assert_eq!(operator.with_token(token).get("/v1/caller").await.expect(200).field("texts"), "masked");
    site.end(()).await;
}
