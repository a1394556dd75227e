//! What rules keep about a device on its page, and opt-outs with their own.

use super::browser::{Browser, leads_to};
use crate::api::client::{key, start};
use crate::api::kept::meters;
use crate::smsc::site::{DEVICE, NUMBER, mo, mt, read};

const OPT_OUTS: &str = "/console/c/acme/opt-outs";

#[tokio::test(flavor = "multi_thread")]
async fn a_devices_page_shows_state_timers_and_opt_outs_which_can_be_taken_back() {
    let (site, operator) = start(meters()).await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let reader = Browser::signed_in(site.api(), key(&operator, "acme", &["read"]).await.token()).await;
    let path = format!("/console/c/acme/devices/+{DEVICE}");
    assert!(!browser.page(&path).await.contains("What rules keep"));
    assert!(browser.page(OPT_OUTS).await.contains("No opt-outs."));
    let mut sim = site.sim().await;
    sim.submitted(mo("WM1 V=10.000 F=5 B=3.6 S=OPEN")).await;
    sim.take().await;
    sim.submitted(mo("STOP")).await;
    sim.take().await;
    let page = browser.page(&path).await;
    for told in ["What rules keep: 1 value", "&quot;l&quot;: 10000", "<h2>Timers</h2>", "silent", "<h2>Opted out</h2>"]
    {
        assert!(page.contains(told), "{told} in {page}");
    }
    let page = reader.page(&path).await;
    assert!(page.contains("<h2>Timers</h2>") && !page.contains("What rules keep"), "{page}");
    assert!(!reader.page(OPT_OUTS).await.contains("Take back"));

    let page = browser.page(OPT_OUTS).await;
    assert!(page.contains(DEVICE) && page.contains("Take back"), "{page}");
    assert!(browser.page(&format!("{OPT_OUTS}?number=7002")).await.contains("No opt-outs."));
    let device = format!("+{DEVICE}");
    let fields = [("number", NUMBER), ("device", &*device)];
    reader.post(OPT_OUTS, &fields).await.expect(403);
    let other = Browser::signed_in(site.api(), key(&operator, "beta", &["read", "manage"]).await.token()).await;
    other.post(OPT_OUTS, &fields).await.expect(404);
    other.get(OPT_OUTS).await.expect(404);
    leads_to(&browser.post(OPT_OUTS, &fields).await, &format!("{OPT_OUTS}?back=%2B{DEVICE}"));
    browser.post(OPT_OUTS, &fields).await.expect(404);
    let page = browser.page(&format!("{OPT_OUTS}?back=%2B{DEVICE}")).await;
    assert!(page.contains("pass again") && page.contains("No opt-outs."), "{page}");
    assert!(!browser.page(&path).await.contains("Opted out"));
    let mut app = site.app().await;
    app.submitted(mt("again")).await;
    assert_eq!(read(&sim.take().await), "again");
    site.end((app, sim)).await;
}
