//! A number that several customers share: whose an MO is, what a stranger's word gets, and whom STOP concerns.

mod made;

use serde_json::{Value, json};
use wasmsc_smpp::{CommandStatus, EsmClass, Sm};

use crate::api::client::{Client, key, start};
use crate::smsc::peer::{Login, Peer, octets};
use crate::smsc::site::{DEVICE, Plan, Site, mo, mt, read};

const SHARED: &str = "7009";

/// `acme` has METER and `beta` VALVE; both read opt-out keywords.
fn plan(default: &str) -> Plan {
    let claim = |word: &str| format!("keywords = [{{ number = \"{SHARED}\", words = [\"{word}\"] }}]\n");
    let mut plan = Plan::network();
    plan.acme += &claim("METER");
    plan.acme += "policy = { a2p = \"open\", opt_out = { keywords = \"on\" } }\n";
    plan.beta += &claim("Välve");
    plan.beta += "policy = { a2p = \"open\", opt_out = { keywords = \"on\" } }\n";
    plan.more(&format!("[[shared_number]]\nnumber = \"{SHARED}\"\n{default}\n"))
}

fn to_shared(text: &str) -> Sm {
    Sm { destination_addr: octets(SHARED), ..mo(text) }
}

fn from_shared(text: &str) -> Sm {
    Sm { source_addr: octets(SHARED), ..mt(text) }
}

fn part(reference: u8, number: u8, text: &str) -> Sm {
    let sm = to_shared(text);
    let header: &[u8] = &[5, 0, 3, reference, 3, number];
    Sm { esm_class: EsmClass::UDHI, short_message: [header, &sm.short_message].concat().into(), ..sm }
}

async fn peers(site: &Site) -> (Peer, Peer, Peer) {
    (site.sim().await, site.app().await, site.bind(Login::new("rival")).await)
}

async fn explain(caller: &Client, text: &str) -> Value {
    let question = json!({ "from": format!("+{DEVICE}"), "to": SHARED, "text": text });
    caller.post("/v1/route:explain", question).await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_word_says_whose_an_mo_is_and_nobodys_word_is_refused() {
    let (site, operator) = start(plan("")).await;
    let (mut sim, mut app, mut rival) = peers(&site).await;
    for text in ["METER 12", "  meter: 13", "Meter"] {
        sim.submitted(to_shared(text)).await;
        assert_eq!(read(&app.take().await), text);
    }
    sim.submitted(to_shared("VÄLVE close")).await;
    assert_eq!(read(&rival.take().await), "VÄLVE close");
    for text in ["hello", "", "METERS", "12 METER"] {
        assert_eq!(sim.submit(to_shared(text)).await.0, CommandStatus::ESME_RINVDSTADR, "{text}");
    }
    let told = explain(&operator, "hello").await;
    assert_eq!((&told["refusal"]["code"], told.get("goes_to")), (&json!("keyword_unclaimed"), None), "{told}");
    assert_eq!(explain(&operator, "välve!").await["goes_to"], json!({ "application": "rival" }));
    let metrics = operator.get("/metrics").await.expect(200).text;
    assert!(metrics.contains(r#"wasmsc_refused_total{customer="acme",reason="keyword_unclaimed"} 4"#), "{metrics}");
    // What is another sharer's is told to nobody else, and nobody else's number is told at all.
    let acme = key(&operator, "acme", &["read"]).await;
    let told = explain(&acme, "välve!").await;
    assert_eq!((told.get("goes_to"), &told["allowed"]), (None, &json!(true)), "{told}");
    site.end((sim, app, rival)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_customer_gets_what_is_nobodys_and_every_sharer_may_send_from_the_number() {
    let (site, operator) = start(plan("default_customer = \"beta\"")).await;
    let (mut sim, mut app, mut rival) = peers(&site).await;
    sim.submitted(to_shared("hello")).await;
    assert_eq!(read(&rival.take().await), "hello");
    sim.submitted(to_shared("meter 1")).await;
    assert_eq!(read(&app.take().await), "meter 1");
    for application in [&mut app, &mut rival] {
        application.submitted(from_shared("from the number that we share")).await;
        let came = sim.take().await;
        assert_eq!((&*came.source_addr, read(&came).as_str()), (SHARED.as_bytes(), "from the number that we share"));
    }
    assert_eq!(sim.submit(Sm { source_addr: octets(SHARED), ..mo("forged") }).await.0, CommandStatus::ESME_RINVSRCADR);
    let list = operator.get("/v1/numbers").await.expect(200).json();
    let shared: Vec<_> = list["numbers"].as_array().expect("a list").iter().filter(|n| n["number"] == SHARED).collect();
    let told: Vec<_> =
        shared.iter().map(|n| [&n["customer"], &n["words"][0], &n["is_default"], &n["shared"]]).collect();
    assert_eq!(json!(told), json!([["acme", "METER", false, true], ["beta", "Välve", true, true]]), "{list}");
    site.end((sim, app, rival)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_part_waits_for_its_first_and_goes_where_that_went() {
    let site = plan("default_customer = \"acme\"").start().await;
    let (mut sim, app, mut rival) = peers(&site).await;
    assert_eq!(sim.submit(part(7, 2, "METER b ")).await.0, CommandStatus::ESME_RX_T_APPN);
    sim.submitted(part(7, 1, "välve a ")).await;
    sim.submitted(part(7, 2, "METER b ")).await;
    sim.unbind().await;
    drop((app, rival));

    let site = site.restart().await;
    let (mut app, mut sim);
    (sim, app, rival) = peers(&site).await;
    // The same reference at the same time, of another sharer: it is another message.
    sim.submitted(part(7, 1, "meter A ")).await;
    sim.submitted(part(7, 3, "C")).await;
    sim.submitted(part(7, 2, "B ")).await;
    assert_eq!(read(&app.take().await), "meter A B C");
    sim.submitted(part(7, 3, "C")).await; // its response was lost
    sim.submitted(part(7, 3, "c")).await;
    assert_eq!(read(&rival.take().await), "välve a METER b c");
    site.end((sim, app, rival)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_concerns_all_who_share_the_number_and_with_a_word_one_of_them() {
    let (site, operator) = start(plan("")).await;
    let (mut sim, mut app, mut rival) = peers(&site).await;
    assert_eq!(explain(&operator, "stop meter").await["keyword"], "stop");
    sim.submitted(to_shared("STOP meter.")).await;
    let answer = read(&sim.take().await);
    assert!(answer.starts_with("meter.: You will get no more"), "{answer}");
    assert_eq!(app.submit(from_shared("no")).await.0, CommandStatus::ESME_RSUBMITFAIL);
    rival.submitted(from_shared("still")).await;
    assert_eq!(read(&sim.take().await), "still");

    sim.submitted(to_shared("Stop!")).await;
    assert!(read(&sim.take().await).starts_with("You will get no more"), "one of them answers, who had not before");
    sim.submitted(to_shared("STOP")).await; // once more: nobody answers
    let site = site.restart().await;
    let (mut sim, mut app, mut rival) = peers(&site).await;
    for application in [&mut app, &mut rival] {
        assert_eq!(application.submit(from_shared("no")).await.0, CommandStatus::ESME_RSUBMITFAIL);
    }
    sim.submitted(to_shared("START")).await;
    assert!(read(&sim.take().await).starts_with("You will get messages"), "the first since the restart");
    for application in [&mut app, &mut rival] {
        application.submitted(from_shared("yes")).await;
        assert_eq!(read(&sim.take().await), "yes");
    }
    site.end((sim, app, rival)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_opt_out_keywords_stop_is_a_word_as_any_other() {
    let mut plan = plan("default_customer = \"beta\"");
    plan.acme = plan.acme.replace("\"on\"", "\"off\"");
    plan.beta = plan.beta.replace("\"on\"", "\"off\"");
    let site = plan.start().await;
    let (mut sim, mut app, mut rival) = peers(&site).await;
    sim.submitted(to_shared("STOP")).await;
    assert_eq!(read(&rival.take().await), "STOP");
    sim.submitted(to_shared("STOP METER")).await;
    assert_eq!(read(&app.take().await), "STOP METER");
    site.end((sim, app, rival)).await;
}
