//! `wasmsc plugin`: what authors of rules run, through the real binary and on components that `cargo xtask plugins` builds.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use tempfile::TempDir;

use crate::support::server::built;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn wasmsc(folder: &Path, line: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasmsc"));
    command.args(line).current_dir(folder).env("RUST_LOG", "error").stdin(Stdio::null());
    command
}

/// What it printed, and its exit code.
#[track_caller]
fn run(folder: &Path, line: &[&str]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } = wasmsc(folder, line).output().expect("the binary runs");
    (status.code(), String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr))
}

#[track_caller]
fn prints(folder: &Path, line: &[&str]) -> String {
    let (code, said) = run(folder, line);
    assert_eq!(code, Some(0), "{line:?}: {said}");
    said
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder can be made")
}

fn conformance() -> String {
    built("conformance").display().to_string()
}

/// A case file in a folder of its own.
fn case(text: &str) -> (TempDir, PathBuf) {
    let folder = folder();
    let file = folder.path().join("case.toml");
    std::fs::write(&file, text).expect("written");
    (folder, file)
}

#[track_caller]
fn test_case(text: &str) -> (Option<i32>, String) {
    let (folder, file) = case(text);
    run(folder.path(), &["plugin", "test", file.to_str().expect("text"), "--component", &conformance()])
}

#[test]
fn the_conformance_rule_passes_its_cases_in_the_host_of_production() {
    let cases = root().join("plugins/conformance/cases");
    let said = prints(root(), &["plugin", "test", cases.to_str().expect("text"), "--component", &conformance()]);
    assert!(said.contains(" passed, 0 failed, ") && !said.contains("no case calls"), "{said}");
}

/// docs/PLUGINS.md: wasi:logging, wasi:config and wasi:keyvalue are there for components that know nothing else.
#[test]
fn a_component_that_knows_the_interfaces_of_other_hosts_only_has_them_here() {
    let cases = root().join("plugins/hostile/foreign/cases");
    let component = built("hostile_foreign").display().to_string();
    let said = prints(root(), &["plugin", "test", cases.to_str().expect("text"), "--component", &component]);
    assert!(said.contains("4 passed, 0 failed, "), "{said}");
}

/// The promise of docs/PLUGINS.md: what was built for a release runs on every later one of its major version.
#[test]
fn components_that_were_built_for_0_1_0_do_what_they_did() {
    let fixtures = root().join("tests/fixtures/plugins-0.1.0");
    let files = std::fs::read_dir(&fixtures).expect("they are kept").flatten().map(|entry| entry.path());
    let components: Vec<PathBuf> = files.filter(|path| path.extension().is_some_and(|it| it == "wasm")).collect();
    assert!(!components.is_empty());
    let cases = fixtures.join("cases").display().to_string();
    for component in components {
        let component = component.display().to_string();
        let said = prints(root(), &["plugin", "test", &cases, "--component", &component]);
        assert!(said.contains(" passed, 0 failed, "), "{component}: {said}");
    }
}

#[test]
fn a_case_that_fails_names_the_line_and_both_sides() {
    let (code, said) = test_case("name = \"echo\"\n[[event]]\nmo = \"ECHO a\"\n[[event.sent]]\ntext = \"b\"\n");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("FAIL  echo  mo "), "{said}");
    assert!(said.contains("case.toml:5: sent 1, text\n    expected  \"b\"\n    got       \"a\"\n"), "{said}");
    assert!(said.contains("no case calls timer-handler: add an event with `timer = …`"), "{said}");
}

#[test]
fn what_is_kept_between_events_is_what_a_call_that_ended_well_left() {
    let (code, said) = test_case(
        "[given]\nstate = { n = { int = 5 } }\n[[event]]\nmo = \"COUNT\"\nstate = { n = { int = 6 } }\n\
         [[event.sent]]\ntext = \"6\"\n[[event]]\nmo = \"PARTIAL\"\noutcome = \"reject\"\nwhy = \"partial\"\n\
         state = { n = { int = 6 } }\n[[event]]\nmo = \"TRAP\"\noutcome = \"broken\"\nstate = { n = { int = 6 } }\n\
         [[event]]\nmo = \"RETRY\"\noutcome = \"retry 1500\"\n[[event]]\nagain = true\nafter = \"1500ms\"\n\
         [[event.sent]]\ntext = \"attempt 2\"\n",
    );
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn an_event_that_cannot_happen_is_told_where_it_is_written() {
    let (code, said) = test_case("[[event]]\nmo = \"ECHO a\"\n[[event.sent]]\n[[event]]\ntimer = \"gone\"\n");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("case.toml:4: no timer \"gone\" is set; none is"), "{said}");
}

#[test]
fn a_mistake_in_a_case_file_is_told_with_the_nearest_key() {
    let (code, said) = test_case("[[event]]\nmo = \"ECHO a\"\n[[event.sent]]\ntxt = \"a\"\n");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("case.toml:4: unknown key \"txt\" in [[event.sent]]; did you mean \"text\"?"), "{said}");
}

#[test]
fn update_writes_what_came_out_and_keeps_comments() {
    let (folder, file) = case("# Counts.\n[[event]]\nmo = \"TIMER wake 60000 x\" # sets it\n");
    let path = file.to_str().expect("text");
    let (code, said) = run(folder.path(), &["plugin", "test", path, "--component", &conformance(), "--update"]);
    assert!(code == Some(1) && said.contains("updated  "), "{said}");
    assert_eq!(
        std::fs::read_to_string(&file).expect("it is there"),
        "# Counts.\n[[event]]\nmo = \"TIMER wake 60000 x\" # sets it\n[[event.sent]]\nto = \"+46700000003\"\ntext = \"ok\"\n\
         [[event.timers]]\nset = \"wake\"\nin = \"1m\"\npayload = \"x\"\n"
    );
    prints(folder.path(), &["plugin", "test", path, "--component", &conformance()]);
}

#[test]
fn results_are_written_for_ci() {
    let (folder, file) = case("name = \"a <b>\"\n[[event]]\nmo = \"ECHO a\"\n");
    let path = file.to_str().expect("text");
    let line = ["plugin", "test", path, "--component", &conformance(), "--junit", "results.xml"];
    assert_eq!(run(folder.path(), &line).0, Some(1));
    let xml = std::fs::read_to_string(folder.path().join("results.xml")).expect("it is written");
    assert!(xml.contains("tests=\"1\" failures=\"1\"") && xml.contains("name=\"a &lt;b&gt;\""), "{xml}");
}

#[test]
fn check_tells_what_a_component_is_and_why_another_is_none() {
    let said = prints(root(), &["plugin", "check", &conformance()]);
    for part in
        ["it fits the contract\n", "exports   mo-handler, receipt-handler, timer-handler", "of 200 with a fresh"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let folder = folder();
    for (name, why) in [("imports-evil", "imports "), ("exports-nothing", "exports no "), ("core-module", "")] {
        let text = root().join("plugins/hostile/wat").join(format!("{name}.wat"));
        let file = folder.path().join("odd.wasm");
        std::fs::write(&file, wat::parse_file(text).expect("a component or module")).expect("written");
        let (code, said) = run(folder.path(), &["plugin", "check", "odd.wasm"]);
        assert!(code == Some(1) && said.contains("odd.wasm: ") && said.contains(why), "{name}: {said}");
        assert!(!said.contains("trial"), "{name}: the made-up rule shows: {said}");
    }
}

#[test]
fn a_device_is_played_and_time_passes_when_one_says_so() {
    let folder = folder();
    let mut command = wasmsc(folder.path(), &["plugin", "dev", "--component", &conformance()]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary runs");
    let typed = "ECHO hello\nTIMER wake 60000 x\n:timers\n:advance 2m\n:receipt 1\nDRAFT\n:receipt 1 delivered\nTRAP\n:advnce 1m\n";
    child.stdin.take().expect("piped").write_all(typed.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends with its input");
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{said}");
    for part in [
        "You are +46700000003 and write to 7001.",
        "7001: hello\n",
        "   timer     set \"wake\" in 1m\n",
        "   wake in 1m (at 2026-01-01T00:01:00Z)\n",
        "-- 2026-01-01T00:01:00Z: timer wake\n7001: timer wake x\n",
        "-- it is 2026-01-01T00:02:00Z\n",
        "!! of = 1: 0 messages asked for a receipt so far\n",
        "   delayed by 1s\n",
        "   receipt   asked for; it comes with :receipt 1 delivered\n",
        "7001: receipt t1 delivered\n",
        "!! broken, and nothing of it is kept: ",
        "!! unknown command :advnce; did you mean :advance?\n",
    ] {
        assert!(said.contains(part), "{part:?} is not in:\n{said}");
    }
}

/// A command that goes on until it is ended.
struct Going {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Going {
    fn start(folder: &Path, line: &[&str]) -> Going {
        let mut command = wasmsc(folder, line);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.expect("the binary runs");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Going { child, lines }
    }

    fn types(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("piped");
        stdin.write_all(format!("{line}\n").as_bytes()).expect("it reads");
    }

    #[track_caller]
    fn says(&mut self, part: &str) {
        let found = self.lines.by_ref().map_while(Result::ok).any(|line| line.contains(part));
        assert!(found, "it ended without {part:?}");
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it may have ended
        let _ = self.child.wait();
    }
}

#[test]
fn a_case_that_changes_is_run_again() {
    let text = "name = \"echo\"\n[[event]]\nmo = \"ECHO a\"\n";
    let (folder, file) = case(text);
    let line = ["plugin", "test", file.to_str().expect("text"), "--component", &conformance(), "--watch"];
    let mut going = Going::start(folder.path(), &line);
    going.says("FAIL  echo");
    going.says("waiting for changes");
    std::fs::write(&file, format!("{text}[[event.sent]]\ntext = \"a\"\n")).expect("written");
    going.says("ok    echo");
}

#[test]
fn a_saved_file_builds_again_and_what_the_device_has_is_kept() {
    let folder = folder();
    let rule = format!("all:\n\tmkdir -p dist\n\tcp {} dist/rule.wasm\n", conformance());
    std::fs::write(folder.path().join("Makefile"), rule).expect("written");
    let mut going = Going::start(folder.path(), &["plugin", "dev"]);
    going.says("dist/rule.wasm: ");
    going.says("You are +46700000003");
    going.types("COUNT");
    going.says("7001: 1");
    std::fs::write(folder.path().join("rule.c"), "int changed;").expect("written");
    going.says("dist/rule.wasm: ");
    going.types("COUNT");
    going.says("7001: 2");
}

#[test]
fn a_new_plugin_is_written_once() {
    let folder = folder();
    let said = prints(folder.path(), &["plugin", "new", "front-door"]);
    assert!(
        said.contains("  cd front-door\n  wasmsc plugin build ") && said.contains("  wasmsc plugin test "),
        "{said}"
    );
    let project = folder.path().join("front-door");
    for file in ["Cargo.toml", "src/lib.rs", "cases/hello.toml", "wasmsc-sdk/Cargo.toml", "wasmsc-sdk/wit/plugin.wit"] {
        let text = std::fs::read_to_string(project.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(!text.contains("{{"), "{file}: {text}");
    }
    let (code, said) = run(folder.path(), &["plugin", "new", "front-door"]);
    assert!(code == Some(1) && said.contains("is there already and is not overwritten"), "{said}");
    assert_eq!(run(folder.path(), &["plugin", "new", "Front Door"]).0, Some(2));
}

#[test]
fn a_new_plugin_builds_and_passes_its_cases() {
    let folder = folder();
    prints(folder.path(), &["plugin", "new", "front-door"]);
    let project = folder.path().join("front-door");
    let mut build = wasmsc(&project, &["plugin", "build"]);
    // What the rules of this repository were built with is here already.
    build.env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", root().join("plugins/target"));
    let output = build.output().expect("the binary runs");
    assert!(output.status.success(), "{output:?}");
    let component = String::from_utf8(output.stdout).expect("text");
    assert!(component.trim_end().ends_with("wasm32-wasip2/release/front_door.wasm"), "{component}");
    let said = prints(&project, &["plugin", "test", "--component", component.trim_end()]);
    assert!(said.contains("1 passed, 0 failed, "), "{said}");
}

#[test]
fn a_folder_without_a_plugin_and_a_missing_tool_are_told() {
    let folder = folder();
    let (code, said) = run(folder.path(), &["plugin", "build"]);
    assert!(code == Some(1) && said.contains("no plugin is here"), "{said}");
    std::fs::write(folder.path().join("Makefile"), "all:\n").expect("written");
    let mut command = wasmsc(folder.path(), &["plugin", "build"]);
    let output = command.env("PATH", folder.path()).output().expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("make is not installed: install make"), "{said}");
}
