//! Keys: made and shown once, deleted, and only by who may.

use super::browser::{Browser, attribute, leads_to, site};
use crate::api::client::key;

const PATH: &str = "/console/c/acme/keys";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_signs_in_and_is_gone_when_it_is_deleted() {
    let (site, operator) = site().await;
    let manager = key(&operator, "acme", &["manage"]).await;
    let browser = Browser::signed_in(site.api(), manager.token()).await;
    let made = browser.post(PATH, &[("name", "<b>shop"), ("read", "yes"), ("send", "yes")]).await.expect(200).text;
    let token = made.split("<code class=\"secret\">").nth(1).and_then(|rest| rest.split('<').next()).expect("the key");
    assert!(!made.contains("<b>shop") && made.contains("&lt;b&gt;shop"), "{made}");
    let page = browser.page(PATH).await;
    let id = token.split('_').nth(1).expect("an id");
    assert!(page.contains(id) && !page.contains(token), "only its id stays");
    let other = Browser::signed_in(site.api(), token).await;
    other.page("/console/c/acme").await;
    // It has not the scope for keys.
    assert!(other.get(PATH).await.expect(403).text.contains("This needs a key with the scope"));
    other.post(&format!("{PATH}/{id}/delete"), &[]).await.expect(403);
    let delete = attribute(&page, &format!("action=\"{PATH}/{id}")).to_owned();
    assert_eq!(delete, "/delete");
    leads_to(&browser.post(&format!("{PATH}/{id}/delete"), &[]).await, PATH);
    assert!(!browser.page(PATH).await.contains(id));
    leads_to(&other.get("/console/c/acme").await, "/console/sign-in");
    let refused = browser.post(PATH, &[("name", "no scope")]).await.text;
    assert!(
        refused.contains("role=\"alert\"") && refused.contains("A key without a scope could do nothing"),
        "{refused}"
    );
    site.end(()).await;
}
