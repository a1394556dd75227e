//! The commands that talk to a server's API: what they print, and the exit codes that scripts rely on.

use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::api::client::{Client, key, start};
use crate::smsc::site::{DEVICE, Plan, mo};

const REFUSED: i32 = 3;
const UNREACHABLE: i32 = 4;

/// `wasmsc` for one server, as one caller.
struct Shell {
    api: String,
    token: String,
}

impl Shell {
    fn new(address: SocketAddr, client: &Client) -> Shell {
        Shell { api: format!("http://{address}"), token: client.token().to_owned() }
    }

    fn run(&self, line: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmsc"));
        command.args(line).env("WASMSC_API", &self.api).env("WASMSC_TOKEN", &self.token).stdin(Stdio::null());
        command.output().expect("the binary runs")
    }

    #[track_caller]
    fn prints(&self, line: &[&str]) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    #[track_caller]
    fn json(&self, line: &[&str]) -> Value {
        let text = self.prints(&[line, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line:?}: {error}: {text}"))
    }

    /// What it says when it does not do it.
    #[track_caller]
    fn fails(&self, code: i32, line: &[&str]) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(code), "{line:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{line:?}: {output:?}");
        String::from_utf8(output.stderr).expect("text")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_sent_once_shown_and_cancelled() {
    let (site, operator) = start(Plan::network()).await;
    let acme = Shell::new(site.api(), &key(&operator, "acme", &["send", "read"]).await);
    let to = format!("+{DEVICE}");
    let line = ["send", "--to", &to, "--tag", "order 1", "--once", "k1", "WM1", "CLOSE"];
    let id = acme.prints(&line);
    assert_eq!(acme.json(&line)["id"], *id);
    let shown = acme.prints(&["message", "show", &id]);
    assert!(shown.contains("state         enroute\n") && shown.contains("tag           order 1"), "{shown}");
    assert_eq!(acme.json(&["message", "show", &id])["to"], *to);
    let mut sim = site.sim().await;
    sim.take().await;
    let said = acme.fails(REFUSED, &["message", "cancel", &id]);
    assert!(said.starts_with("wasmsc: refused: ") && said.ends_with(" [409 too_late]\n"), "{said}");
    let later = ["send", "--to", &to, "--schedule-at", "2026-12-24T15:00:00+01:00", "--binary", "0102"];
    let later = acme.prints(&later);
    acme.prints(&["message", "cancel", &later]);
    assert_eq!(acme.json(&["message", "show", &later])["state"], "deleted");
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_used_listed_and_deleted() {
    let (site, operator) = start(Plan::network()).await;
    let shell = Shell::new(site.api(), &operator);
    let key = shell.prints(&["keys", "make", "acme", "--name", "billing", "--scope", "send", "--scope", "read"]);
    let acme = Shell { token: key.clone(), ..Shell::new(site.api(), &operator) };
    acme.prints(&["send", "--to", &format!("+{DEVICE}"), "hi"]);
    let listed = shell.prints(&["keys", "list", "acme"]);
    assert!(listed.starts_with("ID ") && listed.contains("billing") && listed.contains("read,send"), "{listed}");
    assert!(!listed.contains(&key), "{listed}");
    let id = shell.json(&["keys", "list", "acme"])["keys"][0]["id"].as_str().expect("an id").to_owned();
    shell.prints(&["keys", "delete", "acme", &id]);
    assert!(acme.fails(REFUSED, &["keys", "list", "acme"]).contains("401 unauthorized"));
    assert!(shell.fails(REFUSED, &["keys", "list", "../acme"]).contains("404 not_found"));
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_links_tell_who_is_bound_and_what_came() {
    let (site, operator) = start(Plan::network()).await;
    let shell = Shell::new(site.api(), &operator);
    let (mut sim, mut app) = (site.sim().await, site.app().await);
    sim.submitted(mo("hello")).await;
    app.take().await;
    let links = shell.prints(&["links"]);
    assert!(links.contains("sim      transceiver  127.0.0.1:"), "{links}");
    assert_eq!(shell.json(&["links"])["links"].as_array().map(Vec::len), Some(2));
    let status = shell.prints(&["status"]);
    assert!(status.starts_with("messages are taken\n") && status.contains("acme      0            1"), "{status}");
    assert_eq!(shell.json(&["status"])["ready"], true);
    site.end((sim, app)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_comes_from_a_file_too_and_is_never_printed() {
    let (site, operator) = start(Plan::network()).await;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{}\n", operator.token())).expect("written");
    let wrong = Shell { token: "wso_not_this_one".into(), ..Shell::new(site.api(), &operator) };
    assert!(wrong.fails(REFUSED, &["links"]).contains("[401 unauthorized]"));
    wrong.prints(&["links", "--token-file", file.to_str().expect("text")]);
    assert!(!wrong.prints(&["links", "--help"]).contains("wso_not_this_one"));
    site.end(()).await;
}

#[test]
fn exit_codes_tell_wrong_arguments_from_a_server_that_is_not_there() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let shell = Shell { api: format!("http://{address}"), token: "x".into() };
    assert!(shell.fails(UNREACHABLE, &["links"]).starts_with("wasmsc: not reachable: http://127.0.0.1:"));
    for line in [&["links", "--api", "gopher://x"][..], &["links", "--api", "/x"], &["links", "--token-file", "/x"]] {
        shell.fails(2, line);
    }
    shell.fails(2, &["send", "--to", "+46700000001"]);
    shell.fails(2, &["keys", "make", "acme", "--name", "x", "--scope", "all"]);
}

#[test]
fn every_shell_has_completions_and_every_command_says_how_it_is_used() {
    let shell = Shell { api: String::new(), token: String::new() };
    for (name, word) in [("bash", "complete "), ("zsh", "#compdef wasmsc"), ("fish", "complete -c wasmsc")] {
        assert!(shell.prints(&["completions", name]).contains(word), "{name}");
    }
    for command in ["send", "message", "links", "keys", "status", "backup", "restore", "completions"] {
        let help = shell.prints(&[command, "--help"]);
        assert!(help.contains("Example: wasmsc "), "{help}");
    }
}
