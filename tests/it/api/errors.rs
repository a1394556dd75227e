//! Every error has a problem body that says what is wrong.

use serde_json::json;

use super::client::{Client, key, start};
use crate::smsc::site::Plan;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_shows_no_valid_token_hears_401_and_how_to_show_one() {
    let (site, operator) = start(Plan::network()).await;
    let nobody = Client::new(site.api(), None);
    let reply = nobody.get("/v1/customers/acme/keys").await;
    assert_eq!(reply.headers["www-authenticate"], "Bearer");
    assert_eq!(reply.problem(401), "unauthorized");
    for token in ["", "x", "wsk_0123456789abcdef_AAAA", "wsk_", "wso_", "wsk_a_b_c"] {
        let reply = operator.with_token(token).get("/v1/messages/0123456789abcdef").await;
        assert_eq!(reply.problem(401), "unauthorized", "{token}");
    }
    let basic = [("authorization", "Basic d3NvOg==")];
    assert_eq!(nobody.request("GET", "/v1/customers/acme/keys", &basic, None).await.problem(401), "unauthorized");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_and_methods_are_told() {
    let (site, operator) = start(Plan::network()).await;
    assert_eq!(operator.get("/").await.problem(404), "not_found");
    assert_eq!(operator.get("/v2/messages").await.problem(404), "not_found");
    let reply = operator.delete("/v1/messages").await;
    assert_eq!(reply.headers["allow"], "POST,GET,HEAD");
    assert_eq!(reply.problem(405), "method_not_allowed");
    assert_eq!(operator.get("/v1/customers/%FF/keys").await.problem(400), "malformed_request");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_cannot_be_read_are_told_with_the_field() {
    let (site, operator) = start(Plan::network().more("")).await;
    let acme = key(&operator, "acme", &["send"]).await;
    let path = "/v1/messages";
    let raw = |body: &'static str| acme.request("POST", path, &[], Some(body));
    assert_eq!(raw("{\"to\":").await.problem(400), "malformed_json");
    assert_eq!(raw("{\"to\":\"+46700000001\",\"text\":\"x\"} {}").await.problem(400), "malformed_json");
    for (body, field) in [
        (json!({ "to": "+46700000001", "txt": "hi" }), "txt"),
        (json!({ "to": "+46700000001", "binary": { "hexx": "00" } }), "binary"),
    ] {
        let reply = acme.post(path, body).await;
        assert_eq!(reply.field("field"), field);
        assert!(reply.field("detail").contains("unknown"), "{reply:?}");
        reply.expect(422);
    }
    let text = json!("hi");
    for (body, field) in [
        (json!({ "text": text }), "to"),
        (json!({ "to": 5, "text": text }), "to"),
        (json!({ "to": "7001", "text": text }), "to"),
        (json!({ "to": "+46x", "text": text }), "to"),
        (json!({ "to": "+46700000001", "text": text, "schedule_at": "soon" }), "schedule_at"),
        (json!({ "to": "+46700000001", "text": text, "priority": 4 }), "priority"),
        (json!({ "to": "+46700000001", "text": text, "validity_secs": 0 }), "validity_secs"),
        (json!({ "to": "+46700000001", "text": text, "tag": "t".repeat(65) }), "tag"),
        (json!({ "to": "+46700000001", "text": text, "udh": { "hex": "00" } }), "udh"),
        (json!({ "to": "+46700000001", "binary": { "hex": "0" } }), "binary"),
        (json!({ "to": "+46700000001", "binary": { "base64": "!" } }), "binary"),
        (json!({ "to": "+46700000001", "binary": { "hex": "00" }, "udh": { "hex": "0500" } }), "udh"),
        (json!({ "to": "+46700000001", "binary": { "hex": "00" }, "encoding": "gsm" }), "encoding"),
        (json!({ "to": "+46700000001", "binary": { "hex": "00" }, "text": text }), "text"),
        (json!({ "to": "+46700000001" }), "text"),
    ] {
        let reply = acme.post(path, body.clone()).await;
        assert_eq!(reply.json()["field"], field, "{body}: {reply:?}");
        assert_eq!(reply.problem(422), "invalid_field", "{body}");
    }
    let plain = [("content-type", "text/plain")];
    assert_eq!(acme.request("POST", path, &plain, Some("{}")).await.problem(415), "unsupported_media_type");
    let with_charset = [("content-type", "application/json; charset=utf-8")];
    assert_eq!(acme.request("POST", path, &with_charset, Some("{}")).await.problem(422), "invalid_field");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_above_the_limit_is_refused_whatever_is_in_it() {
    let plan = Plan::network().more("[api]\nlisten = \"127.0.0.1:0\"\nbody_max_octets = 200\n");
    let site = plan.start().await;
    let operator = Client::new(site.api(), Some(&site.operator_token()));
    let acme = key(&operator, "acme", &["send"]).await;
    let long = json!({ "to": "+46700000001", "text": "x".repeat(200) });
    assert_eq!(acme.post("/v1/messages", long).await.problem(413), "body_too_large");
    acme.post("/v1/messages", json!({ "to": "+46700000001", "text": "x" })).await.expect(202);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_firewall_refuses_is_told_with_a_code_of_its_own() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["send"]).await;
    let send = |change: serde_json::Value| {
        let mut body = json!({ "to": "+46700000001", "text": "hi" });
        body.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        let acme = acme.clone();
        async move { acme.post("/v1/messages", body).await }
    };
    for (change, status, code) in [
        (json!({ "from": "7002" }), 403, "sender_not_allowed"),
        (json!({ "to": "+46730000001" }), 403, "a2p_own_only"),
        (json!({ "schedule_at": "2999-01-01T00:00:00Z" }), 422, "schedule_too_far"),
        (json!({ "text": "x".repeat(3_000) }), 422, "text_too_long"),
        (json!({ "text": "日本", "encoding": "gsm" }), 422, "text_not_gsm"),
    ] {
        assert_eq!(send(change.clone()).await.problem(status), code, "{change}");
    }
    site.end(()).await;
    let (site, operator) = start(Plan::default()).await;
    let acme = key(&operator, "acme", &["send"]).await;
    let body = json!({ "to": "+46700000001", "text": "hi" });
    assert_eq!(acme.post("/v1/messages", body).await.problem(422), "no_route");
    site.end(()).await;
}
