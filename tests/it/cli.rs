//! The commands that talk to a server's API: what they print, and the exit codes that scripts rely on.

mod doctor;
mod links;
mod terminal;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::api::client::{Client, key, start};
use crate::api::messages::at;
use crate::smsc::site::{DEVICE, Plan, mo, mt};
use crate::support::server::built;

pub const REFUSED: i32 = 3;
const UNREACHABLE: i32 = 4;

/// `wasmsc` for one server, as one caller.
pub struct Shell {
    api: String,
    token: String,
}

impl Shell {
    pub fn new(address: SocketAddr, client: &Client) -> Shell {
        Shell { api: format!("http://{address}"), token: client.token().to_owned() }
    }

    pub fn run(&self, line: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmsc"));
        command.args(line).env("WASMSC_API", &self.api).env("WASMSC_TOKEN", &self.token).stdin(Stdio::null());
        command.output().expect("the binary runs")
    }

    #[track_caller]
    pub fn prints(&self, line: &[&str]) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    #[track_caller]
    pub fn json(&self, line: &[&str]) -> Value {
        let text = self.prints(&[line, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{line:?}: {error}: {text}"))
    }

    /// What it says when it does not do it.
    #[track_caller]
    pub fn fails(&self, code: i32, line: &[&str]) -> String {
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
    let time = at(3_600);
    let later = ["send", "--to", &to, "--schedule-at", &time, "--binary", "0102"];
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
async fn events_are_printed_from_where_one_says_and_webhooks_are_kept() {
    let (site, operator) = start(Plan::network()).await;
    let acme = Shell::new(site.api(), &key(&operator, "acme", &["read", "send", "manage"]).await);
    let id = acme.prints(&["send", "--to", &format!("+{DEVICE}"), "hello"]);
    let line = acme.prints(&["events", "--after", "oldest", "--type", "message.accepted", "--limit", "1"]);
    assert!(line.contains("  message.accepted   ") && line.contains(&id) && line.ends_with("hello"), "{line}");
    let json = acme.json(&["events", "--after", "oldest", "--limit", "1"]);
    assert_eq!((&json["type"], &json["message_id"]), (&"message.accepted".into(), &id.into()));
    assert!(acme.fails(REFUSED, &["events", "--type", "nonsense"]).contains("[400 malformed_request]"));
    assert!(acme.fails(REFUSED, &["events", "--customer", "beta"]).contains("[404 not_found]"));

    let secret = acme.prints(&["webhooks", "make", "https://hooks.example.net/", "--type", "link.*"]);
    assert!(secret.starts_with("whs_"), "{secret}");
    let listed = acme.json(&["webhooks", "list"]);
    let hook = listed["webhooks"][0]["id"].as_str().expect("an id").to_owned();
    let table = acme.prints(&["webhooks", "list"]);
    assert!(
        table.starts_with("ID ") && table.contains("https://hooks.example.net/") && !table.contains(&secret),
        "{table}"
    );
    let changed = acme.prints(&["webhooks", "change", &hook, "https://other.example.net/"]);
    assert!(changed.contains("https://other.example.net/"), "{changed}");
    assert!(acme.prints(&["webhooks", "show", &hook]).contains("https://other.example.net/"));
    assert!(acme.prints(&["webhooks", "dead", &hook]).starts_with("EVENT "));
    assert!(acme.prints(&["webhooks", "replay", &hook]).starts_with("events  0"));
    acme.prints(&["webhooks", "delete", &hook]);
    assert!(acme.fails(REFUSED, &["webhooks", "show", &hook]).contains("[404 not_found]"));
    assert!(acme.fails(REFUSED, &["webhooks", "make", "http://127.0.0.1/"]).contains("[422 "));
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_rules_is_printed_by_rule_device_level_and_event() {
    let rule = built("hostile").display().to_string();
    let rules = format!("[[rule]]\ncustomer = \"acme\"\nname = \"odd\"\ncomponent = {rule:?}\nnumbers = [\"7001\"]\n");
    let (site, operator) = start(Plan::network().more(&rules)).await;
    let acme = Shell::new(site.api(), &key(&operator, "acme", &["read"]).await);
    let mut sim = site.sim().await;
    let (first, second) = (sim.submitted(mo("LOG 2")).await, sim.submitted(mo("LOG 1")).await);
    let all = acme.prints(&["rule", "logs", "odd", "-f", "--after", "oldest", "--limit", "3"]);
    assert_eq!((all.matches(&*first).count(), all.matches(&*second).count()), (2, 1), "{all}");
    assert!(all.lines().all(|line| line.contains("  info   acme/odd  ") && line.contains(DEVICE)), "{all}");
    let of_second = acme.prints(&["rule", "logs", "--id", &second, "--device", &format!("+{DEVICE}")]);
    assert_eq!(of_second.lines().count(), 1, "{of_second}");
    for other in [&["other"][..], &["--level", "warn"], &["--device", "+46700000099"]] {
        assert_eq!(acme.prints(&[&["rule", "logs"], other].concat()), "", "{other:?}");
    }
    assert_eq!(acme.json(&["rule", "logs", "--limit", "1"])["type"], "rule.log");
    site.end(sim).await;
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
    assert!(status.contains("+4670  0         0.0 s    1      sim"), "{status}");
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
    let all = shell.prints(&["--help"]);
    let commands = all.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a list");
    // A line that goes on is further to the right.
    let named = commands.lines().filter(|line| !line.starts_with("   "));
    let named: Vec<&str> =
        named.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(named.len() > 20 && named.contains(&"serve") && named.contains(&"upstreams"), "{all}");
    for command in named {
        let help = shell.prints(&[command, "--help"]);
        assert!(help.contains(&format!("Example: wasmsc {command}")), "{help}");
    }
    for verb in ["new", "build", "test", "check", "dev", "deploy"] {
        let help = shell.prints(&["plugin", verb, "--help"]);
        assert!(help.contains(&format!("Example: wasmsc plugin {verb}")), "{help}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_in_the_terminal_sends_what_is_typed_and_shows_what_comes() {
    let site = Plan::network().start().await;
    let mut app = site.app().await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasmsc"));
    let address = site.smpp.to_string();
    command.args(["chat", "--connect", &address, "--device", "+46700000001", "--number", "7001", "--linger", "0"]);
    let mut chat = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("runs");
    let mut typed = chat.stdin.take().expect("piped");
    typed.write_all(format!("hello\n{}\n", "x".repeat(161)).as_bytes()).expect("it reads");
    assert_eq!(app.take().await.short_message, "hello");
    let mut lines = BufReader::new(chat.stdout.take().expect("piped")).lines();
    let mut line = || lines.next().expect("a line").expect("text");
    assert_eq!(line(), "!! too long for one SMS, not sent");
    app.submitted(mt("ho\nho")).await;
    assert_eq!(line(), "7001: ho\u{FFFD}ho");
    drop(typed);
    assert!(chat.wait().expect("it ends").success());
    site.end(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_applied_shown_and_taken_back() {
    let (site, operator) = start(Plan::network()).await;
    let shell = Shell::new(site.api(), &operator);
    let folder = tempfile::tempdir().expect("tempdir");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    write("1.toml", "[[customer]]\nid = \"gamma\"\nnumbers = [\"7003\"]\n");
    write("2.toml", "[[account]]\nsystem_id = \"g\"\npassword = \"p\"\nrole = \"application\"\ncustomer = \"gamma\"\n");
    let path = folder.path().to_str().expect("text");
    let told = shell.prints(&["apply", "-f", path, "--dry-run"]);
    assert!(told.contains("+ account g") && told.ends_with("2 would change, 0 as they were"), "{told}");
    shell.fails(REFUSED, &["customers", "show", "gamma"]);
    assert!(shell.prints(&["apply", "-f", path]).ends_with("2 changed, 0 as they were"));
    assert!(shell.prints(&["customers", "show", "gamma"]).contains("7003"));
    let listed = shell.prints(&["accounts", "list"]);
    assert!(listed.contains("app") && listed.contains("config file") && !listed.contains("argon2"), "{listed}");
    assert!(shell.fails(REFUSED, &["customers", "delete", "gamma"]).contains("does_not_fit"));
    write("3.toml", "[smpp]\nlisten = \"127.0.0.1:0\"\n");
    assert!(shell.fails(2, &["apply", "-f", path]).contains("3.toml: smpp"));
    shell.prints(&["accounts", "delete", "g"]);
    shell.prints(&["customers", "delete", "gamma"]);
    assert_eq!(shell.json(&["upstreams", "list"])["objects"], serde_json::json!([]));
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_numbers_are_set_listed_applied_and_deleted() {
    let (site, operator) = start(Plan::network()).await;
    let shell = Shell::new(site.api(), &operator);
    let set = shell.prints(&["shared-numbers", "set", "7009", "--default-customer", "acme"]);
    assert!(set.contains("default_customer  acme") && set.contains("number            7009"), "{set}");
    assert_eq!(shell.json(&["shared-numbers", "set", "7009"])["settings"], serde_json::json!({ "number": "7009" }));
    let file = site.folder().join("setup.toml");
    let text = "[[shared_number]]\nnumber = \"+46701234567\"\n[[customer]]\nid = \"gamma\"\n\
                keywords = [{ number = \"7009\", words = [\"METER\"] }]\n";
    std::fs::write(&file, text).expect("written");
    let told = shell.prints(&["apply", "-f", file.to_str().expect("text")]);
    assert!(told.contains("+ shared_number +46701234567") && told.contains("+ customer gamma"), "{told}");
    let listed = shell.prints(&["shared-numbers", "list"]);
    assert!(listed.contains("+46701234567  API") && listed.contains("7009          API"), "{listed}");
    assert!(shell.prints(&["numbers"]).contains("7009    gamma     METER"));
    let refused = shell.fails(REFUSED, &["shared-numbers", "delete", "7009"]);
    assert!(refused.contains("keywords of customer gamma") && refused.ends_with("[409 does_not_fit]\n"), "{refused}");
    shell.prints(&["shared-numbers", "delete", "+46701234567"]);
    shell.fails(REFUSED, &["shared-numbers", "show", "+46701234567"]);
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_set_listed_imported_and_removed() {
    let (site, operator) = start(Plan::network()).await;
    let acme = Shell::new(site.api(), &key(&operator, "acme", &["read", "manage"]).await);
    let address = format!("+{DEVICE}");
    let line = ["devices", "set", &address, "--tag", "pump", "--tag", "a", "--attribute", "site=Hall 3", "--imei", ""];
    assert_eq!(acme.json(&line)["tags"], serde_json::json!(["a", "pump"]));
    let changed = acme.json(&["devices", "set", &address, "--status", "suspended", "--attribute", "owner=Eva"]);
    assert_eq!(changed["attributes"], serde_json::json!({ "owner": "Eva", "site": "Hall 3" }));
    let file = site.folder().join("devices.csv");
    std::fs::write(&file, "address,tags\n+46700000002,pump\n+46700000003,two words\n").expect("written");
    let file = file.display().to_string();
    assert_eq!(acme.run(&["devices", "import", &file, "--dry-run"]).status.code(), Some(1));
    let output = acme.run(&["devices", "import", &file]);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "created 1, updated 0, unchanged 0\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("devices.csv:3: tags: \"two words\""), "{output:?}");
    let listed = acme.prints(&["devices", "list", "--tag", "pump", "--prefix", "+4670"]);
    let rows: Vec<&str> = listed.lines().collect();
    assert_eq!(rows.len(), 3, "{listed}");
    assert!(rows[1].contains("suspended") && rows[1].ends_with("owner=Eva site=Hall 3"), "{listed}");
    let of_acme =
        Shell::new(site.api(), &operator).json(&["devices", "list", "--customer", "acme", "--status", "active"]);
    assert_eq!(of_acme["devices"].as_array().map(Vec::len), Some(1));
    acme.prints(&["devices", "remove", &address]);
    assert!(acme.fails(REFUSED, &["devices", "get", &address]).ends_with(" [404 not_found]\n"));
    site.end(()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_started_watched_listed_and_cancelled() {
    let (site, operator) = start(Plan::network()).await;
    let acme = Shell::new(site.api(), &key(&operator, "acme", &["read", "send"]).await);
    let file = site.folder().join("devices.txt");
    std::fs::write(&file, format!("+{DEVICE}\n+46800000001\n")).expect("written");
    let file = file.display().to_string();
    let id = acme.prints(&["campaign", "start", "--to-file", &file, "--once", "c1", "Good", "morning"]);
    assert_eq!(acme.prints(&["campaign", "start", "--to-file", &file, "--once", "c1", "Good", "morning"]), id);
    let mut sim = site.sim().await;
    assert_eq!(sim.take().await.short_message.as_ref(), b"Good morning");
    let watched = acme.prints(&["campaign", "show", "--watch", &id]);
    let last = watched.lines().last().unwrap_or_default();
    let bar = "#".repeat(30);
    assert_eq!(last, format!("[{bar}] 100%  2 of 2  done  delivered 1, refused a2p_own_only 1"));
    let address = format!("+{DEVICE}");
    let later = ["campaign", "start", "--to", &address, "--start-at", "2027-01-01T00:00:00Z", "--per-second", "5", "x"];
    let later = acme.prints(&later);
    assert!(acme.prints(&["campaign", "pause", &later]).ends_with("0 of 1  paused"));
    assert!(acme.prints(&["campaign", "resume", &later]).ends_with("0 of 1  running"));
    assert_eq!(acme.json(&["campaign", "cancel", &later])["state"], "cancelled");
    let listed = acme.prints(&["campaign", "list"]);
    let rows: Vec<&str> = listed.lines().collect();
    assert!(rows.len() == 3 && rows[1].starts_with(&later) && rows[2].starts_with(&id), "{listed}");
    assert!(acme.fails(REFUSED, &["campaign", "cancel", &id]).ends_with(" [409 too_late]\n"));
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_listed_and_a_policy_is_shown_and_explained() {
    let plan = Plan::network().acme("inbox = true\npolicy = { p2p = \"own_only\" }\n");
    let (site, operator) = start(plan).await;
    let shell = Shell::new(site.api(), &operator);
    let acme = Shell::new(site.api(), &key(&operator, "acme", &["read"]).await);
    let listed = shell.prints(&["numbers"]);
    assert!(listed.contains("7001    acme      all    application app, inbox"), "{listed}");
    assert!(listed.contains("7002    beta      all    application rival"), "{listed}");
    assert_eq!(acme.json(&["numbers"])["numbers"].as_array().map(Vec::len), Some(1));
    acme.fails(REFUSED, &["numbers", "--customer", "beta"]);
    assert_eq!(
        shell.prints(&["policy", "show", "acme"]).split_whitespace().collect::<String>(),
        "{\"p2p\":\"own_only\"}"
    );
    let file = site.folder().join("policy.json");
    std::fs::write(&file, r#"{ "p2p": "open" }"#).expect("written");
    let file = file.display().to_string();
    assert!(
        shell.fails(REFUSED, &["policy", "set", "acme", &file]).ends_with("[409 declared]\n"),
        "the file declares it"
    );
    let gamma = r#"{ "numbers": ["7003"] }"#;
    operator.request("PUT", "/v1/customers/gamma", &[], Some(gamma)).await.expect(201);
    assert_eq!(shell.prints(&["policy", "set", "gamma", &file]), "the policy of gamma is changed");
    assert!(shell.prints(&["policy", "show", "gamma"]).contains("\"p2p\": \"open\""));
    std::fs::write(&file, r#"{ "p2p": "own_onli" }"#).expect("written");
    let told = shell.fails(REFUSED, &["policy", "set", "gamma", &file]);
    assert!(told.contains("p2p") && told.contains("own_onli") && told.ends_with("[422 invalid_field]\n"), "{told}");
    let device = format!("+{DEVICE}");
    let told = acme.prints(&["policy", "explain", "--from", &device, "--to", "7001", "STATUS", "please"]);
    assert!(told.contains("policy") && told.ends_with("mo, would go to application app"), "{told}");
    let refused = acme.run(&["policy", "explain", "--from", &device, "--to", "+46730000001"]);
    assert_eq!(refused.status.code(), Some(REFUSED), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).ends_with("[403 p2p_own_only]\n"), "{refused:?}");
    site.end(()).await;
}
