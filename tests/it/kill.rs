//! Kept: what a peer was told survives `kill -9`. The real binary under load, and a ledger on the client's side.
//!
//! Every MO has a text of its own and the rule sends it back, so that each MT tells which MO it answers; a
//! vendor TLV tells its message id. The moments of the kills are drawn from a seed and counted in messages.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use wasmsc::cli::simulate::client::{ClientError, LinkConfig};
use wasmsc::cli::simulate::rng::Rng;
use wasmsc::cli::simulate::start_links;
use wasmsc::cli::simulate::tally::Tally;
use wasmsc::cli::simulate::traffic::{Fate, Next, Traffic};
use wasmsc::clock;
use wasmsc_smpp::{CommandStatus, Npi, Sm, Ton};

const ROUNDS: u32 = 24;
/// One restart in so many is killed before it is ready.
const KILL_WHILE_STARTING_ONE_IN: u32 = 4;
/// A kill comes at the latest after so many messages of a life: several segments' worth over all rounds is
/// the endurance bench's matter, here the number of kills counts.
const KILL_AFTER_MAX: u32 = 3_000;
const SEED: u64 = 0x5EED_0901;
const LINKS: usize = 4;
const WINDOW: usize = 64;
/// Enough that MOs of different devices run beside each other.
const DEVICES: u32 = 500;
const MESSAGE_ID_TLV: u16 = 0x1501;

/// Compiling the rule takes a second or two.
const READY_PATIENCE: Duration = Duration::from_secs(60);
const GOAL_PATIENCE: Duration = Duration::from_secs(30);
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
    let summary = site.ledger.lock().check_at_the_end();
    println!("SIGTERM under load: {summary}");
}

// ---- the ledger ---------------------------------------------------------------------------------

/// What the client knows of the fate of an MO.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    Outstanding,
    Acknowledged(String),
    Refused(CommandStatus),
    /// The server may have it or not.
    Unknown,
}

#[derive(Debug)]
struct Mo {
    fate: Known,
    mts: Vec<Mt>,
}

#[derive(Debug)]
struct Mt {
    id: String,
    life: u32,
    /// Our deliver_sm_resp is known to have arrived: the server acknowledged, which means synced, an MO
    /// that followed it on the same link; or that life ended in order.
    response_arrived: bool,
}

/// What a life of the server is waited for.
#[derive(Debug, Clone, Copy)]
enum Goal {
    Sent(u32),
    Acknowledged(u32),
    Delivered(u32),
    /// All is sent and settled, and each acknowledged MO has its MT.
    Answered,
}

/// Every MO ever sent, at its number, through all lives of the server.
struct Ledger {
    mos: Vec<Mo>,
    life: u32,
    /// MOs that may still be sent in this life.
    to_send: u64,
    outstanding: usize,
    /// Acknowledged MOs without an MT.
    unanswered: usize,
    sent: u32,
    acknowledged: u32,
    delivered: u32,
    goal: Goal,
    reached: Arc<Notify>,
    repeats: usize,
    /// What must not happen; the links' tasks go on, the test's task asserts.
    violations: Vec<String>,
}

impl Ledger {
    fn new() -> Ledger {
        Ledger {
            mos: Vec::new(),
            life: 0,
            to_send: 0,
            outstanding: 0,
            unanswered: 0,
            sent: 0,
            acknowledged: 0,
            delivered: 0,
            goal: Goal::Answered,
            reached: Arc::default(),
            repeats: 0,
            violations: Vec::new(),
        }
    }

    fn begin_life(&mut self, to_send: u64, goal: Goal) {
        self.life += 1;
        (self.to_send, self.goal) = (to_send, goal);
        (self.sent, self.acknowledged, self.delivered) = (0, 0, 0);
    }

    fn life_ended_in_order(&mut self) {
        for mt in self.mos.iter_mut().flat_map(|mo| &mut mo.mts) {
            mt.response_arrived = true;
        }
    }

    fn is_goal_reached(&self) -> bool {
        match self.goal {
            Goal::Sent(count) => self.sent >= count,
            Goal::Acknowledged(count) => self.acknowledged >= count,
            Goal::Delivered(count) => self.delivered >= count,
            Goal::Answered => self.to_send == 0 && self.outstanding == 0 && self.unanswered == 0,
        }
    }

    fn changed(&self) {
        if self.is_goal_reached() {
            self.reached.notify_one();
        }
    }

    fn send(&mut self) -> Option<u32> {
        self.to_send = self.to_send.checked_sub(1)?;
        self.mos.push(Mo { fate: Known::Outstanding, mts: Vec::new() });
        self.sent += 1;
        self.outstanding += 1;
        self.changed();
        Some(self.mos.len() as u32 - 1)
    }

    fn settled(&mut self, number: u32, fate: Known) {
        let mo = &mut self.mos[number as usize];
        if mo.fate != Known::Outstanding {
            self.violations.push(format!("MO {number} was settled as {:?} and as {fate:?}", mo.fate));
            return;
        }
        self.outstanding -= 1;
        if let Known::Acknowledged(_) = fate {
            self.acknowledged += 1;
            self.unanswered += usize::from(mo.mts.is_empty());
        }
        mo.fate = fate;
        self.changed();
    }

    /// Returns the MO's number and the MT's index there.
    fn delivered(&mut self, mt: &Sm) -> Option<(usize, usize)> {
        let text = String::from_utf8_lossy(mt.payload()).into_owned();
        let number: Option<usize> = text.strip_prefix("m ").and_then(|number| number.parse().ok());
        let found = number.and_then(|number| self.mos.get_mut(number).map(|mo| (number, mo)));
        let Some((number, mo)) = found.filter(|(number, _)| device_of(*number as u32) == mt.destination_addr) else {
            self.violations.push(format!("an MT {text:?} to {:?} that answers no MO", mt.destination_addr));
            return None;
        };
        let id = mt.tlvs.c_string(MESSAGE_ID_TLV).map(|id| String::from_utf8_lossy(&id).into_owned());
        let id = id.unwrap_or_else(|| "(without message id)".to_owned());
        for earlier in &mo.mts {
            if earlier.id != id {
                self.violations.push(format!("MO {number} was answered under two ids: {} and {id}", earlier.id));
            }
            if earlier.life == self.life {
                self.violations.push(format!("MT {id} came twice in one life of the server"));
            } else if earlier.response_arrived {
                let from = earlier.life;
                self.violations.push(format!("MT {id} of life {from} was repeated though its response had arrived"));
            }
        }
        self.repeats += usize::from(!mo.mts.is_empty());
        if mo.mts.is_empty() && matches!(mo.fate, Known::Acknowledged(_)) {
            self.unanswered -= 1;
        }
        mo.mts.push(Mt { id, life: self.life, response_arrived: false });
        let index = mo.mts.len() - 1;
        self.delivered += 1;
        self.changed();
        Some((number, index))
    }

    fn count(&self, is_counted: impl Fn(&Mo) -> bool) -> usize {
        self.mos.iter().filter(|mo| is_counted(mo)).count()
    }

    fn check_so_far(&self, when: &str) {
        let first: Vec<&String> = self.violations.iter().take(5).collect();
        assert!(first.is_empty(), "{when}: {} violations, such as {first:#?}", self.violations.len());
        assert_eq!(self.outstanding, 0, "{when}: the links ended without settling every MO");
    }

    /// Once all lives are over; returns what there was.
    fn check_at_the_end(&self) -> String {
        self.check_so_far("at the end");
        let mut ids = HashSet::new();
        for (number, mo) in self.mos.iter().enumerate() {
            match &mo.fate {
                Known::Acknowledged(id) => {
                    assert!(!id.is_empty() && ids.insert(id), "message id {id:?} of MO {number} is not its own");
                    let mt = mo.mts.first();
                    let mt = mt.unwrap_or_else(|| panic!("MO {number} ({id}) was acknowledged and never answered"));
                    assert!(mt.id.len() > id.len() && mt.id.starts_with(id), "MO {id} was answered by MT {}", mt.id);
                }
                Known::Refused(status) => assert!(mo.mts.is_empty(), "MO {number}, refused with {status}, was kept"),
                Known::Unknown => {}
                Known::Outstanding => panic!("MO {number} was never settled"),
            }
        }
        let unknown = self.count(|mo| mo.fate == Known::Unknown);
        let kept = self.count(|mo| mo.fate == Known::Unknown && !mo.mts.is_empty());
        let refused = self.count(|mo| matches!(mo.fate, Known::Refused(_)));
        let proven = self.mos.iter().flat_map(|mo| &mo.mts).filter(|mt| mt.response_arrived).count();
        let mut summary = format!("{} MOs sent, {} acknowledged, all answered", self.mos.len(), ids.len());
        let _ = write!(summary, "; {unknown} unknown ({kept} kept), {refused} refused");
        let _ =
            write!(summary, "; {} MTs repeated, {proven} proven to have been settled and not repeated", self.repeats);
        summary
    }
}

// ---- the client ---------------------------------------------------------------------------------

/// One link's part of the load; its own, since an MT and the MOs behind it on one link keep their order.
struct LinkTraffic {
    ledger: Arc<Mutex<Ledger>>,
    tally: Tally,
    /// MTs answered on this link, in order, and how many of the responses are known to have arrived.
    responses: Vec<(usize, usize)>,
    arrived: usize,
    /// For each MO without a response: how many of `responses` were written before it.
    written_before: HashMap<u32, usize>,
}

impl Traffic for LinkTraffic {
    fn next(&mut self, _link: usize, now: Instant) -> Next {
        let Some(number) = self.ledger.lock().send() else {
            return Next::At(now + Duration::from_secs(1));
        };
        self.written_before.insert(number, self.responses.len());
        let sm = Sm {
            source_addr_ton: Ton::INTERNATIONAL,
            source_addr_npi: Npi::ISDN,
            source_addr: device_of(number),
            dest_addr_npi: Npi::ISDN,
            destination_addr: Bytes::from_static(b"7001"),
            short_message: format!("m {number}").into(),
            ..Sm::default()
        };
        Next::Send { ticket: number, sm: Box::new(sm) }
    }

    fn settled(&mut self, number: u32, fate: Fate<'_>, _sent_at: Instant, _now: Instant) {
        let written_before = self.written_before.remove(&number).unwrap_or_default();
        let mut ledger = self.ledger.lock();
        let fate = match fate {
            Fate::Accepted { message_id } => {
                // The log has one order, so that what the server read before this MO is synced with it.
                while self.arrived < written_before {
                    let (mo, mt) = self.responses[self.arrived];
                    ledger.mos[mo].mts[mt].response_arrived = true;
                    self.arrived += 1;
                }
                Known::Acknowledged(String::from_utf8_lossy(message_id).into_owned())
            }
            Fate::Refused(status) => Known::Refused(status),
            Fate::Unknown => Known::Unknown,
        };
        ledger.settled(number, fate);
    }

    fn deliver(&mut self, mt: &Sm, _now: Instant) -> CommandStatus {
        self.responses.extend(self.ledger.lock().delivered(mt));
        CommandStatus::ESME_ROK
    }

    /// A link that falls shall not come back by itself: its server is dead.
    fn is_finished(&self, _now: Instant) -> bool {
        true
    }

    fn end(&mut self, _now: Instant) {}

    fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }
}

fn device_of(number: u32) -> Bytes {
    format!("46700{:06}", number % DEVICES).into()
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
    server: Server,
    links: JoinSet<Result<(), ClientError>>,
}

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on a real disk");
        let rule = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/target/wasm32-wasip2/release/hostile.wasm");
        assert!(rule.exists(), "no {}: run `cargo xtask plugins` first", rule.display());
        fs::write(folder.path().join("wasmsc.toml"), config_text(&rule)).expect("the config can be written");
        Site { folder, ledger: Arc::new(Mutex::new(Ledger::new())), start_took: Duration::from_secs(1) }
    }

    /// Starts the server, lets the links send `to_send` MOs, and returns when `goal` is reached.
    async fn live(&mut self, to_send: u64, goal: Goal) -> Life {
        let before = clock::instant();
        let server = Server::spawn(self.folder.path());
        let address = server.ready(READY_PATIENCE).unwrap_or_else(|why| panic!("{why:?}: {}", server.log()));
        self.start_took = clock::instant() - before;
        self.ledger.lock().begin_life(to_send, goal);
        let mut links = JoinSet::new();
        for _ in 0..LINKS {
            let config = LinkConfig {
                connect: address.clone(),
                system_id: "sim".to_owned(),
                password: "secret".to_owned(),
                window: WINDOW,
            };
            let traffic = LinkTraffic {
                ledger: self.ledger.clone(),
                tally: Tally::default(),
                responses: Vec::new(),
                arrived: 0,
                written_before: HashMap::new(),
            };
            let mut link = start_links(config, 1, &Arc::new(Mutex::new(traffic)));
            links.spawn(async move { link.join_next().await.expect("one link").expect("the link does not panic") });
        }
        let mut life = Life { server, links };
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
        let mut server = Server::spawn(self.folder.path());
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

struct Server {
    child: Child,
    /// Lines of its stdout; disconnected when it has ended.
    lines: Receiver<String>,
    log: PathBuf,
}

impl Server {
    fn spawn(folder: &Path) -> Server {
        let log = folder.join("stderr");
        let mut command = Command::new(env!("CARGO_BIN_EXE_wasmsc"));
        command.arg("serve").arg("--config").arg(folder.join("wasmsc.toml")).env("RUST_LOG", "info");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log).expect("a file for stderr"));
        let mut child = command.spawn().expect("the binary runs");
        let stdout = child.stdout.take().expect("stdout is piped");
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Server { child, lines, log }
    }

    /// Its address, once it serves.
    fn ready(&self, patience: Duration) -> Result<String, RecvTimeoutError> {
        let line = self.lines.recv_timeout(patience)?;
        let address = line.strip_prefix("ready smpp=").unwrap_or_else(|| panic!("unexpected line {line:?}"));
        Ok(address.to_owned())
    }

    /// `kill -9`.
    fn kill(&mut self) {
        self.child.kill().expect("it runs until it is killed");
        self.child.wait().expect("it is our child");
    }

    fn terminate(&mut self, patience: Duration) {
        let sent = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        assert!(sent.expect("kill runs").success());
        let ended = self.lines.recv_timeout(patience);
        assert_eq!(ended, Err(RecvTimeoutError::Disconnected), "runs {patience:?} after SIGTERM: {}", self.log());
        let status = self.child.wait().expect("it is our child");
        assert_eq!(status.code(), Some(0), "after SIGTERM: {}", self.log());
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        format!("the server's log ends with\n{}", lines[lines.len().saturating_sub(20)..].join("\n"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The deadline is out of reach: a machine that is busy with other tests shall not look like a slow rule.
fn config_text(rule: &Path) -> String {
    format!(
        r#"data_dir = "data"

[smpp]
listen = "127.0.0.1:0"
system_id = "wasmsc"

[[customer]]
id = "acme"
numbers = ["7001"]
devices = ["+46700*"]

[[account]]
system_id = "sim"
password = "secret"
role = "network"
routes = ["+46"]
message_id_tlv = {MESSAGE_ID_TLV}

[[rule]]
customer = "acme"
name = "echo"
component = {rule:?}
numbers = ["7001"]
deadline_ms = 5000
"#
    )
}
