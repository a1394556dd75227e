//! Numbers that become shared, and are shared no more, while links are up and messages flow.

use serde_json::{Value, json};
use wasmsc_smpp::{CommandStatus, Sm};

use super::{SHARED, from_shared, part, plan, to_shared};
use crate::api::client::{Client, Reply, start};
use crate::smsc::peer::{Login, Peer, octets};
use crate::smsc::site::{Plan, Site, read};

const PATH: &str = "/v1/shared-numbers/7009";
const GAMMA: &str = "/v1/customers/gamma";

async fn put(operator: &Client, path: &str, body: Value) -> Reply {
    operator.request("PUT", path, &[], Some(&body.to_string())).await
}

fn gamma(words: &[&str]) -> Value {
    let policy = json!({ "a2p": "open" });
    match words {
        [] => json!({ "policy": policy }),
        words => json!({ "policy": policy, "keywords": [{ "number": SHARED, "words": words }] }),
    }
}

/// It gets long messages whole.
fn its_application() -> Value {
    json!({ "password": "secret", "role": "application", "customer": "gamma", "join_segments": true })
}

/// A customer that was made, with its application; `acme` and `beta` are the file's.
async fn with_gamma() -> (Site, Client) {
    // The device is of `acme`.
    let (site, operator) = start(Plan::network().acme("policy = { a2p = \"open\" }\n")).await;
    put(&operator, GAMMA, gamma(&[])).await.expect(201);
    put(&operator, "/v1/accounts/gapp", its_application()).await.expect(201);
    (site, operator)
}

async fn peers(site: &Site) -> (Peer, Peer, Peer) {
    (site.sim().await, site.app().await, site.bind(Login::new("gapp")).await)
}

async fn is_nobodys(sim: &mut Peer, text: &str) {
    assert_eq!(sim.submit(to_shared(text)).await.0, CommandStatus::ESME_RINVDSTADR, "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_becomes_shared_and_is_shared_no_more_and_no_link_falls() {
    let (site, operator) = with_gamma().await;
    let (mut sim, mut app, mut gapp) = peers(&site).await;
    is_nobodys(&mut sim, "valve 1").await;
    let refused = put(&operator, GAMMA, gamma(&["VALVE"])).await;
    assert!(refused.field("detail").contains("there is no [[shared_number]] with number = \"7009\""), "{refused:?}");
    assert_eq!(refused.problem(409), "does_not_fit");

    put(&operator, PATH, json!({})).await.expect(201);
    is_nobodys(&mut sim, "valve 1").await;
    put(&operator, GAMMA, gamma(&["VALVE"])).await.expect(200);
    sim.submitted(to_shared("valve 1")).await;
    assert_eq!(read(&gapp.take().await), "valve 1");
    is_nobodys(&mut sim, "hello").await;
    put(&operator, PATH, json!({ "default_customer": "acme" })).await.expect(200);
    sim.submitted(to_shared("hello")).await;
    assert_eq!(read(&app.take().await), "hello");
    drop((sim, app, gapp));

    let site = site.restart().await;
    let (mut sim, mut app, mut gapp) = peers(&site).await;
    for (text, peer) in [("VALVE 2", &mut gapp), ("hello again", &mut app)] {
        sim.submitted(to_shared(text)).await;
        assert_eq!(read(&peer.take().await), text);
    }
    drop(sim);
    gapp.submitted(from_shared("waits for its network")).await;

    let used = operator_of(&site, &operator).delete(PATH).await;
    let detail = used.field("detail");
    assert!(detail.contains("has keywords of customer gamma; take it out of keywords there first"), "{detail}");
    assert_eq!(used.problem(409), "does_not_fit");
    let operator = operator_of(&site, &operator);
    put(&operator, GAMMA, gamma(&[])).await.expect(200);
    operator.delete(PATH).await.expect(204);
    let mut sim = site.sim().await;
    assert_eq!(read(&sim.take().await), "waits for its network", "what was accepted leaves");
    for text in ["valve 3", "hello"] {
        is_nobodys(&mut sim, text).await;
    }
    assert_eq!(app.submit(from_shared("no")).await.0, CommandStatus::ESME_RINVSRCADR);
    assert_eq!(operator.get(PATH).await.problem(404), "not_found");
    site.end((sim, app, gapp)).await;
}

/// After a restart, which has another port.
fn operator_of(site: &Site, before: &Client) -> Client {
    Client::new(site.api(), Some(before.token()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_message_comes_whole_though_its_number_becomes_shared_or_is_shared_no_more() {
    let (site, operator) = with_gamma().await;
    let own = json!({ "customers": [{ "id": "gamma", "numbers": [SHARED], "policy": { "a2p": "open" } }] });
    operator.post("/v1/apply", own.clone()).await.expect(200);
    let (mut sim, app, mut gapp) = peers(&site).await;
    sim.submitted(part(1, 1, "valve a ")).await;
    let words = json!([{ "number": SHARED, "words": ["VALVE"] }]);
    let its = json!({ "id": "gamma", "keywords": words, "policy": { "a2p": "open" } });
    let shared = json!({ "customers": [its], "shared_numbers": [{ "number": SHARED }] });
    operator.post("/v1/apply", shared).await.expect(200);
    sim.submitted(part(1, 3, "c")).await;
    sim.submitted(part(1, 2, "b ")).await;
    assert_eq!(read(&gapp.take().await), "valve a b c");

    sim.submitted(part(2, 1, "valve A ")).await;
    let mut alone = own;
    alone["prune"] = json!(true);
    alone["accounts"] = json!([its_application()]);
    alone["accounts"][0]["system_id"] = json!("gapp");
    let changed = operator.post("/v1/apply", alone).await.expect(200).json();
    let told: Vec<_> =
        changed["changes"].as_array().expect("a list").iter().map(|c| [&c["kind"], &c["action"]]).collect();
    assert_eq!(json!(told), json!([["customer", "update"], ["shared_number", "delete"]]), "{changed}");
    sim.submitted(part(2, 2, "B ")).await;
    sim.submitted(part(2, 3, "C")).await;
    assert_eq!(read(&gapp.take().await), "valve A B C");
    site.end((sim, app, gapp)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_file_declares_stays_and_mistakes_are_named() {
    let (site, operator) = start(plan("")).await;
    let shown = operator.get(PATH).await.expect(200).json();
    assert_eq!((&shown["declared"], &shown["settings"]), (&json!(true), &json!({ "number": SHARED })));
    let refused = put(&operator, PATH, json!({ "default_customer": "beta" })).await;
    assert!(refused.field("detail").contains("declared in the config file"), "{refused:?}");
    assert_eq!(refused.problem(409), "declared");
    assert_eq!(operator.delete(PATH).await.problem(409), "declared");
    let at = |number: &str| format!("/v1/shared-numbers/{number}");
    for (number, body, word) in [
        ("ACME", json!({}), "it is no number"),
        ("46701234567", json!({}), "write it as"),
        ("7001", json!({}), "it is in numbers of customer acme"),
        ("7010", json!({ "default_customer": "nobody" }), "nobody"),
    ] {
        let reply = put(&operator, &at(number), body).await;
        assert!(reply.field("detail").contains(word), "{number}: {reply:?}");
        assert_eq!(reply.problem(409), "does_not_fit");
    }
    for (body, field) in
        [(json!({ "defaultcustomer": "acme" }), "defaultcustomer"), (json!({ "number": "7011" }), "number")]
    {
        let reply = put(&operator, &at("7010"), body).await;
        assert_eq!(reply.field("field"), field, "{reply:?}");
        assert_eq!(reply.problem(422), "invalid_field");
    }
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_etag_keeps_two_editors_apart_and_the_audit_tells_who_changed_it() {
    let (site, operator) = start(Plan::network()).await;
    let number = "/v1/shared-numbers/+46701234567";
    put(&operator, number, json!({})).await.expect(201);
    let tag = operator.get(number).await.expect(200).headers["etag"].to_str().expect("text").to_owned();
    let body = json!({ "default_customer": "beta" }).to_string();
    let with = async |method, tag: &str, body| operator.request(method, number, &[("if-match", tag)], body).await;
    with("PUT", &tag, Some(&*body)).await.expect(200);
    assert_eq!(with("PUT", &tag, Some("{}")).await.problem(412), "precondition_failed");
    assert_eq!(with("DELETE", &tag, None).await.problem(412), "precondition_failed");
    let listed = operator.get("/v1/shared-numbers").await.expect(200).json();
    assert_eq!(
        (&listed["objects"][0]["id"], &listed["objects"][0]["declared"]),
        (&json!("+46701234567"), &json!(false))
    );
    let dry = json!({ "prune": true });
    let told = operator.post("/v1/apply?dry_run=true", dry).await.expect(200).json();
    assert_eq!(
        (&told["changes"][0]["kind"], &told["changes"][0]["action"]),
        (&json!("shared_number"), &json!("delete"))
    );
    operator.delete(number).await.expect(204);
    let audit = operator.get("/v1/audit").await.expect(200).json();
    let changes = audit["changes"].as_array().expect("a list");
    let told: Vec<_> = changes.iter().map(|change| [&change["who"], &change["kind"], &change["id"]]).collect();
    assert_eq!(told, [["operator", "shared_number", "+46701234567"]; 3], "{audit}");
    assert_eq!((&changes[1]["after"]["default_customer"], &changes[2]["after"]), (&json!("beta"), &Value::Null));
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sends_from_a_number_that_is_not_shared_yet() {
    let (site, operator) = with_gamma().await;
    let (sim, app, mut gapp) = peers(&site).await;
    let from = |text: &str| Sm { source_addr: octets(SHARED), ..from_shared(text) };
    assert_eq!(gapp.submit(from("no")).await.0, CommandStatus::ESME_RINVSRCADR);
    put(&operator, PATH, json!({ "default_customer": "gamma" })).await.expect(201);
    gapp.submitted(from("yes")).await;
    let gone = operator.delete(GAMMA).await;
    assert_eq!(gone.problem(409), "does_not_fit", "it has an account, and what begins with nobody's word");
    site.end((sim, app, gapp)).await;
}
