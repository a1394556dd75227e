//! Links, as the operator looks after them: their PDUs, their history, the end of one, and pauses.

use serde_json::{Value, json};
use wasmsc_smpp::CommandStatus;

use super::client::{Client, key, start};
use crate::smsc::peer::{Login, eventually};
use crate::smsc::site::{DEVICE, Plan, Site, mo, mt, read, receipt};

/// The binds of an account.
async fn links(operator: &Client, account: &str) -> Vec<Value> {
    let list = operator.get("/v1/links").await.expect(200).json();
    list["links"].as_array().expect("a list").iter().filter(|link| link["account"] == account).cloned().collect()
}

async fn id(operator: &Client, account: &str) -> String {
    let links = links(operator, account).await;
    links[0]["id"].as_str().unwrap_or_else(|| panic!("{account} has no bind")).to_owned()
}

async fn history(operator: &Client, account: &str) -> Vec<(String, String)> {
    let list = operator.get(&format!("/v1/links/history?account={account}")).await.expect(200).json();
    let word = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
    list["events"].as_array().expect("a list").iter().map(|event| (word(event, "what"), word(event, "why"))).collect()
}

/// The one with this command and way, once it is there.
async fn pdu(operator: &Client, id: &str, (command, way): (&str, &str)) -> Value {
    eventually(&format!("{command} {way}"), || async {
        let list = operator.get(&format!("/v1/links/{id}/pdus")).await.expect(200).json();
        let mut pdus = list["pdus"].as_array().expect("a list").iter();
        pdus.find(|pdu| pdu["command"] == command && pdu["way"] == way).cloned()
    })
    .await
}

fn field(pdu: &Value, name: &str) -> Value {
    let mut fields = pdu["fields"].as_array().expect("a list").iter();
    fields.find(|field| field["name"] == name).unwrap_or_else(|| panic!("no {name} in {pdu}")).clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_pdus_of_a_link_are_told_field_by_field_without_passwords_and_texts() {
    let (site, operator) = start(Plan::network()).await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let id = id(&operator, "app").await;
    // How it was bound is kept, though nobody watched.
    let bind = pdu(&operator, &id, ("bind_transceiver", "received")).await;
    assert_eq!(
        (&field(&bind, "system_id")["value"], &field(&bind, "password")["value"]),
        (&json!("app"), &json!(null))
    );
    assert_eq!(field(&bind, "interface_version")["meaning"], "SMPP 3.4");
    pdu(&operator, &id, ("bind_transceiver_resp", "sent")).await;
    app.submitted(mt("zebra crossing")).await;
    let submitted = pdu(&operator, &id, ("submit_sm", "received")).await;
    assert_eq!(field(&submitted, "destination_addr")["value"], DEVICE);
    assert_eq!(field(&submitted, "dest_addr_ton")["meaning"], "INTERNATIONAL");
    assert_eq!(field(&submitted, "short_message")["length"], 14);
    assert_eq!(submitted["message"], json!({ "octets": 14 }));
    let answered = pdu(&operator, &id, ("submit_sm_resp", "sent")).await;
    assert_eq!(answered["sequence_number"], submitted["sequence_number"]);
    assert_eq!(answered["command_status"], "ESME_ROK (0x00000000)");
    sim.take().await;
    let all = operator.get(&format!("/v1/links/{id}/pdus")).await.expect(200).text;
    let in_hex = |text: &str| text.bytes().map(|octet| format!("{octet:02x}")).collect::<String>();
    for hidden in ["zebra", "secret"] {
        assert!(!all.contains(hidden) && !all.contains(&in_hex(hidden)), "{all}");
    }
    let of_sim = links(&operator, "sim").await[0]["id"].as_str().expect("an id").to_owned();
    operator.get(&format!("/v1/links/{of_sim}/pdus")).await.expect(200);
    sim.submitted(receipt("18", "UNDELIV")).await;
    let receipt = pdu(&operator, &of_sim, ("submit_sm", "received")).await;
    assert_eq!(receipt["message"]["receipt"], json!({ "message_id": "18", "state": "UNDELIV", "error": "000" }));
    operator.get("/v1/links/0-0/pdus").await.problem(404);
    site.end((app, sim)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_pdu_is_taken_apart_and_a_malformed_one_says_where() {
    let (site, operator) = start(Plan::network()).await;
    let decode = |hex: &str| {
        let body = json!({ "hex": hex });
        let operator = &operator;
        async move { operator.post("/v1/pdus:decode", body).await }
    };
    let two = "0000001000000015 00000000 00000001\n00:00:00:10 80:00:00:15 00:00:00:00 00:00:00:01";
    let found = decode(two).await.expect(200).json();
    let commands: Vec<&Value> = found["pdus"].as_array().expect("a list").iter().map(|pdu| &pdu["command"]).collect();
    assert_eq!(commands, ["enquire_link", "enquire_link_resp"]);
    let long = "00000027 00000004 00000000 00000005 00 0501 4100 0101 3400 00 00 00 00 00 00 00 00 00 20 6869 0000";
    let found = decode(long).await.expect(200).json();
    let error = &found["pdus"][0]["error"];
    assert_eq!((&error["at"], &error["field"]), (&json!(34), &json!("short_message")), "{found}");
    assert_eq!(error["command_status"], "ESME_RINVMSGLEN (0x00000001)");
    for wrong in ["", "0", "zz"] {
        assert_eq!(decode(wrong).await.problem(422), "invalid_field", "{wrong}");
    }
    site.end(()).await;
}

async fn waiting(operator: &Client) -> Value {
    let list = operator.get("/v1/queues").await.expect(200).json();
    let queues = list["queues"].as_array().expect("a list");
    queues.iter().find(|queue| queue["name"] == "+4670").map_or(Value::Null, |queue| queue["messages"].clone())
}

async fn put_pause(operator: &Client, account: &str, reason: &str) -> super::client::Reply {
    let body = json!({ "reason": reason }).to_string();
    operator.request("PUT", &format!("/v1/pauses/{account}"), &[], Some(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_account_gets_nothing_new_until_it_is_resumed_over_a_restart_too() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["send"]).await;
    let mut sim = site.sim().await;
    let made = put_pause(&operator, "sim", "maintenance").await.expect(201).json();
    assert_eq!((&made["account"], &made["reason"]), (&json!("sim"), &json!("maintenance")));
    put_pause(&operator, "sim", "longer").await.expect(200);
    assert_eq!(links(&operator, "sim").await[0]["paused"], true);
    put_pause(&operator, "nobody", "").await.problem(404);
    assert_eq!(put_pause(&operator, "app", "a\u{7}").await.problem(422), "invalid_field");
    acme.post("/v1/messages", json!({ "to": format!("+{DEVICE}"), "text": "later" })).await.expect(202);
    assert_eq!(waiting(&operator).await, 1);
    // Its own messages are taken, and nothing comes before their answer and the answer to enquire_link.
    sim.submitted(mo("still heard")).await;
    sim.barrier().await;
    assert_eq!(sim.next_within(std::time::Duration::ZERO).await, None);
    drop(sim);
    let site = site.restart().await;
    let operator = Client::new(site.api(), Some(operator.token()));
    let mut sim = site.sim().await;
    sim.submitted(mo("after the restart")).await;
    sim.barrier().await;
    assert_eq!(sim.next_within(std::time::Duration::ZERO).await, None);
    assert_eq!(
        (waiting(&operator).await, operator.get("/v1/pauses").await.json()["pauses"][0]["reason"].clone()),
        (json!(1), json!("longer"))
    );
    operator.delete("/v1/pauses/sim").await.expect(204);
    assert_eq!(read(&sim.take().await), "later");
    operator.delete("/v1/pauses/sim").await.problem(404);
    let audit = operator.get("/v1/audit").await.expect(200).json();
    let changes = audit["changes"].as_array().expect("a list").iter().filter(|change| change["kind"] == "pause");
    assert_eq!(changes.count(), 3, "{audit}");
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn others_of_the_same_route_take_over_from_a_paused_one() {
    let second = "[[account]]\nsystem_id = \"sim2\"\npassword = \"secret\"\nrole = \"network\"\nroutes = [\"+4670\"]\npriority = 5\n";
    let (site, operator) = start(Plan::network().more(second)).await;
    let (mut app, mut first, mut other) = (site.app().await, site.sim().await, site.bind(Login::new("sim2")).await);
    app.submitted(mt("one")).await;
    assert_eq!(read(&first.take().await), "one", "its priority is better");
    put_pause(&operator, "sim", "").await.expect(201);
    app.submitted(mt("two")).await;
    assert_eq!(read(&other.take().await), "two");
    operator.delete("/v1/pauses/sim").await.expect(204);
    app.submitted(mt("three")).await;
    assert_eq!(read(&first.take().await), "three");
    site.end((app, first, other)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bind_is_dropped_once_what_is_under_way_has_its_answer() {
    let (site, operator) = start(Plan::network()).await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    app.submitted(mt("in hand")).await;
    let (number, _) = sim.next_sm().await;
    let of_sim = id(&operator, "sim").await;
    operator.delete(&format!("/v1/links/{of_sim}")).await.expect(202);
    // What is under way gets its answer first.
    sim.barrier().await;
    sim.answer(number, CommandStatus::ESME_ROK, "").await;
    sim.expect_closed().await;
    eventually("it is gone", || async {
        let again = operator.delete(&format!("/v1/links/{of_sim}")).await;
        (again.status == 404).then_some(())
    })
    .await;
    let mut again = site.sim().await;
    app.submitted(mt("next")).await;
    assert_eq!(read(&again.take().await), "next");
    let events = eventually("its history", || async {
        let events = history(&operator, "sim").await;
        (events.len() == 3).then_some(events)
    })
    .await;
    let what: Vec<&str> = events.iter().map(|(what, _)| what.as_str()).collect();
    assert_eq!((what, events[1].1.as_str()), (vec!["bound", "unbound", "bound"], "dropped by the operator"));
    let audit = operator.get("/v1/audit").await.expect(200).json();
    let dropped = audit["changes"].as_array().expect("a list").iter().find(|change| change["kind"] == "link");
    let dropped = dropped.unwrap_or_else(|| panic!("not in {audit}"));
    assert_eq!((&dropped["who"], &dropped["before"]["account"]), (&json!("operator"), &json!("sim")));
    site.end((app, again)).await;
}

async fn refused_bind(site: &Site, login: Login) -> CommandStatus {
    crate::smsc::peer::Peer::try_bind(site.smpp, login).await.err().expect("refused")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_binds_says_why_each_ended_or_was_refused() {
    let (site, operator) = start(Plan::network()).await;
    refused_bind(&site, Login::new("app").password("wrong")).await;
    refused_bind(&site, Login::new("stranger")).await;
    site.app().await.unbind().await;
    drop(site.app().await);
    let events = eventually("all of it", || async {
        let events = history(&operator, "app").await;
        (events.len() == 5).then_some(events)
    })
    .await;
    let told: Vec<(&str, &str)> = events.iter().rev().map(|(what, why)| (what.as_str(), why.as_str())).collect();
    assert_eq!(told[..2], [("refused", "wrong password"), ("bound", "")]);
    assert_eq!(told[2], ("unbound", "the peer sent unbind"));
    assert_eq!(told[4], ("unbound", "the peer closed the connection without unbind"));
    assert_eq!(history(&operator, "stranger").await, [("refused".to_owned(), "no such account".to_owned())]);
    operator.get("/v1/links/history?limit=0").await.problem(400);
    site.end(()).await;
}
