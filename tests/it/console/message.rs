//! A message's page: sent again, and its fields and octets.

use wasmsc_smpp::{DataCoding, EsmClass, Npi, RegisteredDelivery, Sm, Tlv, Ton, tlv::tag};

use super::browser::{Browser, attribute, leads_to, site};
use crate::api::client::{key, start};
use crate::smsc::peer::{eventually, octets};
use crate::smsc::site::{Plan, mo, mt, read};

const MESSAGES: &str = "/console/c/acme/messages";

async fn there(browser: &Browser, id: &str) -> String {
    let path = format!("{MESSAGES}/{id}");
    eventually("the message in the history", || async {
        let reply = browser.get(&path).await;
        (reply.status == 200).then_some(reply.text)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_sent_again_once_however_often_the_form_is_sent() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read", "send"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let id = app.submitted(mt("Valve is closed, 日本")).await;
    let first = sim.take().await;
    let page = there(&browser, &id).await;
    assert!(page.contains("The same to <strong><bdi class=\"said\">+46700000001"), "{page}");
    let (once, path) = (attribute(&page, "name=\"once\" value=\""), format!("{MESSAGES}/{id}/again"));
    let reply = browser.post(&path, &[("once", once)]).await;
    let to = reply.headers["location"].to_str().expect("text").to_owned();
    assert!(
        to.starts_with(MESSAGES) && to.ends_with(&format!("?again={id}")) && !to.contains(&format!("{id}?")),
        "{to}"
    );
    leads_to(&browser.post(&path, &[("once", once)]).await, &to);
    let again = sim.take().await;
    assert_eq!(read(&again), read(&first));
    assert_eq!(
        (&again.source_addr, &again.destination_addr, again.data_coding),
        (&first.source_addr, &first.destination_addr, first.data_coding)
    );
    let page = there(&browser, to.strip_prefix(&format!("{MESSAGES}/")).expect("a message's page")).await;
    assert!(
        page.contains("Sent again, as this new message.") && page.contains(&format!("{MESSAGES}/{id}\"")),
        "{page}"
    );
    // What comes next is the next message: there is no third one.
    app.submitted(mt("the next one")).await;
    assert_eq!(read(&sim.take().await), "the next one");
    browser.post(&path, &[("once", "")]).await.expect(400);
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_a_header_is_sent_again_octet_by_octet() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read", "send"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let header = [6, 5, 4, 0x15, 0x81, 0x15, 0x8A];
    let picture = [&header[..], &[0x00, 0xFF, 0x10]].concat();
    let sm = Sm {
        esm_class: EsmClass::UDHI,
        data_coding: DataCoding(0xF5),
        short_message: picture.clone().into(),
        ..mt("")
    };
    let id = app.submitted(sm).await;
    sim.take().await;
    let page = there(&browser, &id).await;
    let once = attribute(&page, "name=\"once\" value=\"");
    browser.post(&format!("{MESSAGES}/{id}/again"), &[("once", once)]).await.expect(303);
    let again = sim.take().await;
    assert_eq!((&again.short_message[..], again.data_coding), (&picture[..], DataCoding(0xF5)));
    assert!(again.esm_class.has_udhi());
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_send_is_offered_nothing_and_the_firewall_is_asked() {
    let stop_is_read = "policy = { a2p = \"open\", opt_out = { keywords = \"on\" } }\n";
    let (site, operator) = start(Plan::network().acme(stop_is_read).more("\n[history]\ndays = 1\n")).await;
    let acme = key(&operator, "acme", &["read", "send"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let id = app.submitted(mt("hello")).await;
    sim.take().await;
    let of_device = sim.submitted(mo("from the device")).await;
    app.take().await;
    let page = there(&browser, &id).await;
    let (once, path) = (attribute(&page, "name=\"once\" value=\""), format!("{MESSAGES}/{id}/again"));
    assert!(!there(&browser, &of_device).await.contains("Send again"), "an MO is nobody's to send");
    browser.post(&format!("{MESSAGES}/{of_device}/again"), &[("once", once)]).await.expect(404);
    let reader = Browser::signed_in(site.api(), key(&operator, "acme", &["read"]).await.token()).await;
    let house = Browser::signed_in(site.api(), operator.token()).await;
    let other = Browser::signed_in(site.api(), key(&operator, "beta", &["read", "send"]).await.token()).await;
    for (who, status) in [(&reader, 403), (&house, 403), (&other, 404)] {
        let page = who.get(&format!("{MESSAGES}/{id}")).await.text;
        assert!(!page.contains("Send again"), "{page}");
        who.post(&path, &[("once", "k1")]).await.expect(status);
    }
    sim.submitted(mo("STOP")).await;
    sim.take().await;
    let refused = browser.post(&path, &[("once", once)]).await.expect(403).text;
    assert!(refused.contains("role=\"alert\"") && refused.contains("What happened"), "{refused}");
    sim.submitted(mo("START")).await;
    sim.take().await;
    app.submitted(mt("the next one")).await;
    assert_eq!(read(&sim.take().await), "the next one");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_and_octets_of_an_mo_are_shown_as_they_came() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let mut sm = Sm { esm_class: EsmClass(0xC0), protocol_id: 0x41, service_type: octets("CMT"), ..mo("") };
    (sm.source_addr_ton, sm.source_addr_npi) = (Ton::INTERNATIONAL, Npi::ISDN);
    (sm.dest_addr_ton, sm.dest_addr_npi) = (Ton::NETWORK_SPECIFIC, Npi::PRIVATE);
    sm.registered_delivery = RegisteredDelivery(0x10);
    sm.short_message = b"\x06\x05\x04\x15\x81\x15\x8ahi".to_vec().into();
    sm.tlvs.push(Tlv { tag: tag::USER_MESSAGE_REFERENCE, value: vec![0x12, 0x34].into() });
    let id = sim.submitted(sm).await;
    app.take().await;
    let page = there(&browser, &id).await;
    let timeline = acme.get(&format!("/v1/messages/{id}/timeline")).await.expect(200).json();
    let fields = serde_json::json!({
        "service_type": "CMT", "esm_class": 0xC0, "protocol_id": 0x41, "priority_flag": 0, "data_coding": 0, "length": 9,
        "udh": { "hex": "0605041581158a" }, "octets": { "hex": "6869" },
        "tlvs": [{ "tag": 0x0204, "name": "user_message_reference", "value": { "hex": "1234" } }],
        "arrival": {
            "command": "submit_sm", "sequence_number": 2, "registered_delivery": 0x10,
            "source_addr_ton": 1, "source_addr_npi": 1, "dest_addr_ton": 3, "dest_addr_npi": 9,
        },
    });
    assert_eq!(timeline["events"][0]["fields"], fields);
    for told in [
        "<code>0xC0</code> user data header, reply path",
        "<code>0x41</code>",
        "<code>0x00</code> default alphabet",
        "CMT",
        "06 05 04 15 81 15 8a",
        "68 69",
        "source_addr_ton</dt><dd><code>0x01</code> INTERNATIONAL",
        "dest_addr_npi</dt><dd><code>0x09</code> PRIVATE",
        "registered_delivery</dt><dd><code>0x10</code> no receipt, intermediate notifications",
        "<td>user_message_reference</td><td><code class=\"hex\">12 34</code></td>",
        "by</dt>",
    ] {
        assert!(page.to_lowercase().contains(&told.to_lowercase()), "{told} in {page}");
    }
    site.end((app, sim)).await;
}
