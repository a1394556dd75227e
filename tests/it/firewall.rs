//! The firewall at its doors: what peers, the API and customers learn of what may not pass. The tables of all policies
//! are tried in `runtime/firewall/`.

use serde_json::{Value, json};
use wasmsc_smpp::{Body, CommandStatus, ReplaceSm, Sm};

use crate::api::client::{Client, key, start};
use crate::smsc::peer::{eventually, octets};
use crate::smsc::site::{DEVICE, NUMBER, Plan, Site, mo, mt, mt_to, read};
use crate::support::server::built;

const OTHER: &str = "46700000002";
/// Of customer `beta`.
const FOREIGN: &str = "46730000001";

fn policy(policy: &str) -> Plan {
    Plan::network().acme(&format!("policy = {policy}\n"))
}

/// From device to device.
fn p2p(to: &str, text: &str) -> Sm {
    let sm = mo(text);
    Sm { destination_addr: octets(to), dest_addr_ton: sm.source_addr_ton, dest_addr_npi: sm.source_addr_npi, ..sm }
}

fn message(text: &str) -> Value {
    json!({ "to": format!("+{DEVICE}"), "text": text })
}

async fn explain(caller: &Client, question: Value) -> Value {
    caller.post("/v1/route:explain", question).await.expect(200).json()
}

/// As the same caller, after a restart.
async fn restarted(site: Site, caller: &Client) -> (Site, Client) {
    let site = site.restart().await;
    let caller = Client::new(site.api(), Some(caller.token()));
    (site, caller)
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_is_answered_once_kept_over_a_restart_and_ended_by_start() {
    let (site, operator) = start(policy("{ opt_out = { keywords = \"on\" } }")).await;
    let acme = key(&operator, "acme", &["read", "send"]).await;
    let (mut sim, mut app) = (site.sim().await, site.app().await);
    sim.submitted(mo("Stop!")).await;
    let reply = sim.take().await;
    assert_eq!((&*reply.source_addr, &*reply.destination_addr), (&b"7001"[..], DEVICE.as_bytes()));
    assert!(read(&reply).contains("START"), "{}", read(&reply));
    assert_eq!(app.submit(mt("no")).await.0, CommandStatus::ESME_RSUBMITFAIL);
    assert_eq!(acme.post("/v1/messages", message("no")).await.problem(403), "opted_out");
    app.submitted(mt_to(OTHER, "to another one")).await;
    assert_eq!(read(&sim.take().await), "to another one");
    sim.unbind().await;
    app.unbind().await;

    let (site, acme) = restarted(site, &acme).await;
    assert_eq!(acme.post("/v1/messages", message("no")).await.problem(403), "opted_out");
    let (mut sim, mut app) = (site.sim().await, site.app().await);
    sim.submitted(mo("START")).await;
    sim.take().await;
    app.submitted(mt("yes")).await;
    assert_eq!(read(&sim.take().await), "yes");
    // Neither keyword came to the application: this is the first MO that does.
    sim.submitted(mo("hello")).await;
    assert_eq!(read(&app.take().await), "hello");
    site.end((sim, app)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sends_as_somebody_else() {
    let (site, operator) = start(Plan::network().sim("sources = [\"+4670*\"]")).await;
    let acme = key(&operator, "acme", &["read", "send"]).await;
    let (mut sim, mut app) = (site.sim().await, site.app().await);
    let foreign = Sm { source_addr: octets(FOREIGN), ..mo("hi") };
    assert_eq!(sim.submit(foreign).await.0, CommandStatus::ESME_RINVSRCADR);
    let number = Sm { source_addr: octets("7001"), ..p2p(DEVICE, "pay here") };
    assert_eq!(sim.submit(number).await.0, CommandStatus::ESME_RINVSRCADR);
    for source in ["7002", "BETA"] {
        let forged = Sm { source_addr: octets(source), ..mt("hi") };
        assert_eq!(app.submit(forged).await.0, CommandStatus::ESME_RINVSRCADR, "{source}");
        let mut forged = message("hi");
        forged["from"] = json!(source);
        assert_eq!(acme.post("/v1/messages", forged).await.problem(403), "sender_not_allowed");
    }
    let question = json!({ "from": format!("+{FOREIGN}"), "to": "7001", "account": "sim" });
    assert_eq!(explain(&operator, question).await["refusal"]["code"], "source_forged");
    site.end((sim, app)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_hold_and_say_when_and_quotas_of_the_day_survive_a_restart() {
    let limits = "{ rates = { mo = { per_minute = 1 } }, quotas = { device = 4 } }";
    let (site, operator) = start(policy(limits)).await;
    let acme = key(&operator, "acme", &["read", "send"]).await;
    let (mut sim, mut app) = (site.sim().await, site.app().await);
    sim.submitted(mo("one")).await;
    assert_eq!(sim.submit(mo("two")).await.0, CommandStatus::ESME_RX_T_APPN);
    app.take().await;
    for _ in 0..3 {
        app.submitted(mt("within the day's quota")).await;
        sim.take().await;
    }
    assert_eq!(app.submit(mt("above")).await.0, CommandStatus::ESME_RX_T_APPN);
    sim.unbind().await;
    app.unbind().await;

    let (site, acme) = restarted(site, &acme).await;
    let refused = acme.post("/v1/messages", message("above")).await;
    let after: u64 = refused.headers["retry-after"].to_str().expect("ASCII").parse().expect("seconds");
    assert!((1..=86_400).contains(&after), "{after}");
    assert!(refused.json()["retry_at"].as_str().is_some_and(|at| at.contains("T00:00:00")), "{refused:?}");
    assert_eq!(refused.problem(429), "quota_device");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_message_is_replaced_by_what_may_pass_only_and_uses_nothing_up() {
    let limits = "{ content = [{ name = \"links\", pattern = \"https?://\" }], quotas = { device = 1 } }";
    let site = policy(limits).start().await;
    let mut app = site.app().await;
    let id = app.submitted(mt("old")).await;
    for (text, want) in [("see http://example.net", CommandStatus::ESME_RSUBMITFAIL), ("new", CommandStatus::ESME_ROK)]
    {
        let (message_id, source_addr, short_message) = (octets(&id), octets(NUMBER), octets(text));
        let replace = ReplaceSm { message_id, source_addr, short_message, ..ReplaceSm::default() };
        assert_eq!(app.ask(Body::ReplaceSm(replace)).await.0, want, "{text}");
    }
    assert_eq!(app.submit(mt("above the quota")).await.0, CommandStatus::ESME_RX_T_APPN);
    let mut sim = site.sim().await;
    assert_eq!(read(&sim.take().await), "new");
    site.end((sim, app)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_automatons_are_cut_off_and_reported() {
    let loops = "{ loops = { turns = 4, window_secs = 600, answer_within_secs = 10, cut_secs = 600 } }";
    let (site, operator) = start(policy(loops)).await;
    let (mut sim, mut app) = (site.sim().await, site.app().await);
    sim.submitted(mo("ping")).await;
    app.take().await;
    for _ in 0..2 {
        app.submitted(mt("pong")).await;
        sim.take().await;
        sim.submitted(mo("ping")).await;
        app.take().await;
    }
    assert_eq!(app.submit(mt("pong")).await.0, CommandStatus::ESME_RX_T_APPN);
    assert_eq!(sim.submit(mo("ping")).await.0, CommandStatus::ESME_RX_T_APPN);
    app.submitted(mt_to(OTHER, "to one that is none")).await;
    assert_eq!(read(&sim.take().await), "to one that is none");
    let metrics = operator.get("/metrics").await.expect(200).text;
    assert!(metrics.contains(r#"wasmsc_refused_total{customer="acme",reason="loop_cut"} 2"#), "{metrics}");
    site.end((sim, app)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_message_each_other_as_the_policy_says_and_explain_says_so_before() {
    let (site, operator) = start(policy("{ p2p = \"own_only\" }")).await;
    let acme = key(&operator, "acme", &["read"]).await;
    let mut sim = site.sim().await;
    let question = |to: &str| json!({ "from": format!("+{DEVICE}"), "to": format!("+{to}"), "text": "hi" });
    let told = explain(&acme, question(OTHER)).await;
    assert_eq!((&told["kind"], &told["allowed"]), (&json!("p2p"), &json!(true)), "{told}");
    assert_eq!(told["goes_to"], json!({ "route": "+4670" }));
    sim.submitted(p2p(OTHER, "hi")).await;
    let came = sim.take().await;
    assert_eq!((&*came.source_addr, read(&came).as_str()), (DEVICE.as_bytes(), "hi"));

    let told = explain(&acme, question(FOREIGN)).await;
    assert_eq!(told["refusal"]["code"], "p2p_own_only", "{told}");
    assert!(told.to_string().contains("p2p is own_only"), "acme sees its own: {told}");
    let (status, _) = sim.submit(p2p(FOREIGN, "hi")).await;
    assert_eq!(told["refusal"]["command_status"], status.name().expect("a known one"));
    let beta = key(&operator, "beta", &["read"]).await;
    assert_eq!(beta.post("/v1/route:explain", question(OTHER)).await.problem(422), "invalid_field");
    let of_beta = explain(&beta, question(FOREIGN)).await.to_string();
    assert!(!of_beta.contains("p2p is own_only"), "beta learns what acme's policy says: {of_beta}");
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_devices_and_tags_make_a_difference_at_once() {
    let tags = "{ tags = [{ tag = \"quarantine\", set = { messaging = \"off\" } }] }";
    let (site, operator) = start(policy(tags)).await;
    let acme = key(&operator, "acme", &["read", "send", "manage"]).await;
    let (mut sim, mut app) = (site.sim().await, site.app().await);
    let device = format!("/v1/devices/+{DEVICE}");
    let put = |settings: Value| {
        let (acme, device) = (acme.clone(), device.clone());
        async move { acme.request("PUT", &device, &[], Some(&settings.to_string())).await }
    };
    put(json!({ "status": "suspended" })).await.expect(201);
    assert_eq!(app.submit(mt("no")).await.0, CommandStatus::ESME_RINVDSTADR);
    assert_eq!(sim.submit(mo("no")).await.0, CommandStatus::ESME_RINVSRCADR);
    assert_eq!(acme.post("/v1/messages", message("no")).await.problem(403), "device_suspended");
    put(json!({ "tags": ["quarantine"] })).await.expect(200);
    assert_eq!(acme.post("/v1/messages", message("no")).await.problem(403), "messaging_off");
    put(json!({ "tags": ["well"] })).await.expect(200);
    app.submitted(mt("yes")).await;
    assert_eq!(read(&sim.take().await), "yes");
    site.end((sim, app)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_may_not_send_stays_here_and_its_customer_sees_why() {
    let rule = built("water_meter").display().to_string();
    let rule = format!(
        "[history]\ndays = 1\n[[rule]]\ncustomer = \"acme\"\nname = \"water-meter\"\ncomponent = {rule:?}\n\
         numbers = [\"7001\"]\ndeadline_ms = 5000\n[rule.config]\nacknowledge_reports = \"true\"\n"
    );
    let plan = policy(&format!("{{ destinations = {{ block = [\"+{DEVICE}\"] }} }}")).more(&rule);
    let (site, operator) = start(plan).await;
    let acme = key(&operator, "acme", &["read"]).await;
    let mut sim = site.sim().await;
    sim.submitted(mo("WM1 V=0001234.567 F=12.5 B=3.61 S=OPEN")).await;
    let wanted = r#"wasmsc_refused_total{customer="acme",reason="blocked_destination"} "#;
    eventually("a refusal that is counted", || async {
        let text = operator.get("/metrics").await.expect(200).text;
        text.lines().any(|line| line.strip_prefix(wanted).is_some_and(|count| count != "0")).then_some(())
    })
    .await;
    let listed = eventually("the refusal in the history", || async {
        let list = acme.get("/v1/messages?state=rejected&direction=mt").await.expect(200).json();
        list["messages"].get(0).cloned()
    })
    .await;
    assert_eq!(listed["by"], "water-meter");
    let id = listed["id"].as_str().expect("an id");
    let timeline = acme.get(&format!("/v1/messages/{id}/timeline")).await.expect(200).json();
    assert_eq!(timeline["events"][1]["reason"], "blocked_destination", "{timeline}");
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_set_over_the_api_and_a_wrong_one_is_told_where() {
    let (site, operator) = start(Plan::network()).await;
    let put = |policy: Value| {
        let (operator, body) =
            (operator.clone(), json!({ "numbers": ["7003"], "devices": ["+4674*"], "policy": policy }));
        async move { operator.request("PUT", "/v1/customers/gamma", &[], Some(&body.to_string())).await }
    };
    let wrong = put(json!({ "p2p": "own_onli" })).await;
    assert!(wrong.field("detail").contains("own_onli"), "{wrong:?}");
    assert_eq!(wrong.problem(422), "invalid_field");
    let wrong = put(json!({ "content": [{ "name": "links", "pattern": "(" }] })).await;
    assert_eq!(wrong.field("field"), "policy.content", "{wrong:?}");
    assert_eq!(wrong.problem(422), "invalid_field");
    put(json!({ "messaging": "off" })).await.expect(201);
    let question = json!({ "from": "+46740000001", "to": "7003" });
    assert_eq!(explain(&operator, question.clone()).await["refusal"]["code"], "messaging_off");
    put(json!({ "messaging": "both", "loops": null })).await.expect(200);
    assert_eq!(explain(&operator, question).await["allowed"], true);
    site.end(()).await;
}
