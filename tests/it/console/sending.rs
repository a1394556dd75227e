//! Writing to a device from its page.

use super::browser::{Browser, attribute, leads_to, site};
use crate::api::client::key;
use crate::smsc::site::{DEVICE, NUMBER, read};

fn path() -> String {
    format!("/console/c/acme/devices/+{DEVICE}")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_reaches_the_device_once_though_the_form_is_sent_twice() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read", "send"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let page = browser.page(&path()).await;
    assert!(page.contains(&format!("<option value=\"{NUMBER}\">")), "{page}");
    let once = attribute(&page, "name=\"once\" value=\"");
    let fields = [("once", once), ("from", NUMBER), ("text", "two\r\nlines")];
    let first = browser.post(&path(), &fields).await;
    let sent = first.headers["location"].to_str().expect("text").to_owned();
    assert!(sent.starts_with(&format!("/console/c/acme/devices/%2B{DEVICE}?sent=")), "{sent}");
    leads_to(&browser.post(&path(), &fields).await, &sent);
    assert!(browser.page(&sent).await.contains("On its way."));
    let other = attribute(&browser.page(&path()).await, "name=\"once\" value=\"").to_owned();
    assert_ne!(other, once);
    browser.post(&path(), &[("once", &other), ("from", NUMBER), ("text", "the next")]).await.expect(303);
    let mut sim = site.sim().await;
    assert_eq!(read(&sim.take().await), "two\nlines");
    assert_eq!(read(&sim.take().await), "the next");
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counter_says_what_the_text_would_become() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read", "send"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let measure = format!("{}/measure", path());
    for (text, told) in [
        ("", "Nothing is written yet."),
        ("hi", "2 characters, <strong>1 SMS</strong>, in the GSM alphabet"),
        (&"x".repeat(161), "161 characters, <strong>2 SMS</strong>, in the GSM alphabet"),
        ("日本", "2 characters, <strong>1 SMS</strong>, in UCS-2"),
        (&"日".repeat(2_000), "not so</span>"),
    ] {
        let said = browser.post(&measure, &[("text", text), ("from", NUMBER)]).await.expect(200).text;
        assert!(said.contains(told), "{said}");
    }
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_sent_is_told_and_the_draft_stays() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read", "send"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let fields = [("once", "k1"), ("from", "9999"), ("text", "</textarea><b>my draft")];
    let page = browser.post(&path(), &fields).await;
    assert!(page.status.is_client_error(), "{page:?}");
    assert!(page.text.contains("role=\"alert\""), "{page:?}");
    assert!(page.text.contains("&lt;/textarea&gt;&lt;b&gt;my draft</textarea>"), "{page:?}");
    // The operator writes nothing.
    let house = Browser::signed_in(site.api(), operator.token()).await;
    assert!(house.page(&path()).await.contains("sign in with one of its keys to write"));
    house.post(&path(), &fields).await.expect(403);
    site.end(()).await;
}
