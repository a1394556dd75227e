//! The live stream: rows as messages come in, and states as they change.

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::browser::{Browser, site};
use crate::api::client::{key, start};
use crate::smsc::site::{NUMBER, Plan, Site, mo, mt, mt_to};
use crate::support::PATIENCE;
use crate::support::server::built;

struct Listener {
    body: Incoming,
    text: String,
}

impl Listener {
    async fn open(site: &Site, browser: &Browser, query: &str) -> Listener {
        let stream = TcpStream::connect(site.api()).await.expect("it listens");
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        let headers = [("cookie", browser.cookie.as_str()), ("accept", "text/event-stream")];
        let request = browser.client().build("GET", &format!("/console/c/acme/live{query}"), &headers, None);
        let answer = sender.send_request(request).await.expect("an answer");
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (200, &"text/event-stream".parse().expect("a value"))
        );
        let mut listener = Listener { body: answer.into_body(), text: String::new() };
        let place = listener.block().await.expect("a place comes first");
        assert!(place.starts_with(": alive\nid: "), "{place}");
        listener
    }

    /// None at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned())) {
                self.text = rest;
                return Some(block);
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("something comes")?;
            self.text.push_str(std::str::from_utf8(&frame.ok()?.into_data().expect("no trailers")).expect("text"));
        }
    }

    /// The next event's kind and data.
    async fn next(&mut self) -> (String, String) {
        let block = self.block().await.expect("it goes on");
        let all = |name: &str| block.lines().filter_map(|line| line.strip_prefix(name)).collect::<Vec<_>>().join("\n");
        (all("event: "), all("data: "))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_as_rows_and_their_states_follow() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let mut listener = Listener::open(&site, &browser, "").await;
    let id = app.submitted(mt("<i>live</i>")).await;
    let (kind, row) = listener.next().await;
    assert_eq!(kind, "row");
    assert!(row.starts_with(&format!("<tr id=\"m-{id}\">")) && row.contains("&lt;i&gt;live&lt;/i&gt;"), "{row}");
    sim.take().await;
    let (kind, state) = listener.next().await;
    let state: Value = serde_json::from_str(&state).expect("JSON");
    assert_eq!((kind.as_str(), &state["id"]), ("state", &Value::from(id)));
    assert_eq!(state["html"], "<span class=\"badge good\">delivered</span>");
    site.end((app, sim, listener)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_filter_of_the_page_holds_for_the_stream() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let mut of_device = Listener::open(&site, &browser, "?device=%2B46700000002&text=&state=").await;
    let mut of_mos = Listener::open(&site, &browser, "?direction=mo").await;
    app.submitted(mt("to the first")).await;
    sim.take().await;
    app.submitted(mt_to("46700000002", "to the second")).await;
    sim.take().await;
    sim.submitted(mo("an MO")).await;
    app.take().await;
    assert!(of_device.next().await.1.contains("to the second"));
    assert!(of_mos.next().await.1.contains("an MO"));
    site.end((app, sim, of_device, of_mos)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_one_rule_are_found_and_followed() {
    let component = built("water_meter").display().to_string();
    let rule = |name: &str, keyword: &str| {
        format!(
            "[[rule]]\ncustomer = \"acme\"\nname = {name:?}\ncomponent = {component:?}\nnumbers = [{NUMBER:?}]\n\
             keyword = {keyword:?}\n[rule.config]\nacknowledge_reports = \"true\"\n"
        )
    };
    let more = format!("\n[history]\ndays = 1\n{}{}", rule("one", "WM1"), rule("two", "WM2"));
    let (site, operator) = start(Plan::network().more(&more)).await;
    let acme = key(&operator, "acme", &["read"]).await;
    let browser = Browser::signed_in(site.api(), acme.token()).await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let mut listener = Listener::open(&site, &browser, "?rule=one").await;
    app.submitted(mt("of no rule")).await;
    sim.take().await;
    sim.submitted(mo("WM2 V=2.000 F=5 B=3.6 S=OPEN")).await;
    sim.submitted(mo("WM1 V=1.000 F=5 B=3.6 S=OPEN")).await;
    let mut rows = Vec::new();
    while rows.len() < 2 {
        let (kind, row) = listener.next().await;
        rows.extend((kind == "row").then_some(row));
    }
    assert!(rows.iter().any(|row| row.contains("WM1 V=1.000") && row.contains("class=\"way mo\"")), "{rows:?}");
    assert!(rows.iter().any(|row| row.contains("acme/one") && row.contains("class=\"way mt\"")), "{rows:?}");
    let page = browser.page("/console/c/acme/messages?rule=one").await;
    assert!(page.contains("WM1 V=1.000") && page.contains("acme/one"), "{page}");
    assert!(!page.contains("WM2 V=") && !page.contains("of no rule"), "{page}");
    assert!(page.contains("name=\"rule\" value=\"one\"") && page.contains("/live?rule=one\""), "{page}");
    site.end((app, sim, listener)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_ends_with_the_session_and_with_the_key() {
    let (site, operator) = site().await;
    let acme = key(&operator, "acme", &["read"]).await;
    let (one, two) =
        (Browser::signed_in(site.api(), acme.token()).await, Browser::signed_in(site.api(), acme.token()).await);
    let mut of_one = Listener::open(&site, &one, "").await;
    let mut of_two = Listener::open(&site, &two, "").await;
    one.post("/console/sign-out", &[]).await.expect(303);
    assert_eq!(of_one.block().await, None);
    let id = acme.token().split('_').nth(1).expect("an id");
    operator.delete(&format!("/v1/customers/acme/keys/{id}")).await.expect(204);
    assert_eq!(of_two.block().await, None);
    site.end(()).await;
}
