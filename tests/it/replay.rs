//! Calls that a server keeps: recorded as cases, and run again on another version, by the real binary against a real server.

use std::process::Output;

use serde_json::json;

use crate::api::client::{Client, key, start};
use crate::cli::Shell;
use crate::smsc::peer::eventually;
use crate::smsc::site::{DEVICE, NUMBER, Plan, Site, mo, read};
use crate::support::server::{built, version};

/// A rule at `acme`'s number; `lines` are added to its table.
fn plan(plugin: &str, lines: &str) -> Plan {
    let component = built(plugin).display().to_string();
    Plan::network().more(&format!(
        "\n[[rule]]\ncustomer = \"acme\"\nname = \"rule\"\ncomponent = {component:?}\nnumbers = [{NUMBER:?}]\n\
         deadline_ms = 5000\nattempts_max = 1\nbreaker = {{ failures = 0 }}\n{lines}\n"
    ))
}

async fn owner(site: &Site, operator: &Client) -> (Shell, Client) {
    let key = key(operator, "acme", &["read", "send", "manage"]).await;
    (Shell::new(site.api(), &key), key)
}

async fn kept(client: &Client, count: usize) -> Vec<serde_json::Value> {
    let found = || async {
        let listed = client.get("/v1/rules/rule/calls").await.expect(200).json();
        let calls = listed["calls"].as_array().expect("a list").clone();
        (calls.len() >= count).then_some(calls)
    };
    eventually("calls", found).await
}

/// Exit code and all that it said.
fn said(shell: &Shell, line: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = shell.run(line);
    (status.code(), String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_did_live_is_recorded_as_cases_that_pass_on_the_same_version() {
    let secrets = "replay_hours = 1\nconfig = { greeting = \"hej\" }\nsecrets = { token = \"Bearer s3cret\" }";
    let (site, operator) = start(plan("conformance", secrets)).await;
    let (acme, client) = owner(&site, &operator).await;
    let mut sim = site.sim().await;
    let texts =
        ["COUNT", "COUNT", "RANDOM", "CONFIG greeting", "SADD total 3", "SGET total", "FACTS", "TIMER wake 20 late"];
    for text in texts {
        sim.submitted(mo(text)).await;
        sim.take().await;
    }
    sim.take().await; // of the timer
    let ping = format!("/v1/rules/rule/devices/%2B{DEVICE}/requests/ping?wait=10");
    client.post(&ping, json!({ "a": 1 })).await;
    sim.submitted(mo("TRAP")).await;
    let calls = kept(&client, texts.len() + 3).await;
    assert_eq!(calls.len(), texts.len() + 3, "{calls:?}");
    let events: Vec<&str> = calls.iter().filter_map(|call| call["event"].as_str()).collect();
    assert!(events.contains(&"timer") && events.contains(&"request"), "{events:?}");
    assert!(!calls.iter().any(|call| call.to_string().contains("s3cret")), "a secret is kept");

    let cases = site.folder().join("cases").display().to_string();
    let recorded = acme.prints(&["plugin", "record", "rule", "--since", "1h", "--out", &cases]);
    assert_eq!(recorded.lines().filter(|line| line.starts_with("recorded  ")).count(), calls.len(), "{recorded}");
    let component = built("conformance").display().to_string();
    let (code, told) = said(&acme, &["plugin", "test", &cases, "--component", &component]);
    assert!(code == Some(0) && told.contains(&format!("{} passed, 0 failed", calls.len())), "{told}");
    let (code, told) = said(&acme, &["rule", "replay", "rule", "--since", "2h", "--component", &component]);
    let all = format!("{0} calls: {0} the same, 0 changed, 0 failed, 0 not comparable", calls.len());
    assert!(code == Some(0) && told.contains(&all), "{told}");
    // What is there stays.
    let again = acme.prints(&["plugin", "record", "rule", "--out", &cases]);
    assert!(again.contains("kept  ") && !again.contains("recorded  "), "{again}");
    site.end(sim).await;
}

/// One call each, run again on the server itself; `dead` is the message of one that trapped.
async fn on_the_server(client: &Client, dead: &str) {
    let first = kept(client, 2).await[0]["message_id"].as_str().expect("an id").to_owned();
    let replay = async |body: serde_json::Value| client.post("/v1/rules/rule/replay", body).await;
    let same = replay(json!({ "message": first })).await.expect(200).json();
    assert_eq!(
        (&same["verdict"], &same["plugin"], &same["differences"]),
        (&json!("same"), &json!("rule@1"), &json!([]))
    );
    assert_eq!(same["now"]["sent"][0]["text"], "mark-one a ?");
    let other = replay(json!({ "message": first, "plugin": "rule@2" })).await.expect(200).json();
    let what = json!({ "what": "sent 1, text", "recorded": "\"mark-one a ?\"", "now": "\"mark-two a ?\"" });
    assert_eq!((&other["verdict"], &other["differences"][0]), (&json!("changed"), &what), "{other}");
    let broke = replay(json!({ "message": dead })).await.expect(200).json();
    assert_eq!(
        (&broke["verdict"], &broke["recorded"]["outcome"], &broke["now"]["outcome"]),
        (&json!("same"), &json!("broken"), &json!("broken"))
    );
    let missing = replay(json!({ "message": "00000000000000ff" })).await;
    assert!(missing.text.contains("keeps its calls for 1 h"), "{missing:?}");
    assert_eq!(missing.problem(404), "not_kept");
    assert_eq!(replay(json!({ "message": first, "attempt": 2 })).await.problem(404), "not_kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_shows_what_it_does_otherwise_and_performs_nothing() {
    let (site, operator) = start(Plan::network()).await;
    let (acme, client) = owner(&site, &operator).await;
    let file = |name: &str| site.folder().join(name).display().to_string();
    for (number, mark) in [("1", "mark-one"), ("2", "mark-two")] {
        std::fs::write(file("rule.wasm"), version(mark)).expect("written");
        acme.prints(&["plugin", "upload", &file("rule.wasm"), "--name", "rule", "--version", number]);
    }
    let settings =
        "plugin = \"rule@1\"\nnumbers = [\"7001\"]\nreplay_hours = 1\nattempts_max = 1\ndeadline_ms = 1000\n";
    std::fs::write(file("rule.toml"), settings).expect("written");
    acme.prints(&["rule", "set", "rule", &file("rule.toml")]);
    let mut sim = site.sim().await;
    sim.submitted(mo("VERSION ?")).await;
    for part in ["a", "b"] {
        assert_eq!(read(&sim.take().await), format!("mark-one {part} ?"));
    }
    let dead = sim.submitted(mo("TRAP")).await;
    kept(&client, 2).await;

    let (code, told) = said(&acme, &["rule", "replay", "rule", "--version", "rule@1", "--since", "1d"]);
    assert!(code == Some(0) && told.contains("2 calls: 2 the same, 0 changed"), "{told}");
    let (code, told) = said(&acme, &["rule", "replay", "rule", "--version", "rule@2"]);
    let changed = "  sent 1, text\n    recorded  \"mark-one a ?\"\n    now       \"mark-two a ?\"\n";
    assert!(code == Some(1) && told.contains("changed  ") && told.contains(changed), "{told}");
    assert!(told.contains("2 calls: 1 the same, 1 changed, 0 failed, 0 not comparable\n"), "{told}");
    let json = said(&acme, &["rule", "replay", "rule", "--component", &file("rule.wasm"), "--json"]).1;
    assert!(json.contains("\"changed\": 1") && json.contains("\"now\": \"\\\"mark-two b ?\\\"\""), "{json}");

    on_the_server(&client, &dead).await;

    // The failed message alone, as a case that fails as it did.
    let cases = file("failed");
    acme.prints(&["plugin", "record", "rule", "--message", &dead, "--out", &cases]);
    let case = std::fs::read_to_string(format!("{cases}/mo-{dead}.toml")).expect("written");
    assert!(case.contains("mo = \"TRAP\"") && case.contains("outcome = \"broken\""), "{case}");
    assert_eq!(said(&acme, &["plugin", "test", &cases, "--component", &file("rule.wasm")]).0, Some(0));
    let (code, told) = said(&acme, &["rule", "replay", "rule", "--message", "00000000000000ff", "--version", "rule@1"]);
    assert!(code == Some(1) && told.contains("no such call of rule rule is kept"), "{told}");

    // Nobody else reads them, and nothing that ran here was sent.
    let reader = key(&operator, "acme", &["read"]).await;
    assert_eq!(reader.get("/v1/rules/rule/calls").await.problem(403), "forbidden");
    assert_eq!(reader.get("/v1/plugins/rule@1/component").await.problem(403), "forbidden");
    let other = key(&operator, "beta", &["manage"]).await;
    for path in ["/v1/rules/rule/calls", "/v1/rules/rule/calls?customer=acme", "/v1/plugins/rule@1/component"] {
        assert_eq!(other.get(path).await.problem(404), "not_found", "{path}");
    }
    sim.submitted(mo("VERSION end")).await;
    assert_eq!(read(&sim.take().await), "mark-one a end");
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_asks_for_what_was_not_kept_is_not_compared() {
    let (site, operator) = start(plan("hostile", "replay_hours = 1")).await;
    let (acme, client) = owner(&site, &operator).await;
    let mut sim = site.sim().await;
    sim.submitted(mo("SGET total")).await;
    kept(&client, 1).await;
    let component = built("conformance").display().to_string();
    let (code, told) = said(&acme, &["rule", "replay", "rule", "--component", &component]);
    assert!(told.contains("it asks for what was not kept: shared state \"total\"\n"), "{told}");
    assert!(code == Some(0) && told.contains("0 failed, 1 not comparable"), "{told}");
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_call_tells_what_it_read_and_did_and_logged() {
    let secrets = "replay_hours = 1\nsecrets = { token = \"Bearer s3cret\" }";
    let (site, operator) = start(plan("conformance", secrets)).await;
    let (_, client) = owner(&site, &operator).await;
    let mut sim = site.sim().await;
    let texts = ["COUNT", "COUNT", "SADD total 3", "SGET total", "LOG the Bearer s3cret leaks"];
    for text in texts {
        sim.submitted(mo(text)).await;
        sim.take().await;
    }
    let rejected = sim.submitted(mo("REJECT no")).await;
    let calls = kept(&client, texts.len() + 1).await;
    let read = |at: usize| calls[at]["read"].clone();
    let did = |at: usize, what: &str| calls[at]["did"][what].clone();
    assert_eq!(read(0), json!([{ "shared": false, "name": "n" }]), "there was none");
    assert_eq!(read(1)[0]["name"], "n");
    let changed = did(1, "state");
    assert_eq!((&changed[0]["name"], &changed[0]["before"]), (&json!("n"), &read(1)[0]["value"]), "{changed}");
    assert_ne!(changed[0]["before"], changed[0]["after"]);
    assert_eq!(did(1, "sent")[0]["text"], "2");
    assert_eq!(did(2, "shared")[0]["name"], "total");
    assert_eq!((&read(3)[0]["shared"], &read(3)[0]["name"]), (&json!(true), &json!("total")));
    let line = json!([{ "level": "warn", "text": "the secret-token leaks", "fields": [["kind", "test"]] }]);
    assert_eq!(did(4, "log"), line, "values of secrets are hidden");
    assert_eq!(calls[5]["message_id"], *rejected);
    assert_eq!((did(5, "sent"), did(5, "state")), (json!([]), json!([])), "it was not done");
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_calls_follow_each_other_and_a_rule_that_keeps_none_has_none() {
    let (site, operator) = start(plan("conformance", "replay_hours = 1")).await;
    let (acme, client) = owner(&site, &operator).await;
    let mut sim = site.sim().await;
    let mut ids = Vec::new();
    for text in ["ECHO a", "ECHO b", "ECHO c"] {
        ids.push(sim.submitted(mo(text)).await);
        sim.take().await;
    }
    kept(&client, 3).await;
    let (mut listed, mut query) = (Vec::new(), "?limit=1".to_owned());
    loop {
        let page = client.get(&format!("/v1/rules/rule/calls{query}")).await.expect(200).json();
        listed.extend(page["calls"][0]["message_id"].as_str().map(str::to_owned));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?limit=1&cursor={next}");
    }
    assert_eq!(listed, ids, "the oldest first");
    for (query, count) in [
        (format!("?message={}", ids[1]), 1),
        ("?device=%2B46700000001".to_owned(), 3),
        ("?device=%2B46700000002".to_owned(), 0),
        ("?until=2020-01-01T00:00:00Z".to_owned(), 0),
        ("?since=2020-01-01T00:00:00Z".to_owned(), 3),
    ] {
        let found = client.get(&format!("/v1/rules/rule/calls{query}")).await.expect(200).json();
        assert_eq!(found["calls"].as_array().map(Vec::len), Some(count), "{query}");
    }
    for wrong in ["?limit=0", "?cursor=x", "?device=x%00"] {
        client.get(&format!("/v1/rules/rule/calls{wrong}")).await.problem(400);
    }
    // Over a restart without it, what is kept goes.
    let site = site.restart_with(|premises| premises.tables = premises.tables.replace("replay_hours = 1", "")).await;
    let client = Client::new(site.api(), Some(client.token()));
    let gone = || async {
        let listed = client.get("/v1/rules/rule/calls").await.expect(200).json();
        listed["calls"].as_array().is_some_and(Vec::is_empty).then_some(())
    };
    eventually("nothing is kept", gone).await;
    let (code, told) = said(&Shell::new(site.api(), &client), &["plugin", "record", "rule"]);
    assert!(code == Some(1) && told.contains("replay_hours"), "{told}");
    drop(acme);
    site.end(sim).await;
}
