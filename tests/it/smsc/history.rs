//! `[history]`: what happened to messages of SMPP is found again, over restarts, with the commands that tell it.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use wasmsc_smpp::CommandStatus;

use super::site::{DEVICE, Plan, Site, mo, mt, read, wishing};
use crate::api::client::{Client, key, start};

const HISTORY: &str = "\n[history]\ndays = 1\n";

/// `wasmsc` as one caller of one server.
struct Shell {
    api: String,
    token: String,
}

impl Shell {
    fn new(site: &Site, client: &Client) -> Shell {
        Shell { api: format!("http://{}", site.api()), token: client.token().to_owned() }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmsc"));
        command.args(arguments).env("WASMSC_API", &self.api).env("WASMSC_TOKEN", &self.token).stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    #[track_caller]
    fn lines(&self, arguments: &[&str]) -> Vec<String> {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
    }

    /// Without the line of column names; columns by single spaces.
    #[track_caller]
    fn listed(&self, arguments: &[&str]) -> Vec<String> {
        let lines = self.lines(&[&["messages"], arguments].concat());
        assert!(lines[0].starts_with("RECEIVED"), "{lines:#?}");
        lines[1..].iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_messages_is_listed_and_told_event_by_event_also_after_restarts() {
    let (site, operator) = start(Plan::network().more(HISTORY)).await;
    let acme = key(&operator, "acme", &["read"]).await;
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
    drop((app, sim));
    let site = site.restart().await;
    let (shell, operator) = (Shell::new(&site, &acme), Shell::new(&site, &operator));

    let all = shell.listed(&[]);
    assert_eq!(all.len(), 3, "{all:#?}");
    for (line, words) in all.iter().zip([
        ["mo", "delivered", "an MO", DEVICE],
        ["mt", "delivered", "sent", DEVICE],
        // What would colour the terminal is shown and not done.
        ["mt", "undeliverable", "refused \u{FFFD}[31m", DEVICE],
    ]) {
        assert!(words.iter().all(|word| line.contains(word)), "{line}");
    }
    let device = format!("+{DEVICE}");
    for (arguments, expected) in [
        (&["--state", "undeliverable"][..], &all[2..]),
        (&["--text", "SENT"], &all[1..2]),
        (&["--direction", "mo"], &all[..1]),
        (&["--limit", "1"], &all[..1]),
        (&["--limit", "2"], &all[..2]),
        (&["--device", &device, "--number", "7001"], &all),
        (&["--device", "+46700000009"], &[]),
        (&["--since", "2026-01-01T00:00:00+01:00"], &all),
        (&["--until", "2026-01-01T00:00:00+01:00"], &[]),
    ] {
        assert_eq!(shell.listed(arguments), expected, "{arguments:?}");
    }
    let masked = operator.listed(&["--customer", "acme"]);
    assert!(masked.len() == 3 && masked.iter().all(|line| line.contains("(masked)")), "{masked:#?}");
    assert_eq!(operator.lines(&["message", "reveal", &sent, "--customer", "acme"]), ["sent"]);
    let as_json = shell.lines(&["messages", "--json"]).concat();
    let as_json: serde_json::Value = serde_json::from_str(&as_json).expect("JSON");
    assert_eq!(as_json["messages"][1]["text"], "sent");
    let one = shell.lines(&["message", "timeline", &refused]);
    let expected = ["received from app", "attempt 1 at sim failed", "dead", "ended: undeliverable, error 11"];
    for (line, words) in one.iter().zip(expected) {
        assert!(line.contains(words), "{one:#?}");
    }
    assert_eq!(one.len(), expected.len());
    let receipt = shell.run(&["message", "timeline", &format!("{refused}8000")]);
    assert_eq!(receipt.status.code(), Some(3), "a receipt has no history: {receipt:?}");
    let of_sent = operator.lines(&["message", "timeline", &sent, "--customer", "acme"]);
    assert!(of_sent.iter().any(|line| line.contains("sim took it")), "{of_sent:#?}");
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_sees_what_was_there_and_each_message_that_comes_once() {
    let (site, operator) = start(Plan::network().more(HISTORY)).await;
    let shell = Shell::new(&site, &key(&operator, "acme", &["read"]).await);
    let mut sim = site.sim().await;
    for text in ["one", "two"] {
        sim.submitted(mo(text)).await;
    }
    let mut command = shell.command(&["messages", "--follow", "--direction", "mo"]);
    let mut follower = command.stdout(Stdio::piped()).spawn().expect("it runs");
    let mut lines = BufReader::new(follower.stdout.take().expect("piped")).lines();
    let mut ends_with = |word: &str| {
        let line = lines.next().expect("a line").expect("text");
        assert!(line.ends_with(&format!("  {word}")), "{word}: {line}");
    };
    ["one", "two"].into_iter().for_each(&mut ends_with);
    for text in ["three", "four"] {
        sim.submitted(mo(text)).await;
    }
    ["three", "four"].into_iter().for_each(&mut ends_with);
    follower.kill().expect("it runs until it is ended");
    follower.wait().expect("it is our child");
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_in_words_and_other_customers_messages_do_not_exist() {
    let (site, operator) = start(Plan::network().more(HISTORY)).await;
    let mut app = site.app().await;
    let id = app.submitted(mt("mine")).await;
    let beta = Shell::new(&site, &key(&operator, "beta", &["read"]).await);
    let operator = Shell::new(&site, &operator);
    assert_eq!(beta.listed(&[]), Vec::<String>::new());
    for (shell, arguments, code, words) in [
        (&beta, &["messages", "--customer", "acme"][..], 3, "[404 not_found]"),
        (&beta, &["message", "timeline", &id], 3, "[404 not_found]"),
        (&operator, &["messages", "--customer", "nobody"], 3, "[404 not_found]"),
        (&operator, &["messages"], 3, "name the customer"),
        (&beta, &["messages", "--state", "gone"], 3, "unknown variant `gone`"),
        (&beta, &["messages", "--device", "+"], 3, "is no address"),
        (&beta, &["messages", "--direction", "up"], 2, "possible values: mo, mt"),
        (&beta, &["messages", "--follow", "--since", "2026-01-01T00:00:00Z"], 2, "cannot be used with"),
    ] {
        let output = shell.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(code) && said.contains(words), "{arguments:?}: {said}");
    }
    site.end(app).await;
}
