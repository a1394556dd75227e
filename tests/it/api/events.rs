//! `GET /v1/events`: nothing is left out and nothing comes twice, whoever reads and however often it is cut off.

use std::net::SocketAddr;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use wasmsc_smpp::{Body, CommandStatus};

use super::client::{Client, key, start};
use crate::smsc::site::{DEVICE, NUMBER, Plan, mo, mt, mt_to, read};
use crate::support::PATIENCE;
use crate::support::server::built;

const EVENTS: &str = "/v1/events";

/// A reader of events, as a browser is one.
pub struct Listener {
    body: Incoming,
    text: String,
    /// What it sends to go on.
    pub last_id: String,
}

impl Listener {
    pub async fn at(address: SocketAddr, client: &Client, query: &str, last_id: &str) -> Listener {
        let stream = TcpStream::connect(address).await.expect("the API listens");
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        let headers: &[_] = if last_id.is_empty() { &[] } else { &[("last-event-id", last_id)] };
        let request = client.build("GET", &format!("{EVENTS}{query}"), headers, None);
        let answer = sender.send_request(request).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut listener = Listener { body: answer.into_body(), text: String::new(), last_id: last_id.to_owned() };
        let first = listener.block().await.expect("a place comes first");
        assert!(first.starts_with(": here\nid: "), "{first:?}");
        listener
    }

    /// Up to the next empty line; None at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned())) {
                self.text = rest;
                let id = block.lines().find_map(|line| line.strip_prefix("id: "));
                self.last_id = id.expect("every block has one").to_owned();
                return Some(block);
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("something comes")?;
            let octets = frame.ok()?.into_data().expect("no trailers");
            self.text.push_str(std::str::from_utf8(&octets).expect("whole characters"));
        }
    }

    /// The next event.
    pub async fn next(&mut self) -> Value {
        let block = self.block().await.expect("the stream goes on");
        let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).expect("an event");
        let data: Value = serde_json::from_str(line("data: ")).expect("JSON");
        assert_eq!((line("event: "), line("id: ")), (word(&data, "type"), &*self.last_id), "{block}");
        if line("event: ") != "gap" {
            assert_eq!(data["id"], *self.last_id);
        }
        data
    }

    pub async fn ends(mut self) {
        while self.block().await.is_some() {}
    }
}

fn word<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_messages_a_reader_that_is_cut_off_again_and_again_gets_each_once_and_in_order() {
    const COUNT: usize = 1_000;
    let (site, operator) = start(Plan::network().sim("window = 100")).await;
    let acme = key(&operator, "acme", &["read"]).await;
    let mut app = site.app().await;
    let reader = tokio::spawn({
        let address = site.api();
        async move {
            let (mut seen, mut last_id) = (Vec::new(), "oldest".to_owned());
            while seen.len() < COUNT {
                let mut listener = Listener::at(address, &acme, "?types=message.accepted", &last_id).await;
                // A prime, so that it is cut off within pages and between them.
                for _ in 0..157.min(COUNT - seen.len()) {
                    let event = listener.next().await;
                    seen.push(word(&event["message"], "text").to_owned());
                }
                last_id = listener.last_id;
            }
            seen
        }
    });
    for chunk in (0..COUNT).collect::<Vec<_>>().chunks(10) {
        let sent = app.send_all(chunk.iter().map(|number| Body::SubmitSm(mt(&format!("n {number}"))))).await;
        for number in sent {
            assert_eq!(app.response(number).await.0, CommandStatus::ESME_ROK);
        }
    }
    let expected: Vec<String> = (0..COUNT).map(|number| format!("n {number}")).collect();
    assert_eq!(reader.await.expect("it reads all"), expected);
    site.end(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_told_of_its_messages_and_links_and_of_nobody_elses() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["send", "read"]).await;
    let beta = key(&operator, "beta", &["send", "read"]).await;
    let mut told = Listener::at(site.api(), &acme, "", "").await;
    let mut other = Listener::at(site.api(), &beta, "", "").await;
    let mut sim = site.sim().await;
    let mut app = site.app().await;
    let bound = told.next().await;
    assert_eq!(
        (word(&bound, "type"), word(&bound, "account"), word(&bound, "mode")),
        ("link.bound", "app", "transceiver")
    );
    let body = json!({ "to": format!("+{DEVICE}"), "text": "to the device", "tag": "order 7" });
    let id = acme.post("/v1/messages", body).await.expect(202).field("id");
    let accepted = told.next().await;
    assert_eq!((word(&accepted, "type"), word(&accepted, "message_id")), ("message.accepted", &*id));
    assert_eq!((word(&accepted, "device"), word(&accepted, "number")), (&*format!("+{DEVICE}"), NUMBER));
    let message = &accepted["message"];
    assert_eq!((word(message, "text"), word(message, "tag")), ("to the device", "order 7"));
    sim.take().await;
    let (sent, ended) = (told.next().await, told.next().await);
    assert_eq!((word(&sent, "type"), word(&sent, "peer"), word(&sent, "message_id")), ("message.sent", "sim", &*id));
    assert_eq!(
        (word(&ended, "type"), word(&ended, "state"), word(&ended, "direction")),
        ("message.ended", "delivered", "mt")
    );
    sim.submitted(mo("from the device")).await;
    let received = told.next().await;
    assert_eq!((word(&received, "type"), word(&received["message"], "text")), ("message.received", "from the device"));
    assert_eq!(read(&app.take().await), "from the device");
    for kind in ["message.sent", "message.ended"] {
        let event = told.next().await;
        assert_eq!(
            (word(&event, "type"), word(&event, "direction"), word(&event, "device")),
            (kind, "mo", &*format!("+{DEVICE}"))
        );
    }
    app.submitted(mt("refused")).await;
    sim.refuse(CommandStatus::ESME_RINVDSTADR).await;
    for kind in ["message.accepted", "message.failed", "message.dead", "message.ended"] {
        assert_eq!(word(&told.next().await, "type"), kind);
    }
    drop(app);
    assert_eq!(word(&told.next().await, "type"), "link.unbound");
    // Beta hears of its own and of nothing else, and cannot ask for more.
    beta.post("/v1/messages", json!({ "to": "+46730000001", "text": "beta's" })).await.problem(422);
    let mut rival = site.bind(crate::smsc::peer::Login::new("rival")).await;
    assert_eq!(word(&other.next().await, "account"), "rival");
    rival.barrier().await;
    assert_eq!(beta.get(&format!("{EVENTS}?customer=acme")).await.problem(404), "not_found");
    let mut all = Listener::at(site.api(), &beta, "?after=oldest", "").await;
    assert_eq!(word(&all.next().await, "account"), "rival", "the first that beta was ever told");
    site.end((sim, rival)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_goes_on_over_a_restart_and_hears_of_what_it_missed_while_nothing_was_kept() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["send", "read"]).await;
    let send = |text: &str| json!({ "to": format!("+{DEVICE}"), "text": text });
    let mut told = Listener::at(site.api(), &acme, "?types=message.accepted,message.received", "").await;
    acme.post("/v1/messages", send("one")).await.expect(202);
    assert_eq!(word(&told.next().await["message"], "text"), "one");
    acme.post("/v1/messages", send("two")).await.expect(202);
    let last_id = told.last_id.clone();
    let ends = tokio::spawn(told.ends()); // with the server, and not by its patience
    let site = site.restart().await;
    ends.await.expect("it ends");
    let acme = Client::new(site.api(), Some(acme.token()));
    let mut told = Listener::at(site.api(), &acme, "", &last_id).await;
    assert_eq!(word(&told.next().await["message"], "text"), "two");
    let last_id = told.last_id.clone();
    drop(told);
    let site = site.restart_with(|premises| premises.tables += "[events]\nhours = 0\n").await;
    let acme = Client::new(site.api(), Some(acme.token()));
    assert_eq!(acme.get(EVENTS).await.problem(409), "events_off");
    acme.post("/v1/messages", send("missed")).await.expect(202);
    let site = site.restart_with(|premises| premises.tables = premises.tables.replace("hours = 0", "hours = 1")).await;
    let acme = Client::new(site.api(), Some(acme.token()));
    acme.post("/v1/messages", send("three")).await.expect(202);
    let mut told = Listener::at(site.api(), &acme, "", &last_id).await;
    assert_eq!(word(&told.next().await, "type"), "gap");
    assert_eq!(word(&told.next().await["message"], "text"), "three");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_has_so_many_streams_and_what_is_wrong_is_said() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["send", "read"]).await;
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(Listener::at(site.api(), &acme, "", "").await);
    }
    assert_eq!(acme.get(EVENTS).await.problem(429), "too_many_streams");
    let beta = key(&operator, "beta", &["read"]).await;
    drop(Listener::at(site.api(), &beta, "", "").await); // another customer has its own
    open.pop();
    crate::smsc::peer::eventually("room for another", || async {
        let stream = TcpStream::connect(site.api()).await.expect("the API listens");
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        let answer = sender.send_request(acme.build("GET", EVENTS, &[], None)).await.ok()?;
        (answer.status() == 200).then_some(())
    })
    .await;
    for query in ["?after=17", "?after=now", "?types=message.flew", "?types=", "?colour=red"] {
        assert_eq!(acme.get(&format!("{EVENTS}{query}")).await.problem(400), "malformed_request", "{query}");
    }
    let wrong = acme.request("GET", EVENTS, &[("last-event-id", "x")], None).await;
    assert_eq!(wrong.problem(400), "malformed_request");
    assert_eq!(operator.get(EVENTS).await.problem(400), "malformed_request");
    assert_eq!(operator.get(&format!("{EVENTS}?customer=nobody")).await.problem(404), "not_found");
    let sender = key(&operator, "acme", &["send"]).await;
    assert_eq!(sender.get(EVENTS).await.problem(403), "forbidden");
    site.end(open).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_logs_is_told_with_its_message_and_device() {
    let rule = built("hostile").display().to_string();
    let rules = format!("[[rule]]\ncustomer = \"acme\"\nname = \"odd\"\ncomponent = {rule:?}\nnumbers = [\"7001\"]\n");
    let (site, operator) = start(Plan::network().more(&rules)).await;
    let acme = key(&operator, "acme", &["read"]).await;
    let mut told = Listener::at(site.api(), &acme, "?types=rule.*,message.ran", "").await;
    let mut sim = site.sim().await;
    let id = sim.submitted(mo("LOG 3")).await;
    for _ in 0..3 {
        let line = told.next().await;
        assert_eq!((word(&line, "type"), word(&line, "rule"), word(&line, "level")), ("rule.log", "acme/odd", "info"));
        assert_eq!((word(&line, "message_id"), word(&line, "device")), (&*id, &*format!("+{DEVICE}")));
    }
    let ran = told.next().await;
    assert_eq!((word(&ran, "type"), word(&ran, "device")), ("message.ran", &*format!("+{DEVICE}")));
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_does_not_read_holds_nobody_up() {
    let (site, operator) = start(Plan::network()).await;
    let acme = key(&operator, "acme", &["send", "read"]).await;
    let lazy = Listener::at(site.api(), &acme, "", "").await;
    let mut told = Listener::at(site.api(), &acme, "?types=message.accepted", "").await;
    let mut app = site.app().await;
    let text = "x".repeat(150);
    for _ in 0..50 {
        let sent = app.send_all((0..10).map(|_| Body::SubmitSm(mt_to("46700000009", &text)))).await;
        for number in sent {
            assert_eq!(app.response(number).await.0, CommandStatus::ESME_ROK);
        }
    }
    for _ in 0..500 {
        told.next().await;
    }
    drop(lazy);
    site.end(app).await;
}
