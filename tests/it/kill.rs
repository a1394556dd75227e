//! Kept: what a peer was told survives `kill -9`. The real binary under load, and a ledger on the client's side.
//!
//! Every MO has a text of its own and the rule sends it back, so that each MT tells which MO it answers; a
//! vendor TLV tells its message id. The moments of the kills are drawn from a seed and counted in messages.

mod ledger;
mod switching;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::task::JoinSet;
use wasmsc::cli::simulate::client::{ClientError, LinkConfig};
use wasmsc::cli::simulate::rng::Rng;
use wasmsc::cli::simulate::start_links;
use wasmsc::clock;

use self::ledger::{Goal, Known, Ledger, LinkTraffic, MESSAGE_ID_TLV};
use crate::support::process::Process;
use crate::support::server::built;

const ROUNDS: u32 = 24;
/// One restart in so many is killed before it is ready.
const KILL_WHILE_STARTING_ONE_IN: u32 = 4;
/// A kill comes at the latest after so many messages of a life. Few, as the number of kills is what counts.
const KILL_AFTER_MAX: u32 = 3_000;
const SEED: u64 = 0x5EED_0901;
const LINKS: usize = 4;
const WINDOW: usize = 64;
/// The links send faster than a rule answers. What waits is bounded, since each life of the server starts with it.
const QUEUE_MAX: usize = 5_000;

/// Compiling the rule takes a second or two.
const READY_PATIENCE: Duration = Duration::from_secs(60);
/// A full queue has to be worked off, also when the machine is busy with something else.
const GOAL_PATIENCE: Duration = Duration::from_secs(120);
const EXIT_PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_before_a_kill_is_left_unanswered_and_repeats_keep_their_id() {
    let started = clock::instant();
    let mut site = Site::new();
    let mut rng = Rng::seeded(SEED);
    let (mut killed_starting, mut killed_in_flight) = (0, 0);
    for round in 0..ROUNDS {
        if rng.below(KILL_WHILE_STARTING_ONE_IN) == 0 {
            site.kill_while_starting(&mut rng);
            killed_starting += 1;
        }
        let unknown_before = site.ledger.lock().count(|mo| mo.fate == Known::Unknown);
        let count = 1 + rng.below(KILL_AFTER_MAX);
        let goal = [Goal::Sent(count), Goal::Acknowledged(count), Goal::Delivered(count)][rng.below(3) as usize];
        let mut life = site.live(u64::MAX, goal).await;
        life.server.kill();
        life.links_end().await;
        let ledger = site.ledger.lock();
        ledger.check_so_far(&format!("round {round}, killed at {goal:?}"));
        killed_in_flight += u32::from(ledger.count(|mo| mo.fate == Known::Unknown) > unknown_before);
    }
    site.end_in_order(0).await;
    site.end_in_order(1).await;

    let ledger = site.ledger.lock();
    let summary = ledger.check_at_the_end();
    println!(
        "kill -9: {ROUNDS} rounds under load, {killed_in_flight} of them with MOs in flight, {killed_starting} more \
         kills while starting; {summary}; {:.1} s",
        (clock::instant() - started).as_secs_f64()
    );
    assert!(killed_in_flight > ROUNDS / 2, "only {killed_in_flight} kills met MOs without a response");
    let acknowledged = ledger.count(|mo| matches!(mo.fate, Known::Acknowledged(_)));
    assert!(acknowledged > (ROUNDS * KILL_AFTER_MAX / 6) as usize, "an idle test: {acknowledged} acknowledged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_load_ends_in_order_and_nothing_acknowledged_is_missing_or_repeated_afterwards() {
    let mut site = Site::new();
    for _ in 0..2 {
        let mut life = site.live(u64::MAX, Goal::Acknowledged(1_000)).await;
        life.server.terminate(EXIT_PATIENCE);
        life.links_end().await;
        // From here on no repeat is allowed: an orderly end settles what was delivered.
        let mut ledger = site.ledger.lock();
        ledger.life_ended_in_order();
        ledger.check_so_far("after SIGTERM under load");
    }
    site.end_in_order(1).await;
    let ledger = site.ledger.lock();
    let summary = ledger.check_at_the_end();
    println!("SIGTERM under load: {summary}");
    let in_doubt = ledger.count(|mo| mo.fate == Known::Unknown && !mo.mts.is_empty());
    assert_eq!(in_doubt, 0, "links were closed before what had been taken in was acknowledged");
}

// ---- the server ---------------------------------------------------------------------------------

/// One data directory, and all the lives of the server on it.
struct Site {
    folder: TempDir,
    ledger: Arc<Mutex<Ledger>>,
    start_took: Duration,
}

/// A server that is up, and the links to it.
struct Life {
    server: Process,
    api: Option<SocketAddr>,
    links: JoinSet<Result<(), ClientError>>,
}

impl Site {
    fn new() -> Site {
        Site::with(&rule_text(&built("hostile")))
    }

    /// With these tables in its config.
    fn with(tables: &str) -> Site {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on a real disk");
        fs::write(folder.path().join("wasmsc.toml"), config_text() + tables).expect("the config can be written");
        Site { folder, ledger: Arc::new(Mutex::new(Ledger::new())), start_took: Duration::from_secs(1) }
    }

    /// Starts the server, lets the links send `to_send` MOs, and returns when `goal` is reached.
    async fn live(&mut self, to_send: u64, goal: Goal) -> Life {
        self.live_beside(to_send, goal, |_| {}).await
    }

    /// As [`live`](Self::live), with something else that goes on meanwhile, at its API.
    async fn live_beside(&mut self, to_send: u64, goal: Goal, beside: impl FnOnce(Option<SocketAddr>)) -> Life {
        let before = clock::instant();
        let server = Process::spawn(self.folder.path(), &[]);
        let ready = server.ready(READY_PATIENCE).unwrap_or_else(|why| panic!("{why:?}: {}", server.log()));
        self.start_took = clock::instant() - before;
        self.ledger.lock().begin_life(to_send, goal);
        beside(ready.api);
        let mut links = JoinSet::new();
        for _ in 0..LINKS {
            let config = LinkConfig {
                connect: ready.smpp.clone(),
                system_id: "sim".to_owned(),
                password: "secret".to_owned(),
                window: WINDOW,
            };
            let mut link = start_links(config, 1, &Arc::new(Mutex::new(LinkTraffic::new(&self.ledger))));
            links.spawn(async move { link.join_next().await.expect("one link").expect("the link does not panic") });
        }
        let mut life = Life { server, api: ready.api, links };
        self.reach_goal(&mut life).await;
        life
    }

    async fn reach_goal(&self, life: &mut Life) {
        let reached = self.ledger.lock().reached.clone();
        let goal = async {
            while !self.ledger.lock().is_goal_reached() {
                reached.notified().await;
            }
        };
        tokio::select! {
            in_time = tokio::time::timeout(GOAL_PATIENCE, goal) => {
                let ledger = self.ledger.lock();
                let missing = ledger.unanswered;
                assert!(
                    in_time.is_ok(),
                    "{:?} not reached in {GOAL_PATIENCE:?}: {missing} acknowledged MOs are unanswered, {} outstanding: \
                     {:?}\n{}",
                    ledger.goal, ledger.outstanding, ledger.violations, life.server.log()
                );
            }
            ended = life.links.join_next() => panic!("a link ended by itself: {ended:?}\n{}", life.server.log()),
        }
    }

    /// Kills at a random moment before the server is ready, or as soon as it is: in the last part of the
    /// start, as loading the rule comes first and the store is what matters.
    fn kill_while_starting(&self, rng: &mut Rng) {
        let mut server = Process::spawn(self.folder.path(), &[]);
        let moment = self.start_took.mul_f64(rng.between(0.6, 1.1));
        match server.ready(moment) {
            Ok(_) | Err(RecvTimeoutError::Timeout) => server.kill(),
            Err(RecvTimeoutError::Disconnected) => panic!("the server did not start: {}", server.log()),
        }
    }

    /// A life that is ended with SIGTERM once every acknowledged MO is answered.
    async fn end_in_order(&mut self, to_send: u64) {
        let mut life = self.live(to_send, Goal::Answered).await;
        life.server.terminate(EXIT_PATIENCE);
        life.links_end().await;
        let mut ledger = self.ledger.lock();
        ledger.check_so_far("after an orderly end");
        ledger.life_ended_in_order();
    }
}

impl Life {
    /// The server is gone; every link hands back what has no response.
    async fn links_end(&mut self) {
        let links = async { while self.links.join_next().await.is_some_and(|ended| ended.is_ok()) {} };
        tokio::time::timeout(EXIT_PATIENCE, links).await.expect("links end with their server");
        assert!(self.links.is_empty(), "a link's task panicked");
    }
}

fn config_text() -> String {
    format!(
        r#"data_dir = "data"

[smpp]
listen = "127.0.0.1:0"
system_id = "wasmsc"

[[customer]]
id = "acme"
numbers = ["7001"]
devices = ["+46700*"]
queue_max = {QUEUE_MAX}

[[account]]
system_id = "sim"
password = "secret"
role = "network"
routes = ["+46"]
message_id_tlv = {MESSAGE_ID_TLV}
"#
    )
}

/// The deadline is out of reach: a machine that is busy with other tests shall not look like a slow rule.
fn rule_text(rule: &Path) -> String {
    format!(
        r#"
[[rule]]
customer = "acme"
name = "echo"
component = {rule:?}
numbers = ["7001"]
deadline_ms = 5000
"#
    )
}
