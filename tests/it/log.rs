//! The log: an object a line where that is wanted, and never a text or a whole number, whatever its level.

use serde_json::{Value, json};
use wasmsc_smpp::CommandStatus;

use crate::api::client::{self, Client, key};
use crate::smsc::peer::{Login, Peer};
use crate::smsc::site::{DEVICE, Plan, mo, mt, mt_to, wishing};
use crate::support::PATIENCE;
use crate::support::process::Process;
use crate::support::server::built;

/// All that is ours, and what speaks HTTP and TLS for us. The compiler would fill minutes.
const LEVELS: &str = "info,wasmsc=trace,rule=trace,hyper=trace,hyper_util=trace,axum=trace,rustls=trace";
const WORDS: &str = "rosebud";
/// Of nobody.
const STRANGER: &str = "46760000009";
/// Of the other customer.
const FOREIGNER: &str = "46730000002";

fn plan() -> Plan {
    let rule = built("water_meter").display().to_string();
    let rule = format!(
        "[[rule]]\ncustomer = \"acme\"\nname = \"water-meter\"\ncomponent = {rule:?}\nnumbers = [\"7001\"]\n\
         deadline_ms = 5000\n[rule.config]\nacknowledge_reports = \"true\"\n"
    );
    Plan::network().more(client::TABLE).more(&rule)
}

#[tokio::test(flavor = "multi_thread")]
async fn at_every_level_the_log_is_json_without_texts_and_numbers_of_devices() {
    let premises = plan().premises();
    let folder = premises.folder();
    std::fs::write(folder.join("wasmsc.toml"), premises.text()).expect("a config file");
    let mut process = Process::spawn_logging(LEVELS, folder, &["--log-format", "json"]);
    let ready = process.ready(PATIENCE * 6).unwrap_or_else(|why| panic!("{why:?}: {}", process.log()));
    let token = std::fs::read_to_string(folder.join("data/operator-token")).expect("made at the start");
    let operator = Client::new(ready.api.expect("[api] is there"), Some(token.trim()));
    let acme = key(&operator, "acme", &["read", "send"]).await;
    let smpp = ready.smpp.parse().expect("an address");
    let mut sim = Peer::try_bind(smpp, Login::new("sim")).await.expect("bound");
    let mut app = Peer::try_bind(smpp, Login::new("app")).await.expect("bound");

    // What goes well, what is refused at each door, what the network refuses.
    sim.submitted(mo(WORDS)).await;
    sim.submitted(mo("WM1 V=0001234.567 F=12.5 B=3.61 S=OPEN")).await;
    app.submitted(wishing(1, mt(WORDS))).await;
    for _ in 0..2 {
        sim.take().await; // the rule's answer and the application's
    }
    app.submitted(wishing(1, mt(WORDS))).await;
    sim.refuse(CommandStatus::ESME_RINVDSTADR).await;
    for to in [STRANGER, FOREIGNER] {
        assert_ne!(app.submit(mt_to(to, WORDS)).await.0, CommandStatus::ESME_ROK);
        let message = json!({ "to": format!("+{to}"), "text": WORDS });
        assert!(acme.post("/v1/messages", message).await.status.is_client_error());
    }
    let mut foreign = mo(WORDS);
    foreign.source_addr = STRANGER.into();
    assert_ne!(sim.submit(foreign).await.0, CommandStatus::ESME_ROK);
    let sent = acme.post("/v1/messages", json!({ "to": format!("+{DEVICE}"), "text": WORDS })).await.expect(202);
    sim.take().await;
    acme.get(&format!("/v1/messages/{}", sent.field("id"))).await.expect(200);
    drop((sim, app));
    process.terminate(PATIENCE);

    let log = process.whole_log();
    assert!(log.matches("refused").count() >= 3, "what is refused is told: {log}");
    for line in log.lines() {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(object["timestamp"].is_string() && object["level"].is_string(), "{line}");
        for secret in [WORDS, DEVICE, STRANGER, FOREIGNER, token.trim(), acme.token(), "V=0001234", "secret"] {
            assert!(!line.contains(secret), "{secret} is in {line}");
        }
    }
}
