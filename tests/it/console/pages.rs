//! What pages tell of a house that works, of one where nothing happened yet, and of one that lacks something.

use serde_json::json;
use wasmsc_smpp::CommandStatus;

use super::browser::{Browser, attribute, site};
use crate::api::client::{key, start};
use crate::smsc::peer::eventually;
use crate::smsc::site::{DEVICE, Plan, mo, mt, mt_to};

/// A page once it contains this.
async fn shows(browser: &Browser, path: &str, what: &str) -> String {
    eventually(&format!("{what} in {path}"), || async {
        let page = browser.page(path).await;
        page.contains(what).then_some(page)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_counts_messages_and_says_what_is_wrong() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let page = browser.page("/console/c/acme").await;
    assert!(
        page.contains("Nothing.") && page.contains("No rule answers MOs yet") && page.contains("not bound"),
        "{page}"
    );
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    app.submitted(mt("refused")).await;
    sim.refuse(CommandStatus::ESME_RINVDSTADR).await;
    app.submitted(mt("taken")).await;
    sim.take().await;
    shows(&browser, "/console/c/acme", "1 message did not arrive").await;
    let page = shows(&browser, "/console/c/acme", "Delivered</dt><dd>1<small>of 2").await;
    assert!(page.contains("<span class=\"badge good\">1 bind</span>"), "{page}");
    let house = Browser::signed_in(site.api(), operator.token()).await;
    let page = house.page("/console/overview").await;
    assert!(page.contains("Delivered</dt><dd>1<small>of 2") && page.contains("MTs waiting"), "{page}");
    let chart = eventually("the chart", || async {
        let page = browser.page("/console/c/acme?span=day").await;
        let chart = attribute(&page, "data-chart=\"").replace("&quot;", "\"");
        let chart: serde_json::Value = serde_json::from_str(&chart).expect("JSON");
        let mts = chart["mt"].as_array().expect("a list").iter().filter_map(|count| count.as_u64()).sum::<u64>();
        (mts == 2).then_some(chart)
    })
    .await;
    assert_eq!((&chart["step_secs"], chart["failed"].as_array().map(Vec::len)), (&json!(900), Some(96)));
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_found_by_filter_and_each_tells_its_life() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let messages = "/console/c/acme/messages";
    assert!(browser.page(messages).await.contains("No messages."));
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    sim.submitted(mo("an MO")).await;
    app.take().await;
    app.submitted(mt("first")).await;
    sim.take().await;
    app.submitted(mt_to("46700000002", "to another")).await;
    sim.refuse(CommandStatus::ESME_RINVDSTADR).await;
    let page = shows(&browser, messages, "undeliverable</span>").await;
    for said in ["an MO", "first", "to another"] {
        assert!(page.contains(said), "{said} in {page}");
    }
    for (query, there, gone) in [
        ("?direction=mo", "an MO", "first"),
        ("?state=undeliverable&direction=", "to another", "an MO"),
        ("?device=%2B46700000002", "to another", "first"),
        ("?text=FIRST&since=2020-01-01T00:00", "first", "an MO"),
    ] {
        let page = browser.page(&format!("{messages}{query}")).await;
        assert!(page.contains(there) && !page.contains(gone), "{query}: {page}");
    }
    let page = browser.page(&format!("{messages}?state=undeliverable")).await;
    let life = attribute(&page, "<td class=\"when\"><a href=\"").to_owned();
    let page = browser.page(&life).await;
    for told in ["Received from", "could not, attempt 1", "Not tried again", "Ended: ", "to another"] {
        assert!(page.contains(told), "{told} in {page}");
    }
    let page = browser.page(&format!("{messages}?since=yesterday")).await;
    assert!(page.contains("role=\"alert\"") && page.contains("role=\"search\""), "the form stays: {page}");
    browser.get(&format!("{messages}/0123456789abcdef")).await.expect(404);
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_messages_follow_each_other_while_new_ones_come() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    for n in 0..60 {
        app.submitted(mt(&format!("message {n:02}."))).await;
        sim.take().await;
    }
    let first = shows(&browser, "/console/c/acme/messages", "message 59.").await;
    app.submitted(mt("comes in between")).await;
    sim.take().await;
    let next = attribute(&first, "<nav class=\"pager\" aria-label=\"Pages\"><a class=\"button\" href=\"")
        .replace("&amp;", "&");
    let second = browser.page(&next).await;
    for n in 0..60 {
        let said = format!("message {n:02}.");
        assert!(first.contains(&said) != second.contains(&said), "{said}");
    }
    assert!(!second.contains("pager") && !second.contains("data-follow"), "that is the end");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_listed_and_one_is_a_conversation() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    assert!(browser.page("/console/c/acme/devices").await.contains("No registered devices."));
    let device = json!({ "tags": ["pump"], "attributes": { "site": "Hall 3" }, "status": "suspended" });
    acme.request("PUT", &format!("/v1/devices/+{DEVICE}"), &[], Some(&device.to_string())).await.expect(201);
    let page = browser.page("/console/c/acme/devices?tag=pump").await;
    for told in [DEVICE, "pump", "Hall 3", "suspended</span>"] {
        assert!(page.contains(told), "{told} in {page}");
    }
    assert!(!browser.page("/console/c/acme/devices?tag=valve").await.contains(DEVICE));
    let mut app = site.app().await;
    let mut sim = site.sim().await;
    let other = "46700000002";
    app.submitted(mt_to(other, "first")).await;
    sim.take().await;
    app.submitted(mt_to(other, "second")).await;
    sim.take().await;
    let page = shows(&browser, &format!("/console/c/acme/devices/+{other}"), "second").await;
    assert!(
        page.contains("Not registered") && page.find("first") < page.find("second"),
        "the last one is below: {page}"
    );
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_show_who_is_bound_and_what_waits() {
    let (site, operator) = site().await;
    let browser = Browser::signed_in(site.api(), operator.token()).await;
    assert!(browser.page("/console/links").await.contains("Nobody is bound."));
    let sim = site.sim().await;
    let page = browser.page("/console/links").await;
    assert!(
        page.contains("transceiver") && page.contains("1 bind</span>") && page.contains("not bound</span>"),
        "{page}"
    );
    assert!(browser.page("/console/customers").await.contains("href=\"/console/c/acme\""));
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_house_without_history_says_how_to_have_one() {
    let (site, operator) = start(Plan::network()).await;
    let browser = Browser::signed_in(site.api(), operator.token()).await;
    for path in ["messages".to_owned(), format!("devices/+{DEVICE}")] {
        let page = browser.page(&format!("/console/c/acme/{path}")).await;
        assert!(page.contains("The server keeps no history") && page.contains("<code>[history]</code>"), "{page}");
    }
    let page = browser.get("/console/no/such/page").await.expect(404).text;
    assert!(page.contains("There is no page /console/no/such/page") && page.contains("aria-label=\"Pages\""), "{page}");
    site.end(()).await;
}
