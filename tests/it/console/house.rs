//! The operator's pages.

use serde_json::json;

use super::browser::{Browser, site};
use crate::api::client::key;

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_shows_who_changed_what() {
    let (site, operator) = site().await;
    let browser = Browser::signed_in(site.api(), operator.token()).await;
    assert!(browser.page("/console/audit").await.contains("No changes."));
    for n in 0..60 {
        let settings = json!({ "numbers": [format!("8{n:03}")], "senders": ["<i>x</i>"] });
        let path = format!("/v1/customers/c{n:02}");
        let made = operator.request("PUT", &path, &[], Some(&settings.to_string())).await;
        assert!(made.status.is_success() || made.text.contains("sender"), "{made:?}");
    }
    let keys = key(&operator, "acme", &["read"]).await;
    let first = browser.page("/console/audit").await;
    let next = super::browser::attribute(&first, "<a class=\"button\" href=\"").to_owned();
    let second = browser.page(&next).await;
    assert!(first.contains("operator") && !first.contains("<i>x"), "{first}");
    let id = keys.token().split('_').nth(1).expect("an id");
    assert!(second.contains(id) && !first.contains(id) && second.contains("made"), "{second}");
    assert!(!second.contains(keys.token()));
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_system_tells_health_and_commits_to_the_operator_only() {
    let (site, operator) = site().await;
    let browser = Browser::signed_in(site.api(), operator.token()).await;
    let page = browser.page("/console/system").await;
    assert!(page.contains("are taken</span>") && page.contains(env!("CARGO_PKG_VERSION")), "{page}");
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    for path in ["/console/system", "/console/audit"] {
        browser.get(path).await.expect(404);
    }
    let page = browser.page("/console/c/acme/numbers").await;
    assert!(
        page.contains("7001") && page.contains("account <bdi class=\"said\">app</bdi>") && !page.contains("7002"),
        "{page}"
    );
    site.end(()).await;
}
