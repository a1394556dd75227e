//! Calls that somebody tries: any version with any config and any state, with the limits of production and without effect.
//!
//! In the host of production, on one thread of its own with a low priority, one call after the other, with few that wait: what
//! people try cannot keep a rule from its events, and one customer cannot keep another from trying.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::{Rules, stock};
use crate::cases::{Case, Got, Handler, Known, Played, Replayed, Trial};
use crate::config;
use crate::message::Address;
use crate::plugin::{Compiled, Digest, LoadError, NotCompiled, PluginHost};
use crate::relay::{House, TriedGate};
use crate::route::{Current, RuleIndex};

/// That wait for the thread, of all customers.
const WAITING_MAX: usize = 8;
/// Of one customer: somebody else is to have a turn, too.
const OF_ONE_MAX: usize = 2;
/// All events of one try together.
const WITHIN: Duration = Duration::from_secs(5);
/// As threads for slow rules have: it asks the firewall, whose lock it must not hold for long without a processor.
const NICENESS: i32 = 10;

type Job = Box<dyn FnOnce(&Runtime) + Send>;
type Asking = Arc<Mutex<Vec<Option<String>>>>;

/// Why nothing was tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTried {
    #[error("other calls are being tried; try again in a moment")]
    TooMany,
    #[error("there is no plugin {0}")]
    NoPlugin(String),
    #[error("the version that ran, {0}, is not here any more; choose another one")]
    Gone(String),
    #[error("no version of the rule is loaded; choose one")]
    NotServed,
    /// A sentence for the component's author.
    #[error("the component {0}")]
    Unfit(String),
    #[error("the trial broke: see the server's log")]
    Broke,
}

impl From<NotCompiled> for NotTried {
    fn from(why: NotCompiled) -> NotTried {
        NotTried::Unfit(why.to_string())
    }
}

/// The thread.
pub struct Tries {
    jobs: SyncSender<Job>,
    asking: Asking,
}

/// Whose try it is, until it is over.
struct Turn(Asking, Option<String>);

impl Drop for Turn {
    fn drop(&mut self) {
        let mut asking = self.0.lock();
        if let Some(at) = asking.iter().position(|one| *one == self.1) {
            asking.swap_remove(at);
        }
    }
}

impl Tries {
    pub fn start() -> std::io::Result<Tries> {
        let (jobs, receiver) = sync_channel(WAITING_MAX);
        // Timers only: a rule that waits inside WASI is cut off by one.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        // It ends when the last sender is gone.
        std::thread::Builder::new().name("try".into()).spawn(move || work(&runtime, &receiver))?;
        Ok(Tries { jobs, asking: Asking::default() })
    }

    fn turn(&self, customer: Option<String>) -> Result<Turn, NotTried> {
        let mut asking = self.asking.lock();
        if asking.iter().filter(|one| **one == customer).count() >= OF_ONE_MAX {
            return Err(NotTried::TooMany);
        }
        asking.push(customer.clone());
        Ok(Turn(self.asking.clone(), customer))
    }

    /// Runs the work on the thread, where anybody still waits for it then.
    async fn run<T, W>(
        &self,
        customer: Option<String>,
        work: impl FnOnce() -> W + Send + 'static,
    ) -> Result<T, NotTried>
    where
        T: Send + 'static,
        W: Future<Output = T>,
    {
        let turn = self.turn(customer)?;
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |runtime| {
            if sender.is_closed() {
                return;
            }
            let done = runtime.block_on(work());
            drop(turn);
            let _ = sender.send(done); // a client that is gone
        });
        self.jobs.try_send(job).map_err(|_| NotTried::TooMany)?;
        receiver.await.map_err(|_| NotTried::Broke)
    }
}

fn work(runtime: &Runtime, jobs: &Receiver<Job>) {
    // Of this thread only, as Linux has it.
    let _ = rustix::process::nice(NICENESS); // what a container forbids
    while let Ok(job) = jobs.recv() {
        if catch_unwind(AssertUnwindSafe(|| job(runtime))).is_err() {
            tracing::error!("a call that was tried panicked");
        }
    }
}

/// A component that is tried.
pub struct ToTry {
    /// As somebody named it, or as its rule does.
    pub plugin: String,
    pub digest: Digest,
    component: Arc<Compiled>,
}

/// What it is tried as.
pub struct AsRule {
    /// With the config and limits that are tried, and without values of secrets.
    pub settings: config::Rule,
    pub rule: RuleIndex,
}

/// What came of it.
pub struct Tried {
    pub played: Played,
    /// What the component says against its config.
    pub config_fault: Option<String>,
}

/// What came of a call that was run again.
pub struct Rerun {
    /// What it does now, where it could be called.
    pub now: Option<(Handler, Got)>,
    pub replayed: Replayed,
}

impl Rules {
    /// The version that this name means to a customer, or to the operator: an uploaded one, or one that the rule has loaded.
    pub async fn to_try(
        &self,
        house: &House,
        customer: Option<&str>,
        (rule, named): (Option<RuleIndex>, &str),
    ) -> Result<ToTry, NotTried> {
        let loaded = rule.and_then(|rule| self.serving(rule));
        let is_it = |plugin: &str, digest: &Digest| plugin == named || digest.to_string() == named;
        if let Some(serving) = &loaded
            && let Some(version) = serving.loaded().find(|version| is_it(&version.plugin, &version.digest))
        {
            let (plugin, digest) = (version.plugin.clone(), version.digest);
            return Ok(ToTry { plugin, digest, component: version.component.clone() });
        }
        let plugin = stock::find(&house.store, customer, named).ok_or_else(|| NotTried::NoPlugin(named.to_owned()))?;
        let digest = plugin.digest().ok_or_else(|| NotTried::NoPlugin(named.to_owned()))?;
        let component = self.compiled(digest, self.files.component(&digest)).await?;
        Ok(ToTry { plugin: plugin.label(), digest, component })
    }

    /// The version that events of this device run.
    pub fn to_try_for(&self, house: &House, rule: RuleIndex, device: &Address) -> Result<ToTry, NotTried> {
        let serving = self.serving(rule).ok_or(NotTried::NotServed)?;
        let version = serving.version_for(house.directory().rule_name(rule), &device.to_string());
        let (plugin, digest, component) = (version.plugin.clone(), version.digest, version.component.clone());
        Ok(ToTry { plugin, digest, component })
    }

    /// Lets the events of a case happen to it: as a rule of this house, or in a made-up one.
    pub async fn try_case(
        self: &Arc<Rules>,
        house: &Arc<House>,
        (version, plugins): (&ToTry, &config::Plugins),
        (whose, rule): (Option<String>, Option<AsRule>),
        case: Case,
    ) -> Result<Tried, NotTried> {
        let (fitting, house) = (self.fitting(version, plugins), house.clone());
        let directory = self.directory.clone();
        let work = move || async move {
            let trial = fitting.trial().await?;
            let stage = match rule {
                Some(AsRule { settings, rule }) => {
                    let name = format!("{} (try)", settings.name); // lines in the log tell it
                    let settings = config::Rule { name, ..settings };
                    trial.stage_of(settings, directory, TriedGate::new(&house, rule))
                }
                None => trial.stage_for(&case).map_err(|error| NotTried::Unfit(error.to_string()))?,
            };
            let config_fault = trial.config_fault(&stage).await;
            Ok(Tried { played: trial.play(&stage, &case, WITHIN).await, config_fault })
        };
        self.tries.run(whose, work).await?
    }

    /// Runs a call that was kept again. `outcome`: how it ended, by its name.
    pub async fn replay(
        self: &Arc<Rules>,
        (version, plugins): (&ToTry, &config::Plugins),
        whose: Option<String>,
        (case, known, outcome): (Case, Known, &'static str),
    ) -> Result<Rerun, NotTried> {
        let fitting = self.fitting(version, plugins);
        let work = move || async move {
            let (ran, guessed) = fitting.trial().await?.replay(case, known).await;
            let now = ran.steps.iter().find_map(|step| step.call.clone());
            Ok(Rerun { now, replayed: Replayed::of(ran, guessed, outcome) })
        };
        self.tries.run(whose, work).await?
    }

    fn fitting(&self, version: &ToTry, plugins: &config::Plugins) -> Fitting {
        // Without numbers, so that a component is tried that takes no MOs, too.
        let rule = config::Rule::trial(plugins.deadline_max_ms, plugins.memory_max_mib);
        let (host, directory) = (self.host.clone(), self.directory.clone());
        Fitting { host, rule, component: version.component.clone(), directory }
    }
}

/// A component that is brought up on the thread.
struct Fitting {
    host: Arc<PluginHost>,
    rule: config::Rule,
    component: Arc<Compiled>,
    directory: Arc<Current>,
}

impl Fitting {
    async fn trial(self) -> Result<Trial, NotTried> {
        let fitted = self.host.fit(&self.rule, &self.component, self.directory).await;
        fitted.map(|loaded| Trial::in_host(self.host, loaded)).map_err(|error| match error {
            LoadError::Misfit { misfit, .. } => NotTried::Unfit(misfit.to_string()),
            LoadError::NotCompiled { why, .. } => NotTried::Unfit(why.to_string()),
            other => NotTried::Unfit(other.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::task::{Context, Poll};

    use super::*;

    fn customer(name: &str) -> Option<String> {
        Some(name.to_owned())
    }

    #[tokio::test]
    async fn one_call_is_tried_at_a_time_and_nobody_takes_every_place() {
        let tries = Arc::new(Tries::start().expect("a thread"));
        let (go_on, waits) = channel::<()>();
        let blocked = tokio::spawn({
            let tries = tries.clone();
            async move { tries.run(customer("a"), move || async move { waits.recv().is_ok() }).await }
        });
        while tries.asking.lock().is_empty() {
            tokio::task::yield_now().await;
        }
        // Its second one waits, a third finds no place, and another customer's does.
        let waiting: Vec<_> = ["a", "b"]
            .into_iter()
            .map(|name| {
                let tries = tries.clone();
                tokio::spawn(async move { tries.run(customer(name), move || async move { name }).await })
            })
            .collect();
        while tries.asking.lock().len() < 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(tries.run(customer("a"), || async {}).await, Err(NotTried::TooMany));
        assert!(waiting.iter().all(|one| !one.is_finished()), "they ran beside the first one");
        go_on.send(()).expect("it waits");
        assert_eq!(blocked.await.expect("it ran"), Ok(true));
        for one in waiting {
            one.await.expect("it ran").expect("there was a place");
        }
        assert!(tries.asking.lock().is_empty(), "places are given back");
    }

    #[tokio::test]
    async fn what_panics_ends_alone_and_what_nobody_waits_for_is_not_run() {
        let tries = Tries::start().expect("a thread");
        let panics = || async {
            if true {
                panic!("on purpose")
            }
        };
        assert_eq!(tries.run(None, panics).await, Err(NotTried::Broke));
        let (go_on, waits) = channel::<()>();
        let (ran, was_run) = channel::<()>();
        let mut first = Box::pin(tries.run(customer("a"), move || async move { waits.recv().is_ok() }));
        let mut second = Box::pin(tries.run(customer("b"), move || async move { ran.send(()).is_ok() }));
        let begin = |cx: &mut Context<'_>| {
            assert!(first.as_mut().poll(cx).is_pending() && second.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        };
        std::future::poll_fn(begin).await;
        drop(second);
        go_on.send(()).expect("it waits");
        assert_eq!(first.await, Ok(true));
        assert_eq!(tries.run(None, || async { 1 }).await, Ok(1));
        assert!(was_run.try_recv().is_err(), "nobody waited for it");
    }
}
