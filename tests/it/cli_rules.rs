//! `wasmsc plugin` and `wasmsc rule`: what they print, and what they bring about.

use crate::api::client::{key, start};
use crate::cli::{REFUSED, Shell};
use crate::smsc::site::{Plan, mo, read};
use crate::support::server::{built, version};

#[tokio::test(flavor = "multi_thread")]
async fn plugins_and_rules_are_kept_from_a_shell() {
    let (site, operator) = start(Plan::network()).await;
    let acme = Shell::new(site.api(), &key(&operator, "acme", &["read", "manage"]).await);
    let file = |name: &str| site.folder().join(name).display().to_string();
    for (number, mark) in [("1", "mark-one"), ("2", "mark-two")] {
        std::fs::write(file("echo.wasm"), version(mark)).expect("written");
        let line = ["plugin", "upload", &file("echo.wasm"), "--name", "echo", "--version", number];
        assert!(acme.prints(&line).starts_with(&format!("echo@{number} sha256:")));
    }
    std::fs::write(file("no.wasm"), "no component").expect("written");
    let said = acme.fails(REFUSED, &["plugin", "upload", &file("no.wasm"), "--name", "no", "--version", "1"]);
    assert!(said.ends_with("[422 plugin_unfit]\n"), "{said}");
    std::fs::write(file("rule.toml"), "plugin = \"echo@1\"\nnumbers = [\"7001\"]\n").expect("written");
    assert!(acme.prints(&["rule", "set", "echo", &file("rule.toml")]).starts_with("acme/echo running\n"));
    let listed = acme.prints(&["plugin", "list"]);
    assert!(listed.starts_with("PLUGIN") && listed.contains("acme/echo"), "{listed}");
    assert!(acme.prints(&["plugin", "show", "echo@2"]).contains("wasmsc:plugin/mo-handler@0.1.0"));
    let mut sim = site.sim().await;
    for (line, mark) in [
        (vec!["rule", "activate", "echo", "echo@2"], "mark-two"),
        (vec!["rule", "rollback", "echo"], "mark-one"),
        (vec!["rule", "canary", "echo", "echo@2", "--percent", "99"], "mark-two"),
        (vec!["rule", "activate", "echo", "echo@1"], "mark-one"),
        (vec!["rule", "shadow", "echo", "echo@2"], "mark-one"),
        (vec!["rule", "shadow", "echo", "--end"], "mark-one"),
    ] {
        acme.prints(&line);
        sim.submitted(mo("VERSION ?")).await;
        for part in ["a", "b"] {
            assert_eq!(read(&sim.take().await), format!("{mark} {part} ?"), "after {line:?}");
        }
    }
    let status = acme.prints(&["rule", "status", "echo"]);
    assert!(status.contains("active") && status.contains("rolled_back") && status.contains("shadow_ended"), "{status}");
    assert!(acme.prints(&["rule", "list"]).contains("echo@1"));
    let shown = acme.prints(&["rule", "show", "echo"]);
    assert!(shown.contains("plugin = \"echo@1\"") && shown.contains("numbers = [\"7001\"]"), "{shown}");
    assert!(acme.fails(REFUSED, &["plugin", "delete", "echo@1"]).contains("acme/echo"));
    assert_eq!(acme.prints(&["rule", "delete", "echo"]), "rule echo is gone");
    assert_eq!(acme.prints(&["plugin", "delete", "echo@1"]), "echo@1 is gone");
    site.end(sim).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_deployed_where_its_cases_pass() {
    let (site, operator) = start(Plan::network()).await;
    let acme = Shell::new(site.api(), &key(&operator, "acme", &["read", "manage"]).await);
    let folder = site.folder().join("echo");
    std::fs::create_dir_all(folder.join("cases")).expect("made");
    let case = |text: &str| {
        let text = format!("[[event]]\nmo = \"ECHO a\"\n[[event.sent]]\ntext = {text:?}\n");
        std::fs::write(folder.join("cases/echo.toml"), text).expect("written");
    };
    let component = built("conformance").display().to_string();
    let dir = folder.display().to_string();
    let line = ["plugin", "deploy", &dir, "--component", &component, "--rule", "echo"];
    let failed = |line: &[&str]| {
        let output = acme.run(line);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    case("b");
    assert!(failed(&line).contains("a case fails; nothing was uploaded"));
    assert_eq!(acme.json(&["plugin", "list"])["plugins"], serde_json::json!([]));
    case("a");
    assert!(failed(&line).contains("there is no rule echo; make it with --number"));
    let made = acme.prints(&[&line[..], &["--number", "7001"]].concat());
    assert!(made.contains("cases     1 pass\nuploaded  echo@") && made.contains(" answers for rule echo"), "{made}");
    let mut sim = site.sim().await;
    sim.submitted(mo("ECHO deployed")).await;
    assert_eq!(read(&sim.take().await), "deployed");
    let again = acme.prints(&[&line[..], &["--version", "2"]].concat());
    assert!(again.contains("active    echo@2 answers"), "{again}");
    site.end(sim).await;
}
