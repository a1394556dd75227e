//! What the operator and its tools see: health, numbers, binds, the API's description; and how the API ends.

use std::path::Path;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::client::{Client, key, start};
use crate::smsc::peer::eventually;
use crate::smsc::site::{DEVICE, Plan, mo};

#[tokio::test(flavor = "multi_thread")]
async fn health_needs_no_token_and_numbers_and_binds_are_the_operators() {
    let (site, operator) = start(Plan::network()).await;
    let nobody = Client::new(site.api(), None);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(nobody.get(path).await.expect(200).field("status"), "ok");
    }
    let acme = key(&operator, "acme", &["read", "send", "manage"]).await;
    for path in ["/metrics", "/v1/links"] {
        assert_eq!(nobody.get(path).await.problem(401), "unauthorized");
        assert_eq!(acme.get(path).await.problem(404), "not_found");
    }
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_follow_messages_both_ways() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["send"]).await;
    let (mut sim, mut app) = (site.sim().await, site.app().await);
    acme.post("/v1/messages", json!({ "to": format!("+{DEVICE}"), "text": "hi" })).await.expect(202);
    sim.take().await;
    sim.submitted(mo("hello")).await;
    app.take().await;
    acme.post("/v1/messages", json!({ "to": "+46730000001", "text": "hi" })).await.expect(403);
    let wanted = [
        r#"wasmsc_messages_total{customer="acme",direction="mt",state="accepted"} 1"#,
        r#"wasmsc_messages_total{customer="acme",direction="mt",state="taken"} 1"#,
        r#"wasmsc_messages_total{customer="acme",direction="mt",state="delivered"} 1"#,
        r#"wasmsc_messages_total{customer="acme",direction="mt",state="refused"} 1"#,
        r#"wasmsc_messages_total{customer="acme",direction="mo",state="accepted"} 1"#,
        r#"wasmsc_messages_total{customer="acme",direction="mo",state="taken"} 1"#,
        r#"wasmsc_refused_total{customer="acme",reason="a2p_own_only"} 1"#,
        r#"wasmsc_messages_total{customer="beta",direction="mt",state="accepted"} 0"#,
        r#"wasmsc_binds{account="sim"} 1"#,
        r#"wasmsc_binds{account="rival"} 0"#,
        r#"wasmsc_mos_waiting{customer="acme"} 0"#,
        r#"wasmsc_queue_messages{queue="+4670"} 0"#,
        r#"wasmsc_queue_overdue_seconds{queue="+4670"} 0.0"#,
        r#"wasmsc_store_checkpoints_total "#,
        r#"wasmsc_store_commit_seconds_bucket{le="+Inf"} "#,
    ];
    let text = eventually("numbers", || async {
        let reply = operator.get("/metrics").await.expect(200);
        wanted.iter().all(|line| reply.text.contains(line)).then_some(reply.text)
    })
    .await;
    assert!(text.ends_with("# EOF\n"), "{text}");
    site.end((sim, app)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_tell_what_waits_and_who_takes_it() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["send"]).await;
    let queue = |name: &'static str| {
        let operator = &operator;
        async move {
            let list = operator.get("/v1/queues").await.expect(200).json();
            list["queues"]
                .as_array()
                .expect("a list")
                .iter()
                .find(|queue| queue["name"] == name)
                .expect("listed")
                .clone()
        }
    };
    for text in ["one", "two"] {
        acme.post("/v1/messages", json!({ "to": format!("+{DEVICE}"), "text": text })).await.expect(202);
    }
    let later = json!({ "to": format!("+{DEVICE}"), "text": "three", "schedule_at": super::messages::at(3_600) });
    acme.post("/v1/messages", later).await.expect(202);
    let waiting = eventually("a queue that is late", || async {
        Some(queue("+4670").await).filter(|queue| queue["overdue_ms"].as_u64() > Some(0))
    })
    .await;
    assert_eq!((&waiting["messages"], &waiting["links"]), (&json!(3), &json!(0)), "{waiting}");
    assert_eq!(waiting["peers"], json!(["sim"]));
    let mut sim = site.sim().await;
    sim.take().await;
    sim.take().await;
    let left = eventually("only what is for later", || async {
        Some(queue("+4670").await).filter(|queue| queue["messages"] == 1)
    })
    .await;
    assert_eq!((&left["overdue_ms"], &left["links"]), (&json!(0), &json!(1)), "{left}");
    acme.get("/v1/queues").await.expect(404);
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn docs_operations_md_has_every_number() {
    let (site, operator) = start(Plan::network()).await;
    let text = operator.get("/metrics").await.expect(200).text;
    site.end(()).await;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/OPERATIONS.md");
    let page = std::fs::read_to_string(file).expect("readable");
    let families: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    assert!(families.len() >= 6, "{families:?}");
    for family in families {
        let name = family.replace(" counter", "_total");
        let name = name.split(' ').next().expect("a name");
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn binds_are_listed_with_their_window_while_they_are_up() {
    let (site, operator) = start(Plan::network().sim("window = 7")).await;
    let acme = key(&operator, "acme", &["send"]).await;
    let links = || async { operator.get("/v1/links").await.expect(200).json()["links"].clone() };
    assert_eq!(links().await, json!([]));
    let mut sim = site.sim().await;
    acme.post("/v1/messages", json!({ "to": format!("+{DEVICE}"), "text": "hi" })).await.expect(202);
    let (sequence_number, _) = sim.next_sm().await;
    let link = &eventually("a bind in use", || async {
        let links = links().await;
        (links[0]["window_in_use"] == 1).then_some(links)
    })
    .await[0];
    assert_eq!((&link["account"], &link["mode"], &link["window"]), (&json!("sim"), &json!("transceiver"), &json!(7)));
    assert!(link["address"].as_str().is_some_and(|address| address.starts_with("127.0.0.1:")), "{link}");
    sim.answer(sequence_number, wasmsc_smpp::CommandStatus::ESME_ROK, "").await;
    sim.unbind().await;
    eventually("no bind", || async { (links().await == json!([])).then_some(()) }).await;
    site.end(()).await;
}

/// `UPDATE=1 cargo test --test it openapi` writes the file again.
#[tokio::test(flavor = "multi_thread")]
async fn docs_openapi_json_is_what_is_served() {
    let (site, operator) = start(Plan::network()).await;
    let served = operator.get("/v1/openapi.json").await.expect(200).text;
    site.end(()).await;
    assert_eq!(served, wasmsc::api::description());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &served).expect("written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == served, "docs/openapi.json is not what the code says; UPDATE=1 with this test writes it again");
}

#[test]
fn every_operation_names_the_statuses_of_its_problems_and_those_that_ask_for_a_token_401() {
    let description: serde_json::Value = serde_json::from_str(&wasmsc::api::description()).expect("JSON");
    let paths = description["paths"].as_object().expect("paths").iter();
    for (path, operation) in
        paths.flat_map(|(path, item)| item.as_object().expect("an item").iter().map(move |o| (path, o)))
    {
        let (method, operation) = operation;
        let responses = operation["responses"].as_object().expect("responses");
        assert!(!responses.contains_key("default"), "{method} {path}");
        let is_open = operation["security"] == json!([{}]);
        assert_eq!(responses.contains_key("401"), !is_open, "{method} {path}");
        // Without a body, what is set up already may be what cannot be done; the handler says so.
        assert!(responses.contains_key("422") || !operation["requestBody"].is_object(), "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_under_way_is_answered_when_the_house_closes() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["send"]).await;
    let address = site.api();
    let body = json!({ "to": format!("+{DEVICE}"), "text": "hi" }).to_string();
    let mut stream = TcpStream::connect(address).await.expect("the API listens");
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: smsc.test\r\nauthorization: Bearer {}\r\nexpect: 100-continue\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        acme.token(),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("written");
    let mut started = [0; 25];
    stream.read_exact(&mut started).await.expect("the handler asks for the body");
    assert_eq!(&started[..], b"HTTP/1.1 100 Continue\r\n\r\n");
    let ended = tokio::spawn(site.end(()));
    eventually("a closed port", || async { TcpStream::connect(address).await.is_err().then_some(()) }).await;
    stream.write_all(body.as_bytes()).await.expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer, then the end");
    assert!(answer.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answer}");
    ended.await.expect("it ends in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_that_asks_too_often_waits_and_the_operator_and_others_do_not() {
    let table = "[api]\nlisten = \"127.0.0.1:0\"\nrequests_per_sec = 1\n";
    let site = Plan::network().more(table).start().await;
    let operator = Client::new(site.api(), Some(&site.operator_token()));
    let (acme, beta) = (key(&operator, "acme", &["read"]).await, key(&operator, "beta", &["read"]).await);
    let mut refused = None;
    for _ in 0..100 {
        operator.get("/v1/links").await.expect(200);
        let reply = acme.get("/v1/messages/0").await;
        if reply.status == 429 {
            refused = Some(reply);
            break;
        }
    }
    let refused = refused.expect("one request in a second is allowed");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.problem(429), "too_many_requests");
    assert_eq!(beta.get("/v1/messages/0").await.problem(404), "not_found");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_above_the_limit_are_closed_and_the_next_is_served_when_one_ends() {
    let table = "[api]\nlisten = \"127.0.0.1:0\"\nconnections_max = 1\n";
    let site = Plan::network().more(table).start().await;
    let nobody = Client::new(site.api(), None);
    let mut first = TcpStream::connect(site.api()).await.expect("the API listens");
    first.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("written");
    first.read_exact(&mut [0; 15]).await.expect("served");
    let mut second = TcpStream::connect(site.api()).await.expect("the port is open");
    assert!(matches!(second.read(&mut [0; 1]).await, Ok(0) | Err(_)));
    drop(first);
    eventually("a free place", || async {
        let stream = TcpStream::connect(site.api()).await.expect("the port is open");
        super::client::try_exchange(stream, nobody.build("GET", "/healthz", &[], None)).await
    })
    .await
    .expect(200);
    site.end(()).await;
}
