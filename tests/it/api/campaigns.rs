//! Campaigns over HTTP, with a network that takes their messages.

use serde_json::{Value, json};
use wasmsc::clock;

use super::client::{Client, key, start};
use crate::smsc::peer::{Peer, eventually, octets};
use crate::smsc::site::{DEVICE, NUMBER, Plan};

/// Fast enough for a test, and every message is another one's turn.
const MANY: usize = 10_000;

fn devices(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("+4670{n:07}")).collect()
}

async fn in_state(client: &Client, id: &str, state: &str) -> Value {
    eventually("the campaign's state", || async {
        let shown = client.get(&format!("/v1/campaigns/{id}")).await.expect(200).json();
        (shown["state"] == state).then_some(shown)
    })
    .await
}

async fn post(client: &Client, path: &str) -> super::client::Reply {
    client.request("POST", path, &[], None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_devices_are_written_to_once_each_and_every_message_comes_to_its_end() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["send", "read"]).await;
    let body = json!({ "to": { "devices": devices(MANY) }, "text": "hello", "tag": "spring" });
    let began = clock::instant();
    let begun = acme.post_once("/v1/campaigns", "spring", &body).await.expect(201);
    assert!(began.elapsed().as_secs() < 1, "{:?}", began.elapsed());
    let id = begun.field("id");
    assert_eq!(begun.headers["location"], format!("/v1/campaigns/{id}"));
    let again = acme.post_once("/v1/campaigns", "spring", &body).await.expect(201);
    assert_eq!(again.field("id"), id);
    let mut sim = site.sim().await;
    let mut reached = std::collections::BTreeSet::new();
    for _ in 0..MANY {
        let sm = sim.take().await;
        assert_eq!((sm.short_message, sm.source_addr), (octets("hello"), octets(NUMBER)));
        assert!(reached.insert(sm.destination_addr), "twice");
    }
    let done = in_state(&acme, &id, "done").await;
    let counts = &done["counts"];
    assert_eq!((&counts["total"], &counts["submitted"]), (&json!(MANY), &json!(MANY)));
    assert_eq!((&counts["ended"], &counts["enroute"]), (&json!({ "delivered": MANY }), &json!(0)));
    assert_eq!(post(&acme, &format!("/v1/campaigns/{id}/cancel")).await.problem(409), "too_late");
    let listed = acme.get("/v1/campaigns?limit=1").await.expect(200).json();
    assert_eq!((&listed["campaigns"][0], &listed["next"]), (&done, &Value::Null));
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_goes_to_the_active_devices_of_a_tag_and_is_paused_resumed_and_cancelled() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["send", "read", "manage"]).await;
    let csv =
        "address,tags,status\n+46700000001,pump,\n+46700000002,pump,suspended\n+46700000003,pump,\n+46700000004,,\n";
    let headers = [("content-type", "text/csv")];
    acme.request("POST", "/v1/devices:import", &headers, Some(csv)).await.expect(200);
    let begin = |body: Value| {
        let acme = acme.clone();
        async move { acme.post("/v1/campaigns", body).await }
    };
    let later = "2027-01-01T00:00:00Z";
    let made = begin(json!({ "to": { "tag": "pump" }, "text": "hi", "start_at": later })).await.expect(201);
    assert_eq!((&made.json()["counts"]["total"], &made.json()["counts"]["submitted"]), (&json!(2), &json!(0)));
    let made = begin(json!({ "to": { "all": true }, "text": "hi", "pace": { "per_second": 1 } })).await.expect(201);
    assert_eq!((&made.json()["counts"]["total"], &made.json()["pace"]["per_second"]), (&json!(3), &json!(1)));
    let path = format!("/v1/campaigns/{}", made.field("id"));
    let paused = post(&acme, &format!("{path}/pause")).await.expect(200).json();
    assert_eq!(paused["state"], "paused");
    let mut site = site.restart().await;
    let acme = Client::new(site.api(), Some(acme.token()));
    assert_eq!(acme.get(&path).await.expect(200).json(), paused);
    assert_eq!(post(&acme, &format!("{path}/resume")).await.expect(200).field("state"), "running");
    let first = eventually("the first message", || async {
        let shown = acme.get(&path).await.expect(200).json();
        (shown["counts"]["submitted"] != 0).then_some(shown)
    })
    .await;
    assert_eq!(first["counts"]["ended"], json!({}));
    let cancelled = post(&acme, &format!("{path}/cancel")).await.expect(200).json();
    let submitted = &cancelled["counts"]["submitted"];
    assert_eq!((&cancelled["state"], &cancelled["counts"]["ended"]["deleted"]), (&json!("cancelled"), submitted));
    assert_eq!(post(&acme, &format!("{path}/resume")).await.problem(409), "too_late");
    site = site.restart().await;
    let acme = Client::new(site.api(), Some(acme.token()));
    assert_eq!(acme.get(&path).await.expect(200).json(), cancelled);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_its_customers_and_what_is_wrong_is_told() {
    let (site, operator) = start(Plan::network()).await;
    let all = ["send", "read", "manage"];
    let (acme, beta) = (key(&operator, "acme", &all).await, key(&operator, "beta", &all).await);
    let to = json!({ "devices": [format!("+{DEVICE}")] });
    let of_acme = json!({ "customer": "acme", "to": to, "text": "hi" });
    let id = operator.post("/v1/campaigns", of_acme.clone()).await.expect(201).field("id");
    let path = format!("/v1/campaigns/{id}");
    for answer in [
        beta.get(&path).await,
        post(&beta, &format!("{path}/cancel")).await,
        post(&beta, &format!("{path}/pause?customer=acme")).await,
        beta.get("/v1/campaigns?customer=acme").await,
        beta.post("/v1/campaigns", of_acme).await,
        acme.get("/v1/campaigns/nonsense").await,
    ] {
        assert_eq!(answer.problem(404), "not_found");
    }
    assert_eq!(beta.get("/v1/campaigns").await.expect(200).json()["campaigns"], json!([]));
    assert_eq!(operator.get("/v1/campaigns").await.problem(400), "malformed_request");
    let reader = key(&operator, "acme", &["read"]).await;
    assert_eq!(post(&reader, &format!("{path}/pause")).await.problem(403), "forbidden");
    // Another customer's device is refused when its turn comes, and counted.
    let foreign = json!({ "to": { "devices": ["+46730000001"] }, "text": "hi" });
    let id = acme.post("/v1/campaigns", foreign).await.expect(201).field("id");
    let done = in_state(&acme, &id, "done").await;
    assert_eq!(done["counts"]["refused"], json!({ "a2p_own_only": 1 }));
    for (field, body) in [
        ("to", json!({ "to": {}, "text": "hi" })),
        ("to", json!({ "to": { "devices": [] }, "text": "hi" })),
        ("to", json!({ "to": { "tag": "a", "all": true }, "text": "hi" })),
        ("to", json!({ "to": { "tag": "nobody" }, "text": "hi" })),
        ("to.tag", json!({ "to": { "tag": "a b" }, "text": "hi" })),
        ("to.devices[0]", json!({ "to": { "devices": ["7001"] }, "text": "hi" })),
        ("pace.per_second", json!({ "to": to, "text": "hi", "pace": { "per_second": 0 } })),
        ("text", json!({ "to": to })),
        ("from", json!({ "to": to, "text": "hi", "from": "7002" })),
        ("colour", json!({ "to": to, "text": "hi", "colour": "red" })),
    ] {
        let refused = acme.post("/v1/campaigns", body).await;
        assert_eq!(refused.field("field"), field);
        refused.expect(422);
    }
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_end_the_messages_of_a_campaign() {
    let centre = crate::smsc::site::Centre::new().await;
    let (site, operator) = start(Plan::upstream(&centre, "")).await;
    let acme = key(&operator, "acme", &["send", "read"]).await;
    let mut up: Peer = centre.bound().await;
    let body = json!({ "to": { "devices": devices(2) }, "text": "hi" });
    let id = acme.post("/v1/campaigns", body).await.expect(201).field("id");
    for remote in ["r0", "r1"] {
        up.take_as(remote).await;
    }
    let shown = acme.get(&format!("/v1/campaigns/{id}")).await.expect(200).json();
    assert_eq!((&shown["state"], &shown["counts"]["enroute"]), (&json!("running"), &json!(2)));
    up.deliver(crate::smsc::site::receipt("r0", "DELIVRD")).await;
    up.deliver(crate::smsc::site::receipt("r1", "UNDELIV")).await;
    let done = in_state(&acme, &id, "done").await;
    assert_eq!(done["counts"]["ended"], json!({ "delivered": 1, "undeliverable": 1 }));
    site.end((up, centre)).await;
}

/// Cells of one line, without their quotes.
fn cells(line: &str) -> Vec<String> {
    line.trim_end().split(',').map(|cell| cell.trim_matches('"').to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_campaign_was_for_is_exported_in_order_with_what_became_of_each() {
    let (site, operator) = start(Plan::network().more("\n[history]\ndays = 1\n")).await;
    let acme = key(&operator, "acme", &["send", "read", "manage"]).await;
    let away = json!({ "status": "suspended" }).to_string();
    acme.request("PUT", "/v1/devices/+46700000005", &[], Some(&away)).await.expect(201);
    // More than one piece of the list, and more than one page of the export.
    let list = devices(1_203);
    let body = json!({ "to": { "devices": list }, "text": "hello" });
    let id = acme.post("/v1/campaigns", body).await.expect(201).field("id");
    let mut sim = site.sim().await;
    for _ in 0..list.len() - 1 {
        sim.take().await;
    }
    in_state(&acme, &id, "done").await;
    let path = format!("/v1/campaigns/{id}/recipients:export");
    let export = acme.get(&format!("{path}?format=csv")).await.expect(200);
    assert_eq!(export.headers["content-type"], "text/csv; charset=utf-8; header=present");
    let mut lines = export.text.lines();
    assert_eq!(lines.next(), Some("to,state,error,id,received_at,ended_at,attempts"));
    let rows: Vec<_> = lines.map(cells).collect();
    assert_eq!(rows.iter().map(|row| row[0].clone()).collect::<Vec<_>>(), list, "all, in their order");
    let states = |state: &str| rows.iter().filter(|row| row[1] == state).count();
    assert_eq!((states("delivered"), states("refused")), (list.len() - 1, 1));
    assert_eq!((rows[5][1].as_str(), rows[5][3].as_str(), rows[5][6].as_str()), ("refused", "", "0"));
    let message = acme.get(&format!("/v1/messages/{}", rows[1_202][3])).await.expect(200).json();
    assert_eq!(message["to"], list[1_202], "{message}");
    let jsonl = acme.get(&format!("{path}?format=jsonl")).await.expect(200);
    let first: Value = serde_json::from_str(jsonl.text.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&first["to"], &first["state"], &first["attempts"]), (&json!(list[0]), &json!("delivered"), &json!(1)));

    // Of one that has not come so far, and does not any more.
    let body = json!({ "to": { "devices": list[..3] }, "text": "hi", "start_at": "2027-01-01T00:00:00Z" });
    let id = acme.post("/v1/campaigns", body).await.expect(201).field("id");
    let path = format!("/v1/campaigns/{id}");
    for (state, verb) in [("waiting", "cancel"), ("not_sent", "cancel")] {
        let text = acme.get(&format!("{path}/recipients:export?format=csv")).await.expect(200).text;
        let rows: Vec<_> = text.lines().skip(1).map(cells).collect();
        let wanted: Vec<_> = list[..3].iter().map(|device| (device.clone(), state.to_owned())).collect();
        assert_eq!(rows.iter().map(|row| (row[0].clone(), row[1].clone())).collect::<Vec<_>>(), wanted);
        post(&acme, &format!("{path}/{verb}")).await.expect(200);
    }
    assert_eq!(acme.get("/v1/campaigns/00000000000000ff/recipients:export?format=csv").await.problem(404), "not_found");
    site.end(sim).await;
}
