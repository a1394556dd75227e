//! Dead letters: listed with their reason, shown with their backtrace, tried again and dropped.

use super::browser::Browser;
use crate::api::client::{key, start};
use crate::smsc::peer::eventually;
use crate::smsc::site::{Plan, mo};
use crate::support::server::built;

const PATH: &str = "/console/c/acme/dead-letters";

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_shown_tried_again_and_dropped() {
    let component = built("hostile");
    let rule = format!(
        "\n[[rule]]\ncustomer = \"acme\"\nname = \"hostile\"\ncomponent = {component:?}\nnumbers = [\"7001\"]\n\
         attempts_max = 1\ndeadline_ms = 5000\n[history]\ndays = 1\n"
    );
    let (site, operator) = start(Plan::network().more(&rule)).await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    assert!(browser.page(PATH).await.contains("No dead letters."));
    let mut sim = site.sim().await;
    let id = sim.submitted(mo("TRAP")).await;
    let until = |count: usize| {
        let browser = &browser;
        eventually("dead letters", move || async move {
            let page = browser.page(PATH).await;
            (page.matches("Drop for good").count() == count).then_some(page)
        })
    };
    let page = until(1).await;
    assert!(
        page.contains("unreachable") && page.contains("of rule <a href=\"/console/c/acme/rules/hostile\""),
        "{page}"
    );
    let one = browser.page(&format!("{PATH}/{id}")).await;
    assert!(one.contains("Backtrace") && one.contains("handle-mo"), "{one}");
    let overview = browser.page("/console/c/acme").await;
    assert!(overview.contains("1 dead letter waits") && overview.contains(&format!("href=\"{PATH}\"")), "{overview}");
    sim.submitted(mo("REJECT <b>no")).await;
    let page = until(2).await;
    assert!(!page.contains("<b>no") && page.contains("&lt;b&gt;no"), "{page}");
    let retried = browser.post(&format!("{PATH}/all/retry"), &[("rule", "hostile")]).await;
    assert!(retried.headers["location"].to_str().expect("text").ends_with("rule=hostile&did=retry&changed=2&left=0"));
    until(2).await;
    let dropped = browser.post(&format!("{PATH}/{id}/drop"), &[]).await;
    let to = dropped.headers["location"].to_str().expect("text").to_owned();
    assert!(browser.page(&to).await.contains("1 dead letter is dropped."));
    until(1).await;
    // Nobody's words come into the page by a link.
    let page = browser.page(&format!("{PATH}?did=%3Cb%3Ecall+us&changed=1&left=0")).await;
    assert!(!page.contains("call us") && !page.contains("role=\"status\""), "{page}");
    browser.post(&format!("{PATH}/{id}/burn"), &[]).await.expect(404);
    site.end(sim).await;
}
