//! `--endurance backlog`: very many messages wait for a route that is not bound. How the server bears them,
//! how it starts with them, and how it gets rid of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use parking_lot::Mutex;

use super::traffic::{Drain, Fill};
use crate::cli::bench::procfs::Usage;
use crate::cli::bench::server::{Ending, Extras, Server, Setup};
use crate::cli::simulate::client::LinkConfig;
use crate::cli::simulate::numbers::Numbers;
use crate::cli::simulate::start_links;
use crate::cli::simulate::traffic::Traffic;
use crate::clock;

const EXTRAS: Extras = Extras {
    smpp: "",
    tables: r#"
[[account]]
system_id = "app"
password = "secret"
role = "application"
customer = "acme"
"#,
    log: "warn",
};
const BINDS: usize = 4;
const WINDOW: usize = 256;
const LINES: u32 = 10;
/// A start with a backlog may take so long.
const START_MAX: Duration = Duration::from_secs(10);
/// Memory while the backlog gathers. The store holds up to two layers of 64 MiB of rows while a checkpoint runs,
/// which is 2.5 times that with what allocating them takes; sled comes on top. No matter how long the backlog is.
const RSS_MAX_MIB: f64 = 1_024.0;
/// How long a server with a backlog and nothing to do is watched, after it had as long to come to rest: the
/// last checkpoint ends, and after a start every queue is searched once for what expired.
const IDLE: Duration = Duration::from_secs(15);
/// Share of a core that it may use meanwhile.
const IDLE_CPU_MAX: f64 = 0.05;
/// Submitted after the restart, for their ids. To the same devices as the first ones, and behind everything that
/// waits: when one of these comes with the first tenth, it overtook.
const AFTERWARDS: u32 = 1_000;
const STALLED_AFTER: Duration = Duration::from_secs(30);

pub async fn run(setup: Setup, messages: u32) -> anyhow::Result<bool> {
    let mut server = Server::start(&Setup { extras: EXTRAS, ..setup })?;
    let numbers = Numbers::new("+46700", 1_000_000)?;
    let mut problems = Vec::new();

    println!("{messages} messages for a route that is not bound, {BINDS} binds, window {WINDOW}");
    let fill = Arc::new(Mutex::new(Fill::new(numbers.clone(), messages)));
    let peak = carry(&server, "app", &fill, messages).await?;
    let mut fill = Arc::into_inner(fill).expect("its links have ended").into_inner();
    check(&mut problems, peak < RSS_MAX_MIB, format!("RSS rose to {peak:.0} MiB"));
    idle(&server, "with the backlog", &mut problems).await?;

    for ending in [Ending::Orderly, Ending::Killed] {
        let (ended, disk) = (server.end(ending)?, server.disk_octets() as f64 / 1e6);
        let ready = server.start_again()?;
        let usage = server.usage()?;
        println!(
            "{ending:?} end {:.2} s, {disk:.0} MB on disk, ready {:.2} s after the start; RSS {:.0} MiB, peak {:.0} MiB",
            ended.as_secs_f64(),
            ready.as_secs_f64(),
            usage.rss_mib(),
            usage.rss_peak_mib(),
        );
        check(&mut problems, ready < START_MAX, format!("{ready:.1?} to start"));
        idle(&server, "after the start", &mut problems).await?;
    }

    fill.more(AFTERWARDS);
    let fill = Arc::new(Mutex::new(fill));
    carry(&server, "app", &fill, AFTERWARDS).await?;
    let fill = Arc::into_inner(fill).expect("its links have ended").into_inner();
    let (distinct, oddities) = (fill.distinct(), fill.oddities());
    println!("{distinct} distinct ids of {} messages, {oddities}", messages + AFTERWARDS);
    check(&mut problems, distinct == (messages + AFTERWARDS) as usize, "ids or responses are missing".to_owned());

    let drained = (messages / 10).max(1);
    println!("the network binds and takes {drained}");
    let drain = Arc::new(Mutex::new(Drain::new(numbers, drained)));
    carry(&server, "sim", &drain, drained).await?;
    let repeated = drain.lock().repeated;
    check(&mut problems, repeated == 0, format!("{repeated} delivered twice, or newer ones overtook older ones"));
    problems.iter().for_each(|problem| println!("PROBLEM: {problem}"));
    Ok(problems.is_empty())
}

fn check(problems: &mut Vec<String>, is_good: bool, problem: String) {
    if !is_good {
        problems.push(problem);
    }
}

/// What a run's lines are about.
pub trait Progress: Traffic {
    fn done(&self) -> u32;
    /// How often the server said "slower, please".
    fn deferred(&self) -> u64;
}

/// Lets links carry the traffic to its end, with a line now and then. Yields the highest RSS, in MiB.
async fn carry<T: Progress>(
    server: &Server,
    system_id: &str,
    traffic: &Arc<Mutex<T>>,
    count: u32,
) -> anyhow::Result<f64> {
    let config = LinkConfig {
        connect: server.address.clone(),
        system_id: system_id.to_owned(),
        password: "secret".to_owned(),
        window: WINDOW,
    };
    let mut links = start_links(config, BINDS, traffic);
    println!("{:>10}{:>10}{:>10}{:>10}{:>8}{:>10}", "messages", "msg/s", "RSS MiB", "peak MiB", "CPU %", "deferred");
    let step = count.div_ceil(LINES);
    let first = traffic.lock().done();
    let mut line = Line { server, at: clock::instant(), done: first, usage: server.usage()? };
    let (mut done, mut done_at) = (first, line.at);
    loop {
        let is_over = tokio::select! {
            ended = links.join_next() => match ended {
                Some(ended) => {
                    if let Err(error) = ended? {
                        bail!("a link gave up: {error}\n{}", server.log_tail());
                    }
                    false
                }
                None => true,
            },
            () = tokio::time::sleep(super::LOOK_EVERY) => false,
        };
        let (now_done, deferred) = {
            let traffic = traffic.lock();
            (traffic.done(), traffic.deferred())
        };
        let now = clock::instant();
        if now_done > done {
            (done, done_at) = (now_done, now);
        }
        ensure!(now < done_at + STALLED_AFTER, "nothing moves for {STALLED_AFTER:?}\n{}", server.log_tail());
        if done - line.done >= step || (is_over && done > line.done) {
            line.print(done, deferred, now)?;
        }
        if is_over {
            return Ok(server.usage()?.rss_peak_mib());
        }
    }
}

/// Where the last line was printed.
struct Line<'s> {
    server: &'s Server,
    at: Instant,
    done: u32,
    usage: Usage,
}

impl Line<'_> {
    fn print(&mut self, done: u32, deferred: u64, now: Instant) -> anyhow::Result<()> {
        let usage = self.server.usage()?;
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        let (per_sec, cpu) =
            (f64::from(done - self.done) / seconds, (usage.cpu_secs - self.usage.cpu_secs) / seconds * 100.0);
        let (rss_mib, peak_mib) = (usage.rss_mib(), usage.rss_peak_mib());
        println!("{done:>10}{per_sec:>10.0}{rss_mib:>10.1}{peak_mib:>10.1}{cpu:>8.0}{deferred:>10}");
        (self.at, self.done, self.usage) = (now, done, usage);
        Ok(())
    }
}

/// What the server does while nobody asks anything of it.
async fn idle(server: &Server, when: &str, problems: &mut Vec<String>) -> anyhow::Result<()> {
    let first = idle_share(server).await?;
    let then = idle_share(server).await?;
    let rss_mib = server.usage()?.rss_mib();
    let (first, then) = (first * 100.0, then * 100.0);
    println!("idle {when}: {first:.1} % of a core in {IDLE:?}, {then:.1} % in the next; RSS {rss_mib:.0} MiB");
    check(problems, then < IDLE_CPU_MAX * 100.0, format!("{then:.0} % of a core for nothing {when}"));
    Ok(())
}

async fn idle_share(server: &Server) -> anyhow::Result<f64> {
    let before = server.usage()?;
    tokio::time::sleep(IDLE).await;
    Ok((server.usage()?.cpu_secs - before.cpu_secs) / IDLE.as_secs_f64())
}
