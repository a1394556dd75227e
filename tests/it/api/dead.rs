//! Dead letters over REST: what a rule or a peer could not do is listed, shown, tried again and dropped.

use serde_json::{Value, json};
use wasmsc_smpp::CommandStatus;

use super::client::{Client, key, start};
use crate::smsc::peer::eventually;
use crate::smsc::site::{DEVICE, Plan, mo, read};
use crate::support::server::built;

/// A rule that does what an MO says, once.
fn plan() -> Plan {
    let component = built("hostile");
    let rule = format!(
        "\n[[rule]]\ncustomer = \"acme\"\nname = \"hostile\"\ncomponent = {component:?}\nnumbers = [\"7001\"]\n\
         attempts_max = 1\ndeadline_ms = 5000\n[history]\ndays = 1\n"
    );
    Plan::network().more(&rule)
}

async fn letters(client: &Client, query: &str) -> Vec<Value> {
    let listed = client.get(&format!("/v1/dead-letters{query}")).await.expect(200).json();
    listed["dead_letters"].as_array().expect("a list").clone()
}

async fn until_dead(client: &Client, count: usize) -> Vec<Value> {
    let found = || async {
        let letters = letters(client, "").await;
        (letters.len() == count).then_some(letters)
    };
    eventually("dead letters", found).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_trapped_is_shown_and_runs_with_another_text_under_its_own_id() {
    let (site, operator) = start(plan()).await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let mut sim = site.sim().await;
    let id = sim.submitted(mo("TRAP")).await;
    let letter = until_dead(&acme, 1).await.remove(0);
    for (name, value) in [("id", id.as_str()), ("kind", "event"), ("rule", "hostile"), ("text", "TRAP")] {
        assert_eq!(letter[name], value, "{letter}");
    }
    assert_eq!((&letter["device"], &letter["attempts"]), (&format!("+{DEVICE}").into(), &1.into()));
    assert!(letter["version"].as_str().is_some_and(|version| version.starts_with("sha256:")), "{letter}");
    assert!(letter["reason"].as_str().is_some_and(|reason| reason.contains("unreachable")), "{letter}");
    let one = acme.get(&format!("/v1/dead-letters/{id}")).await.expect(200).json();
    assert!(one["backtrace"].as_str().is_some_and(|lines| lines.contains("handle-mo")), "{one}");
    let retry = format!("/v1/dead-letters/{id}/retry");
    assert_eq!(acme.post(&retry, json!({ "text": "COUNT" })).await.expect(200).json()["changed"], 1);
    assert_eq!(read(&sim.take().await), "1");
    assert_eq!(acme.post(&retry, json!({})).await.problem(404), "not_found");
    let timeline = acme.get(&format!("/v1/messages/{id}/timeline")).await.expect(200).json();
    let events: Vec<&str> =
        timeline["events"].as_array().expect("a list").iter().filter_map(|e| e["event"].as_str()).collect();
    assert_eq!(events, ["received", "failed", "dead", "ended", "retried", "ran", "ended"]);
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_refused_is_sent_again() {
    let (site, operator) = start(plan()).await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let mut sim = site.sim().await;
    let mo = sim.submitted(mo("COUNT")).await;
    sim.refuse(CommandStatus::ESME_RINVDSTADR).await;
    let letter = until_dead(&acme, 1).await.remove(0);
    assert_eq!((&letter["kind"], &letter["queue"], &letter["text"]), (&"message".into(), &"+4670".into(), &"1".into()));
    assert!(letter["id"].as_str().is_some_and(|id| id.starts_with(&mo)), "{letter}");
    let id = letter["id"].as_str().expect("an id");
    acme.post(&format!("/v1/dead-letters/{id}/retry"), json!({})).await.expect(200);
    assert_eq!(read(&sim.take().await), "1");
    assert_eq!(letters(&acme, "").await, [Value::Null; 0]);
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_found_page_by_page_and_by_filter_and_go_at_once() {
    let (site, operator) = start(plan()).await;
    let acme = key(&operator, "acme", &["read", "manage"]).await;
    let mut sim = site.sim().await;
    let mut ids = Vec::new();
    for text in ["REJECT a", "REJECT b", "REJECT c"] {
        ids.push(sim.submitted(mo(text)).await);
    }
    until_dead(&acme, 3).await;
    let (mut listed, mut query) = (Vec::new(), "?limit=1".to_owned());
    loop {
        let page = acme.get(&format!("/v1/dead-letters{query}")).await.expect(200).json();
        listed.extend(page["dead_letters"][0]["id"].as_str().map(str::to_owned));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?limit=1&cursor={next}");
    }
    ids.reverse();
    assert_eq!(listed, ids, "the newest first");
    for (query, count) in [
        ("?rule=hostile", 3),
        ("?rule=other", 0),
        ("?device=%2B46700000001&kind=event", 3),
        ("?device=%2B46700000002", 0),
        ("?kind=message", 0),
        ("?until=2020-01-01T00:00:00Z", 0),
        ("?since=2020-01-01T00:00:00Z", 3),
    ] {
        assert_eq!(letters(&acme, query).await.len(), count, "{query}");
    }
    for wrong in ["?limit=0", "?cursor=x", "?kind=none"] {
        acme.get(&format!("/v1/dead-letters{wrong}")).await.problem(400);
    }
    let changed = acme.post("/v1/dead-letters:drop", json!({ "rule": "other" })).await.expect(200).json();
    assert_eq!(changed, json!({ "changed": 0, "left": 0 }));
    // They fail again.
    let changed = acme.post("/v1/dead-letters:retry", json!({ "rule": "hostile" })).await.expect(200).json();
    assert_eq!(changed, json!({ "changed": 3, "left": 0 }));
    until_dead(&acme, 3).await;
    acme.post(&format!("/v1/dead-letters/{}/drop", ids[0]), json!({})).await.expect(200);
    assert_eq!(acme.post("/v1/dead-letters:drop", json!({})).await.expect(200).json()["changed"], 2);
    assert_eq!(letters(&acme, "").await, [Value::Null; 0]);
    site.end(sim).await;
}
