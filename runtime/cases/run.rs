//! Runs cases in the host that production uses: a fresh instance for each event, with the limits of the rule.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::case::{Case, Given, Handler, Trigger};
use super::compare::{Difference, compare};
use super::compare_whole::compare_whole;
use super::events;
use super::got::Got;
use super::host::Lines;
use super::house::House;
use super::known::{Knowledge, Known};
use super::ran::{Ran, Step};
use super::world::{Call, What, World};
use crate::clock;
use crate::config::{self, Webhooks};
use crate::plugin::{About, Compiled, Effects, EngineError, Gate, LoadError, LoadedRule, Outcome, PluginHost};
use crate::route::Current;

/// It is read once, when the trial begins.
const COMPONENT: &str = "trial.wasm";

/// Why a component cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("{}", without_rule(.0))]
    Load(#[from] LoadError),
    /// `[given]` makes no sense together.
    #[error("{0}")]
    Given(String),
}

/// The rule is a made-up one.
fn without_rule(error: &LoadError) -> String {
    let text = error.to_string();
    text.strip_prefix(super::house::RULE_PREFIX).unwrap_or(&text).to_owned()
}

/// A component that is compiled, and tried with whatever is given.
pub struct Trial {
    host: Arc<PluginHost>,
    rule: LoadedRule,
}

/// A component as one case has it: with its config and limits.
pub struct Stage {
    pub(super) house: House,
    pub(super) rule: LoadedRule,
    /// Of a recorded call.
    pub(super) known: Option<Arc<Knowledge>>,
    /// Asked in place of what the case says, where a house stands behind it.
    pub(super) gate: Option<Arc<dyn Gate>>,
}

/// How a case went that expects nothing.
pub struct Played {
    /// Every event that happened: what it called, and what came of it.
    pub steps: Vec<(Handler, Got)>,
    /// Why the others did not happen.
    pub stopped: Option<String>,
    /// What stands after the last one.
    pub world: World,
}

impl Trial {
    pub async fn load(component: &Path) -> Result<Trial, TrialError> {
        let house = House::new(&Given::default(), &Default::default(), component).map_err(TrialError::Given)?;
        let from = component.display().to_string();
        let unreadable = |error: std::io::Error| LoadError::Read {
            rule: house.rule.id(),
            from: from.clone(),
            why: error.to_string(),
        };
        let wasm = std::fs::read(component).map_err(unreadable)?;
        Trial::of(&wasm, &from).await
    }

    /// `from`: where the component is from, for people.
    pub async fn of(wasm: &[u8], from: &str) -> Result<Trial, TrialError> {
        let host = Arc::new(PluginHost::new(1, Webhooks::default())?);
        let house = House::new(&Given::default(), &Default::default(), Path::new(from)).map_err(TrialError::Given)?;
        let (rule, from) = (house.rule.id(), from.to_owned());
        let compiled = host.compile_here(wasm).map_err(|why| LoadError::NotCompiled { rule, from, why })?;
        Trial::fitted(host, &compiled, house).await
    }

    /// Of what `host` has opened already.
    pub async fn of_compiled(host: Arc<PluginHost>, compiled: &Compiled, from: &str) -> Result<Trial, TrialError> {
        let house = House::new(&Given::default(), &Default::default(), Path::new(from)).map_err(TrialError::Given)?;
        Trial::fitted(host, compiled, house).await
    }

    async fn fitted(host: Arc<PluginHost>, compiled: &Compiled, house: House) -> Result<Trial, TrialError> {
        // Without numbers, so that a component is tried that takes no MOs, too.
        let rule = config::Rule { numbers: Vec::new(), ..house.rule };
        let rule = host.fit(&rule, compiled, house.directory.clone()).await?;
        Ok(Trial { host, rule })
    }

    /// In a host that has other things to do, too.
    pub fn in_host(host: Arc<PluginHost>, rule: LoadedRule) -> Trial {
        Trial { host, rule }
    }

    /// What it exports, of all that would be called.
    pub fn handlers(&self) -> Vec<Handler> {
        events::handlers(&self.rule)
    }

    pub fn about(&self) -> &About {
        self.rule.about()
    }

    /// The component with what is given.
    pub fn stage(&self, given: &Given) -> Result<Stage, TrialError> {
        self.staged(House::new(given, &Default::default(), Path::new(COMPONENT)))
    }

    fn staged(&self, house: Result<House, String>) -> Result<Stage, TrialError> {
        let house = house.map_err(TrialError::Given)?;
        let rule = self.host.as_rule(&self.rule, &house.rule, house.directory.clone());
        Ok(Stage { house, rule, known: None, gate: None })
    }

    /// As a rule of a real house: with its settings, its routes and numbers, and its firewall.
    pub fn stage_of(&self, rule: config::Rule, directory: Arc<Current>, gate: Arc<dyn Gate>) -> Stage {
        let loaded = self.host.as_rule(&self.rule, &rule, directory.clone());
        Stage { house: House { rule, directory }, rule: loaded, known: None, gate: Some(gate) }
    }

    /// The made-up house of this case.
    pub fn stage_for(&self, case: &Case) -> Result<Stage, TrialError> {
        self.staged(House::of_case(case, Path::new(COMPONENT)))
    }

    /// What the component says of the stage's config, where it says anything.
    pub async fn config_fault(&self, stage: &Stage) -> Option<String> {
        self.host.check_config(&stage.rule).await.err()
    }

    /// Lets the events happen one after the other, until one cannot, or until so much time is over.
    pub async fn play(&self, stage: &Stage, case: &Case, within: Duration) -> Played {
        let started = clock::instant();
        let (mut steps, mut stopped) = (Vec::with_capacity(case.events.len()), None);
        let mut world = World::new(&case.given);
        for event in &case.events {
            if started.elapsed() > within {
                stopped = Some(format!("the calls before took longer than {} s together", within.as_secs()));
                break;
            }
            world.identity = event.identity;
            match self.event(stage, &mut world, &event.trigger, event.after_ms, &case.given).await {
                Ok(step) => steps.push(step),
                Err(why) => {
                    stopped = Some(why);
                    break;
                }
            }
        }
        Played { steps, stopped, world }
    }

    /// Runs one case to its end, or to an event that cannot happen.
    pub async fn run(&self, case: Case) -> Ran {
        self.run_with(case, None).await
    }

    /// The same of a recorded call: everything that is other than it was is a difference, also what the case does not
    /// mention. Also yields what was asked for and not recorded.
    pub async fn replay(&self, case: Case, known: Known) -> (Ran, Vec<String>) {
        let known = Arc::new(Knowledge::new(known));
        let ran = self.run_with(case, Some(&known)).await;
        (ran, known.guessed())
    }

    async fn run_with(&self, case: Case, known: Option<&Arc<Knowledge>>) -> Ran {
        let started = clock::instant();
        let mut steps = Vec::with_capacity(case.events.len());
        match self.staged(House::of_case(&case, Path::new(COMPONENT))) {
            Err(error) => steps.push(impossible(1, error.to_string())),
            Ok(stage) => {
                let stage = Stage { known: known.cloned(), ..stage };
                let mut world = World::new(&case.given);
                for event in &case.events {
                    world.identity = event.identity;
                    match self.event(&stage, &mut world, &event.trigger, event.after_ms, &case.given).await {
                        Ok((handler, got)) => {
                            let differences = match known {
                                Some(_) => compare_whole(event, &got, &case.given.number),
                                None => compare(event, &got),
                            };
                            steps.push(Step { line: event.line, call: Some((handler, got)), differences });
                        }
                        Err(why) => {
                            steps.push(impossible(event.line, why));
                            break;
                        }
                    }
                }
            }
        }
        Ran { case, steps, took: started.elapsed() }
    }

    /// One event: time passes, the rule is called, and what it did is kept where it is done.
    pub async fn event(
        &self,
        stage: &Stage,
        world: &mut World,
        trigger: &Trigger,
        after_ms: u64,
        given: &Given,
    ) -> Result<(Handler, Got), String> {
        let call = world.call(trigger, after_ms, given)?;
        let handler = handler(&call.what);
        if !self.handlers().contains(&handler) {
            let name = handler.name();
            return Err(format!("the component exports no {name}, so that nothing would be called"));
        }
        let (outcome, mut got) = self.called(stage, world, &call, given).await;
        (got.state, got.shared) = (world.state.clone(), world.shared.clone());
        events::take(outcome, &call, &mut got);
        world.commit(&call, &got);
        Ok((handler, got))
    }

    /// How the call ended, and what it used and logged.
    async fn called(&self, stage: &Stage, world: &World, call: &Call, given: &Given) -> (Outcome, Got) {
        let lines = Arc::new(Lines::default());
        let invocation = events::invocation(stage, world, call, given, &lines);
        let (started, cpu) = (clock::instant(), clock::thread_cpu());
        let ran = match invocation {
            Some(invocation) => self.host.run(&stage.rule, invocation).await,
            None => match self.host.check_config(&stage.rule).await {
                Ok(()) => Outcome::Done(Effects::default()).into(),
                Err(why) => Outcome::Reject(why).into(),
            },
        };
        let got = Got {
            took: started.elapsed(),
            cpu: clock::thread_cpu().saturating_sub(cpu),
            memory_octets: ran.used.memory_octets as u64,
            log: std::mem::take(&mut *lines.0.lock()),
            ..Got::default()
        };
        (ran.outcome, got)
    }

    /// How long a fresh instance and a call take, each of `count` times, sorted. An MO has this text.
    pub async fn time_calls(&self, count: usize, text: &str) -> Result<Vec<Duration>, TrialError> {
        let mut times = Vec::with_capacity(count);
        if let Some(timed) = self.timed(text)? {
            for _ in 0..count {
                times.push(timed.call().await);
            }
        }
        times.sort_unstable();
        Ok(times)
    }

    /// None: it exports nothing that would be called.
    pub fn timed(&self, text: &str) -> Result<Option<Timed<'_>>, TrialError> {
        let given = Given::default();
        let Some(call) = events::trial_call(&self.handlers(), text, &given) else { return Ok(None) };
        let (stage, world) = (self.stage(&given)?, World::new(&given));
        Ok(Some(Timed { trial: self, stage, world, call, given }))
    }
}

/// A call that is made again and again, with nothing kept of it.
pub struct Timed<'a> {
    trial: &'a Trial,
    stage: Stage,
    world: World,
    call: Call,
    given: Given,
}

impl Timed<'_> {
    /// How long a fresh instance and the call take.
    pub async fn call(&self) -> Duration {
        self.trial.called(&self.stage, &self.world, &self.call, &self.given).await.1.took
    }
}

fn impossible(line: usize, what: String) -> Step {
    let difference = Difference { line, what, expected: String::new(), got: String::new() };
    Step { line, call: None, differences: vec![difference] }
}

fn handler(what: &What) -> Handler {
    match what {
        What::Mo { .. } => Handler::Mo,
        What::Timer { .. } => Handler::Timer,
        What::Receipt { .. } | What::ReceiptOf(_) => Handler::Receipt,
        What::HttpReply { .. } => Handler::Http,
        What::Request { .. } => Handler::Request,
        What::Check => Handler::Check,
    }
}
