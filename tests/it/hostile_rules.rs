//! A rule cannot hurt the house: whatever `plugins/hostile` tries ends at a limit, leaves nothing behind and
//! is told in words for its author. A component that does not fit is refused when the server starts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::Level;
use wasmsc::message::Timestamp;
use wasmsc::{cases, clock};
use wasmsc_smpp::CommandStatus;

use crate::support::PATIENCE;
use crate::support::client::Client;
use crate::support::log::{self, Line};
use crate::support::server::{Running, Setup, built};

const DEVICE: &str = "+46700000001";
/// For calls that are to end at the deadline.
const SHORT: &str = "attempts_max = 1\ndeadline_ms = 50\nbreaker = { failures = 0 }";
/// For calls that end before it, also on a machine that is busy.
const LONG: &str = "attempts_max = 1\ndeadline_ms = 5000\nbreaker = { failures = 0 }";

/// A server with the hostile rule, and the network that carries its device.
struct Scene {
    running: Running,
    network: Client,
    rule: String,
}

impl Scene {
    async fn new(name: &str, limits: &str) -> Scene {
        let setup = Setup::new().rule("acme", name, &built("hostile"), limits);
        let running = setup.start().await.expect("the rule fits");
        let network = running.network().await;
        Scene { running, network, rule: format!("acme/{name}") }
    }

    /// Yields the message_id.
    async fn submit(&mut self, text: &str) -> String {
        let (status, message_id) = self.network.submit(DEVICE, "7001", text).await;
        assert_eq!(status, CommandStatus::ESME_ROK, "{text}");
        message_id
    }

    /// What is logged when the MO is given up.
    async fn dead_letter(&mut self, text: &str) -> Line {
        let message_id = self.submit(text).await;
        let is_it = |line: &Line| line.level == Level::ERROR && line.message_id == message_id;
        log::wait_for(&self.rule, "dead letter", is_it).await
    }

    /// The text of the next MT.
    async fn next_text(&mut self) -> String {
        self.network.next_delivery(PATIENCE).await.expect("the rule answers").text
    }

    async fn answer(&mut self, text: &str) -> String {
        self.submit(text).await;
        self.next_text().await
    }

    /// A device's MOs run in order, and so do its MTs leave: had an earlier call left a message or state, it
    /// would show here.
    async fn expect_nothing_left(&mut self) {
        assert_eq!(self.answer("NAMES").await, "names: ", "state is left");
        assert_eq!(self.answer("COUNT").await, "1", "a message or state is left");
        assert_eq!(self.answer("ECHO last").await, "last", "a message is left");
    }

    /// What the rule itself logged.
    fn own_lines(&self) -> Vec<Line> {
        log::lines(&self.rule).into_iter().filter(|line| line.target == "rule").collect()
    }

    async fn end(self) {
        self.network.unbind().await;
        self.running.stop().await;
    }
}

fn assert_says(line: &Line, parts: &[&str]) {
    for part in parts {
        assert!(line.message.contains(part), "{part:?} is not in {:?}", line.message);
    }
}

// ---- time and memory ----------------------------------------------------------------------------

#[tokio::test]
async fn an_endless_loop_ends_at_the_deadline_and_shows_where_it_was() {
    let mut scene = Scene::new("loop", SHORT).await;
    let line = scene.dead_letter("LOOP").await;
    assert_eq!(line.rule, "acme/loop");
    assert_says(&line, &["deadline of 50 ms", "wasm backtrace", "hostile"]);
    scene.expect_nothing_left().await;
    scene.end().await;
}

#[tokio::test]
async fn a_sleep_of_an_hour_is_cut_off_at_the_deadline() {
    let mut scene = Scene::new("sleep", SHORT).await;
    let started = clock::instant();
    let line = scene.dead_letter("SLEEP").await;
    assert_says(&line, &["deadline of 50 ms"]);
    assert!(started.elapsed() < PATIENCE / 2, "took {:?}", started.elapsed());
    scene.expect_nothing_left().await;
    scene.end().await;
}

#[tokio::test]
async fn a_trap_names_the_rule_and_the_function() {
    let mut scene = Scene::new("trap", LONG).await;
    let line = scene.dead_letter("TRAP").await;
    assert_eq!((line.rule.as_str(), line.attempt), ("acme/trap", 1));
    assert_says(&line, &["wasm backtrace", "burst_into_flames"]);
    let said = scene.own_lines().iter().any(|line| line.message.contains("hostile: boom"));
    assert!(said, "the panic message is not in the rule's log: {:#?}", scene.own_lines());
    scene.expect_nothing_left().await;
    scene.end().await;
}

#[tokio::test]
async fn an_endless_recursion_traps() {
    let mut scene = Scene::new("deep", LONG).await;
    let line = scene.dead_letter("DEEP").await;
    assert_says(&line, &["call stack exhausted", "recurse"]);
    scene.expect_nothing_left().await;
    scene.end().await;
}

#[tokio::test]
async fn memory_without_end_is_refused_and_given_back() {
    let mut scene = Scene::new("eat", &format!("{LONG}\nmemory_mib = 32")).await;
    let first = scene.dead_letter("EAT").await;
    assert_says(&first, &["memory", "eat_memory"]);
    let before = resident_mib();
    for _ in 0..30 {
        scene.dead_letter("EAT").await;
    }
    // Kept by each call, it would be 960 MiB; the rest is for other tests in the same process.
    let after = resident_mib();
    assert!(after < before + 480, "{before} MiB before, {after} MiB after 30 calls that took 32 MiB each");
    scene.expect_nothing_left().await;
    scene.end().await;
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells a process about itself");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has a line VmRSS");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("VmRSS is a number of kB");
    kib >> 10
}

#[tokio::test]
async fn logging_without_end_is_bounded_and_ends_at_the_deadline() {
    let mut scene = Scene::new("logforever", SHORT).await;
    let line = scene.dead_letter("LOGFOREVER").await;
    assert_says(&line, &["deadline of 50 ms"]);
    let own = scene.own_lines();
    assert!((2..=101).contains(&own.len()), "{} lines", own.len());
    assert_eq!(own.last().map(|line| line.level), Some(Level::WARN), "the last line says that the rest is dropped");
    scene.end().await;
}

#[tokio::test]
async fn a_busy_customer_does_not_stop_another_one() {
    const LOOPS: usize = 20;
    const MESSAGES: usize = 100;
    let hostile = built("hostile");
    let busy = Setup::new().rule("acme", "busy", &hostile, "attempts_max = 1\ndeadline_ms = 250");
    let setup = busy.rule("beta", "quick", &hostile, LONG);
    let running = setup.start().await.expect("the rules fit");
    let mut network = running.network().await;
    for number in 0..LOOPS {
        network.send(&format!("+4670000{number:04}"), "7001", "LOOP").await;
    }
    for number in 0..MESSAGES {
        network.send(&format!("+4673000{number:04}"), "7002", &format!("quick {number}")).await;
    }
    let mut answered = BTreeSet::new();
    while answered.len() < MESSAGES {
        let delivery = network.next_delivery(PATIENCE).await.expect("beta is served");
        assert!(delivery.source == "7002" && delivery.dest.starts_with("+4673"), "{delivery:?}");
        assert!(answered.insert(delivery.text), "answered twice");
    }
    let over = log::lines("acme/busy").iter().filter(|line| line.level == Level::ERROR).count();
    assert!(over < LOOPS, "all loops were over before beta was served");
    network.unbind().await;
    running.stop().await;
}

/// Twice as many loops as cores: by the clock none of them would get more than half of its deadline.
#[test]
fn a_loop_gets_the_cpu_time_of_its_deadline_and_no_more() {
    const DEADLINE: Duration = Duration::from_millis(200);
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let case = "[given]\nlimits = { deadline_ms = 200 }\n[[event]]\nmo = \"LOOP\"\n";
        let case = cases::read_case(case, Path::new("loop.toml")).expect("a case");
        let ran =
            runtime.block_on(async { cases::Trial::load(&built("hostile")).await.expect("it fits").run(case).await });
        let (_, got) = ran.steps.into_iter().next().and_then(|step| step.call).expect("it was called");
        assert!(matches!(&got.outcome, cases::Outcome::Broken(why) if why.contains("200 ms")), "{:?}", got.outcome);
        got.cpu
    };
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let used: Vec<Duration> = std::thread::scope(|scope| {
        let loops: Vec<_> = (0..2 * cores).map(|_| scope.spawn(run)).collect();
        loops.into_iter().map(|one| one.join().expect("ends")).collect()
    });
    let fine = DEADLINE - DEADLINE / 20..2 * DEADLINE;
    assert!(used.iter().all(|cpu| fine.contains(cpu)), "{used:?}");
}

// ---- effects ------------------------------------------------------------------------------------

#[tokio::test]
async fn a_retry_is_granted_until_the_attempts_are_used_up() {
    let mut scene = Scene::new("retry", "attempts_max = 3\ndeadline_ms = 5000").await;
    let line = scene.dead_letter("RETRY 10").await;
    assert_eq!(line.attempt, 3);
    assert_says(&line, &["the rule asked for another attempt"]);
    let lines = log::lines("acme/retry");
    let postponed: Vec<u64> = lines.iter().filter(|l| l.level == Level::WARN).map(|l| l.attempt).collect();
    assert_eq!(postponed, [1, 2]);
    scene.end().await;
}

#[tokio::test]
async fn a_reject_is_a_dead_letter_at_once_with_its_reason() {
    let mut scene = Scene::new("reject", "attempts_max = 5\ndeadline_ms = 5000").await;
    let line = scene.dead_letter("REJECT no such meter").await;
    assert_eq!(line.attempt, 1);
    assert_says(&line, &["dead letter", "rejected by the rule: no such meter"]);
    scene.expect_nothing_left().await;
    scene.end().await;
}

#[tokio::test]
async fn a_flood_above_the_quota_leaves_no_message_at_all() {
    let mut scene = Scene::new("flood", LONG).await;
    let line = scene.dead_letter("FLOOD 1000").await;
    assert_says(&line, &["send: more messages than one call may send"]);
    scene.expect_nothing_left().await;
    scene.end().await;
}

#[tokio::test]
async fn half_of_a_call_leaves_neither_state_nor_message() {
    let mut scene = Scene::new("half", LONG).await;
    scene.dead_letter("HALF").await;
    scene.expect_nothing_left().await;
    assert_eq!(scene.answer("COUNT").await, "2", "what succeeds is kept");
    assert_eq!(scene.answer("NAMES").await, "names: count");
    scene.end().await;
}

#[tokio::test]
async fn state_that_is_too_large_or_too_much_is_refused() {
    let mut scene = Scene::new("state", &format!("{LONG}\nstate_kib = 128")).await;
    let too_large = scene.dead_letter("STATE 65537").await;
    assert_says(&too_large, &["state: value too large"]);
    let too_much = scene.dead_letter("KEYS 20000").await;
    assert_says(&too_much, &["state: more state than one call may write"]);
    scene.expect_nothing_left().await;
    scene.submit("STATE 65536").await;
    assert_eq!(scene.answer("NAMES").await, "names: count value", "the largest value that is allowed");
    scene.end().await;
}

// ---- the world that a rule sees -----------------------------------------------------------------

#[tokio::test]
async fn files_arguments_and_environment_are_not_to_be_seen() {
    let mut scene = Scene::new("world", LONG).await;
    assert!(std::env::vars_os().count() > 0, "there is something to hide");
    let file = scene.answer("FILE").await;
    assert!(file.starts_with("error: "), "{file}");
    assert_eq!(scene.answer("ENV").await, "env 0 args 0");
    scene.end().await;
}

#[tokio::test]
async fn what_a_rule_prints_is_in_its_log() {
    let mut scene = Scene::new("print", LONG).await;
    scene.submit("PRINT").await;
    log::wait_for("acme/print", "stdout", |line| line.message == "hostile: on stdout").await;
    log::wait_for("acme/print", "stderr", |line| line.message == "hostile: on stderr").await;
    scene.end().await;
}

#[tokio::test]
async fn the_clock_stands_at_the_time_of_the_mo_on_every_attempt() {
    let mut scene = Scene::new("clock", "attempts_max = 2\ndeadline_ms = 5000").await;
    let before = clock::now();
    scene.submit("TWICE CLOCK").await;
    let accepted = clock::now();
    let answer = scene.next_text().await;
    let wall = answer.strip_prefix("wall ").and_then(|rest| rest.strip_suffix(" elapsed 0"));
    let wall = Timestamp(wall.and_then(|ms| ms.parse().ok()).expect("a time at which nothing elapses"));
    assert!(before <= wall && wall <= accepted, "{before:?} {wall:?} {accepted:?}");
    assert_eq!(attempts(&scene), [(1, answer.clone()), (2, answer)]);
    scene.end().await;
}

#[tokio::test]
async fn chance_is_the_same_on_a_retry_and_another_for_another_message() {
    let mut scene = Scene::new("random", "attempts_max = 2\ndeadline_ms = 5000").await;
    let first = scene.answer("TWICE RANDOM").await;
    assert_eq!(attempts(&scene), [(1, first.clone()), (2, first.clone())]);
    let second = scene.answer("RANDOM").await;
    let (first, second): (Vec<_>, Vec<_>) = (first.split(' ').collect(), second.split(' ').collect());
    assert_eq!((first[0], first[2], first.len()), ("contract", "wasi", 4));
    assert!(first[1] != second[1] && first[3] != second[3], "{first:?} {second:?}");
    assert_ne!(first[1], first[3], "the contract's random octets and WASI's are streams of their own");
    scene.end().await;
}

/// Attempt and text of each line that the rule logged.
fn attempts(scene: &Scene) -> Vec<(u64, String)> {
    scene.own_lines().into_iter().map(|line| (line.attempt, line.message)).collect()
}

// ---- refused at start ---------------------------------------------------------------------------

/// Starts a server with this component; its refusal must name rule and file, and say `parts`.
async fn expect_refused(name: &str, octets: Option<Vec<u8>>, parts: &[&str]) {
    let setup = Setup::new();
    let file: PathBuf = setup.folder().join(format!("{name}.wasm"));
    if let Some(octets) = octets {
        std::fs::write(&file, octets).expect("the temporary folder takes a file");
    }
    let Err(error) = setup.rule("acme", name, &file, "").start().await else {
        panic!("{name} was not refused");
    };
    let error = error.to_string();
    let (rule, file) = (format!("rule acme/{name}:"), file.display().to_string());
    for part in [rule.as_str(), file.as_str()].iter().chain(parts) {
        assert!(error.contains(part), "{part:?} is not in {error:?}");
    }
}

fn wat(name: &str) -> Option<Vec<u8>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/hostile/wat").join(format!("{name}.wat"));
    Some(wat::parse_file(file).expect("the text is a component or module"))
}

#[tokio::test]
async fn a_forbidden_import_is_refused_at_start() {
    expect_refused("imports-evil", wat("imports-evil"), &["imports \"evil:host/steal@1.0.0\"", "does not give"]).await;
    expect_refused("imports-http", wat("imports-http"), &["imports \"wasi:http/outgoing-handler@0.2.6\""]).await;
}

#[tokio::test]
async fn an_import_of_a_function_that_the_contract_lacks_is_refused_at_start() {
    let parts = ["wasmsc:plugin/state@0.1.0", "steal-from-another-device"];
    expect_refused("imports-newer-state", wat("imports-newer-state"), &parts).await;
}

#[tokio::test]
async fn a_component_without_handler_is_refused_at_start() {
    let parts = ["exports no wasmsc:plugin/mo-handler@0.1.0", "handle-mo"];
    expect_refused("exports-nothing", wat("exports-nothing"), &parts).await;
}

// Fails since `PluginHost::load` does not look at the handler's type: `MoRulePre::new` finds the export by its name
// only, so that the rule loads and each of its MOs becomes a dead letter.
#[tokio::test]
async fn a_handler_of_a_wrong_type_is_refused_at_start() {
    let parts = ["type differs from wit/plugin.wit", "handle-mo"];
    expect_refused("exports-wrong-type", wat("exports-wrong-type"), &parts).await;
}

#[tokio::test]
async fn what_is_no_component_or_not_there_is_refused_at_start() {
    let text = Some(b"#!/bin/sh\necho no wasm\n".to_vec());
    expect_refused("no-wasm", text, &["is no WebAssembly component"]).await;
    expect_refused("core-module", wat("core-module"), &["is no WebAssembly component"]).await;
    expect_refused("missing", None, &["cannot be read", "No such file"]).await;
}
