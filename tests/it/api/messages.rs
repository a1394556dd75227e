//! Messages of the API: sent, looked up, cancelled, and sent once.

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wasmsc::clock;

use super::client::{Client, Reply, key, start};
use crate::smsc::peer::eventually;
use crate::smsc::site::{Centre, DEVICE, NUMBER, Plan, read, receipt};

const MESSAGES: &str = "/v1/messages";

/// So many seconds from now, as RFC 3339 writes it.
pub fn at(secs: i64) -> String {
    let now = i64::try_from(clock::now().0 / 1_000).expect("this century");
    OffsetDateTime::from_unix_timestamp(now + secs).expect("a time").format(&Rfc3339).expect("a time")
}

/// Looks a message up until it is in this state.
async fn state_is(client: &Client, id: &str, state: &str) -> Reply {
    eventually(state, || async {
        let reply = client.get(&format!("{MESSAGES}/{id}")).await.expect(200);
        (reply.field("state") == state).then_some(reply)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_reaches_a_bound_network_and_its_state_becomes_delivered() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["send", "read"]).await;
    let body = json!({ "to": format!("+{DEVICE}"), "text": "WM1 CLOSE", "tag": "order 7", "priority": 2 });
    let accepted = acme.post(MESSAGES, body).await.expect(202);
    let id = accepted.field("id");
    assert_eq!(accepted.headers["location"], format!("{MESSAGES}/{id}"));
    assert_eq!((accepted.json()["segments"].as_u64(), accepted.field("encoding").as_str()), (Some(1), "gsm"));
    let waiting = acme.get(&format!("{MESSAGES}/{id}")).await.expect(200).json();
    assert_eq!((&waiting["state"], &waiting["tag"]), (&json!("enroute"), &json!("order 7")));
    assert!(waiting["due_at"].is_string() && waiting["done_at"].is_null(), "{waiting}");
    let mut sim = site.sim().await;
    let sm = sim.take().await;
    assert_eq!((read(&sm).as_str(), &sm.source_addr[..]), ("WM1 CLOSE", NUMBER.as_bytes()));
    let done = state_is(&acme, &id, "delivered").await.json();
    assert!(done["done_at"].is_string() && done["due_at"].is_null() && done["error"].is_null(), "{done}");
    assert_eq!((&done["from"], &done["to"]), (&json!(NUMBER), &json!(format!("+{DEVICE}"))));
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_centres_receipt_settles_the_message_and_no_receipt_waits_for_anybody() {
    let centre = Centre::new().await;
    let (site, operator) = start(Plan::upstream(&centre, "")).await;
    let acme = key(&operator, "acme", &["send", "read"]).await;
    let mut up = centre.bound().await;
    let send = |receipt: bool| json!({ "to": format!("+{DEVICE}"), "text": "hi", "receipt": receipt });
    let id = acme.post(MESSAGES, send(true)).await.expect(202).field("id");
    let sm = up.take_as("c1").await;
    assert_eq!(sm.registered_delivery.0, 1);
    up.deliver(receipt("c1", "UNDELIV")).await;
    state_is(&acme, &id, "undeliverable").await;
    let id = acme.post(MESSAGES, send(false)).await.expect(202).field("id");
    assert_eq!(up.take_as("c2").await.registered_delivery.0, 0);
    state_is(&acme, &id, "accepted").await;
    // An application of the same customer gets its own receipts only.
    let mut app = site.app().await;
    app.barrier().await;
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_and_octets_are_written_as_asked() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["send"]).await;
    let mut sim = site.sim().await;
    for (body, (encoding, segments), (data_coding, octets)) in [
        (json!({ "text": "hi", "encoding": "ucs2" }), ("ucs2", 1), (8, b"\0h\0i".to_vec())),
        (json!({ "text": "日本" }), ("ucs2", 1), (8, vec![0x65, 0xe5, 0x67, 0x2c])),
        (json!({ "text": "hi", "encoding": "gsm", "from": "ACME" }), ("gsm", 1), (0, b"hi".to_vec())),
        (json!({ "binary": { "hex": "00ff" } }), ("binary", 1), (4, vec![0, 0xff])),
        (
            json!({ "binary": { "base64": "AQI=" }, "udh": { "hex": "0605040b8423f0" }, "data_coding": 0xf5 }),
            ("binary", 1),
            (0xf5, vec![6, 5, 4, 0x0b, 0x84, 0x23, 0xf0, 1, 2]),
        ),
    ] {
        let mut body = body;
        body["to"] = json!(format!("+{DEVICE}"));
        let accepted = acme.post(MESSAGES, body.clone()).await.expect(202);
        assert_eq!(
            (accepted.field("encoding").as_str(), accepted.json()["segments"].as_u64()),
            (encoding, Some(segments))
        );
        let sm = sim.take().await;
        assert_eq!((sm.data_coding.0, sm.payload().to_vec()), (data_coding, octets), "{body}");
        assert_eq!(sm.esm_class.has_udhi(), body.get("udh").is_some());
    }
    let long = json!({ "to": format!("+{DEVICE}"), "text": "x".repeat(400) });
    assert_eq!(acme.post(MESSAGES, long).await.expect(202).json()["segments"], 3);
    for _ in 0..3 {
        assert!(sim.take().await.esm_class.has_udhi());
    }
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_message_waits_and_can_be_cancelled_once() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["send", "read"]).await;
    let mut sim = site.sim().await;
    let send = |text: &str| json!({ "to": format!("+{DEVICE}"), "text": text, "schedule_at": at(3_600) });
    let id = acme.post(MESSAGES, send("later")).await.expect(202).field("id");
    let path = format!("{MESSAGES}/{id}");
    assert_eq!(acme.get(&path).await.expect(200).field("state"), "scheduled");
    acme.delete(&path).await.expect(204);
    assert_eq!(acme.get(&path).await.expect(200).field("state"), "deleted");
    assert_eq!(acme.delete(&path).await.problem(409), "too_late");
    let now = json!({ "to": format!("+{DEVICE}"), "text": "now" });
    let id = acme.post(MESSAGES, now).await.expect(202).field("id");
    assert_eq!(read(&sim.take().await), "now");
    state_is(&acme, &id, "delivered").await;
    assert_eq!(acme.delete(&format!("{MESSAGES}/{id}")).await.problem(409), "too_late");
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_with_the_same_key_makes_one_message_also_after_a_restart_and_all_at_once() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["send"]).await;
    let body = json!({ "to": format!("+{DEVICE}"), "text": "once" });
    let all = (0..8).map(|_| {
        let (acme, body) = (acme.clone(), body.clone());
        tokio::spawn(async move { acme.post_once(MESSAGES, "order-1", &body).await.expect(202).text })
    });
    let mut answers = Vec::new();
    for one in all.collect::<Vec<_>>() {
        answers.push(one.await.expect("it ends"));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let other = json!({ "to": format!("+{DEVICE}"), "text": "twice" });
    assert_eq!(acme.post_once(MESSAGES, "order-1", &other).await.problem(422), "idempotency_mismatch");
    let site = site.restart().await;
    let acme = Client::new(site.api(), Some(acme.token()));
    assert_eq!(acme.post_once(MESSAGES, "order-1", &body).await.expect(202).text, answers[0]);
    let mut sim = site.sim().await;
    assert_eq!(read(&sim.take().await), "once");
    acme.post_once(MESSAGES, "order-2", &other).await.expect(202);
    assert_eq!(read(&sim.take().await), "twice", "nothing came in between");
    for key in ["", "with space", &"k".repeat(256)] {
        assert_eq!(acme.post_once(MESSAGES, key, &body).await.problem(400), "malformed_request", "{key:?}");
    }
    site.end(sim).await;
}
