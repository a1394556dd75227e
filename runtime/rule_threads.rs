//! The OS threads that run rules, beside tokio and never on its workers.
//!
//! Each takes what the schedule says, runs it in the plugin host and hands the outcome to the relay.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock;
use crate::plugin::{Invocation, LoadedRule, PluginHost, Ran};
use crate::relay::{self, House};
use crate::schedule::{Event, Next, SubjectKey};

/// A thread looks again after this long even if nobody woke it; also how soon it sees a retry come due.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The rules, in the order of the config, and the host that runs them.
pub struct Rules {
    pub host: PluginHost,
    pub loaded: Vec<LoadedRule>,
}

impl Rules {
    async fn call(&self, invocation: Invocation) -> Ran {
        let rule = &self.loaded[invocation.rule.0];
        Ran { outcome: self.host.call(rule, invocation).await, version: rule.version().clone() }
    }
}

pub struct RuleThreads {
    closing: Arc<AtomicBool>,
    house: Arc<House>,
    threads: Vec<JoinHandle<()>>,
}

impl RuleThreads {
    pub fn start(house: Arc<House>, rules: Arc<Rules>, count: usize) -> std::io::Result<RuleThreads> {
        let closing = Arc::new(AtomicBool::new(false));
        let start = |index: usize| {
            let (house, rules, closing) = (house.clone(), rules.clone(), closing.clone());
            // Timers only: a rule that waits inside WASI is cut off by one.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
            let thread = std::thread::Builder::new().name(format!("rule-{index}"));
            thread.spawn(move || runtime.block_on(work(&house, &rules, &closing)))
        };
        let threads = (0..count).map(start).collect::<Result<_, _>>()?;
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

async fn work(house: &Arc<House>, rules: &Rules, closing: &AtomicBool) {
    while !closing.load(Ordering::Acquire) && house.store.failure().is_none() {
        let now = clock::now();
        match house.next(now) {
            Next::Run(key, event) => run(house, rules, key, event).await,
            Next::WaitUntil(due) => {
                house.wait_for_work(LOOK_AGAIN.min(Duration::from_millis(due.0.saturating_sub(now.0).max(1))));
            }
            Next::Wait => house.wait_for_work(LOOK_AGAIN),
        }
    }
}

async fn run(house: &Arc<House>, rules: &Rules, key: SubjectKey, event: Event) {
    let started = clock::instant();
    let ended = match relay::claim(house, &key, event, clock::now()) {
        Some(invocation) => {
            let ran = rules.call(invocation).await;
            relay::conclude(house, &key, event, ran, clock::now())
        }
        None => crate::schedule::Ended::Gone,
    };
    let took = started.elapsed();
    if let Some(durations) = house.metrics.rule(key.rule) {
        durations.record(took);
    }
    house.finished(key, ended, took, clock::now());
}
