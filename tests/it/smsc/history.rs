//! `[history]` and `wasmsc messages`: what happened can be read when the server has ended.

use std::process::{Command, Output};

use wasmsc_smpp::CommandStatus;

use super::site::{DEVICE, Plan, mo, mt, read, wishing};
use crate::support::premises::Premises;

const HISTORY: &str = "\n[history]\ndays = 1\n";

fn messages(premises: &Premises, arguments: &[&str]) -> Output {
    let config = premises.folder().join("wasmsc.toml");
    std::fs::write(&config, premises.text()).expect("writable");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasmsc"));
    command.args(["messages", "--config"]).arg(config).args(arguments).env("RUST_LOG", "error");
    command.output().expect("it runs")
}

fn lines(premises: &Premises, arguments: &[&str]) -> Vec<String> {
    let output = messages(premises, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_messages_is_listed_and_told_event_by_event_also_after_restarts() {
    let site = Plan::network().more(HISTORY).start().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    let refused = app.submitted(wishing(1, mt("refused \u{1b}[31m"))).await;
    sim.refuse(CommandStatus::ESME_RINVDSTADR).await;
    app.refuse(CommandStatus::ESME_RINVDSTADR).await; // its receipt
    let sent = app.submitted(mt("sent")).await;
    assert_eq!(read(&sim.take().await), "sent");
    sim.barrier().await;
    drop((app, sim));
    let site = site.restart().await;
    let (mut app, mut sim) = (site.app().await, site.sim().await);
    sim.submitted(mo("an MO")).await;
    assert_eq!(read(&app.take().await), "an MO");
    app.barrier().await;
    let premises = site.leave((app, sim)).await;

    let all = lines(&premises, &["acme"]);
    assert_eq!(all.len(), 3, "{all:#?}");
    for (line, words) in all.iter().zip([
        ["MO", "delivered", "an MO", DEVICE],
        ["MT", "delivered", "sent", DEVICE],
        // What would colour the terminal is shown and not done.
        ["MT", "undeliverable", "refused \u{FFFD}[31m", DEVICE],
    ]) {
        assert!(words.iter().all(|word| line.contains(word)), "{line}");
    }
    assert_eq!(lines(&premises, &["acme", "--state", "undeliverable"]), all[2..]);
    assert_eq!(lines(&premises, &["acme", "--text", "SENT"]), all[1..2]);
    assert_eq!(lines(&premises, &["acme", "--limit", "1"]), all[..1]);
    assert_eq!(lines(&premises, &["acme", "--device", "+46700000009"]), Vec::<String>::new());
    let one = lines(&premises, &["acme", "--id", &refused]);
    for (line, words) in
        one.iter().zip(["received from app", "attempt 1 at sim failed", "ended: undeliverable, error 11"])
    {
        assert!(line.contains(words), "{one:#?}");
    }
    assert_eq!(one.len(), 3);
    let receipt = messages(&premises, &["acme", "--id", &format!("{refused}8000")]);
    assert!(!receipt.status.success(), "a receipt has no history: {receipt:?}");
    assert!(lines(&premises, &["acme", "--id", &sent]).iter().any(|line| line.contains("sim took it")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_in_words_and_other_customers_messages_do_not_exist() {
    let site = Plan::network().more(HISTORY).start().await;
    let mut app = site.app().await;
    let id = app.submitted(mt("mine")).await;
    let premises = site.leave(app).await;
    assert_eq!(lines(&premises, &["beta"]), Vec::<String>::new());
    for (arguments, words) in [
        (&["nobody"][..], "has no customer \"nobody\""),
        (&["beta", "--id", &id], "nothing is known of message"),
        (&["acme", "--id", "x"], "\"x\" is no message id"),
        (&["acme", "--state", "gone"], "\"gone\" is no state; there are scheduled, enroute, delivered"),
        (&["acme", "--device", "+"], "is no address"),
    ] {
        let output = messages(&premises, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(words), "{arguments:?}: {said}");
    }
}
