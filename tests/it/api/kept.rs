//! What rules keep about a device, and who opted out: over HTTP.

use serde_json::{Value, json};

use super::client::{Client, key, start};
use crate::smsc::peer::eventually;
use crate::smsc::site::{DEVICE, NUMBER, Plan, Site, mo, mt, read};
use crate::support::server::built;

const STOP_IS_READ: &str = "policy = { a2p = \"open\", opt_out = { keywords = \"on\" } }\n";

/// Where a rule of `acme` answers meters and waits for silent ones.
pub fn meters() -> Plan {
    let component = built("water_meter").display().to_string();
    let rule = format!(
        "\n[history]\ndays = 1\n[[rule]]\ncustomer = \"acme\"\nname = \"meter\"\ncomponent = {component:?}\nnumbers = [{NUMBER:?}]\n\
         [rule.config]\nsilent_after_hours = \"24\"\nacknowledge_reports = \"true\"\n"
    );
    Plan::network().acme(STOP_IS_READ).more(&rule)
}

async fn list(who: &Client, what: &str, query: &str) -> Value {
    who.get(&format!("/v1/devices/%2B{DEVICE}/{what}{query}")).await.expect(200).json()
}

async fn reported(site: &Site) -> crate::smsc::peer::Peer {
    let mut sim = site.sim().await;
    sim.submitted(mo("WM1 V=10.000 F=5 B=3.6 S=OPEN")).await;
    sim.take().await;
    sim
}

#[tokio::test(flavor = "multi_thread")]
async fn state_and_timers_of_a_device_are_its_customers_to_see() {
    let (site, operator) = start(meters()).await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    assert_eq!(list(&acme, "state", "").await, json!({ "state": [] }));
    let sim = reported(&site).await;
    let state = list(&acme, "state", "").await;
    let value = &state["state"][0];
    assert_eq!((&value["rule"], &value["name"]), (&json!("meter"), &json!("meter")), "{state}");
    let text = value["text"].as_str().expect("a text");
    assert!(value["size"] == text.len() && text.contains("10000") && state["next"].is_null(), "{state}");
    let timers = list(&acme, "timers", "").await;
    assert_eq!((&timers["timers"][0]["rule"], &timers["timers"][0]["name"]), (&json!("meter"), &json!("silent")));
    assert!(timers["timers"][0]["due_at"].is_string() && timers["timers"][1].is_null(), "{timers}");
    let masked = list(&operator, "state", "?customer=acme").await;
    assert_eq!(
        (&masked["state"][0]["size"], &masked["state"][0]["masked"]),
        (&value["size"], &json!(true)),
        "{masked}"
    );
    assert_eq!(list(&operator, "timers", "?customer=acme").await, timers);
    assert_eq!(list(&acme, "state", "?rule=meter").await, state);
    assert_eq!(list(&acme, "state", "?rule=other").await, json!({ "state": [] }));
    // A page that is full says where it goes on.
    let page = list(&acme, "timers", "?limit=1").await;
    let next = page["next"].as_str().expect("there may be more").to_owned();
    assert_eq!(list(&acme, "timers", &format!("?limit=1&cursor={next}")).await, json!({ "timers": [] }));

    let beta = key(&operator, "beta", &["read", "manage"]).await;
    for what in ["state", "timers"] {
        let own = list(&beta, what, "").await;
        assert_eq!(own, json!({ what: [] }));
        assert_eq!(list(&beta, what, "?rule=meter").await, own);
        let path = format!("/v1/devices/%2B{DEVICE}/{what}");
        assert_eq!(beta.get(&format!("{path}?customer=acme")).await.problem(404), "not_found");
        assert_eq!(beta.get(&format!("{path}?cursor={next}")).await.problem(400), "malformed_request");
        for wrong in ["limit=0", "limit=1001", "cursor=%25", "colour=red"] {
            assert_eq!(acme.get(&format!("{path}?{wrong}")).await.problem(400), "malformed_request", "{wrong}");
        }
        assert_eq!(acme.get(&format!("/v1/devices/7001/{what}")).await.problem(404), "not_found");
    }
    let reader = key(&operator, "acme", &["read"]).await;
    list(&reader, "timers", "").await;
    assert_eq!(reader.get(&format!("/v1/devices/%2B{DEVICE}/state")).await.problem(403), "forbidden");
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opt_outs_are_listed_and_taken_back_by_whom_the_audit_names() {
    let (site, operator) = start(Plan::network().acme(STOP_IS_READ).more("\n[history]\ndays = 1\n")).await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let outs = async |who: &Client, query: &str| who.get(&format!("/v1/opt-outs{query}")).await.expect(200).json();
    assert_eq!(outs(&acme, "").await, json!({ "opt_outs": [] }));
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    sim.submitted(mo("STOP")).await;
    sim.take().await;
    let of_device = outs(&acme, &format!("?device=%2B{DEVICE}")).await;
    let out = &of_device["opt_outs"][0];
    assert_eq!((&out["number"], &out["device"]), (&json!(NUMBER), &json!(format!("+{DEVICE}"))), "{of_device}");
    for (query, count) in [
        (String::new(), 1),
        (format!("?number={NUMBER}"), 1),
        (format!("?number={NUMBER}&device=%2B{DEVICE}"), 1),
        ("?number=700".into(), 0),
        ("?device=%2B46700000002".into(), 0),
        (format!("?number=700&device=%2B{DEVICE}"), 0),
    ] {
        assert_eq!(outs(&acme, &query).await["opt_outs"].as_array().map(Vec::len), Some(count), "{query}");
    }
    let page = outs(&acme, "?limit=1").await;
    let next = page["next"].as_str().expect("there may be more");
    for query in [format!("?limit=1&cursor={next}"), format!("?limit=1&device=%2B{DEVICE}&cursor={next}")] {
        assert_eq!(outs(&acme, &query).await, json!({ "opt_outs": [] }));
    }

    let one = format!("/v1/opt-outs/{NUMBER}/%2B{DEVICE}");
    let beta = key(&operator, "beta", &["read", "manage"]).await;
    assert_eq!(outs(&beta, "").await, json!({ "opt_outs": [] }));
    assert_eq!(outs(&beta, &format!("?device=%2B{DEVICE}")).await, json!({ "opt_outs": [] }));
    assert_eq!(beta.delete(&one).await.problem(404), "not_found");
    assert_eq!(beta.get("/v1/opt-outs?customer=acme").await.problem(404), "not_found");
    let reader = key(&operator, "acme", &["read"]).await;
    assert_eq!(reader.delete(&one).await.problem(403), "forbidden");
    assert_eq!(outs(&acme, "").await["opt_outs"].as_array().map(Vec::len), Some(1), "it is there still");

    acme.delete(&one).await.expect(204);
    assert_eq!(acme.delete(&one).await.problem(404), "not_found");
    assert_eq!(outs(&acme, "").await, json!({ "opt_outs": [] }));
    app.submitted(mt("you asked for it")).await;
    assert_eq!(read(&sim.take().await), "you asked for it");
    let audit = operator.get("/v1/audit").await.expect(200).json();
    let id = acme.token().split('_').nth(1).expect("an id").to_owned();
    let taken_back = audit["changes"].as_array().expect("a list").iter().find(|change| change["kind"] == "opt-out");
    let taken_back = taken_back.expect("the audit has it");
    assert_eq!(
        (&taken_back["who"], &taken_back["id"]),
        (&json!(format!("key {id}")), &json!(format!("acme/{NUMBER}/+{DEVICE}")))
    );
    // What comes next has the number behind it, and a restart finds all as it was.
    drop((app, sim));
    let site = site.restart().await;
    let acme = Client::new(site.api(), Some(acme.token()));
    assert_eq!(outs(&acme, "").await, json!({ "opt_outs": [] }));
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_stop_again_is_listed_again() {
    let (site, operator) = start(Plan::network().acme(STOP_IS_READ).more("\n[history]\ndays = 1\n")).await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let mut sim = site.sim().await;
    for _ in 0..2 {
        sim.submitted(mo("STOP")).await;
        sim.take().await;
        eventually("it is listed", || async {
            let list = acme.get("/v1/opt-outs").await.expect(200).json();
            (list["opt_outs"].as_array().map(Vec::len) == Some(1)).then_some(())
        })
        .await;
        acme.delete(&format!("/v1/opt-outs/{NUMBER}/%2B{DEVICE}")).await.expect(204);
    }
    site.end(sim).await;
}
