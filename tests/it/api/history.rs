//! What happened to messages, over HTTP: lists with filters and pages, one message's life, and exports.

use serde_json::{Value, json};
use wasmsc_smpp::CommandStatus;

use super::client::{Client, key, start};
use super::messages::at;
use crate::smsc::peer::eventually;
use crate::smsc::site::{DEVICE, NUMBER, Plan, mo, mt, mt_to, read};
use crate::support::server::built;

const HISTORY: &str = "\n[history]\ndays = 1\n";

fn plan() -> Plan {
    Plan::network().more(HISTORY)
}

/// What a list says, as direction, state and text.
async fn listed(client: &Client, query: &str) -> Vec<String> {
    let list = client.get(&format!("/v1/messages{query}")).await.expect(200).json();
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap_or("-").to_owned();
    let messages = list["messages"].as_array().expect("a list").iter();
    messages.map(|entry| ["direction", "state", "text"].map(|name| text(entry, name)).join(" ")).collect()
}

/// Until the list is this one: an event is seen once it is durable.
async fn becomes(client: &Client, query: &str, expected: &[&str]) {
    eventually(&format!("{query}: {expected:?}"), || async {
        (listed(client, query).await == *expected).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_found_by_device_number_direction_state_time_text_and_tag() {
    let (site, operator) = start(plan()).await;
    let acme = key(&operator, "acme", &["send", "read"]).await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    app.submitted(mt("refused")).await;
    sim.refuse(CommandStatus::ESME_RINVDSTADR).await;
    app.submitted(mt_to("46700000002", "to another")).await;
    sim.take().await;
    sim.submitted(mo("an MO")).await;
    assert_eq!(read(&app.take().await), "an MO");
    let later = json!({ "to": format!("+{DEVICE}"), "from": "ACME", "text": "later", "tag": "order 7", "schedule_at": at(3_600) });
    acme.post("/v1/messages", later).await.expect(202);
    let all = ["mt scheduled later", "mo delivered an MO", "mt delivered to another", "mt undeliverable refused"];
    becomes(&acme, "", &all).await;
    let [later, mo, other, refused] = all;
    let (past, future) = (at(-60), at(60));
    for (query, expected) in [
        (format!("?device=%2B{DEVICE}"), &[later, mo, refused][..]),
        (format!("?device=+{DEVICE}"), &[later, mo, refused]),
        (format!("?number={NUMBER}"), &[mo, other, refused]),
        ("?number=ACME".into(), &[later]),
        ("?direction=mo".into(), &[mo]),
        ("?direction=mt&state=delivered".into(), &[other]),
        ("?state=scheduled".into(), &[later]),
        ("?state=undeliverable".into(), &[refused]),
        (format!("?since={past}"), &all),
        (format!("?since={future}"), &[]),
        (format!("?until={future}"), &all),
        ("?until=9999-12-31T23:59:59Z".into(), &all),
        (format!("?until={past}"), &[]),
        ("?text=AN".into(), &[mo, other]),
        ("?tag=order%207".into(), &[later]),
        ("?tag=order".into(), &[]),
        ("?limit=1".into(), &[later]),
        ("?customer=acme&direction=mo".into(), &[mo]),
    ] {
        assert_eq!(listed(&acme, &query).await, expected, "{query}");
    }
    assert_eq!(listed(&operator, "?customer=acme&tag=order%207").await, ["mt scheduled -"], "masked");
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_shows_each_message_once_while_others_come_in() {
    let (site, operator) = start(plan()).await;
    let acme = key(&operator, "acme", &["send", "read"]).await;
    let send = |n: usize| json!({ "to": format!("+{DEVICE}"), "text": format!("text {n}") });
    for n in 0..5 {
        acme.post("/v1/messages", send(n)).await.expect(202);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for page in 0.. {
        let list = acme.get(&format!("/v1/messages?limit=2{cursor}")).await.expect(200).json();
        let messages = list["messages"].as_array().expect("a list");
        seen.extend(messages.iter().filter_map(|entry| Some(entry["text"].as_str()?.to_owned())));
        acme.post("/v1/messages", send(100 + page)).await.expect(202);
        let Some(next) = list["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ["text 4", "text 3", "text 2", "text 1", "text 0"]);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meters_report_and_the_rules_answer_are_told_event_by_event() {
    let rule = built("water_meter").display().to_string();
    let rule = format!(
        "[[rule]]\ncustomer = \"acme\"\nname = \"water-meter\"\ncomponent = {rule:?}\nnumbers = [{NUMBER:?}]\n\
         [rule.config]\nacknowledge_reports = \"true\"\n"
    );
    let (site, operator) = start(plan().more(&rule)).await;
    let acme = key(&operator, "acme", &["read"]).await;
    let mut sim = site.sim().await;
    let report = sim.submitted(mo("WM1 V=10.000 F=5 B=3.6 S=OPEN")).await;
    assert_eq!(read(&sim.take().await), "WM1 OK 0 L today");
    sim.barrier().await;
    becomes(&acme, "?direction=mt", &["mt delivered WM1 OK 0 L today"]).await;
    let both = ["mt delivered WM1 OK 0 L today", "mo delivered WM1 V=10.000 F=5 B=3.6 S=OPEN"];
    for (query, expected) in [
        ("?rule=water-meter", &both[..]),
        ("?rule=water-meter&direction=mo", &both[1..]),
        ("?rule=water-meter&text=today", &both[..1]),
        ("?rule=water", &[]),
        ("?rule=acme/water-meter", &[]),
        ("?rule=sim", &[]),
    ] {
        assert_eq!(listed(&acme, query).await, expected, "{query}");
    }
    let exported = acme.get("/v1/messages:export?format=jsonl&rule=water-meter").await.expect(200).text;
    assert_eq!(exported.lines().count(), 2, "{exported}");
    let names = |events: &Value| -> Vec<String> {
        let events = events["events"].as_array().expect("a list");
        events.iter().filter_map(|event| Some(event["event"].as_str()?.to_owned())).collect()
    };
    let of_report = acme.get(&format!("/v1/messages/{report}/timeline")).await.expect(200).json();
    assert_eq!(names(&of_report), ["received", "ran", "ended"]);
    let [received, ran, ended] = [0, 1, 2].map(|n| &of_report["events"][n]);
    assert_eq!(received["message"]["text"], "WM1 V=10.000 F=5 B=3.6 S=OPEN");
    assert_eq!((&received["message"]["by"], &received["message"]["direction"]), (&json!("sim"), &json!("mo")));
    assert_eq!((&ran["rule"], &ran["sent"]), (&json!("acme/water-meter"), &json!(1)));
    assert_eq!(ended["state"], "delivered");
    let answer = acme.get("/v1/messages?direction=mt").await.expect(200).json()["messages"][0].clone();
    assert_eq!(answer["cause"], json!(report), "{answer}");
    let id = answer["id"].as_str().expect("an id");
    let of_answer = acme.get(&format!("/v1/messages/{id}/timeline")).await.expect(200).json();
    assert_eq!(names(&of_answer), ["received", "sent", "ended"]);
    assert_eq!(of_answer["events"][1]["peer"], "sim");
    let operators = operator.get(&format!("/v1/messages/{id}/timeline?customer=acme")).await.expect(200).json();
    assert_eq!(names(&operators), names(&of_answer));
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_every_message_once_and_is_read_back_as_it_was_written() {
    let (site, operator) = start(plan()).await;
    let acme = key(&operator, "acme", &["send", "read"]).await;
    let hard = "say \"hi\", and\nleave; =1+1";
    for n in 0..600 {
        let text = if n == 0 { hard.to_owned() } else { format!("=text {n}") };
        acme.post("/v1/messages", json!({ "to": format!("+{DEVICE}"), "text": text })).await.expect(202);
    }
    acme.post("/v1/messages", json!({ "to": format!("+{DEVICE}"), "binary": { "hex": "00ff" } })).await.expect(202);
    let reply = acme.get("/v1/messages:export?format=jsonl").await.expect(200);
    assert_eq!(reply.headers["content-type"], "application/jsonl");
    let lines: Vec<Value> = reply.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let texts: Vec<&str> = lines.iter().filter_map(|line| line["text"].as_str()).collect();
    let expected: Vec<String> = (1..600).rev().map(|n| format!("=text {n}")).chain([hard.to_owned()]).collect();
    assert_eq!((lines.len(), texts), (601, expected.iter().map(String::as_str).collect()));
    assert_eq!(lines[0]["binary"], json!({ "hex": "00ff" }));
    let entry = acme.get("/v1/messages?limit=1").await.expect(200).json()["messages"][0].clone();
    assert_eq!(lines[0], entry, "the same fields as in the list");

    let reply = acme.get("/v1/messages:export?format=csv").await.expect(200);
    assert!(reply.headers["content-type"].to_str().expect("ASCII").starts_with("text/csv"));
    let rows: Vec<&str> = reply.text.split_terminator("\r\n").collect();
    assert!(rows[0].starts_with("id,direction,by,from,to,state,"), "{}", rows[0]);
    assert_eq!(rows.len(), 602);
    assert!(rows[1].ends_with(",\"\",\"\",00ff"), "{}", rows[1]);
    assert!(rows[2].ends_with(",\"'=text 599\","), "no formula: {}", rows[2]);
    assert!(rows[2].contains(&format!(",\"api\",\"{NUMBER}\",\"+{DEVICE}\",enroute,")), "{}", rows[2]);
    assert!(rows[601].ends_with(",\"say \"\"hi\"\", and\nleave; =1+1\","), "{}", rows[601]);
    let one = acme.get("/v1/messages:export?format=jsonl&text=say").await.expect(200);
    assert_eq!(one.text.lines().count(), 1);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_history_there_is_none_and_what_is_wrong_is_said() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["send", "read"]).await;
    for path in ["/v1/messages", "/v1/messages:export?format=csv", "/v1/messages/1a209002b4d00000/timeline"] {
        assert_eq!(acme.get(path).await.problem(409), "history_off", "{path}");
    }
    site.end(()).await;

    let (site, operator) = start(plan()).await;
    let acme = key(&operator, "acme", &["read"]).await;
    for query in ["?limit=0", "?limit=1001", "?cursor=x", "?device=%2B", "?state=gone", "?since=now", "?colour=red"] {
        assert_eq!(acme.get(&format!("/v1/messages{query}")).await.problem(400), "malformed_request", "{query}");
    }
    assert_eq!(acme.get("/v1/messages:export").await.problem(400), "malformed_request");
    assert_eq!(operator.get("/v1/messages").await.problem(400), "malformed_request");
    assert_eq!(acme.get("/v1/messages/1a209002b4d00000/timeline").await.problem(404), "not_found");
    let sender = key(&operator, "acme", &["send"]).await;
    for path in ["/v1/messages", "/v1/messages:export?format=csv", "/v1/messages/1a209002b4d00000/timeline"] {
        assert_eq!(sender.get(path).await.problem(403), "forbidden", "{path}");
    }
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_customers_history_does_not_exist() {
    let (site, operator) = start(plan()).await;
    let acme = key(&operator, "acme", &["send", "read"]).await;
    let beta = key(&operator, "beta", &["send", "read"]).await;
    let sent = acme.post("/v1/messages", json!({ "to": format!("+{DEVICE}"), "text": "mine" })).await.expect(202);
    let id = sent.field("id");
    becomes(&acme, "", &["mt enroute mine"]).await;
    assert_eq!(listed(&beta, "").await, Vec::<String>::new());
    assert_eq!(listed(&beta, &format!("?device=%2B{DEVICE}")).await, Vec::<String>::new());
    assert_eq!(beta.get("/v1/messages:export?format=jsonl").await.expect(200).text, "");
    assert_eq!(beta.get("/v1/messages:export?format=csv").await.expect(200).text.lines().count(), 1);
    for path in [
        "/v1/messages?customer=acme".to_owned(),
        "/v1/messages:export?format=csv&customer=acme".to_owned(),
        format!("/v1/messages/{id}/timeline"),
        format!("/v1/messages/{id}/timeline?customer=acme"),
    ] {
        assert_eq!(beta.get(&path).await.problem(404), "not_found", "{path}");
    }
    // A cursor of another customer's message opens nothing.
    let next = acme.get("/v1/messages?limit=1").await.expect(200).json()["next"].clone();
    if let Some(next) = next.as_str() {
        assert_eq!(listed(&beta, &format!("?cursor={next}")).await, Vec::<String>::new());
    }
    acme.get(&format!("/v1/messages/{id}/timeline")).await.expect(200);
    site.end(()).await;
}
