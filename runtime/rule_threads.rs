//! The OS threads that run rules, beside tokio and never on its workers.
//!
//! Each takes what the schedule says, runs it in the plugin host and hands the outcome to the relay. There are threads
//! for quick rules, and one fewer for slow ones, so that a core is left for all others; where there is none, they give way,
//! so that a rule that burns its whole deadline on every message costs nobody else their latency. The schedule
//! sees to it that they get their share all the same.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock;
use crate::meter::Used;
use crate::plugin::{Invocation, Outcome};
use crate::relay::{self, House, Instead};
use crate::rules::Rules;
use crate::schedule::{Ended, Event, Next, SubjectKey, Worker};

/// A thread looks again after this long even if nobody woke it; also how soon it sees a retry come due.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Of threads for slow rules, in steps of nice(2): a thread without gets about nine times as much of a core.
const NICENESS: i32 = 10;

pub struct RuleThreads {
    closing: Arc<AtomicBool>,
    house: Arc<House>,
    threads: Vec<JoinHandle<()>>,
}

impl RuleThreads {
    /// How many calls may run at once, with so many threads for quick rules.
    pub fn calls_max(count: usize) -> usize {
        2 * count
    }

    pub fn start(house: Arc<House>, rules: Arc<Rules>, count: usize) -> std::io::Result<RuleThreads> {
        let closing = Arc::new(AtomicBool::new(false));
        let start = |(worker, index): (Worker, usize)| {
            let (house, rules, closing) = (house.clone(), rules.clone(), closing.clone());
            // Timers only: a rule that waits inside WASI is cut off by one.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
            let name = if worker == Worker::Slow { "slow-rule" } else { "rule" };
            let thread = std::thread::Builder::new().name(format!("{name}-{index}"));
            thread.spawn(move || {
                if worker == Worker::Slow {
                    give_way();
                }
                runtime.block_on(work(&house, &rules, worker, &closing));
            })
        };
        let slow_count = count.saturating_sub(1).max(1);
        house.workers_are([count, slow_count]);
        let weak = Arc::downgrade(&house);
        rules.at_ticks(Box::new(move || {
            if let Some(house) = weak.upgrade() {
                house.tick();
            }
        }));
        let workers = [(Worker::Quick, count), (Worker::Slow, slow_count)].into_iter();
        let threads = workers.flat_map(|(worker, count)| (0..count).map(move |index| (worker, index)));
        let threads = threads.map(start).collect::<Result<_, _>>()?;
        Ok(RuleThreads { closing, house, threads })
    }

    /// Lets running calls end; nothing new is begun.
    pub fn stop(self) {
        self.closing.store(true, Ordering::Release);
        self.house.wake_all();
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a rule thread panicked");
            }
        }
    }
}

/// On Linux that is this thread's alone.
fn give_way() {
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::warn!("threads for slow rules have the priority of all others: {error}");
    }
}

async fn work(house: &Arc<House>, rules: &Rules, worker: Worker, closing: &AtomicBool) {
    while !closing.load(Ordering::Acquire) && house.store.failure().is_none() {
        let now = clock::now();
        match house.next_for(worker, now) {
            Next::Run(key, event) => run(house, rules, key, event).await,
            Next::WaitUntil(due) => {
                let until_due = Duration::from_millis(due.0.saturating_sub(now.0).max(1));
                house.wait_for_work(worker, LOOK_AGAIN.min(until_due));
            }
            Next::Wait => house.wait_for_work(worker, LOOK_AGAIN),
        }
    }
}

async fn run(house: &Arc<House>, rules: &Rules, key: SubjectKey, event: Event) {
    let (started, cpu) = (clock::instant(), clock::thread_cpu());
    let Called { ended, waited, used } = match relay::claim(house, &key, event, clock::now()) {
        Some(invocation) => call(house, rules, &key, event, invocation).await,
        None => Called { ended: Ended::Gone, waited: Duration::ZERO, used: None },
    };
    house.metrics.rule(key.rule).record(started.elapsed());
    let cpu = clock::thread_cpu().saturating_sub(cpu);
    if let Some((used, effects)) = used {
        let used = Used { cpu_micros: cpu.as_micros() as u64, ..used };
        house.charge(key.rule, (used, effects), ended, clock::now());
    }
    // What it kept the thread busy for, and not how long others had the core.
    house.finished(key, ended, cpu + waited, clock::now());
}

/// What became of an event.
struct Called {
    ended: Ended,
    /// How long the rule waited inside.
    waited: Duration,
    /// What the rule used, where it was called, and what its effects will have used when they are stored.
    used: Option<(Used, Used)>,
}

async fn call(house: &Arc<House>, rules: &Rules, key: &SubjectKey, event: Event, invocation: Invocation) -> Called {
    match house.instead_of_call(invocation, clock::now()) {
        Ok(invocation) => {
            let (ran, waited) = with_waiting(rules.call(house, key, invocation)).await;
            let Some(ran) = ran else { return Called { ended: Ended::Again(event.due), waited, used: None } };
            house.called(key.rule, &ran.outcome, clock::now());
            let used = Some(relay::used_by(&ran));
            Called { ended: relay::conclude(house, key, event, ran, clock::now()), waited, used }
        }
        Err(Instead::Done(effects)) => {
            let ended = relay::conclude(house, key, event, Outcome::Done(*effects), clock::now());
            Called { ended, waited: Duration::ZERO, used: None }
        }
        Err(Instead::Wait(ended)) => Called { ended, waited: Duration::ZERO, used: None },
    }
}

/// What a future yields, and how long it was not ready.
async fn with_waiting<F: Future>(future: F) -> (F::Output, Duration) {
    let mut future = pin!(future);
    let (mut waited, mut since) = (Duration::ZERO, None);
    let output = std::future::poll_fn(|context| {
        if let Some(since) = since.take() {
            waited += clock::instant().saturating_duration_since(since);
        }
        let polled = future.as_mut().poll(context);
        if polled.is_pending() {
            since = Some(clock::instant());
        }
        polled
    })
    .await;
    (output, waited)
}
