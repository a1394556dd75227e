//! The inbox: MOs that a customer polls for, until it acknowledges them.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use wasmsc_smpp::{CommandStatus, EsmClass, Sm};

use super::client::{Client, Reply, key, start};
use crate::smsc::site::{DEVICE, NUMBER, Plan, mo, read};

const INBOX: &str = "/v1/inbox";
const ACK: &str = "/v1/inbox:ack";

/// `beta` has an application and no inbox; `acme` has an inbox, and an application as well.
fn plan() -> Plan {
    Plan::network().acme("inbox = true")
}

fn texts(reply: &Reply) -> Vec<String> {
    let inbox = reply.json();
    let messages = inbox["messages"].as_array().expect("a list").iter();
    messages.map(|message| message["text"].as_str().expect("a text").to_owned()).collect()
}

async fn inbox(client: &Client, query: &str) -> Reply {
    client.get(&format!("{INBOX}{query}")).await.expect(200)
}

async fn acknowledged(client: &Client, body: serde_json::Value) -> u64 {
    client.post(ACK, body).await.expect(200).json()["acknowledged"].as_u64().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn mos_wait_in_order_until_they_are_acknowledged_also_over_a_restart() {
    let (site, operator) = start(plan()).await;
    let acme = key(&operator, "acme", &["receive"]).await;
    let mut sim = site.sim().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        ids.push(sim.submitted(mo(&format!("text {n}"))).await);
    }
    let page = inbox(&acme, "?limit=2").await;
    assert_eq!(texts(&page), ["text 0", "text 1"]);
    let first = page.json()["messages"][0].clone();
    assert_eq!(
        (&first["id"], &first["from"], &first["to"]),
        (&json!(ids[0]), &json!(format!("+{DEVICE}")), &json!(NUMBER))
    );
    let cursor = page.field("cursor");
    assert_eq!(texts(&inbox(&acme, &format!("?limit=2&cursor={cursor}")).await), ["text 2", "text 3"]);
    assert_eq!(texts(&inbox(&acme, "").await).len(), 5, "looking takes nothing away");
    assert_eq!(acknowledged(&acme, json!({ "up_to": cursor })).await, 2);
    assert_eq!(acknowledged(&acme, json!({ "ids": [ids[3], ids[0]] })).await, 1);
    let mut app = site.app().await;
    assert_eq!(read(&app.take().await), "text 0", "the application has them, too");
    drop((sim, app));
    let site = site.restart().await;
    let acme = Client::new(site.api(), Some(acme.token()));
    assert_eq!(texts(&inbox(&acme, "").await), ["text 2", "text 4"]);
    for _ in 0..2 {
        acknowledged(&acme, json!({ "ids": [ids[2], ids[4]] })).await;
        let empty = inbox(&acme, "").await;
        assert_eq!((texts(&empty).len(), empty.json()["cursor"].is_null()), (0, true));
    }
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_waits_is_answered_by_the_next_mo_and_ends_with_the_house() {
    let (site, operator) = start(plan()).await;
    let acme = key(&operator, "acme", &["receive"]).await;
    let mut sim = site.sim().await;
    let poll = |acme: &Client| {
        let acme = acme.clone();
        tokio::spawn(async move { inbox(&acme, "?wait=30").await })
    };
    let waits = poll(&acme);
    let id = sim.submitted(mo("at last")).await;
    assert_eq!(texts(&waits.await.expect("it ends")), ["at last"]);
    assert_eq!(texts(&inbox(&acme, "?wait=30").await), ["at last"], "what is there is not waited for");
    acknowledged(&acme, json!({ "ids": [id] })).await;
    assert_eq!(texts(&inbox(&acme, "?wait=0").await).len(), 0);
    let waits = poll(&acme);
    tokio::task::yield_now().await;
    let ends = tokio::time::timeout(Duration::from_secs(4), site.end(sim));
    ends.await.expect("the house does not wait for who polls");
    if let Ok(reply) = waits.await {
        assert_eq!(texts(&reply).len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_with_an_inbox_needs_neither_rule_nor_application_and_a_full_one_refuses() {
    let gamma =
        "\n[[customer]]\nid = \"gamma\"\nnumbers = [\"7003\"]\ndevices = [\"+4670*\"]\ninbox = true\ninbox_max = 1\n";
    let (site, operator) = start(Plan::network().more(gamma)).await;
    let receiver = key(&operator, "gamma", &["receive"]).await;
    let mut sim = site.sim().await;
    let to_gamma = |text: &str| Sm { destination_addr: Bytes::from_static(b"7003"), ..mo(text) };
    let id = sim.submitted(to_gamma("one")).await;
    assert_eq!(sim.submit(to_gamma("two")).await.0, CommandStatus::ESME_RMSGQFUL);
    assert_eq!(texts(&inbox(&receiver, "").await), ["one"]);
    acknowledged(&receiver, json!({ "ids": [id] })).await;
    sim.submitted(to_gamma("two")).await;
    assert_eq!(texts(&inbox(&receiver, "").await), ["two"]);
    // Made over the API, too.
    let settings = json!({ "numbers": ["7004"], "devices": ["+4670*"], "inbox": true });
    operator.request("PUT", "/v1/customers/delta", &[], Some(&settings.to_string())).await.expect(201);
    sim.submitted(Sm { destination_addr: Bytes::from_static(b"7004"), ..mo("hello") }).await;
    let delta = key(&operator, "delta", &["receive"]).await;
    assert_eq!(texts(&inbox(&delta, "").await), ["hello"]);
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_mo_is_there_once_and_whole() {
    let (site, operator) = start(plan()).await;
    let acme = key(&operator, "acme", &["receive"]).await;
    let mut sim = site.sim().await;
    for number in [2, 1] {
        let mut part = mo(&number.to_string().repeat(100));
        part.esm_class = EsmClass::UDHI;
        part.short_message = [&[5, 0, 3, 7, 2, number], &part.short_message[..]].concat().into();
        sim.submitted(part).await;
    }
    let whole = inbox(&acme, "").await;
    assert_eq!(texts(&whole), ["1".repeat(100) + &"2".repeat(100)]);
    assert!(whole.json()["messages"][0]["udh"].is_null(), "{whole:?}");
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_customers_inbox_does_not_exist_and_what_is_wrong_is_said() {
    let gamma = "\n[[customer]]\nid = \"gamma\"\ninbox = true\n";
    let (site, operator) = start(plan().more(gamma)).await;
    let mut sim = site.sim().await;
    let id = sim.submitted(mo("secret")).await;
    let other = key(&operator, "gamma", &["receive", "read", "send", "manage"]).await;
    let cursor = inbox(&operator, "?customer=acme").await.field("cursor");
    assert_eq!(texts(&inbox(&other, "").await).len(), 0);
    assert_eq!(other.get(&format!("{INBOX}?customer=acme")).await.problem(404), "not_found");
    assert_eq!(other.post(&format!("{ACK}?customer=acme"), json!({ "ids": [id] })).await.problem(404), "not_found");
    assert_eq!(acknowledged(&other, json!({ "ids": [id] })).await, 0);
    assert_eq!(acknowledged(&other, json!({ "up_to": cursor })).await, 0);
    let acme = key(&operator, "acme", &["receive"]).await;
    assert_eq!(texts(&inbox(&acme, "").await), ["secret"]);

    let reader = key(&operator, "acme", &["read", "send", "manage"]).await;
    assert_eq!(reader.get(INBOX).await.problem(403), "forbidden");
    assert_eq!(reader.post(ACK, json!({ "ids": [] })).await.problem(403), "forbidden");
    let beta = key(&operator, "beta", &["receive"]).await;
    assert_eq!(beta.get(INBOX).await.problem(409), "inbox_off");
    assert_eq!(beta.post(ACK, json!({ "ids": [] })).await.problem(409), "inbox_off");
    for query in ["?limit=0", "?limit=1001", "?wait=31", "?cursor=x", "?colour=red"] {
        assert_eq!(acme.get(&format!("{INBOX}{query}")).await.problem(400), "malformed_request", "{query}");
    }
    for body in [json!({}), json!({ "ids": [], "up_to": cursor }), json!({ "ids": ["x"] }), json!({ "up_to": "x" })] {
        assert_eq!(acme.post(ACK, body.clone()).await.problem(422), "invalid_field", "{body}");
    }
    site.end(sim).await;
}
