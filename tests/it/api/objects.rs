//! Customers, accounts and upstreams that are made, changed and deleted while the server runs.

use serde_json::{Value, json};
use wasmsc_smpp::{CommandStatus, Sm};

use super::client::{Client, key, start};
use crate::smsc::peer::{Login, Peer, octets};
use crate::smsc::site::{Centre, DEVICE, Plan, Site, mo, mt};

const GAMMA: &str = "/v1/customers/gamma";

fn gamma() -> Value {
    json!({ "numbers": ["7003"], "devices": ["+4674*"] })
}

fn application() -> Value {
    json!({ "password": "secret", "role": "application", "customer": "gamma" })
}

fn network(routes: &[&str]) -> Value {
    json!({ "password": "secret", "role": "network", "routes": routes })
}

async fn put(operator: &Client, path: &str, body: &Value) -> super::client::Reply {
    operator.request("PUT", path, &[], Some(&body.to_string())).await
}

/// A customer with an application, and a network account that carries its devices.
async fn with_gamma() -> (Site, Client) {
    let (site, operator) = start(Plan::network()).await;
    put(&operator, GAMMA, &gamma()).await.expect(201);
    put(&operator, "/v1/accounts/gapp", &application()).await.expect(201);
    put(&operator, "/v1/accounts/net", &network(&["+4674"])).await.expect(201);
    (site, operator)
}

fn from_gamma(text: &str) -> Sm {
    Sm { source_addr: octets("7003"), destination_addr: octets("46740000001"), ..mt(text) }
}

fn to_gamma(text: &str) -> Sm {
    Sm { source_addr: octets("46740000001"), destination_addr: octets("7003"), ..mo(text) }
}

async fn talk(app: &mut Peer, net: &mut Peer) {
    app.submitted(from_gamma("down")).await;
    assert_eq!(net.take().await.short_message, octets("down"));
    net.submitted(to_gamma("up")).await;
    assert_eq!(app.take().await.short_message, octets("up"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_and_its_accounts_serve_at_once_and_after_a_restart_and_no_link_falls() {
    let (site, operator) = start(Plan::network()).await;
    let (mut old_app, mut old_sim) = (site.app().await, site.sim().await);
    assert_eq!(Peer::try_bind(site.smpp, Login::new("gapp")).await.err(), Some(CommandStatus::ESME_RINVSYSID));
    put(&operator, GAMMA, &gamma()).await.expect(201);
    put(&operator, "/v1/accounts/gapp", &application()).await.expect(201);
    put(&operator, "/v1/accounts/net", &network(&["+4674"])).await.expect(201);
    let (mut app, mut net) = (site.bind(Login::new("gapp")).await, site.bind(Login::new("net")).await);
    talk(&mut app, &mut net).await;
    old_app.submitted(mt("still here")).await;
    assert_eq!(old_sim.take().await.short_message, octets("still here"));
    let key = key(&operator, "gamma", &["send", "read"]).await;
    key.post("/v1/messages", json!({ "to": "+46740000001", "text": "api" })).await.expect(202);
    net.take().await;
    drop((old_app, old_sim, app, net));
    let site = site.restart().await;
    let wrong = Peer::try_bind(site.smpp, Login::new("gapp").password("secreT")).await;
    assert_eq!(wrong.err(), Some(CommandStatus::ESME_RINVPASWD));
    let (mut app, mut net) = (site.bind(Login::new("gapp")).await, site.bind(Login::new("net")).await);
    talk(&mut app, &mut net).await;
    site.end((app, net)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_that_moves_takes_along_what_waits_and_the_links_stay() {
    let (site, operator) = with_gamma().await;
    put(&operator, "/v1/accounts/wide", &network(&["+467"])).await.expect(201);
    let (mut app, mut net) = (site.bind(Login::new("gapp")).await, site.bind(Login::new("net")).await);
    let mut wide = site.bind(Login::new("wide")).await;
    talk(&mut app, &mut net).await;
    drop(net);
    app.submitted(from_gamma("waits")).await;
    put(&operator, "/v1/accounts/net", &network(&[])).await.expect(200);
    assert_eq!(wide.take().await.short_message, octets("waits"));
    app.submitted(from_gamma("direct")).await;
    assert_eq!(wide.take().await.short_message, octets("direct"));
    // And back, with the link that is up.
    let mut net = site.bind(Login::new("net")).await;
    put(&operator, "/v1/accounts/net", &network(&["+4674"])).await.expect(200);
    talk(&mut app, &mut net).await;
    site.end((app, net, wide)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_is_bound_to_when_it_is_made_and_left_when_it_goes() {
    let (site, operator) = start(Plan::default()).await;
    let centre = Centre::new().await;
    let upstream = |routes: &[&str]| json!({ "host": "127.0.0.1", "port": centre.port, "system_id": "we", "password": "secret", "routes": routes });
    put(&operator, "/v1/upstreams/up", &upstream(&["+4670"])).await.expect(201);
    let mut up = centre.bound().await;
    let mut app = site.app().await;
    app.submitted(mt("out")).await;
    assert_eq!(up.take().await.short_message, octets("out"));
    put(&operator, "/v1/upstreams/up", &upstream(&["+4670", "+4671"])).await.expect(200);
    app.submitted(mt("same link")).await;
    assert_eq!(up.take().await.short_message, octets("same link"));
    let shown = operator.get("/v1/upstreams/up").await.expect(200);
    assert!(!shown.text.contains("secret") && shown.text.contains("+4671"), "{shown:?}");
    operator.delete("/v1/upstreams/up").await.expect(204);
    up.expect_closed().await;
    site.end((app, up)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_is_gone_with_its_keys_and_links_and_nothing_that_is_needed_goes() {
    let (site, operator) = with_gamma().await;
    let key = key(&operator, "gamma", &["read", "send"]).await;
    let mut app = site.bind(Login::new("gapp")).await;
    assert_eq!(operator.delete(GAMMA).await.problem(409), "does_not_fit");
    key.get(GAMMA).await.expect(200);
    operator.delete("/v1/accounts/gapp").await.expect(204);
    app.expect_closed().await;
    assert_eq!(Peer::try_bind(site.smpp, Login::new("gapp")).await.err(), Some(CommandStatus::ESME_RINVSYSID));
    operator.delete(GAMMA).await.expect(204);
    assert_eq!(key.get(GAMMA).await.problem(401), "unauthorized");
    assert_eq!(operator.delete(GAMMA).await.problem(404), "not_found");
    // Another one of that name is somebody else.
    put(&operator, GAMMA, &gamma()).await.expect(201);
    assert_eq!(key.get(GAMMA).await.problem(401), "unauthorized");
    site.end(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_file_declares_is_shown_and_stays() {
    let (site, operator) = start(Plan::network()).await;
    let shown = operator.get("/v1/customers/acme").await.expect(200).json();
    assert_eq!((&shown["declared"], &shown["settings"]["numbers"]), (&json!(true), &json!(["7001"])));
    let listed = operator.get("/v1/accounts").await.expect(200);
    assert!(listed.text.contains("\"app\"") && !listed.text.contains("secret"), "{listed:?}");
    let refused = put(&operator, "/v1/customers/acme", &json!({})).await;
    assert!(refused.field("detail").contains("config file"), "{refused:?}");
    assert_eq!(refused.problem(409), "declared");
    assert_eq!(operator.delete("/v1/accounts/app").await.problem(409), "declared");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_named_and_change_nothing() {
    let (site, operator) = with_gamma().await;
    for (path, body, field) in [
        (GAMMA, json!({ "numbers": 7 }), "numbers"),
        (GAMMA, json!({ "numbrs": [] }), "numbrs"),
        (GAMMA, json!({ "id": "other" }), "id"),
        ("/v1/accounts/x", json!({ "password": "p" }), "role"),
        ("/v1/accounts/x", json!({ "role": "boss", "password": "p" }), "role"),
        (
            "/v1/upstreams/x",
            json!({ "host": "h", "port": 1, "system_id": "s", "password": "p", "tls": { "ca": "ca.pem" } }),
            "tls.ca",
        ),
    ] {
        let reply = put(&operator, path, &body).await;
        assert_eq!(reply.field("field"), field, "{body}: {reply:?}");
        assert_eq!(reply.problem(422), "invalid_field");
    }
    for (path, body, word) in [
        (GAMMA, json!({ "numbers": ["7001"] }), "7001"),
        ("/v1/accounts/x", json!({ "password": "p", "role": "application", "customer": "nobody" }), "nobody"),
        ("/v1/accounts/x", json!({ "role": "network" }), "password"),
        ("/v1/accounts/x", json!({ "role": "network", "password_hash": "p" }), "password_hash"),
    ] {
        let reply = put(&operator, path, &body).await;
        assert!(reply.field("detail").contains(word), "{body}: {reply:?}");
        assert_eq!(reply.problem(409), "does_not_fit");
    }
    assert_eq!(operator.get(GAMMA).await.expect(200).json()["settings"]["numbers"], json!(["7003"]));
    assert_eq!(operator.get("/v1/accounts/x").await.problem(404), "not_found");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_etag_keeps_two_editors_from_undoing_each_other() {
    let (site, operator) = with_gamma().await;
    let tag = |reply: &super::client::Reply| reply.headers["etag"].to_str().expect("text").to_owned();
    let first = operator.get(GAMMA).await.expect(200);
    let body = json!({ "numbers": ["7003", "7004"], "devices": ["+4674*"] }).to_string();
    let with = async |header: (&str, &str)| operator.request("PUT", GAMMA, &[header], Some(&body)).await;
    assert_eq!(with(("if-none-match", "*")).await.problem(412), "precondition_failed");
    let second = with(("if-match", &tag(&first))).await.expect(200);
    assert_ne!(tag(&first), tag(&second));
    assert_eq!(with(("if-match", &tag(&first))).await.problem(412), "precondition_failed");
    assert_eq!(with(("if-match", "nonsense")).await.problem(400), "malformed_request");
    let again = with(("if-match", &tag(&second))).await.expect(200);
    assert_eq!(tag(&second), tag(&again), "nothing is different");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_tells_who_changed_what_and_no_secret() {
    let (site, operator) = with_gamma().await;
    put(&operator, "/v1/accounts/gapp", &json!({ "password": "other", "role": "application", "customer": "gamma" }))
        .await
        .expect(200);
    operator.delete("/v1/accounts/net").await.expect(204);
    let audit = operator.get("/v1/audit").await.expect(200);
    assert!(!audit.text.contains("argon2") && !audit.text.contains("secret") && !audit.text.contains("other"));
    let changes = audit.json()["changes"].clone();
    let kinds: Vec<_> = changes.as_array().expect("a list").iter().map(|change| change["kind"].clone()).collect();
    assert_eq!(kinds, ["customer", "account", "account", "account", "account"]);
    assert_eq!((&changes[0]["who"], &changes[0]["before"]), (&json!("operator"), &Value::Null));
    assert_eq!((&changes[4]["id"], &changes[4]["after"]), (&json!("net"), &Value::Null));
    let rest = operator.get("/v1/audit?after=4&limit=10").await.expect(200).json();
    assert_eq!(rest["changes"].as_array().map(Vec::len), Some(1));
    assert_eq!(operator.get("/v1/audit?limit=0").await.problem(400), "malformed_request");
    let key = key(&operator, "acme", &["read", "send", "manage"]).await;
    for path in ["/v1/audit", "/v1/accounts", "/v1/accounts/app", "/v1/upstreams", "/v1/customers", GAMMA] {
        assert_eq!(key.get(path).await.problem(404), "not_found", "{path}");
    }
    assert_eq!(put(&key, GAMMA, &gamma()).await.problem(404), "not_found");
    assert_eq!(put(&key, "/v1/customers/acme", &gamma()).await.problem(404), "not_found");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn apply_says_what_differs_and_does_all_or_nothing() {
    let (site, operator) = start(Plan::network()).await;
    let mut customer = gamma();
    customer["id"] = json!("gamma");
    let mut account = application();
    account["system_id"] = json!("gapp");
    let wanted = json!({ "customers": [customer], "accounts": [account], "prune": true });
    let dry = operator.post("/v1/apply?dry_run=true", wanted.clone()).await.expect(200).json();
    assert_eq!((&dry["dry_run"], dry["changes"].as_array().map(Vec::len)), (&json!(true), Some(2)));
    assert_eq!(operator.get(GAMMA).await.problem(404), "not_found");
    operator.post("/v1/apply", wanted.clone()).await.expect(200);
    let app = site.bind(Login::new("gapp")).await;
    let again = operator.post("/v1/apply", wanted).await.expect(200).json();
    assert_eq!((&again["changes"], &again["unchanged"]), (&json!([]), &json!(2)), "the same password is no change");
    // The second one is wrong, so that the first one is not made either.
    let half = json!({ "customers": [{ "id": "delta" }, { "id": "epsilon", "numbers": ["7001"] }] });
    assert_eq!(operator.post("/v1/apply", half).await.problem(409), "does_not_fit");
    assert_eq!(operator.get("/v1/customers/delta").await.problem(404), "not_found");
    let gone = operator.post("/v1/apply", json!({ "prune": true })).await.expect(200).json();
    let actions: Vec<_> = gone["changes"].as_array().expect("a list").iter().map(|c| c["action"].clone()).collect();
    assert_eq!(actions, ["delete", "delete"]);
    assert_eq!(operator.get(GAMMA).await.problem(404), "not_found");
    site.end(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_of_a_customer_change_under_way() {
    let (site, operator) = with_gamma().await;
    let mut app = site.bind(Login::new("gapp")).await;
    let foreign = Sm { destination_addr: octets(DEVICE), ..from_gamma("x") };
    assert_eq!(app.submit(foreign).await.0, CommandStatus::ESME_RINVDSTADR);
    put(&operator, GAMMA, &json!({ "numbers": ["7003"], "devices": ["+4675*"] })).await.expect(200);
    assert_eq!(app.submit(from_gamma("x")).await.0, CommandStatus::ESME_RINVDSTADR);
    site.end(app).await;
}
