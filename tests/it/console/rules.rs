//! Rules and plugins: uploaded, made, changed and rolled back from pages, while messages flow.

use axum::body::Body;
use tokio::net::TcpStream;

use super::browser::{Browser, attribute, leads_to, site};
use crate::api::client::{Reply, exchange, key};
use crate::smsc::peer::Peer;
use crate::smsc::site::{Site, mo, read};
use crate::support::server::version;

const RULES: &str = "/console/c/acme/rules";

async fn upload(site: &Site, browser: &Browser, named: &str, octets: Vec<u8>) -> Reply {
    let headers =
        [("cookie", browser.cookie.as_str()), ("origin", "http://smsc.test"), ("content-type", "application/wasm")];
    let request = browser.client().build("POST", &format!("/console/c/acme/plugins?{named}"), &headers, Some(""));
    let stream = TcpStream::connect(site.api()).await.expect("it listens");
    exchange(stream, request.map(|_| Body::from(octets))).await
}

/// Which version answers.
async fn answers(sim: &mut Peer) -> String {
    sim.submitted(mo("VERSION ?")).await;
    let [a, b] = [read(&sim.take().await), read(&sim.take().await)];
    assert_eq!(a.split(' ').next(), b.split(' ').next());
    a.split(' ').next().expect("a word").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_uploaded_made_a_rule_changed_and_rolled_back() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    assert!(browser.page(RULES).await.contains("No rules yet."));
    let refused = upload(&site, &browser, "name=echo&version=1", b"<b>no component".to_vec()).await.expect(422);
    assert!(refused.text.starts_with("<div class=\"notice bad\"") && !refused.text.contains("<b>no"), "{refused:?}");
    for (number, mark) in [("1", "mark-one"), ("2", "mark-two")] {
        let taken = upload(&site, &browser, &format!("name=echo&version={number}"), version(mark)).await.expect(201);
        assert!(taken.text.contains(&format!("echo@{number}</bdi></strong> is taken")), "{taken:?}");
    }
    let new =
        [("name", "echo"), ("plugin", "echo@1"), ("numbers", "7001"), ("keyword", ""), ("config", "a = <i>b\nc=d")];
    let one = format!("{RULES}/echo");
    leads_to(&browser.post(RULES, &new).await, &one);
    // The form makes rules and changes none.
    let again = browser.post(RULES, &new).await.expect(412).text;
    assert!(again.contains("a = &lt;i&gt;b"), "the draft stays: {again}");
    let mut sim = site.sim().await;
    assert_eq!(answers(&mut sim).await, "mark-one");
    let page = browser.page(&one).await;
    assert!(
        page.contains("running</span>") && page.contains("a&quot;: &quot;&lt;i&gt;b") && !page.contains("<i>b"),
        "{page}"
    );
    leads_to(&browser.post(&format!("{one}/activate"), &[("plugin", "echo@2")]).await, &one);
    assert_eq!(answers(&mut sim).await, "mark-two");
    assert!(browser.page(&one).await.contains("Roll back to echo@1"));
    leads_to(&browser.post(&format!("{one}/rollback"), &[]).await, &one);
    assert_eq!(answers(&mut sim).await, "mark-one");
    let page = browser.page(&one).await;
    assert!(page.contains("<strong>Rolled back</strong>") && page.contains("key "), "who did it: {page}");
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_canary_and_a_shadow_are_set_shown_and_ended() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    for (number, mark) in [("1", "mark-one"), ("2", "mark-two")] {
        acme.upload(("echo", number), "", version(mark)).await.expect(201);
    }
    browser.post(RULES, &[("name", "echo"), ("plugin", "echo@1"), ("numbers", "7001")]).await.expect(303);
    let one = format!("{RULES}/echo");
    let canary = [("plugin", "echo@2"), ("percent", "20"), ("steps", "50, 100"), ("every_secs", "3600")];
    leads_to(&browser.post(&format!("{one}/canary"), &canary).await, &one);
    let page = browser.page(&one).await;
    assert!(page.contains("Canary: 20 % of the devices") && page.contains("Next: 50, 100 %"), "{page}");
    assert!(browser.page(RULES).await.contains("canary 20 %</span>"));
    let wrong = browser.post(&format!("{one}/canary"), &[("plugin", "echo@2"), ("percent", "many")]).await;
    assert!(wrong.status.is_client_error() && wrong.text.contains("role=\"alert\""), "{wrong:?}");
    leads_to(&browser.post(&format!("{one}/end-canary"), &[]).await, &one);
    leads_to(&browser.post(&format!("{one}/shadow"), &[("plugin", "echo@2")]).await, &one);
    let page = browser.page(&one).await;
    assert!(page.contains("Came to the same") && page.contains("Side by side"), "{page}");
    leads_to(&browser.post(&format!("{one}/end-shadow"), &[]).await, &one);
    browser.post(&format!("{one}/explode"), &[]).await.expect(404);
    // Who may only read sees all of it and changes nothing.
    let reader = key(&operator, "acme", &["read"]).await;
    let browser = Browser::signed_in(site.api(), reader.token()).await;
    let page = browser.page(&one).await;
    assert!(page.contains("echo@1") && !page.contains("Activate for all"), "{page}");
    browser.post(&format!("{one}/activate"), &[("plugin", "echo@2")]).await.expect(403);
    assert_eq!(attribute(&page, "data-follow=\""), "/console/c/acme/log?rule=echo");
    site.end(()).await;
}
