//! What others wrote is shown and does nothing: SMS, tags, attributes, searches.

use serde_json::json;
use wasmsc_smpp::{DataCoding, Sm};

use super::browser::{Browser, site};
use crate::api::client::key;
use crate::smsc::peer::eventually;
use crate::smsc::site::{DEVICE, mo};

const HTML: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&";
const MARKS: &str = "pay\u{202e}txt.exe\u{200f}\u{2066}";

#[track_caller]
fn is_harmless(page: &str) {
    assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{page}");
    let hidden = |c: &char| (c.is_control() && *c != '\n') || "\u{202e}\u{200f}\u{2066}".contains(*c);
    assert_eq!(page.chars().find(hidden), None, "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_of_an_sms_is_shown_and_does_nothing() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read", "send"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    for said in [HTML, MARKS, "bell\u{7}escape\u{1b}[31m", "two\nlines"] {
        let message = json!({ "to": format!("+{DEVICE}"), "text": said, "encoding": "ucs2" });
        let id = acme.post("/v1/messages", message).await.expect(202).field("id");
        for path in ["messages".to_owned(), format!("messages/{id}"), format!("devices/+{DEVICE}")] {
            let path = format!("/console/c/acme/{path}");
            let page = eventually(&path, || async {
                let page = browser.get(&path).await.text;
                page.contains(&id).then_some(page)
            })
            .await;
            is_harmless(&page);
            let seen = match said {
                HTML => "&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;",
                MARKS => "⟦RLO⟧</span>txt.exe<span",
                "two\nlines" => "two\nlines",
                _ => "␇</span>escape<span",
            };
            assert!(page.contains(seen), "{seen} in {page}");
        }
    }
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_messages_tag_and_what_somebody_searches_for_are_shown_and_do_nothing() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read", "send"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let message = json!({ "to": format!("+{DEVICE}"), "text": "hi", "tag": HTML });
    let id = acme.post("/v1/messages", message).await.expect(202).field("id");
    let path = format!("/console/c/acme/messages/{id}");
    let page = eventually("the message", || async {
        let page = browser.get(&path).await.text;
        page.contains("&lt;script&gt;").then_some(page)
    })
    .await;
    is_harmless(&page);
    // What somebody types comes back in the form.
    let page = browser.get(&format!("/console/c/acme/messages?text={}", super::browser::escaped(HTML))).await.text;
    is_harmless(&page);
    assert!(page.contains("value=\"&lt;script&gt;alert(1)"), "{page}");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_and_tags_of_devices_are_shown_and_do_nothing() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let device = json!({ "tags": ["<b>tag</b>"], "attributes": { "<i>site": HTML, "owner": MARKS } });
    let path = format!("/v1/devices/+{DEVICE}");
    acme.request("PUT", &path, &[], Some(&device.to_string())).await.expect(201);
    for path in ["devices".to_owned(), format!("devices/+{DEVICE}")] {
        let page = browser.page(&format!("/console/c/acme/{path}")).await;
        is_harmless(&page);
        assert!(!page.contains("<b>tag") && !page.contains("<i>site"), "{page}");
        assert!(page.contains("&lt;b&gt;tag&lt;/b&gt;") && page.contains("⟦RLO⟧"), "{page}");
    }
    // An address that is none.
    let page = browser.get("/console/c/acme/devices/%3Cscript%3Ealert(1)%3C%2Fscript%3E").await.text;
    is_harmless(&page);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn octets_are_shown_as_octets() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let octets = vec![0x3c, 0x62, 0x3e, 0x00, 0xff];
    sim.submitted(Sm { data_coding: DataCoding(4), short_message: octets.into(), ..mo("") }).await;
    app.take().await;
    let page = eventually("the MO", || async {
        let page = browser.page("/console/c/acme/messages").await;
        page.contains("3c 62 3e 00 ff").then_some(page)
    })
    .await;
    is_harmless(&page);
    site.end((app, sim)).await;
}
