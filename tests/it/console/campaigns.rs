//! Campaigns: begun once, seen to their end, stopped.

use super::browser::{Browser, attribute, leads_to, site};
use crate::api::client::key;
use crate::smsc::peer::eventually;
use crate::smsc::site::read;

const PATH: &str = "/console/c/acme/campaigns";

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_begun_once_and_seen_to_its_end() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read", "send"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let page = browser.page(PATH).await;
    assert!(page.contains("No campaigns yet."), "{page}");
    let once = attribute(&page, "name=\"once\" value=\"");
    let fields = [
        ("to", "devices"),
        ("target", "+46700000001, +46700000002\r\n"),
        ("text", "To <all>"),
        ("tag", "<i>tag"),
        ("once", once),
    ];
    let begun = browser.post(PATH, &fields).await;
    let one = begun.headers["location"].to_str().expect("text").to_owned();
    leads_to(&browser.post(PATH, &fields).await, &one);
    let mut sim = site.sim().await;
    for _ in 0..2 {
        assert_eq!(read(&sim.take().await), "To <all>");
    }
    let page = eventually("the end", || async {
        let page = browser.page(&one).await;
        page.contains("badge good\">done").then_some(page)
    })
    .await;
    assert!(page.contains("2 of 2") && page.contains("delivered</span></dt><dd>2"), "{page}");
    assert!(!page.contains("<i>tag") && !page.contains("hx-get"), "it is over, and asks no more: {page}");
    let file = browser.get(&format!("{one}/recipients.csv")).await.expect(200);
    assert!(
        file.headers["content-disposition"].to_str().expect("text").starts_with("attachment; filename=\"campaign-")
    );
    assert_eq!(file.text.matches(",delivered,").count(), 2, "{file:?}");
    browser.get(&format!("{PATH}/00000000000000ff/recipients.csv")).await.expect(404);
    assert_eq!(browser.page(PATH).await.matches("2 of 2").count(), 1, "one campaign");
    let refused = browser.post(PATH, &[("to", "devices"), ("target", ""), ("text", "to nobody")]).await;
    assert!(refused.status.is_client_error() && refused.text.contains("to nobody</textarea>"), "{refused:?}");
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_paused_goes_on_and_is_cancelled() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read", "send"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    // Nobody is bound: they wait.
    let devices: Vec<String> = (0..50).map(|n| format!("+467000000{n:02}")).collect();
    let fields = [("to", "devices"), ("target", &*devices.join("\n")), ("text", "slowly"), ("pace", "1")];
    let begun = browser.post(PATH, &fields).await;
    let one = begun.headers["location"].to_str().expect("text").to_owned();
    for (verb, state, next) in
        [("pause", "paused", "Resume"), ("resume", "running", "Pause"), ("cancel", "cancelled", "")]
    {
        leads_to(&browser.post(&format!("{one}/{verb}"), &[]).await, &one);
        let page = browser.page(&one).await;
        assert!(page.contains(&format!(">{state}</span>")) && page.contains(next), "{page}");
    }
    browser.post(&format!("{one}/pause"), &[]).await.expect(409);
    browser.post(&format!("{one}/explode"), &[]).await.expect(404);
    site.end(()).await;
}
