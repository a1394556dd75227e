//! The operator's pages of links: PDUs, the decoder, drop, pause, accounts and upstreams.

use serde_json::json;

use super::browser::{Browser, attribute, leads_to, site};
use crate::api::client::key;
use crate::smsc::peer::eventually;
use crate::smsc::site::{DEVICE, mt};

#[tokio::test(flavor = "multi_thread")]
async fn pdus_of_a_link_are_shown_without_passwords_and_texts() {
    let (site, operator) = site().await;
    let browser = Browser::signed_in(site.api(), operator.token()).await;
    let mut app = site.app().await;
    let page = browser.page("/console/links").await;
    let pdus = format!("/console/links/{}", attribute(&page, "href=\"/console/links/"));
    let page = browser.page(&pdus).await;
    assert!(
        page.contains("bind_transceiver") && page.contains("hidden, 7 octets") && !page.contains("secret"),
        "{page}"
    );
    app.submitted(mt("zebra <b>")).await;
    let page = eventually("the submit_sm", || async {
        let page = browser.page(&pdus).await;
        page.contains("submit_sm_resp").then_some(page)
    })
    .await;
    assert!(page.contains(DEVICE) && page.contains("ESME_ROK") && page.contains("data_coding"), "{page}");
    assert!(page.contains("hidden, 9 octets") && !page.contains("zebra") && page.contains(" ** "), "{page}");
    site.end(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_pasted_is_decoded_or_said_to_be_wrong() {
    let (site, operator) = site().await;
    let browser = Browser::signed_in(site.api(), operator.token()).await;
    assert!(browser.page("/console/pdus").await.contains("Octets in hex"));
    let page = browser.post("/console/pdus", &[("hex", "0000001000000015 00000000 00000001")]).await.expect(200).text;
    assert!(page.contains("enquire_link") && page.contains("0000  00 00 00 10 00 00 00 15"), "{page}");
    let page =
        browser.post("/console/pdus", &[("hex", "00000040 00000004 00000000 00000001 00")]).await.expect(200).text;
    assert!(page.contains("at octet 0: <bdi class=\"said\">it says 64 octets, there are 17"), "{page}");
    let page = browser.post("/console/pdus", &[("hex", "<i>")]).await.expect(422).text;
    assert!(page.contains("is no hex digit") && !page.contains("<i>"), "{page}");
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let customer = Browser::signed_in(site.api(), acme.token()).await;
    for path in ["/console/pdus", "/console/peers/accounts", "/console/peers/accounts/app", "/console/links/1-1"] {
        customer.get(path).await.expect(404);
    }
    customer.post("/console/peers/accounts/sim/pause", &[("reason", "")]).await.expect(404);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bind_is_dropped_and_an_account_paused_and_resumed() {
    let (site, operator) = site().await;
    let browser = Browser::signed_in(site.api(), operator.token()).await;
    let mut sim = site.sim().await;
    let page = browser.page("/console/links").await;
    let drop_it = format!("/console/links/{}/drop", attribute(&page, "href=\"/console/links/"));
    leads_to(&browser.post(&drop_it, &[]).await, "/console/links");
    sim.expect_closed().await;
    eventually("its history", || async {
        browser.page("/console/links").await.contains("dropped by the operator").then_some(())
    })
    .await;
    let own = "/console/peers/accounts/sim";
    leads_to(&browser.post(&format!("{own}/pause"), &[("reason", "<b>night</b>")]).await, own);
    let page = browser.page(own).await;
    assert!(page.contains("paused</span> since") && page.contains("&lt;b&gt;night"), "{page}");
    for path in ["/console/links", "/console/overview"] {
        let page = browser.page(path).await;
        assert!(page.contains("paused") && !page.contains("<b>night"), "{page}");
    }
    leads_to(&browser.post(&format!("{own}/resume"), &[]).await, own);
    assert!(!browser.page("/console/links").await.contains("paused</span>"));
    let page = browser.post(&format!("{own}/resume"), &[]).await;
    assert_eq!(page.status, 404);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_upstreams_are_made_changed_and_deleted() {
    let (site, operator) = site().await;
    let browser = Browser::signed_in(site.api(), operator.token()).await;
    // What the file declares is changed there.
    let page = browser.page("/console/peers/accounts/sim").await;
    assert!(
        page.contains("The config file declares it") && !page.contains("action=\"/console/peers/accounts/sim/save\"")
    );
    assert!(!page.contains("&quot;password&quot;"), "{page}");
    let new = [("name", "more"), ("password", "geheim"), ("role", "application"), ("customer", "acme")];
    let own = "/console/peers/accounts/more";
    leads_to(&browser.post("/console/peers/accounts", &new).await, &format!("{own}?saved=true"));
    let again = browser.post("/console/peers/accounts", &new).await.expect(412).text;
    assert!(again.contains("there is one of this name") && !again.contains("geheim"), "{again}");
    let page = browser.page(own).await;
    assert!(page.contains("&quot;acme&quot;") && !page.contains("geheim"), "{page}");
    let tag = attribute(&page, "name=\"tag\" value=\"").replace("&quot;", "\"");
    let settings = json!({ "role": "application", "customer": "acme", "window": 7 }).to_string();
    let save = format!("{own}/save");
    leads_to(&browser.post(&save, &[("settings", &settings), ("tag", &tag)]).await, &format!("{own}?saved=true"));
    let shown = operator.get("/v1/accounts/more").await.expect(200).json();
    assert_eq!(shown["settings"]["window"], 7);
    let login = crate::smsc::peer::Login::new("more").password("geheim");
    drop(site.bind(login).await); // the password stayed
    let late = browser.post(&save, &[("settings", &settings), ("tag", &tag)]).await.expect(412).text;
    assert!(late.contains("Somebody changed it meanwhile"), "{late}");
    let broken = browser.post(&save, &[("settings", "{ \"window\": }"), ("tag", &tag)]).await.expect(422).text;
    assert!(broken.contains("The settings are no JSON") && broken.contains("{ &quot;window&quot;: }"), "{broken}");
    let page = browser.page(own).await;
    let tag = attribute(&page, "name=\"tag\" value=\"").replace("&quot;", "\"");
    leads_to(&browser.post(&format!("{own}/delete"), &[("tag", &tag)]).await, "/console/links");
    operator.get("/v1/accounts/more").await.expect(404);
    let upstream = [
        ("name", "up"),
        ("host", "127.0.0.1"),
        ("port", "1"),
        ("system_id", "we"),
        ("password", "p"),
        ("routes", "+99, +98"),
    ];
    leads_to(&browser.post("/console/peers/upstreams", &upstream).await, "/console/peers/upstreams/up?saved=true");
    let shown = operator.get("/v1/upstreams/up").await.expect(200).json();
    assert_eq!(shown["settings"]["routes"], json!(["+99", "+98"]));
    eventually("that nobody is there", || async {
        browser.page("/console/peers/upstreams/up").await.contains("unreachable</span>").then_some(())
    })
    .await;
    let wrong = [("name", "bad"), ("host", "127.0.0.1"), ("port", "x")];
    let page = browser.post("/console/peers/upstreams", &wrong).await.expect(422).text;
    assert!(page.contains("Field: <code>port</code>") && page.contains("value=\"127.0.0.1\""), "{page}");
    browser.get("/console/peers/numbers/7001").await.expect(404);
    site.end(()).await;
}
