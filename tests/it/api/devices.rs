//! Registered devices: made, changed, listed, imported; whose they are, and what messages make of it.

use serde_json::{Value, json};
use wasmsc::clock;
use wasmsc_smpp::{CommandStatus, Sm};

use super::client::{Client, Reply, key, start};
use crate::smsc::peer::octets;
use crate::smsc::site::{DEVICE, Plan, mo, mt_to};
use crate::support::server::built;

/// In nobody's range.
const OUTSIDE: &str = "/v1/devices/+46800000001";
const CSV: [(&str, &str); 1] = [("content-type", "text/csv")];
const LINES: [(&str, &str); 1] = [("content-type", "application/x-ndjson")];

async fn put(client: &Client, path: &str, body: Value) -> Reply {
    client.request("PUT", path, &[], Some(&body.to_string())).await
}

async fn patch(client: &Client, path: &str, body: Value) -> Reply {
    client.request("PATCH", path, &[], Some(&body.to_string())).await
}

async fn addresses(client: &Client, query: &str) -> Vec<String> {
    let list = client.get(&format!("/v1/devices{query}")).await.expect(200).json();
    let devices = list["devices"].as_array().expect("a list").clone();
    devices.iter().map(|device| device["address"].as_str().expect("text").to_owned()).collect()
}

fn etag(reply: &Reply) -> String {
    reply.headers["etag"].to_str().expect("ASCII").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_registered_changed_shown_and_removed_and_all_of_it_is_durable() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let path = format!("/v1/devices/+{DEVICE}");
    assert_eq!(acme.get(&path).await.problem(404), "not_found", "a device in a range has no row");
    let body = json!({
        "iccid": "8946071512360089522", "imei": "490154203237518", "tags": ["pump", "hall-3"],
        "attributes": { "site": "Hall 3, north" },
    });
    let made = put(&acme, &path, body.clone()).await.expect(201);
    let first = etag(&made);
    assert_eq!(etag(&put(&acme, &path, body).await.expect(200)), first, "nothing changed");
    let body = json!({ "imei": null, "status": "suspended", "attributes": { "site": null, "owner": "Eva" } });
    let changed = patch(&acme, &path, body).await.expect(200);
    assert_ne!(etag(&changed), first);
    let device = changed.json();
    assert_eq!(device["iccid"], "8946071512360089522");
    assert_eq!((&device["imei"], &device["status"]), (&Value::Null, &json!("suspended")));
    assert_eq!((&device["tags"], &device["attributes"]), (&json!(["hall-3", "pump"]), &json!({ "owner": "Eva" })));
    let stale = [("if-match", first.as_str())];
    assert_eq!(acme.request("DELETE", &path, &stale, None).await.problem(412), "precondition_failed");
    let site = site.restart().await;
    let acme = Client::new(site.api(), Some(acme.token()));
    let kept = acme.get(&path).await.expect(200);
    assert_eq!(kept.text, changed.text);
    let fresh = [("if-match", etag(&kept))];
    acme.request("DELETE", &path, &fresh.each_ref().map(|(name, tag)| (*name, tag.as_str())), None).await.expect(204);
    assert_eq!(acme.get(&path).await.problem(404), "not_found");
    assert_eq!(acme.delete(&path).await.problem(404), "not_found");
    assert_eq!(addresses(&acme, "?tag=pump").await, [""; 0]);
    let operator = Client::new(site.api(), Some(operator.token()));
    let audit = operator.get("/v1/audit").await.expect(200).json();
    let of_devices = |change: &&Value| change["kind"] == "device";
    let changes: Vec<&Value> = audit["changes"].as_array().expect("a list").iter().filter(of_devices).collect();
    assert_eq!(changes.len(), 3, "{changes:?}");
    assert_eq!(changes[1]["id"], format!("acme/+{DEVICE}"));
    assert!(changes[1]["who"].as_str().is_some_and(|who| who.starts_with("key ")), "{:?}", changes[1]);
    assert_eq!(changes[1]["before"]["tags"], json!(["hall-3", "pump"]));
    assert_eq!(changes[2]["after"], Value::Null);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_about_a_device_is_told_with_its_field() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let wrong = |body: Value| {
        let acme = acme.clone();
        async move {
            let reply = put(&acme, OUTSIDE, body).await;
            let field = reply.json()["field"].as_str().unwrap_or_default().to_owned();
            (reply.problem(422), field)
        }
    };
    let invalid = |field: &str| ("invalid_field".to_owned(), field.to_owned());
    assert_eq!(wrong(json!({ "imei": "490154203237519" })).await, invalid("imei"));
    assert_eq!(wrong(json!({ "iccid": "123" })).await, invalid("iccid"));
    assert_eq!(wrong(json!({ "tags": ["a b"] })).await, invalid("tags"));
    assert_eq!(wrong(json!({ "attributes": { "x": "y".repeat(300) } })).await, invalid("attributes.x"));
    assert_eq!(wrong(json!({ "colour": "red" })).await, ("unknown_field".to_owned(), "colour".to_owned()));
    assert_eq!(put(&acme, "/v1/devices/7001", json!({})).await.problem(422), "invalid_field");
    assert_eq!(put(&acme, "/v1/devices/%2B", json!({})).await.problem(422), "invalid_field");
    assert_eq!(patch(&acme, OUTSIDE, json!({ "tags": [] })).await.problem(404), "not_found");
    for query in ["?limit=0", "?limit=1001", "?status=asleep", "?prefix=x", "?cursor=x", "?tag=a%20b", "?colour=red"] {
        assert_eq!(acme.get(&format!("/v1/devices{query}")).await.problem(400), "malformed_request", "{query}");
    }
    assert_eq!(operator.get("/v1/devices").await.problem(400), "malformed_request", "whose?");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_filtered_and_paged() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let csv = "address,tags,status\n\
        +46700000001,a;b,active\n+46700000002,a,suspended\n+46701000003,b,\n+46800000004,a;c,active\n";
    acme.request("POST", "/v1/devices:import", &CSV, Some(csv)).await.expect(200);
    let all = ["+46700000001", "+46700000002", "+46701000003", "+46800000004"];
    assert_eq!(addresses(&acme, "").await, all);
    assert_eq!(addresses(&operator, "?customer=acme").await, all);
    assert_eq!(addresses(&acme, "?tag=a").await, [all[0], all[1], all[3]]);
    assert_eq!(addresses(&acme, "?tag=a&status=active").await, [all[0], all[3]]);
    assert_eq!(addresses(&acme, "?status=suspended").await, [all[1]]);
    assert_eq!(addresses(&acme, "?prefix=%2B4670").await, all[..3]);
    assert_eq!(addresses(&acme, "?prefix=+4670&tag=b").await, [all[0], all[2]]);
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    for _ in 0..2 {
        let page = acme.get(&format!("/v1/devices?tag=a&limit=2{cursor}")).await.expect(200).json();
        paged.extend(page["devices"].as_array().expect("a list").iter().map(|device| device["address"].clone()));
        cursor = page["next"].as_str().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
    }
    assert_eq!((json!(paged), cursor.as_str()), (json!([all[0], all[1], all[3]]), ""));
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_their_customers_and_nobody_learns_of_anothers() {
    let (site, operator) = start(Plan::network()).await;
    let all = ["read", "manage", "send"];
    let (acme, beta) = (key(&operator, "acme", &all).await, key(&operator, "beta", &all).await);
    put(&acme, OUTSIDE, json!({ "tags": ["a"] })).await.expect(201);
    for answer in [
        beta.get(OUTSIDE).await,
        beta.delete(OUTSIDE).await,
        patch(&beta, OUTSIDE, json!({ "tags": [] })).await,
        beta.get(&format!("{OUTSIDE}?customer=acme")).await,
        beta.get("/v1/devices?customer=acme").await,
        put(&beta, &format!("{OUTSIDE}?customer=acme"), json!({})).await,
        beta.request("POST", "/v1/devices:import?customer=acme", &CSV, Some("address\n+46800000009\n")).await,
    ] {
        assert_eq!(answer.problem(404), "not_found");
    }
    // One that is taken, and one that is in another customer's range, are refused in the same words.
    for taken in ["+46800000001", &format!("+{DEVICE}")] {
        let refused = put(&beta, &format!("/v1/devices/{taken}"), json!({})).await;
        assert_eq!(refused.field("detail"), format!("{taken} cannot be registered by this customer"));
        assert_eq!(refused.problem(409), "address_taken");
    }
    let body =
        format!("{{\"address\":\"+46800000001\"}}\n{{\"address\":\"+{DEVICE}\"}}\n{{\"address\":\"+46800000002\"}}");
    let report = beta.request("POST", "/v1/devices:import", &LINES, Some(&body)).await.expect(200).json();
    assert_eq!((&report["created"], report["refused"].as_array().map(Vec::len)), (&json!(1), Some(2)));
    assert_eq!(addresses(&beta, "").await, ["+46800000002"]);
    assert_eq!(addresses(&acme, "").await, ["+46800000001"]);
    let reader = key(&operator, "acme", &["read"]).await;
    reader.get(OUTSIDE).await.expect(200);
    assert_eq!(reader.delete(OUTSIDE).await.problem(403), "forbidden");
    let sender = key(&operator, "acme", &["send"]).await;
    assert_eq!(sender.get("/v1/devices").await.problem(403), "forbidden");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_device_is_its_customers_outside_the_ranges_from_then_on() {
    let (site, operator) = start(Plan::network().sim("").more("")).await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let from_outside = || Sm { source_addr: octets("46800000001"), ..mo("up") };
    assert_eq!(sim.submit(from_outside()).await.0, CommandStatus::ESME_RINVSRCADR);
    put(&acme, OUTSIDE, json!({})).await.expect(201);
    assert_eq!(acme.get(OUTSIDE).await.expect(200).json()["last_seen_at"], Value::Null);
    sim.submitted(from_outside()).await;
    assert_eq!(app.take().await.short_message, octets("up"));
    let seen = acme.get(OUTSIDE).await.expect(200).field("last_seen_at");
    let no_route = app.submit(mt_to("46800000001", "down")).await.0;
    assert_eq!(no_route, CommandStatus::ESME_RINVDSTADR, "no route leads there");
    drop((app, sim));
    let site = site.restart().await;
    let acme = Client::new(site.api(), Some(acme.token()));
    assert!(acme.get(OUTSIDE).await.expect(200).field("last_seen_at") <= seen);
    let mut sim = site.sim().await;
    sim.submitted(from_outside()).await;
    acme.delete(OUTSIDE).await.expect(204);
    assert_eq!(sim.submit(from_outside()).await.0, CommandStatus::ESME_RINVSRCADR);
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_reports_line_by_line_and_the_same_one_again_changes_nothing() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let csv = "address,imei,tags,attr.site,status\r\n\
        +46700000001,490154203237518,\"a;b\",\"Hall 3, north\",\r\n\
        +46700000002,490154203237519,,,\r\n\
        nonsense!,,,,\r\n\
        +46700000001,,,,\r\n\
        +46700000003,,,\r\n\
        +46700000004,,,,asleep\r\n\
        +46700000005,,a b,,\r\n\
        +46700000006,,,,suspended\r\n";
    let import = |query: &'static str, body: &'static str| {
        let acme = acme.clone();
        async move { acme.request("POST", &format!("/v1/devices:import{query}"), &CSV, Some(body)).await }
    };
    let dry = import("?dry_run=true", csv).await.expect(200).json();
    assert_eq!((&dry["dry_run"], &dry["created"]), (&json!(true), &json!(2)));
    assert_eq!(addresses(&acme, "").await, [""; 0]);
    let report = import("", csv).await.expect(200).json();
    assert_eq!(report["refused"], dry["refused"]);
    assert_eq!((&report["created"], &report["updated"], &report["unchanged"]), (&json!(2), &json!(0), &json!(0)));
    let refused = report["refused"].as_array().expect("a list").iter();
    let lines: Vec<(u64, &str)> = refused
        .map(|refused| (refused["line"].as_u64().expect("a number"), refused["reason"].as_str().expect("text")))
        .collect();
    let numbers: Vec<u64> = lines.iter().map(|(line, _)| *line).collect();
    assert_eq!(numbers, [3, 4, 5, 6, 7, 8], "{lines:?}");
    assert!(lines[0].1.contains("Luhn") && lines[2].1.contains("line 2"), "{lines:?}");
    let device = acme.get("/v1/devices/+46700000001").await.expect(200).json();
    assert_eq!((&device["tags"], &device["attributes"]["site"]), (&json!(["a", "b"]), &json!("Hall 3, north")));
    let again = import("", csv).await.expect(200).json();
    assert_eq!((&again["created"], &again["unchanged"]), (&json!(0), &json!(2)));
    let audit = operator.get("/v1/audit").await.expect(200).json();
    let of_imports = |change: &&Value| change["kind"] == "devices";
    let imports: Vec<&Value> = audit["changes"].as_array().expect("a list").iter().filter(of_imports).collect();
    assert_eq!(imports.len(), 1);
    assert_eq!((&imports[0]["id"], &imports[0]["after"]["imported"]["created"]), (&json!("acme"), &json!(2)));
    assert_eq!(import("", "address,colour\n").await.problem(422), "invalid_field");
    assert_eq!(import("", "imei\n").await.problem(422), "invalid_field");
    assert_eq!(import("", "").await.problem(422), "invalid_field");
    assert_eq!(acme.post("/v1/devices:import", json!([])).await.problem(415), "unsupported_media_type");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_with_a_key_is_told_the_same_again() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let headers = [("content-type", "application/x-ndjson"), ("idempotency-key", "import-1")];
    let body = r#"{"address":"+46700000001","tags":["a"],"attributes":{"site":"x"},"status":"suspended"}"#;
    let import = |body: &'static str| {
        let acme = acme.clone();
        async move { acme.request("POST", "/v1/devices:import", &headers, Some(body)).await }
    };
    let first = import(body).await.expect(200);
    assert_eq!(first.json()["created"], 1);
    acme.delete("/v1/devices/+46700000001").await.expect(204);
    assert_eq!(import(body).await.expect(200).text, first.text);
    assert_eq!(addresses(&acme, "").await, [""; 0], "it was not done twice");
    assert_eq!(import(r#"{"address":"+46700000002"}"#).await.problem(422), "idempotency_mismatch");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_devices_are_imported_at_once_and_there_after_a_restart() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let line = |n: usize| format!("+4670{n:07},pump;hall-{},Hall {}\n", n % 20, n % 20);
    let lines: String = (0..10_000).map(line).collect();
    let csv = format!("address,tags,attr.site\n{lines}");
    let began = clock::instant();
    let report = acme.request("POST", "/v1/devices:import", &CSV, Some(&csv)).await.expect(200).json();
    assert!(began.elapsed().as_secs() < 3, "{:?}", began.elapsed());
    assert_eq!((&report["created"], &report["refused"]), (&json!(10_000), &json!([])));
    let more = format!("{csv}+46711111111,,\n");
    let refused = acme.request("POST", "/v1/devices:import", &CSV, Some(&more)).await;
    assert_eq!(refused.problem(413), "body_too_large");
    let site = site.restart().await;
    let acme = Client::new(site.api(), Some(acme.token()));
    assert_eq!(addresses(&acme, "?tag=hall-7&limit=1000").await.len(), 500);
    assert_eq!(addresses(&acme, "?prefix=%2B46700009").await.len(), 100);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_sees_what_is_registered_of_its_device() {
    let component = built("hostile").display().to_string();
    let rule =
        format!("[[rule]]\ncustomer = \"acme\"\nname = \"shown\"\ncomponent = {component:?}\nnumbers = [\"7001\"]\n");
    let plan = Plan::network().more(&rule);
    let (site, operator) = start(plan).await;
    let acme = key(&operator, "acme", &["manage"]).await;
    let mut sim = site.sim().await;
    sim.submitted(mo("DEVICE site")).await;
    assert_eq!(sim.take().await.short_message, octets("tags: ; site: None"));
    let body = json!({ "tags": ["pump", "hall-3"], "attributes": { "site": "Hall 3" } });
    put(&acme, &format!("/v1/devices/+{DEVICE}"), body).await.expect(201);
    sim.submitted(mo("DEVICE site")).await;
    assert_eq!(sim.take().await.short_message, octets("tags: hall-3 pump; site: Some(\"Hall 3\")"));
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_with_registered_devices_is_not_deleted() {
    let (site, operator) = start(Plan::network()).await;
    put(&operator, "/v1/customers/gamma", json!({ "numbers": ["7003"] })).await.expect(201);
    put(&operator, "/v1/devices/+46740000001?customer=gamma", json!({})).await.expect(201);
    assert_eq!(operator.delete("/v1/customers/gamma").await.problem(409), "does_not_fit");
    operator.delete("/v1/devices/+46740000001?customer=gamma").await.expect(204);
    operator.delete("/v1/customers/gamma").await.expect(204);
    site.end(()).await;
}
